namespace Vitrine.Conformance;

/// <summary>
/// <c>nets DIR [--models DIR]</c>: every tensor of every golden file of a folder, computed with the network's ONNX file, which lies beside it or in the folder
/// of models. 0 when all pass, 1 when one fails, 2 when the command cannot run.
/// </summary>
internal static class NetsCommand
{
    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        if (args is not ([_] or [_, "--models", _]) || args[0].StartsWith('-'))
        {
            error.WriteLine("usage: Conformance nets DIR [--models DIR]    (DIR holds <net>.golden.safetensors files, either folder <net>.onnx)");
            return 2;
        }
        string[] folders = args.Length == 1 ? [args[0]] : [args[0], args[2]];
        if (folders.FirstOrDefault(f => !Directory.Exists(f)) is { } missing)
        {
            error.WriteLine($"There is no folder {missing}.");
            return 2;
        }
        string[] goldens = [.. Directory.EnumerateFiles(args[0], "*.golden.safetensors").Order(StringComparer.Ordinal)];
        if (goldens.Length == 0)
        {
            error.WriteLine($"The folder {args[0]} has no .golden.safetensors file.");
            return 2;
        }
        var tally = new Tally(output);
        foreach (string golden in goldens)
        {
            foreach ((string name, Outcome outcome, string finding) in NetCase.Run(golden, folders)) tally.Add(name, outcome, finding);
        }
        return tally.Close();
    }
}
