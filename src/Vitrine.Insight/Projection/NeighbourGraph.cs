using System.Numerics.Tensors;

namespace Vitrine.Insight;

/// <summary>
/// The nearest other points of each point, the nearest first, with squared Euclidean distances; of equally near ones the lower number comes first.
/// </summary>
internal sealed class NeighbourGraph
{
    /// <summary>Up to this many points every distance is looked at.</summary>
    public const int MostExact = 20_000;

    // Distances from products lose digits where points are near each other; this many more are kept, and measured again by differences.
    private const int Spare = 8;

    // Distances that are held at a time.
    private const int BlockElements = 4 << 20;

    private NeighbourGraph(int count, int perPoint)
    {
        Count = count;
        PerPoint = perPoint;
        Index = new int[checked(count * perPoint)];
        Distance = new float[count * perPoint];
    }

    public int Count { get; }

    public int PerPoint { get; }

    /// <summary>[N, k].</summary>
    public int[] Index { get; }

    /// <summary>[N, k], squared.</summary>
    public float[] Distance { get; }

    public ReadOnlySpan<int> this[int i] => Index.AsSpan(i * PerPoint, PerPoint);

    /// <summary>The neighbours of points among themselves: all distances for few points, a forest of random projections beyond.</summary>
    public static NeighbourGraph Of(Rows rows, int perPoint, ulong seed = 0, CancellationToken cancel = default) =>
        rows.Count <= MostExact ? Exact(rows, rows, perPoint, cancel) : new NeighbourForest(rows, perPoint, seed).Find(cancel);

    /// <summary>
    /// The exact neighbours of <paramref name="queries"/> among <paramref name="rows"/>; when both are the same a point is not its own neighbour.
    /// </summary>
    public static NeighbourGraph Exact(Rows queries, Rows rows, int perPoint, CancellationToken cancel = default)
    {
        bool self = ReferenceEquals(queries, rows);
        int n = rows.Count, width = rows.Width, kept = Math.Min(self ? n - 1 : n, perPoint + Spare);
        var found = new NeighbourGraph(queries.Count, perPoint);
        using var scope = MemoryScope.Open();
        // Distances do not change when everything is moved; near the origin their products lose the least.
        double[] mean = rows.Mean();
        Tensor all = rows.Less(mean), asked = self ? all : queries.Less(mean);
        float[] squares = new float[n];
        Work.Split(n, 256, (start, end) =>
        {
            for (int i = start; i < end; i++) squares[i] = TensorPrimitives.SumOfSquares(all.Floats.Slice(i * width, width));
        });
        int block = Math.Clamp(BlockElements / n, 1, queries.Count);
        for (int first = 0; first < queries.Count; first += block)
        {
            cancel.ThrowIfCancellationRequested();
            using var inner = MemoryScope.Open();
            int count = Math.Min(block, queries.Count - first), from = first;
            Tensor products = asked.Slice(0, from, from + count).Linear(all); // [B, N]
            Work.Split(count, 4, (start, end) =>
            {
                var nearest = new NearestList(kept);
                for (int i = start; i < end; i++)
                {
                    ReadOnlySpan<float> row = products.Floats.Slice(i * n, n);
                    int me = self ? from + i : -1;
                    nearest.Clear();
                    for (int j = 0; j < n; j++)
                    {
                        float distance = squares[j] - 2 * row[j];
                        if (distance < nearest.Worst && j != me) nearest.Add(j, distance);
                    }
                    found.Take(from + i, nearest, queries[from + i], rows);
                }
            });
        }
        return found;
    }

    /// <summary>Writes the neighbours of one point: the best of a list, by exact distances.</summary>
    internal void Take(int i, NearestList candidates, ReadOnlySpan<float> point, Rows rows)
    {
        Span<int> index = candidates.Index;
        Span<float> distance = candidates.Distance;
        index.Sort();
        for (int c = 0; c < index.Length; c++)
        {
            float length = TensorPrimitives.Distance(point, rows[index[c]]);
            distance[c] = length * length;
        }
        // Insertion sort would be quadratic for exact t-SNE; the pair (distance, number) makes an unstable sort give one answer.
        Span<(float Distance, int Index)> pairs = candidates.Pairs;
        for (int c = 0; c < index.Length; c++) pairs[c] = (distance[c], index[c]);
        pairs.Sort();
        for (int k = 0; k < PerPoint; k++) (Distance[i * PerPoint + k], Index[i * PerPoint + k]) = pairs[k];
    }

    internal static NeighbourGraph Empty(int count, int perPoint) => new(count, perPoint);
}

/// <summary>The nearest of the points it is shown, up to a number: a heap with the farthest on top.</summary>
internal sealed class NearestList(int capacity)
{
    private readonly int[] _index = new int[capacity];
    private readonly float[] _distance = new float[capacity];
    private readonly (float, int)[] _pairs = new (float, int)[capacity];
    private int _count;

    public Span<int> Index => _index.AsSpan(0, _count);

    public Span<float> Distance => _distance.AsSpan(0, _count);

    /// <summary>Room to sort in.</summary>
    public Span<(float Distance, int Index)> Pairs => _pairs.AsSpan(0, _count);

    /// <summary>What a point must be nearer than to be taken.</summary>
    public float Worst => _count < capacity ? float.PositiveInfinity : _distance[0];

    public void Clear() => _count = 0;

    public void Add(int index, float distance)
    {
        if (_count < capacity)
        {
            int at = _count++;
            while (at > 0 && _distance[(at - 1) / 2] < distance)
            {
                (_distance[at], _index[at]) = (_distance[(at - 1) / 2], _index[(at - 1) / 2]);
                at = (at - 1) / 2;
            }
            (_distance[at], _index[at]) = (distance, index);
            return;
        }
        int hole = 0;
        while (2 * hole + 1 < _count)
        {
            int child = 2 * hole + 1;
            if (child + 1 < _count && _distance[child + 1] > _distance[child]) child++;
            if (_distance[child] <= distance) break;
            (_distance[hole], _index[hole]) = (_distance[child], _index[child]);
            hole = child;
        }
        (_distance[hole], _index[hole]) = (distance, index);
    }
}
