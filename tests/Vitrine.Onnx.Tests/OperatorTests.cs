using System.Runtime.InteropServices;
using Google.Protobuf;
using Vitrine.Onnx.Proto;

namespace Vitrine.Onnx.Tests;

/// <summary>What ONNX's own operator tests, which Conformance runs, leave out.</summary>
public sealed class OperatorTests
{
    [Fact]
    public void BranchesSeeWhatIsAroundThem()
    {
        GraphProto plus = Branch("Add x bias -> z"), minus = Branch("Sub x bias -> z");
        OnnxModule net = new ModelWriter().Input("x", 2).Output("y", 2).Weight("bias", [1], 10).Add(ModelWriter.Floats("zero", [], 0))
            .Add(ModelWriter.Longs("first", 0))
            .Do("ReduceSum x -> sum", ("keepdims", 0)).Do("Greater sum zero -> positive")
            .Do("choice: If positive -> y", ("then_branch", plus), ("else_branch", minus)).Open();
        foreach (bool fused in new[] { true, false })
        {
            Assert.Equal([11, 12], net.Call(new Run(fused: fused), Tensor.From(1f, 2)).ToArray());
            Assert.Equal([-11, -12], net.Call(new Run(fused: fused), Tensor.From(-1f, -2)).ToArray());
        }
        Tensor x = Tensor.From(1f, 2).Watch(), bias = net.Parameters.Single(p => p.Name == "bias").Value;
        Gradients gradients = Autograd.Backward(net.Call(new Run(recording: true), x).Sum(), null, [x, bias]);
        Assert.Equal([1, 1], gradients[x].ToArray());
        Assert.Equal([2], gradients[bias].ToArray());

        static GraphProto Branch(string node)
        {
            var graph = new GraphProto { Name = "branch" };
            graph.Node.Add(ModelWriter.Node(node));
            graph.Output.Add(ModelWriter.Info("z", ElementType.Float, 2));
            return graph;
        }
    }

    [Fact]
    public void ALoopCarriesValuesStacksResultsAndNumbersItsScopes()
    {
        OnnxModule net = new ModelWriter().Input("x", 1).Output("power", 1).Output("all", 3, 1).Add(ModelWriter.Longs("times", 3))
            .Do("repeat: Loop times _ x -> power all", ("body", Body())).Open();
        Run run = new Run().Tap("times_x", "times_x#2", "times_x#3");
        Tensor[] y = net.Call(run, [Tensor.From([2f])]);
        Assert.Equal(16, y[0].Item());
        Assert.Equal([4, 8, 16], y[1].ToArray());
        Assert.Equal([4, 8, 16], run.Taps.Values.Select(t => t.Item()));
        Tensor x = Tensor.From([2f]).Watch();
        Assert.Equal(4 * 8, Autograd.Backward(net.Call(new Run(recording: true), [x])[0].Sum(), null, [x])[x].Item()); // x^4
    }

    [Fact]
    public void AnEndlessLoopIsEnded()
    {
        OnnxModule net = new ModelWriter().Input("x", 1).Output("power", 1).Output("all", "n", 1).Do("Loop _ _ x -> power all", ("body", Body()))
            .Open(new OnnxOptions { MostIterations = 1000 });
        Assert.Contains("1000 times", Assert.Throws<OnnxException>(() => net.Call(new Run(), [Tensor.From([1f])])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GradientsPassThroughPairsOfQuantisation()
    {
        OnnxModule net = new ModelWriter().Input("x", 4).Output("y", 4).Weight("scale", [], 0.1f).Do("QuantizeLinear x scale zero -> q")
            .Do("DequantizeLinear q scale zero -> d").Do("Mul d d -> y")
            .Add(Bytes("zero", ElementType.Int8, 5)).Open();
        Tensor x = Tensor.From(0.52f, -0.33f, 0, 100).Watch();
        Tensor y = net.Call(new Run(recording: true, fused: false), x);
        float[] rounded = [0.5f, -0.3f, 0, 12.2f]; // 127 - 5 steps at most
        for (int i = 0; i < 4; i++) Assert.Equal(rounded[i] * rounded[i], y.Floats[i], 1e-4f * Math.Max(1, rounded[i] * rounded[i]));
        Tensor gradient = Autograd.Backward(y.Sum(), null, [x])[x];
        float[] expected = [1, -0.6f, 0, 0]; // 2 d, and nothing where it left the range
        for (int i = 0; i < 4; i++) Assert.Equal(expected[i], gradient.Floats[i], 1e-5f);
    }

    [Fact]
    public void QuantisedWeightsAreDequantised()
    {
        OnnxModule net = new ModelWriter().Input("x", "n", 2).Output("y", "n", 2).Weight("scales", [2], 0.5f, 0.25f)
            .Add(Bytes("w", ElementType.Int8, 2, -4, 6, 8))
            .Do("DequantizeLinear w scales -> dw", ("axis", 1)).Do("MatMul x dw -> y").Open();
        // [[2 * 0.5, -4 * 0.25], [6 * 0.5, 8 * 0.25]]
        Assert.Equal([1 + 2 * 3, -1 + 2 * 2], net.Predict(Tensor.From([1f, 2], [1, 2])).ToArray());
    }

    [Fact]
    public void ALargeQuantisedWeightIsDequantisedOnce()
    {
        // 1.2 million elements, more than a constant of nothing may have.
        ModelWriter model = new ModelWriter().Input("x", "n", 1200).Output("y", "n", 1000).Weight("scale", [], 0.5f).Do("DequantizeLinear w scale -> dw")
            .Do("MatMul x dw -> y");
        TensorProto weight = Bytes("w", ElementType.Int8, new sbyte[1_200_000]);
        weight.Dims.Clear();
        weight.Dims.AddRange([1200, 1000]);
        OnnxModule net = model.Add(weight).Open();
        Assert.Equal(1, net.Steps);
        Assert.Empty(net.Parameters); // a scale says how, and is not learned
    }

    [Theory]
    [InlineData("forward")]
    [InlineData("reverse")]
    [InlineData("bidirectional")]
    public void AnLstmWithPeepholesFollowsItsFormula(string direction)
    {
        int directions = direction == "bidirectional" ? 2 : 1;
        OnnxModule net = new ModelWriter().Input("x", 4, 2, 3).Output("y", 4, directions, 2, 2).Output("h", directions, 2, 2).Output("c", directions, 2, 2)
            .Random("w", 1, directions, 8, 3).Random("r", 2, directions, 8, 2).Random("b", 3, directions, 16).Random("p", 4, directions, 6)
            .Do("LSTM x w r b _ _ _ p -> y h c", ("hidden_size", 2), ("direction", direction)).Open();
        Tensor x = new RandomSource(5).Normal([4, 2, 3], 0, 1);
        Tensor[] y = net.Call(new Run(), [x]);
        IReadOnlyDictionary<string, Tensor> s = net.State();
        for (int d = 0; d < directions; d++)
        {
            for (int n = 0; n < 2; n++)
            {
                double[] h = [0, 0], c = [0, 0];
                for (int step = 0; step < 4; step++)
                {
                    int t = direction == "reverse" || d == 1 ? 3 - step : step;
                    double[] next = new double[2];
                    double[] before = [.. h];
                    for (int k = 0; k < 2; k++)
                    {
                        double Gate(int g) =>
                            Enumerable.Range(0, 3).Sum(i => (double)s["w"][d, g * 2 + k, i] * x[t, n, i])
                            + Enumerable.Range(0, 2).Sum(i => (double)s["r"][d, g * 2 + k, i] * before[i])
                            + s["b"][d, g * 2 + k] + s["b"][d, 8 + g * 2 + k];
                        double input = Sigmoid(Gate(0) + s["p"][d, k] * c[k]), forget = Sigmoid(Gate(2) + s["p"][d, 4 + k] * c[k]);
                        double cell = forget * c[k] + input * Math.Tanh(Gate(3));
                        h[k] = Sigmoid(Gate(1) + s["p"][d, 2 + k] * cell) * Math.Tanh(cell);
                        next[k] = cell;
                    }
                    c = next;
                    for (int k = 0; k < 2; k++) Assert.Equal(h[k], y[0][t, d, n, k], 1e-5);
                }
                for (int k = 0; k < 2; k++)
                {
                    Assert.Equal((h[k], c[k]), (y[1][d, n, k], y[2][d, n, k]),
                        (a, b) => Math.Abs(a.Item1 - b.Item1) < 1e-5 && Math.Abs(a.Item2 - b.Item2) < 1e-5);
                }
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void AGruFollowsItsFormula(int linearBeforeReset)
    {
        OnnxModule net = new ModelWriter().Input("x", 3, 1, 2).Output("y", 3, 1, 1, 2).Random("w", 1, 1, 6, 2).Random("r", 2, 1, 6, 2).Random("b", 3, 1, 12)
            .Do("GRU x w r b -> y", ("hidden_size", 2), ("linear_before_reset", linearBeforeReset)).Open();
        Tensor x = new RandomSource(6).Normal([3, 1, 2], 0, 1);
        IReadOnlyDictionary<string, Tensor> s = net.State();
        foreach (bool fused in new[] { true, false })
        {
            Tensor y = net.Call(new Run(fused: fused), x);
            double[] h = [0, 0];
            for (int t = 0; t < 3; t++)
            {
                double[] z = new double[2], r = new double[2], next = new double[2];
                for (int k = 0; k < 2; k++) (z[k], r[k]) = (Sigmoid(W(0, k) + R(0, k, h)), Sigmoid(W(1, k) + R(1, k, h)));
                double[] reset = [r[0] * h[0], r[1] * h[1]];
                for (int k = 0; k < 2; k++)
                {
                    double fresh = Math.Tanh(W(2, k) + (linearBeforeReset == 1 ? r[k] * R(2, k, h) : R(2, k, reset)));
                    next[k] = (1 - z[k]) * fresh + z[k] * h[k];
                }
                h = next;
                for (int k = 0; k < 2; k++) Assert.Equal(h[k], y[t, 0, 0, k], 1e-5);

                double W(int g, int k) => Enumerable.Range(0, 2).Sum(i => (double)s["w"][0, g * 2 + k, i] * x[t, 0, i]) + s["b"][0, g * 2 + k];
            }
        }

        double R(int g, int k, double[] h) => Enumerable.Range(0, 2).Sum(i => s["r"][0, g * 2 + k, i] * h[i]) + s["b"][0, 6 + g * 2 + k];
    }

    [Fact]
    public void TheDeterminantHasItsGradient()
    {
        OnnxModule net = new ModelWriter().Input("x", "n", 3, 3).Output("y", "n").Do("Det x -> y").Open();
        Tensor x = Tensor.From([0f, 2, 1, 3, 0, -1, 1, 1, 4, 1, 0, 0, 0, 1, 0, 0, 0, 1], [2, 3, 3]).Watch();
        Tensor y = net.Call(new Run(recording: true), x);
        Assert.Equal([-23, 1], y.ToArray().Select(v => MathF.Round(v, 3)));
        // d det = cofactors.
        float[] expected = [1, -13, 3, -7, -1, 2, -2, 3, -6, 1, 0, 0, 0, 1, 0, 0, 0, 1];
        float[] actual = Autograd.Backward(y.Sum(), null, [x])[x].ToArray();
        for (int i = 0; i < actual.Length; i++) Assert.Equal(expected[i], actual[i], 1e-4f);
    }

    [Fact]
    public void AttentionIsTheEnginesOwn()
    {
        Tensor q = Drawn(1), k = Drawn(2), v = Drawn(3);
        OnnxModule net = new ModelWriter(23).Input("q", 2, 5, 8).Input("k", 2, 5, 8).Input("v", 2, 5, 8).Output("y", 2, 5, 8)
            .Do("Attention q k v -> y", ("q_num_heads", 2), ("kv_num_heads", 2), ("is_causal", 1)).Open();
        Tensor expected = TensorOps.ScaledDotProductAttention(Heads(q), Heads(k), Heads(v), causal: true).Output.Permute(0, 2, 1, 3).Reshape(2, 5, 8);
        Assert.True((net.Call(new Run(), q, k, v)[0] - expected).Abs().Max([]).Item() < 1e-5f);
        // A head of keys for two heads of queries is the same head twice.
        OnnxModule grouped = new ModelWriter(23).Input("q", 2, 5, 8).Input("k", 2, 5, 4).Input("v", 2, 5, 4).Output("y", 2, 5, 8)
            .Do("Attention q k v -> y", ("q_num_heads", 2), ("kv_num_heads", 1)).Open();
        Tensor k1 = k.Slice(2, 0, 4), v1 = v.Slice(2, 0, 4);
        Tensor twice = TensorOps.ScaledDotProductAttention(Heads(q), Heads(TensorOps.Concat(2, k1, k1)), Heads(TensorOps.Concat(2, v1, v1)))
            .Output.Permute(0, 2, 1, 3).Reshape(2, 5, 8);
        Assert.True((grouped.Call(new Run(), q, k1, v1)[0] - twice).Abs().Max([]).Item() < 1e-5f);

        static Tensor Drawn(ulong seed) => new RandomSource(seed).Normal([2, 5, 8], 0, 1);

        static Tensor Heads(Tensor x) => x.Reshape(2, 5, 2, 4).Permute(0, 2, 1, 3);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void RotationKeepsLengthsAndMakesScoresDependOnDistance(int interleaved)
    {
        OnnxModule net = new ModelWriter(23).Input("x", 1, 1, 6, 4).Input("cos", 1, 6, 2).Input("sin", 1, 6, 2).Output("y", 1, 1, 6, 4)
            .Do("RotaryEmbedding x cos sin -> y", ("interleaved", interleaved)).Open();
        float[] angles = [.. Enumerable.Range(0, 12).Select(i => i / 2 * (i % 2 == 0 ? 1 : 0.1f))];
        Tensor a = Tensor.From(angles, [1, 6, 2]), row = new RandomSource(4).Normal([1, 1, 1, 4], 0, 1), other = new RandomSource(5).Normal([1, 1, 1, 4], 0, 1);
        Tensor x = Turned(row), y = Turned(other);
        for (int t = 0; t < 6; t++) Assert.Equal(row.Square().Sum().Item(), x.Slice(2, t, t + 1).Square().Sum().Item(), 1e-4f);
        // Two places apart is two places apart.
        float[] scores = [.. Enumerable.Range(0, 4).Select(t => (x.Slice(2, t, t + 1) * y.Slice(2, t + 2, t + 3)).Sum().Item())];
        Assert.All(scores, s => Assert.Equal(scores[0], s, 1e-4f));

        Tensor Turned(Tensor v) => net.Call(new Run(), v.Expand([1, 1, 6, 4]), a.Cos(), a.Sin())[0];
    }

    [Fact]
    public void AnAffineGridReadsThePictureAsItIs()
    {
        OnnxModule net = new ModelWriter(20).Input("x", 1, 2, 4, 5).Output("y", 1, 2, 4, 5).Weight("theta", [1, 2, 3], 1, 0, 0, 0, 1, 0)
            .Add(ModelWriter.Longs("size", 1, 2, 4, 5))
            .Do("AffineGrid theta size -> grid", ("align_corners", 1)).Do("GridSample x grid -> y", ("align_corners", 1), ("mode", "linear")).Open();
        Tensor x = new RandomSource(6).Normal([1, 2, 4, 5], 0, 1);
        Assert.True((net.Predict(x) - x).Abs().Max([]).Item() < 1e-5f);
    }

    [Fact]
    public void EveryOperatorHasADefinitionInOperatorSet17OrLater() =>
        Assert.All(Registry.Names.Where(n => !n.Contains('.')), n => Assert.NotNull(Registry.Find("", n, OperatorSets.Newest)));

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    /// <summary>Carries v times x.</summary>
    private static GraphProto Body()
    {
        var body = new GraphProto { Name = "body" };
        body.Input.AddRange([ModelWriter.Info("i", ElementType.Int64), ModelWriter.Info("go", ElementType.Bool), ModelWriter.Info("v", ElementType.Float, 1)]);
        NodeProto times = ModelWriter.Node("Mul v x -> w");
        times.Name = "times_x";
        body.Node.AddRange([times, ModelWriter.Node("Identity go -> on"), ModelWriter.Node("Identity w -> out")]);
        body.Output.AddRange([ModelWriter.Info("on", ElementType.Bool), ModelWriter.Info("w", ElementType.Float, 1),
            ModelWriter.Info("out", ElementType.Float, 1)]);
        return body;
    }

    private static TensorProto Bytes(string name, ElementType type, params sbyte[] values)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)type, RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<sbyte>(values)) };
        if (values.Length > 1) tensor.Dims.AddRange([values.Length / 2, 2]);
        return tensor;
    }
}
