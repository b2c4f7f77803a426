using System.Text.Json;

namespace Vitrine.Cli.Tests;

/// <summary><c>attention</c> from the command line.</summary>
public sealed class AttentionCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vitrine-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Captions_are_learned_measured_and_the_file_looked_into()
    {
        Ran ran = Command.Run("attention", "--task", "captions", "--steps", "2", "--out", _folder, "--json");
        Assert.Equal(0, ran.Exit);
        Assert.Contains("2 of 2 steps", ran.Error);
        using var json = JsonDocument.Parse(ran.Output);
        Assert.Equal(500, json.RootElement.GetProperty("scenes").GetInt32());
        Assert.InRange(json.RootElement.GetProperty("all").GetProperty("even").GetDouble(), 0.03, 0.05);
        Assert.True(File.Exists(Path.Combine(_folder, "index.html")));

        ran = Command.Run("attention", Path.Combine(_folder, "captioner.onnx"), Path.Combine(_folder, "scene.png"),
            "--preprocess", Path.Combine(_folder, "preprocess.json"), "--vocabulary", Path.Combine(_folder, "words.txt"));
        Assert.Equal(0, ran.Exit);
        Assert.Contains("/attention.attention#9/Softmax: 1 x 64", ran.Output);
    }

    [Theory]
    [InlineData("poems", "attention", "--task", "poems")]
    [InlineData("--steps", "attention", "--task", "captions", "--steps", "0")]
    public void What_is_not_understood_is_said(string said, params string[] arguments)
    {
        Ran ran = Command.Run(arguments);
        Assert.Equal(2, ran.Exit);
        Assert.Contains(said, ran.Error);
    }
}
