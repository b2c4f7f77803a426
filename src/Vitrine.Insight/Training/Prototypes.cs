namespace Vitrine.Insight;

/// <summary>
/// Examples that stand for a data set and examples that these do not stand for (Kim, Khanna, Koyejo 2016, "Examples are not enough, learn to criticize!"):
/// prototypes make the maximum mean discrepancy to the data small, criticisms are where it is largest.
/// </summary>
/// <param name="Chosen">The numbers of the prototypes, the most telling first.</param>
/// <param name="Criticisms">The numbers of the criticisms, the strangest first.</param>
/// <param name="Discrepancy">The squared maximum mean discrepancy between the data and the first 1, 2, ... prototypes.</param>
public sealed record Prototypes(IReadOnlyList<int> Chosen, IReadOnlyList<int> Criticisms, IReadOnlyList<double> Discrepancy)
{
    /// <summary>The most examples of which all pairs are compared.</summary>
    private const int Most = 10_000;

    /// <summary>Chooses prototypes and criticisms greedily.</summary>
    /// <param name="model">The network.</param>
    /// <param name="inputs">The data, [N, ...], at most 10,000 examples.</param>
    /// <param name="layer">The module call in whose result examples are compared; null for the inputs themselves.</param>
    /// <param name="prototypes">How many prototypes.</param>
    /// <param name="criticisms">How many criticisms.</param>
    /// <param name="gamma">The kernel is exp(-gamma d^2); 0 for one over the median of the squared distances.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <exception cref="ArgumentException">There are fewer examples than are to be chosen, or too many, or there is no such module call.</exception>
    public static Prototypes Of(
        Module model, Tensor inputs, string? layer, int prototypes, int criticisms = 0, double gamma = 0, CancellationToken cancel = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(prototypes, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(criticisms);
        ArgumentOutOfRangeException.ThrowIfNegative(gamma);
        int count = inputs.Shape[0];
        if (count > Most) throw new ArgumentException($"All pairs of {count} examples are too many; give at most {Most}.", nameof(inputs));
        if (prototypes + criticisms > count)
        {
            throw new ArgumentException($"{prototypes} prototypes and {criticisms} criticisms cannot be chosen from {count} examples.", nameof(inputs));
        }
        float[,] kernel = Kernel(LayerRows.Of(model, inputs, layer, cancel), gamma, cancel);
        double[] mean = new double[count]; // of each example's likeness to the data
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < count; j++) mean[i] += (double)kernel[i, j] / count;
        }
        double data = mean.Average();

        var chosen = new List<int>();
        var discrepancy = new List<double>();
        double[] near = new double[count]; // the sum of each example's likeness to the prototypes
        double toData = 0, among = 0;
        while (chosen.Count < prototypes)
        {
            cancel.ThrowIfCancellationRequested();
            int m = chosen.Count + 1, best = -1;
            double least = double.PositiveInfinity;
            for (int i = 0; i < count; i++)
            {
                if (chosen.Contains(i)) continue;
                double squared = data - 2 * (toData + mean[i]) / m + (among + 2 * near[i] + kernel[i, i]) / ((double)m * m);
                if (squared < least) (least, best) = (squared, i);
            }
            toData += mean[best];
            among += 2 * near[best] + kernel[best, best];
            for (int i = 0; i < count; i++) near[i] += kernel[i, best];
            chosen.Add(best);
            discrepancy.Add(least);
        }
        double[] witness = [.. mean.Select((m, i) => Math.Abs(m - near[i] / chosen.Count))];
        return new Prototypes(chosen, Criticise(kernel, witness, chosen, criticisms), discrepancy);
    }

    /// <summary>Those the prototypes fit worst; the logarithm of their kernel's determinant keeps them from being all of one kind, as in the paper.</summary>
    private static List<int> Criticise(float[,] kernel, double[] witness, List<int> prototypes, int wanted)
    {
        int count = witness.Length;
        var criticisms = new List<int>();
        // What is left of each example's likeness to itself when that to the criticisms is taken out: Cholesky's decomposition, one row at a time.
        double[] left = [.. Enumerable.Range(0, count).Select(i => (double)kernel[i, i])];
        var rows = new List<double[]>();
        while (criticisms.Count < wanted)
        {
            int best = -1;
            double most = double.NegativeInfinity;
            for (int i = 0; i < count; i++)
            {
                if (prototypes.Contains(i) || criticisms.Contains(i)) continue;
                double value = witness[i] + Math.Log(Math.Max(left[i], 1e-12));
                if (value > most) (most, best) = (value, i);
            }
            double pivot = Math.Sqrt(Math.Max(left[best], 1e-12));
            double[] row = new double[count];
            for (int i = 0; i < count; i++)
            {
                double sum = kernel[best, i];
                foreach (double[] earlier in rows) sum -= earlier[best] * earlier[i];
                row[i] = sum / pivot;
                left[i] -= row[i] * row[i];
            }
            rows.Add(row);
            criticisms.Add(best);
        }
        return criticisms;
    }

    private static float[,] Kernel(float[][] rows, double gamma, CancellationToken cancel)
    {
        int count = rows.Length;
        float[,] kernel = new float[count, count];
        var distances = new List<float>();
        for (int i = 0; i < count; i++)
        {
            cancel.ThrowIfCancellationRequested();
            for (int j = 0; j < i; j++)
            {
                kernel[i, j] = kernel[j, i] = (float)Neighbours.Squared(rows[i], rows[j]);
                // A thousand or so distances tell the median well enough.
                if (count <= 64 || (i * 31 + j) % (count / 32) == 0) distances.Add(kernel[i, j]);
            }
        }
        if (gamma == 0)
        {
            distances.Sort();
            float median = distances.Count == 0 ? 0 : distances[distances.Count / 2];
            gamma = median > 0 ? 1 / median : 1;
        }
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < count; j++) kernel[i, j] = (float)Math.Exp(-gamma * kernel[i, j]);
        }
        return kernel;
    }
}
