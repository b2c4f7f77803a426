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
        FromFile("squeezenet_onnx_forward_b8", "SqueezeNet 1.1 from its ONNX file, 227 x 227, batch 8", "squeezenet1_1.onnx", 8),
    ];

    /// <summary>A network of the folder nets of VITRINE_DATA.</summary>
    private static Workload FromFile(string name, string description, string file, int batch)
    {
        string? data = Environment.GetEnvironmentVariable("VITRINE_DATA");
        string path = Path.Combine(data ?? "", "nets", file);
        return data is not null && File.Exists(path)
            ? new Workload(name, description, () => Answer(OnnxModel.Open(path), batch))
            : Workload.Missing(name, description, $"nets/{file} in the folder that VITRINE_DATA names");
    }

    private static Job Answer(Module network, int batch)
    {
        int size = network is OnnxModule file ? file.Inputs[0].Shape![^1].Size!.Value : 224;
        Tensor x = new RandomSource(0).Normal([batch, 3, size, size]);
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
