using System.Globalization;

namespace Vitrine.Bench;

/// <summary>A command line that makes no sense; the message says why.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>What the command line asks for.</summary>
internal sealed record Options
{
    public const string Usage = """
        usage: Vitrine.Bench COMMAND [WORKLOAD...] [OPTION...]

        commands
          compare [WORKLOAD...]   time workloads here and on the peer (PyTorch and others), in turn; all that can run unless named
          run WORKLOAD...         time our side alone; one JSON line each, like the peer's
          profile WORKLOAD        time every operator of a workload's network by itself
          list                    the workloads
          onnxruntime             time exported networks here and on ONNX Runtime (npm package onnxruntime-node), on as many threads
          memory drop | steps     whether memory stays flat when tensors are dropped, and over many training steps
          peak                    the processor's rate of multiply-adds, on one thread and on two
          growth [FOLDER]         how time and memory grow with batch, width, depth, sequence length and threads
          tsne-quality [ROUNDS]   maps of the same points, ours and scikit-learn's: time, KL divergence, trustworthiness
          tsne-mnist              a map of all 70,000 digits of MNIST: time and memory
          tsne-growth [FOLDER [STEPS]]   how the time of t-SNE grows from 5,000 to 200,000 points

        options
          --threads N             threads a kernel of ours may use (default: all processors, or VITRINE_THREADS)
          --seconds S             how long a process times a workload (default 3)
          --warm-up S             how long our process runs it before (default 2; up to three times as long to reach 30 runs)
          --rounds N              compare: how many alternations (default 3)
          --python PATH           compare: the peer's interpreter (default /usr/bin/python3)
          --node-modules DIR      onnxruntime: where onnxruntime-node is (default VITRINE_NODE_MODULES, or npm root -g)
          --json FILE             compare: write the rows as a JSON array
          --markdown FILE         compare: write the table between the marks of a Markdown file
          --help                  this text

        Exit codes: 0 done; 1 a measurement failed; 2 the command line makes no sense.
        """;

    public string Command { get; private init; } = "";

    public IReadOnlyList<string> Names { get; private init; } = [];

    public int Threads { get; private init; } = Cpu.Parallel.Threads;

    public double Seconds { get; private init; } = 3;

    public double WarmUp { get; private init; } = 2;

    public int Rounds { get; private init; } = 3;

    public string Python { get; private init; } = "/usr/bin/python3";

    public string? NodeModules { get; private init; } = Environment.GetEnvironmentVariable("VITRINE_NODE_MODULES");

    public string? JsonFile { get; private init; }

    public string? MarkdownFile { get; private init; }

    /// <summary>Reads a command line.</summary>
    /// <exception cref="UsageException">It makes no sense.</exception>
    public static Options Parse(ReadOnlySpan<string> arguments)
    {
        var options = new Options();
        var names = new List<string>();
        for (int i = 0; i < arguments.Length; i++)
        {
            string argument = arguments[i];
            if (!argument.StartsWith('-'))
            {
                if (options.Command.Length == 0) options = options with { Command = argument };
                else names.Add(argument);
                continue;
            }
            if (argument is "--help" or "-h") return new Options { Command = "help" };
            if (argument is not ("--threads" or "--seconds" or "--warm-up" or "--rounds" or "--python" or "--node-modules" or "--json" or "--markdown"))
            {
                throw new UsageException($"There is no option {argument}.");
            }
            if (++i == arguments.Length) throw new UsageException($"{argument} needs a value.");
            string value = arguments[i];
            options = argument switch
            {
                "--threads" => options with { Threads = Count(argument, value) },
                "--seconds" => options with { Seconds = Time(argument, value) },
                "--warm-up" => options with { WarmUp = Time(argument, value) },
                "--rounds" => options with { Rounds = Count(argument, value) },
                "--python" => options with { Python = value },
                "--node-modules" => options with { NodeModules = value },
                "--json" => options with { JsonFile = value },
                _ => options with { MarkdownFile = value },
            };
        }
        return options with { Names = names };
    }

    /// <summary>The workloads that were named.</summary>
    /// <exception cref="UsageException">One is unknown, or cannot run yet.</exception>
    public IReadOnlyList<Workload> Workloads() => [.. Names.Select(name =>
    {
        Workload workload = Catalog.Find(name)
            ?? throw new UsageException($"There is no workload {name}. There are: {string.Join(", ", Catalog.All.Select(w => w.Name))}.");
        return workload.Prepare is not null ? workload : throw new UsageException($"{name} cannot run yet: it needs {workload.Needs}.");
    })];

    private static int Count(string option, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count >= 1
            ? count
            : throw new UsageException($"{option} needs a whole number from 1, not {value}.");

    private static double Time(string option, string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double time) && time is >= 0 and <= 3600
            ? time
            : throw new UsageException($"{option} needs a number of seconds, not {value}.");
}
