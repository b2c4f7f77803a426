using Vitrine.Render;
using Vitrine.Tests;

namespace Vitrine.Data.Tests;

/// <summary>Preprocessing against torchvision's transforms: Fixtures/preprocess.py makes the goldens.</summary>
public sealed class PreprocessTests
{
    private static readonly IReadOnlyDictionary<string, Tensor> Goldens = SafeTensors.Load(Path.Combine(AppContext.BaseDirectory, "Fixtures",
        "preprocess.safetensors"));

    private static readonly Dictionary<string, Preprocess> Cases = new()
    {
        ["imagenet"] = Preprocess.ImageNet with { Resize = 16, Crop = 11 },
        ["caffe"] = Preprocess.Caffe with { Resize = 16, Crop = 11 },
        ["bicubic"] = new() { Resize = 40, Crop = 12, Interpolation = Resampling.Bicubic },
        ["grey"] = new() { Resize = 16, Order = ChannelOrder.Grey },
        ["plain"] = new(),
    };

    public static TheoryData<string, string> All()
    {
        TheoryData<string, string> all = [];
        foreach (string picture in (string[])["wide", "tall", "clear"])
            foreach (string name in Cases.Keys)
                all.Add(picture, name);
        return all;
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Equals_torchvision_to_the_last_bit(string picture, string name)
    {
        Tensor expected = Goldens[$"{picture}.{name}"];
        Tensor actual = Cases[name].Apply(Read(picture));
        Assert.Equal([1, .. expected.Shape.Dims], actual.Shape.Dims.ToArray());
        Assert.Equal(expected.ToArray(), actual.ToArray());
    }

    [Fact]
    public void A_batch_is_its_pictures_one_after_another()
    {
        Preprocess p = Cases["imagenet"];
        Assert.Equal([.. p.Apply(Read("wide")).ToArray(), .. p.Apply(Read("tall")).ToArray()], p.Apply([Read("wide"), Read("tall")]).ToArray());
        Assert.Contains("--batch 1", Assert.Throws<DataException>(() => new Preprocess().Apply([Read("wide"), Read("tall")])).Message);
        Assert.Contains("smaller than the crop", Assert.Throws<DataException>(() => new Preprocess { Crop = 30 }.Apply(Read("wide"))).Message);
    }

    [Fact]
    public void Transparent_pixels_show_the_background_or_their_own_colour()
    {
        Picture clear = new(1, 1, 4, [200, 100, 0, 0]);
        Assert.Equal([200 / 255f, 100 / 255f, 0], new Preprocess().Apply(clear).ToArray());
        Assert.Equal([1, 1, 1], new Preprocess { Background = Rgb.White }.Apply(clear).ToArray());
    }

    [Fact]
    public void Json_goes_round()
    {
        foreach (Preprocess p in (Preprocess[])[.. Preprocess.BuiltIn.Values, .. Cases.Values, new() { Background = new(1, 2, 254), Deviation = [3, 2, 1] }])
            Assert.Equal(p, Preprocess.Parse(p.ToJson()));
        Assert.NotEqual(Preprocess.ImageNet, Preprocess.Caffe);
        Assert.Same(Preprocess.Caffe, Preprocess.Find("caffe"));
        using TempFolder folder = new();
        string file = folder.Write("own.json", System.Text.Encoding.UTF8.GetBytes(Preprocess.Cifar.ToJson()));
        Assert.Equal(Preprocess.Cifar, Preprocess.Find(file));
    }

    [Theory]
    [InlineData("{", "no JSON")]
    [InlineData("[]", "JSON object")]
    [InlineData("""{"size": 3}""", "has no 'size'")]
    [InlineData("""{"resize": 2.5}""", "resize is 2.5")]
    [InlineData("""{"resize": 0}""", "resize is 0")]
    [InlineData("""{"resize": 100, "crop": 120}""", "crop is 120")]
    [InlineData("""{"channels": "rbg"}""", "one of rgb, bgr, grey")]
    [InlineData("""{"interpolation": 3}""", "bilinear")]
    [InlineData("""{"range": 2}""", "1 or 255")]
    [InlineData("""{"mean": [1, 2]}""", "3 finite numbers")]
    [InlineData("""{"std": [1, 0, 1]}""", "above 0")]
    [InlineData("""{"mean": ["a", 0, 1]}""", "a number or a list")]
    [InlineData("""{"channels": "grey", "mean": [1, 2, 3]}""", "1 finite numbers")]
    [InlineData("""{"background": "white"}""", "#ffffff")]
    public void What_is_wrong_in_the_JSON_is_named(string json, string said) =>
        Assert.Contains(said, Assert.Throws<DataException>(() => Preprocess.Parse(json)).Message);

    [Fact]
    public void Damaged_JSON_is_survived() => Mutations.Survive<DataException>(
        [.. Preprocess.BuiltIn.Values.Select(p => System.Text.Encoding.UTF8.GetBytes(p.ToJson()))],
        json => Preprocess.Parse(System.Text.Encoding.UTF8.GetString(json)), 64);

    [Fact]
    public void An_unknown_name_lists_the_known_ones() =>
        Assert.Contains("imagenet, caffe, cifar", Assert.Throws<DataException>(() => Preprocess.Find("image-net")).Message);

    /// <summary>What SqueezeNet read when its published answers were computed: the first tensor of the golden beside them.</summary>
    [Fact]
    public void Caffe_is_what_SqueezeNet_was_asked_with()
    {
        string? root = Environment.GetEnvironmentVariable("VITRINE_DATA");
        string golden = Path.Combine(root ?? "", "..", "conformance", "real", "squeezenet1_1.chihuahua.golden.safetensors");
        Assert.SkipWhen(root is null || !File.Exists(golden), "needs VITRINE_DATA with the conformance files beside it");
        Picture photo = Picture.Load(Path.Combine(root!, "photos", "n02085620_Chihuahua.JPEG"));
        Assert.Equal(SafeTensors.Load(golden)["input"].ToArray(), Preprocess.Caffe.Apply(photo).ToArray());
    }

    private static Picture Read(string name)
    {
        Tensor pixels = Goldens[$"{name}.pixels"];
        return new(pixels.Shape[1], pixels.Shape[0], pixels.Shape[2], [.. pixels.ToArray().Select(v => (byte)v)]);
    }
}
