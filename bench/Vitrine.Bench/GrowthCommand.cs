using System.Diagnostics;
using System.Globalization;
using Vitrine.Models;
using Vitrine.Render;

namespace Vitrine.Bench;

/// <summary><c>growth</c>: how the time and the memory of a training step grow with batch, width, depth, sequence length and threads; a table and a chart for each.</summary>
internal static class GrowthCommand
{
    public const string Usage = "usage: Vitrine.Bench growth [FOLDER]     tables on standard output, charts (SVG) in FOLDER (docs/images)";

    public static int Run(ReadOnlySpan<string> arguments)
    {
        if (arguments.Length > 1 || (arguments.Length == 1 && arguments[0].StartsWith('-')))
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }
        string folder = arguments.Length == 0 ? Path.Combine("docs", "images") : arguments[0];
        Directory.CreateDirectory(folder);
        Console.WriteLine($"load before: {Output.Load() ?? "unknown"}");

        Sweep("batch", "LeNet-5, one Adam step", "examples in a batch", [1, 4, 16, 64, 256, 1024], batch => Step(
            w => new LeNet5(w), new RandomSource(1).Uniform([batch, 1, 28, 28])));
        Sweep("width", "784-w-10 perceptron, one Adam step, batch 128", "hidden units", [64, 256, 1024, 4096], width => Step(
            w => new Mlp(w, 784, width, 10), new RandomSource(1).Uniform([128, 784])));
        Sweep("depth", "3 x 3 convolutions of 32 channels on 16 x 16, one Adam step, batch 16", "layers", [1, 2, 4, 8, 16, 32, 64], depth => Step(
            w => Tower(w, depth), new RandomSource(1).Uniform([16, 32, 16, 16])));
        Sweep("sequence", "LSTM 64 -> 128, one Adam step, batch 16", "steps of a sequence", [8, 32, 128, 512, 2048], length => Step(
            w => new LastStep(w, 64, 128), new RandomSource(1).Uniform([16, length, 64])));
        int threads = Cpu.Parallel.Threads;
        Sweep("threads", "LeNet-5, one Adam step, batch 256", "threads", [.. Enumerable.Range(1, Math.Max(2, threads))], count =>
        {
            Cpu.Parallel.Threads = count;
            return Step(w => new LeNet5(w), new RandomSource(1).Uniform([256, 1, 28, 28]));
        });
        Cpu.Parallel.Threads = threads;
        return 0;

        void Sweep(string name, string what, string axis, int[] sizes, Func<int, Action> prepare)
        {
            Console.WriteLine($"{what}\n{axis,24}  {"ms",10}  {"MB held",10}");
            var time = new List<double>();
            var memory = new List<double>();
            foreach (int size in sizes)
            {
                (double ms, double megabytes) = Measure(prepare(size));
                time.Add(ms);
                memory.Add(megabytes);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{size,24:N0}  {ms,10:0.000}  {megabytes,10:0.00}"));
            }
            double[] x = [.. sizes.Select(s => (double)s)];
            new LineChart(what) { XLabel = axis, YLabel = "milliseconds; megabytes", LogX = true, LogY = true, Description = $"Time and memory of a training step against {axis}." }
                .Add("time, ms", x, time, markers: true).Add("memory held, MB", x, memory, markers: true, dashed: true)
                .ToSvg().Save(Path.Combine(folder, $"growth-{name}.svg"));
        }
    }

    /// <summary>The time of a run, the smallest median of some stretches of runs, and what the pool and the program hold after it.</summary>
    private static (double Milliseconds, double Megabytes) Measure(Action action)
    {
        BufferPool.Clear();
        var clock = Stopwatch.StartNew();
        for (int i = 0; i < 3 || clock.Elapsed.TotalSeconds < 0.5; i++) action();
        // A neighbour that takes one of the processors for a while spoils some stretches and leaves others.
        double best = double.MaxValue;
        for (int stretch = 0; stretch < 5; stretch++)
        {
            var times = new List<double>();
            clock.Restart();
            while (times.Count < 5 || (clock.Elapsed.TotalSeconds < 0.4 && times.Count < 100))
            {
                long start = Stopwatch.GetTimestamp();
                action();
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
            best = Math.Min(best, Comparison.Median(times));
        }
        double held = GC.GetTotalMemory(forceFullCollection: true) / (double)(1 << 20);
        GC.KeepAlive(action);
        return (best, held);
    }

    private static Action Step(Func<Weights, Module> make, Tensor x)
    {
        Module network = make(Weights.Random(1));
        Tensor labels = Tensor.From(new long[x.Shape[0]], [x.Shape[0]]);
        var optimizer = new Adam(1e-3);
        IReadOnlyList<Parameter> parameters = network.Parameters;
        Tensor[] wrt = [.. parameters.Select(p => p.Value)];
        var run = new Run(training: true, recording: true);
        return () =>
        {
            using var scope = MemoryScope.Open();
            run.Restart(1);
            optimizer.Step(parameters, Autograd.Backward(Loss.CrossEntropy(network.Call(run, x), labels), null, wrt));
        };
    }

    private static Sequential Tower(Weights weights, int depth)
    {
        var layers = new List<Module>();
        for (int i = 0; i < depth; i++)
        {
            layers.Add(new Conv2d(weights.In($"conv{i}"), 32, 32, 3, padding: 1));
            layers.Add(Layer.Tanh(weights.In($"tanh{i}")));
        }
        layers.Add(new Flatten(weights.In("flatten")));
        layers.Add(new Linear(weights.In("out"), 32 * 16 * 16, 10));
        return new Sequential(weights, layers);
    }

    /// <summary>A recurrent layer and a linear one on its last step.</summary>
    private sealed class LastStep(Weights weights, int inputs, int hidden) : Module(weights)
    {
        private readonly Lstm _lstm = new(weights.In("lstm"), inputs, hidden);
        private readonly Linear _out = new(weights.In("out"), hidden, 10);

        protected override Tensor Forward(Run run, Tensor x)
        {
            Tensor y = _lstm.Call(run, x); // [N, T, hidden]
            return _out.Call(run, y.Slice(1, -1).Squeeze(1));
        }
    }
}
