namespace Vitrine.Insight;

/// <summary>What differences of pairs say about their mean: the t-test for pairs ("Student" 1908) and, without any assumption on their distribution, the sign
/// test.</summary>
/// <param name="Count">How many pairs there are.</param>
/// <param name="Mean">The mean difference.</param>
/// <param name="Low">The lower end of the interval that holds the true mean with the confidence asked for; minus infinity for a single pair.</param>
/// <param name="High">Its upper end; infinity for a single pair.</param>
/// <param name="P">
/// The two-sided probability, if differences were normal around 0, of a mean at least as far from it in standard errors; 1 for a single pair.
/// </param>
/// <param name="Above">How many differences are above 0.</param>
/// <param name="Below">How many are below 0.</param>
/// <param name="SignP">
/// The two-sided probability, if a difference were as likely above 0 as below, of a count at least as uneven; pairs without a difference say nothing. It
/// cannot be smaller than 2 / 2^n: five pairs never reach 0.05.
/// </param>
public sealed record PairedTest(int Count, double Mean, double Low, double High, double P, int Above, int Below, double SignP)
{
    /// <summary>Tests differences.</summary>
    /// <param name="differences">One a pair.</param>
    /// <param name="confidence">How often such an interval holds the true mean, in (0, 1).</param>
    /// <exception cref="ArgumentException">There are none, one is not finite, or the confidence is none.</exception>
    public static PairedTest Of(IReadOnlyList<double> differences, double confidence = 0.95)
    {
        ArgumentNullException.ThrowIfNull(differences);
        if (differences.Count == 0) throw new ArgumentException("There are no pairs to compare.", nameof(differences));
        if (!differences.All(double.IsFinite)) throw new ArgumentException("A difference is not a finite number.", nameof(differences));
        if (confidence is not (> 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(confidence), confidence, "A confidence lies between 0 and 1.");
        int n = differences.Count, above = differences.Count(d => d > 0), below = differences.Count(d => d < 0);
        double mean = differences.Average(), sign = SignProbability(above, below);
        if (n == 1) return new(1, mean, double.NegativeInfinity, double.PositiveInfinity, 1, above, below, sign);
        double error = Math.Sqrt(differences.Sum(d => (d - mean) * (d - mean)) / (n - 1) / n), half = error * Student.Critical(1 - confidence, n - 1);
        double p = error > 0 ? Student.TwoSided(mean / error, n - 1) : mean == 0 ? 1 : 0;
        return new(n, mean, mean - half, mean + half, p, above, below, sign);
    }

    /// <summary>
    /// Probabilities of several tests made together, adjusted so that the chance of even one false alarm among those below a level stays below that level
    /// (Holm 1979, "A simple sequentially rejective multiple test procedure").
    /// </summary>
    /// <param name="probabilities">One a test.</param>
    /// <returns>The adjusted ones, in the same order, at most 1.</returns>
    public static IReadOnlyList<double> Holm(IReadOnlyList<double> probabilities)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        double[] adjusted = new double[probabilities.Count];
        double most = 0;
        int left = probabilities.Count;
        foreach (int i in Enumerable.Range(0, left).OrderBy(i => probabilities[i]))
        {
            // The smallest has to stand against all, the next against the rest; the order of the tests is never turned round.
            most = Math.Max(most, Math.Min(1, left-- * probabilities[i]));
            adjusted[i] = most;
        }
        return adjusted;
    }

    private static double SignProbability(int above, int below)
    {
        int n = above + below, least = Math.Min(above, below);
        double tail = 0, ways = 1; // the binomial coefficient n over k
        for (int k = 0; k <= least; k++)
        {
            tail += ways;
            ways = ways * (n - k) / (k + 1);
        }
        return Math.Min(1, 2 * tail / Math.Pow(2, n));
    }
}
