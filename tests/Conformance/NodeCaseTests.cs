namespace Vitrine.Conformance;

public class NodeCaseTests
{
    /// <summary>How many cases there are: one that gets lost must not go unnoticed.</summary>
    private const int ExpectedCases = 625;

    /// <summary>What share of the cases must be run.</summary>
    private const double LeastShare = 0.95;

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "cases", "onnx-node");

    [Fact]
    public void TheOperatorsAgreeWithTheFormatsOwnTests()
    {
        using var output = new StringWriter();
        int failed = NodeCommand.Run([Folder], output, TextWriter.Null);
        IEnumerable<string> findings = output.ToString().Split('\n').Where(l => !l.StartsWith("skipped", StringComparison.Ordinal));
        Assert.True(failed == 0, string.Join(Environment.NewLine, findings));
    }

    [Fact]
    public void AllCasesAreThereAndFewAreDeclined()
    {
        string[] names = [.. NodeCase.Folders(Folder).Select(f => Path.GetFileName(f)!)];
        Assert.Equal(ExpectedCases, names.Length);
        Assert.Empty(NodeSkipped.Names.Except(names));
        Assert.True(names.Length - NodeSkipped.Names.Count >= LeastShare * names.Length);
    }

    [Fact]
    public void ACaseThatIsWrongFailsAndDoesNotCrash()
    {
        string folder = Directory.CreateTempSubdirectory("vitrine-node").FullName;
        try
        {
            Copy("test_abs", "test_abs"); // fine
            Copy("test_neg", "test_other");
            // another operator's answers
            File.Copy(Path.Combine(Folder, "test_abs", "model.onnx"), Path.Combine(folder, "test_other", "model.onnx"), overwrite: true);
            Copy("test_exp", "test_truncated");
            File.WriteAllBytes(Path.Combine(folder, "test_truncated", "model.onnx"), File.ReadAllBytes(Path.Combine(Folder, "test_exp", "model.onnx"))[..50]);
            Copy("test_exp", "test_empty");
            File.Delete(Path.Combine(folder, "test_empty", "test_data_set_0", "output_0.pb"));
            using var output = new StringWriter();
            Assert.Equal(1, NodeCommand.Run([folder], output, TextWriter.Null));
            Assert.EndsWith($"1 passed, 3 failed, 0 skipped{Environment.NewLine}", output.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        void Copy(string from, string to)
        {
            Directory.CreateDirectory(Path.Combine(folder, to, "test_data_set_0"));
            foreach (string file in Directory.EnumerateFiles(Path.Combine(Folder, from), "*", SearchOption.AllDirectories))
            {
                File.Copy(file, Path.Combine(folder, to, Path.GetRelativePath(Path.Combine(Folder, from), file)));
            }
        }
    }

    [Fact]
    public void BadUsageIsTold()
    {
        using var error = new StringWriter();
        Assert.Equal(2, NodeCommand.Run([], TextWriter.Null, error));
        Assert.Contains("usage", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, NodeCommand.Run([Path.Combine(Folder, "nowhere")], TextWriter.Null, error));
        Assert.Contains("no folder", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, NodeCommand.Run([AppContext.BaseDirectory], TextWriter.Null, error));
        Assert.Contains("has no case", error.ToString(), StringComparison.Ordinal);
    }
}
