using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Vitrine.Insight;

/// <summary>
/// The nearest points of each point among those it was shown, the nearest first; of equally near ones the lower number comes first. What a list ends up with
/// does not depend on the order in which points are shown, so threads may show them as they come and the answer is the same.
/// </summary>
internal sealed class NeighbourLists
{
    // Locks are shared by points whose numbers are equal modulo this: far more than threads, few enough to stay in the cache.
    private const int Locks = 4096;

    /// <summary>Was introduced to the others.</summary>
    public const byte Old = 0;

    /// <summary>Came in an earlier round and was not introduced yet.</summary>
    public const byte Waiting = 1;

    /// <summary>Came since the last round.</summary>
    public const byte New = 2;

    private readonly Rows _rows;
    private readonly int _perPoint, _padded;
    private readonly int[] _index, _locks = new int[Locks];
    private readonly float[] _distance;
    private readonly byte[] _fresh;

    public NeighbourLists(Rows rows, int perPoint)
    {
        _rows = rows;
        _perPoint = perPoint;
        _padded = (rows.Width + Vector512<float>.Count - 1) / Vector512<float>.Count * Vector512<float>.Count;
        Graph = NeighbourGraph.Empty(rows.Count, perPoint);
        (_index, _distance) = (Graph.Index, Graph.Distance);
        _fresh = new byte[_index.Length];
        // Nobody, infinitely far away: whoever comes is nearer.
        Array.Fill(_index, int.MaxValue);
        Array.Fill(_distance, float.PositiveInfinity);
    }

    /// <summary>The lists, each sorted, as they are now.</summary>
    public NeighbourGraph Graph { get; }

    /// <summary>[k]: whether each neighbour of a point is <see cref="New"/>, as those are who come, <see cref="Waiting"/> or <see cref="Old"/>.</summary>
    public Span<byte> Fresh(int i) => _fresh.AsSpan(i * _perPoint, _perPoint);

    /// <summary>How many neighbours are <see cref="New"/>.</summary>
    public int CountNew() => _fresh.AsSpan().Count(New);

    /// <summary>
    /// Introduces points to each other: every pair of which at least one is among the first <paramref name="fresh"/>. Their rows are read once for all pairs,
    /// which is why neighbours are searched in groups: the rows of all points do not fit the cache, those of a group do.
    /// </summary>
    public void Introduce(ReadOnlySpan<int> group, int fresh)
    {
        float[] near = ArrayPool<float>.Shared.Rent(group.Length * (_padded + 1));
        Span<float> rows = near.AsSpan(0, group.Length * _padded), worst = near.AsSpan(rows.Length, group.Length);
        for (int m = 0; m < group.Length; m++)
        {
            Load(group[m], rows.Slice(m * _padded, _padded));
            worst[m] = Worst(group[m]);
        }
        for (int a = 0; a < fresh; a++)
        {
            ReadOnlySpan<float> me = rows.Slice(a * _padded, _padded);
            for (int b = a + 1; b < group.Length; b++)
            {
                float distance = Squared(me, rows.Slice(b * _padded, _padded));
                if (distance <= worst[a]) worst[a] = Show(group[a], group[b], distance);
                if (distance <= worst[b]) worst[b] = Show(group[b], group[a], distance);
            }
        }
        ArrayPool<float>.Shared.Return(near);
    }

    /// <summary>Fills the list of a point that was shown too few: with the points whose numbers follow. Other lists stay, so points may be filled at
    /// once.</summary>
    public void Fill(int i)
    {
        if (_index[(i + 1) * _perPoint - 1] != int.MaxValue) return;
        float[] me = new float[_padded], other = new float[_padded];
        Load(i, me);
        for (int j = (i + 1) % _rows.Count; _index[(i + 1) * _perPoint - 1] == int.MaxValue; j = (j + 1) % _rows.Count)
        {
            Load(j, other);
            Show(i, j, Squared(me, other));
        }
    }

    private void Load(int i, Span<float> padded)
    {
        _rows[i].CopyTo(padded);
        padded[_rows.Width..].Clear();
    }

    // One order of additions for every pair, whoever asks: a distance is also what tells that two meet again.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Squared(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        ref float one = ref MemoryMarshal.GetReference(a), two = ref MemoryMarshal.GetReference(b);
        Vector512<float> sum = default;
        for (nuint d = 0; d < (nuint)a.Length; d += (nuint)Vector512<float>.Count)
        {
            Vector512<float> by = Vector512.LoadUnsafe(ref one, d) - Vector512.LoadUnsafe(ref two, d);
            sum = Vector512.FusedMultiplyAdd(by, by, sum);
        }
        return Vector512.Sum(sum);
    }

    private float Worst(int i) => Volatile.Read(ref _distance[(i + 1) * _perPoint - 1]);

    // Most who are near enough are known already, and looking for a number takes no lock: who is missed while a list is moved is found under it. A list
    // only gets nearer, so a worst distance that was read a while ago lets too many pass and never too few.
    private float Show(int to, int other, float distance) => Graph[to].Contains(other) ? Worst(to) : Add(to, other, distance);

    // The farthest distance of the list afterwards.
    private float Add(int to, int other, float distance)
    {
        ref int held = ref _locks[to % Locks];
        var wait = new SpinWait();
        while (Interlocked.CompareExchange(ref held, 1, 0) != 0) wait.SpinOnce();
        Span<float> distances = _distance.AsSpan(to * _perPoint, _perPoint);
        Span<int> indices = _index.AsSpan(to * _perPoint, _perPoint);
        int low = 0, high = _perPoint;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (distances[middle] < distance || (distances[middle] == distance && indices[middle] < other)) low = middle + 1;
            else high = middle;
        }
        if (low < _perPoint && indices[low] != other)
        {
            Span<byte> fresh = Fresh(to);
            distances[low..^1].CopyTo(distances[(low + 1)..]);
            indices[low..^1].CopyTo(indices[(low + 1)..]);
            fresh[low..^1].CopyTo(fresh[(low + 1)..]);
            (indices[low], fresh[low], distances[low]) = (other, New, distance);
        }
        float worst = distances[^1];
        Volatile.Write(ref held, 0);
        return worst;
    }
}
