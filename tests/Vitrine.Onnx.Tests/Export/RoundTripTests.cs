using Vitrine.Models;

namespace Vitrine.Onnx.Tests.Export;

/// <summary>What is exported and opened again says what the network says.</summary>
public sealed class RoundTripTests
{
    public static TheoryData<string> Names => [.. ExportCase.All.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void TheFileSaysWhatTheNetworkSaysForBatchesOfAnySize(string name)
    {
        ExportCase network = ExportCase.All.Single(c => c.Name == name);
        Module module = network.Network();
        using var folder = new Folder();
        network.Export(module, folder["network.onnx"]);
        OnnxModule opened = OnnxModel.Open(folder["network.onnx"]);
        foreach (int n in new[] { 1, 2, 5 })
        {
            Tensor[] inputs = network.Inputs(n), expected = network.Answers(module, inputs);
            Tensor[] actual = opened.Call(new Run(), (Tensor[])inputs.Clone()), recorded = opened.Call(new Run(fused: false), (Tensor[])inputs.Clone());
            Assert.Equal(expected.Length, actual.Length);
            for (int i = 0; i < expected.Length; i++)
            {
                Near.Assert(expected[i], actual[i]);
                Near.Assert(expected[i], recorded[i]);
            }
        }
    }

    /// <summary>Half a gigabyte of weights and no input smaller than 224 x 224: takes some seconds and 4 GB, so once, with one other batch.</summary>
    [Fact]
    [Trait("Speed", "Slow")]
    public void Vgg16()
    {
        // All parameters alike but for their size: drawing 138 million takes longer than the test.
        var shapes = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        var random = new RandomSource(3);
        int channels = 3;
        (int, int)[] convolutions =
            [(0, 64), (2, 64), (5, 128), (7, 128), (10, 256), (12, 256), (14, 256), (17, 512), (19, 512), (21, 512), (24, 512), (26, 512), (28, 512)];
        foreach ((int layer, int width) in convolutions)
        {
            shapes[$"features.{layer}.weight"] = random.Normal([width, channels, 3, 3], 0, MathF.Sqrt(2f / (9 * channels)));
            shapes[$"features.{layer}.bias"] = random.Uniform([width], -0.1f, 0.1f);
            channels = width;
        }
        foreach ((int layer, int from, int to) in new[] { (0, 512 * 49, 4096), (3, 4096, 4096), (6, 4096, 10) })
        {
            // One drawn column, stretched: the product is still one of every input with every output.
            shapes[$"classifier.{layer}.weight"] = random.Normal([to, 1], 0, 1f / MathF.Sqrt(from)).Expand([to, from]);
            shapes[$"classifier.{layer}.bias"] = random.Uniform([to], -0.1f, 0.1f);
        }
        var module = new Vgg16(Weights.From(shapes), classes: 10);
        using var folder = new Folder();
        using (FileStream file = File.Create(folder["vgg16.onnx"])) OnnxExport.Write(module, ExportCase.Normal(1, 3, 224, 224), file);
        OnnxModule opened = OnnxModel.Open(folder["vgg16.onnx"]);
        Tensor two = ExportCase.Normal(2, 3, 224, 224);
        Near.Assert(module.Predict(two), opened.Predict(two));
    }
}
