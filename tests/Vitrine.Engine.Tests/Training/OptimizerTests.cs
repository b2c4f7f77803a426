using static Vitrine.Engine.Tests.Training.SmallTraining;
using Parallel = Vitrine.Cpu.Parallel;

namespace Vitrine.Engine.Tests.Training;

[Collection("Parallel.Threads")] // they change the number of threads
public sealed class OptimizerTests
{
    public static TheoryData<string> Elementwise => [.. Makers.Keys];

    /// <summary>Every optimizer that looks at each weight by itself, in every variant that has a code path of its own.</summary>
    internal static IReadOnlyDictionary<string, Func<ElementwiseOptimizer>> Makers { get; } = new Dictionary<string, Func<ElementwiseOptimizer>>
    {
        ["sgd"] = () => new Sgd(0.05f, weightDecay: 0.01f),
        ["sgd momentum"] = () => new Sgd(0.05f, 0.9f),
        ["sgd nesterov"] = () => new Sgd(0.05f, 0.9f, 0.01f, nesterov: true),
        ["adam"] = () => new Adam(0.01, weightDecay: 0.01),
        ["adam amsgrad"] = () => new Adam(0.01, amsgrad: true),
        ["adamw"] = () => new AdamW(0.01),
        ["nadam"] = () => new NAdam(0.01),
        ["radam"] = () => new RAdam(0.01),
        ["adamax"] = () => new AdaMax(0.01),
        ["rmsprop"] = () => new RmsProp(0.01),
        ["rmsprop momentum"] = () => new RmsProp(0.01, momentum: 0.9),
        ["rmsprop centered"] = () => new RmsProp(0.01, momentum: 0.9, centered: true),
        ["adagrad"] = () => new AdaGrad(0.01, rateDecay: 0.1, initialSum: 0.1),
        ["adadelta"] = () => new AdaDelta(),
    };

    [Theory]
    [MemberData(nameof(Elementwise))]
    public void EveryWeightIsTreatedAlikeWhereverItStandsAndWhoeverComputesIt(string name)
    {
        // 50,003 weights: several chunks of work, whole vectors, and a few weights left over. All repeat the same 7 values.
        const int count = 50_003, period = 7;
        int threads = Parallel.Threads;
        try
        {
            Parallel.Threads = 1;
            float[] one = Moved();
            Parallel.Threads = 4;
            Assert.Equal(one, Moved());
            for (int i = period; i < count; i++) Assert.Equal(one[i - period], one[i]);
            for (int i = 0; i < period; i++) Assert.NotEqual(0.3f * (i + 1), one[i]);
        }
        finally
        {
            Parallel.Threads = threads;
        }

        float[] Moved()
        {
            Parameter p = Make(Enumerable.Range(0, count).Select(i => 0.3f * (i % period + 1)));
            Optimizer optimizer = Makers[name]();
            for (int step = 0; step < 8; step++) optimizer.Step([p], Autograd.Backward((p.Value.Square() * (0.5f + step)).Sum(), null, [p.Value]));
            return p.Value.ToArray();
        }
    }

    [Theory]
    [MemberData(nameof(Elementwise))]
    public void GroupsHaveTheirOwnRateAndDecay(string name)
    {
        Parameter slow = Make([1f, 2, 3], "features.weight"), fast = Make([1f, 2, 3], "head.weight"), still = Make([1f, 2, 3], "tail.weight");
        ElementwiseOptimizer grouped = name switch
        {
            "adamw" => new AdamW(0.01) { Groups = Groups() },
            "sgd" => new Sgd(0.05f, weightDecay: 0.01f) { Groups = Groups() },
            _ => new Adam(0.01, weightDecay: 0.01) { Groups = Groups() },
        };
        ElementwiseOptimizer alone = name switch
        {
            "adamw" => new AdamW(0.001, weightDecay: 0.5),
            "sgd" => new Sgd(0.005f, weightDecay: 0.5f),
            _ => new Adam(0.001, weightDecay: 0.5),
        };
        Parameter expected = Make([1f, 2, 3]);
        for (int step = 0; step < 5; step++)
        {
            Parameter[] all = [slow, fast, still];
            Tensor[] wrt = [.. all.Select(p => p.Value)];
            grouped.Step(all, Autograd.Backward((slow.Value.Square() + fast.Value.Square() + still.Value.Square()).Sum(), null, wrt));
            alone.Step([expected], Autograd.Backward(expected.Value.Square().Sum(), null, [expected.Value]));
        }
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(expected.Value[i], slow.Value[i], 1e-6f);
            Assert.Equal(i + 1f, still.Value[i]);
            Assert.True(fast.Value[i] < slow.Value[i] - 0.01f);
        }

        static IReadOnlyList<ParameterGroup> Groups() =>
        [
            new(n => n.StartsWith("features.", StringComparison.Ordinal)) { LearningRateFactor = 0.1, WeightDecay = 0.5 },
            new(n => n.StartsWith("tail.", StringComparison.Ordinal)) { LearningRateFactor = 0 },
        ];
    }

    [Fact]
    public void FrozenParametersStayAndTheirGradientsAreNotComputed()
    {
        var trace = new Trace();
        Weights weights = Weights.Random(1);
        var frozen = new Linear(weights.In("first"), 64, 8);
        var net = new Sequential(weights, new Flatten(weights.In("flat")), frozen, new Linear(weights.In("second"), 8, 2));
        foreach (Parameter p in frozen.Parameters) p.IsFrozen = true;
        float[] before = frozen.Weight.Value.ToArray();
        new Trainer(net, new Adam(0.01)) { Loss = (y, t) => Loss.CrossEntropy(trace.Apply(y, frozen.Weight.Value), t) }.Fit(Data(), 1);
        Assert.Equal(before, frozen.Weight.Value.ToArray());
        Assert.Equal([0], trace.Asked);

        // Thawed, it learns, and its gradient is asked for.
        frozen.Weight.IsFrozen = false;
        new Trainer(net, new Adam(0.01)) { Loss = (y, t) => Loss.CrossEntropy(trace.Apply(y, frozen.Weight.Value), t) }.Fit(Data(), 1);
        Assert.NotEqual(before, frozen.Weight.Value.ToArray());
        Assert.Equal([0, 1], trace.Asked.Order());
    }

    [Fact]
    public void PenaltiesAreGradientsOfTheirFormula()
    {
        Parameter a = Make([1.5f, -2, 0], "a"), b = Make([3f, -1, 2], "b");
        b.IsFrozen = true;
        Gradients plain = Autograd.Backward((a.Value * b.Value).Sum(), null, [a.Value, b.Value]);
        Gradients changed = plain.WithPenalty([a, b], 0.1f, 0.01f);
        Assert.Equal([3 + 0.1f + 0.015f, -1 - 0.1f - 0.02f, 2], changed[0].ToArray());
        Assert.Equal(plain[1].ToArray(), changed[1].ToArray());
        Assert.Equal([3f, -1, 2], plain[0].ToArray());
    }

    [Fact]
    public void L2OfTheTrainerIsTheWeightDecayOfSgd()
    {
        Sequential decay = Net(), penalty = Net();
        new Trainer(decay, new Sgd(0.05f, 0.9f, 0.01f)).Fit(Data(), 1);
        new Trainer(penalty, new Sgd(0.05f, 0.9f)) { L2 = 0.01f }.Fit(Data(), 1);
        float[] x = Bytes(decay), y = Bytes(penalty);
        for (int i = 0; i < x.Length; i++) Assert.Equal(x[i], y[i], 1e-4f);
    }

    [Fact]
    public void L1MakesWeightsSmall()
    {
        Sequential plain = Net(), sparse = Net();
        new Trainer(plain, new Sgd(0.05f)).Fit(Data(), 5);
        new Trainer(sparse, new Sgd(0.05f)) { L1 = 0.01f }.Fit(Data(), 5);
        Assert.True(Sum(sparse) < 0.7 * Sum(plain), $"{Sum(sparse)} against {Sum(plain)}");

        static double Sum(Module net) => net.Parameters.Sum(p => p.Value.ToArray().Sum(v => Math.Abs((double)v)));
    }

    [Fact]
    public void ClippingLimitsElementsAndTheCommonNorm()
    {
        Parameter a = Make([3f, -0.5f], "a"), b = Make([4f], "b");
        Gradients g = Autograd.Backward(a.Value.Square().Sum() * 0.5f + b.Value.Square().Sum() * 0.5f, null, [a.Value, b.Value]);
        Assert.Equal(Math.Sqrt(9 + 0.25 + 16), g.Norm(), 1e-6);
        Assert.Equal([1f, -0.5f], g.ClippedByValue(1)[0].ToArray());
        Gradients clipped = g.ClippedByNorm(2);
        Assert.Equal(2, clipped.Norm(), 1e-5);
        Assert.Equal(0.75f, clipped[0][0] / clipped[1][0], 1e-6f);
        Assert.Same(g, g.ClippedByNorm(6));
    }

    [Fact]
    public void ClippingKeepsAnExplodingTrainingFinite()
    {
        Dataset data = Data();
        Sequential net = Net();
        var trainer = new Trainer(net, new Sgd(1f)) { Loss = (y, t) => Loss.CrossEntropy(y, t) * 1e6f, ClipNorm = 0.1f };
        Assert.Equal("done", trainer.Fit(data, 1).Ending);
        Assert.All(Bytes(net), v => Assert.True(float.IsFinite(v)));
        Assert.Throws<ArgumentException>(() => new Trainer(net, new Sgd(1f)) { ClipNorm = 0 }.Fit(data, 1));
    }

    internal static Parameter Make(IEnumerable<float> values, string name = "p")
    {
        float[] start = [.. values];
        return Weights.Random(0).Parameter(name, [start.Length], new Init((shape, _) => Tensor.From(start, shape)));
    }

    /// <summary>Passes its first input on and notes of which inputs the gradient is asked for.</summary>
    private sealed class Trace : Op
    {
        public HashSet<int> Asked { get; } = [];

        public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0] + 0f;

        public override Tensor? Backward(Node node, Tensor grad, int input)
        {
            Asked.Add(input);
            return input == 0 ? grad : Tensor.Ones(node.Inputs[input].Shape);
        }
    }
}
