using System.Text.Json;

namespace Vitrine.Cli.Tests;

/// <summary><c>maximise</c> on a network of tests/Conformance.</summary>
public sealed class MaximiseCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vitrine-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Maximise_writes_a_page_and_prints_what_was_reached()
    {
        string net = Path.Combine(AppContext.BaseDirectory, "nets", "lenet.onnx"), pages = Path.Combine(_folder, "pages");
        string[] asked = ["maximise", net, "--layer", "/conv1/Conv", "--units", "0,2-3", "--steps", "8", "--data", "digits", "--examples", "20",
            "--out", pages];
        Ran ran = Command.Run(asked);
        Assert.True(ran.Exit == 0, ran.Error);
        Assert.Contains("of 3 reach at least twice the best real example", ran.Output);
        Assert.True(File.Exists(Path.Combine(pages, "index.html")));
        Assert.True(File.Exists(Path.Combine(pages, "unit-3.png")));

        Ran again = Command.Run([.. asked, "--resume", "--json"]);
        using var json = JsonDocument.Parse(again.Output);
        JsonElement pictures = json.RootElement.GetProperty("pictures");
        Assert.Equal([0, 2, 3], pictures.EnumerateArray().Select(p => p.GetProperty("unit").GetInt32()));
        Assert.All(pictures.EnumerateArray(), p => Assert.True(p.GetProperty("reached").GetDouble() > p.GetProperty("start").GetDouble(), $"{p}"));
        Assert.DoesNotContain("step", again.Error); // resumed: nothing is made twice
    }

    [Fact]
    public void A_direction_and_a_caricature_are_made()
    {
        string net = Path.Combine(AppContext.BaseDirectory, "nets", "lenet.onnx"), direction = Path.Combine(_folder, "direction.csv");
        File.WriteAllText(direction, "1,0,-1,0,0.5,0");
        Ran along = Command.Run("maximise", net, "--layer", "/conv1/Conv", "--objective", "direction", "--direction", direction, "--steps", "8", "--out",
            Path.Combine(_folder, "along"));
        Assert.True(along.Exit == 0, along.Error);
        Assert.Contains("the direction in direction.csv", along.Output);
        Ran wrong = Command.Run("maximise", net, "--layer", "/conv2/Conv", "--direction", direction, "--out", _folder);
        Assert.Equal(1, wrong.Exit);
        Assert.Contains("6 numbers", wrong.Error);

        string made = Path.Combine(_folder, "along", "the-direction-in-direction-csv.png");
        Ran caricature = Command.Run("maximise", net, "--layer", "/conv2/Conv", "--caricature", made, "--steps", "8", "--out", Path.Combine(_folder, "more"));
        Assert.True(caricature.Exit == 0, caricature.Error);
        Assert.Contains("The cosine of its activations", caricature.Output);
    }

    [Fact]
    public void What_is_wrong_is_said()
    {
        string net = Path.Combine(AppContext.BaseDirectory, "nets", "lenet.onnx");
        Ran layer = Command.Run("maximise", net, "--layer", "conv9", "--out", _folder);
        Assert.Equal(1, layer.Exit);
        Assert.Contains("conv9", layer.Error);
        Assert.Contains("/conv1/Conv", layer.Error);
        Assert.Equal(2, Command.Run("maximise", net, "--layer", "/conv1/Conv", "--steps", "0").Exit);
        Assert.Equal(2, Command.Run("maximise", net, "--layer", "/conv1/Conv", "--objective", "beauty").Exit);
    }
}
