using System.Text.Json;

namespace Vitrine.Bench;

/// <summary>One line of the table.</summary>
/// <param name="Workload">Its name.</param>
/// <param name="OursMs">The median of our processes' medians.</param>
/// <param name="PeerMs">The same for the peer, at whichever of one and two threads is better for it; null without a peer.</param>
/// <param name="Ratio">Ours divided by the peer's: below 1 we are faster.</param>
/// <param name="PeakMb">The largest resident set of our processes, MiB.</param>
/// <param name="AllocatedBytesPerStep">Managed bytes a run of ours allocates.</param>
/// <param name="Threads">How many threads ours used.</param>
/// <param name="Gflops">Billions of floating-point operations a second of ours, as <see cref="Operations"/> counts them; null without such work.</param>
/// <param name="OfPeak">Their share of the machine's <see cref="Peak"/> on as many threads; above 1 where Winograd's method needs fewer.</param>
internal sealed record Row(
    string Workload, double OursMs, double? PeerMs, double? Ratio, double PeakMb, long AllocatedBytesPerStep, int Threads, double? Gflops, double? OfPeak);

/// <summary>
/// Both sides in turn: ours, the peer on one thread, the peer on two, and again, each in a process of its own; an absolute time means nothing
/// on a shared machine.
/// </summary>
internal static class Comparison
{
    /// <summary>Measures one workload on both sides.</summary>
    /// <param name="workload">What to run.</param>
    /// <param name="peer">The other side.</param>
    /// <param name="options">How long, how often, on how many threads.</param>
    /// <param name="peak">The machine's <see cref="Peak"/> on as many threads.</param>
    /// <exception cref="InvalidOperationException">Our own process failed.</exception>
    public static Row Of(Workload workload, Peer peer, Options options, double peak)
    {
        var ours = new List<Measurement>();
        Dictionary<int, List<(double Median, double Min)>> theirs = new() { [1] = [], [2] = [] };
        bool asked = true;
        for (int round = 0; round < options.Rounds; round++)
        {
            ours.Add(Own(workload, options));
            foreach ((int threads, List<(double Median, double Min)> times) in theirs)
            {
                if (asked && peer.Measure(workload.Peer, threads) is { } time) times.Add(time);
                else asked = false;
            }
        }
        double oursMs = Median(ours.Select(m => m.MedianMs));
        double? peerMs = asked ? theirs.Values.Min(times => Median(times.Select(t => t.Median))) : null;
        // On a busy machine the shortest runs say more about the programs, and the medians more about the neighbours.
        string peerMin = asked ? $", peer {theirs.Values.Min(times => times.Min(t => t.Min)):0.###} ms" : "";
        Console.Error.WriteLine($"  shortest run: ours {ours.Min(m => m.MinMs):0.###} ms{peerMin}");
        if (ours[0].Quality is { } quality) Console.Error.WriteLine($"  result: {quality}");
        double? gflops = ours[0].Gflops is null ? null : Median(ours.Select(m => m.Gflops!.Value));
        return new Row(
            workload.Name, oursMs, peerMs, peerMs is null ? null : Math.Round(oursMs / peerMs.Value, 4),
            ours.Max(m => m.PeakMb), ours.Min(m => m.AllocatedBytesPerStep), ours[0].Threads, gflops,
            gflops is null ? null : Math.Round(gflops.Value / peak, 4));
    }

    /// <summary>The middle value; the mean of the two middle ones of an even number.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>Measures one workload on our side, in a process of its own.</summary>
    /// <exception cref="InvalidOperationException">The process failed.</exception>
    public static Measurement Own(Workload workload, Options options)
    {
        (int code, string output, string error) = Child.RunSelf(
            "run", workload.Name, "--threads", $"{options.Threads}", "--seconds", $"{options.Seconds}", "--warm-up", $"{options.WarmUp}");
        if (code != 0) throw new InvalidOperationException($"{workload.Name} failed with exit code {code}: {error.Trim()}");
        return JsonSerializer.Deserialize<Measurement>(Child.LastLine(output), Output.Json)!;
    }
}
