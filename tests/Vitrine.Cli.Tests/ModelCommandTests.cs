using System.Text.Json;
using Vitrine.Data;
using Vitrine.Render;

namespace Vitrine.Cli.Tests;

/// <summary><c>open</c>, <c>predict</c> and <c>convert</c> on files of networks and weights. The networks are those of tests/Conformance.</summary>
public sealed class ModelCommandTests : IDisposable
{
    private static readonly string Nets = Path.Combine(AppContext.BaseDirectory, "nets");

    private readonly string _folder = Directory.CreateTempSubdirectory("vitrine-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Open_shows_layers_costs_and_methods()
    {
        Ran ran = Command.Run("open", Net("lenet"));
        Assert.Equal((0, ""), (ran.Exit, ran.Error));
        Assert.Contains("takes input: float [N, 1, 28, 28]", ran.Output);
        Assert.Contains("gives output: float [N, 10]", ran.Output);
        Assert.Contains("can be explained by: gradient", ran.Output);

        // 6 x 28 x 28 outputs of 25 weights, 16 x 10 x 10 of 150, and three matrices.
        using var json = JsonDocument.Parse(Command.Run("open", Net("lenet"), "--json").Output);
        JsonElement root = json.RootElement;
        Assert.Equal(61_706, root.GetProperty("parameters").GetInt64());
        Assert.Equal((6 * 784 * 25) + (16 * 100 * 150) + (400 * 120) + (120 * 84) + (84 * 10), root.GetProperty("multiply_adds").GetInt64());
        Assert.Equal([6, 16], root.GetProperty("layers").EnumerateArray().Where(l => l.GetProperty("type").GetString() == "Conv2d")
            .Select(l => l.GetProperty("shape")[1].GetInt32()));
        Assert.All(root.GetProperty("methods").EnumerateArray().Where(m => m.GetProperty("name").GetString() is "gradient" or "guided backprop"),
            m => Assert.True(m.GetProperty("applies").GetBoolean()));

        Ran text = Command.Run("open", Net("text_cnn"));
        Assert.Equal(0, text.Exit);
        Assert.Contains("the input holds integers", text.Output);
    }

    [Fact]
    public void Open_lists_the_tensors_of_weights()
    {
        NumPyFile("a.npz");
        Ran ran = Command.Run("open", Place("a.npz"));
        Assert.Equal(0, ran.Exit);
        Assert.Matches(@"layer\.weight\s+Float32\s+\[2, 3\]\s+6\n", ran.Output);
        Assert.Contains("2 tensors, 7 elements", ran.Output);
        File.WriteAllText(Place("bad.pt"), "PK\u0003\u0004 and then nothing");
        Fails("damaged zip file", "open", Place("bad.pt"));
        File.WriteAllText(Place("bad.onnx"), "no model");
        Fails("not an ONNX model", "open", Place("bad.onnx"));
        Fails("There is no file", "open", Place("nowhere.onnx"));
        Fails("is a folder", "open", _folder);
    }

    [Fact]
    public void Convert_keeps_every_tensor()
    {
        Assert.Equal(0, Command.Run("convert", Net("lenet"), Place("lenet.npz")).Exit);
        Ran ran = Command.Run("convert", Place("lenet.npz"), Place("lenet.safetensors"));
        Assert.Equal(0, ran.Exit);
        Assert.Contains("10 tensors, 61,706 elements", ran.Output);
        IReadOnlyDictionary<string, Tensor> first = TensorFile.Load(Place("lenet.npz")), second = TensorFile.Load(Place("lenet.safetensors"));
        Assert.Equal(first.Keys, second.Keys);
        foreach ((string name, Tensor tensor) in first) Assert.Equal(tensor.ToArray(), second[name].ToArray());
        Assert.Equal([6, 1, 5, 5], second["conv1.weight"].Shape.Dims.ToArray());
        Fails(".safetensors or .npz", "convert", Place("lenet.npz"), Place("lenet.pt"));
    }

    [Fact]
    public void Predict_answers_what_it_can_and_says_what_it_cannot()
    {
        string pictures = Place("pictures");
        for (int i = 0; i < 3; i++) Gradient(i).Save(Path.Combine(pictures, $"{i}.png"));
        File.WriteAllText(Path.Combine(pictures, "bad.jpg"), "no picture");
        File.WriteAllLines(Place("names.txt"), Enumerable.Range(0, 10).Select(i => $"digit \"{i}\""));

        Ran text = Command.Run("predict", Net("lenet"), pictures, Path.Combine(pictures, "*.gif"), "--labels", Place("names.txt"), "--top", "2");
        Assert.Equal(1, text.Exit);
        Assert.Matches(@"^(.*[012]\.png: digit ""\d"" \d+\.\d %, digit ""\d"" \d+\.\d %\n){3}$", text.Output);
        Assert.Contains("bad.jpg", text.Error);
        Assert.Contains("Nothing matches", text.Error);
        Assert.Contains("No --preprocess was given", text.Error);

        File.WriteAllText(Place("own.json"), (Preprocess.BuiltIn["imagenet"] with
        {
            Order = ChannelOrder.Grey,
            Resize = 28,
            Crop = 28,
            Mean = [0],
            Deviation = [1]
        }).ToJson());
        Ran ran = Command.Run("predict", Net("lenet"), pictures, "--preprocess", Place("own.json"), "--labels", Place("names.txt"), "--json", "--batch", "2");
        Assert.Equal(1, ran.Exit);
        Assert.DoesNotContain("No --preprocess", ran.Error);
        using var json = JsonDocument.Parse(ran.Output);
        JsonElement[] answers = [.. json.RootElement.GetProperty("pictures").EnumerateArray()];
        Assert.Equal(4, answers.Length);
        Assert.Equal(5, answers[0].GetProperty("answers").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, answers[0].GetProperty("error").ValueKind);
        Assert.Contains("no picture that Vitrine knows", answers[3].GetProperty("error").GetString());
        // Grey from 0 to 1 is what was assumed before.
        Assert.Contains($"digit \"{answers[0].GetProperty("answers")[0].GetProperty("class").GetInt32()}\"", text.Output.Split('\n')[0]);

        Ran csv = Command.Run("predict", Net("lenet"), pictures, "--preprocess", Place("own.json"), "--labels", Place("names.txt"), "--csv", "--top", "10");
        string[] lines = csv.Output.TrimEnd('\n').Split('\n');
        Assert.Equal(1 + (3 * 10) + 1, lines.Length);
        Assert.Equal("picture,rank,class,label,score,probability,error", lines[0]);
        Assert.Contains("\"digit \"\"", lines[1]);
        Assert.Equal(1, lines[1..11].Sum(l => double.Parse(l.Split(',')[^2])), 1e-4);
    }

    [Fact]
    public void Predict_refuses_what_does_not_fit()
    {
        Gradient(0).Save(Place("a.png"));
        File.WriteAllText(Place("names.txt"), "one\ntwo\n");
        Fails("2 labels for the network's 10 classes", "predict", Net("lenet"), Place("a.png"), "--labels", Place("names.txt"));
        Fails("imagenet, caffe, cifar", "predict", Net("lenet"), Place("a.png"), "--preprocess", "image-net");
        Fails("reads 1 channels; this preprocessing gives 3", "predict", Net("lenet"), Place("a.png"), "--preprocess", "imagenet");
        Fails("pictures are one tensor", "predict", Net("mlp"), Place("a.png"));
        Fails("--invert", "predict", Net("lenet"), Place("a.png"), "--invert");
        Assert.Equal(2, Command.Run("predict", Net("lenet"), Place("a.png"), "--json", "--csv").Exit);
    }

    private static Picture Gradient(int seed)
    {
        float[,] values = new float[40, 50];
        for (int y = 0; y < 40; y++)
            for (int x = 0; x < 50; x++)
                values[y, x] = ((x * (seed + 1)) + (y * 2)) % 64 / 64f;
        return Picture.FromGrey(values);
    }

    private void NumPyFile(string name) =>
        TensorFile.Save(Place(name), new Dictionary<string, Tensor> { ["layer.weight"] = Tensor.Ones([2, 3]), ["steps"] = Tensor.From([7L], []) });

    private static string Net(string name) => Path.Combine(Nets, $"{name}.onnx");

    private string Place(string name) => Path.Combine(_folder, name);

    private static void Fails(string message, params IEnumerable<string> arguments)
    {
        Ran ran = Command.Run(arguments);
        Assert.Equal(1, ran.Exit);
        Assert.Empty(ran.Output);
        Assert.Contains(message, ran.Error);
        Assert.DoesNotContain("   at ", ran.Error);
        Assert.DoesNotContain("should not have happened", ran.Error);
    }
}
