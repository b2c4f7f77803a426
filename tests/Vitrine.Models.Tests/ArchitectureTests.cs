using System.Text.Json;

namespace Vitrine.Models.Tests;

/// <summary>Every architecture against torchvision's (parameters.json and answers.json, made by reference.py).</summary>
public sealed class ArchitectureTests
{
    private static readonly Dictionary<string, Func<Weights, Module>> Networks = new()
    {
        ["mlp"] = w => new Mlp(w, 784, 512, 10),
        ["resnet18"] = w => ResNet.ResNet18(w),
        ["resnet20"] = w => ResNet.ResNet20(w),
        ["alexnet"] = w => new AlexNet(w),
        ["vgg16"] = w => new Vgg16(w),
        ["googlenet"] = w => new GoogLeNet(w),
        ["googlenet_transform"] = w => new GoogLeNet(w, transformInput: true),
        ["squeezenet1_1"] = w => new SqueezeNet11(w),
        ["dcgan_generator"] = w => new DcganGenerator(w),
        ["dcgan_discriminator"] = w => new DcganDiscriminator(w),
    };

    public static TheoryData<string> Names => [.. Networks.Keys];

    /// <summary>The large ones differ from AlexNet in nothing that a gradient would show, and take gigabytes.</summary>
    public static TheoryData<string> Trainable => [.. Networks.Keys.Where(n => n is not ("alexnet" or "vgg16" or "googlenet_transform"))];

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryReferenceHasANetwork(string name)
    {
        Assert.Equal(Networks.Keys.Order(), Read("parameters.json").Keys.Order());
        Assert.True(Read("answers.json").ContainsKey(name));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void NamesShapesAndAnswersAreTorchvisions(string name)
    {
        Dictionary<string, JsonElement> shapes = Read("parameters.json")[name];
        var state = new Dictionary<string, Tensor>();
        foreach ((string parameter, JsonElement shape) in shapes) state.Add(parameter, Value(parameter, ShapeOf(shape), (uint)state.Count + 1));

        // A name that is missing or has another shape throws here.
        Weights weights = Weights.From(state);
        Module network = Networks[name](weights);
        Assert.Empty(weights.Unused);
        Assert.Equal(shapes.Keys.Where(n => !IsBuffer(n)), network.Parameters.Select(p => p.Name));
        Assert.Equal(shapes.Keys.Where(IsBuffer), network.Buffers.Select(p => p.Name));

        Dictionary<string, JsonElement> answer = Read("answers.json")[name];
        Tensor y = network.Predict(Input(ShapeOf(answer["input"])));
        Assert.Equal(ShapeOf(answer["output"]), y.Shape);
        // The deviation between outputs, not their size: a large common part would hide an error.
        double tolerance = 1e-4 * answer["deviation"].GetDouble();
        foreach ((JsonElement at, JsonElement value) in answer["at"].EnumerateArray().Zip(answer["values"].EnumerateArray()))
        {
            Assert.Equal(value.GetDouble(), y.Floats[at.GetInt32()], tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Trainable))]
    public void TrainingReachesEveryParameter(string name)
    {
        Module network = Networks[name](Weights.Random(1));
        int[] input = [.. ShapeOf(Read("answers.json")[name]["input"]).Dims];
        // Small pictures are enough where the architecture allows them.
        if (input[^1] == 224) input[^1] = input[^2] = 96;
        input[0] = 2;
        Tensor y = network.Call(new Run(training: true, recording: true, seed: 1), Input(Shape.Create(input)));
        Gradients gradients = Autograd.Backward(y.Square().Sum(), null, [.. network.Parameters.Select(p => p.Value)]);
        for (int i = 0; i < gradients.Count; i++)
        {
            Assert.True(gradients.Reached(i), network.Parameters[i].Name);
            Assert.True(gradients[i].ToArray().All(float.IsFinite), network.Parameters[i].Name);
        }
    }

    [Fact]
    public void AScopeIsNamedAsInTorchvision()
    {
        var run = new Run();
        run.Tap("layer2.0.relu#2", "layer3.1.bn1", "layer2.0.downsample.0");
        ResNet.ResNet18(Weights.Random(1)).Call(run, Input([1, 3, 64, 64]));
        Assert.Equal(3, run.Taps.Count);
        Assert.Equal([1, 128, 8, 8], run.Taps["layer2.0.relu#2"].Shape);
    }

    [Fact]
    public void APictureThatDoesNotDivideIsRefusedWithItsSize()
    {
        var refusal = Assert.Throws<ArgumentException>(() => new AlexNet(Weights.Random(1), classes: 2).Predict(Input([1, 3, 255, 255])));
        Assert.Contains("7 x 7", refusal.Message);
    }

    private static bool IsBuffer(string name) => name.Contains("running_") || name.EndsWith("num_batches_tracked");

    private static Shape ShapeOf(JsonElement dims) => Shape.Create([.. dims.EnumerateArray().Select(d => d.GetInt32())]);

    private static Tensor Input(Shape shape) => Fill(shape, 0, -0.5f, 4);

    /// <summary>The value of a parameter or buffer; the same formula is in reference.py.</summary>
    private static Tensor Value(string name, Shape shape, uint stream)
    {
        if (name.EndsWith("num_batches_tracked")) return Tensor.Zeros(shape);
        if (name.EndsWith("running_mean")) return Fill(shape, stream, -0.5f, 0.5f);
        if (name.EndsWith("running_var") || (shape.Rank == 1 && name.EndsWith("weight"))) return Fill(shape, stream, 0.5f, 1);
        if (shape.Rank == 1) return Fill(shape, stream, -0.5f, 0.25f);
        return Fill(shape, stream, -0.5f, (float)(2 * Math.Sqrt(6.0 / (shape.Count / shape[0]))));
    }

    /// <summary>(u + shift) x scale with u in [0, 1), a function of stream and place alone.</summary>
    private static Tensor Fill(Shape shape, uint stream, float shift, float scale)
    {
        float[] values = new float[shape.Count];
        for (int i = 0; i < values.Length; i++)
        {
            uint h = (uint)i * 2654435761u + stream * 0x9E3779B9u;
            h ^= h >> 16;
            h *= 0x85EBCA6Bu;
            h ^= h >> 13;
            h *= 0xC2B2AE35u;
            h ^= h >> 16;
            values[i] = ((h >> 8) * (1f / (1 << 24)) + shift) * scale;
        }
        return Tensor.From(values, shape);
    }

    private static Dictionary<string, Dictionary<string, JsonElement>> Read(string name)
    {
        using Stream stream = typeof(ArchitectureTests).Assembly.GetManifestResourceStream(name)!;
        return JsonSerializer.Deserialize<Dictionary<string, Dictionary<string, JsonElement>>>(stream)!;
    }
}
