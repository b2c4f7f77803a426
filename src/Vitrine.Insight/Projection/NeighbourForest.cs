using System.Numerics.Tensors;

namespace Vitrine.Insight;

/// <summary>
/// Approximate nearest neighbours: a forest of random projection trees (Dasgupta and Freund 2008), whose leaves are first guesses, and rounds in which the
/// neighbours of a point are introduced to each other (Dong, Moses, Li 2011). Time grows with the number of points: a round looks at a bounded number of
/// pairs for each.
/// </summary>
internal sealed class NeighbourForest(Rows rows, int perPoint, ulong seed)
{
    private const int Trees = 8;
    private const int Rounds = 4;

    // Rounds end when fewer than this part of all neighbours are new.
    private const double LeastNews = 0.02;

    // How many of those that a point names are introduced in a round, fresh ones and others; and of those that name it.
    private const int Asked = 20;

    private const int Fresh = 0;
    private const int Others = 1;

    private readonly int _leaf = Math.Max(64, perPoint);

    public NeighbourGraph Find(CancellationToken cancel)
    {
        var lists = new NeighbourLists(rows, perPoint);
        var trees = new (int[] Order, int[] LeafStarts)[Trees];
        Work.Split(Trees, 1, (start, end) =>
        {
            for (int t = start; t < end; t++) trees[t] = Tree(new RandomSource(seed).Derive((ulong)t));
        });
        foreach ((int[] order, int[] starts) in trees)
        {
            cancel.ThrowIfCancellationRequested();
            Work.Split(starts.Length - 1, 16, (start, end) =>
            {
                for (int leaf = start; leaf < end; leaf++)
                {
                    ReadOnlySpan<int> group = order.AsSpan(starts[leaf]..starts[leaf + 1]);
                    lists.Introduce(group, group.Length);
                }
            });
        }
        // Where many points are equal, all trees may have shown the same few.
        Work.Split(rows.Count, 1024, (start, end) =>
        {
            for (int i = start; i < end; i++) lists.Fill(i);
        });
        for (int round = 0; round < Rounds; round++)
        {
            cancel.ThrowIfCancellationRequested();
            Round(lists);
            if (lists.CountNew() < LeastNews * rows.Count * perPoint) break;
        }
        return lists.Graph;
    }

    /// <summary>The points in the order of the leaves of one tree: near points get near numbers, so that what reads neighbours finds them in the
    /// cache.</summary>
    public static int[] Order(Rows rows, ulong seed) => new NeighbourForest(rows, 1, seed).Tree(new RandomSource(seed).Derive((ulong)Trees)).Order;

    // Everybody chooses before anybody is introduced, so that it does not matter who comes first.
    private void Round(NeighbourLists lists)
    {
        int[] named = Named(lists), naming = Naming(named);
        Work.Split(rows.Count, 64, (start, end) =>
        {
            int[] group = new int[4 * Asked];
            var known = new HashSet<int>(4 * Asked);
            for (int i = start; i < end; i++)
            {
                known.Clear();
                int fresh = Gather(i, Fresh, group, 0), all = Gather(i, Others, group, fresh);
                lists.Introduce(group.AsSpan(0, all), fresh);
            }

            int Gather(int i, int which, int[] group, int count)
            {
                foreach (int[] chosen in (ReadOnlySpan<int[]>)[named, naming])
                {
                    int first = (2 * i + which) * Asked;
                    for (int at = first; at < first + Asked && chosen[at] >= 0; at++)
                    {
                        if (known.Add(chosen[at])) group[count++] = chosen[at];
                    }
                }
                return count;
            }
        });
    }

    // [N, 2, 20]: the nearest of a point that were not introduced yet, and the nearest others; -1 ends a list.
    private int[] Named(NeighbourLists lists)
    {
        int[] named = new int[checked(rows.Count * 2 * Asked)];
        Array.Fill(named, -1);
        Work.Split(rows.Count, 1024, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<int> list = lists.Graph[i];
                Span<byte> fresh = lists.Fresh(i);
                int news = 2 * i * Asked, others = news + Asked, newsEnd = others, othersEnd = others + Asked;
                for (int k = 0; k < perPoint; k++)
                {
                    if (fresh[k] == NeighbourLists.Old)
                    {
                        if (others < othersEnd) named[others++] = list[k];
                    }
                    else if (news < newsEnd)
                    {
                        named[news++] = list[k];
                        fresh[k] = NeighbourLists.Old;
                    }
                    else
                    {
                        fresh[k] = NeighbourLists.Waiting;
                    }
                }
            }
        });
        return named;
    }

    // [N, 2, 20]: the first points that name each point, those first to whom it is nearest.
    private int[] Naming(int[] named)
    {
        int[] naming = new int[named.Length];
        Array.Fill(naming, -1);
        byte[] filled = new byte[2 * rows.Count];
        for (int rank = 0; rank < Asked; rank++)
        {
            for (int list = 0; list < filled.Length; list++)
            {
                int of = named[list * Asked + rank];
                if (of < 0) continue;
                int to = 2 * of + list % 2;
                if (filled[to] < Asked) naming[to * Asked + filled[to]++] = list / 2;
            }
        }
        return naming;
    }

    // Halves of equal size by the distance to two of their points, until they are leaves.
    private (int[] Order, int[] LeafStarts) Tree(ulong treeSeed)
    {
        var random = new RandomSource(treeSeed);
        int[] order = [.. Enumerable.Range(0, rows.Count)];
        float[] side = new float[rows.Count], normal = new float[rows.Width];
        var starts = new List<int>();
        var open = new Stack<(int Start, int End)>();
        open.Push((0, rows.Count));
        while (open.TryPop(out (int Start, int End) part))
        {
            int size = part.End - part.Start;
            if (size <= _leaf)
            {
                starts.Add(part.Start);
                continue;
            }
            TensorPrimitives.Subtract(rows[order[part.Start + random.NextInt(size)]], rows[order[part.Start + random.NextInt(size)]], normal);
            for (int at = part.Start; at < part.End; at++) side[at] = TensorPrimitives.Dot(rows[order[at]], normal);
            Array.Sort(side, order, part.Start, size);
            int middle = part.Start + size / 2;
            open.Push((middle, part.End));
            open.Push((part.Start, middle)); // on top, so that leaves come in the order of their starts
        }
        starts.Add(rows.Count);
        return (order, [.. starts]);
    }
}
