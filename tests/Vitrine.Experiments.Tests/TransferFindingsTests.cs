using Vitrine.Models;

namespace Vitrine.Experiments.Tests;

/// <summary>The words follow from the figures: curves with a known effect, without one, and of noise.</summary>
public sealed class TransferFindingsTests
{
    private const double Base = 0.7;

    [Fact]
    public void The_paper_s_curve_is_told_as_the_paper_tells_it()
    {
        // Yosinski et al. 2014, figure 2, in outline: co-adaptation in the middle, specificity at the end, a gain after fine-tuning.
        double[] none = new double[7], transfer = [0, 0, -0.04, -0.06, -0.08, -0.1, -0.12], selffer = [0, 0, -0.03, -0.05, -0.04, 0, 0];
        TransferResult result = Curve(transfer, selffer, tuned: [.. none.Select(_ => 0.03)], selfferTuned: none, random: [.. transfer.Select(t => t - 0.1)],
            noise: 0.003);
        TransferFinding[] findings = [.. TransferFindings.Of(result)];
        Assert.All(findings, f => Assert.Equal(Verdict.Supported, f.Verdict));
        Assert.All(findings, f => Assert.StartsWith("Supported. ", f.Told));
        Assert.StartsWith("Up to layer 2 (conv2) no significant drop is seen; the first is at layer 3: layer 3 (conv3) \u2212", findings[0].Text);
        Assert.Contains("At layer 2 a drop of more than 2 points is excluded.", findings[0].Text);
        Assert.Contains("Neither the first nor the last copied layer shows a drop.", findings[1].Text);
        Assert.Contains("layer 4 (conv4)", findings[1].Text);
    }

    [Fact]
    public void No_effect_in_sure_figures_refutes()
    {
        double[] none = new double[7];
        TransferFinding[] findings = [.. TransferFindings.Of(Curve(none, none, none, none, none, noise: 0.002))];
        // Six claims of an effect, and one that there is none (BnB+).
        Assert.All(findings, f => Assert.Equal(f.Compared == "BnB+ - baseline B" ? Verdict.Supported : Verdict.Refuted, f.Verdict));
        Assert.Contains("all 7 copied layers are general", findings[0].Text);
        Assert.Contains("no gain of 2 points or more", findings[4].Text);
    }

    [Fact]
    public void Noise_decides_nothing_and_says_so()
    {
        double[] none = new double[7];
        TransferFinding[] findings = [.. TransferFindings.Of(Curve(none, none, none, none, none, noise: 0.05))];
        Assert.All(findings, f => Assert.Equal(Verdict.Undecided, f.Verdict));
        Assert.Contains("That is no proof of generality", findings[0].Text);
        Assert.All(findings, f => Assert.StartsWith("Not decided by 5 seeds", f.Told));
    }

    [Fact]
    public void The_opposite_of_the_paper_is_told_too()
    {
        // Features of A that get better with depth, own features that never fall, fine-tuning that harms.
        double[] better = [.. Enumerable.Range(1, 7).Select(n => 0.01 * n)], none = new double[7];
        TransferFinding[] findings = [.. TransferFindings.Of(
            Curve(better, none, tuned: [.. none.Select(_ => -0.04)], selfferTuned: [.. none.Select(_ => -0.05)], random: better, noise: 0.002))];
        // Only AnB+ against BnB+ is a gain: both are harmed, the one less than the other.
        Assert.Equal(
            [Verdict.Refuted, Verdict.Refuted, Verdict.Refuted, Verdict.Refuted, Verdict.Refuted, Verdict.Supported, Verdict.Refuted],
                findings.Select(f => f.Verdict));
        Assert.Contains("significantly below", findings[4].Text);
    }

    [Fact]
    public void One_seed_decides_nothing()
    {
        double[] drop = [.. Enumerable.Repeat(-0.3, 7)];
        TransferFinding[] findings = [.. TransferFindings.Of(Curve(drop, drop, drop, drop, drop, noise: 0.01, seeds: 1))];
        Assert.All(findings, f => Assert.Equal(Verdict.Undecided, f.Verdict));
        Assert.Contains("one seed, no interval", findings[4].Text);
    }

    [Fact]
    public void Seeds_that_differ_alike_in_all_networks_do_not_hide_an_effect()
    {
        // Halves may differ by twenty points in how hard they are: pairs take that out.
        double[] drop = [.. Enumerable.Repeat(-0.03, 7)], none = new double[7];
        TransferResult result = Curve(drop, none, none, none, none, noise: 0.002, hardness: 0.2);
        Assert.Equal(Verdict.Supported, TransferFindings.Of(result)[0].Verdict);
        Assert.True(result.Points.First(p => p.Condition == TransferCondition.Transfer).Deviation > 0.1);
    }

    [Fact]
    public void Fewer_examples_are_compared_gain_with_gain()
    {
        double[] none = new double[7];
        TransferFinding few = TransferFindings.Of(Curve(none, none, none, none, none, noise: 0.002, reducedGain: 0.08))[^1];
        Assert.Equal(Verdict.Supported, few.Verdict);
        Assert.Contains("With 50 instead of 500 examples", few.Text);
        Assert.Equal(3, few.Tests.Count);
    }

    private static TransferResult Curve(
        double[] transfer, double[] selffer, double[] tuned, double[] selfferTuned, double[] random, double noise, int seeds = 5, double hardness = 0.02,
        double? reducedGain = null)
    {
        var draws = new RandomSource(20);
        double[] easy = [.. Enumerable.Range(0, seeds).Select(s => hardness * (s - (seeds - 1) / 2.0))];
        List<TransferOutcome> outcomes = [];
        for (int s = 0; s < seeds; s++)
        {
            Add(TransferCondition.BaseA, 0, 0, s);
            Add(TransferCondition.BaseB, 0, 0, s);
            Add(TransferCondition.SelfferTuned, 0, 0, s);
            for (int n = 1; n < SmallAlexNet.Depth; n++)
            {
                Add(TransferCondition.Transfer, n, transfer[n - 1], s);
                Add(TransferCondition.Selffer, n, selffer[n - 1], s);
                Add(TransferCondition.TransferTuned, n, tuned[n - 1], s);
                Add(TransferCondition.SelfferTuned, n, selfferTuned[n - 1], s);
                Add(TransferCondition.Random, n, random[n - 1], s);
            }
            if (reducedGain is not { } gain) continue;
            Add(TransferCondition.BaseB, 0, -0.2, s, 50);
            Add(TransferCondition.TransferTuned, TransferExperiment.ReducedLayers, gain - 0.2, s, 50);
        }
        return TransferResult.Of(new TransferOptions(), outcomes);

        void Add(TransferCondition condition, int layers, double effect, int seed, int perClass = 500) => outcomes.Add(new TransferOutcome(
            new TransferJob((ulong)seed + 1, condition, layers, perClass, perClass != 500), ["a", "b"], Base + easy[seed] + effect + noise * draws.NextNormal(),
                1, 1));
    }
}
