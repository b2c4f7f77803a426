namespace Vitrine.Conformance;

public class OpCaseTests
{
    /// <summary>How many cases there are: one that gets lost must not go unnoticed.</summary>
    private const int ExpectedCases = 185;

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "cases", "ops");

    public static TheoryData<string> Cases() => [.. Files().Select(f => Path.GetFileNameWithoutExtension(f))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void AgreesWithPyTorch(string name)
    {
        (OpRunner.Outcome outcome, IReadOnlyList<string> findings) = OpRunner.Run(Path.Combine(Folder, name + ".safetensors"));
        Assert.SkipWhen(outcome == OpRunner.Outcome.Skipped, string.Join("; ", findings));
        Assert.True(outcome == OpRunner.Outcome.Passed, string.Join(Environment.NewLine, findings));
    }

    [Fact]
    public void AllCasesAreThere() => Assert.Equal(ExpectedCases, Files().Length);

    [Fact]
    public void EveryFileOnTheListOfSkippedOnesExists() => Assert.Equal(Skipped.Count, Files().Count(f => Skipped.Reason(f) is not null));

    [Fact]
    public void AMalformedCaseFailsAndDoesNotCrash()
    {
        string folder = Directory.CreateTempSubdirectory("vitrine-conformance").FullName;
        try
        {
            File.WriteAllBytes(Path.Combine(folder, "abs__empty.safetensors"), []);
            File.WriteAllBytes(Path.Combine(folder, "abs__truncated.safetensors"), File.ReadAllBytes(Path.Combine(Folder, "abs__basic.safetensors"))[..400]);
            Save("abs__noout", "abs", "{}", """["x"]""", ["in.x"]);
            Save("abs__noinput", "abs", "{}", """["y"]""", ["in.x", "out.0"]);
            Save("abs__attrs", "abs", "[1", """["x"]""", ["in.x", "out.0"]);
            Save("abs__unread", "abs", """{"mystery": 1}""", """["x"]""", ["in.x", "out.0"]);
            Save("unheard_of__basic", "unheard_of", "{}", """["x"]""", ["in.x", "out.0"]);
            Save("abs__shape", "abs", "{}", """["x"]""", ["in.x", "out.0", "gout.0:7"]);
            Save("abs__fine", "abs", "{}", """["x"]""", ["in.x", "out.0"]);
            using var output = new StringWriter();
            Assert.Equal(1, OpsCommand.Run([folder], output, TextWriter.Null));
            Assert.EndsWith($"1 passed, 8 failed, 0 skipped{Environment.NewLine}", output.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        void Save(string name, string op, string attrs, string inputs, string[] tensors) => SafeTensors.Save(
            Path.Combine(folder, name + ".safetensors"),
            tensors.ToDictionary(t => t.Split(':')[0], t => Tensor.Ones([t.Contains(':') ? 7 : 3])),
            new Dictionary<string, string>(StringComparer.Ordinal) { ["op"] = op, ["attrs"] = attrs, ["inputs"] = inputs });
    }

    [Fact]
    public void BadUsageIsTold()
    {
        using var error = new StringWriter();
        Assert.Equal(2, OpsCommand.Run([], TextWriter.Null, error));
        Assert.Contains("usage", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, OpsCommand.Run([Path.Combine(Folder, "nowhere")], TextWriter.Null, error));
        Assert.Contains("no folder", error.ToString(), StringComparison.Ordinal);
    }

    private static string[] Files() => [.. Directory.EnumerateFiles(Folder, "*.safetensors").Order(StringComparer.Ordinal)];
}
