namespace Vitrine.Insight;

/// <summary>
/// Shapley values by sampling orders in which features arrive (Castro, Gomez, Tejada 2009, "Polynomial calculation of the Shapley value based on sampling";
/// Strumbelj and Kononenko 2010, "An efficient explanation of individual classifications using game theory"). The values of the features sum to what the full
/// answer has over the baseline's, whatever the number of samples. Every element of a feature gets the feature's value.
/// </summary>
/// <param name="features">What counts as one feature; null for at most 49 blocks.</param>
/// <param name="baseline">The values of a feature that is absent; null for zeros.</param>
/// <param name="permutations">How many orders are sampled.</param>
/// <param name="seed">Where their random numbers start.</param>
public sealed class ShapleySampling(Features? features = null, Baseline? baseline = null, int permutations = 25, ulong seed = 0) : IAttribution
{
    private readonly int _permutations = permutations >= 1
        ? permutations
        : throw new ArgumentOutOfRangeException(nameof(permutations), permutations, "At least one permutation is needed.");

    /// <inheritdoc/>
    public string Name => "shapley sampling";

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        Probes probes = Probes.On(model, input, target, wrt, progress, cancel);
        var game = new Coalitions(probes, features ?? Features.Blocks(49), baseline ?? Baseline.Zeros);
        int examples = probes.Examples, between = Math.Max(0, game.Most - 1);
        // Orders differ only in number where examples have equally many features, so each number's orders are drawn once.
        var seeds = new RandomSource(seed);
        var orders = Enumerable.Range(0, examples).Select(game.Count).Distinct().ToDictionary(
            count => count, count => Enumerable.Range(0, _permutations).Select(p => new RandomSource(seeds.Derive((ulong)p)).Permutation(count)).ToArray());

        // Nobody first, then for each order the coalitions on the way, which ends with everybody.
        float[] worth = game.Worth(checked(1 + _permutations * between), (round, n, present) =>
        {
            (int order, int arrived) = round == 0 ? (0, 0) : ((round - 1) / between, (round - 1) % between + 1);
            foreach (int late in orders[present.Length][order].AsSpan(Math.Min(arrived, present.Length))) present[late] = false;
        });
        double[][] values = new double[examples][];
        for (int n = 0; n < examples; n++)
        {
            int count = game.Count(n);
            values[n] = new double[count];
            for (int p = 0; p < _permutations; p++)
            {
                double before = worth[n];
                for (int arrived = 1; arrived <= count; arrived++)
                {
                    double after = arrived == count ? probes.Score.Floats[n] : worth[(p * between + arrived) * examples + n];
                    values[n][orders[count][p][arrived - 1]] += (after - before) / _permutations;
                    before = after;
                }
            }
        }
        return game.Paint(Name, values);
    }
}
