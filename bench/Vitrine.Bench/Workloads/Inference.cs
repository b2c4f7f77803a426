using Vitrine.Models;
using Vitrine.Onnx;

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
        Exported("vgg16", 1, () => new Vgg16(Weights.Random(0))),
        Exported("googlenet", 1, () => new GoogLeNet(Weights.Random(0))),
        Exported("squeezenet", 8, () => new SqueezeNet11(Weights.Random(0))),
    ];

    /// <summary>What is also put to ONNX Runtime: the workload that is ours, the network, and the batch.</summary>
    public static IReadOnlyList<(string Workload, Func<Module> Network, int Batch)> Files { get; } =
    [
        ("vgg16_onnx_forward", () => new Vgg16(Weights.Random(0)), 1),
        ("googlenet_onnx_forward", () => new GoogLeNet(Weights.Random(0)), 1),
        ("squeezenet_onnx_forward_b8", () => new SqueezeNet11(Weights.Random(0)), 8),
    ];

    /// <summary>A network that goes through a file; the peer's workload is the same network's own.</summary>
    private static Workload Exported(string name, int batch, Func<Module> network)
    {
        string ending = batch == 1 ? "" : $"_b{batch}";
        return new Workload($"{name}_onnx_forward{ending}", $"{name}_forward{ending} through an ONNX file: exported, opened, run", () =>
        {
            string file = Path.GetTempFileName();
            try
            {
                OnnxExport.Save(network(), Tensor.Zeros([1, 3, 224, 224]), file);
                return Answer(OnnxModel.Open(file), batch);
            }
            finally
            {
                File.Delete(file);
            }
        })
        { Peer = $"{name}_forward{ending}" };
    }

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
