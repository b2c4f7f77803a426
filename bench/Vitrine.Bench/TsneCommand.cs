using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Bench;

/// <summary><c>tsne-quality</c>, <c>tsne-mnist</c>, <c>tsne-growth</c>: what t-SNE costs and what its maps are worth.</summary>
internal static class TsneCommand
{
    public const string Usage = """
        usage: Vitrine.Bench tsne-quality [ROUNDS]            maps of the same 5,000 points, ours and scikit-learn's in turn: time, KL divergence, trustworthiness
               Vitrine.Bench tsne-mnist                       all of MNIST's 70,000 digits, 50 principal components: time and memory (needs VITRINE_DATA)
               Vitrine.Bench tsne-growth [FOLDER [STEPS]]     time from 5,000 to 200,000 points; a table, and growth-tsne.svg in FOLDER (docs/images)

        Exit codes: 0 every bar is held; 1 one is missed, or a measurement failed; 2 the command line makes no sense.
        """;

    private const double Megabyte = 1 << 20;
    private const string Python = "/usr/bin/python3";
    private const int Neighbours = 10;

    private static readonly TsneSettings LikeThePeer = new() { Perplexity = 30, Steps = 1000, Method = TsneMethod.BarnesHut };

    public static int Run(string command, string[] arguments)
    {
        int number = 0;
        string? last = arguments.LastOrDefault();
        bool counted = last is not null && int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0;
        switch (command, arguments.Length)
        {
            case ("tsne-quality", 0):
                return Quality(3);
            case ("tsne-quality", 1) when counted:
                return Quality(number);
            case ("tsne-mnist", 0):
                return Mnist();
            case ("tsne-growth", 0):
                return Growth(Path.Combine("docs", "images"), LikeThePeer.Steps);
            case ("tsne-growth", 1) when !last!.StartsWith('-'):
                return Growth(last, LikeThePeer.Steps);
            case ("tsne-growth", 2) when counted:
                return Growth(arguments[0], number);
            case ("tsne-map", 2):
                return Map(arguments[0], arguments[1]);
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
    }

    /// <summary>Clusters of ten classes as the peer's workload has them: centres of deviation 4, points of deviation 1 about them.</summary>
    public static Tensor Clusters(int count)
    {
        const int dimensions = 50, clusters = 10;
        var random = new RandomSource(0);
        float[] centres = random.Normal([clusters, dimensions], 0, 4).ToArray(), points = random.Normal([count, dimensions]).ToArray();
        for (int i = 0; i < count; i++)
        {
            int cluster = random.NextInt(clusters);
            for (int d = 0; d < dimensions; d++) points[i * dimensions + d] += centres[cluster * dimensions + d];
        }
        return Tensor.From(points, [count, dimensions]);
    }

    // Both sides read the same file, and one implementation judges both maps; the peer's own function is a second witness of the trustworthiness.
    private static int Quality(int rounds)
    {
        Console.WriteLine($"load before: {Output.Load() ?? "unknown"}");
        string folder = Directory.CreateTempSubdirectory("vitrine-tsne-").FullName;
        try
        {
            string points = Path.Combine(folder, "points.npy"), ours = Path.Combine(folder, "ours.npy"), theirs = Path.Combine(folder, "theirs.npy");
            string script = Path.Combine(AppContext.BaseDirectory, "peers", "tsne_map.py");
            Tensor data = Clusters(5000);
            NumPy.SaveArray(points, data);
            var own = new List<Time>();
            var other = new List<Time>();
            for (int round = 0; round < rounds; round++)
            {
                own.Add(Timed("our process", Child.RunSelf("tsne-map", points, ours)));
                other.Add(Timed("the peer", Child.Run(Python, script, "map", points, theirs)));
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  ours {own[^1].Seconds:0.00} s, peer {other[^1].Seconds:0.00} s"));
            }
            (Tensor oursMap, Tensor theirsMap) = (NumPy.LoadArray(ours), NumPy.LoadArray(theirs));
            double oursKl = Divergence(data, oursMap), theirsKl = Divergence(data, theirsMap);
            double oursTrust = MapQuality.Trustworthiness(data, oursMap, Neighbours), theirsTrust = MapQuality.Trustworthiness(data, theirsMap, Neighbours);
            (int code, string output, string error) = Child.Run(Python, script, "judge", points, ours, theirs);
            if (code != 0) throw new InvalidOperationException($"The peer cannot judge: {Child.LastLine(error)}");
            double[] witness = JsonSerializer.Deserialize<double[]>(Child.LastLine(output), Output.Json)!;

            double seconds = Comparison.Median(own.Select(t => t.Seconds)), peerSeconds = Comparison.Median(other.Select(t => t.Seconds));
            double cpu = Comparison.Median(own.Select(t => t.CpuSeconds)), peerCpu = Comparison.Median(other.Select(t => t.CpuSeconds));
            Console.WriteLine($"5,000 points of 50 numbers, perplexity 30, 1,000 steps, Barnes-Hut at angle 0.5; medians of {rounds}; peer: {other[0].Peer}");
            Line("", "ours", "peer", "ours/peer");
            Line("seconds", F(seconds, "0.00"), F(peerSeconds, "0.00"), F(seconds / peerSeconds, "0.000"));
            Line("processor seconds", F(cpu, "0.00"), F(peerCpu, "0.00"), F(cpu / peerCpu, "0.000"));
            Line("KL divergence, all pairs", F(oursKl, "0.0000"), F(theirsKl, "0.0000"), F(oursKl / theirsKl, "0.0000"));
            Line($"trustworthiness ({Neighbours})", F(oursTrust, "0.0000"), F(theirsTrust, "0.0000"), F(oursTrust - theirsTrust, "+0.0000;-0.0000"));
            Line("  as the peer computes it", F(witness[0], "0.0000"), F(witness[1], "0.0000"), F(witness[0] - witness[1], "+0.0000;-0.0000"));
            return Bars(
                ("at most 0.15 of the peer's time", seconds <= 0.15 * peerSeconds),
                ("a divergence of at most 1.02 times the peer's", oursKl <= 1.02 * theirsKl),
                ("a trustworthiness within 0.005 of the peer's, or above it", oursTrust >= theirsTrust - 0.005 && witness[0] >= witness[1] - 0.005));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        static void Line(string what, string ours, string peer, string ratio) => Console.WriteLine($"{what,-28}{ours,10}{peer,10}{ratio,12}");
    }

    /// <summary>Our side of <c>tsne-quality</c>, in a process of its own: once for the compiler's sake, and once with the clock running.</summary>
    private static int Map(string points, string map)
    {
        Tensor data = NumPy.LoadArray(points);
        new Tsne(data, LikeThePeer with { Steps = 100 }).Run();
        using var process = Process.GetCurrentProcess();
        TimeSpan cpu = process.TotalProcessorTime;
        var clock = Stopwatch.StartNew();
        Tensor places = new Tsne(data, LikeThePeer).Run();
        double seconds = clock.Elapsed.TotalSeconds;
        process.Refresh();
        NumPy.SaveArray(map, places);
        Console.WriteLine(JsonSerializer.Serialize(new Time(seconds, (process.TotalProcessorTime - cpu).TotalSeconds, "Vitrine"), Output.Json));
        return 0;
    }

    private static int Mnist()
    {
        Console.WriteLine($"load before: {Output.Load() ?? "unknown"}; {Cpu.Parallel.Threads} threads");
        Tensor data;
        int[] labels;
        var clock = Stopwatch.StartNew();
        try
        {
            (data, labels) = Digits();
        }
        catch (DataException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
        double reduced = clock.Elapsed.TotalSeconds, before = Peak();
        GC.Collect();
        clock.Restart();
        var tsne = new Tsne(data, new TsneSettings { Steps = 1000 });
        double prepared = clock.Elapsed.TotalSeconds;
        Tensor map = tsne.Run();
        double seconds = clock.Elapsed.TotalSeconds, peak = Peak();
        double hit = MapQuality.Hit(map, labels, Neighbours).Total;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            {data.Shape[0]:N0} digits, {data.Shape[1]} principal components, perplexity 30, 1,000 steps
            reading and principal components   {reduced,8:0.0} s   {before,8:N0} MB at the most
            neighbours and probabilities       {prepared,8:0.0} s
            steps                              {seconds - prepared,8:0.0} s
            t-SNE together                     {seconds,8:0.0} s   {peak,8:N0} MB at the most
            neighbourhood hit ({Neighbours})             {hit,8:P2}   KL divergence {tsne.Divergence():0.0000}
            """));
        return Bars(("less than 180 s", seconds < 180), ("less than 2 GB resident", peak < 2048));

        static (Tensor, int[]) Digits()
        {
            DataSplit split = Vitrine.Data.Mnist.Load();
            Tensor pixels = TensorOps.Concat(0, split.Train.Inputs, split.Test.Inputs).Reshape(70_000, 784);
            int[] classes = [.. split.Train.Labels.Longs.ToArray().Concat(split.Test.Labels.Longs.ToArray()).Select(l => (int)l)];
            return (Pca.Fit(pixels, 50).Project(pixels), classes);
        }
    }

    private static int Growth(string folder, int steps)
    {
        Directory.CreateDirectory(folder);
        Console.WriteLine($"load before: {Output.Load() ?? "unknown"}; {Cpu.Parallel.Threads} threads; {steps:N0} steps");
        Console.WriteLine($"{"points",10}{"neighbours, s",16}{"steps, s",12}{"together, s",14}{"µs a point",13}");
        int[] sizes = [5_000, 10_000, 20_000, 50_000, 100_000, 200_000];
        var search = new List<double>();
        var total = new List<double>();
        new Tsne(Clusters(2000), new TsneSettings { Steps = 100, Method = TsneMethod.BarnesHut }).Run(); // for the compiler's sake
        foreach (int size in sizes)
        {
            Tensor data = Clusters(size);
            var clock = Stopwatch.StartNew();
            var tsne = new Tsne(data, new TsneSettings { Steps = steps });
            search.Add(clock.Elapsed.TotalSeconds);
            tsne.Run();
            total.Add(clock.Elapsed.TotalSeconds);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{size,10:N0}{search[^1],16:0.00}{total[^1] - search[^1],12:0.00}{total[^1],14:0.00}{1e6 * total[^1] / size,13:0}"));
        }
        double[] x = [.. sizes.Select(s => (double)s)], line = [.. sizes.Select(s => total[0] * s / sizes[0])];
        double exponent = Math.Log(total[^1] / total[0]) / Math.Log((double)sizes[^1] / sizes[0]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"time grows as the number of points to the power of {exponent:0.00}"));
        new LineChart($"t-SNE, {steps.ToString("N0", CultureInfo.InvariantCulture)} steps, points of 50 numbers")
        {
            XLabel = "points",
            YLabel = "seconds",
            LogX = true,
            LogY = true,
            Description = "The time of t-SNE against the number of points, beside a line of proportion.",
        }
            .Add("together", x, total, markers: true).Add("of which neighbours", x, search, markers: true).Add("in proportion", x, line, dashed: true)
            .ToSvg().Save(Path.Combine(folder, "growth-tsne.svg"));
        // A tree adds a logarithm: from 5,000 to 200,000 points it is worth 0.1 of the exponent.
        return Bars(("an exponent of at most 1.1", exponent <= 1.1));
    }

    private static double Divergence(Tensor data, Tensor map) => new Tsne(data, LikeThePeer with { ShrinkStart = false }, map).Divergence(exact: true);

    private static Time Timed(string who, (int Code, string Out, string Error) run) => run.Code == 0
        ? JsonSerializer.Deserialize<Time>(Child.LastLine(run.Out), Output.Json)!
        : throw new InvalidOperationException($"{who} failed with exit code {run.Code}: {Child.LastLine(run.Error)}");

    private static int Bars(params ReadOnlySpan<(string Bar, bool Held)> bars)
    {
        int code = 0;
        foreach ((string bar, bool held) in bars)
        {
            Console.WriteLine($"{(held ? "held  " : "MISSED")}  {bar}");
            if (!held) code = 1;
        }
        return code;
    }

    private static double Peak()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64 / Megabyte;
    }

    private static string F(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>What one process says of one map.</summary>
    private sealed record Time(double Seconds, double CpuSeconds, string Peer);
}
