using System.Diagnostics;

namespace Vitrine.Bench;

/// <summary>What one process found out about one workload; the peer's line has the first five.</summary>
/// <param name="Workload">Its name.</param>
/// <param name="MedianMs">The median time of a run.</param>
/// <param name="MinMs">The shortest.</param>
/// <param name="Runs">How many were timed.</param>
/// <param name="Threads">How many threads a kernel may use.</param>
/// <param name="PeakMb">The largest resident set of the process, in MiB: runtime, weights and optimizer state included.</param>
/// <param name="AllocatedBytesPerStep">Managed bytes a run allocates once everything has settled, on all threads.</param>
/// <param name="AllocatedBytesPerStepOnThread">Those of the thread that calls.</param>
/// <param name="Gflops">Billions of floating-point operations a second, as <see cref="Operations"/> counts them; null without such work.</param>
/// <param name="Quality">What a run's result is worth; null where the time says all.</param>
internal sealed record Measurement(
    string Workload, double MedianMs, double MinMs, int Runs, int Threads, double PeakMb, long AllocatedBytesPerStep, long AllocatedBytesPerStepOnThread,
    double? Gflops, string? Quality)
{
    private const int MostRuns = 500;

    // The tiered compiler counts 30 calls of a method before it compiles it for speed.
    private const int SettledRuns = 30;

    /// <summary>Runs a workload in this process until the compiler has settled, then times it as the peer does: for so many seconds, or 500 runs.</summary>
    /// <param name="workload">What to run.</param>
    /// <param name="seconds">How long to time.</param>
    /// <param name="warmUp">How long to run it first; up to three times as long while there were fewer than 30 runs.</param>
    public static Measurement Of(Workload workload, double seconds, double warmUp)
    {
        Job job = workload.Prepare!();
        Action step = job.Step;
        var clock = Stopwatch.StartNew();
        for (int runs = 0; clock.Elapsed.TotalSeconds < warmUp || (runs < SettledRuns && clock.Elapsed.TotalSeconds < 3 * warmUp); runs++) step();

        var times = new List<double>();
        for (double sum = 0; times.Count == 0 || (sum < seconds && times.Count < MostRuns); sum += times[^1])
        {
            long start = Stopwatch.GetTimestamp();
            step();
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        times.Sort();
        (long all, long own) = Allocated(step);
        using var process = Process.GetCurrentProcess();
        double median = times[times.Count / 2], peak = Math.Round(process.PeakWorkingSet64 / 1048576.0, 1);
        // Counting builds graphs, which must not show in the memory above.
        double? gflops = job.Passes is null ? null : Math.Round(job.Passes().Sum(Operations.Of) / median / 1e9, 2);
        return new Measurement(
            workload.Name, Math.Round(median * 1e3, 4), Math.Round(times[0] * 1e3, 4), times.Count, Cpu.Parallel.Threads, peak, all, own, gflops,
            job.Quality?.Invoke());
    }

    private static (long All, long Own) Allocated(Action step)
    {
        // The smallest of a few looks: the compiler and the finalizer allocate now and then, a step always does.
        long all = long.MaxValue, own = long.MaxValue;
        for (int look = 0; look < 5; look++)
        {
            // One precise reading stops all threads and takes what is left of their allocation contexts into account.
            long total = GC.GetTotalAllocatedBytes(precise: true), thread = GC.GetAllocatedBytesForCurrentThread();
            step();
            own = Math.Min(own, GC.GetAllocatedBytesForCurrentThread() - thread);
            all = Math.Min(all, GC.GetTotalAllocatedBytes(precise: true) - total);
        }
        return (all, own);
    }
}
