using Vitrine.Insight;
using Vitrine.Models;

namespace Vitrine.Bench;

/// <summary>Questions to a trained network, projections and embeddings.</summary>
internal static class Explanation
{
    public static IReadOnlyList<Workload> All { get; } =
    [
        new("ig50_squeezenet", "Integrated gradients, 50 steps, SqueezeNet 1.1 at 224 x 224, one image",
            () => Explain(new SqueezeNet11(Weights.Random(0)), new IntegratedGradients(50), [1, 3, 224, 224])),
        new("occlusion_squeezenet", "Occlusion, 32 x 32 window, stride 16, SqueezeNet 1.1 at 224 x 224, one image: 13 x 13 = 169 positions",
            () => Explain(new SqueezeNet11(Weights.Random(0)), new Occlusion([3, 32, 32], [3, 16, 16]), [1, 3, 224, 224])),
        new("kernelshap_lenet", "KernelSHAP, 1,000 samples over 49 segments of 4 x 4 pixels, LeNet-5, one image",
            () => Explain(new LeNet5(Weights.Random(0)), new KernelShap(Features.Of(Segments()), samples: 1000), [1, 1, 28, 28])),
        new("deeplift_vgg16", "DeepLIFT (rescale), VGG-16 at 224 x 224, one image, zero baseline",
            () => Explain(new Vgg16(Weights.Random(0)), new DeepLift(), [1, 3, 224, 224])),
        new("tsne_5k", "t-SNE, 5,000 points of 50 numbers in 10 clusters, perplexity 30, 1,000 iterations (Barnes-Hut)", Tsne),
        Workload.Missing("word2vec",
            "Skip-gram with 5 negative samples, 100 numbers, window 5, one epoch over 1,000,000 Zipf-distributed tokens of 20,000 words, no subsampling",
            "word2vec"),
    ];

    private static Job Explain(Module network, IAttribution method, Shape shape)
    {
        Tensor x = new RandomSource(0).Normal(shape);
        return new Job(() => method.Explain(network, x, Target.Class(3)));
    }

    // 7 x 7 squares of 4 x 4 pixels.
    private static Tensor Segments() => Tensor.From([.. Enumerable.Range(0, 28 * 28).Select(i => (long)((i / 28 / 4 * 7) + (i % 28 / 4)))], [1, 28, 28]);

    // The peer's clusters are drawn from numpy's generator, these from ours, in the same way: centres of deviation 4, points of deviation 1 about them.
    private static Job Tsne()
    {
        Tensor data = TsneCommand.Clusters(5000);
        Tsne? last = null;
        return new Job(Run, Quality: Worth);

        string Worth() =>
            $"KL divergence {last!.Divergence(exact: true):0.0000}, trustworthiness (10 neighbours) {MapQuality.Trustworthiness(data, last.Map):0.0000}";

        void Run()
        {
            last = new Tsne(data, new TsneSettings { Perplexity = 30, Steps = 1000, Method = TsneMethod.BarnesHut });
            last.Run();
        }
    }
}
