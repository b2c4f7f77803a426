using System.Numerics.Tensors;

namespace Vitrine.Insight;

/// <summary>How the classes of a map hang together: the mean part of a point's neighbours that carry its label.</summary>
/// <param name="Total">Over all points, in [0, 1].</param>
/// <param name="PerClass">By label, NaN for a label no point has.</param>
public sealed record NeighbourhoodHit(double Total, IReadOnlyList<double> PerClass);

/// <summary>Numbers that say what a map is worth.</summary>
public static class MapQuality
{
    /// <summary>The neighbourhood hit (Paulovich, Nonato, Minghim, Levkowitz 2008).</summary>
    /// <param name="map">[N, D]: a map, or the points themselves.</param>
    /// <param name="labels">[N], from 0.</param>
    /// <param name="neighbours">How many neighbours are asked, 1 to N - 1.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="ArgumentException">The sizes do not belong together.</exception>
    public static NeighbourhoodHit Hit(Tensor map, IReadOnlyList<int> labels, int neighbours = 10, CancellationToken cancel = default)
    {
        NeighbourGraph graph = Graph(map, "map", neighbours, cancel);
        CheckLabels(graph.Count, labels);
        double[] hits = new double[labels.Max() + 1];
        int[] sizes = new int[hits.Length];
        for (int i = 0; i < graph.Count; i++)
        {
            int same = 0;
            foreach (int j in graph[i]) same += labels[j] == labels[i] ? 1 : 0;
            hits[labels[i]] += same / (double)neighbours;
            sizes[labels[i]]++;
        }
        return new NeighbourhoodHit(hits.Sum() / graph.Count, [.. hits.Select((hit, label) => hit / sizes[label])]);
    }

    /// <summary>
    /// Trustworthiness (Venna and Kaski 2001), in [0, 1]: less than 1 where points are neighbours in the map that are not in the data, by how far down the
    /// data's ranking they are. Takes O(N² D) time and O(N) memory.
    /// </summary>
    /// <param name="points">[N, D].</param>
    /// <param name="map">[N, d], of the same points in the same order.</param>
    /// <param name="neighbours">How many neighbours are asked, 1 to less than N / 2.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="ArgumentException">The sizes do not belong together.</exception>
    public static double Trustworthiness(Tensor points, Tensor map, int neighbours = 10, CancellationToken cancel = default) =>
        Intrusion(points, "points", map, "map", neighbours, cancel);

    /// <summary>Continuity (Venna and Kaski 2001), in [0, 1]: less than 1 where neighbours in the data are torn apart in the map.</summary>
    /// <param name="points">[N, D].</param>
    /// <param name="map">[N, d], of the same points in the same order.</param>
    /// <param name="neighbours">How many neighbours are asked, 1 to less than N / 2.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="ArgumentException">The sizes do not belong together.</exception>
    public static double Continuity(Tensor points, Tensor map, int neighbours = 10, CancellationToken cancel = default) =>
        Intrusion(map, "map", points, "points", neighbours, cancel);

    internal static NeighbourGraph Graph(Tensor points, string what, int neighbours, CancellationToken cancel)
    {
        Rows rows = Rows.Of(points, what, least: 2);
        if (neighbours < 1 || neighbours >= rows.Count)
        {
            throw new ArgumentException($"Each of {rows.Count} points has 1 to {rows.Count - 1} neighbours; {neighbours} were asked for.", nameof(neighbours));
        }
        return NeighbourGraph.Of(rows, neighbours, cancel: cancel);
    }

    internal static void CheckLabels(int count, IReadOnlyList<int> labels)
    {
        if (labels.Count != count) throw new ArgumentException($"{count} points have as many labels, not {labels.Count}.", nameof(labels));
        for (int i = 0; i < count; i++)
        {
            if (labels[i] < 0) throw new ArgumentException($"Label {i} is {labels[i]}; labels are numbers of classes, from 0.", nameof(labels));
        }
    }

    // 1 - 2 / (N k (2N - 3k - 1)) times the ranks in the reference, beyond k, of the neighbours in the other space.
    private static double Intrusion(Tensor reference, string referenceName, Tensor other, string otherName, int k, CancellationToken cancel)
    {
        Rows rows = Rows.Of(reference, referenceName);
        if (other.Rank < 1 || other.Shape[0] != rows.Count)
        {
            throw new ArgumentException($"The {referenceName} are {reference.Shape}, the {otherName} {other.Shape}; they must be as many.");
        }
        if (k < 1 || 2 * k >= rows.Count)
        {
            throw new ArgumentException($"Of {rows.Count} points, 1 to less than {rows.Count / 2.0} neighbours can be ranked, not {k}.", "neighbours");
        }
        NeighbourGraph near = Graph(other, otherName, k, cancel);
        int n = rows.Count;
        long[] beyond = new long[n];
        Work.Split(n, 8, (start, end) =>
        {
            if (cancel.IsCancellationRequested) return;
            float[] distance = new float[n];
            for (int i = start; i < end; i++)
            {
                for (int j = 0; j < n; j++) distance[j] = TensorPrimitives.Distance(rows[i], rows[j]);
                foreach (int j in near[i])
                {
                    int rank = 1;
                    for (int l = 0; l < n; l++) rank += l != i && (distance[l] < distance[j] || (distance[l] == distance[j] && l < j)) ? 1 : 0;
                    beyond[i] += Math.Max(0, rank - k);
                }
            }
        });
        cancel.ThrowIfCancellationRequested();
        return 1 - 2.0 / ((double)n * k * (2.0 * n - 3.0 * k - 1)) * beyond.Sum();
    }
}
