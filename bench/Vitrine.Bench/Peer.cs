using System.ComponentModel;
using System.Text.Json;

namespace Vitrine.Bench;

/// <summary>The other side: Python, and the workloads of bench/peers/torch_workloads.py.</summary>
/// <param name="python">The interpreter.</param>
/// <param name="seconds">How long it times a workload.</param>
internal sealed class Peer(string python, double seconds)
{
    private const string Install =
        "Debian: apt install python3-torch python3-torchvision libopenblas0-openmp python3-sklearn python3-gensim, then --python /usr/bin/python3";

    /// <summary>What the peer calls itself, with its version, once it has answered.</summary>
    public string? Name { get; private set; }

    /// <summary>Why the peer cannot run the last workload it was asked for, and how to help it; null when it could.</summary>
    public string? Trouble { get; private set; }

    /// <summary>The median and the shortest milliseconds of one process with a number of threads, or null with <see cref="Trouble"/> set.</summary>
    public (double Median, double Min)? Measure(string workload, int threads)
    {
        Trouble = null;
        (int code, string output, string error) = (0, "", "");
        try
        {
            (code, output, error) = Child.Run(
                python, Path.Combine(AppContext.BaseDirectory, "peers", "torch_workloads.py"), "--threads", $"{threads}", "--seconds", $"{seconds}", workload);
        }
        catch (Win32Exception)
        {
            return Fail($"there is no {python}. {Install}");
        }
        string last = Child.LastLine(output);
        if (code != 0 || last.Length == 0)
        {
            string reason = Child.LastLine(error);
            return Fail(reason.Contains("ModuleNotFoundError") || reason.Contains("ImportError") ? $"{reason}. {Install}" : $"exit code {code}: {reason}");
        }
        using var line = JsonDocument.Parse(last);
        if (line.RootElement.TryGetProperty("skipped", out JsonElement skipped)) return Fail($"{skipped}. {Install}; Captum: a checkout on PYTHONPATH");
        Name = line.RootElement.GetProperty("peer").GetString();
        return (line.RootElement.GetProperty("median_ms").GetDouble(), line.RootElement.GetProperty("min_ms").GetDouble());
    }

    private (double Median, double Min)? Fail(string reason)
    {
        Trouble = reason;
        return null;
    }
}
