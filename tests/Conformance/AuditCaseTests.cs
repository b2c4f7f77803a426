namespace Vitrine.Conformance;

public class AuditCaseTests
{
    private static string Folder => Path.Combine(AppContext.BaseDirectory, "cases", "audits");

    [Fact]
    public void EveryMetricAgreesWithTheEstablishedImplementation()
    {
        using var output = new StringWriter();
        Assert.Equal(0, AuditsCommand.Run([Folder], output, TextWriter.Null));
        Assert.Equal($"62 passed, 0 failed, 0 skipped{Environment.NewLine}", output.ToString());
    }

    [Fact]
    public void WrongValuesAndDamagedFilesFail()
    {
        string folder = Directory.CreateTempSubdirectory("vitrine-audits").FullName;
        try
        {
            File.Copy(Path.Combine(Folder, "lenet.safetensors"), Path.Combine(folder, "lenet.safetensors"));
            File.WriteAllText(Path.Combine(folder, "lenet.json"), """
                {"net": "lenet", "metrics": {"gradient": {"pointing_game": [true, true], "sparseness_gini": [0.45, 0.4738], "unheard_of": [1, 2],
                "top_k_intersection(k=30, abs)": [0.3], "pixel_flipping(28 pixels a step, baseline = minimum of the input, softmax of class 1)": [[0.1], [0.1]]}}}
                """);
            File.WriteAllText(Path.Combine(folder, "torn.json"), "{");
            using var output = new StringWriter();
            Assert.Equal(1, AuditsCommand.Run([folder], output, TextWriter.Null));
            Assert.EndsWith($"0 passed, 5 failed, 1 skipped{Environment.NewLine}", output.ToString(), StringComparison.Ordinal);
            Assert.Contains("there is no lenet.onnx", output.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void BadUsageIsTold()
    {
        using var error = new StringWriter();
        Assert.Equal(2, AuditsCommand.Run([], TextWriter.Null, error));
        Assert.Contains("usage", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, AuditsCommand.Run([Path.Combine(Folder, "nowhere")], TextWriter.Null, error));
        Assert.Contains("no folder", error.ToString(), StringComparison.Ordinal);
    }
}
