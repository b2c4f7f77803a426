using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Vitrine.Insight;

/// <summary>
/// Which points t-SNE wants near each other: p(j|i) is a Gaussian of the distance whose width gives every point the same perplexity, and
/// P = (p(j|i) + p(i|j)) / 2N (van der Maaten and Hinton 2008). Kept as sparse rows.
/// </summary>
internal sealed class Affinities
{
    private const int MostHalvings = 200;
    private const double EntropyTolerance = 1e-5;

    private Affinities(int[] start, int[] column, float[] value, double[] perplexity)
    {
        Start = start;
        Column = column;
        Value = value;
        Perplexity = perplexity;
    }

    /// <summary>[N + 1]: where each row begins.</summary>
    public int[] Start { get; }

    public int[] Column { get; }

    /// <summary>Sum to 1.</summary>
    public float[] Value { get; }

    /// <summary>[N]: what was reached, 2 to the power of the entropy in bits.</summary>
    public double[] Perplexity { get; }

    public static Affinities Of(NeighbourGraph graph, double perplexity)
    {
        int n = graph.Count, k = graph.PerPoint;
        float[] conditional = new float[n * k];
        double[] reached = new double[n];
        Work.Split(n, 64, (start, end) =>
        {
            for (int i = start; i < end; i++) reached[i] = Conditional(graph.Distance.AsSpan(i * k, k), perplexity, conditional.AsSpan(i * k, k));
        });
        (int[] rowStart, int[] column, float[] value) = Symmetric(graph, conditional);
        return new Affinities(rowStart, column, value, reached);
    }

    /// <summary>The probabilities of neighbours at squared distances, the nearest first, by bisection of the Gaussian's precision.</summary>
    /// <returns>The perplexity that was reached: more than asked for where more points than that are equally near.</returns>
    public static double Conditional(ReadOnlySpan<float> distances, double perplexity, Span<float> p)
    {
        double wanted = Math.Log(perplexity), low = 0, high = double.PositiveInfinity, nearest = distances[0];
        double mean = 0;
        foreach (float distance in distances) mean += distance - nearest;
        mean /= distances.Length;
        if (mean == 0)
        {
            p.Fill(1f / p.Length);
            return p.Length;
        }
        // The unit of distance is the data's own, so that the search does not depend on it.
        double beta = 1 / mean, entropy = 0;
        Span<double> weights = p.Length <= 1024 ? stackalloc double[p.Length] : new double[p.Length];
        for (int halving = 0; halving < MostHalvings; halving++)
        {
            double sum = 0, moment = 0;
            for (int j = 0; j < p.Length; j++)
            {
                double distance = distances[j] - nearest, weight = Math.Exp(-beta * distance);
                weights[j] = weight;
                sum += weight;
                moment += distance * weight;
            }
            entropy = Math.Log(sum) + beta * moment / sum;
            for (int j = 0; j < p.Length; j++) p[j] = (float)(weights[j] / sum);
            if (Math.Abs(entropy - wanted) <= EntropyTolerance) break;
            if (entropy > wanted)
            {
                low = beta;
                beta = double.IsPositiveInfinity(high) ? beta * 2 : (beta + high) / 2;
            }
            else
            {
                high = beta;
                beta = (beta + low) / 2;
            }
            if (!double.IsFinite(beta)) break;
        }
        return Math.Exp(entropy);
    }

    /// <summary>The sum over others j of p w (y_i - y_j), with w = 1 / (1 + |y_i - y_j|²): what pulls point i.</summary>
    /// <param name="i">The point.</param>
    /// <param name="places">[N, 2]: side by side, so that a neighbour is one read from far memory and not two.</param>
    public (double X, double Y) Attraction(int i, double[] places)
    {
        // A third of a step's time is spent here, so the loop has no checks of bounds: all columns are points, which the graph's making guarantees.
        ref double first = ref MemoryMarshal.GetArrayDataReference(places);
        ReadOnlySpan<int> column = Column.AsSpan(Start[i]..Start[i + 1]);
        ReadOnlySpan<float> value = Value.AsSpan(Start[i]..Start[i + 1]);
        double px = places[2 * i], py = places[2 * i + 1];
        Vector256<double> fourX = Vector256.Create(px), fourY = Vector256.Create(py), pullX = default, pullY = default;
        int at = 0;
        for (; at + 4 <= column.Length; at += 4)
        {
            int a = 2 * column[at], b = 2 * column[at + 1], c = 2 * column[at + 2], d = 2 * column[at + 3];
            Vector256<double> dx = fourX - Vector256.Create(At(ref first, a), At(ref first, b), At(ref first, c), At(ref first, d));
            Vector256<double> dy = fourY - Vector256.Create(At(ref first, a + 1), At(ref first, b + 1), At(ref first, c + 1), At(ref first, d + 1));
            (Vector128<double> low, Vector128<double> high) = Vector128.Widen(Vector128.Create(value.Slice(at, 4)));
            Vector256<double> share = Vector256.Create(low, high) / (Vector256<double>.One + dx * dx + dy * dy);
            pullX += share * dx;
            pullY += share * dy;
        }
        double sumX = Vector256.Sum(pullX), sumY = Vector256.Sum(pullY);
        for (; at < column.Length; at++)
        {
            double dx = px - places[2 * column[at]], dy = py - places[2 * column[at] + 1], share = value[at] / (1 + dx * dx + dy * dy);
            sumX += share * dx;
            sumY += share * dy;
        }
        return (sumX, sumY);

        static double At(ref double first, int index) => Unsafe.Add(ref first, index);
    }

    private static (int[] Start, int[] Column, float[] Value) Symmetric(NeighbourGraph graph, float[] conditional)
    {
        int n = graph.Count, k = graph.PerPoint;
        // Those that name a point, in the order of their numbers.
        int[] namedStart = new int[n + 1];
        foreach (int j in graph.Index) namedStart[j + 1]++;
        for (int i = 0; i < n; i++) namedStart[i + 1] += namedStart[i];
        int[] fill = namedStart[..n], by = new int[n * k];
        float[] byValue = new float[n * k];
        for (int i = 0; i < n; i++)
        {
            for (int c = i * k; c < (i + 1) * k; c++)
            {
                int at = fill[graph.Index[c]]++;
                (by[at], byValue[at]) = (i, conditional[c]);
            }
        }
        Work.Split(n, 256, (start, end) =>
        {
            for (int i = start; i < end; i++) Array.Sort(graph.Index, conditional, i * k, k);
        });

        int[] rowStart = new int[n + 1];
        int[] column = new int[2 * n * k];
        float[] value = new float[2 * n * k];
        int count = 0;
        for (int i = 0; i < n; i++)
        {
            int a = i * k, aEnd = a + k, b = namedStart[i], bEnd = namedStart[i + 1];
            while (a < aEnd || b < bEnd)
            {
                int left = a < aEnd ? graph.Index[a] : int.MaxValue, right = b < bEnd ? by[b] : int.MaxValue;
                column[count] = Math.Min(left, right);
                value[count++] = ((left <= right ? conditional[a++] : 0) + (right <= left ? byValue[b++] : 0)) / (2f * n);
            }
            rowStart[i + 1] = count;
        }
        Array.Resize(ref column, count);
        Array.Resize(ref value, count);
        return (rowStart, column, value);
    }
}
