using System.Text.Json;

namespace Vitrine.Cli.Tests;

/// <summary><c>units</c> on a network of tests/Conformance.</summary>
public sealed class UnitsCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vitrine-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Units_writes_pages_and_prints_what_units_see()
    {
        string net = Path.Combine(AppContext.BaseDirectory, "nets", "lenet.onnx"), pages = Path.Combine(_folder, "pages");
        Ran ran = Command.Run("units", net, "--data", "digits", "--examples", "20", "--units", "1", "--top", "4", "--layer", "/conv1/Conv,/fc1/Gemm", "--out",
            pages);
        Assert.Equal(0, ran.Exit);
        Assert.Contains("/conv1/Conv: 6 units, each sees 5 x 5", ran.Output);
        Assert.Contains("/fc1/Gemm: 120 units, each sees 28 x 28", ran.Output);
        Assert.True(File.Exists(Path.Combine(pages, "index.html")));

        Ran again = Command.Run("units", net, "--data", "digits", "--examples", "20", "--units", "1", "--top", "4", "--layer", "/conv1/Conv,/fc1/Gemm",
            "--out", pages, "--resume", "--json");
        using var json = JsonDocument.Parse(again.Output);
        Assert.Equal(20, json.RootElement.GetProperty("examples").GetInt32());
        Assert.Equal(4, json.RootElement.GetProperty("layers")[0].GetProperty("units")[5].GetProperty("top").GetArrayLength());
    }

    [Fact]
    public void Units_are_dissected_and_parts_hidden()
    {
        string net = Path.Combine(AppContext.BaseDirectory, "nets", "resnet_mini.onnx"), pages = Path.Combine(_folder, "pages");
        string[] asked = ["units", net, "--data", "shapes", "--examples", "16", "--units", "1", "--top", "2", "--preprocess", "cifar", "--layer", "/stem/Conv",
            "--dissect",
            "--part", "middle=0.2,0.2,0.5,0.5", "--part", "corner=0,0,0.3,0.3", "--out", pages];
        Ran ran = Command.Run(asked);
        Assert.True(ran.Exit == 0, ran.Error);
        Assert.Contains("units detect a concept (", ran.Output);
        Assert.Contains("corner hidden in 12 pictures", ran.Output);
        Assert.True(File.Exists(Path.Combine(pages, "dissection.html")) && File.Exists(Path.Combine(pages, "correspondence.html")));
        using var json = JsonDocument.Parse(Command.Run([.. asked, "--json"]).Output);
        Assert.True(json.RootElement.GetProperty("dissection")[0].GetProperty("units")[0].GetProperty("iou").GetDouble() >= 0);
        Assert.Equal("middle", json.RootElement.GetProperty("correspondence")[0].GetProperty("part").GetString());
    }

    [Fact]
    public void What_is_wrong_is_said()
    {
        string net = Path.Combine(AppContext.BaseDirectory, "nets", "lenet.onnx");
        Ran layer = Command.Run("units", net, "--data", "digits", "--examples", "5", "--layer", "conv9", "--out", _folder);
        Assert.Equal(1, layer.Exit);
        Assert.Contains("conv9", layer.Error);
        Assert.Contains("/conv1/Conv", layer.Error);
        Assert.Contains("Nobody says where things are", Command.Run("units", net, "--data", "digits", "--examples", "5", "--dissect", "--out", _folder).Error);
        Assert.Contains("is no part of a picture", Command.Run("units", net, "--data", "digits", "--part", "eye", "--out", _folder).Error);
        Assert.Equal(2, Command.Run("units", net).Exit);
        Assert.Equal(2, Command.Run("units", net, "--data", "digits", "--top", "0").Exit);
    }
}
