namespace Vitrine.Conformance;

/// <summary>
/// <c>audits DIR [--models DIR]</c>: every metric of every attribution of every network of a folder. Networks are ONNX files beside the cases, in the folder
/// <c>nets</c> beside
/// the cases' own, or in the folder of models. 0 when all pass, 1 when one fails, 2 when the command cannot run.
/// </summary>
internal static class AuditsCommand
{
    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        if (args is not ([_] or [_, "--models", _]) || args[0].StartsWith('-'))
        {
            error.WriteLine("usage: Conformance audits DIR [--models DIR]    (DIR holds <net>.json and <net>.safetensors files)");
            return 2;
        }
        string[] given = args.Length == 1 ? [args[0]] : [args[0], args[2]];
        if (given.FirstOrDefault(f => !Directory.Exists(f)) is { } missing)
        {
            error.WriteLine($"There is no folder {missing}.");
            return 2;
        }
        string[] files = [.. Directory.EnumerateFiles(args[0], "*.json").Order(StringComparer.Ordinal)];
        if (files.Length == 0)
        {
            error.WriteLine($"The folder {args[0]} has no .json file.");
            return 2;
        }
        string[] folders = [.. given.Reverse(), Path.Combine(args[0], "..", "nets")];
        var tally = new Tally(output);
        foreach (string file in files)
        {
            foreach ((string name, Outcome outcome, string finding) in AuditCase.Run(file, folders)) tally.Add(name, outcome, finding);
        }
        return tally.Close();
    }
}
