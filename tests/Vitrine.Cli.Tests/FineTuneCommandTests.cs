using System.Text.Json;
using Vitrine.Render;

namespace Vitrine.Cli.Tests;

/// <summary><c>finetune</c> of a network of tests/Conformance on pictures that are drawn here: bars that lie, bars that stand, and discs.</summary>
public sealed class FineTuneCommandTests : IDisposable
{
    private const int Side = 28;

    private static readonly string Net = Path.Combine(AppContext.BaseDirectory, "nets", "lenet.onnx");

    private readonly string _folder = Directory.CreateTempSubdirectory("vitrine-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Help_says_what_it_takes_and_what_it_writes()
    {
        Ran help = Command.Run("finetune", "--help");
        Assert.Equal(0, help.Exit);
        Assert.All(
            ["MODEL", "--data", "--preprocess", "--freeze", "--lr", "--discriminative", "--validation", "--patience", "--scratch", "--out", "--resume",
                "--json",
                "Examples:", "Exit codes: 0"],
            word => Assert.Contains(word, help.Output));
    }

    [Fact]
    public void It_learns_the_classes_of_a_folder_and_json_page_and_results_say_the_same()
    {
        string[] asked = [.. Asked(Drawn()), "--epochs", "12", "--freeze", "/conv1/Conv", "--discriminative", "2"];
        Ran text = Command.Run([.. asked, "--out", Place("text.onnx")]);
        Assert.True(text.Exit == 0, text.Error);
        Assert.Matches(@"^\d+\.\d % of 9 unseen pictures of 3 classes named rightly \(95% interval \d+\.\d to \d+\.\d %\), after 12 epochs on 27\.\n",
            text.Output);
        Assert.Contains("1 of 5 layers stayed as they were (up to /conv1/Conv)", text.Output);
        Assert.Contains($"Network: {Place("text.onnx")}\nClasses: {Place("text.labels.txt")}\nReport: {Place("text.report/index.html")}\n", text.Output);
        Assert.Equal(["disc", "lie", "stand"], File.ReadAllLines(Place("text.labels.txt")));

        Ran json = Command.Run([.. asked, "--out", Place("json.onnx"), "--json"]);
        Assert.Equal(0, json.Exit);
        Assert.Single(json.Output.TrimEnd('\n').Split('\n'));
        using var printed = JsonDocument.Parse(json.Output);
        using var written = JsonDocument.Parse(File.ReadAllText(Place("json.report/results.json")));
        Assert.True(JsonElement.DeepEquals(printed.RootElement, written.RootElement));
        JsonElement root = printed.RootElement;
        double accuracy = Number("accuracy");
        Assert.True(accuracy > 0.6, $"accuracy {accuracy}");
        Assert.InRange(accuracy, Number("accuracy_low"), Number("accuracy_high"));
        Assert.Equal((27, 9), ((int)Number("training"), (int)Number("validation")));
        Assert.Equal(12, root.GetProperty("epochs").GetArrayLength());
        // LeNet-5 with three answers, of which the first layer's 6 x 25 weights and 6 biases did not learn.
        Assert.Equal(61_706 - (7 * 85), (int)Number("parameters"));
        Assert.Equal(Number("parameters") - 156, Number("learned"));
        Assert.Equal([0, 0.000125, 0.00025, 0.0005, 0.001],
            root.GetProperty("layers").EnumerateArray().Select(l => Math.Round(l.GetProperty("learning_rate").GetDouble(), 12)));
        // What is right and what is wrong is everything that was judged by, however it is counted.
        JsonElement[] classes = [.. root.GetProperty("per_class").EnumerateArray()];
        Assert.Equal([3, 3, 3], classes.Select(c => c.GetProperty("pictures").GetInt32()));
        int right = classes.Sum(c => c.GetProperty("right").GetInt32());
        Assert.Equal(9, right + root.GetProperty("confusions").EnumerateArray().Sum(c => c.GetProperty("count").GetInt32()));
        Assert.Equal(accuracy, right / 9.0, 1e-9);
        Assert.Equal(9 - right, root.GetProperty("mistakes").GetArrayLength());
        Assert.All(root.GetProperty("right").EnumerateArray(),
            p => Assert.StartsWith(p.GetProperty("true").GetString() + "/", p.GetProperty("picture").GetString()));

        string page = File.ReadAllText(Place("json.report/index.html"));
        Assert.All(["How it learned", "What it takes for what", "What was changed", "/conv1/Conv", "vitrine finetune", "--discriminative 2", "--seed 4"],
            word => Assert.Contains(word, page));
        Assert.DoesNotContain("<script", page);

        // The network that was written answers 'vitrine predict' by the names it learned.
        Ran predicted = Command.Run("predict", Place("json.onnx"), Place("pictures/lie"), "--labels", Place("json.labels.txt"), "--top", "1");
        Assert.Equal(0, predicted.Exit);
        Assert.True(predicted.Output.Split('\n').Count(l => l.Contains(": lie ", StringComparison.Ordinal)) >= 9, predicted.Output);

        double Number(string name) => root.GetProperty(name).GetDouble();
    }

    [Fact]
    public void A_seed_decides_every_byte_whatever_the_number_of_threads()
    {
        string data = Drawn();
        foreach (string threads in new[] { "1", "2" })
            Assert.Equal(0, Command.Run([.. Asked(data), "--epochs", "3", "--threads", threads, "--out", Place($"{threads}/net.onnx")]).Exit);
        foreach (string file in new[] { "net.onnx", "net.labels.txt", "net.report/index.html" })
            Assert.True(File.ReadAllBytes(Place($"1/{file}")).AsSpan().SequenceEqual(File.ReadAllBytes(Place($"2/{file}"))), file);
        Assert.Equal(0, Command.Run([.. Asked(data, "5"), "--epochs", "3", "--out", Place("3/net.onnx")]).Exit);
        Assert.NotEqual(File.ReadAllBytes(Place("1/net.onnx")), File.ReadAllBytes(Place("3/net.onnx")));
    }

    [Fact]
    public void Stopped_and_resumed_it_ends_with_the_same_bytes_as_a_run_that_went_through()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        // So many passes that the command is still at work when the signal arrives, however busy the machine.
        string[] asked = [.. Asked(Drawn()), "--epochs", "150"];
        string parts = Place("parts/net.onnx"), whole = Place("whole/net.onnx");
        using (Command command = Command.Start([.. asked, "--out", parts]))
        {
            command.WaitFor("training");
            command.Signal(Command.Terminate);
            Ran ran = command.Wait();
            Assert.Equal((130, ""), (ran.Exit, ran.Output));
            Assert.Contains("Continue with: vitrine finetune", ran.Error);
            Assert.EndsWith($"--out {parts} --resume\n", ran.Error);
        }
        Assert.Equal(["net.checkpoint.json", "net.checkpoint.safetensors"], Left("parts"));

        Fails("other settings", [.. asked, "--out", parts, "--resume", "--lr", "0.1"]);
        Assert.Equal(0, Command.Run([.. asked, "--out", parts, "--resume"]).Exit);
        Assert.Equal(0, Command.Run([.. asked, "--out", whole]).Exit);
        foreach (string file in new[] { "net.onnx", "net.labels.txt", "net.report/index.html" })
            Assert.True(File.ReadAllBytes(Place($"whole/{file}")).AsSpan().SequenceEqual(File.ReadAllBytes(Place($"parts/{file}"))), file);
    }

    [Fact]
    public void A_picture_that_cannot_be_read_is_left_out_and_said()
    {
        string data = Drawn();
        File.WriteAllText(Path.Combine(data, "lie", "broken.png"), "no picture");
        Ran ran = Command.Run([.. Asked(data), "--epochs", "1", "--out", Place("net.onnx")]);
        Assert.Equal(0, ran.Exit);
        Assert.Contains("lie/broken.png is left out", ran.Error.Replace('\\', '/'));
        Assert.Contains("1 pictures could not be read", ran.Output);
        Assert.Contains("after 1 epoch on 27.", ran.Output);
        Assert.Contains("broken.png", File.ReadAllText(Place("net.report/index.html")));
    }

    [Fact]
    public void What_cannot_be_done_is_said_and_nothing_is_left()
    {
        string data = Drawn(), net = Place("out/net.onnx");
        Fails("neither a data set nor a folder", [.. Asked(Place("nowhere")), "--out", net]);
        Fails("no sub-folders", [.. Asked(Path.Combine(data, "lie")), "--out", net]);
        Fails("no layer conv9", [.. Asked(data), "--freeze", "conv9", "--out", net]);
        Fails("has to learn", [.. Asked(data), "--freeze", "5", "--out", net]);
        Fails("imagenet, caffe, cifar", [.. Asked(data), "--preprocess", "image-net", "--out", net]);
        Fails("reads 1 channels", [.. Asked(data), "--preprocess", "imagenet", "--out", net]);
        Fails("no kind of file", [.. Asked(data), "--out", Place("out/net.txt")]);
        Fails("nothing to resume", [.. Asked(data), "--resume", "--out", net]);
        Fails("There is no file", "finetune", Place("nowhere.onnx"), "--data", data, "--out", net);
        File.WriteAllText(Place("bad.onnx"), "no model");
        Fails("not an ONNX model", "finetune", Place("bad.onnx"), "--data", data, "--out", net);
        Fails("would be lost", "finetune", Place("bad.onnx"), "--data", data, "--out", Place("bad.onnx"));

        string one = Path.Combine(_folder, "one");
        Directory.CreateDirectory(Path.Combine(one, "only"));
        Fails("has one class, only", [.. Asked(one), "--out", net]);
        Directory.CreateDirectory(Path.Combine(one, "damaged"));
        File.WriteAllText(Path.Combine(one, "damaged", "a.png"), "no picture");
        Fails("0 of 1 pictures that can be read", [.. Asked(one), "--out", net]);
        Assert.Empty(Left("out"));

        Directory.CreateDirectory(Place("taken"));
        File.WriteAllText(Place("taken/net.report"), "");
        Fails("is a file", [.. Asked(data), "--out", Place("taken/net.onnx")]);
        Assert.Equal(["net.report"], Left("taken"));
    }

    [Theory]
    [InlineData("--data")]
    [InlineData("--epochs is 0", "--data", "d", "--epochs", "0")]
    [InlineData("--batch is -1", "--data", "d", "--batch", "-1")]
    [InlineData("--lr is -0.1", "--data", "d", "--lr", "-0.1")]
    [InlineData("--lr is NaN", "--data", "d", "--lr", "NaN")]
    [InlineData("--validation is 1", "--data", "d", "--validation", "1")]
    [InlineData("--discriminative is 0.5", "--data", "d", "--discriminative", "0.5")]
    [InlineData("--patience is 0", "--data", "d", "--patience", "0")]
    [InlineData("much", "--data", "d", "--lr", "much")]
    public void What_is_not_understood_exits_with_2(string said, params string[] arguments)
    {
        Ran ran = Command.Run(["finetune", Net, .. arguments]);
        Assert.Equal((2, ""), (ran.Exit, ran.Output));
        Assert.Contains(said, ran.Error);
        Assert.Contains("'vitrine finetune --help'", ran.Error);
    }

    private static string[] Asked(string data, string seed = "4") =>
        ["finetune", Net, "--data", data, "--validation", "0.25", "--batch", "9", "--seed", seed];

    /// <summary>Twelve pictures of each of three classes, at places and of brightness that vary.</summary>
    private string Drawn()
    {
        foreach (string kind in new[] { "lie", "stand", "disc" })
        {
            for (int i = 0; i < 12; i++)
            {
                float[,] values = new float[Side, Side];
                int at = 6 + i, other = 8 + ((i * 5) % 12);
                for (int y = 0; y < Side; y++)
                {
                    for (int x = 0; x < Side; x++)
                    {
                        bool inside = kind switch
                        {
                            "lie" => Math.Abs(y - at) <= 2 && Math.Abs(x - 14) <= 9,
                            "stand" => Math.Abs(x - at) <= 2 && Math.Abs(y - 14) <= 9,
                            _ => ((x - at) * (x - at)) + ((y - other) * (y - other)) <= 30,
                        };
                        values[y, x] = inside ? 0.6f + (0.03f * i) : 0;
                    }
                }
                Picture.FromGrey(values).Save(Path.Combine(_folder, "pictures", kind, $"{i}.png"));
            }
        }
        return Place("pictures");
    }

    private string Place(string name) => Path.Combine(_folder, name);

    private string[] Left(string folder) => !Directory.Exists(Place(folder)) ? []
        : [.. Directory.GetFiles(Place(folder), "*", SearchOption.AllDirectories).Select(Path.GetFileName).Order(StringComparer.Ordinal)!];

    private static void Fails(string message, params IEnumerable<string> arguments)
    {
        Ran ran = Command.Run(arguments);
        Assert.Equal((1, ""), (ran.Exit, ran.Output));
        Assert.Contains(message, ran.Error);
        Assert.DoesNotContain("   at ", ran.Error);
        Assert.DoesNotContain("should not have happened", ran.Error);
    }
}
