using System.Text.Json;
using Vitrine.Models;

namespace Vitrine.Insight.Tests;

/// <summary>LeNet-5 with the weights of the golden network, against what Captum answers.</summary>
public sealed class LeNetGoldenTests
{
    private const int GoldenTarget = 1;
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "goldens");
    private static readonly IReadOnlyDictionary<string, Tensor> Golden = SafeTensors.Load(Path.Combine(Folder, "lenet.golden.safetensors"), out Metadata);
    private static readonly IReadOnlyDictionary<string, string> Metadata;

    public static TheoryData<string> Cases()
    {
        var cases = new TheoryData<string>
        {
            "gradient",
            "input_x_gradient",
            "guided_backprop",
            "deconvolution",
        };
        foreach (string layer in new[] { "pool1", "relu2", "relu3" })
        {
            cases.Add($"layer_gradient_x_activation:{layer}");
            cases.Add($"neuron_gradient:{layer}");
            cases.Add($"neuron_guided_backprop:{layer}");
        }
        return cases;
    }

    [Fact]
    public void OutputEqualsGolden() => AssertClose(Golden["output"], Net().Predict(Golden["input"]), 1e-4f);

    [Fact]
    public void ActivationsEqualGolden()
    {
        var activations = Network.Activations(Net(), Golden["input"]).ToDictionary(a => a.Key, a => a.Value, StringComparer.Ordinal);
        foreach (string layer in new[] { "pool1", "relu2", "relu3" }) AssertClose(Golden[$"layer_activation:{layer}"], activations[layer], 1e-4f);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void AttributionEqualsCaptum(string name)
    {
        string method = name.Split(':')[0];
        using JsonDocument methods = JsonDocument.Parse(Metadata["methods"]);
        JsonElement options = methods.RootElement.GetProperty(name);
        string? layer = options.TryGetProperty("layer", out JsonElement l) ? l.GetString() : null;
        int[]? neuron = options.TryGetProperty("neuron", out JsonElement n) ? [.. n.EnumerateArray().Select(c => c.GetInt32())] : null;
        IAttribution attribution = method switch
        {
            "gradient" or "neuron_gradient" => new Gradient(),
            "input_x_gradient" or "layer_gradient_x_activation" => new InputXGradient(),
            "guided_backprop" or "neuron_guided_backprop" => new GuidedBackprop(),
            _ => new Deconvnet(),
        };
        Target target = neuron is null ? Target.Class(GoldenTarget) : Target.Neuron(layer!, neuron);
        Attribution found = attribution.Explain(Net(), Golden["input"], target, neuron is null ? layer : null);
        AssertClose(Golden[name], found.Values, 1e-3f);
    }

    internal static LeNet5 Net() => new(Weights.From(OnnxInitializers.Read(Path.Combine(Folder, "lenet.onnx"))));

    internal static Tensor Input => Golden["input"];

    internal static Tensor GoldenTensor(string name) => Golden[name];

    internal static void AssertClose(Tensor expected, Tensor actual, float relative)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        float largest = expected.Abs().Max([]).Item(), worst = (expected - actual).Abs().Max([]).Item();
        Assert.True(worst <= relative * largest, $"The largest difference is {worst}, the largest value {largest}.");
    }
}
