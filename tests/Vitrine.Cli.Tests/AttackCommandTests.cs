using System.Text.Json;

namespace Vitrine.Cli.Tests;

/// <summary><c>attack</c> from the command line.</summary>
public sealed class AttackCommandTests : IDisposable
{
    private static readonly string Nets = Path.Combine(AppContext.BaseDirectory, "nets");

    private readonly string _folder = Directory.CreateTempSubdirectory("vitrine-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Attack_prints_measures_or_json()
    {
        string[] question = ["attack", Path.Combine(Nets, "lenet.onnx"), "--data", "digits", "--examples", "8", "--attack", "fgsm", "--epsilon", "0.1,0.2"];
        Ran ran = Command.Run([.. question, "--out", _folder]);
        Assert.Equal(0, ran.Exit);
        Assert.Contains("named rightly, unharmed", ran.Output);
        Assert.Contains("sign-noise", ran.Output);
        Assert.Contains("Report: ", ran.Output);
        Assert.True(File.Exists(Path.Combine(_folder, "index.html")));
        using var json = JsonDocument.Parse(Command.Run([.. question, "--json"]).Output);
        Assert.Equal([0.1, 0.2], json.RootElement.GetProperty("scores").EnumerateArray().Take(2).Select(
            s => Math.Round(s.GetProperty("epsilon").GetDouble(), 5)));
    }

    [Theory]
    [InlineData("Name a MODEL", "attack")]
    [InlineData("--epsilon has 'much'", "attack", "net.onnx", "--data", "digits", "--epsilon", "much")]
    [InlineData("--epsilon has '0'", "attack", "net.onnx", "--data", "digits", "--epsilon", "0.1,0")]
    [InlineData("l3", "attack", "net.onnx", "--data", "digits", "--norm", "l3")]
    [InlineData("cw", "train", "--adversarial", "cw")]
    [InlineData("--epsilon is 2", "train", "--adversarial", "fgsm", "--epsilon", "2")]
    public void What_is_not_understood_is_said(string said, params string[] arguments)
    {
        Ran ran = Command.Run(arguments);
        Assert.Equal(2, ran.Exit);
        Assert.Contains(said, ran.Error);
    }
}
