namespace Vitrine.Insight;

/// <summary>
/// Feature ablation: how much the answer loses when one feature takes the baseline's values (the "leave one covariate out" of Lei et al. 2018,
/// "Distribution-free predictive inference for regression", without training anew). Every element of a feature gets the feature's value.
/// </summary>
/// <param name="features">What counts as one feature; null for each element.</param>
/// <param name="baseline">The values of an ablated feature; null for zeros.</param>
public sealed class FeatureAblation(Features? features = null, Baseline? baseline = null) : IAttribution
{
    /// <inheritdoc/>
    public string Name => "feature ablation";

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        Probes probes = Probes.On(model, input, target, wrt, progress, cancel);
        var game = new Coalitions(probes, features ?? Features.Each, baseline ?? Baseline.Zeros);
        float[] without = game.Worth(game.Most, (round, _, present) =>
        {
            if (round < present.Length) present[round] = false;
        });
        ReadOnlySpan<float> score = probes.Score.Floats;
        double[][] lost = new double[probes.Examples][];
        for (int n = 0; n < lost.Length; n++)
        {
            lost[n] = new double[game.Count(n)];
            for (int f = 0; f < lost[n].Length; f++) lost[n][f] = (double)score[n] - without[f * probes.Examples + n];
        }
        return game.Paint(Name, lost);
    }
}
