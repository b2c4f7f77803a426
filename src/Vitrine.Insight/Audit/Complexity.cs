namespace Vitrine.Insight;

/// <summary>How much of an input an explanation asks its reader to look at. Signs do not count.</summary>
public static class Complexity
{
    /// <summary>
    /// The entropy of the shares that the elements have in the whole map, in nats (Bhatt, Weller, Moura 2020, "Evaluating and aggregating feature-based model
    /// explanations"): 0 when one element has everything, log n when all have the same.
    /// </summary>
    /// <exception cref="ArgumentException">The map is empty or all zeros.</exception>
    public static double Entropy(ReadOnlySpan<float> map)
    {
        double total = Total(map), entropy = 0;
        foreach (float value in map)
        {
            double share = Math.Abs((double)value) / total;
            if (share > 0) entropy -= share * Math.Log(share);
        }
        return entropy;
    }

    /// <summary>
    /// The Gini index of the elements' sizes (Chalasani et al. 2020, "Concise explanations of neural networks using adversarial training"): 0 when all are the
    /// same, near 1 when few have everything.
    /// </summary>
    /// <exception cref="ArgumentException">The map is empty or all zeros.</exception>
    public static double Gini(ReadOnlySpan<float> map)
    {
        double total = Total(map), sum = 0;
        float[] sorted = [.. map.ToArray().Select(Math.Abs).Order()];
        for (int i = 0; i < sorted.Length; i++) sum += (2.0 * (i + 1) - sorted.Length - 1) * sorted[i];
        return sum / (sorted.Length * total);
    }

    /// <summary>How many elements are larger than a threshold (Nguyen and Martinez 2020, "On quantitative aspects of model interpretability").</summary>
    /// <param name="map">The explanation.</param>
    /// <param name="threshold">What an element's size has to exceed: usually a hundredth of the largest.</param>
    public static int Effective(ReadOnlySpan<float> map, double threshold)
    {
        int count = 0;
        foreach (float value in map)
        {
            if (Math.Abs((double)value) > threshold) count++;
        }
        return count;
    }

    private static double Total(ReadOnlySpan<float> map)
    {
        double total = 0;
        foreach (float value in map) total += Math.Abs((double)value);
        return total > 0 && double.IsFinite(total)
            ? total
            : throw new ArgumentException($"A map of {map.Length} elements whose sizes sum to {total} has no shares.", nameof(map));
    }
}
