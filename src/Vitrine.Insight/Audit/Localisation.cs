namespace Vitrine.Insight;

/// <summary>
/// Whether an explanation lies where it should, given a mask of what the answer is about. Map and mask have as many elements, and the mask is neither empty nor
/// full.
/// </summary>
/// <remarks>Signs count: give the map's sizes where negative evidence is evidence too.</remarks>
public static class Localisation
{
    /// <summary>Whether the largest element lies inside (Zhang et al. 2018, "Top-down neural attention by excitation backprop"); of several, any.</summary>
    /// <exception cref="ArgumentException">Map and mask do not fit, or the mask is empty or full.</exception>
    public static bool PointingGame(ReadOnlySpan<float> map, ReadOnlySpan<bool> mask)
    {
        Inside(map, mask);
        float largest = float.NegativeInfinity;
        foreach (float value in map) largest = Math.Max(largest, value);
        for (int i = 0; i < map.Length; i++)
        {
            if (mask[i] && map[i] == largest) return true;
        }
        return false;
    }

    /// <summary>
    /// The share of the k largest elements that lie inside (Theiner, Mueller-Budack, Ewerth 2021, "Interpretable semantic photo geolocation").
    /// </summary>
    /// <inheritdoc cref="PointingGame"/>
    public static double TopKIntersection(ReadOnlySpan<float> map, ReadOnlySpan<bool> mask, int k)
    {
        Inside(map, mask);
        if (k < 1 || k > map.Length) throw new ArgumentOutOfRangeException(nameof(k), k, $"A map of {map.Length} elements has 1 to {map.Length} largest ones.");
        int inside = 0;
        foreach (int i in Order(map).AsSpan(0, k)) inside += mask[i] ? 1 : 0;
        return (double)inside / k;
    }

    /// <summary>The share of the map's sum that lies inside (Arras, Osman, Samek 2022, "CLEVR-XAI"); for maps that are not negative.</summary>
    /// <inheritdoc cref="PointingGame"/>
    public static double MassAccuracy(ReadOnlySpan<float> map, ReadOnlySpan<bool> mask)
    {
        Inside(map, mask);
        double inside = 0, total = 0;
        for (int i = 0; i < map.Length; i++)
        {
            total += map[i];
            if (mask[i]) inside += map[i];
        }
        return inside / total;
    }

    /// <summary>Of as many largest elements as the mask has, the share that lies inside (Arras, Osman, Samek 2022, "CLEVR-XAI").</summary>
    /// <inheritdoc cref="PointingGame"/>
    public static double RankAccuracy(ReadOnlySpan<float> map, ReadOnlySpan<bool> mask) => TopKIntersection(map, mask, Inside(map, mask));

    /// <summary>
    /// The area under the ROC curve of the map as a detector of the mask (Fawcett 2006, "An introduction to ROC analysis"): the probability that an element
    /// inside is larger than one outside, ties counting half.
    /// </summary>
    /// <inheritdoc cref="PointingGame"/>
    public static double Auc(ReadOnlySpan<float> map, ReadOnlySpan<bool> mask)
    {
        double inside = Inside(map, mask), ranks = 0;
        double[] rank = Similarity.Ranks(map);
        for (int i = 0; i < rank.Length; i++)
        {
            if (mask[i]) ranks += rank[i];
        }
        return (ranks - inside * (inside + 1) / 2) / (inside * (map.Length - inside));
    }

    /// <summary>
    /// The share of what is positive that lies inside (Kohlbrenner et al. 2020, "Towards best practice in explaining neural network decisions with LRP"); 0
    /// where nothing is positive.
    /// </summary>
    /// <inheritdoc cref="PointingGame"/>
    public static double PositiveInside(ReadOnlySpan<float> map, ReadOnlySpan<bool> mask)
    {
        Inside(map, mask);
        double inside = 0, total = 0;
        for (int i = 0; i < map.Length; i++)
        {
            if (map[i] <= 0) continue;
            total += map[i];
            if (mask[i]) inside += map[i];
        }
        return total > 0 ? inside / total : 0;
    }

    /// <summary>The elements' numbers, the largest first; equal ones in their order.</summary>
    internal static int[] Order(ReadOnlySpan<float> map)
    {
        float[] values = map.ToArray();
        return [.. Enumerable.Range(0, values.Length).OrderByDescending(i => values[i])];
    }

    private static int Inside(ReadOnlySpan<float> map, ReadOnlySpan<bool> mask)
    {
        if (map.Length != mask.Length) throw new ArgumentException($"A map of {map.Length} elements needs a mask of as many, not {mask.Length}.", nameof(mask));
        int inside = mask.Count(true);
        return inside > 0 && inside < mask.Length
            ? inside
            : throw new ArgumentException($"The mask marks {inside} of {mask.Length} elements: there is no inside and outside.", nameof(mask));
    }
}
