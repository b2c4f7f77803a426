using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>
/// Principal components (Pearson 1901, Hotelling 1933): the orthogonal directions along which points vary most. Found exactly from the covariance, or, where
/// both the number of points and of dimensions are large, by random projection with power iterations (Halko, Martinsson, Tropp 2011). Products are in
/// Float32, so variances below about a millionth of the largest are noise.
/// </summary>
public sealed class Pca
{
    /// <summary>Up to this extent of the smaller side the decomposition is exact.</summary>
    private const int MostExact = 512;

    private const int Oversampling = 10;
    private const int PowerIterations = 7;
    private const int RowsAtOnce = 4096;

    private readonly double[] _mean;

    private Pca(double[] mean, Tensor components, double[] variance, double total)
    {
        _mean = mean;
        Components = components;
        ExplainedVariance = variance;
        ExplainedVarianceRatio = [.. variance.Select(v => total > 0 ? v / total : 0)];
    }

    /// <summary>[K, D]: directions of unit length, the one of most variance first. The element of largest magnitude of each is positive.</summary>
    public Tensor Components { get; }

    /// <summary>The variance along each component (division by N - 1).</summary>
    public IReadOnlyList<double> ExplainedVariance { get; }

    /// <summary>The part of the whole variance each component explains, in [0, 1].</summary>
    public IReadOnlyList<double> ExplainedVarianceRatio { get; }

    /// <summary>Finds the components of points.</summary>
    /// <param name="points">[N, D], N at least 2; further axes count as one.</param>
    /// <param name="components">How many: 1 to the smaller of N and D.</param>
    /// <param name="exact">Whether to decompose exactly; null for exactly where the smaller of N and D is at most 512.</param>
    /// <param name="seed">Of the random projection.</param>
    /// <exception cref="ArgumentException">There are fewer rows or columns than components, or a number is not finite.</exception>
    public static Pca Fit(Tensor points, int components, bool? exact = null, ulong seed = 0)
    {
        Rows rows = Rows.Of(points, "points", least: 2);
        int n = rows.Count, width = rows.Width, smaller = Math.Min(n, width);
        if (components < 1 || components > smaller)
        {
            throw new ArgumentException($"{n} points of {width} numbers have 1 to {smaller} principal components; {components} were asked for.");
        }
        double[] mean = rows.Mean();
        using var scope = MemoryScope.Open();
        Tensor centred = rows.Less(mean); // [N, D]
        double total = 0;
        foreach (float value in centred.Floats) total += (double)value * value;
        bool whole = exact ?? (smaller <= MostExact || components + Oversampling >= smaller);
        (double[] squares, float[] directions) = whole ? Exact(centred, components) : Randomized(centred, components, seed);
        for (int k = 0; k < components; k++) FixSign(directions.AsSpan(k * width, width));
        Tensor result = scope.Keep(Tensor.From(directions, [components, width]));
        return new Pca(mean, result, [.. squares.Select(s => s / (n - 1))], total / (n - 1));
    }

    /// <summary>The coordinates of points along the components: [N, K].</summary>
    /// <param name="points">[N, D], old or new.</param>
    /// <exception cref="ArgumentException">The points have another number of dimensions.</exception>
    public Tensor Project(Tensor points)
    {
        Rows rows = Rows.Of(points, "points");
        if (rows.Width != _mean.Length)
        {
            throw new ArgumentException($"The components are those of points of {_mean.Length} numbers; these have {rows.Width}.", nameof(points));
        }
        int width = Components.Shape[0];
        float[] all = new float[checked(rows.Count * width)];
        for (int start = 0; start < rows.Count; start += RowsAtOnce)
        {
            using var scope = MemoryScope.Open(); // of points less their mean only so many are held
            int end = Math.Min(rows.Count, start + RowsAtOnce);
            Rows.Of(rows.Tensor.Slice(0, start, end), "points").Less(_mean).Linear(Components).Floats.CopyTo(all.AsSpan(start * width));
        }
        return Tensor.From(all, [rows.Count, width]);
    }

    /// <summary>[N, 2]: points along their two principal components, where maps start; points of one number lie on a line.</summary>
    internal static Tensor Plane(Rows rows, ulong seed)
    {
        if (rows.Width >= 2) return Fit(rows.Tensor, 2, seed: seed).Project(rows.Tensor);
        Tensor line = Fit(rows.Tensor, 1).Project(rows.Tensor);
        float[] all = new float[2 * rows.Count];
        for (int i = 0; i < rows.Count; i++) all[2 * i] = line.Floats[i];
        return Tensor.From(all, [rows.Count, 2]);
    }

    private static (double[] Squares, float[] Directions) Exact(Tensor centred, int components)
    {
        int n = centred.Shape[0], width = centred.Shape[1];
        if (width <= n)
        {
            Tensor scatter = MatMulOp.Of(transposeA: true).Apply(centred, centred); // [D, D]
            (double[] values, double[][] vectors) = SymmetricEigen.Of(Matrix(scatter));
            float[] directions = new float[components * width];
            for (int k = 0; k < components; k++)
            {
                for (int d = 0; d < width; d++) directions[k * width + d] = (float)vectors[k][d];
            }
            return ([.. values.Take(components).Select(v => Math.Max(v, 0))], directions);
        }
        return FromRows(centred, components);
    }

    // Few rows of many numbers: the eigenvectors of the rows' products, carried over to the numbers. [L, D]
    private static (double[] Squares, float[] Directions) FromRows(Tensor rows, int components)
    {
        int count = rows.Shape[0], width = rows.Shape[1];
        (double[] values, double[][] vectors) = SymmetricEigen.Of(Matrix(rows.Linear(rows)));
        double[][] directions = new double[components][];
        for (int k = 0; k < components; k++)
        {
            double[] direction = directions[k] = new double[width];
            for (int i = 0; i < count; i++)
            {
                double weight = vectors[k][i];
                ReadOnlySpan<float> row = rows.Floats.Slice(i * width, width);
                for (int d = 0; d < width; d++) direction[d] += weight * row[d];
            }
        }
        // What has no variance has no direction of its own either: any that is orthogonal to the others will do.
        Orthonormal(directions);
        return ([.. values.Take(components).Select(v => Math.Max(v, 0))], [.. directions.SelectMany(row => row).Select(v => (float)v)]);
    }

    private static (double[] Squares, float[] Directions) Randomized(Tensor centred, int components, ulong seed)
    {
        int width = centred.Shape[1], kept = components + Oversampling;
        Tensor range = new RandomSource(seed).Normal([kept, width]);
        for (int i = 0; i < PowerIterations; i++)
        {
            Tensor there = Orthonormal(range.Linear(centred)); // [L, N]
            range = Orthonormal(there.MatMul(centred)); // [L, D]
        }
        Tensor small = Orthonormal(range.Linear(centred)).MatMul(centred); // [L, D]
        return FromRows(small, components);
    }

    private static Tensor Orthonormal(Tensor rows)
    {
        int count = rows.Shape[0], width = rows.Shape[1];
        double[][] all = [.. Enumerable.Range(0, count).Select(i => Array.ConvertAll(rows.Floats.Slice(i * width, width).ToArray(), v => (double)v))];
        Orthonormal(all);
        return Tensor.From([.. all.SelectMany(row => row).Select(v => (float)v)], rows.Shape);
    }

    // Gram and Schmidt, twice: once leaves rounding errors the size of what was taken away.
    private static void Orthonormal(double[][] rows)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            double[] row = rows[i];
            double before = Math.Sqrt(Dot(row, row));
            for (int unit = -1; ; unit++)
            {
                for (int pass = 0; pass < 2; pass++)
                {
                    for (int j = 0; j < i; j++)
                    {
                        double share = Dot(row, rows[j]);
                        for (int d = 0; d < row.Length; d++) row[d] -= share * rows[j][d];
                    }
                }
                double length = Math.Sqrt(Dot(row, row));
                if (length > 1e-6 * before)
                {
                    for (int d = 0; d < row.Length; d++) row[d] /= length;
                    break;
                }
                // Nothing is left of this row: one of the axes is not spanned yet.
                Array.Clear(row);
                row[unit + 1] = before = 1;
            }
        }
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    private static double[][] Matrix(Tensor square)
    {
        int n = square.Shape[0];
        return [.. Enumerable.Range(0, n).Select(i => Array.ConvertAll(square.Floats.Slice(i * n, n).ToArray(), v => (double)v))];
    }

    // Both v and -v are eigenvectors; which one is found depends on rounding.
    private static void FixSign(Span<float> direction)
    {
        int largest = 0;
        for (int d = 1; d < direction.Length; d++) largest = Math.Abs(direction[d]) > Math.Abs(direction[largest]) ? d : largest;
        if (direction[largest] >= 0) return;
        foreach (ref float value in direction) value = -value;
    }
}
