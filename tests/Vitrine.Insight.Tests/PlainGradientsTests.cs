using Vitrine.Models;
using Vitrine.Ops;

namespace Vitrine.Insight.Tests;

/// <summary>Passes that no rule looks at may join their functions; the gradients are the same.</summary>
public sealed class PlainGradientsTests
{
    [Fact]
    public void JoinedPassesGiveTheSameGradients()
    {
        var net = new SqueezeNet11(Weights.Random(3), classes: 7);
        Tensor x = new RandomSource(1).Normal([2, 3, 47, 47]);
        Recorded joined = Recorded.Of(net, x, Target.Top, null, plain: true), written = Recorded.Of(net, x, Target.Top, null);
        Assert.Equal(written.Output.ToArray(), joined.Output.ToArray());
        Assert.Equal(written.Back().ToArray(), joined.Back().ToArray());
        Assert.Contains(joined.Back().ToArray(), g => g != 0);
        Assert.Contains(Nodes(written), n => n.Op is ReluOp);
        Assert.DoesNotContain(Nodes(joined), n => n.Op is ReluOp);
    }

    [Fact]
    public void WhatRulesLookAtStaysAsItIsWritten()
    {
        var net = new SqueezeNet11(Weights.Random(3), classes: 7);
        Tensor x = new RandomSource(1).Normal([1, 3, 47, 47]);
        // A layer that is tapped is there on its own, joined or not.
        Attribution found = new IntegratedGradients(5).Explain(net, x, Target.Top, "features.4.squeeze");
        Assert.Equal([1, 16, 11, 11], found.Values.Shape.Dims.ToArray());
        Assert.True(new GuidedBackprop().Explain(net, x, Target.Top).Values.Abs().Max([]).Item() > 0);
        Assert.NotEqual(new Gradient().Explain(net, x, Target.Top).Values.ToArray(), new GuidedBackprop().Explain(net, x, Target.Top).Values.ToArray());
    }

    private static IEnumerable<Node> Nodes(Recorded run) => Autograd.Ancestors(run.Score);
}
