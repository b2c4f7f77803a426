using Vitrine.Cpu;
using Vitrine.Ops;
using Parallel = Vitrine.Cpu.Parallel;

namespace Vitrine.Engine.Tests.Modules;

/// <summary>Every fused kernel gives what the operators it stands for give: forwards, and the gradient of every input and weight.</summary>
[Collection("Parallel.Threads")] // a process-wide setting: not at the same time
public sealed class FusedTheory
{
    private static readonly Dictionary<string, Func<RandomSource, (Op Op, Tensor[] Inputs)>> Kernels = Build();

    public static TheoryData<string> Names() => [.. Kernels.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void EqualsComposed(string name)
    {
        (Op op, Tensor[] inputs) = Kernels[name](new RandomSource(5));
        var fused = (FusedOp)op;
        Tensor[] watched = Watched(inputs), leaves = [.. watched.Where(x => x.IsRecorded)];
        Tensor y = fused.Apply(watched), expected = fused.Compose(watched);
        Near.Equal(name, expected, y);
        Tensor seed = new RandomSource(6).Normal(y.Shape);
        Gradients actual = Autograd.Backward(y, seed, leaves), wanted = Autograd.Backward(expected, seed, leaves);
        for (int i = 0; i < leaves.Length; i++) Near.Equal($"{name}, gradient {i}", wanted[i], actual[i], 2e-5);
        // One input at a time gives the same numbers as all together.
        for (int i = 0; i < leaves.Length; i++) Assert.Equal(actual[i].ToArray(), Autograd.Backward(y, seed, [leaves[i]])[0].ToArray());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void SecondDerivativesAreThoseOfTheComposedForm(string name)
    {
        (Op op, Tensor[] inputs) = Kernels[name](new RandomSource(5));
        if (inputs.Sum(x => x.Count) > 5_000) return; // large shapes say nothing new here
        Near.Equal(name, Second(x => ((FusedOp)op).Compose(x)), Second(x => op.Apply(x)), 1e-4);

        Tensor Second(Func<Tensor[], Tensor> function)
        {
            Tensor[] x = Watched(inputs);
            Tensor y = function(x);
            Tensor first = Autograd.Backward(y, new RandomSource(6).Normal(y.Shape), [x[0]], differentiable: true)[0];
            return first.IsRecorded ? Autograd.Backward(first.Square().Sum(), null, [x[0]])[0] : Tensor.Zeros(x[0].Shape); // a linear function's is constant
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void ThreadsDoNotChangeABit(string name)
    {
        (Op op, Tensor[] inputs) = Kernels[name](new RandomSource(5));
        int before = Parallel.Threads;
        try
        {
            Parallel.Threads = 1;
            float[][] one = Run();
            Parallel.Threads = 3;
            float[][] three = Run();
            for (int i = 0; i < one.Length; i++) Assert.Equal(one[i], three[i]);
        }
        finally
        {
            Parallel.Threads = before;
        }

        float[][] Run()
        {
            Tensor[] watched = Watched(inputs), leaves = [.. watched.Where(x => x.IsRecorded)];
            Tensor y = op.Apply(watched);
            Gradients gradients = Autograd.Backward(y, new RandomSource(6).Normal(y.Shape), leaves);
            return [y.ToArray(), .. leaves.Select((_, i) => gradients[i].ToArray())];
        }
    }

    private static readonly Dictionary<string, (Func<Weights, Module> Make, Shape Input, string[] Operators)> Networks = new(StringComparer.Ordinal)
    {
        ["sequential"] = (w => new Sequential(
            w, new Linear(w.In("0"), 6, 9), Layer.Relu(w.In("1")), new Linear(w.In("2"), 9, 5, bias: false), new Layer(w.In("3"), GeluOp.Instance),
            new Layer(w.In("4"), new AffineOp(2, -1)), Layer.Tanh(w.In("5"))), [4, 6], ["FusedLinear", "FusedLinear"]),
        ["layers"] = (w => new Sequential(
            w, Layer.Sigmoid(w.In("0")), new Layer(w.In("1"), SiluOp.Instance), new Flatten(w.In("2")), Layer.Tanh(w.In("3")), new Linear(w.In("4"), 6, 3)),
            [4, 6], ["FusedChain"]),
        ["convolution"] = (w => new Sequential(
            w, new Conv2d(w.In("0"), 2, 3, 3), Layer.Relu(w.In("1")), Layer.Tanh(w.In("2")), new Conv2d(w.In("3"), 3, 4, 3, bias: false), Layer.Relu(w.In("4")),
            new Conv2d(w.In("5"), 4, 2, 1), Layer.Sigmoid(w.In("6"))), [2, 2, 7, 8], ["FusedConv2d", "FusedConv2d"]),
        ["residual"] = (w => new Sequential(
            w, new Residual(w.In("0"), new Linear(w.In("0").In("body"), 6, 6)), Layer.Relu(w.In("1")), new Linear(w.In("2"), 6, 2)), [4, 6], ["FusedChain"]),
        ["residual that broadcasts"] = (w => new Sequential(
            w, new Residual(w.In("0"), new Linear(w.In("0").In("body"), 6, 1)), Layer.Relu(w.In("1")), Layer.Tanh(w.In("2"))), [4, 6], ["FusedChain"]),
        ["sum"] = (w => new Doubled(w), [4, 6], ["FusedChain"]),
        ["encoder layer"] = (w => new TransformerEncoderLayer(w, 8, 2, 12, 0, GeluOp.Instance), [2, 5, 8], ["FusedAttention", "FusedLinear"]),
        ["attention, rotary"] = (w => new MultiHeadAttention(w, 8, 2, causal: true, rotary: true), [2, 5, 8], ["FusedAttention"]),
        ["attention, dropout"] = (w => new Dropping(w), [2, 5, 8], ["FusedAttention"]),
        ["rms norm"] = (w => new RmsNorm(w, [6]), [4, 6], ["FusedRmsNorm"]),
        ["local response norm"] = (w => new LocalResponseNorm(w, 5), [2, 7, 3, 3], ["FusedLocalResponseNorm"]),
    };

    public static TheoryData<string> NetworkNames() => [.. Networks.Keys];

    [Theory]
    [MemberData(nameof(NetworkNames))]
    public void ATrainingJoinsWhatAQuestionSeparates(string name)
    {
        (Func<Weights, Module> make, Shape input, string[] operators) = Networks[name];
        Module network = make(Weights.Random(3));
        Tensor x = new RandomSource(4).Normal(input);
        (Tensor apart, Gradients wanted) = Gradients(new Run(training: true, recording: true, fused: false));
        (Tensor joined, Gradients actual) = Gradients(new Run(training: true, recording: true));
        Assert.Equal(operators, Fused(joined));
        Assert.Empty(Fused(apart));
        Near.Equal(name, apart, joined);
        for (int i = 0; i < wanted.Count; i++) Near.Equal($"{name}, gradient {i}", wanted[i], actual[i]);
        if (name != "attention, dropout") Near.Equal(name, apart, network.Predict(x));
        // Rules look for functions in what is recorded for a question, and a tap wants to see each.
        Assert.DoesNotContain(Fused(network.Call(new Run(recording: true), x.Watch())), f => f != "FusedAttention");
        Assert.DoesNotContain(Fused(network.Call(new Run(training: true, recording: true).Tap("2"), x.Watch())), f => f != "FusedAttention");

        (Tensor, Gradients) Gradients(Run run)
        {
            Tensor leaf = x.Watch(), y = network.Call(run, leaf);
            return (y, Autograd.Backward(y, new RandomSource(5).Normal(y.Shape), [leaf, .. network.Parameters.Select(p => p.Value)]));
        }

        static IEnumerable<string> Fused(Tensor y) => Autograd.Ancestors(y).Select(n => n.Op.Name).Where(n => n.StartsWith("Fused"));
    }

    /// <summary>Attention with dropout and a learned mask.</summary>
    private sealed class Dropping(Weights weights) : Module(weights)
    {
        private readonly MultiHeadAttention _attention = new(weights.In("attention"), 8, 2, dropout: 0.3f);
        private readonly Parameter _mask = weights.Parameter("mask", [2, 5, 5], Init.Normal(1));

        protected override Tensor Forward(Run run, Tensor x) => _attention.Call(run, [x, _mask])[0];
    }

    private sealed class Doubled(Weights weights) : Module(weights)
    {
        private readonly Layer _relu = Layer.Relu(weights.In("relu"));

        protected override Tensor Forward(Run run, Tensor x) => _relu.CallOnSum(run, x, x * 0.5f);
    }

    [Fact]
    public void SigmoidTanhAndExpAreAccurate()
    {
        for (float x = -86; x < 86; x += 0.0137f)
        {
            Check(VectorMath.Exp(new(x))[0], Math.Exp(x));
            Check(VectorMath.Sigmoid(new(x))[0], 1 / (1 + Math.Exp(-(double)x)));
            Check(VectorMath.Tanh(new(x))[0], Math.Tanh(x));
            Check(VectorMath.Tanh(new(x * 1e-3f))[0], Math.Tanh(x * 1e-3f));
        }
        Assert.Equal(0, VectorMath.Exp(new(float.NegativeInfinity))[0]);
        Assert.True(float.IsNaN(VectorMath.Exp(new(float.NaN))[0]) && float.IsNaN(VectorMath.Tanh(new(float.NaN))[0]));
        Assert.Equal(1, VectorMath.Tanh(new(1e30f))[0]);

        static void Check(float actual, double expected) => Assert.True(Math.Abs(actual - expected) <= 5e-7 * Math.Abs(expected),
            $"{actual}, expected {expected}");
    }

    private static Tensor[] Watched(Tensor[] inputs) => [.. inputs.Select(x => x.DType == DType.Float32 ? x.Watch() : x)];

    private static Dictionary<string, Func<RandomSource, (Op Op, Tensor[] Inputs)>> Build()
    {
        var all = new Dictionary<string, Func<RandomSource, (Op Op, Tensor[] Inputs)>>(StringComparer.Ordinal);
        (int N, int T, int I, int H)[] shapes = [(1, 1, 1, 1), (3, 5, 4, 6), (2, 3, 7, 33), (13, 4, 9, 40), (32, 6, 20, 96), (5, 3, 8, 300)];
        foreach (RecurrentKind kind in Enum.GetValues<RecurrentKind>())
        {
            for (int i = 0; i < shapes.Length; i++)
            {
                (int n, int t, int inputs, int h) = shapes[i];
                bool reverse = i % 2 == 1, biases = i != 2, starts = i is 1 or 3 or 4, lengths = i is 1 or 2 or 4, last = i is not (0 or 3);
                all[$"{kind} {shapes[i]}"] = random => Recurrent(random, kind, n, t, inputs, h, reverse, biases, starts, lengths, last);
            }
        }
        all["attention, packed"] = r => (new AttentionOp(2, false, true, false), [r.Normal([3, 5, 24])]);
        all["attention, packed, causal"] = r => (new AttentionOp(2, true, true, false), [r.Normal([2, 101, 3 * 2 * 37])]);
        all["attention, packed, large"] = r => (new AttentionOp(8, false, true, false), [r.Normal([2, 128, 3 * 256])]);
        all["attention, packed, mask"] = r => (new AttentionOp(2, false, true, true), [r.Normal([3, 5, 24]), TensorOps.CausalMask(5, 5)]);
        all["attention, packed, dropout"] = r => (new AttentionOp(2, false, true, false, 0.4f, 7), [r.Normal([3, 5, 24])]);
        all["attention, packed, causal, learned mask"] = r => (new AttentionOp(2, true, true, true), [r.Normal([3, 5, 24]), r.Normal([2, 5, 5])]);
        all["attention, apart, learned mask, dropout"] = r => (
            new AttentionOp(2, false, false, true, 0.2f, 9), [r.Normal([2, 101, 8]), r.Normal([2, 70, 8]), r.Normal([2, 70, 6]), r.Normal([1, 2, 101, 1])]);
        all["attention, apart"] = r => (new AttentionOp(2, false, false, false), [r.Normal([3, 50, 8]), r.Normal([3, 7, 8]), r.Normal([3, 7, 6])]);
        all["attention, apart, causal"] = r => (new AttentionOp(1, true, false, false), [r.Normal([1, 9, 8]), r.Normal([1, 7, 8]), r.Normal([1, 7, 40])]);
        all["attention, apart, lengths"] = r => (
            new AttentionOp(2, false, false, true),
            [r.Normal([3, 5, 8]), r.Normal([3, 7, 8]), r.Normal([3, 7, 8]), AttentionModule.KeyMask(Tensor.From([7L, 1, 4], [3]), 7)]);
        UnaryOp[] functions =
        [
            ExpOp.Instance, TanhOp.Instance, SigmoidOp.Instance, SoftplusOp.Instance, ReluOp.Instance, GeluOp.Instance, GeluTanhOp.Instance, SiluOp.Instance,
            MishOp.Instance, HardSwishOp.Instance, new AffineOp(-1.5f, 0.3f), new LeakyReluOp(0.2f), new LeakyReluOp(-0.2f), new EluOp(0.7f),
        ];
        for (int i = 0; i < functions.Length; i++)
        {
            UnaryOp f = functions[i], g = functions[(i + 4) % functions.Length], h = functions[(i + 9) % functions.Length];
            all[$"chain {i}"] = r => (new ChainOp(f), [r.Normal([5, 37])]);
            all[$"chain {i}, two"] = r => (new ChainOp(f, g), [r.Normal([3, 41], 0, 0.6f)]);
            all[$"chain {i}, three, sum"] = r => (new ChainOp(f, g, h), [r.Normal([700], 0, 0.4f), r.Normal([700], 0, 0.4f)]);
            all[$"linear {i}"] = r => (new LinearChainOp(new ChainOp(f)), [r.Normal([2, 3, 7]), r.Normal([5, 7]), r.Normal([5])]);
            all[$"linear {i}, two"] = r => (new LinearChainOp(new ChainOp(f, g)), [r.Normal([4, 7], 0, 0.4f), r.Normal([33, 7], 0, 0.4f)]);
        }
        all["chain, large, sum"] = r => (new ChainOp(new AffineOp(0.5f, 0), TanhOp.Instance, GeluOp.Instance), [r.Normal([3, 40_001]), r.Normal([3, 40_001])]);
        // Products of every kind: few rows, few columns, no packing, blocks of k, panels at the edges.
        (int M, int N, int K)[] products = [(1, 300, 200), (2, 1, 64), (200, 1, 30), (3, 700, 90), (100, 130, 700), (257, 95, 64), (64, 10, 0)];
        foreach ((int m, int n, int k) in products)
        {
            all[$"linear {m} x {n} x {k}, silu"] = r => (
                new LinearChainOp(new ChainOp(SiluOp.Instance)), [r.Normal([m, k]), r.Normal([n, k], 0, 1 / MathF.Sqrt(k + 1)), r.Normal([n])]);
            all[$"linear {m} x {n} x {k}, relu"] = r => (
                new LinearChainOp(new ChainOp(ReluOp.Instance)), [r.Normal([m, k]), r.Normal([n, k], 0, 1 / MathF.Sqrt(k + 1)), r.Normal([n])]);
        }
        all["convolution, relu"] = r => (
            new Conv2dReluOp(ConvGeometry.Square(2, 1, groups: 2)), [r.Normal([2, 4, 7, 6]), r.Normal([6, 2, 3, 3], 0, 0.3f), r.Normal([6])]);
        all["convolution, relu, no bias, large"] = r => (
            new Conv2dReluOp(ConvGeometry.Square(padding: 1)), [r.Normal([2, 32, 28, 28]), r.Normal([48, 32, 3, 3], 0, 0.06f)]);
        all["rms norm"] = r => (new RmsNormOp(1, 1e-3f), [r.Normal([3, 5, 17]), r.Normal([17])]);
        all["rms norm, two axes, no weight"] = r => (new RmsNormOp(2, 1e-3f), [r.Normal([3, 5, 7], 2, 1)]);
        all["rms norm, large"] = r => (new RmsNormOp(1, 1e-3f), [r.Normal([300, 256]), r.Normal([256])]);
        all["local response norm"] = r => (new LocalResponseNormOp(5, 0.9f, 0.75f, 1), [r.Normal([2, 7, 3, 3])]);
        all["local response norm, even size"] = r => (new LocalResponseNormOp(4, 2, 1.3f, 2), [r.Normal([1, 3, 19])]);
        all["local response norm, wide"] = r => (new LocalResponseNormOp(9, 0.5f, 0.5f, 1), [r.Normal([1, 4, 5])]);
        all["local response norm, large"] = r => (new LocalResponseNormOp(5, 0.5f, 0.75f, 2), [r.Normal([3, 64, 27, 27])]);
        return all;
    }

    private static (Op Op, Tensor[] Inputs) Recurrent(
        RandomSource random, RecurrentKind kind, int n, int t, int inputs, int h, bool reverse, bool biases, bool starts, bool lengths, bool last)
    {
        int gates = TensorOps.Gates(kind);
        float scale = 1 / MathF.Sqrt(h);
        var all = new List<Tensor> { random.Normal([n, t, inputs]), random.Normal([gates * h, inputs], 0, scale), random.Normal([gates * h, h], 0, scale) };
        if (biases) all.AddRange([random.Normal([gates * h]), random.Normal([gates * h])]);
        if (starts) all.Add(random.Normal([n, h]));
        if (starts && kind == RecurrentKind.Lstm) all.Add(random.Normal([n, h]));
        if (lengths) all.Add(Tensor.From([.. Enumerable.Range(0, n).Select(i => (long)(i * 7 % (t + 1)))], [n]));
        return (new RecurrentOp(kind, reverse, biases, starts, lengths, last), [.. all]);
    }
}
