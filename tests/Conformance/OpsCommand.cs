namespace Vitrine.Conformance;

/// <summary><c>ops DIR</c>: every operator case of a folder. 0 when all pass, 1 when one fails, 2 when the command cannot run.</summary>
internal static class OpsCommand
{
    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        if (args.Length != 1 || args[0].StartsWith('-'))
        {
            error.WriteLine("usage: Conformance ops DIR    (DIR holds <op>__<case>.safetensors files)");
            return 2;
        }
        if (!Directory.Exists(args[0]))
        {
            error.WriteLine($"There is no folder {args[0]}.");
            return 2;
        }
        string[] files = [.. Directory.EnumerateFiles(args[0], "*.safetensors").Order(StringComparer.Ordinal)];
        if (files.Length == 0)
        {
            error.WriteLine($"The folder {args[0]} has no .safetensors file.");
            return 2;
        }
        int passed = 0, failed = 0, skipped = 0;
        foreach (string file in files)
        {
            string name = Path.GetFileNameWithoutExtension(file);
            (OpRunner.Outcome outcome, IReadOnlyList<string> findings) = OpRunner.Run(file);
            switch (outcome)
            {
                case OpRunner.Outcome.Passed:
                    passed++;
                    break;
                case OpRunner.Outcome.Skipped:
                    skipped++;
                    output.WriteLine($"skipped {name}: {findings[0]}");
                    break;
                default:
                    failed++;
                    foreach (string finding in findings) output.WriteLine($"FAILED {name}: {finding}");
                    break;
            }
        }
        output.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
        return failed > 0 ? 1 : 0;
    }
}
