using System.Diagnostics;
using System.Globalization;

namespace Vitrine.Bench;

/// <summary><c>memory</c>: what long or careless use does to the memory of the process. Run each in a process of its own: peaks do not go down again.</summary>
internal static class MemoryCommand
{
    public const string Usage = """
        usage: Vitrine.Bench memory drop [COUNT]     make and drop COUNT (1,024) tensors of 4 MB; the peak must stay under 200 MB
               Vitrine.Bench memory steps [COUNT]    COUNT (100,000) training steps of a small network; memory must not grow

        Exit codes: 0 the memory stayed within its limit; 1 it did not; 2 the command line makes no sense.
        """;

    private const double Megabyte = 1 << 20;

    public static int Run(ReadOnlySpan<string> arguments)
    {
        int count = 0;
        bool sound = arguments.Length is 1 or 2 && arguments[0] is "drop" or "steps" &&
            (arguments.Length == 1 || (int.TryParse(arguments[1], NumberStyles.None, CultureInfo.InvariantCulture, out count) && count > 0));
        if (!sound)
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }
        return arguments[0] == "drop" ? Drop(count == 0 ? 1024 : count) : Steps(count == 0 ? 100_000 : count);
    }

    /// <summary>The loop of DiffSharp's pull request 133, which took about 4 GB on libtorch.</summary>
    private static int Drop(int count)
    {
        const double limit = 200;
        var clock = Stopwatch.StartNew();
        for (int i = 0; i < count; i++) Tensor.Zeros([1024, 1024]);
        double seconds = clock.Elapsed.TotalSeconds, peak = Peak();
        Console.WriteLine($"{count:N0} dropped tensors of 4 MB: peak {peak:N0} MB (limit {limit:N0}), {seconds:0.00} s, {GC.CollectionCount(2)} collections");
        return peak < limit ? 0 : 1;
    }

    private static int Steps(int count)
    {
        var network = new Models.Mlp(Weights.Random(1), 64, 32, 10);
        var random = new RandomSource(2);
        Tensor x = random.Normal([32, 64]), y = Tensor.From([.. Enumerable.Range(0, 32).Select(_ => (long)random.NextInt(10))], [32]);
        var optimizer = new Adam(1e-3);
        IReadOnlyList<Parameter> parameters = network.Parameters;
        Tensor[] wrt = [.. parameters.Select(p => p.Value)];
        var run = new Run(training: true, recording: true);

        // The first tenth is for the compiler and the pool; after that every look must find what the first found.
        Console.WriteLine("     step  live MB  resident MB  peak MB  collections");
        long first = 0, live = 0;
        double firstResident = 0, resident = 0;
        for (int step = 1; step <= count; step++)
        {
            Step();
            if (step % Math.Max(1, count / 10) != 0) continue;
            live = GC.GetTotalMemory(forceFullCollection: true);
            resident = Environment.WorkingSet / Megabyte;
            if (first == 0) (first, firstResident) = (live, resident);
            Console.WriteLine($"{step,9:N0}  {live / Megabyte,7:0.00}  {resident,11:0.0}  {Peak(),7:0.0}  {GC.CollectionCount(0),11:N0}");
        }
        bool flat = live - first < 256 * 1024 && resident - firstResident < 16;
        Console.WriteLine(flat ? "flat" : "it grows");
        return flat ? 0 : 1;

        void Step()
        {
            using var scope = MemoryScope.Open();
            run.Restart(1);
            optimizer.Step(parameters, Autograd.Backward(Loss.CrossEntropy(network.Call(run, x), y), null, wrt));
        }
    }

    private static double Peak()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64 / Megabyte;
    }
}
