using Vitrine.Models;

namespace Vitrine.Bench;

/// <summary>Trained networks: an answer, and the gradient of an answer.</summary>
internal static class Inference
{
    public static IReadOnlyList<Workload> All { get; } =
    [
        new("vgg16_forward", "VGG-16 inference, 224 x 224, batch 1", () => Answer(new Vgg16(Weights.Random(0)), 1)),
        new("vgg16_saliency", "VGG-16, gradient of one logit with respect to the 224 x 224 image, batch 1", Saliency),
        new("googlenet_forward", "GoogLeNet inference, 224 x 224, batch 1", () => Answer(new GoogLeNet(Weights.Random(0)), 1)),
        new("squeezenet_forward_b8", "SqueezeNet 1.1 inference, 224 x 224, batch 8", () => Answer(new SqueezeNet11(Weights.Random(0)), 8)),
    ];

    private static Job Answer(Module network, int batch)
    {
        Tensor x = new RandomSource(0).Normal([batch, 3, 224, 224]);
        return new Job(Step, () => [new Pass(network.Call(new Run(recording: true), x))]);

        void Step()
        {
            using var scope = MemoryScope.Open();
            _ = network.Call(new Run(), x);
        }
    }

    private static Job Saliency()
    {
        var network = new Vgg16(Weights.Random(0));
        Tensor x = new RandomSource(0).Normal([1, 3, 224, 224]).Watch();
        return new Job(Step, () => [new Pass(Logit(), x)]);

        Tensor Logit() => network.Call(new Run(recording: true), x).Slice(1, 7, 8);

        void Step()
        {
            using var scope = MemoryScope.Open();
            _ = Autograd.Backward(Logit(), null, [x])[0];
        }
    }
}
