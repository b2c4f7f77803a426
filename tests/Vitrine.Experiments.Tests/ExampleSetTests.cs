using Vitrine.Data;
using Vitrine.Models;
using Vitrine.Onnx;
using Vitrine.Render;

namespace Vitrine.Experiments.Tests;

/// <summary>Opened networks and the examples they are shown.</summary>
public sealed class ExampleSetTests
{
    [Fact]
    public void Examples_of_a_data_set_are_the_inputs_themselves()
    {
        using TempFolder folder = new();
        OpenedNetwork network = LeNet(folder);
        var set = ExampleSet.Load(network, "digits", most: 20, seed: 3);
        Dataset digits = Digits.Generate(10, 20, 3).Test;
        Assert.Equal(digits.Inputs.ToArray(), set.ToDataset().Inputs.ToArray());
        Assert.Equal(digits.Labels.Longs.ToArray(), Enumerable.Range(0, 20).Select(i => (long)set.Label(i)));
        Assert.Equal(digits.Inputs.ToArray(), set.Batches(7).SelectMany(b => b.ToArray()));
        Assert.Equal(28, set.Picture(4).Width);
    }

    [Fact]
    public void Sub_folders_are_classes_and_damaged_pictures_are_left_out()
    {
        using TempFolder folder = new();
        OpenedNetwork network = LeNet(folder);
        string pictures = Path.Combine(folder.Path, "pictures");
        foreach ((string name, float grey) in new[] { ("seven/a.png", 0.2f), ("nought/b.png", 0.4f), ("seven/c.png", 0.6f) })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(pictures, name))!);
            Picture.Of(Tensor.Full([28, 28], grey)).Save(Path.Combine(pictures, name));
        }
        File.WriteAllText(Path.Combine(pictures, "seven", "broken.png"), "no picture");
        var warnings = new List<string>();
        var set = ExampleSet.Load(network, pictures, warn: warnings.Add);
        Assert.Contains("broken.png", Assert.Single(warnings));
        Assert.Equal(["nought", "seven"], set.Classes);
        Assert.Equal([0, 1, 1], Enumerable.Range(0, 3).Select(set.Label));
        Assert.Equal("nought/b.png", set.Name(0).Replace('\\', '/'));
        Assert.Equal(MathF.Round(0.4f * 255) / 255, set.Batch(0, 1).Floats[0]);
    }

    [Fact]
    public void What_a_preprocessing_did_is_undone_for_people()
    {
        using TempFolder folder = new();
        string file = Path.Combine(folder.Path, "net.onnx");
        Weights weights = Weights.Random(1);
        var net = new Sequential(weights, new Conv2d(weights.In("conv"), 3, 4, 3), new Flatten(weights.In("flatten")),
            new Linear(weights.In("fc"), 4 * 14 * 14, 2));
        OnnxExport.Save(net, Tensor.Zeros([1, 3, 16, 16]), file);
        string json = Path.Combine(folder.Path, "bgr.json");
        File.WriteAllText(json, (Preprocess.Caffe with { Resize = 16, Crop = 16 }).ToJson());
        var network = OpenedNetwork.Open(file, json);
        var random = new RandomSource(5);
        byte[] pixels = [.. Enumerable.Range(0, 16 * 16 * 3).Select(_ => (byte)random.NextInt(256))];
        var picture = new Picture(16, 16, 3, pixels);
        (Tensor input, Picture shown) = network.Read(picture);
        Assert.Equal(pixels, shown.Pixels.ToArray());
        Assert.Equal(pixels, network.Shown(input).Pixels.ToArray());
        (Tensor low, Tensor high) = network.Range;
        Assert.Equal([-104f, -117f, -123f], low.ToArray());
        Assert.Equal([151f, 138f, 132f], high.ToArray());
    }

    [Fact]
    public void Nothing_takes_the_place_of_what_is_missing()
    {
        using TempFolder folder = new();
        OpenedNetwork network = LeNet(folder);
        Assert.Contains("neither a data set nor a folder", Assert.Throws<DataException>(() => ExampleSet.Load(network, "cifar100")).Message);
        Assert.Contains("28 x 28", Assert.Throws<DataException>(() => ExampleSet.Load(network, "shapes", most: 8)).Message);
    }

    private static OpenedNetwork LeNet(TempFolder folder)
    {
        string file = Path.Combine(folder.Path, "lenet.safetensors");
        SafeTensors.Save(file, new LeNet5(Weights.Random(1)).State());
        return OpenedNetwork.Open(file);
    }
}
