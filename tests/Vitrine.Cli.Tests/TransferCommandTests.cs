using System.Text.Json;

namespace Vitrine.Cli.Tests;

/// <summary><c>transfer</c> on drawn digits, with a few examples of each class.</summary>
public sealed class TransferCommandTests : IDisposable
{
    private static readonly string[] Tiny =
        ["transfer", "--data", "digits", "--seeds", "1", "--seed", "3", "--per-class", "4", "--judged", "4", "--epochs", "1", "--batch", "8", "--no-random"];

    private readonly string _folder = Directory.CreateTempSubdirectory("vitrine-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Help_says_what_it_takes_and_how_to_go_on()
    {
        Ran help = Command.Run("transfer", "--help");
        Assert.Equal(0, help.Exit);
        Assert.All(["--data", "--seeds", "--per-class", "--margin", "--reduced", "--no-random", "--out", "--resume", "--json", "Examples:", "Exit codes: 0"],
            word => Assert.Contains(word, help.Output));
    }

    [Fact]
    public void It_trains_and_tells_and_a_second_run_trains_nothing()
    {
        Ran text = Command.Run([.. Tiny, "--out", _folder]);
        Assert.Equal(0, text.Exit);
        Assert.Contains("Accuracy on B in %, the mean of 1 seeds", text.Output);
        Assert.Matches(@"\nBnB\+? +(\d+\.\d +){6}\d+\.\d\n", text.Output);
        Assert.DoesNotContain("random ", text.Output);
        Assert.Contains("Not decided by 1 seed", text.Output);
        Assert.EndsWith($"Report: {Path.Combine(_folder, "index.html")}\n", text.Output);
        Assert.True(File.Exists(Path.Combine(_folder, "index.html")));
        // A base of A, two of B, and for each of 7 numbers of layers four networks.
        Assert.Contains($"{3 + (7 * 4)} networks trained", text.Error);

        Ran json = Command.Run([.. Tiny, "--out", _folder, "--resume", "--json"]);
        Assert.Equal(0, json.Exit);
        Assert.Contains(" 0 networks trained", json.Error);
        Assert.Single(json.Output.TrimEnd('\n').Split('\n'));
        using var result = JsonDocument.Parse(json.Output);
        using var written = JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, "results.json")));
        Assert.True(JsonElement.DeepEquals(result.RootElement, written.RootElement));
        JsonElement[] points = [.. result.RootElement.GetProperty("points").EnumerateArray()];
        Assert.All(points, p => Assert.InRange(p.GetProperty("mean").GetDouble(), 0, 1));
        // 5 classes of 4 examples are judged: accuracies are whole numbers of twentieths.
        Assert.All(points.SelectMany(p => p.GetProperty("accuracies").EnumerateArray()),
            a => Assert.Equal(0, Math.IEEERemainder(20 * a.GetDouble(), 1), 1e-6));
    }

    [Fact]
    public void Stopped_and_resumed_it_ends_with_the_same_bytes_on_two_threads_as_on_one()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        string parts = Path.Combine(_folder, "parts"), whole = Path.Combine(_folder, "whole");
        using (Command command = Command.Start([.. Tiny, "--threads", "2", "--out", parts]))
        {
            command.WaitFor("network 3 of");
            command.Signal(Command.Terminate);
            Ran ran = command.Wait();
            Assert.Equal((130, ""), (ran.Exit, ran.Output));
            Assert.Contains($"Continue with: vitrine {string.Join(' ', Tiny)} --threads 2 --out {parts} --resume", ran.Error);
        }
        Assert.False(File.Exists(Path.Combine(parts, "results.json")));
        Assert.False(File.Exists(Path.Combine(parts, "index.html")));
        Assert.Empty(Directory.GetFiles(parts, "*.tmp", SearchOption.AllDirectories));

        Fails("--resume", [.. Tiny, "--out", parts]);
        Fails("other settings", [.. Tiny, "--out", parts, "--resume", "--lr", "0.1"]);
        Assert.Equal(0, Command.Run([.. Tiny, "--threads", "2", "--out", parts, "--resume"]).Exit);
        Assert.Equal(0, Command.Run([.. Tiny, "--threads", "1", "--out", whole]).Exit);
        foreach (string file in Directory.GetFiles(whole, "*", SearchOption.AllDirectories))
        {
            string other = Path.Combine(parts, Path.GetRelativePath(whole, file));
            Assert.True(File.ReadAllBytes(file).AsSpan().SequenceEqual(File.ReadAllBytes(other)), file);
        }
    }

    [Fact]
    public void What_cannot_be_done_is_said_and_nothing_is_left()
    {
        string output = Path.Combine(_folder, "out");
        Fails("'cifar10' is not on this machine", "transfer", "--out", output);
        Fails("does not exist", "transfer", "--data", "mnist", "--data-root", Path.Combine(_folder, "nowhere"), "--out", output);
        Fails("below the 4", [.. Tiny, "--reduced", "4", "--out", output]);
        File.WriteAllText(Path.Combine(_folder, "file"), "");
        Fails("is a file", [.. Tiny, "--out", Path.Combine(_folder, "file")]);
        if (Directory.Exists(output)) Assert.DoesNotContain(Directory.GetFiles(output, "*", SearchOption.AllDirectories), f => !f.EndsWith("experiment.json"));
    }

    [Theory]
    [InlineData("letters", "--data", "letters")]
    [InlineData("--seeds is 0", "--seeds", "0")]
    [InlineData("--per-class is 0", "--per-class", "0")]
    [InlineData("--lr is 0", "--lr", "0")]
    [InlineData("--margin is 1", "--margin", "1")]
    [InlineData("few", "--reduced", "few")]
    [InlineData("--colour", "--colour")]
    public void What_is_not_understood_exits_with_2(string said, params string[] arguments)
    {
        Ran ran = Command.Run(["transfer", .. arguments]);
        Assert.Equal((2, ""), (ran.Exit, ran.Output));
        Assert.Contains(said, ran.Error);
        Assert.Contains("'vitrine transfer --help'", ran.Error);
    }

    private static void Fails(string message, params IEnumerable<string> arguments)
    {
        Ran ran = Command.Run(arguments);
        Assert.Equal((1, ""), (ran.Exit, ran.Output));
        Assert.Contains(message, ran.Error);
        Assert.DoesNotContain("   at ", ran.Error);
        Assert.DoesNotContain("should not have happened", ran.Error);
    }
}
