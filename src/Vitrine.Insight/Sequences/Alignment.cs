namespace Vitrine.Insight;

/// <summary>How attention between two sequences agrees with an alignment that is known.</summary>
public static class Alignment
{
    /// <summary>The mean, over queries whose origin is known, of the weight that the origin gets: 1 when attention looks nowhere else.</summary>
    /// <param name="weights">[N, heads, T, S]: the mean over heads is taken.</param>
    /// <param name="origin">Bool [N, T, S]: where each query's answer comes from; a query without any origin does not count.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static double Share(Tensor weights, Tensor origin)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(origin);
        if (weights.Rank != 4 || origin.Shape != Shape.Create(weights.Shape[0], weights.Shape[2], weights.Shape[3]))
            throw new ArgumentException($"Weights {weights.Shape} and origins {origin.Shape} are not [N, heads, T, S] and [N, T, S].", nameof(origin));
        (int heads, int t, int s) = (weights.Shape[1], weights.Shape[2], weights.Shape[3]);
        double sum = 0;
        int counted = 0;
        for (int row = 0; row < weights.Shape[0] * t; row++)
        {
            ReadOnlySpan<bool> known = origin.Bools.Slice(row * s, s);
            if (!known.Contains(true)) continue;
            counted++;
            for (int head = 0; head < heads; head++)
            {
                ReadOnlySpan<float> from = weights.Floats.Slice(((row / t * heads + head) * t + row % t) * s, s);
                for (int k = 0; k < s; k++) if (known[k]) sum += from[k] / (double)heads;
            }
        }
        return counted == 0 ? double.NaN : sum / counted;
    }
}
