using System.ComponentModel;
using System.Text.Json;
using Vitrine.Onnx;

namespace Vitrine.Bench;

/// <summary><c>onnxruntime</c>: exported networks here and on ONNX Runtime, in turn, each in a process of its own, on the same number of threads.</summary>
internal static class OnnxRuntimeCommand
{
    private const string Install = "npm install onnxruntime-node --ignore-scripts, then --node-modules DIR/node_modules";

    public static void Run(Options options)
    {
        string? modules = options.NodeModules ?? Global();
        if (modules is null || !Directory.Exists(Path.Combine(modules, "onnxruntime-node")))
        {
            Console.WriteLine($"Skipped: there is no onnxruntime-node{(modules is null ? "" : $" in {modules}")}. {Install}");
            return;
        }
        Environment.SetEnvironmentVariable("NODE_PATH", modules); // of the children
        string? load = Output.Load();
        double peak = Peak.Gflops(options.Threads);
        var rows = new List<Row>();
        string peer = "";
        foreach ((string workload, Func<Module> network, int batch) in Inference.Files)
        {
            Console.Error.WriteLine($"{workload} ({rows.Count + 1} of {Inference.Files.Count}) ...");
            string file = Path.GetTempFileName();
            try
            {
                OnnxExport.Save(network(), Tensor.Zeros([1, 3, 224, 224]), file);
                rows.Add(Of(workload, file, batch, options, out peer));
            }
            finally
            {
                File.Delete(file);
            }
        }
        Console.WriteLine(Output.Conditions(options, peer, peak, load));
        Console.WriteLine();
        Console.Write(Output.Table(rows));
    }

    private static Row Of(string workload, string file, int batch, Options options, out string peer)
    {
        var ours = new List<Measurement>();
        var theirs = new List<(double Median, double Min)>();
        peer = "";
        for (int round = 0; round < options.Rounds; round++)
        {
            ours.Add(Comparison.Own(Catalog.Find(workload)!, options));
            (int code, string output, string error) = Child.Run(
                "node", Path.Combine(AppContext.BaseDirectory, "peers", "onnxruntime.cjs"), file, $"{batch}", $"{options.Threads}", $"{options.Seconds}");
            if (code != 0) throw new InvalidOperationException($"node failed on {workload} with exit code {code}: {Child.LastLine(error)}");
            using var line = JsonDocument.Parse(Child.LastLine(output));
            theirs.Add((line.RootElement.GetProperty("median_ms").GetDouble(), line.RootElement.GetProperty("min_ms").GetDouble()));
            peer = line.RootElement.GetProperty("peer").GetString()!;
        }
        double oursMs = Comparison.Median(ours.Select(m => m.MedianMs)), peerMs = Comparison.Median(theirs.Select(t => t.Median));
        Console.Error.WriteLine($"  shortest run: ours {ours.Min(m => m.MinMs):0.###} ms, peer {theirs.Min(t => t.Min):0.###} ms");
        return new Row(
            workload, oursMs, peerMs, Math.Round(oursMs / peerMs, 4), ours.Max(m => m.PeakMb), ours.Min(m => m.AllocatedBytesPerStep), options.Threads,
            ours[0].Gflops, null);
    }

    /// <summary>npm's global folder, or null without npm.</summary>
    private static string? Global()
    {
        try
        {
            (int code, string output, _) = Child.Run("npm", "root", "-g");
            return code == 0 ? output.Trim() : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
