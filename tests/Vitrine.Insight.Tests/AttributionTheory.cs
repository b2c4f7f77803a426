using Vitrine.Models;

namespace Vitrine.Insight.Tests;

/// <summary>What every attribution method has to keep, whatever it computes. A new method joins the list and gets its tests with it.</summary>
public sealed class AttributionTheory
{
    public static TheoryData<string> Methods() => [.. Insight.Methods.All.Select(m => m.Name)];

    public static TheoryData<string> CompleteMethods() => [.. Insight.Methods.All.Where(m => m.Promises.HasFlag(Promises.Completeness)).Select(m => m.Name)];

    public static TheoryData<string> PositiveMethods() => [.. Insight.Methods.All.Where(m => m.Promises.HasFlag(Promises.Positive)).Select(m => m.Name)];

    /// <summary>Those that take a single example.</summary>
    public static TheoryData<string> OfSingles() => [.. Insight.Methods.All.Where(m => !m.Needs.HasFlag(Needs.Batch)).Select(m => m.Name)];

    /// <summary>Those that take inputs of any shape.</summary>
    public static TheoryData<string> OfVectors() => [.. Insight.Methods.All.Where(m => (m.Needs & (Needs.Picture | Needs.FeatureMaps)) == 0).Select(m => m.Name)];

    // Rules are asked of operators, so that relevance depends on how a function is written; RevealCancel asks what a layer adds up.
    public static TheoryData<string> Invariant() =>
        [.. Insight.Methods.All.Where(m => !m.Needs.HasFlag(Needs.Picture) && !m.Promises.HasFlag(Promises.Conservation)
        && !m.Name.StartsWith("lrp", StringComparison.Ordinal) && m.Name != "deeplift revealcancel").Select(m => m.Name)];

    [Theory]
    [MemberData(nameof(Methods))]
    public void ShapeIsTheInputs(string method)
    {
        Tensor x = Images(3);
        Assert.Equal(x.Shape, Explain(method, Net(), x).Values.Shape);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void SameQuestionGivesSameBytes(string method)
    {
        Tensor x = Images(3);
        LeNet5 net = Net();
        Assert.Equal(Explain(method, net, x).Values.ToArray(), Explain(method, net, x).Values.ToArray());
    }

    [Theory]
    [MemberData(nameof(OfSingles))]
    public void BatchEqualsItsSingles(string method)
    {
        Tensor x = Images(3);
        LeNet5 net = Net();
        Tensor batch = Explain(method, net, x).Values;
        for (int i = 0; i < 3; i++)
        {
            Tensor single = Explain(method, net, x.Slice(0, i, i + 1)).Values;
            Tensor part = batch.Slice(0, i, i + 1);
            float worst = (single - part).Abs().Max([]).Item();
            Assert.True(worst <= 1e-5f * (1 + part.Abs().Max([]).Item()), $"Example {i} differs by {worst}.");
        }
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void ModelIsUntouched(string method)
    {
        LeNet5 net = Net();
        float[] before = [.. net.Parameters.SelectMany(p => p.Value.ToArray())];
        Explain(method, net, Images(2));
        Assert.Throws<ArgumentException>(() => Method(method).Explain(net, Images(2), Target.Class(10)));
        Assert.Equal(before, net.Parameters.SelectMany(p => p.Value.ToArray()));
        Assert.All(net.Parameters, p => Assert.Null(p.Value.Source));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void NothingIsLeftAfterAnErrorOrACancellation(string method)
    {
        LeNet5 net = Net();
        Tensor x = Images(2);
        byte[] before = Bytes(net);
        float[] answer = net.Predict(x).ToArray(), plain = Explain(method, net, x).Values.ToArray();
        for (int last = 1; last <= 3; last++)
        {
            int calls = 0;
            var failing = new Around(net, before: t => ++calls >= last ? throw new InvalidOperationException("on purpose") : t);
            try
            {
                Explain(method, failing, x);
            }
            catch (InvalidOperationException e) when (e.Message.Contains("on purpose", StringComparison.Ordinal))
            {
                // Where the method calls the network that often.
            }
            Untouched();

            using var source = new CancellationTokenSource();
            calls = 0;
            var cancelling = new Around(net, before: t =>
            {
                if (++calls >= last) source.Cancel();
                return t;
            });
            try
            {
                Method(method).Explain(cancelling, x, Target.Top, cancel: source.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.True(source.IsCancellationRequested);
            }
            Untouched();
        }
        Assert.ThrowsAny<OperationCanceledException>(() => Method(method).Explain(net, x, Target.Top, cancel: new CancellationToken(canceled: true)));
        Untouched();
        Assert.Equal(plain, Explain(method, net, x).Values.ToArray());

        void Untouched()
        {
            Assert.Equal(before, Bytes(net));
            Assert.All(net.Parameters, p => Assert.Null(p.Value.Source));
            // A tap or an edit that stayed would show in a run of its own.
            var run = new Run();
            Assert.Equal(answer, net.Call(run, x).ToArray());
            Assert.Empty(run.Taps);
        }

        static byte[] Bytes(Module of) => System.Security.Cryptography.SHA256.HashData(
            System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(of.Parameters.Concat(of.Buffers).SelectMany(p => p.Value.ToArray()).ToArray()));
    }

    [Theory]
    [MemberData(nameof(OfVectors))]
    public void ReusedModuleEqualsUnrolled(string method)
    {
        Weights weights = Weights.Random(5), copy = Weights.Random(5);
        var a = new Linear(weights.In("a"), 8, 8);
        var b = new Linear(weights.In("b"), 8, 4);
        var relu = Layer.Relu(weights.In("relu"));
        var reused = new Sequential(weights, a, relu, a, relu, b);
        var a1 = new Linear(copy.In("a"), 8, 8);
        var b1 = new Linear(copy.In("b"), 8, 4);
        // The unrolled twin applies rectifiers as functions, with no module to hook.
        var unrolled = new Function(x => Step(Step(x)).Linear(b1.Weight, b1.Bias));
        Tensor x = new RandomSource(9).Normal([3, 8]);
        Assert.Equal(Explain(method, unrolled, x).Values.ToArray(), Explain(method, reused, x).Values.ToArray());

        Tensor Step(Tensor t) => t.Linear(a1.Weight, a1.Bias).Relu();
    }

    [Theory]
    [MemberData(nameof(OfVectors))]
    public void ResidualModuleEqualsAnAddition(string method)
    {
        Weights weights = Weights.Random(5), copy = Weights.Random(5);
        Weights place = weights.In("residual"), body = place.In("body");
        var module = new Sequential(
            weights, new Residual(place, new Sequential(body, new Linear(body.In("a"), 8, 8), Layer.Relu(body.In("relu")))), new Linear(weights.In("b"), 8, 4));
        Linear a = new(copy.In("residual").In("body").In("a"), 8, 8), b = new(copy.In("b"), 8, 4);
        var function = new Function(x => (x.Linear(a.Weight, a.Bias).Relu() + x).Linear(b.Weight, b.Bias));
        Tensor x = new RandomSource(9).Normal([3, 8]);
        Assert.Equal(Explain(method, function, x).Values.ToArray(), Explain(method, module, x).Values.ToArray());
    }

    [Theory]
    [MemberData(nameof(Invariant))]
    public void NetworksOfTheSameFunctionGetTheSameAnswer(string method)
    {
        // One dense layer, or two without anything between them.
        Tensor first = new RandomSource(1).Normal([5, 8]), second = new RandomSource(2).Normal([6, 5]), last = new RandomSource(3).Normal([4, 6]);
        Tensor product = second.MatMul(first);
        var two = new Function(x => x.Linear(first).Linear(second).Relu().Linear(last));
        var one = new Function(x => x.Linear(product).Relu().Linear(last));
        Tensor x = new RandomSource(9).Normal([3, 8]);
        PathMethodTests.Close(Explain(method, one, x).Values, Explain(method, two, x).Values, 1e-4f);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void OtherWeightsGiveAnotherAnswer(string method)
    {
        Tensor x = Images(2);
        Assert.NotEqual(Explain(method, Net(1), x).Values.ToArray(), Explain(method, Net(2), x).Values.ToArray());
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task ConcurrentExplanationsEqualThoseAlone(string method)
    {
        LeNet5 net = Net();
        Tensor x = Images(2), y = new RandomSource(4).Uniform([2, 1, 28, 28]);
        float[] alone = Explain(method, net, x).Values.ToArray();
        float[] guided = new GuidedBackprop().Explain(net, y, Target.Class(3)).Values.ToArray();
        // Twenty rounds of what is quick; of what takes long, as many as a second allows.
        var watch = System.Diagnostics.Stopwatch.StartNew();
        for (int round = 0; round < 20 && (round < 2 || watch.ElapsedMilliseconds < 1000); round++)
        {
            Task<float[]> one = Task.Run(() => Explain(method, net, x).Values.ToArray());
            Task<float[]> other = Task.Run(() => new GuidedBackprop().Explain(net, y, Target.Class(3)).Values.ToArray());
            Assert.Equal(alone, await one);
            Assert.Equal(guided, await other);
        }
    }

    [Theory]
    [MemberData(nameof(CompleteMethods))]
    public void ValuesSumToTheDifferenceOfScores(string method)
    {
        Tensor x = Images(3);
        LeNet5 net = Net();
        Attribution found = Method(method).Explain(net, x, Target.Class(4));
        float start = net.Predict(Tensor.Zeros([1, 1, 28, 28]))[0, 4];
        for (int i = 0; i < 3; i++)
        {
            Tensor values = found.Values.Slice(0, i, i + 1);
            Assert.Equal(found.Score.Floats[i] - start, values.Sum().Item(), 1e-2f * values.Abs().Sum().Item());
        }
    }

    [Theory]
    [MemberData(nameof(PositiveMethods))]
    public void NothingIsNegative(string method) => Assert.All(Explain(method, Net(), Images(2)).Values.ToArray(), v => Assert.True(v >= 0));

    private static Attribution Explain(string method, Module model, Tensor x) => Method(method).Explain(model, x, Target.Top);

    private static IAttribution Method(string name) => Insight.Methods.All.Single(m => m.Name == name).Create(new MethodOptions());

    private static LeNet5 Net(ulong seed = 1) => new(Weights.Random(seed));

    private static Tensor Images(int count) => new RandomSource(3).Uniform([count, 1, 28, 28]);
}
