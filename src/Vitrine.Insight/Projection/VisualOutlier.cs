namespace Vitrine.Insight;

/// <summary>A point among points of other classes (Rauber, Fadel, Falcao, Telea 2017 call it a visual outlier).</summary>
/// <param name="Index">The point's number.</param>
/// <param name="Label">Its label.</param>
/// <param name="Surrounding">The most frequent label of its neighbours other than its own; the lowest of equally frequent ones.</param>
/// <param name="Own">The part of its neighbours with its label, in [0, 1].</param>
/// <param name="Others">The part with the surrounding label.</param>
public readonly record struct VisualOutlier(int Index, int Label, int Surrounding, double Own, double Others)
{
    /// <summary>The points whose neighbours carry one other label, the most surrounded first, then in the order of the data.</summary>
    /// <param name="map">[N, D]: a map, or the points themselves.</param>
    /// <param name="labels">[N], from 0.</param>
    /// <param name="neighbours">How many neighbours are asked, 1 to N - 1.</param>
    /// <param name="share">The least part of the neighbours with one other label, in (0, 1].</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="ArgumentException">The sizes do not belong together.</exception>
    public static IReadOnlyList<VisualOutlier> Find(
        Tensor map, IReadOnlyList<int> labels, int neighbours = 10, double share = 0.6, CancellationToken cancel = default)
    {
        if (!(share is > 0 and <= 1)) throw new ArgumentException($"The share of neighbours is more than 0 and at most 1, not {share}.", nameof(share));
        NeighbourGraph graph = MapQuality.Graph(map, "map", neighbours, cancel);
        MapQuality.CheckLabels(graph.Count, labels);
        int[] counts = new int[labels.Max() + 1];
        var found = new List<VisualOutlier>();
        for (int i = 0; i < graph.Count; i++)
        {
            Array.Clear(counts);
            foreach (int j in graph[i]) counts[labels[j]]++;
            int own = counts[labels[i]];
            counts[labels[i]] = -1;
            int other = Array.IndexOf(counts, counts.Max());
            double others = Math.Max(0, counts[other]) / (double)neighbours;
            if (others >= share) found.Add(new VisualOutlier(i, labels[i], other, own / (double)neighbours, others));
        }
        return [.. found.OrderByDescending(o => o.Others).ThenBy(o => o.Index)];
    }

    /// <summary>
    /// The points whose labels are suspected to be wrong: surrounded by one and the same other class in the map and in the data it shows, so that the map alone
    /// cannot be to blame.
    /// </summary>
    /// <param name="points">[N, D].</param>
    /// <param name="map">[N, d], of the same points in the same order.</param>
    /// <param name="labels">[N], from 0.</param>
    /// <param name="neighbours">How many neighbours are asked, 1 to N - 1.</param>
    /// <param name="share">The least part of the neighbours with one other label, in (0, 1].</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>As seen in the data, the most surrounded first.</returns>
    /// <exception cref="ArgumentException">The sizes do not belong together.</exception>
    public static IReadOnlyList<VisualOutlier> SuspectedLabels(
        Tensor points, Tensor map, IReadOnlyList<int> labels, int neighbours = 10, double share = 0.8, CancellationToken cancel = default)
    {
        var seen = Find(map, labels, neighbours, share, cancel).ToDictionary(o => o.Index, o => o.Surrounding);
        return [.. Find(points, labels, neighbours, share, cancel).Where(o => seen.TryGetValue(o.Index, out int surrounding) && surrounding == o.Surrounding)];
    }
}
