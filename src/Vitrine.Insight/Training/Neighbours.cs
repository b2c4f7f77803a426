namespace Vitrine.Insight;

/// <summary>A training example and how far it is.</summary>
/// <param name="Index">Its number.</param>
/// <param name="Distance">The Euclidean distance.</param>
public readonly record struct Neighbour(int Index, double Distance);

/// <summary>
/// The training examples that a network sees most like an input: nearest neighbours in a layer (Papernot and McDaniel 2018, "Deep k-nearest neighbors").
/// </summary>
public static class Neighbours
{
    /// <summary>The nearest training examples of each query, the nearest first; of equal ones the first.</summary>
    /// <param name="model">The network.</param>
    /// <param name="training">[N, ...].</param>
    /// <param name="queries">[M, ...].</param>
    /// <param name="layer">The module call in whose result distances are taken; null for the inputs themselves.</param>
    /// <param name="count">How many for each query.</param>
    /// <param name="unit">Whether results are first scaled to length 1, so that their direction alone counts.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <exception cref="ArgumentException">There is no such module call, or results of training examples and queries differ in size.</exception>
    public static IReadOnlyList<IReadOnlyList<Neighbour>> Of(
        Module model, Tensor training, Tensor queries, string? layer, int count = 5, bool unit = false, CancellationToken cancel = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        float[][] known = LayerRows.Of(model, training, layer, cancel), asked = LayerRows.Of(model, queries, layer, cancel);
        if (known[0].Length != asked[0].Length)
        {
            throw new ArgumentException(
                $"Training examples have {known[0].Length} numbers in {layer ?? "the input"}, queries {asked[0].Length}.", nameof(queries));
        }
        if (unit)
        {
            foreach (float[] row in (float[][])[.. known, .. asked]) ScaleToUnit(row);
        }
        return
        [
            .. asked.Select(query => known.Select((row, i) => new Neighbour(i, Math.Sqrt(Squared(row, query))))
                .OrderBy(n => n.Distance).ThenBy(n => n.Index).Take(count).ToArray()),
        ];
    }

    internal static double Squared(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            double by = (double)a[i] - b[i];
            sum += by * by;
        }
        return sum;
    }

    private static void ScaleToUnit(float[] row)
    {
        double length = Math.Sqrt(TracIn.Product(row, row));
        for (int i = 0; length > 0 && i < row.Length; i++) row[i] = (float)(row[i] / length);
    }
}
