using System.Diagnostics;
using System.Globalization;

namespace Vitrine.Bench;

/// <summary>Where the time goes: every operator of a run, again by itself, forwards and backwards as the run asks for it.</summary>
/// <remarks>
/// Each is timed alone and repeatedly, so its operands are warmer in the cache than in the network, and what lies between operators (and the optimizer) is not
/// seen; the sum is a lower bound.
/// </remarks>
internal static class Profile
{
    private const int LeastRepeats = 7;
    private const double LeastMs = 25;

    private sealed record Line(string Label, string Kind, double Forward, double Backward, double Operations)
    {
        public double Sum => Forward + Backward;

        public string Rate => Operations > 0 ? (Operations / Sum / 1e6).ToString("0", CultureInfo.InvariantCulture) : "";
    }

    public static void Print(Workload workload)
    {
        Job job = workload.Prepare!();
        if (job.Passes is null) throw new InvalidOperationException($"{workload.Name} is not made of operators that could be looked at one by one.");
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed.TotalSeconds < 2) job.Step();

        using var scope = MemoryScope.Open();
        var lines = new List<Line>();
        foreach (Pass pass in job.Passes())
        {
            foreach ((Node node, bool[] wanted) in pass.Nodes())
            {
                Tensor[] inputs = [.. node.Inputs];
                Tensor grad = Tensor.Ones(node.Output.Shape);
                var grads = new Tensor?[inputs.Length];
                double forward = Best(() => node.Op.Forward(inputs));
                double backward = !wanted.Contains(true) ? 0 : Best(() => new Run().With(() =>
                {
                    node.Op.BackwardAll(node, grad, wanted, grads);
                    return grads;
                }));
                lines.Add(new Line(node.ToString(), node.Op.Name, forward, backward, Operations.Forward(node) + Operations.Backward(node, wanted)));
            }
        }

        double all = lines.Sum(l => l.Sum);
        Console.WriteLine($"{"forward ms",10} {"backward",8} {"share",6} {"GFLOP/s",8}  operator, inputs -> output, scope");
        foreach (Line line in lines.OrderByDescending(l => l.Sum)) Write(line);
        Console.WriteLine();
        foreach (var group in lines.GroupBy(l => l.Kind).OrderByDescending(g => g.Sum(l => l.Sum))) Write(Together($"{group.Key} x {group.Count()}", group));
        Write(Together("in all", lines));

        void Write(Line line) => Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{line.Forward,10:0.000} {line.Backward,8:0.000} {line.Sum / all,6:0%} {line.Rate,8}  {line.Label}"));
    }

    private static Line Together(string label, IEnumerable<Line> lines) =>
        new(label, label, lines.Sum(l => l.Forward), lines.Sum(l => l.Backward), lines.Sum(l => l.Operations));

    private static double Best(Func<object?> run)
    {
        double best = double.MaxValue;
        var clock = Stopwatch.StartNew();
        for (int i = 0; i < LeastRepeats || clock.Elapsed.TotalMilliseconds < LeastMs; i++)
        {
            using var scope = MemoryScope.Open();
            long start = Stopwatch.GetTimestamp();
            _ = run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        return best;
    }
}
