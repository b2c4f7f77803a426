namespace Vitrine.Engine.Tests;

public sealed class AutogradTests
{
    [Fact]
    public void ChainOf300000OperatorsDifferentiates()
    {
        Tensor x = Tensor.From(1f, 2f, 3f).Watch(), one = Tensor.Ones([3]), y = x;
        for (int i = 0; i < 300_000; i++) y = y + one;
        Gradients gradients = Autograd.Backward(y.Sum(), null, [x]);
        Assert.Equal([1f, 1f, 1f], gradients[x].ToArray());
        Assert.Equal(300_001f, y[0]);
    }

    [Fact]
    public void SharedInputsAddUp()
    {
        Tensor x = Tensor.Scalar(3).Watch();
        Tensor y = x * x + x * x * x; // 2x + 3x^2
        Assert.Equal(33f, Autograd.Backward(y, null, [x])[x].Item());
    }

    [Fact]
    public void RulesCanGoBackFromOtherInputs()
    {
        // The rule puts 5 in the place of x: the derivative of x^2 there is 10.
        Tensor x = Tensor.Scalar(3).Watch(), y = x.Square();
        RuleSet rules = _ => (node, grad, input, _) =>
        {
            Node other = node.On(Tensor.Scalar(5));
            Assert.Equal(25f, other.Output.Item());
            return node.Op.Backward(other, grad, input);
        };
        Assert.Equal(10f, Autograd.Backward(y, null, [x], rules)[x].Item());
    }

    [Fact]
    public void InteriorTensorsCanBeAskedFor()
    {
        Tensor x = Tensor.Scalar(2).Watch(), h = x * x, y = h * h;
        Gradients gradients = Autograd.Backward(y, null, [h, x]);
        Assert.Equal(8f, gradients[h].Item());
        Assert.Equal(32f, gradients[x].Item());
    }

    [Fact]
    public void SeedIsTheGradientOfTheRoot()
    {
        Tensor x = Tensor.From(1f, 2f).Watch();
        Assert.Equal([6f, 40f], Autograd.Backward(x * x, Tensor.From(3f, 10f), [x])[0].ToArray());
    }

    [Fact]
    public void UnreachedTensorHasZeros()
    {
        Tensor x = Tensor.Scalar(1).Watch(), z = Tensor.From(1f, 2f).Watch();
        Gradients gradients = Autograd.Backward(x * x, null, [x, z]);
        Assert.False(gradients.Reached(1));
        Assert.Equal([0f, 0f], gradients[z].ToArray());
    }

    [Fact]
    public void UnrecordedRootIsAnError()
    {
        var error = Assert.Throws<ArgumentException>(() => Autograd.Backward(Tensor.Scalar(1), null, []));
        Assert.Contains("Watch", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ErrorsNameOperatorScopeAndShapes()
    {
        var net = new Sequential(Weights.Random(1), new Linear(Weights.Random(2).In("head"), 4, 2));
        var error = Assert.Throws<OperatorException>(() => net.Call(new Run(), Tensor.Zeros([3, 5])));
        Assert.Contains("Linear in head", error.Message, StringComparison.Ordinal);
        Assert.Contains("[3, 5]", error.Message, StringComparison.Ordinal);
        Assert.Contains("[2, 4]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RulesReplaceGradientsNodeByNode()
    {
        Tensor x = Tensor.From(-1f, 2f).Watch();
        Tensor y = x.Relu() * 3f;
        RuleSet passThrough = node => node.Op is Ops.ReluOp ? (_, grad, _, _) => grad : null;
        Assert.Equal([3f, 3f], Autograd.Backward(y, null, [x], passThrough)[0].ToArray());
        Assert.Equal([0f, 3f], Autograd.Backward(y, null, [x])[0].ToArray());
    }

    [Fact]
    public void RulesThatThrowNameTheOperator()
    {
        Tensor x = Tensor.From(-1f, 2f).Watch();
        RuleSet refuse = _ => (_, _, _, _) => throw new NotSupportedException("no rule");
        var error = Assert.Throws<NotSupportedException>(() => Autograd.Backward(x.Relu(), null, [x], refuse));
        Assert.Contains("Relu", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReferenceNodesArePairedInCreationOrder()
    {
        Tensor x = Tensor.From(1f, 2f).Watch(), zero = Tensor.Zeros([2]).Watch();
        static Tensor F(Tensor t) => (t * 2f).Relu();
        var seen = new List<(float Main, float Reference)>();
        RuleSet watch = _ => (node, grad, input, reference) =>
        {
            seen.Add((node.Output.Floats[1], reference!.Output.Floats[1]));
            return node.Op.Backward(node, grad, input);
        };
        Autograd.Backward(F(x), null, [x], watch, reference: F(zero));
        Assert.Equal([(4f, 0f), (4f, 0f)], seen);
    }

    [Fact]
    public void ReferenceOnAnotherPathIsAnErrorThatSaysSo()
    {
        Tensor x = Tensor.Scalar(1).Watch(), z = Tensor.Scalar(0).Watch();
        var error = Assert.Throws<InvalidOperationException>(() => Autograd.Backward(x.Relu().Exp(), null, [x], reference: z.Exp().Relu()));
        Assert.Contains("another path", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DifferentiableGivesSecondDerivatives()
    {
        Tensor x = Tensor.Scalar(2).Watch();
        Tensor first = Autograd.Backward(x * x * x, null, [x], differentiable: true)[0];
        Assert.Equal(12f, first.Item());
        Assert.Equal(12f, Autograd.Backward(first, null, [x])[0].Item());
    }

    [Fact]
    public void InferenceRecordsNothing()
    {
        var layer = new Linear(Weights.Random(1), 3, 2);
        Assert.Null(layer.Call(new Run(), Tensor.Ones([1, 3])).Source);
        Assert.NotNull(layer.Call(new Run(recording: true), Tensor.Ones([1, 3])).Source);
    }

    [Fact]
    public void ScopesNumberRepeatedCalls()
    {
        Weights weights = Weights.Random(1);
        var a = new Linear(weights.In("a"), 3, 3);
        var net = new Sequential(weights, a, a);
        var run = new Run(recording: true).Tap();
        Tensor y = net.Call(run, Tensor.Ones([1, 3]));
        Assert.Equal("a#2", y.Source!.Scope);
        Assert.Equal(["a", "a#2", ""], run.Taps.Keys);
    }

    [Fact]
    public void NumericsGuardNamesOperatorAndScope()
    {
        Weights weights = Weights.Random(1);
        var layer = new Layer(weights.In("log"), Ops.LogOp.Instance);
        var error = Assert.Throws<NumericsException>(() => layer.Call(new Run { CheckNumerics = true }, Tensor.From(1f, 0f)));
        Assert.Contains("Log in log", error.Message, StringComparison.Ordinal);
        Assert.Contains("element 1", error.Message, StringComparison.Ordinal);
    }
}
