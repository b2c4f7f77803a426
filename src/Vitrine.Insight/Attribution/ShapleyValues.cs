namespace Vitrine.Insight;

/// <summary>
/// Shapley values, exactly (Shapley 1953, "A value for n-person games"): what a feature adds to the answer, averaged over all orders in which features could
/// arrive. All 2^n coalitions are asked, so features must be few. Every element of a feature gets the feature's value.
/// </summary>
/// <param name="features">What counts as one feature, at most 20 of them; null for at most nine blocks.</param>
/// <param name="baseline">The values of a feature that is absent; null for zeros.</param>
public sealed class ShapleyValues(Features? features = null, Baseline? baseline = null) : IAttribution
{
    /// <summary>2^20 inferences an example are the most anybody should wait for.</summary>
    private const int Most = 20;

    /// <inheritdoc/>
    public string Name => "shapley values";

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are more than 20 features.</exception>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        Probes probes = Probes.On(model, input, target, wrt, progress, cancel);
        var game = new Coalitions(probes, features ?? Features.Blocks(9), baseline ?? Baseline.Zeros);
        if (game.Most > Most)
        {
            throw new ArgumentException(
                $"{game.Most} features have 2^{game.Most} coalitions; exact Shapley values are for at most {Most}. " +
                $"Join features ({nameof(Features)}.{nameof(Features.Blocks)}), or sample with {nameof(ShapleySampling)} or {nameof(KernelShap)}.");
        }
        float[] worth = game.Worth(1 << game.Most, (round, n, present) =>
        {
            for (int f = 0; f < present.Length; f++) present[f] = (round >> f & 1) != 0;
        });
        double[][] values = new double[probes.Examples][];
        for (int n = 0; n < values.Length; n++) values[n] = Shares(worth, n, probes.Examples, game.Count(n));
        return game.Paint(Name, values);
    }

    private static double[] Shares(float[] worth, int example, int examples, int players)
    {
        // Of all orders, a share of |S|! (n - |S| - 1)! / n! = 1 / (n C(n - 1, |S|)) lets a feature arrive right after the features of S.
        double[] weights = new double[players];
        double choices = 1;
        for (int size = 0; size < players; size++)
        {
            weights[size] = 1 / (players * choices);
            choices = choices * (players - 1 - size) / (size + 1);
        }
        double[] shares = new double[players];
        for (int coalition = 0; coalition < 1 << players; coalition++)
        {
            double without = worth[coalition * examples + example], weight = weights[Math.Min(int.PopCount(coalition), players - 1)];
            for (int f = 0; f < players; f++)
            {
                if ((coalition >> f & 1) == 0) shares[f] += weight * (worth[(coalition | 1 << f) * examples + example] - without);
            }
        }
        return shares;
    }
}
