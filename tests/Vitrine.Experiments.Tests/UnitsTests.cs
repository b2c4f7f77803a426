using Vitrine.Data;
using Vitrine.Insight;
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

    [Fact]
    public void UnitsAreComparedWithTheShapesTheySee()
    {
        using var folder = new TempFolder();
        UnitsOptions options = ForShapes(folder) with { Dissect = true };
        UnitsResult result = UnitAtlas.Run(options);
        string[] layers = ["/first/Conv", "/second/Conv"];
        Assert.Equal(layers, result.Dissection!.Select(l => l.Layer)); // the dense layer has no places
        MaskedSplit shapes = Shapes.Generate(24, 8, 1);
        long[] concepts = [.. shapes.TrainMasks.Bools.ToArray().Select((on, i) => on ? shapes.Data.Train.Labels.Longs[i / (32 * 32)] : -1)];
        var network = OpenedNetwork.Open(options.Model, options.Preprocess);
        Tensor inputs = ExampleSet.Load(network, "shapes", train: true, most: 24).Batch(0, 24);
        IReadOnlyList<DissectedLayer> wanted = Dissection.Of(network.Module, inputs, Tensor.From(concepts, [24, 32, 32]), 8, layers, seed: 1);
        foreach ((LayerDissection found, DissectedLayer layer) in result.Dissection!.Zip(wanted))
        {
            Assert.Equal(layer.Agreement.Count, found.Units.Count);
            Assert.All(found.Units, u => Assert.Equal(layer.Agreement[u.Unit].Max(), u.Iou, 1e-5));
            Assert.All(found.Units, u => Assert.Equal(layer.Chance[u.Unit].Max(), u.Chance, 1e-5));
            Assert.All(found.Units, u => Assert.Equal(Shapes.Names[layer.Best(u.Unit)], u.Concept));
            Assert.Equal(layer.Detectors().Count, found.Detectors);
            Assert.NotEqual(found.Units.Select(u => u.Iou), found.ShuffledUnits.Select(u => u.Iou));
        }
        string page = File.ReadAllText(Path.Combine(options.Output, "dissection.html"));
        foreach (string said in new[] { "by chance", "with shuffled weights", "Detectors of each concept" })
            Assert.Contains(said, page, StringComparison.Ordinal);
        Assert.Contains("dissection.html", File.ReadAllText(Path.Combine(options.Output, "index.html")), StringComparison.Ordinal);

        // The same pictures and masks as files give the same numbers.
        Directory.CreateDirectory(folder.File("pictures"));
        for (int i = 0; i < 24; i++)
        {
            string name = $"{i:00}.png", concept = folder.File(
                $"masks/{shapes.Data.Train.Labels.Longs[i]}-{Shapes.Names[(int)shapes.Data.Train.Labels.Longs[i]]}");
            Directory.CreateDirectory(concept);
            Picture.Of(shapes.Data.Train.Inputs, example: i).Save(folder.File($"pictures/{name}"));
            Picture.Of(shapes.TrainMasks.Cast(DType.Float32), example: i).Save(Path.Combine(concept, name));
        }
        UnitsOptions files = options with { Data = folder.File("pictures"), Masks = folder.File("masks"), Examples = null, Output = folder.File("files") };
        Assert.Equal(result.Dissection!.Select(Numbers), UnitAtlas.Run(files).Dissection!.Select(Numbers));

        static string Numbers(LayerDissection layer) => string.Join("; ", layer.Units.Select(u => $"{u.Iou} {u.Chance} {u.Threshold}"));
    }

    [Fact]
    public void PartsAreHiddenWhereTheyAre()
    {
        using var folder = new TempFolder();
        UnitsOptions options = ForShapes(folder) with { Layers = ["first", "second"], Parts = [NamedPart.Parse("middle=0.25,0.5,0.25,0.5")] };
        PartCorrespondence[] found = [.. UnitAtlas.Run(options).Correspondence!];
        Assert.Equal(["first", "second"], found.Select(f => f.Layer));
        var network = OpenedNetwork.Open(options.Model, options.Preprocess);
        ExampleSet examples = ExampleSet.Load(network, "shapes", train: true, most: 24);
        Tensor inputs = TensorOps.Concat(0, [.. Enumerable.Range(0, 12).Select(i => examples.Batch(2 * i, 1))]);
        (Tensor low, Tensor high) = network.Range;
        PicturePart[] places = [.. Enumerable.Repeat(new PicturePart(8, 16, 8, 16), 12)];
        IReadOnlyList<PartConsistency> wanted =
            Correspondence.Of(network.Module, inputs, places, options.Layers!, ((low + high) * 0.5f).ToArray());
        Assert.Equal(wanted.Select(w => Math.Round(w.Mean, 5)), found.Select(f => f.Distance));
        // At one place for all pictures the same elements change, whatever is there; anywhere in each, others do.
        Assert.All(found, f => Assert.True(f.OnePlace < f.Random, $"{f}"));
        Assert.Contains("middle", File.ReadAllText(Path.Combine(options.Output, "correspondence.html")), StringComparison.Ordinal);
        IReadOnlyList<PartCorrespondence> boxes =
            UnitAtlas.Run(options with { Parts = [], Correspondence = true, Output = folder.File("boxes") }).Correspondence!;
        Assert.Equal(Shapes.Names, boxes.Where(b => b.Layer == "first").Select(b => b.Part));
        Assert.All(boxes, b => Assert.Equal(3, b.Pictures)); // of 24 scenes with 8 shapes
    }

    [Fact]
    public void WhatCannotBeDissectedIsSaid()
    {
        using var folder = new TempFolder();
        UnitsOptions shapes = ForShapes(folder) with { Dissect = true };
        Says("Nobody says where things are in the examples of digits", LeNet(folder) with { Dissect = true });
        Says("Nobody says where things are in the examples of digits", LeNet(folder) with { Correspondence = true });
        Says("there is one picture", shapes with { Examples = 1 });
        Says("are no files", shapes with { Masks = folder.Path });
        Says("None of the layers has feature maps", shapes with { Layers = ["/dense/Gemm"] });
        Directory.CreateDirectory(folder.File("pictures"));
        for (int i = 0; i < 2; i++) Picture.Of(Shapes.Generate(8, 8).Data.Train.Inputs, example: i).Save(folder.File($"pictures/{i}.png"));
        UnitsOptions files = shapes with { Data = folder.File("pictures") };
        Says("Nobody says where things are in the examples of pictures", files);
        Says("There is no folder", files with { Masks = folder.File("nowhere") });
        Says("has no folders in it", files with { Masks = folder.File("pictures") });
        Directory.CreateDirectory(folder.File("masks/circle"));
        Says("has no mask of any picture", files with { Masks = folder.File("masks") });
        Picture.Filled(8, 8, Rgb.White).Save(folder.File("masks/circle/0.png"));
        Says("is 8 x 8; its picture is 32 x 32", files with { Masks = folder.File("masks") });
        foreach (string part in new[] { "eye", "eye=1,2,3", "=0,0,1,1", "eye=0.5,0,0.6,1", "eye=0,0,0,1", "eye=a,0,1,1" })
            Assert.Contains("is no part of a picture", Assert.Throws<DataException>(() => NamedPart.Parse(part)).Message, StringComparison.Ordinal);

        static void Says(string words, UnitsOptions options) =>
            Assert.Contains(words, Assert.Throws<DataException>(() => UnitAtlas.Run(options)).Message, StringComparison.Ordinal);
    }

    // Two convolutions and a dense layer with random weights, for scenes of 32 x 32.
    private static UnitsOptions ForShapes(TempFolder folder)
    {
        string model = folder.File("shapes.onnx");
        Weights weights = Weights.Random(2);
        var net = new Sequential(weights, new Conv2d(weights.In("first"), 3, 4, 3, padding: 1), Layer.Relu(weights.In("relu")),
            Layer.MaxPool2d(weights.In("pool"), 2), new Conv2d(weights.In("second"), 4, 6, 3, padding: 1),
            new Flatten(weights.In("flat")), new Linear(weights.In("dense"), 6 * 16 * 16, 8));
        OnnxExport.Save(net, Tensor.Zeros([1, 3, 32, 32]), model);
        return new UnitsOptions
        {
            Model = model,
            Data = "shapes",
            Examples = 24,
            Preprocess = "cifar",
            Units = 1,
            Top = 4,
            Output = folder.File("out"),
        };
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
