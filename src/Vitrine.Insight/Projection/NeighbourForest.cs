using System.Numerics.Tensors;

namespace Vitrine.Insight;

/// <summary>
/// Approximate nearest neighbours: a forest of random projection trees (Dasgupta and Freund 2008), whose leaves are first guesses, and rounds in which the
/// neighbours of neighbours are tried (Dong, Moses, Li 2011). Every round reads the last round's lists and writes new ones, so threads change nothing.
/// </summary>
internal sealed class NeighbourForest(Rows rows, int perPoint, ulong seed)
{
    private const int Trees = 8;
    private const int Rounds = 4;

    // Rounds end when fewer than this part of all neighbours are new.
    private const double LeastNews = 0.002;

    // How many of a point's neighbours propose theirs, and how many each proposes; reverse neighbours are as many at most.
    private const int Proposers = 24;
    private const int Proposals = 24;

    private readonly int _leaf = Math.Max(64, perPoint);

    public NeighbourGraph Find(CancellationToken cancel)
    {
        int n = rows.Count;
        int[][] orders = new int[Trees][];
        int[][] leafStarts = new int[Trees][];
        Work.Split(Trees, 1, (start, end) =>
        {
            for (int t = start; t < end; t++) (orders[t], leafStarts[t]) = Tree(new RandomSource(seed).Derive((ulong)t));
        });
        cancel.ThrowIfCancellationRequested();

        int[][] leafOf = new int[Trees][];
        for (int t = 0; t < Trees; t++)
        {
            leafOf[t] = new int[n];
            for (int leaf = 0; leaf + 1 < leafStarts[t].Length; leaf++)
            {
                for (int at = leafStarts[t][leaf]; at < leafStarts[t][leaf + 1]; at++) leafOf[t][orders[t][at]] = leaf;
            }
        }
        bool[] fresh = new bool[n * perPoint]; // whether a neighbour came in the last round
        NeighbourGraph current = Pass(null, fresh, (i, offer) =>
        {
            for (int t = 0; t < Trees; t++)
            {
                int leaf = leafOf[t][i];
                for (int at = leafStarts[t][leaf]; at < leafStarts[t][leaf + 1]; at++) offer(orders[t][at]);
            }
        });
        for (int round = 0; round < Rounds; round++)
        {
            cancel.ThrowIfCancellationRequested();
            NeighbourGraph last = current;
            bool[] was = fresh;
            (int[] reverse, bool[] reverseWas) = Reverse(last, was);
            fresh = new bool[n * perPoint];
            int near = Math.Min(Proposers, perPoint), many = Math.Min(Proposals, perPoint);
            current = Pass(last, fresh, (i, offer) =>
            {
                for (int p = 0; p < near; p++) Propose(last[i][p], was[i * perPoint + p]);
                for (int p = 0; p < Proposers && reverse[i * Proposers + p] >= 0; p++)
                {
                    offer(reverse[i * Proposers + p]);
                    Propose(reverse[i * Proposers + p], reverseWas[i * Proposers + p]);
                }

                // Two old acquaintances have nothing to tell that was not heard in an earlier round.
                void Propose(int proposer, bool isFresh)
                {
                    for (int k = 0; k < many; k++)
                    {
                        if (isFresh || was[proposer * perPoint + k]) offer(last[proposer][k]);
                    }
                    for (int k = 0; k < Proposals && reverse[proposer * Proposers + k] >= 0; k++)
                    {
                        if (isFresh || reverseWas[proposer * Proposers + k]) offer(reverse[proposer * Proposers + k]);
                    }
                }
            });
            if (fresh.Count(f => f) < LeastNews * n * perPoint) break;
        }
        return current;
    }

    /// <summary>The points in the order of the leaves of one tree: near points get near numbers, so that what reads neighbours finds them in the cache.</summary>
    public static int[] Order(Rows rows, ulong seed) => new NeighbourForest(rows, 1, seed).Tree(new RandomSource(seed).Derive((ulong)Trees)).Order;

    // One list a point: what it had, and what it is offered.
    private NeighbourGraph Pass(NeighbourGraph? last, bool[] fresh, Action<int, Action<int>> offers)
    {
        NeighbourGraph found = NeighbourGraph.Empty(rows.Count, perPoint);
        Work.Split(rows.Count, 2048, (start, end) =>
        {
            var nearest = new NearestList(perPoint);
            int[] seen = new int[rows.Count], had = new int[rows.Count]; // the point that looked at this one last, or had it before, plus 1
            int me = 0;
            Action<int> offer = Offer;
            for (int i = start; i < end; i++)
            {
                me = i;
                nearest.Clear();
                if (last is not null)
                {
                    for (int k = 0; k < perPoint; k++)
                    {
                        seen[last[i][k]] = had[last[i][k]] = i + 1;
                        nearest.Add(last[i][k], last.Distance[i * perPoint + k]);
                    }
                }
                offers(i, offer);
                // A leaf of many equal points, or a small one: the numbers that follow fill the list.
                for (int j = 1; nearest.Index.Length < perPoint; j++) Offer((i + j) % rows.Count);
                found.Take(i, nearest, rows[i], rows);
                for (int k = 0; k < perPoint; k++) fresh[i * perPoint + k] = had[found[i][k]] != i + 1;
            }

            void Offer(int j)
            {
                if (j == me || seen[j] == me + 1) return;
                seen[j] = me + 1;
                float length = TensorPrimitives.Distance(rows[me], rows[j]), distance = length * length;
                if (distance < nearest.Worst) nearest.Add(j, distance);
            }
        });
        return found;
    }

    // The first points that name each point among their nearest, in the order of their numbers; -1 ends a list. And whether they do so since the last round.
    private static (int[] Lists, bool[] Fresh) Reverse(NeighbourGraph graph, bool[] was)
    {
        int[] lists = new int[graph.Count * Proposers];
        Array.Fill(lists, -1);
        bool[] fresh = new bool[lists.Length];
        byte[] filled = new byte[graph.Count];
        int near = Math.Min(Proposers, graph.PerPoint);
        for (int k = 0; k < near; k++)
        {
            for (int i = 0; i < graph.Count; i++)
            {
                int of = graph[i][k];
                if (filled[of] == Proposers) continue;
                fresh[of * Proposers + filled[of]] = was[i * graph.PerPoint + k];
                lists[of * Proposers + filled[of]++] = i;
            }
        }
        return (lists, fresh);
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
