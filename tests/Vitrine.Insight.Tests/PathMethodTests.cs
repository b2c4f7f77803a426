using Vitrine.Models;

namespace Vitrine.Insight.Tests;

/// <summary>Methods that go from a baseline to the input, and those that average over copies, against formulas.</summary>
public sealed class PathMethodTests
{
    public static TheoryData<string> Rules() => ["Gauss-Legendre", "trapezoid", "left", "right", "middle"];

    [Theory]
    [MemberData(nameof(Rules))]
    public void QuadratureIsExactForItsDegree(string name)
    {
        Quadrature rule = Rule(name);
        int n = 6, degree = name switch { "Gauss-Legendre" => 2 * n - 1, "left" or "right" => 0, _ => 1 };
        for (int power = 0; power <= degree; power++)
        {
            Assert.Equal(1.0 / (power + 1), rule.Points(n).Sum(p => p.Weight * Math.Pow(p.Place, power)), 1e-14);
        }
        Assert.NotEqual(1.0 / (degree + 2), rule.Points(n).Sum(p => p.Weight * Math.Pow(p.Place, degree + 1)), 1e-8);
        Assert.Equal(rule.Points(n).OrderBy(p => p.Place), rule.Points(n));
        Assert.All(rule.Points(1), p => Assert.Equal(1, p.Weight, 1e-14));
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void IntegratedGradientsOfAQuadraticAreWhatTheRuleGives(string name)
    {
        // f = x^2 from b: (x - b) times the rule's value of the integral of 2 (b + t (x - b)).
        Quadrature rule = Rule(name);
        var net = new Function(x => x.Square().Sum([1], keepDims: true));
        Tensor input = Tensor.From([3f, -1, 0.5f, 2], [2, 2]);
        float[] found = new IntegratedGradients(7, rule, baselines: [Baseline.Constant(1)]).Explain(net, input, Target.Class(0)).Values.ToArray();
        for (int i = 0; i < found.Length; i++)
        {
            double way = input.Floats[i] - 1;
            Assert.Equal(way * rule.Points(7).Sum(p => p.Weight * 2 * (1 + p.Place * way)), found[i], 1e-5);
        }
    }

    [Fact]
    public void StepsDoubleUntilTheGapIsSmallEnoughForEachExample()
    {
        LeNet5 net = LeNetGoldenTests.Net();
        Tensor input = LeNetGoldenTests.Input;
        float start = net.Predict(Tensor.Zeros([1, 1, 28, 28]))[0, 3];
        float coarse = Gap(new IntegratedGradients(2)), fine = Gap(new IntegratedGradients(2, tolerance: 1e-3));
        Assert.True(coarse > 1e-2f, $"Two steps miss by {coarse} already.");
        Assert.True(fine <= 1.1e-3f, $"The gap is {fine}.");

        float Gap(IntegratedGradients method)
        {
            Attribution found = method.Explain(net, input, Target.Class(3));
            return Enumerable.Range(0, 2).Max(i => Math.Abs(found.Values.Slice(0, i, i + 1).Sum().Item() - (found.Score.Floats[i] - start)));
        }
    }

    [Fact]
    public void SeveralBaselinesGiveTheMean()
    {
        LeNet5 net = LeNetGoldenTests.Net();
        Tensor input = LeNetGoldenTests.Input;
        Baseline[] baselines = [Baseline.Zeros, Baseline.Constant(0.5f), Baseline.Of("negative", x => -x)];
        Tensor mean = new IntegratedGradients(8, baselines: baselines).Explain(net, input, Target.Class(3)).Values;
        Tensor sum = baselines.Select(b => new IntegratedGradients(8, baselines: [b]).Explain(net, input, Target.Class(3)).Values).Aggregate((a, b) => a + b);
        Close(sum / 3, mean, 1e-6f);
    }

    [Fact]
    public void AtALayerTheDifferenceOfScoresIsSharedOutAmongTheLayersResults()
    {
        LeNet5 net = LeNetGoldenTests.Net();
        Tensor input = LeNetGoldenTests.Input;
        Attribution found = new IntegratedGradients(200).Explain(net, input, Target.Class(3), "pool1");
        float start = net.Predict(Tensor.Zeros([1, 1, 28, 28]))[0, 3];
        Assert.Equal([2, 6, 14, 14], found.Values.Shape.Dims.ToArray());
        for (int i = 0; i < 2; i++) Assert.Equal(found.Score.Floats[i] - start, found.Values.Slice(0, i, i + 1).Sum().Item(), 2e-2f);

        // A baseline of the layer itself: the score there is that of a run whose layer is edited.
        Attribution at = new IntegratedGradients(200, baselineAtLayer: true).Explain(net, input, Target.Class(3), "pool1");
        float edited = net.Call(new Run(fused: false).Edit("pool1", t => Tensor.Zeros(t.Shape)), input)[0, 3];
        Assert.Equal(at.Score.Floats[0] - edited, at.Values.Slice(0, 0, 1).Sum().Item(), 2e-2f);
    }

    [Fact]
    public void TokensAreExplainedAtTheirEmbedding()
    {
        Weights weights = Weights.Random(3);
        var embedding = new Embedding(weights.In("embedding"), 11, 4);
        var dense = new Linear(weights.In("dense"), 4, 3);
        var net = new Sequential(weights, embedding, new Function(x => x.Tanh().Sum([1])), dense);
        Tensor tokens = Tensor.From([1L, 5, 7, 2, 0, 10], [2, 3]);
        float start = net.Predict(Tensor.From([0L, 0, 0], [1, 3]))[0, 1];
        foreach (IAttribution method in new IAttribution[] { new IntegratedGradients(), new DeepLift() })
        {
            Attribution found = method.Explain(net, tokens, Target.Class(1), "embedding");
            Assert.Equal([2, 3, 4], found.Values.Shape.Dims.ToArray());
            for (int i = 0; i < 2; i++) Assert.Equal(found.Score.Floats[i] - start, found.Values.Slice(0, i, i + 1).Sum().Item(), 1e-4f);
            var refusal = Assert.Throws<ArgumentException>(() => method.Explain(net, tokens, Target.Class(1)));
            Assert.Contains("embedding", refusal.Message, StringComparison.Ordinal);
        }
        Tensor gradient = new Gradient().Explain(net, tokens, Target.Class(1), "embedding").Values;
        Assert.Equal([2, 3, 4], gradient.Shape.Dims.ToArray());
    }

    [Fact]
    public void ConductanceOfALayerSumsToTheDifferenceOfScores()
    {
        LeNet5 net = LeNetGoldenTests.Net();
        Tensor input = LeNetGoldenTests.Input;
        float start = net.Predict(Tensor.Zeros([1, 1, 28, 28]))[0, 3];
        Attribution found = new Conductance(400, Quadrature.Trapezoid).Explain(net, input, Target.Class(3), "relu2");
        for (int i = 0; i < 2; i++) Assert.Equal(found.Score.Floats[i] - start, found.Values.Slice(0, i, i + 1).Sum().Item(), 2e-2f);
    }

    [Fact]
    public void NeuronConductanceOfAllNeuronsIsIntegratedGradients()
    {
        LeNet5 net = LeNetGoldenTests.Net();
        Tensor input = LeNetGoldenTests.Input;
        Tensor all = new IntegratedGradients(10).Explain(net, input, Target.Class(3)).Values;
        Close(all, new NeuronConductance(new Place("pool2"), 10).Explain(net, input, Target.Class(3)).Values, 1e-5f);
        Tensor channels = Enumerable.Range(0, 16)
            .Select(c => new NeuronConductance(new Place("pool2", c), 10).Explain(net, input, Target.Class(3)).Values).Aggregate((a, b) => a + b);
        Close(all, channels, 1e-5f);
        Close(all, new InternalInfluence(10).Explain(net, input, Target.Class(3)).Values * input, 1e-5f);
    }

    [Fact]
    public void TheChosenClassStaysTheSameOnTheWay()
    {
        LeNet5 net = LeNetGoldenTests.Net();
        Tensor input = LeNetGoldenTests.Input;
        int[] top = [.. net.Predict(input).ArgMax(1).Longs.ToArray().Select(k => (int)k)];
        IAttribution[] methods =
        [
            new IntegratedGradients(5), new Conductance(5), new SmoothGrad(samples: 3, noise: 2),
            new ExpectedGradients(samples: 3), new ScoreCam("pool2"), new DeepLift(),
        ];
        foreach (IAttribution method in methods)
        {
            Assert.Equal(method.Explain(net, input, Target.Classes(top)).Values.ToArray(), method.Explain(net, input, Target.Top).Values.ToArray());
        }
        // A function of the output that knows its examples by their place in the batch is asked about one copy of the batch at a time.
        Tensor weights = Tensor.From([1f, 0, 0, 2], [2, 2]);
        Target mixed = Target.Of("mixed", y => (y.Slice(1, 0, 2) * weights).Sum([1]));
        Tensor first = new IntegratedGradients(5).Explain(net, input, Target.Class(0)).Values;
        Tensor second = new IntegratedGradients(5).Explain(net, input, Target.Class(1)).Values;
        Tensor found = new IntegratedGradients(5).Explain(net, input, mixed).Values;
        Close(first.Slice(0, 0, 1), found.Slice(0, 0, 1), 1e-6f);
        Close(second.Slice(0, 1, 2) * 2, found.Slice(0, 1, 2), 1e-6f);
    }

    [Fact]
    public void NoiseAveragesOut()
    {
        // f = sum(x^2): the gradient at x + e is 2 x + 2 e, so the mean tends to 2 x and the variance to 4 var(e).
        var net = new Function(x => x.Square().Sum([1], keepDims: true));
        Tensor input = Tensor.From([1f, -3, 0.5f, 2, 0, -2], [2, 3]);
        float[] mean = new SmoothGrad(samples: 4000, noise: 0.1f, seed: 7).Explain(net, input, Target.Class(0)).Values.ToArray();
        float[] variance = new VarGrad(samples: 4000, noise: 0.1f, seed: 7).Explain(net, input, Target.Class(0)).Values.ToArray();
        for (int i = 0; i < mean.Length; i++)
        {
            double deviation = 0.1 * 4; // both examples reach from -3 to 1, or -2 to 2
            Assert.Equal(2 * input.Floats[i], mean[i], 5 * 2 * deviation / Math.Sqrt(4000));
            Assert.InRange(variance[i] / (4 * deviation * deviation), 0.88, 1.12);
        }
        Close(new Gradient().Explain(net, input, Target.Class(0)).Values, new SmoothGrad(samples: 3, noise: 0).Explain(net, input, Target.Class(0)).Values, 0);
        Assert.All(new VarGrad(samples: 3, noise: 0).Explain(net, input, Target.Class(0)).Values.ToArray(), v => Assert.Equal(0, v, 1e-5));
    }

    [Fact]
    public void ExpectedGradientsTendToTheMeanOfIntegratedGradients()
    {
        var net = new Function(x => (x.Square() * x).Sum([1], keepDims: true));
        Tensor input = Tensor.From([1f, -2, 0.5f], [1, 3]), background = Tensor.From([0f, 0, 0, 1, 1, 1], [2, 3]);
        Tensor expected = new IntegratedGradients(baselines: [Baseline.Zeros, Baseline.Constant(1)]).Explain(net, input, Target.Class(0)).Values;
        Close(expected, new ExpectedGradients(background, samples: 20_000, seed: 1).Explain(net, input, Target.Class(0)).Values, 0.03f);
    }

    [Fact]
    public void WorkEndsWhenItIsCancelled()
    {
        using var source = new CancellationTokenSource();
        LeNet5 net = LeNetGoldenTests.Net();
        int reports = 0;
        var progress = new Reports(share =>
        {
            Assert.InRange(share, 0, 1);
            if (++reports == 3) source.Cancel();
        });
        foreach (IAttribution method in new IAttribution[] { new Conductance(1000), new SmoothGrad(samples: 1000), new ExpectedGradients(samples: 1000) })
        {
            reports = 0;
            Assert.ThrowsAny<OperationCanceledException>(
                () => method.Explain(net, LeNetGoldenTests.Input, Target.Top, progress: progress, cancel: source.Token));
        }
    }

    private static Quadrature Rule(string name) =>
        new[] { Quadrature.GaussLegendre, Quadrature.Trapezoid, Quadrature.Left, Quadrature.Right, Quadrature.Middle }.Single(r => r.ToString() == name);

    internal static void Close(Tensor expected, Tensor actual, float relative)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        float largest = expected.Abs().Max([]).Item(), worst = (expected - actual).Abs().Max([]).Item();
        Assert.True(worst <= relative * largest, $"The largest difference is {worst}, the largest value {largest}.");
    }

    private sealed class Reports(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
