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
            return Autograd.Backward(first.Square().Sum(), null, [x[0]])[0];
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
        all["attention, apart"] = r => (new AttentionOp(2, false, false, false), [r.Normal([3, 50, 8]), r.Normal([3, 7, 8]), r.Normal([3, 7, 6])]);
        all["attention, apart, causal"] = r => (new AttentionOp(1, true, false, false), [r.Normal([1, 9, 8]), r.Normal([1, 7, 8]), r.Normal([1, 7, 40])]);
        all["attention, apart, lengths"] = r => (
            new AttentionOp(2, false, false, true),
            [r.Normal([3, 5, 8]), r.Normal([3, 7, 8]), r.Normal([3, 7, 8]), AttentionModule.KeyMask(Tensor.From([7L, 1, 4], [3]), 7)]);
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
