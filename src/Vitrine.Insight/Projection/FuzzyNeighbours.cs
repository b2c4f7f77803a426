namespace Vitrine.Insight;

/// <summary>
/// The fuzzy simplicial set of UMAP (McInnes, Healy, Melville 2018): how much a point belongs to each of its neighbours, exp(-(d - rho) / sigma), where rho
/// is the distance to the nearest and sigma makes the sum log2 k, whatever the density around the point. Both directions are joined by the union
/// u + v - u v. Kept as sparse rows.
/// </summary>
internal sealed class FuzzyNeighbours
{
    private const int Halvings = 64;
    private const double Tolerance = 1e-5;
    private const double SmallestScale = 1e-3;

    private FuzzyNeighbours(int[] start, int[] column, float[] value)
    {
        Start = start;
        Column = column;
        Value = value;
    }

    /// <summary>[N + 1]: where each row begins.</summary>
    public int[] Start { get; }

    public int[] Column { get; }

    /// <summary>In [0, 1]; symmetric.</summary>
    public float[] Value { get; }

    public static FuzzyNeighbours Of(NeighbourGraph graph)
    {
        int n = graph.Count, k = graph.PerPoint;
        float[] member = Directed(graph);
        var rows = new List<(int Column, float Value)>[n];
        for (int i = 0; i < n; i++)
        {
            rows[i] = [];
            for (int at = i * k; at < (i + 1) * k; at++) rows[i].Add((graph.Index[at], member[at]));
        }
        // Each row in the order of its columns, its own memberships and those of the points that name it side by side.
        var named = new List<(int Column, float Value)>[n];
        for (int i = 0; i < n; i++) named[i] = [];
        for (int i = 0; i < n; i++)
        {
            foreach ((int j, float value) in rows[i]) named[j].Add((i, value));
        }
        int[] start = new int[n + 1];
        var column = new List<int>(2 * n * k);
        var union = new List<float>(2 * n * k);
        for (int i = 0; i < n; i++)
        {
            rows[i].Sort((p, q) => p.Column.CompareTo(q.Column));
            int a = 0, b = 0;
            while (a < rows[i].Count || b < named[i].Count)
            {
                int left = a < rows[i].Count ? rows[i][a].Column : int.MaxValue, right = b < named[i].Count ? named[i][b].Column : int.MaxValue;
                double u = left <= right ? rows[i][a++].Value : 0, v = right <= left ? named[i][b++].Value : 0;
                column.Add(Math.Min(left, right));
                union.Add((float)(u + v - u * v));
            }
            start[i + 1] = column.Count;
        }
        return new FuzzyNeighbours(start, [.. column], [.. union]);
    }

    /// <summary>[N, k]: how much each point belongs to each of its neighbours, before the union.</summary>
    public static float[] Directed(NeighbourGraph graph)
    {
        int n = graph.Count, k = graph.PerPoint;
        float[] member = new float[n * k];
        double sum = 0;
        foreach (float square in graph.Distance) sum += Math.Sqrt(square);
        double mean = sum / graph.Distance.Length;
        Work.Split(n, 64, (first, last) =>
        {
            for (int i = first; i < last; i++) Memberships(graph.Distance.AsSpan(i * k, k), mean, member.AsSpan(i * k, k));
        });
        return member;
    }

    /// <summary>The memberships of neighbours at squared distances, the nearest first.</summary>
    /// <param name="squares">[k].</param>
    /// <param name="mean">The mean distance of all neighbours, for a point whose own are all at 0.</param>
    /// <param name="member">[k], receives them.</param>
    public static void Memberships(ReadOnlySpan<float> squares, double mean, Span<float> member)
    {
        int k = squares.Length;
        Span<double> distance = k <= 1024 ? stackalloc double[k] : new double[k];
        double rho = 0, own = 0;
        for (int j = 0; j < k; j++)
        {
            distance[j] = Math.Sqrt(squares[j]);
            own += distance[j] / k;
            if (rho == 0) rho = distance[j]; // copies of the point say nothing about the density around it
        }
        double wanted = Math.Log2(k), low = 0, high = double.PositiveInfinity, sigma = 1;
        for (int halving = 0; halving < Halvings; halving++)
        {
            double sum = 0;
            foreach (double d in distance) sum += d > rho ? Math.Exp(-(d - rho) / sigma) : 1;
            if (Math.Abs(sum - wanted) < Tolerance) break;
            if (sum > wanted) high = sigma;
            else low = sigma;
            sigma = double.IsPositiveInfinity(high) ? sigma * 2 : (low + high) / 2;
        }
        sigma = Math.Max(sigma, SmallestScale * (rho > 0 ? own : mean));
        for (int j = 0; j < k; j++) member[j] = distance[j] > rho && sigma > 0 ? (float)Math.Exp(-(distance[j] - rho) / sigma) : 1;
    }
}
