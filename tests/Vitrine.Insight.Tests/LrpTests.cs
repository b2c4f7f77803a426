namespace Vitrine.Insight.Tests;

/// <summary>Relevance: every rule against matrix algebra on the layer's Jacobian, and what is conserved.</summary>
public sealed class LrpTests
{
    private const float Epsilon = LrpRules.Stabilizer;

    public static TheoryData<string, string> RulesAndLayers()
    {
        var cases = new TheoryData<string, string>();
        foreach (string rule in Rules.Keys) foreach (string layer in Layers.Keys) cases.Add(rule, layer);
        return cases;
    }

    // A layer of random weights at a random input of either sign.
    private static readonly Dictionary<string, Func<Weights, (Module Layer, Shape Input)>> Layers = new(StringComparer.Ordinal)
    {
        ["linear"] = w => (new Linear(w, 7, 5), [2, 7]),
        ["convolution"] = w => (new Conv2d(w, 4, 6, kernel: 3, stride: 2, padding: 1, groups: 2), [2, 4, 5, 5]),
        ["transposed convolution"] = w => (new ConvTranspose2d(w, 3, 2, kernel: 3, stride: 2, padding: 1), [2, 3, 3, 3]),
        ["convolution and batch norm"] = w => (Normalised(w), [2, 3, 4, 4]),
        ["product with a matrix"] = w =>
        {
            Tensor matrix = w.Parameter("matrix", [5, 3], Init.Normal(1)), bias = w.Parameter("bias", [3], Init.Normal(1));
            return (new Function(w, x => x.MatMul(matrix) + bias), [2, 4, 5]);
        },
        ["product with a matrix on the left"] = w =>
        {
            Tensor matrix = w.Parameter("matrix", [3, 4], Init.Normal(1));
            return (new Function(w, x => matrix.MatMul(x)), [2, 4, 5]);
        },
    };

    // From the input x, the Jacobian w [in, out], the bias and the relevance to the relevance of the input.
    private static readonly Dictionary<string, (LrpRule Rule, Algebra Algebra)> Rules = new(StringComparer.Ordinal)
    {
        ["zero"] = (LrpRules.Zero, (x, w, b, r) => Share(x, w, b, r, 0)),
        ["epsilon"] = (LrpRules.Epsilon(0.1f), (x, w, b, r) => Share(x, w, b, r, 0.1f)),
        ["rho"] = (LrpRules.Rho(w => w.Square(), 0.1f), (x, w, b, r) => Share(x, Map(w, v => v * v), b, r, 0.1f)),
        ["alpha 2 beta 1"] = (LrpRules.AlphaBeta(2, 1), (x, w, b, r) => AlphaBeta(x, w, b, r, 2, 1)),
        ["z+"] = (LrpRules.ZPlus, (x, w, b, r) => AlphaBeta(x, w, b, r, 1, 0)),
        ["gamma"] = (LrpRules.Gamma(0.5f), Gamma),
        ["w squared"] = (LrpRules.WSquare, (x, w, b, r) => Share(Ones(x), Map(w, v => v * v), [.. b.Select(v => v * v)], r, Epsilon)),
        ["flat"] = (LrpRules.Flat, (x, w, b, r) => Share(Ones(x), Map(w, v => v == 0 ? 0 : 1), new double[b.Length], r, Epsilon)),
        ["z-box"] = (LrpRules.ZBox(Tensor.Scalar(-2), Tensor.Scalar(3)), Box),
    };

    private delegate double[] Algebra(double[] x, double[,] w, double[] b, double[] r);

    [Theory]
    [MemberData(nameof(RulesAndLayers))]
    public void RuleEqualsMatrixAlgebraOnTheJacobian(string rule, string name)
    {
        (Module layer, Shape shape) = Layers[name](Weights.Random(4));
        Tensor input = new RandomSource(6).Normal(shape), output = layer.Predict(input), offset = layer.Predict(Tensor.Zeros(shape));
        int n = shape[0], ins = shape.Count / n, outs = output.Count / n;
        double[,] jacobian = new double[ins, outs];
        for (int o = 0; o < outs; o++)
        {
            float[] column = new Gradient().Explain(layer, input, Output(o)).Values.ToArray();
            for (int i = 0; i < ins; i++) jacobian[i, o] = column[i];
        }
        float[] relevance = new RandomSource(7).Normal([n, outs]).ToArray();
        // A score whose shares are the relevance: the sum of the outputs, each scaled by relevance over output; the scaling passes relevance on as it is.
        Tensor scale = Tensor.From(relevance, [n, outs]) / output.Flatten();
        Target target = Target.Of("relevance", y => (y.Flatten() * scale).Sum([1]));
        Tensor found = new Lrp(LrpComposite.All(rule, Rules[rule].Rule)).Explain(layer, input, target).Values;
        for (int i = 0; i < n; i++)
        {
            double[] x = Row(input, i, ins), b = Row(offset, i, outs), r = Row(Tensor.From(relevance, [n, outs]), i, outs);
            double total = r.Sum(), stable = total / (total + (total >= 0 ? Epsilon : -Epsilon)); // what the sum's own rule keeps back
            double[] expected = [.. Rules[rule].Algebra(x, jacobian, b, [.. r.Select(v => v * stable)])];
            double largest = expected.Max(Math.Abs);
            for (int k = 0; k < ins; k++) Assert.Equal(expected[k], found.Floats[i * ins + k], 1e-3 * largest);
        }

        static Target Output(int o) => Target.Of("output", y => y.Flatten().Slice(1, o, o + 1).Squeeze(1));
    }

    [Fact]
    public void RelevanceIsConservedWhereNoBiasTakesAShare()
    {
        Tensor input = new RandomSource(1).Uniform([2, 2, 10, 10]);
        Check(Net(shortcut: true), LrpComposite.Epsilon);
        // z+ has nowhere to go from a result that nothing raises: no relevance gets there where all of it is positive. alpha-beta needs both parts everywhere.
        Check(Net(shortcut: false), LrpComposite.Epsilon, LrpComposite.EpsilonPlus, LrpComposite.EpsilonPlusFlat, LrpComposite.ExcitationBackprop);

        void Check(Module net, params LrpComposite[] composites)
        {
            foreach (LrpComposite composite in composites)
            {
                foreach (string? layer in new[] { null, "r2", "first" })
                {
                    Attribution found = new Lrp(composite).Explain(net, input, Target.Class(1), layer);
                    for (int i = 0; i < 2; i++)
                    {
                        Tensor values = found.Values.Slice(0, i, i + 1);
                        Assert.Equal(found.Score.Floats[i], values.Sum().Item(), 1e-4f * values.Abs().Sum().Item());
                    }
                }
            }
        }
    }

    [Fact]
    public void TheBoxOfPicturesIsTheirOwnRangeUnlessGiven()
    {
        Tensor input = new RandomSource(1).Uniform([2, 2, 10, 10], -1, 3);
        Module net = Net(shortcut: false);
        float[] own = new Lrp(LrpComposite.EpsilonGammaOwnBox).Explain(net, input, Target.Class(1)).Values.ToArray();
        for (int i = 0; i < 2; i++)
        {
            Tensor one = input.Slice(0, i, i + 1);
            Method method = Methods.All.Single(m => m.Name == "lrp epsilon-gamma-box");
            IAttribution given = method.Create(new MethodOptions { Low = Tensor.Scalar(one.Min([]).Item()), High = Tensor.Scalar(one.Max([]).Item()) });
            Assert.Equal(given.Explain(net, one, Target.Class(1)).Values.ToArray(), own.AsSpan(i * 200, 200).ToArray());
        }
        Attribution all = new Lrp(LrpComposite.EpsilonGammaBox(Tensor.Scalar(-1), Tensor.Scalar(3))).Explain(net, input, Target.Class(1));
        for (int i = 0; i < 2; i++)
        {
            Tensor values = all.Values.Slice(0, i, i + 1);
            Assert.Equal(all.Score.Floats[i], values.Sum().Item(), 1e-3f * values.Abs().Sum().Item());
        }
    }

    [Fact]
    public void AdditionsByGradientGiveAllToBothTerms()
    {
        Tensor input = new RandomSource(1).Uniform([2, 2, 10, 10]);
        Attribution found = new Lrp(additions: LrpAddition.Gradient).Explain(Net(shortcut: true), input, Target.Class(1));
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(2 * found.Score.Floats[i], found.Values.Slice(0, i, i + 1).Sum().Item(), 1e-3f * found.Values.Abs().Sum().Item());
        }
    }

    [Fact]
    public void FoldedBatchNormEqualsALayerOfTheSameFunction()
    {
        Weights weights = Weights.Random(8);
        Module pair = Normalised(weights);
        Tensor input = new RandomSource(2).Normal([2, 3, 6, 6]), zero = pair.Predict(Tensor.Zeros([1, 3, 6, 6]));
        IReadOnlyDictionary<string, Tensor> state = pair.State();
        Tensor scale = state["norm.weight"] / (state["norm.running_var"] + 1e-5f).Sqrt();
        Tensor weight = state["conv.weight"] * scale.Reshape(-1, 1, 1, 1);
        Tensor bias = (state["conv.bias"] - state["norm.running_mean"]) * scale + state["norm.bias"];
        var single = new Function(x => x.Conv2d(weight, bias).Relu().Sum([2, 3]));
        var whole = new Function(x => pair.Call(new Run(recording: true, fused: false), x).Relu().Sum([2, 3]));
        Assert.Equal(zero[0, 1, 2, 2], bias.Floats[1], 1e-5f);
        foreach (LrpComposite composite in new[] { LrpComposite.EpsilonPlus, LrpComposite.EpsilonAlpha2Beta1, LrpComposite.EpsilonPlusFlat })
        {
            var method = new Lrp(composite);
            PathMethodTests.Close(method.Explain(single, input, Target.Class(1)).Values, method.Explain(whole, input, Target.Class(1)).Values, 1e-3f);
        }
    }

    [Fact]
    public void FirstLayersAreThoseThatSeeTheInput()
    {
        // Two branches on the input: both begin with a first layer, and neither layer behind them is one.
        Weights weights = Weights.Random(8);
        Conv2d a = new(weights.In("a"), 2, 3, 3), b = new(weights.In("b"), 2, 3, 3), c = new(weights.In("c"), 6, 2, 3);
        var seen = new List<bool>();
        var spy = new LrpComposite("spy", layer =>
        {
            seen.Add(layer.IsFirst);
            return LrpRules.Epsilon();
        });
        var net = new Function(x =>
            TensorOps.Concat(1, x.Conv2d(a.Weight, a.Bias).Relu(), x.Conv2d(b.Weight, b.Bias).Relu()).Conv2d(c.Weight, c.Bias).Sum([2, 3]));
        new Lrp(spy).Explain(net, new RandomSource(2).Normal([1, 2, 8, 8]), Target.Class(0));
        Assert.Equal([false, true, true], seen);
    }

    [Fact]
    public void GatesGetNothingAndSignalsEverything()
    {
        Tensor x = Tensor.From([1f, -2, 3, 0.5f], [1, 4]);
        (Func<Tensor, Tensor, Tensor> Function, float[] Signal)[] cases =
        [
            ((s, g) => s * g.Sigmoid(), [1]),
            ((s, g) => g.Sigmoid() * s, [1]),
            ((s, g) => s.Tanh() * (1f - g.Sigmoid()), [1]), // a GRU's update
            ((s, g) => s * (g.Tanh() + 1f), [1]),
            ((s, g) => s / (g.Square() + 1f), [1]),
            ((s, g) => s.Tanh() * g.Relu(), [0.5f]),
        ];
        foreach ((Func<Tensor, Tensor, Tensor> function, float[] signal) in cases)
        {
            var net = new Function(t => function(t.Slice(1, 0, 2), t.Slice(1, 2, 4)));
            Attribution found = new Lrp().Explain(net, x, Target.Class(1));
            Assert.Equal(found.Score.Item() * signal[0], found.Values[0, 1], 1e-5f);
            Assert.Equal(found.Score.Item() * (1 - signal[0]), found.Values[0, 3], 1e-5f);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void RecurrentNetworksConserve(bool lstm)
    {
        Weights weights = Weights.Random(2);
        Recurrent layer = lstm ? new Lstm(weights.In("rnn"), 5, 8, bias: false) : new Gru(weights.In("rnn"), 5, 8, bias: false);
        var last = new Linear(weights.In("last"), 8, 3, bias: false);
        var net = new Sequential(weights, layer, new Function(y => y.Slice(1, 5, 6).Squeeze(1)), last);
        Attribution found = new Lrp().Explain(net, new RandomSource(3).Normal([2, 6, 5]), Target.Class(2));
        for (int i = 0; i < 2; i++)
        {
            Tensor values = found.Values.Slice(0, i, i + 1);
            Assert.Equal(found.Score.Floats[i], values.Sum().Item(), 2e-3f * values.Abs().Sum().Item());
            Assert.True(values.Slice(1, 0, 1).Abs().Sum().Item() > 0);
        }
    }

    [Fact]
    public void AttentionFollowsAttnLrp()
    {
        // One head: y = softmax(q k^T) v, all three from the input by slices; relevance by the formulas of the paper.
        Tensor x = new RandomSource(5).Normal([1, 3, 6]);
        var net = new Function(t => t.Slice(2, 0, 2).MatMul(t.Slice(2, 2, 4).Transpose()).Softmax(-1).MatMul(t.Slice(2, 4, 6)));
        Target target = Target.Of("y", y => y.Slice(1, 1, 2).Slice(2, 0, 1).Flatten().Squeeze(1));
        Attribution found = new Lrp().Explain(net, x, target);
        double[,] s = new double[3, 3], p = new double[3, 3];
        for (int i = 0; i < 3; i++)
        {
            for (int j = 0; j < 3; j++) s[i, j] = x[0, i, 0] * x[0, j, 2] + x[0, i, 1] * x[0, j, 3];
            double total = Enumerable.Range(0, 3).Sum(j => Math.Exp(s[i, j]));
            for (int j = 0; j < 3; j++) p[i, j] = Math.Exp(s[i, j]) / total;
        }
        // The relevance of y[1, 0] is its value; half of p[1, j] v[j, 0] goes to each factor.
        double[] ofP = [.. Enumerable.Range(0, 3).Select(j => 0.5 * p[1, j] * x[0, j, 4])];
        double sum = ofP.Sum();
        for (int j = 0; j < 3; j++)
        {
            Assert.Equal(ofP[j], found.Values[0, j, 4], 1e-4);
            double ofS = s[1, j] * (ofP[j] - p[1, j] * sum);
            // Half of the score's relevance goes to the keys, in proportion to q k.
            for (int e = 0; e < 2; e++) Assert.Equal(0.5 * x[0, 1, e] * x[0, j, 2 + e] / s[1, j] * ofS, found.Values[0, j, 2 + e], 1e-4);
        }
    }

    [Fact]
    public void TransformersAreExplainedAndMasksCauseNoHarm()
    {
        Weights weights = Weights.Random(6);
        var embedding = new Embedding(weights.In("embedding"), 12, 8);
        var layer = new TransformerEncoderLayer(weights.In("layer"), 8, 2, 16);
        var last = new Linear(weights.In("last"), 8, 3);
        var net = new Sequential(weights, embedding, layer, new Function(y => y.Mean([1])), last);
        Tensor tokens = Tensor.From([1L, 2, 3, 4, 5, 11, 0, 7], [2, 4]);
        Tensor values = new Lrp().Explain(net, tokens, Target.Class(1), "embedding").Values;
        Assert.All(values.ToArray(), v => Assert.True(float.IsFinite(v)));
        Assert.True(values.Abs().Max([]).Item() > 0);

        var causal = new Function(t => TensorOps.ScaledDotProductAttention(t, t, t, causal: true).Output.Flatten());
        Tensor masked = new Lrp().Explain(causal, new RandomSource(5).Normal([1, 3, 2]), Target.Class(0)).Values;
        Assert.All(masked.ToArray(), v => Assert.True(float.IsFinite(v)));
        Assert.All(masked.Slice(1, 1, 3).ToArray(), v => Assert.Equal(0f, v)); // the first position sees itself alone
    }

    [Fact]
    public void OperatorsWithoutARuleAreNamedWithTheirPlace()
    {
        Weights weights = Weights.Random(0);
        var net = new Sequential(
            weights, new Linear(weights.In("dense"), 6, 5), new Function(weights.In("odd"), x => x.Exp()), new Linear(weights.In("last"), 5, 2));
        string message = Assert.Throws<NotSupportedException>(() => new Lrp().Explain(net, Tensor.Ones([1, 6]), Target.Top)).Message;
        Assert.Contains("Exp", message, StringComparison.Ordinal);
        Assert.Contains("odd", message, StringComparison.Ordinal);
        // All of a quotient's relevance goes to its numerator: a constant has nowhere to pass it on.
        Assert.Throws<NotSupportedException>(() => new Lrp().Explain(new Function(x => Tensor.Ones([1, 6]) / x), Tensor.Ones([1, 6]), Target.Top));
    }

    [Fact]
    public void AlphaAndBetaMustDifferByOne()
    {
        Assert.Throws<ArgumentException>(() => LrpRules.AlphaBeta(2, 2));
        Assert.Throws<ArgumentException>(() => LrpRules.AlphaBeta(0.5f, -0.5f));
    }

    /// <summary>Every kind of layer a convolutional network has, none with a bias.</summary>
    private static Sequential Net(bool shortcut)
    {
        Weights weights = Weights.Random(3), inner = weights.In("residual").In("body");
        var body = new Sequential(inner, Conv(inner.In("a"), 4, padding: 1), Layer.Relu(inner.In("r")), Conv(inner.In("b"), 4, padding: 1));
        return new Sequential(
            weights, Conv(weights.In("first"), 2, padding: 0), Layer.Relu(weights.In("r1")), shortcut ? new Residual(weights.In("residual"), body) : body,
            Layer.Relu(weights.In("r2")), Layer.MaxPool2d(weights.In("max"), 2), Layer.AvgPool2d(weights.In("mean"), 2), new Flatten(weights.In("flat")),
            new Linear(weights.In("last"), 16, 3, bias: false));

        static Conv2d Conv(Weights place, int channels, int padding) => new(place, channels, 4, 3, padding: padding, bias: false);
    }

    private static Sequential Normalised(Weights weights)
    {
        var norm = new BatchNorm(weights.In("norm"), 4);
        var pair = new Sequential(weights, new Conv2d(weights.In("conv"), 3, 4, kernel: 3), norm);
        var random = new RandomSource(11);
        pair.Load(pair.State().ToDictionary(
            s => s.Key,
            s => !s.Key.StartsWith("norm", StringComparison.Ordinal) || s.Value.DType != DType.Float32 ? s.Value
                : s.Key.EndsWith("var", StringComparison.Ordinal) ? random.Uniform(s.Value.Shape, 0.5f, 2) : random.Normal(s.Value.Shape),
            StringComparer.Ordinal));
        return pair;
    }

    /// <summary>x w (r / (x w + b)), the denominator stabilised.</summary>
    private static double[] Share(double[] x, double[,] w, double[] b, double[] r, double epsilon)
    {
        double[] share = new double[r.Length], result = new double[x.Length];
        for (int o = 0; o < r.Length; o++)
        {
            double z = b[o];
            for (int i = 0; i < x.Length; i++) z += x[i] * w[i, o];
            share[o] = r[o] / (z + (z >= 0 ? epsilon : -epsilon));
        }
        for (int i = 0; i < x.Length; i++)
        {
            for (int o = 0; o < r.Length; o++) result[i] += x[i] * w[i, o] * share[o];
        }
        return result;
    }

    /// <summary>Contributions x w, of which those that a condition holds for count; in proportion.</summary>
    private static double[] OfContributions(double[] x, double[,] w, double[] b, double[] r, Func<double, double> count)
    {
        double[] result = new double[x.Length];
        for (int o = 0; o < r.Length; o++)
        {
            double z = count(b[o]);
            for (int i = 0; i < x.Length; i++) z += count(x[i] * w[i, o]);
            double share = r[o] / (z + (z >= 0 ? Epsilon : -Epsilon));
            for (int i = 0; i < x.Length; i++) result[i] += count(x[i] * w[i, o]) * share;
        }
        return result;
    }

    private static double[] AlphaBeta(double[] x, double[,] w, double[] b, double[] r, double alpha, double beta)
    {
        double[] up = OfContributions(x, w, b, r, v => Math.Max(v, 0)), down = OfContributions(x, w, b, r, v => Math.Min(v, 0));
        return [.. up.Zip(down, (u, d) => alpha * u - beta * d)];
    }

    private static double[] Gamma(double[] x, double[,] w, double[] b, double[] r)
    {
        double[] z = new double[r.Length];
        for (int o = 0; o < r.Length; o++) z[o] = b[o] + Enumerable.Range(0, x.Length).Sum(i => x[i] * w[i, o]);
        double[] up = OfContributions(x, w, b, [.. r.Select((v, o) => z[o] > 0 ? v : 0)], v => v + 0.5 * Math.Max(v, 0));
        double[] down = OfContributions(x, w, b, [.. r.Select((v, o) => z[o] < 0 ? v : 0)], v => v + 0.5 * Math.Min(v, 0));
        return [.. up.Zip(down, (u, d) => u + d)];
    }

    private static double[] Box(double[] x, double[,] w, double[] b, double[] r)
    {
        double[] result = new double[x.Length];
        for (int o = 0; o < r.Length; o++)
        {
            double[] parts = [.. Enumerable.Range(0, x.Length).Select(i => x[i] * w[i, o] + 2 * Math.Max(w[i, o], 0) - 3 * Math.Min(w[i, o], 0))];
            double z = parts.Sum() + b[o] - Math.Max(b[o], 0) - Math.Min(b[o], 0);
            for (int i = 0; i < x.Length; i++) result[i] += parts[i] * r[o] / (z + (z >= 0 ? Epsilon : -Epsilon));
        }
        return result;
    }

    private static double[] Ones(double[] x) => [.. x.Select(_ => 1.0)];

    private static double[,] Map(double[,] w, Func<double, double> change)
    {
        double[,] result = new double[w.GetLength(0), w.GetLength(1)];
        for (int i = 0; i < w.GetLength(0); i++) for (int o = 0; o < w.GetLength(1); o++) result[i, o] = change(w[i, o]);
        return result;
    }

    private static double[] Row(Tensor t, int i, int length) => [.. t.Floats.Slice(i % t.Shape[0] * length, length).ToArray().Select(v => (double)v)];
}
