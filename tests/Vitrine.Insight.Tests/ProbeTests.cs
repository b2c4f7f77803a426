namespace Vitrine.Insight.Tests;

/// <summary>What is shared by all methods that ask about modified inputs.</summary>
public sealed class ProbeTests
{
    [Fact]
    public void AnyFunctionWillDo()
    {
        // A box that no operator can be seen in: a step function over plain numbers.
        var box = new Function(x =>
        {
            float[] sums = new float[x.Shape[0]];
            for (int i = 0; i < x.Count; i++) sums[i / 4] += x.Floats[i] > 0.5f ? (i % 4) + 1 : 0;
            return Tensor.From(sums, [sums.Length, 1]);
        });
        Tensor input = Tensor.From([1f, 0, 1, 1, 0, 1, 1, 0], [2, 4]);
        Assert.Equal([1, 0, 3, 4, 0, 2, 3, 0], new FeatureAblation().Explain(box, input, Target.Class(0)).Values.ToArray());
    }

    [Fact]
    public void TopStaysTheClassOfTheInputAsItIs()
    {
        // Without the first element the second class is on top; what is asked is how much the first class loses.
        Tensor x = Tensor.From([3f, 2], [1, 2]);
        Assert.Equal([3, 0], new FeatureAblation().Explain(new Function(v => v + 0), x, Target.Top).Values.ToArray());
    }

    [Fact]
    public void EachExampleIsAskedItsOwnQuestion()
    {
        Tensor x = new RandomSource(1).Normal([200, 3]); // more examples than fit one inference
        int[] classes = [.. Enumerable.Range(0, 200).Select(i => i % 3)];
        float[] found = new FeatureAblation().Explain(new Function(v => v + 0), x, Target.Classes(classes)).Values.ToArray();
        for (int i = 0; i < found.Length; i++) Assert.Equal(i % 3 == classes[i / 3] ? x.Floats[i] : 0, found[i]);
    }

    [Fact]
    public void LayerIsModifiedInItsPlace()
    {
        Weights weights = Weights.Random(2);
        var net = new Sequential(weights, new Linear(weights.In("a"), 5, 4), Layer.Relu(weights.In("r")), new Linear(weights.In("b"), 4, 3));
        Tensor x = new RandomSource(7).Normal([6, 5]);
        Attribution found = new FeatureAblation().Explain(net, x, Target.Class(2), "r");
        // Behind the layer the network is linear: what an element adds is itself times its weight.
        Tensor weight = net.Parameters.Single(p => p.Name == "b.weight").Value;
        for (int n = 0; n < 6; n++)
        {
            for (int i = 0; i < 4; i++) Assert.Equal(found.Of[n, i] * weight[2, i], found.Values[n, i], 1e-5f);
        }
        Assert.Equal(found.Values.ToArray(), new FeatureAblation().Explain(net, x, Target.Neuron("b", 2), "r").Values.ToArray());
    }

    [Fact]
    public void TokensAreReplacedByTokens()
    {
        Weights weights = Weights.Random(3);
        var table = new Embedding(weights.In("table"), 10, 1);
        var net = new Function(tokens => table.Call(new Run(), tokens).Sum([1]));
        Tensor tokens = Tensor.From([3L, 7, 3, 1], [1, 4]);
        float Value(int token) => table.Weight.Value[token, 0];
        float[] each = new FeatureAblation(baseline: Baseline.Constant(9)).Explain(net, tokens, Target.Class(0)).Values.ToArray();
        float[] words = new FeatureAblation(Features.EqualValues, Baseline.Constant(9)).Explain(net, tokens, Target.Class(0)).Values.ToArray();
        for (int i = 0; i < 4; i++)
        {
            int token = (int)tokens.Longs[i];
            Assert.Equal(Value(token) - Value(9), each[i], 1e-5f);
            Assert.Equal((Value(token) - Value(9)) * (token == 3 ? 2 : 1), words[i], 1e-5f);
        }
    }

    [Fact]
    public void ProgressGrowsToOne()
    {
        var seen = new Seen();
        new Occlusion().Explain(LeNetGoldenTests.Net(), LeNetGoldenTests.Input, Target.Top, progress: seen);
        Assert.True(seen.Values.Count > 2);
        Assert.Equal(seen.Values.Order(), seen.Values);
        Assert.Equal(1, seen.Values[^1]);
    }

    [Fact]
    public void CancellationEndsBetweenChunksAndLeavesNoTrace()
    {
        var net = LeNetGoldenTests.Net();
        float[] before = [.. net.Parameters.SelectMany(p => p.Value.ToArray())];
        float[] alone = new Occlusion().Explain(net, LeNetGoldenTests.Input, Target.Top, "relu2").Values.ToArray();
        using var source = new CancellationTokenSource();
        var seen = new Seen(source.Cancel);
        Assert.Throws<OperationCanceledException>(() => new Occlusion().Explain(net, LeNetGoldenTests.Input, Target.Top, "relu2", seen, source.Token));
        Assert.Single(seen.Values);
        Assert.Equal(before, net.Parameters.SelectMany(p => p.Value.ToArray()));
        Assert.Equal(alone, new Occlusion().Explain(net, LeNetGoldenTests.Input, Target.Top, "relu2").Values.ToArray());
    }

    [Fact]
    public void ExceptionInTheBoxLeavesNoTrace()
    {
        var net = LeNetGoldenTests.Net();
        int asked = 0;
        var failing = new Function(x => ++asked < 3 ? net.Call(new Run(), x) : throw new InvalidOperationException("the box broke"));
        Tensor before = net.Predict(LeNetGoldenTests.Input);
        Assert.Throws<InvalidOperationException>(() => new Occlusion().Explain(failing, LeNetGoldenTests.Input, Target.Top));
        Assert.Equal(before.ToArray(), net.Predict(LeNetGoldenTests.Input).ToArray());
        Assert.Null(new Function(x => x).Predict(LeNetGoldenTests.Input).Source);
    }

    [Fact]
    public void MistakesAreNamed()
    {
        var net = LeNetGoldenTests.Net();
        Tensor x = LeNetGoldenTests.Input;
        Assert.Contains("conv9", Assert.Throws<ArgumentException>(() => new Occlusion().Explain(net, x, Target.Top, "conv9")).Message,
            StringComparison.Ordinal);
        Assert.Contains("[1, 29, 3]", Assert.Throws<ArgumentException>(() => new Occlusion([1, 29, 3]).Explain(net, x, Target.Top)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new Occlusion([1, 3, 3], [1, 4, 3]));
        Assert.Contains("784", Assert.Throws<ArgumentException>(() => new ShapleyValues(Features.Each).Explain(net, x, Target.Top)).Message,
            StringComparison.Ordinal);
        Assert.Contains("[27, 28]", Assert.Throws<ArgumentException>(() => new FeatureAblation(Features.Of(Tensor.Zeros([27, 28]))).Explain(net, x,
            Target.Top)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new FeaturePermutation().Explain(net, x.Slice(0, 0, 1), Target.Top));
    }

    [Fact]
    public void BlocksCoverTheInputEvenly()
    {
        int[] labels = Features.Blocks(9).Labels(Tensor.Zeros([3, 28, 28]));
        Assert.Equal(Enumerable.Range(0, 9), labels.Distinct().Order());
        Assert.All(labels.CountBy(l => l), pair => Assert.InRange(pair.Value, 3 * 81, 3 * 100));
        Assert.Equal(labels[..784], labels[784..1568]);
        Assert.Equal([2, 3], Features.Blocks(2).Labels(Tensor.Zeros([5])).CountBy(l => l).Select(p => p.Value).Order());
        Assert.Equal([0, 1, 2], Features.Blocks(3).Labels(Tensor.Zeros([3])));
    }

    internal sealed class Seen(Action? then = null) : IProgress<double>
    {
        public List<double> Values { get; } = [];

        public void Report(double value)
        {
            Values.Add(value);
            then?.Invoke();
        }
    }
}
