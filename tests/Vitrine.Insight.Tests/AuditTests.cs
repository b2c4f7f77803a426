namespace Vitrine.Insight.Tests;

public sealed class AuditTests
{
    // A linear scorer of two classes with weights on a patch alone, so that its exact explanation is known: the weights times the input.
    internal static (Module Net, Tensor Input, Tensor Mask) Known()
    {
        var random = new RandomSource(11);
        float[] weights = new float[2 * 256], mask = new float[2 * 256];
        for (int i = 0; i < 256; i++)
        {
            if (i / 16 is < 4 or > 9 || i % 16 is < 3 or > 8) continue;
            weights[i] = random.NextNormal();
            weights[256 + i] = random.NextNormal();
            mask[i] = mask[256 + i] = 1;
        }
        var state = new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            ["linear.weight"] = Tensor.From(weights, [2, 256]),
            ["linear.bias"] = Tensor.From([0.5f, 0]),
        };
        Weights place = Weights.From(state);
        var net = new Sequential(place, new Flatten(place.In("flat")), new Linear(place.In("linear"), 256, 2));
        return (net, random.Uniform([2, 1, 16, 16]), Tensor.From(mask, [2, 1, 16, 16]));
    }

    [Fact]
    public void ExactExplanationPassesEverythingButTheShift()
    {
        (Module net, Tensor input, Tensor mask) = Known();
        Audit audit = Audit.Of(net, input, new InputXGradient(), Target.Class(0), AuditLevel.Full, mask);
        AuditCheck[] failed = [.. audit.Checks.Where(c => c.Failed is not null)];
        Assert.Equal(["shift"], failed.Select(c => c.Name)); // gradient times input depends on where zero is (Kindermans et al.)
        Assert.StartsWith("Fails 1 of ", audit.Verdict, StringComparison.Ordinal);
        Assert.Contains("shift", audit.Verdict, StringComparison.Ordinal);
        Assert.Equal(0, Check(audit, "infidelity").Method.Mean, 1e-4);
        Assert.Equal(1, Check(audit, "mass inside").Method.Mean, 1e-6);
        Assert.Equal(["linear"], audit.Cascade!.Select(l => l.What));
    }

    [Fact]
    public void PassingAllIsSaid()
    {
        (Module net, Tensor input, Tensor mask) = Known();
        Audit audit = Audit.Of(net, input, new InputXGradient(), Target.Class(0), mask: mask);
        Assert.Equal($"Passes all {audit.Checks.Count(c => c.Better != Better.Neither)} checks.", audit.Verdict);
        Assert.Null(audit.Cascade);
    }

    [Fact]
    public void WhatIgnoresTheNetworkFails()
    {
        (Module net, Tensor input, Tensor mask) = Known();
        foreach (IAttribution nothing in (IAttribution[])[new EdgeMap(), new RandomMap(77)])
        {
            Audit audit = Audit.Of(net, input, nothing, Target.Class(0), mask: mask);
            string[] failed = [.. audit.Checks.Where(c => c.Failed is not null).Select(c => c.Name)];
            Assert.Contains("random weights", failed);
            Assert.Contains("other class", failed);
            Assert.Contains("infidelity", failed);
            Assert.Contains("auc", failed);
            Assert.Equal(1, Check(audit, "random weights").Method.Mean, 1e-9);
        }
    }

    [Fact]
    public void SameSeedsSameNumbersAndAnUntouchedNetwork()
    {
        var net = LeNetGoldenTests.Net();
        float[] before = [.. net.Parameters.SelectMany(p => p.Value.ToArray())];
        Audit one = Audit.Of(net, LeNetGoldenTests.Input, new Gradient(), Target.Top), two = Audit.Of(net, LeNetGoldenTests.Input, new Gradient(), Target.Top);
        Assert.Equal(one.Checks, two.Checks);
        Assert.Equal(before, net.Parameters.SelectMany(p => p.Value.ToArray()));
        AuditCheck noise = Check(one, "deletion");
        Assert.True(noise.RandomMap.High > noise.RandomMap.Low, "Three random maps should not agree.");
    }

    [Fact]
    public void MapOfPlacesIsAudited()
    {
        var net = new Function(x => x.Flatten().Slice(1, 0, 200).Sum([1], keepDims: true));
        Tensor input = new RandomSource(4).Uniform([2, 3, 12, 12]);
        Tensor mask = new RandomSource(5).Uniform([2, 1, 12, 12]).Greater(Tensor.Scalar(0.5f));
        Audit audit = Audit.Of(net, input, new Places(), Target.Class(0), mask: mask);
        Assert.All(audit.Checks, c => Assert.True(double.IsFinite(c.Method.Mean), c.Name));
        Assert.Throws<ArgumentException>(() => Audit.Of(new Function(x => x.Flatten()), input.Slice(2, 0, 6), new Places(), Target.Class(0)));
    }

    [Fact]
    public void EdgesAreSobels()
    {
        // A step of height 2 between columns 2 and 3: the operator gives 4 times the step on both sides of it.
        Tensor x = Tensor.From([.. Enumerable.Range(0, 36).Select(i => i % 6 < 3 ? 1f : 3f)], [1, 1, 6, 6]);
        float[] edges = new EdgeMap().Explain(new Function(v => v.Flatten()), x, Target.Class(0)).Values.ToArray();
        for (int i = 0; i < 36; i++) Assert.Equal(i % 6 is 2 or 3 ? 8 : 0, edges[i]);
    }

    [Fact]
    public void MasksOfAnotherShapeAreRefused()
    {
        (Module net, Tensor input, _) = Known();
        var error = Assert.Throws<ArgumentException>(() => Audit.Of(net, input, new Gradient(), Target.Top, mask: Tensor.Ones([2, 1, 8, 8])));
        Assert.Contains("[2, 1, 8, 8]", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A method that has one value for each place of a picture of 12 x 12.</summary>
    private sealed class Places : IAttribution
    {
        public string Name => "places";

        public Attribution Explain(
            Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default) =>
            new(Name, target, input.Sum([1], keepDims: true).Slice(2, 0, input.Shape[2] == 12 ? 12 : 5), input, Tensor.Zeros([input.Shape[0]]), input);
    }

    private static AuditCheck Check(Audit audit, string name) => audit.Checks.Single(c => c.Name == name);
}
