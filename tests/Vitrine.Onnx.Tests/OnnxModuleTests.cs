namespace Vitrine.Onnx.Tests;

public sealed class OnnxModuleTests
{
    private static readonly Tensor Input = new RandomSource(42).Normal([3, 2, 8, 8], 0, 1);

    [Fact]
    public void WeightsKeepTheirNamesAndAreParametersAndStatisticsAreBuffers()
    {
        OnnxModule net = ModelWriter.SmallNetwork().Open();
        Assert.Equal(["c1.weight", "c1.bias", "bn.weight", "bn.bias", "c2.weight", "fc.weight", "fc.bias"], net.Parameters.Select(p => p.Name));
        Assert.Equal(["bn.running_mean", "bn.running_var"], net.Buffers.Select(p => p.Name));
        Assert.Equal(Shape.Create(3, 64), net.State()["fc.weight"].Shape);
        Assert.All(net.Parameters, p => Assert.True(p.Value.IsRecorded));
    }

    [Fact]
    public void PortsTellNamesTypesAndShapes()
    {
        OnnxModule net = ModelWriter.SmallNetwork().Open();
        Assert.Equal("x: float [batch, 2, 8, 8]", Assert.Single(net.Inputs).ToString());
        Assert.Equal("y: float [batch, 3]", Assert.Single(net.Outputs).ToString());
        Assert.Equal(DType.Float32, net.Inputs[0].DType);
        Assert.Equal("/c1/Conv_output_0", net.Values[0]);
    }

    [Fact]
    public void ABatchEqualsItsSingles()
    {
        OnnxModule net = ModelWriter.SmallNetwork().Open();
        Tensor all = net.Predict(Input);
        for (int i = 0; i < 3; i++) Close(all.Slice(0, i, i + 1), net.Predict(Input.Slice(0, i, i + 1)));
    }

    [Fact]
    public void TheShortWayGivesTheAnswerOfTheGraphAsItIsWritten()
    {
        OnnxModule net = ModelWriter.SmallNetwork().Open();
        Assert.Equal(net.Values.Count - 2, net.Steps); // batch normalisation and ReLU are part of their convolution
        Tensor written = net.Call(new Run(fused: false), Input);
        Close(written, net.Predict(Input));
        Close(written, net.Call(new Run(), Input));
        Close(written, net.Call(new Run(recording: true), Input));
        Close(written, net.Call(new Run().Tap("y"), Input));
    }

    [Fact]
    public void TheShortWayFollowsWhenParametersChange()
    {
        OnnxModule net = ModelWriter.SmallNetwork().Open();
        Tensor before = net.Predict(Input);
        foreach (string name in new[] { "c1.weight", "bn.running_mean", "bn.weight", "fc.bias" })
        {
            Parameter parameter = net.Parameters.Concat(net.Buffers).Single(p => p.Name == name);
            parameter.Assign(parameter.Value.Detach() * 1.5f + 0.25f);
            Tensor after = net.Predict(Input);
            Close(net.Call(new Run(fused: false), Input), after);
            Assert.True((after - before).Abs().Max([]).Item() > 1e-3f, $"{name} changed nothing");
            before = after;
        }
    }

    [Fact]
    public void ValuesOfOneBufferStayAsLongAsOneOfThemIsNeeded()
    {
        // y is read as itself and as its reshape, after other values came and went.
        OnnxModule net = new ModelWriter().Input("x", "n", 64).Output("sum", "n", 64).Output("flat", "m").Add(ModelWriter.Longs("all", -1))
            .Add(ModelWriter.Longs("back", -1, 64))
            .Do("Exp x -> a").Do("Reshape a all -> flat").Do("Identity a -> b").Do("Neg b -> c").Do("Abs c -> d").Do("Reshape flat back -> e").Do("Exp d -> f")
            .Do("Add e f -> g")
            .Do("Neg g -> h").Do("Neg h -> sum").Open();
        Tensor x = new RandomSource(1).Normal([5, 64], 0, 1);
        using var scope = MemoryScope.Open();
        Tensor[] outputs = net.Call(new Run(), [x]);
        for (int i = 0; i < 10; i++) net.Call(new Run(), [x * i]); // whoever reads a buffer that was given back finds other numbers in it
        Close(x.Exp() + x.Exp().Exp(), outputs[0]);
        Close(x.Exp().Reshape(-1), outputs[1]);
    }

    [Fact]
    public void ANodesNameAndAValuesNameAreTapped()
    {
        OnnxModule net = ModelWriter.SmallNetwork().Open();
        Run run = new Run().Tap("/relu/Relu", "/relu/Relu_output_0", "x", "shape");
        net.Call(run, Input);
        Assert.Equal(run.Taps["/relu/Relu"].ToArray(), run.Taps["/relu/Relu_output_0"].ToArray());
        Assert.Equal(Input.ToArray(), run.Taps["x"].ToArray());
        Assert.Equal([3, 4, 4, 4], run.Taps["shape"].Longs.ToArray());
        Run all = new Run().Tap();
        net.Call(all, Input);
        Assert.All(net.Values, v => Assert.Contains(v, all.Taps.Keys));
    }

    [Fact]
    public void ValuesAreEdited()
    {
        OnnxModule net = ModelWriter.SmallNetwork().Open();
        Tensor bias = net.State()["fc.bias"];
        foreach (string name in new[] { "/Reshape", "/Reshape_output_0" })
        {
            Tensor y = net.Call(new Run().Edit(name, x => x * 0), Input);
            Close(bias.Expand([3, 3]), y);
        }
    }

    [Fact]
    public void AnEditAppliesOnceWhereNodeAndValueShareAName()
    {
        OnnxModule net = new ModelWriter().Input("x", 1).Output("b", 1).Do("a: Identity x -> a").Do("a: Neg a -> b").Do("x: Identity x -> unused").Open();
        Assert.Equal(-6, net.Call(new Run().Edit("a", v => v * 2), Tensor.From([3f])).Item());
        Assert.Equal(-3, net.Call(new Run().Edit("x", v => v + 0), Tensor.From([3f])).Item());
        Assert.Equal(-6, net.Call(new Run().Edit("x", v => v * 2), Tensor.From([3f])).Item());
    }

    [Fact]
    public void GradientsReachInputsAndWeights()
    {
        OnnxModule net = ModelWriter.SmallNetwork().Open();
        Tensor x = Input.Watch(), w = net.Parameters.Single(p => p.Name == "c1.weight").Value;
        Tensor y = net.Call(new Run(recording: true, fused: false), x);
        Gradients gradients = Autograd.Backward(y.Sum(), null, [x, w]);
        Assert.Equal(x.Shape, gradients[x].Shape);
        // Against the difference quotient along the gradient itself.
        Tensor direction = gradients[x] * (1 / gradients[x].Norm([]).Item());
        float h = 1e-2f;
        double quotient = (net.Predict(Input + direction * h).Sum().Item() - net.Predict(Input - direction * h).Sum().Item()) / (2.0 * h);
        double slope = gradients[x].Norm([]).Item();
        Assert.InRange(quotient / slope, 0.97, 1.03);
        Assert.True(gradients[w].Abs().Max([]).Item() > 0);
    }

    [Fact]
    public void ScopesOfRecordedOperatorsAreNodes()
    {
        OnnxModule net = ModelWriter.SmallNetwork().Open();
        Run run = new Run(recording: true, fused: false).Tap("/pool/MaxPool_output_0");
        net.Call(run, Input.Watch());
        Assert.Equal("/pool/MaxPool", run.Taps["/pool/MaxPool_output_0"].Source!.Scope);
    }

    [Fact]
    public void SeveralInputsAndOutputs()
    {
        OnnxModule net = new ModelWriter().Input("a", "n").Input("b", "n").Output("sum", "n").Output("difference", "n").Do("Add a b -> sum")
            .Do("Sub a b -> difference").Open();
        Tensor[] y = net.Call(new Run(), Tensor.From(5f, 6), Tensor.From(2f, 3));
        Assert.Equal([7, 9], y[0].ToArray());
        Assert.Equal([3, 3], y[1].ToArray());
        Assert.Contains("takes 2 inputs", Assert.Throws<OnnxException>(() => net.Call(new Run(), Tensor.From(5f), Tensor.From(5f), Tensor.From(5f))).Message,
            StringComparison.Ordinal);
        Assert.Contains("n is 2 already", Assert.Throws<OnnxException>(() => net.Call(new Run(), Tensor.From(5f, 6), Tensor.From(2f))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void WrongInputsAreToldByName()
    {
        OnnxModule net = ModelWriter.SmallNetwork().Open();
        Assert.Contains("x: float [batch, 2, 8, 8]", Assert.Throws<OnnxException>(() => net.Predict(Tensor.Zeros([1, 2, 8]))).Message,
            StringComparison.Ordinal);
        Assert.Contains("2 positions on axis 1", Assert.Throws<OnnxException>(() => net.Predict(Tensor.Zeros([1, 3, 8, 8]))).Message, StringComparison.Ordinal);
        Assert.Contains("takes Float32", Assert.Throws<OnnxException>(() => net.Predict(Tensor.Range(128).Reshape(1, 2, 8, 8))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void AFixedBatchMayDifferWhereTheGraphFollows()
    {
        OnnxModule follows = new ModelWriter().Input("x", 1, 4).Output("y", 1, 4).Do("Relu x -> y").Open();
        Assert.Equal(Shape.Create(5, 4), follows.Predict(Tensor.Ones([5, 4])).Shape);
        OnnxModule mixes = new ModelWriter().Input("x", 1, 4).Output("y", 1, 4).Do("ReduceSum x axis -> y").Add(ModelWriter.Longs("axis", 0)).Open();
        Assert.Contains("symbolic batch", Assert.Throws<OnnxException>(() => mixes.Predict(Tensor.Ones([5, 4]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherFloatsAndIntegersAreWidened()
    {
        OnnxModule net = new ModelWriter().Input("x", ElementType.Float16, 2).Output("y", 2).Do("Cast x -> f", ("to", 1))
            .Do("Cast f -> i", ("to", (int)ElementType.Int8)).Do("Cast i -> y", ("to", 1)).Open();
        Assert.Equal([100, -56], net.Predict(Tensor.From(100.7f, 200)).ToArray());
    }

    [Fact]
    public void AFailureInARunNamesTheNode()
    {
        OnnxModule net = new ModelWriter().Input("x", "a", "b").Output("y", "c").Do("/deep/MatMul: MatMul x x -> y").Open();
        string message = Assert.Throws<OnnxException>(() => net.Predict(Tensor.Ones([2, 3]))).Message;
        Assert.Contains("/deep/MatMul (MatMul)", message, StringComparison.Ordinal);
        Assert.Contains("[2, 3]", message, StringComparison.Ordinal);
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        Assert.True((expected.Detach() - actual.Detach()).Abs().Max([]).Item() <= 1e-5f * Math.Max(1, expected.Detach().Abs().Max([]).Item()),
            $"{expected} and {actual}");
    }
}
