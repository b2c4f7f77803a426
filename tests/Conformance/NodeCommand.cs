namespace Vitrine.Conformance;

/// <summary><c>onnx-node DIR</c>: every case of ONNX's operator tests in a folder. 0 when all pass, 1 when one fails, 2 when the command cannot run.</summary>
internal static class NodeCommand
{
    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        if (args.Length != 1 || args[0].StartsWith('-'))
        {
            error.WriteLine("usage: Conformance onnx-node DIR    (DIR holds test_<case>/model.onnx and test_<case>/test_data_set_0/*.pb)");
            return 2;
        }
        if (!Directory.Exists(args[0]))
        {
            error.WriteLine($"There is no folder {args[0]}.");
            return 2;
        }
        string[] folders = NodeCase.Folders(args[0]);
        if (folders.Length == 0)
        {
            error.WriteLine($"The folder {args[0]} has no case: a folder with a model.onnx.");
            return 2;
        }
        var tally = new Tally(output);
        foreach (string folder in folders)
        {
            (Outcome outcome, string finding) = NodeCase.Run(folder);
            tally.Add(Path.GetFileName(folder), outcome, finding);
        }
        return tally.Close();
    }
}
