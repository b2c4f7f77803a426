using System.Text.Json;
using Vitrine.Data;

namespace Vitrine.Cli.Tests;

/// <summary>What the command says, and what it answers to the shell.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vitrine-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Help_lists_the_commands_and_the_exit_codes()
    {
        Ran help = Command.Run("--help");
        Assert.Equal(0, help.Exit);
        Assert.All(["tour", "train", "predict", "data", "Examples:", "Exit codes: 0"], word => Assert.Contains(word, help.Output));
        Assert.Equal(help.Output, Command.Run().Output);
        Ran tour = Command.Run("tour", "--help");
        Assert.All(["--data", "--data-root", "--out", "--seed", "--epochs", "--resume", "--json", "vitrine tour --resume"], word => Assert.Contains(word,
            tour.Output));
        Ran train = Command.Run("train", "--help");
        Assert.All(["--data", "--epochs", "--batch", "--lr", "--optimizer", "--seed", "--out", "--resume", "--patience", "--threads"], word =>
            Assert.Contains(word, train.Output));
    }

    [Fact]
    public void Version_is_a_number()
    {
        Ran ran = Command.Run("--version");
        Assert.Equal(0, ran.Exit);
        Assert.Matches(@"^\d+\.\d+\.\d+\s*$", ran.Output);
    }

    [Theory]
    [InlineData("tuor")]
    [InlineData("tour", "--epochs", "0")]
    [InlineData("tour", "--epochs", "many")]
    [InlineData("tour", "--seed", "-1")]
    [InlineData("tour", "--colour")]
    [InlineData("train", "--optimizer", "magic")]
    [InlineData("train", "--lr", "-0.1")]
    [InlineData("train", "--batch", "0")]
    [InlineData("predict")]
    [InlineData("data", "get")]
    public void What_is_not_understood_exits_with_2(params string[] arguments)
    {
        Ran ran = Command.Run(arguments);
        Assert.Equal(2, ran.Exit);
        Assert.Empty(ran.Output);
        Assert.StartsWith("vitrine: ", ran.Error);
        Assert.Contains("--help", ran.Error);
    }

    [Fact]
    public void Json_is_all_there_is_on_standard_output()
    {
        Ran ran = Command.Run("tour", "--examples", "300", "--epochs", "1", "--out", Place("tour"), "--json");
        Assert.Equal(0, ran.Exit);
        Assert.Single(ran.Output.TrimEnd('\n').Split('\n'));
        using var json = JsonDocument.Parse(ran.Output);
        Assert.InRange(json.RootElement.GetProperty("test_accuracy").GetDouble(), 0, 1);
        Assert.True(json.RootElement.GetProperty("seconds").GetDouble() > 0);
        Assert.True(File.Exists(json.RootElement.GetProperty("report").GetString()));
        Assert.Contains("epoch 1/1", ran.Error);
        Assert.Contains("images/s", ran.Error);
    }

    [Fact]
    public void Train_then_predict()
    {
        string weights = Place("net.safetensors");
        Ran train = Command.Run("train", "--examples", "1500", "--epochs", "2", "--out", weights, "--optimizer", "nesterov", "--lr", "0.02", "--batch",
            "32", "--patience", "5", "--threads", "1");
        Assert.Equal((0, true), (train.Exit, File.Exists(weights)));
        Assert.Contains("unseen examples named rightly", train.Output);

        Idx.Write(Place("images"), new IdxArray([2, 28, 28], new byte[2 * 28 * 28]));
        Ran predict = Command.Run("predict", weights, Place("images") + "#1", "--top", "2");
        Assert.Equal(0, predict.Exit);
        Assert.Matches(@"#1: \d \d+\.\d %, \d \d+\.\d %\n$", predict.Output);
        Fails("There is no example 2: the file has 2", "predict", weights, Place("images") + "#2");
        Fails("There is no picture", "predict", weights, Place("nothing.png"));
        Fails("is a training checkpoint", "predict", Place("net.digits.checkpoint.safetensors"), Place("images") + "#0");

        File.WriteAllBytes(Place("short.safetensors"), File.ReadAllBytes(weights)[..5000]);
        Fails("truncated", "predict", Place("short.safetensors"), Place("images") + "#0");
        File.WriteAllBytes(Place("tiny.safetensors"), [1, 2, 3]);
        Fails("too short", "predict", Place("tiny.safetensors"), Place("images") + "#0");
        SafeTensors.Save(Place("other.safetensors"), new Dictionary<string, Tensor> { ["fc3.weight"] = Tensor.Zeros([10, 84]) });
        Fails("does not hold a LeNet-5", "predict", Place("other.safetensors"), Place("images") + "#0");
        Idx.Write(Place("large"), new IdxArray([1, 32, 32], new byte[32 * 32]));
        Fails("28 x 28; this one is 32 x 32", "predict", weights, Place("large") + "#0");
        File.WriteAllText(Place("text.png"), "not a picture");
        Fails("PNG", "predict", weights, Place("text.png"));
    }

    [Fact]
    public void Missing_data_says_how_to_get_it()
    {
        Fails("vitrine data get mnist", "tour", "--data", "mnist", "--out", Place("tour"));
        Fails("does not exist", "tour", "--data", "mnist", "--data-root", Place("nowhere"), "--out", Place("tour"));
        Fails("No data set is called 'letters'", "tour", "--data", "letters", "--out", Place("tour"));
        Fails("No data set is called 'letters'", "data", "get", "letters");
        Ran list = Command.Run("data", "list");
        Assert.Equal(0, list.Exit);
        Assert.All(["digits", "mnist", "fashion-mnist", "vitrine data get mnist"], word => Assert.Contains(word, list.Output));
        Assert.Equal(0, Command.Run("data", "get", "digits").Exit);
    }

    [Fact]
    public void Damaged_data_is_named_with_file_and_place()
    {
        string data = Place("mnist");
        Directory.CreateDirectory(data);
        Write(28);
        Ran good = Command.Run("tour", "--data", data, "--epochs", "1", "--out", Place("good"));
        Assert.Equal(0, good.Exit);
        Assert.Equal(0, Command.Run("train", "--data", "mnist", "--data-root", _folder, "--epochs", "1", "--out", Place("w.safetensors")).Exit);

        string images = Path.Combine(data, "train-images-idx3-ubyte");
        byte[] whole = File.ReadAllBytes(images);
        File.WriteAllBytes(images, whole[..^100]);
        Fails("truncated", "tour", "--data", data, "--out", Place("bad"));
        byte[] magic = [.. whole];
        magic[0] = 0x50;
        File.WriteAllBytes(images, magic);
        Ran notIdx = Fails("not an IDX file", "tour", "--data", data, "--out", Place("bad"));
        Assert.Contains(images, notIdx.Error);
        Write(32);
        Fails("28 x 28; these are 32 x 32", "tour", "--data", data, "--out", Place("bad"));
        File.Delete(images);
        Fails("has no train-images-idx3-ubyte", "tour", "--data", data, "--out", Place("bad"));

        void Write(int side)
        {
            foreach ((string part, int count) in new[] { ("train", 40), ("t10k", 20) })
            {
                Idx.Write(Path.Combine(data, $"{part}-images-idx3-ubyte"), new IdxArray([count, side, side], [.. Enumerable.Range(0,
                    count * side * side).Select(i => (byte)(i * 7))]));
                Idx.Write(Path.Combine(data, $"{part}-labels-idx1-ubyte"), new IdxArray([count], [.. Enumerable.Range(0, count).Select(i => (byte)(i % 10))]));
            }
        }
    }

    [Fact]
    public void A_folder_that_cannot_be_written_to_is_found_out_before_training()
    {
        File.WriteAllText(Place("file"), "");
        Ran file = Fails("is a file", "tour", "--out", Place("file"));
        Assert.DoesNotContain("training", file.Error);
        Assert.SkipWhen(OperatingSystem.IsWindows(), "/proc is Linux's.");
        // Even root writes nothing here, so the test holds in containers too.
        Fails("--out", "tour", "--out", "/proc/vitrine");
        Fails("--out", "train", "--out", "/proc/vitrine/net.safetensors");
    }

    [Fact]
    public void A_full_disk_is_an_error_in_words()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "/dev/full is Linux's.");
        Ran ran = Command.Shell($"$VITRINE tour --examples 100 --epochs 1 --out '{Place("tour")}' --json > /dev/full");
        Assert.Equal(1, ran.Exit);
        Assert.Contains("disk is full", ran.Error);
        Assert.DoesNotContain("   at ", ran.Error);
    }

    private string Place(string name) => Path.Combine(_folder, name);

    private static Ran Fails(string message, params IEnumerable<string> arguments)
    {
        Ran ran = Command.Run(arguments);
        Assert.Equal(1, ran.Exit);
        Assert.Empty(ran.Output);
        Assert.Contains(message, ran.Error);
        Assert.DoesNotContain("   at ", ran.Error);
        Assert.DoesNotContain("should not have happened", ran.Error);
        return ran;
    }
}
