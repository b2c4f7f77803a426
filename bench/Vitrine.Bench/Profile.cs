using System.Diagnostics;
using System.Globalization;

namespace Vitrine.Bench;

/// <summary>Where the time goes: every operator of one forward pass, run again by itself, forwards and backwards.</summary>
/// <remarks>
/// Each is timed alone and repeatedly, so its operands are warmer in the cache than in the network, and what lies between operators is not seen; the sum is
/// a lower bound. Backwards there are two times, for the gradients of x and of everything else (weights), because most questions need the first alone.
/// </remarks>
internal static class Profile
{
    private const int Repeats = 7;

    public static void Print(Workload workload)
    {
        Job job = workload.Prepare!();
        if (job.Graph is null) throw new InvalidOperationException($"{workload.Name} is not made of operators that could be looked at one by one.");
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed.TotalSeconds < 2) job.Step();

        using var scope = MemoryScope.Open();
        IReadOnlyList<Node> nodes = Autograd.Ancestors(job.Graph());
        List<(string Label, string Kind, double Forward, double ToX, double ToWeights, double Gflops)> lines = [];
        foreach (Node node in nodes)
        {
            Tensor[] inputs = [.. node.Inputs];
            double forward = Best(() => node.Op.Forward(inputs)), toX = 0, toWeights = 0;
            Tensor grad = Tensor.Ones(node.Output.Shape);
            for (int i = 0; i < inputs.Length; i++)
            {
                int input = i;
                // A graph of inference starts at a plain picture; its gradient is asked for all the same where it can be.
                if (inputs[i].DType != DType.Float32 || (i > 0 && !inputs[i].IsRecorded)) continue;
                double time = Best(() => new Run().With(() => node.Op.Backward(node, grad, input)));
                if (i == 0) toX += time;
                else toWeights += time;
            }
            lines.Add((node.ToString(), node.Op.Name, forward, toX, toWeights, Operations.Forward(node) / forward / 1e6));
        }

        Console.WriteLine($"{"forward ms",10} {"to x",8} {"to rest",8} {"GFLOP/s",8}  operator, inputs -> output, scope");
        foreach (var line in lines.OrderByDescending(l => l.Forward + l.ToX + l.ToWeights))
        {
            string rate = line.Gflops > 0 ? line.Gflops.ToString("0", CultureInfo.InvariantCulture) : "";
            Console.WriteLine($"{line.Forward,10:0.000} {line.ToX,8:0.000} {line.ToWeights,8:0.000} {rate,8}  {line.Label}");
        }
        Console.WriteLine();
        foreach (var group in lines.GroupBy(l => l.Kind).OrderByDescending(g => g.Sum(l => l.Forward + l.ToX + l.ToWeights)))
        {
            Console.Write($"{group.Sum(l => l.Forward),10:0.000} {group.Sum(l => l.ToX),8:0.000} {group.Sum(l => l.ToWeights),8:0.000}");
            Console.WriteLine($" {"",8}  {group.Key} x {group.Count()}");
        }
        Console.WriteLine($"{lines.Sum(l => l.Forward),10:0.000} {lines.Sum(l => l.ToX),8:0.000} {lines.Sum(l => l.ToWeights),8:0.000} {"",8}  in all");
    }

    private static double Best(Func<Tensor?> run)
    {
        double best = double.MaxValue;
        for (int i = 0; i < Repeats; i++)
        {
            using var scope = MemoryScope.Open();
            long start = Stopwatch.GetTimestamp();
            _ = run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        return best;
    }
}
