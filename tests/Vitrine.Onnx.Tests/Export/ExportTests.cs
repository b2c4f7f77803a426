using Vitrine.Models;

namespace Vitrine.Onnx.Tests.Export;

/// <summary>What a file looks like, and what cannot be exported.</summary>
public sealed class ExportTests
{
    private static readonly Tensor Digit = ExportCase.Normal(1, 1, 28, 28);

    [Fact]
    public void NodesAndValuesAreNamedAfterTheModulesTheyComeFrom()
    {
        OnnxModule opened = Opened(new LeNet5(Weights.Random(0)), Digit);
        Assert.Equal(
            ["conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "flatten", "fc1", "relu3", "fc2", "relu4", "output"], opened.Values);
        Run run = new Run(recording: true, fused: false).Tap();
        Tensor output = opened.Call(run, Digit);
        Assert.Contains("/relu2/Relu", run.Taps.Keys);
        Assert.Equal("/fc3/Gemm", output.Source!.Scope);
    }

    [Fact]
    public void ALaterCallOfAModuleHasItsNumber()
    {
        OnnxModule opened = Opened(ResNet.ResNet20(Weights.Random(0)), ExportCase.Normal(1, 3, 32, 32));
        Assert.Contains("layer2.0.relu", opened.Values);
        Assert.Contains("layer2.0.relu#2", opened.Values);
        Assert.Contains("layer2.0.downsample.0", opened.Values);
    }

    [Fact]
    public void TapsHoldTheSameUnderTheSameNames()
    {
        Module module = ExportCase.Architectures.Single(c => c.Name == "ResNet20").Network();
        Tensor x = ExportCase.Normal(2, 3, 32, 32);
        OnnxModule opened = Opened(module, x);
        Run native = new Run().Tap(), file = new Run().Tap();
        module.Call(native, x);
        opened.Call(file, x);
        string[] shared = [.. native.Taps.Keys.Where(file.Taps.ContainsKey)];
        Assert.True(shared.Length >= 60, $"{shared.Length} names are shared");
        foreach (string name in shared) Near.Assert(native.Taps[name], file.Taps[name]);
    }

    [Theory]
    [InlineData("ResNet20")]
    [InlineData("LeNet5")]
    [InlineData("TransformerEncoderLayer")]
    public void WeightsKeepTheirNamesAndNumbers(string name)
    {
        ExportCase network = ExportCase.All.Single(c => c.Name == name);
        Module module = network.Network();
        OnnxModule opened = Opened(module, network.Inputs(2)[0]);
        string[] expected = Used(module.State().Keys);
        Assert.Equal(expected, opened.State().Keys);
        foreach (string key in expected) Assert.Equal(module.State()[key].ToArray(), opened.State()[key].ToArray());
        Assert.Equal(Used(module.Buffers.Select(b => b.Name)), Used(opened.Buffers.Select(b => b.Name)));

        static string[] Used(IEnumerable<string> names) =>
            [.. names.Where(n => !n.EndsWith("num_batches_tracked", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void PortsHaveNamesTypesAndAnOpenBatch()
    {
        var options = new OnnxExportOptions
        {
            InputNames = ["sequence", "lengths"],
            OutputNames = ["states", "last"],
            Batch = "N",
            Metadata = new Dictionary<string, string> { ["trained on"] = "sums" },
        };
        var stream = new MemoryStream();
        OnnxExport.Write(new Gru(Weights.Random(0), 4, 5), [ExportCase.Normal(2, 6, 4), Tensor.From([6L, 3L], [2])], stream, options);
        OnnxModule opened = OnnxModel.Open(new MemoryStream(stream.ToArray()));
        Assert.Equal("sequence: float [N, 6, 4]; lengths: int64 [N]", string.Join("; ", opened.Inputs));
        Assert.Equal("states: float [N, 6, 5]; last: float [1, N, 5]", string.Join("; ", opened.Outputs));
        Assert.Equal("sums", opened.Metadata["trained on"]);
        Assert.StartsWith("Vitrine", opened.Producer, StringComparison.Ordinal);
    }

    [Fact]
    public void AFixedBatchIsThatOfTheExample()
    {
        var scaled = new Function(x => x * x.Shape[0]);
        OnnxException refused = Assert.Throws<OnnxException>(() => Opened(scaled, ExportCase.Normal(4, 3)));
        Assert.Contains("FixedBatch", refused.Message, StringComparison.Ordinal);
        Tensor x = ExportCase.Normal(4, 3);
        OnnxModule opened = Opened(scaled, x, new OnnxExportOptions { FixedBatch = true });
        Assert.Equal("input: float [4, 3]", string.Join("; ", opened.Inputs));
        Near.Assert(x * 4f, opened.Predict(x));
    }

    [Fact]
    public void RecurrentLayersAreOneNodeForEachDirection()
    {
        OnnxModule opened = Opened(new Lstm(Weights.Random(0), 4, 5, layers: 2, bidirectional: true), ExportCase.Normal(2, 6, 4));
        Assert.Equal(4, opened.Values.Count(v => v.Contains("LSTM", StringComparison.Ordinal)));
        Assert.Contains("weight_ih_l1_reverse.iofc", opened.State().Keys);
    }

    [Fact]
    public void TheSameNetworkGivesTheSameBytes()
    {
        using var folder = new Folder();
        foreach (string file in new[] { "a.onnx", "b.onnx" }) OnnxExport.Save(new LeNet5(Weights.Random(0)), Digit, folder[file]);
        Assert.Equal(File.ReadAllBytes(folder["a.onnx"]), File.ReadAllBytes(folder["b.onnx"]));
    }

    [Fact]
    public void OperatorsThatCannotBeExportedAreAllNamedAndNothingIsWritten()
    {
        Weights weights = Weights.Random(0);
        var network = new Sequential(
            weights, new Layer(weights.In("first"), new Strange()), new Layer(weights.In("second"), new Stranger()),
            new Layer(weights.In("third"), new Strange()));
        using var folder = new Folder();
        File.WriteAllText(folder["network.onnx"], "an earlier file");
        OnnxException e = Assert.Throws<OnnxException>(() => OnnxExport.Save(network, ExportCase.Normal(2, 3), folder["network.onnx"]));
        Assert.Contains("2 operators that cannot be exported: Strange (first, third); Stranger (second)", e.Message, StringComparison.Ordinal);
        Assert.Equal("an earlier file", File.ReadAllText(folder["network.onnx"]));
        Assert.Single(folder.Files);
    }

    public static TheoryData<string, Func<Tensor, Tensor>> NotOfOperators => new()
    {
        { "detached", x => x * x.Detach() },
        { "the position of a maximum", x => x.Gather(1, x.ArgMax(1).Unsqueeze(1)) },
        { "an element", x => x * (1 + x.Floats[0]) },
        { "another path", x => x.Shape[0] > 2 ? x.Exp() : x.Log() },
        { "a longer path", x => x.Shape[0] > 2 ? x.Exp() : x.Exp().Abs() },
    };

    [Theory]
    [MemberData(nameof(NotOfOperators))]
    public void WhatIsComputedOutsideOfOperatorsIsRefused(string what, Func<Tensor, Tensor> function)
    {
        Assert.NotEmpty(what);
        Tensor x = Tensor.From([1f, 5, 2, 7, 3, 4], [2, 3]);
        Assert.Throws<OnnxException>(() => Opened(new Function(function), x));
    }

    [Theory]
    [InlineData("LeNet5")]
    [InlineData("ResNet20")]
    [InlineData("Lstm of two layers in two directions")]
    [InlineData("TransformerEncoderLayer")]
    public void WhatWasOpenedCanBeExportedAgain(string name)
    {
        ExportCase network = ExportCase.All.Single(c => c.Name == name);
        Module module = network.Network();
        Tensor x = network.Inputs(2)[0], more = network.Inputs(3)[0];
        OnnxModule once = Opened(module, x), twice = Opened(once, x);
        Near.Assert(module.Predict(more), twice.Predict(more));
        if (name == "LeNet5") Assert.Equal(once.Values, twice.Values);
        if (name != "Lstm of two layers in two directions") Assert.Equal(once.State().Keys, twice.State().Keys);
    }

    [Fact]
    public void InputsWithoutABatchInFrontAreNamedInTheError()
    {
        Tensor[] inputs = [ExportCase.Normal(2, 6, 4), ExportCase.Normal(1, 2, 5), ExportCase.Normal(1, 2, 5)];
        OnnxException e = Assert.Throws<OnnxException>(() => OnnxExport.Write(new Lstm(Weights.Random(0), 4, 5), inputs, Stream.Null));
        Assert.Contains("BatchAxes", e.Message, StringComparison.Ordinal);
        OnnxExport.Write(new Lstm(Weights.Random(0), 4, 5), inputs, Stream.Null, new OnnxExportOptions { BatchAxes = [0, 1, 1] });
    }

    [Fact]
    public void EveryOperatorThatNetworksUseCanBeExported()
    {
        // What only backward passes and training apply, and what an exported run composes.
        string[] others =
        [
            "ReluGradOp", "TanhGradOp", "SigmoidGradOp", "GeluGradOp", "GeluTanhGradOp", "SiluGradOp", "MishGradOp", "LeakyReluGradOp", "Conv2dWeightOp",
            "BatchNormTrainOp", "CtcLossOp", "AttentionOp", "ChainOp", "LinearChainOp", "RmsNormOp", "LocalResponseNormOp", "Conv2dReluOp",
        ];
        Type[] operators = [.. typeof(Op).Assembly.GetTypes().Where(t => t is { IsAbstract: false, IsNested: false } && t.IsSubclassOf(typeof(Op)))];
        Assert.Empty(operators.Where(t => !Translations.Knows(t)).Select(t => t.Name).Except(others));
    }

    [Fact]
    public void NamesMustFit()
    {
        Assert.Throws<ArgumentException>(() => Opened(new LeNet5(Weights.Random(0)), Digit, new OnnxExportOptions { InputNames = ["a", "b"] }));
        Assert.Throws<ArgumentException>(() => Opened(new LeNet5(Weights.Random(0)), Digit, new OnnxExportOptions { OutputNames = ["input"] }));
        Assert.Throws<ArgumentException>(() => Opened(new LeNet5(Weights.Random(0)), Digit, new OnnxExportOptions { BatchAxes = [7] }));
        Assert.Throws<ArgumentException>(() => Opened(new LeNet5(Weights.Random(0)), Digit, new OnnxExportOptions { InputNames = ["conv1.weight"] }));
    }

    private static OnnxModule Opened(Module module, Tensor example, OnnxExportOptions? options = null)
    {
        var stream = new MemoryStream();
        OnnxExport.Write(module, example, stream, options);
        return OnnxModel.Open(new MemoryStream(stream.ToArray()));
    }

    private sealed class Strange : Op
    {
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].Detach() * 2f;

        public override Tensor? Backward(Node node, Tensor grad, int input) => grad * 2f;
    }

    private sealed class Stranger : Op
    {
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].Detach() * 3f;

        public override Tensor? Backward(Node node, Tensor grad, int input) => grad * 3f;
    }
}
