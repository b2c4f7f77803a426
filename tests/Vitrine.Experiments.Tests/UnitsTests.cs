using Vitrine.Data;
using Vitrine.Models;
using Vitrine.Onnx;
using Vitrine.Render;

namespace Vitrine.Experiments.Tests;

/// <summary>From a file and a data set to pages about units.</summary>
public sealed class UnitsTests
{
    [Fact]
    public void EveryLayerGetsAPageAndEveryUnitItsExamples()
    {
        using var folder = new TempFolder();
        UnitsOptions options = LeNet(folder) with { Invariance = true, Checkpoints = [Saved(folder, "early", 5)] };
        UnitsResult result = UnitAtlas.Run(options);
        Assert.Equal(["conv1", "conv2", "fc1", "fc2", "fc3"], result.Layers.Select(l => l.Layer));
        Assert.Equal([6, 16, 120, 84, 10], result.Layers.Select(l => l.Units.Count));
        Assert.Equal([5, 5], result.Layers[0].Field!);
        Assert.Equal([14, 14], result.Layers[1].Field!);
        foreach (UnitLayer layer in result.Layers)
        {
            string page = File.ReadAllText(Path.Combine(options.Output, layer.Page));
            Assert.Contains("guided backpropagation", page, StringComparison.Ordinal);
            Assert.Contains("unit 0: ", page, StringComparison.Ordinal);
            Assert.Contains(layer.Page, File.ReadAllText(Path.Combine(options.Output, "index.html")), StringComparison.Ordinal);
            Assert.All(layer.Units, u => Assert.Equal(4, u.Top.Count));
            Assert.All(layer.Units, u => Assert.Equal(u.Top.Select(t => t.Value).OrderDescending(), u.Top.Select(t => t.Value)));
            Assert.All(layer.Units.SelectMany(u => u.Top), t => Assert.Equal($"digits {t.Example}", t.Name));
        }
        Assert.Contains("Turned", File.ReadAllText(Path.Combine(options.Output, "invariance.html")), StringComparison.Ordinal);
        Assert.Contains("early", File.ReadAllText(Path.Combine(options.Output, "evolution.html")), StringComparison.Ordinal);
        Assert.Equal(result.ToJson(indented: true) + "\n", File.ReadAllText(Path.Combine(options.Output, "units.json")));
    }

    [Fact]
    public void AnInterruptedSearchGoesOnToTheSameBytes()
    {
        using var folder = new TempFolder();
        UnitsOptions options = LeNet(folder) with { Batch = 8, Units = 1 };
        UnitAtlas.Run(options);
        byte[] whole = File.ReadAllBytes(Path.Combine(options.Output, "search.safetensors"));
        using var stop = new CancellationTokenSource();
        UnitsOptions again = options with { Output = folder.File("again"), Resume = true };
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => UnitAtlas.Run(again, cancel: stop.Token));
        Assert.True(File.Exists(Path.Combine(again.Output, "search.safetensors")));
        UnitAtlas.Run(again);
        Assert.Equal(whole, File.ReadAllBytes(Path.Combine(again.Output, "search.safetensors")));
        Assert.Contains("another search", Assert.Throws<DataException>(() => UnitAtlas.Run(again with { Top = 3 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ANetworkFromAFileLooksAtAFolderOfPictures()
    {
        using var folder = new TempFolder();
        Weights weights = Weights.Random(2);
        var net = new Sequential(weights, new Conv2d(weights.In("first"), 3, 4, 3, stride: 2), Layer.Relu(weights.In("relu")),
            new Conv2d(weights.In("second"), 4, 3, 3),
            new Flatten(weights.In("flat")), new Linear(weights.In("dense"), 3 * 5 * 5, 2));
        string model = folder.File("net.onnx");
        OnnxExport.Save(net, Tensor.Zeros([1, 3, 16, 16]), model);
        Directory.CreateDirectory(folder.File("pictures"));
        for (int i = 0; i < 5; i++) Picture.Of(Shapes.Generate(5, 1, 3, 16).Data.Train.Inputs, example: i).Save(folder.File($"pictures/{i}.png"));
        var options = new UnitsOptions
        {
            Model = model,
            Data = folder.File("pictures"),
            Layers = ["first", "/dense/Gemm"], // the last value of a file is called output, its node after the layer
            Preprocess = "cifar",
            Output =
            folder.File("out"),
            Top = 2
        };
        UnitsResult result = UnitAtlas.Run(options);
        Assert.Equal([4, 2], result.Layers.Select(l => l.Units.Count));
        Assert.All(result.Layers[0].Units.SelectMany(u => u.Top), t =>
            Assert.True(t.Field![2] - t.Field[0] == 3 && t.Name.EndsWith(".png", StringComparison.Ordinal)));
        Assert.All(result.Layers[1].Units.SelectMany(u => u.Top), t => Assert.Equal([0, 0, 15, 15], t.Field!)); // a stride of two leaves the last row out
        Assert.Contains("second", Assert.Throws<DataException>(() => UnitAtlas.Run(options with { Layers = ["third"] })).Message, StringComparison.Ordinal);
        Assert.Throws<DataException>(() => UnitAtlas.Run(options with { Invariance = true })); // the pictures have no classes
    }

    private static UnitsOptions LeNet(TempFolder folder) => new()
    {
        Model = Saved(folder, "lenet", 1),
        Data = "digits",
        Examples = 30,
        Units = 2,
        Top = 4,
        Output = folder.File("out"),
    };

    private static string Saved(TempFolder folder, string name, ulong seed)
    {
        string path = folder.File($"{name}.safetensors");
        new LeNet5(Weights.Random(seed)).Save(path);
        return path;
    }
}
