using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Vitrine.Bench;

/// <summary>Tables and files.</summary>
internal static class Output
{
    private const string Begin = "<!-- bench:begin -->";
    private const string End = "<!-- bench:end -->";

    public static JsonSerializerOptions Json { get; } = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>The comparison as a Markdown table, aligned so that it reads in a terminal too.</summary>
    public static string Table(IReadOnlyList<Row> rows)
    {
        string[] head = ["workload", "ours ms", "peer ms", "ours/peer", "GFLOP/s", "of peak", "peak MB", "bytes/step"];
        List<string[]> cells = [head, .. rows.Select(r => new[]
        {
            r.Workload, Number(r.OursMs), r.PeerMs is { } peer ? Number(peer) : "-",
            r.Ratio is { } ratio ? ratio.ToString("0.00", CultureInfo.InvariantCulture) : "-",
            r.Gflops?.ToString("N0", CultureInfo.InvariantCulture) ?? "-", r.OfPeak?.ToString("0%", CultureInfo.InvariantCulture) ?? "-",
            r.PeakMb.ToString("N0", CultureInfo.InvariantCulture), r.AllocatedBytesPerStep.ToString("N0", CultureInfo.InvariantCulture),
        })];
        int[] widths = [.. head.Select((_, c) => cells.Max(row => row[c].Length))];
        var text = new StringBuilder();
        for (int r = 0; r < cells.Count; r++)
        {
            Line(text, cells[r], widths);
            if (r == 0) Line(text, [.. widths.Select((w, c) => c == 0 ? new string('-', w) : new string('-', w - 1) + ":")], widths);
        }
        return text.ToString();
    }

    /// <summary>On what and how the figures were taken: what a reader must know to doubt them.</summary>
    public static string Conditions(Options options, string? peer, double peak, string? load) =>
        $"{Processor()}, {Environment.ProcessorCount} logical processors, load before: {load ?? "unknown"}; " +
        $".NET {Environment.Version} on {options.Threads} threads, whose peak is {peak:0} GFLOP/s; peer: {peer ?? "none"}; " +
        $"median of {options.Rounds} alternations of {options.Seconds:0.##} s; {DateTime.UtcNow:yyyy-MM-dd}.";

    /// <summary>How many programs wanted a processor in the last minute; null where the system does not say. Above a few tenths, times mean little.</summary>
    public static string? Load()
    {
        const string file = "/proc/loadavg";
        return File.Exists(file) ? File.ReadAllText(file).Split(' ')[0] : null;
    }

    /// <summary>Writes the rows as a JSON array: all of the file or nothing of it.</summary>
    public static void WriteJson(string path, IReadOnlyList<Row> rows) => WriteAtomically(path, JsonSerializer.Serialize(rows, Json) + "\n");

    /// <summary>Puts the table between the marks of a Markdown file, and leaves everything else in it alone.</summary>
    /// <exception cref="InvalidOperationException">The file has no such marks.</exception>
    public static void WriteMarkdown(string path, IReadOnlyList<Row> rows, string conditions)
    {
        (string text, int begin, int end) = CheckMarkdown(path);
        WriteAtomically(path, $"{text[..(begin + Begin.Length)]}\n{conditions}\n\n{Table(rows)}{text[end..]}");
    }

    /// <summary>Reads a Markdown file and finds its marks.</summary>
    /// <exception cref="InvalidOperationException">It has none.</exception>
    public static (string Text, int Begin, int End) CheckMarkdown(string path)
    {
        string text = File.ReadAllText(path);
        int begin = text.IndexOf(Begin), end = text.IndexOf(End);
        return begin >= 0 && end > begin
            ? (text, begin, end)
            : throw new InvalidOperationException($"{path} needs the lines {Begin} and {End}: the table goes between them.");
    }

    private static void Line(StringBuilder text, string[] cells, int[] widths)
    {
        for (int c = 0; c < cells.Length; c++) text.Append("| ").Append(c == 0 ? cells[c].PadRight(widths[c]) : cells[c].PadLeft(widths[c])).Append(' ');
        text.Append("|\n");
    }

    /// <summary>Three significant digits, or all of an integer.</summary>
    private static string Number(double ms) => ms.ToString(ms >= 100 ? "N0" : ms >= 10 ? "0.0" : ms >= 1 ? "0.00" : "0.000", CultureInfo.InvariantCulture);

    private static void WriteAtomically(string path, string text)
    {
        string full = Path.GetFullPath(path), part = $"{full}.{Environment.ProcessId}.part";
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        try
        {
            File.WriteAllText(part, text);
            File.Move(part, full, overwrite: true);
        }
        finally
        {
            File.Delete(part);
        }
    }

    private static string Processor()
    {
        const string cpuInfo = "/proc/cpuinfo";
        string? line = File.Exists(cpuInfo) ? File.ReadLines(cpuInfo).FirstOrDefault(l => l.StartsWith("model name")) : null;
        string name = line is null ? RuntimeInformation.ProcessArchitecture.ToString() : line[(line.IndexOf(':') + 1)..].Trim();
        return System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated ? $"{name} (AVX-512)" : name;
    }
}
