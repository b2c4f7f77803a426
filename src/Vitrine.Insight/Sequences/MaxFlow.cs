namespace Vitrine.Insight;

/// <summary>
/// The largest flow between two places of a network of pipes: shortest augmenting paths, all of one length at a time (Dinic 1970, "Algorithm for solution of a
/// problem of maximum flow in networks with power estimation").
/// </summary>
/// <param name="places">How many places there are.</param>
internal sealed class MaxFlow(int places)
{
    // What is left below this part of the largest pipe is rounding, not room: without it, sums of fractions would be chased for ever smaller remainders.
    private const double Negligible = 1e-12;

    private readonly List<(int To, double Capacity)> _pipes = []; // a pipe and, at the next number, the way back
    private readonly List<int>[] _from = [.. Enumerable.Range(0, places).Select(_ => new List<int>())];

    /// <summary>Lays a pipe.</summary>
    public void Add(int from, int to, double capacity)
    {
        _from[from].Add(_pipes.Count);
        _pipes.Add((to, capacity));
        _from[to].Add(_pipes.Count);
        _pipes.Add((from, 0));
    }

    /// <summary>The largest flow from one place to another; the pipes are as before afterwards.</summary>
    public double Between(int source, int sink)
    {
        if (source == sink) throw new ArgumentException("A flow goes from one place to another.");
        double[] left = [.. _pipes.Select(p => p.Capacity)];
        double least = Negligible * left.DefaultIfEmpty().Max(), flow = 0;
        int[] level = new int[_from.Length], next = new int[_from.Length];
        while (Levels())
        {
            Array.Clear(next);
            double pushed;
            while ((pushed = Push(source, double.PositiveInfinity)) > least) flow += pushed;
        }
        return flow;

        // How many pipes with room each place is away from the source.
        bool Levels()
        {
            Array.Fill(level, -1);
            level[source] = 0;
            var queue = new Queue<int>([source]);
            while (queue.TryDequeue(out int place))
                foreach (int pipe in _from[place])
                {
                    int to = _pipes[pipe].To;
                    if (level[to] >= 0 || left[pipe] <= least) continue;
                    level[to] = level[place] + 1;
                    queue.Enqueue(to);
                }
            return level[sink] >= 0;
        }

        // As deep as the network has levels: a layer of attention each.
        double Push(int place, double room)
        {
            if (place == sink) return room;
            for (; next[place] < _from[place].Count; next[place]++)
            {
                int pipe = _from[place][next[place]], to = _pipes[pipe].To;
                if (level[to] != level[place] + 1 || left[pipe] <= least) continue;
                double pushed = Push(to, Math.Min(room, left[pipe]));
                if (pushed <= least) continue;
                left[pipe] -= pushed;
                left[pipe ^ 1] += pushed;
                return pushed;
            }
            return 0;
        }
    }
}
