using Vitrine.Models;
using Vitrine.Ops;

namespace Vitrine.Insight.Tests;

public sealed class DeepLiftTests
{
    private static readonly Tensor X = new RandomSource(2).Normal([3, 6]), Start = new RandomSource(8).Normal([3, 6]);

    public static TheoryData<string> Operators() => [.. Functions.Keys];

    // Every function sums to one number for each example, so that the shares have to as well.
    private static readonly Dictionary<string, Func<Tensor, Tensor>> Functions = new(StringComparer.Ordinal)
    {
        ["relu"] = x => x.Relu(),
        ["leaky relu"] = x => x.LeakyRelu(0.2f),
        ["sigmoid"] = x => x.Sigmoid(),
        ["tanh"] = x => x.Tanh(),
        ["gelu"] = x => x.Gelu(),
        ["gelu tanh"] = x => x.GeluTanh(),
        ["silu"] = x => x.Silu(),
        ["mish"] = x => x.Mish(),
        ["elu"] = x => x.Elu(),
        ["selu"] = x => x.Selu(),
        ["softplus"] = x => x.Softplus(),
        ["hard swish"] = x => x.HardSwish(),
        ["relu6"] = x => x.Relu6(),
        ["square"] = x => x.Square(),
        ["exp"] = x => x.Exp(),
        ["product"] = x => x * x.Sigmoid(),
        ["quotient"] = x => x / (x.Square() + 1f),
        ["matrix product"] = x => x.Reshape(-1, 2, 3).MatMul(x.Reshape(-1, 3, 2)).Tanh().Reshape(-1, 4),
        ["maximum of two"] = x => x.Slice(1, 0, 3).Maximum(x.Slice(1, 3, 6)),
        ["power"] = x => x.Sigmoid().Pow(x.Tanh()),
        ["max pooling"] = x => x.MaxPool1d(3, 1),
        ["largest"] = x => x.Max([1], keepDims: true),
        ["mean"] = x => x.Mean([1], keepDims: true),
        ["gated shortcut"] = x => x + x.Relu() * x.Sigmoid(),
        ["concatenation"] = x => TensorOps.Concat(1, x.Tanh(), x.Slice(1, 0, 2)),
        ["linear"] = x => x.Linear(new RandomSource(3).Normal([4, 6]), new RandomSource(4).Normal([4])).Relu(),
    };

    [Theory]
    [MemberData(nameof(Operators))]
    public void DifferencesAreSharedOutCompletely(string name)
    {
        var net = new Function(x => Functions[name](x * 1.5f - 0.1f).Sum([1], keepDims: true));
        Attribution found = new DeepLift(Baseline.Of(Start)).Explain(net, X, Target.Class(0));
        Tensor change = (net.Predict(X) - net.Predict(Start)).Squeeze(1);
        for (int i = 0; i < 3; i++)
        {
            Tensor values = found.Values.Slice(0, i, i + 1);
            Assert.Equal(change.Floats[i], values.Sum().Item(), 2e-5f * (1 + values.Abs().Sum().Item()));
        }
        // Where nothing differs from the reference nothing is shared out, and nothing is divided by zero.
        Assert.All(new DeepLift(Baseline.Of(X)).Explain(net, X, Target.Class(0)).Values.ToArray(), v => Assert.Equal(0f, v));
    }

    [Fact]
    public void MultipliersOfShortWaysAreDerivatives()
    {
        // Single precision has no digits left for a quotient of differences of 1e-5; the derivative in the middle has.
        Tensor start = X + 1e-5f;
        var net = new Function(x => x.Sigmoid().Sum([1], keepDims: true));
        Tensor found = new DeepLift(Baseline.Of(start)).Explain(net, X, Target.Class(0)).Values / (X - start);
        Tensor derivative = new Gradient().Explain(net, X, Target.Class(0)).Values;
        PathMethodTests.Close(derivative, found, 1e-5f);
    }

    [Fact]
    public void SoftmaxIsRescaledAndLosesItsMean()
    {
        var net = new Function(x => x.Softmax(1));
        Tensor found = new DeepLift(Baseline.Of(Start)).Explain(net, X, Target.Class(2)).Values, p = net.Predict(X), p0 = net.Predict(Start);
        for (int i = 0; i < 3; i++)
        {
            float multiplier = (p[i, 2] - p0[i, 2]) / (X[i, 2] - Start[i, 2]);
            for (int k = 0; k < 6; k++) Assert.Equal(((k == 2 ? multiplier : 0) - multiplier / 6) * (X[i, k] - Start[i, k]), found[i, k], 1e-5f);
        }
    }

    [Fact]
    public void MasksOfAttentionCauseNoHarm()
    {
        var net = new Function(t => TensorOps.ScaledDotProductAttention(t, t, t, causal: true).Output.Flatten());
        Tensor x = new RandomSource(5).Normal([2, 3, 2]);
        Tensor values = new DeepLift(Baseline.Constant(0.5f)).Explain(net, x, Target.Class(2)).Values; // of the second position
        Assert.All(values.ToArray(), v => Assert.True(float.IsFinite(v)));
        Assert.All(values.Slice(1, 2, 3).ToArray(), v => Assert.Equal(0f, v));
        Assert.True(values.Slice(1, 0, 2).Abs().Min([]).Item() > 0);
    }

    [Fact]
    public void ABatchEqualsItsSinglesBehindSoftmaxAndMaxPooling()
    {
        var net = new Function(x => x.Reshape(-1, 1, 4, 6).MaxPool2d(3, 1).Relu().Flatten().Softmax(1));
        Tensor x = new RandomSource(3).Normal([3, 24]), start = new RandomSource(4).Normal([3, 24]);
        Tensor batch = new DeepLift(Baseline.Of(start)).Explain(net, x, Target.Class(1)).Values;
        for (int i = 0; i < 3; i++)
        {
            Tensor single = new DeepLift(Baseline.Of(start.Slice(0, i, i + 1))).Explain(net, x.Slice(0, i, i + 1), Target.Class(1)).Values;
            PathMethodTests.Close(batch.Slice(0, i, i + 1), single, 1e-6f);
        }
    }

    [Fact]
    public void ResidualNetworksAreShared()
    {
        ResNet net = ResNet.ResNet20(Weights.Random(4));
        Tensor x = new RandomSource(1).Normal([2, 3, 32, 32]), output = net.Predict(x), start = net.Predict(Tensor.Zeros(x.Shape));
        foreach (bool reveal in new[] { false, true })
        {
            Tensor values = new DeepLift(revealCancel: reveal).Explain(net, x, Target.Class(3)).Values;
            for (int i = 0; i < 2; i++)
            {
                Assert.Equal(output[i, 3] - start[i, 3], values.Slice(0, i, i + 1).Sum().Item(), 1e-4f * values.Slice(0, i, i + 1).Abs().Sum().Item());
            }
        }
        Tensor layer = new DeepLift().Explain(net, x, Target.Class(3), "layer2.1").Values;
        Assert.Equal(output[0, 3] - start[0, 3], layer.Slice(0, 0, 1).Sum().Item(), 1e-4f * layer.Abs().Sum().Item());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void RecurrentNetworksAreShared(bool lstm)
    {
        Weights weights = Weights.Random(2);
        Recurrent layer = lstm
            ? new Lstm(weights.In("rnn"), 5, 8, layers: 2, bidirectional: true)
            : new Gru(weights.In("rnn"), 5, 8, layers: 2, bidirectional: true);
        var net = new Sequential(weights, layer, new Function(y => y.Max([1])), new Linear(weights.In("last"), 16, 3));
        Tensor x = new RandomSource(3).Normal([2, 6, 5]), change = net.Predict(x) - net.Predict(Tensor.Zeros(x.Shape));
        Tensor values = new DeepLift().Explain(net, x, Target.Class(2)).Values;
        for (int i = 0; i < 2; i++) Assert.Equal(change[i, 2], values.Slice(0, i, i + 1).Sum().Item(), 1e-4f * values.Abs().Sum().Item());
    }

    [Fact]
    public void RevealCancelSharesAMinimumEvenly()
    {
        // The paper's example: min(a, b) = a - relu(a - b). Rescale gives the smaller input everything, RevealCancel half to each.
        Tensor difference = Tensor.From([1f, -1], [1, 2]), first = Tensor.From([1f, 0], [1, 2]);
        var net = new Function(x => x.Linear(first) - x.Linear(difference).Relu());
        Tensor x = Tensor.From([10f, 6, 3, 5], [2, 2]);
        Assert.Equal([0f, 6, 3, 0], new DeepLift().Explain(net, x, Target.Class(0)).Values.ToArray());
        Assert.Equal([3f, 3, 1.5f, 1.5f], new DeepLift(revealCancel: true).Explain(net, x, Target.Class(0)).Values.ToArray());
    }

    [Fact]
    public void RevealCancelKnowsEveryReaderOfALayer()
    {
        // A layer whose result two functions read and one operator passes on.
        Tensor weight = new RandomSource(3).Normal([4, 6]), bias = new RandomSource(4).Normal([4]);
        var net = new Function(x =>
        {
            Tensor z = x.Linear(weight, bias);
            return (z.Relu() + z.Tanh() + z * 0.3f).Sum([1], keepDims: true);
        });
        Tensor found = new DeepLift(Baseline.Of(Start), revealCancel: true).Explain(net, X, Target.Class(0)).Values;
        Tensor change = net.Predict(X) - net.Predict(Start);
        for (int i = 0; i < 3; i++) Assert.Equal(change[i, 0], found.Slice(0, i, i + 1).Sum().Item(), 1e-4f);
    }

    [Fact]
    public void DeepShapIsTheMeanOverTheBackground()
    {
        LeNet5 net = LeNetGoldenTests.Net();
        Tensor input = LeNetGoldenTests.Input, background = new RandomSource(5).Uniform([3, 1, 28, 28]);
        Tensor mean = Enumerable.Range(0, 3).Select(b => new DeepLift(Baseline.Of(background.Slice(0, b, b + 1))).Explain(net, input, Target.Class(1)).Values)
            .Aggregate((a, b) => a + b) * (1 / 3f);
        PathMethodTests.Close(mean, new DeepShap(background).Explain(net, input, Target.Class(1)).Values, 1e-6f);
    }

    [Fact]
    public void OperatorsWithoutARuleAreNamedWithTheirPlace()
    {
        Weights weights = Weights.Random(0);
        var net = new Sequential(
            weights, new Linear(weights.In("dense"), 6, 5), new Vitrine.LayerNorm(weights.In("norm"), [5]), new Linear(weights.In("last"), 5, 2));
        string message = Assert.Throws<NotSupportedException>(() => new DeepLift().Explain(net, X, Target.Top)).Message;
        Assert.Contains("LayerNorm", message, StringComparison.Ordinal);
        Assert.Contains("norm", message, StringComparison.Ordinal);
        Assert.Throws<NotSupportedException>(() => new DeepLift().Explain(new Function(x => x.CumSum(1).Round()), X, Target.Top));

        // A rule of the caller's own goes first.
        RuleSet own = node => node.Op is LayerNormOp ? (n, grad, input, _) => n.Op.Backward(n, grad, input) : null;
        Assert.Equal(X.Shape, new DeepLift(rules: own).Explain(net, X, Target.Top).Values.Shape);
    }

    [Fact]
    public void AChoiceThatDiffersForTheReferenceIsRefused()
    {
        var net = new Function(x => x.Greater(Tensor.Scalar(0)).Where(x, x * 2));
        Assert.Throws<NotSupportedException>(() => new DeepLift(Baseline.Of(-X)).Explain(net, X, Target.Top));
        Assert.Equal(X.Shape, new DeepLift(Baseline.Of("half", x => x * 0.5f)).Explain(net, X, Target.Top).Values.Shape);
    }
}
