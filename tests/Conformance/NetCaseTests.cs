namespace Vitrine.Conformance;

public class NetCaseTests
{
    private static string Folder => Path.Combine(AppContext.BaseDirectory, "cases", "nets");

    public static TheoryData<string, string> Cases() =>
        [.. Goldens().SelectMany(g => NetCase.Names(g).Select(n => new TheoryDataRow<string, string>(Path.GetFileName(g), n)))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void AgreesWithTheEstablishedImplementation(string golden, string name)
    {
        (_, Outcome outcome, string finding) = Assert.Single(NetCase.Run(Path.Combine(Folder, golden), [Folder], name));
        Assert.SkipWhen(outcome == Outcome.Skipped, finding);
        Assert.True(outcome == Outcome.Passed, finding);
    }

    [Fact]
    public void AllNetworksAreThere() => Assert.Equal(14, Goldens().Length);

    [Fact]
    public void AGoldenWithoutItsNetworkFailsAndDoesNotCrash()
    {
        string folder = Directory.CreateTempSubdirectory("vitrine-nets").FullName;
        try
        {
            File.Copy(Path.Combine(Folder, "mlp.golden.safetensors"), Path.Combine(folder, "mlp.golden.safetensors"));
            File.WriteAllBytes(Path.Combine(folder, "broken.golden.safetensors"), [1, 2, 3]);
            using var output = new StringWriter();
            Assert.Equal(1, NetsCommand.Run([folder], output, TextWriter.Null));
            Assert.EndsWith($"0 passed, 2 failed, 0 skipped{Environment.NewLine}", output.ToString(), StringComparison.Ordinal);
            using var beside = new StringWriter();
            Assert.Equal(1, NetsCommand.Run([folder, "--models", Folder], beside, TextWriter.Null));
            Assert.DoesNotContain("FAILED mlp", beside.ToString(), StringComparison.Ordinal);
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
        Assert.Equal(2, NetsCommand.Run([], TextWriter.Null, error));
        Assert.Contains("usage", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, NetsCommand.Run([Folder, "--models", Path.Combine(Folder, "nowhere")], TextWriter.Null, error));
        Assert.Contains("no folder", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, NetsCommand.Run([AppContext.BaseDirectory], TextWriter.Null, error));
        Assert.Contains("no .golden.safetensors", error.ToString(), StringComparison.Ordinal);
    }

    private static string[] Goldens() => [.. Directory.EnumerateFiles(Folder, "*.golden.safetensors").Order(StringComparer.Ordinal)];
}
