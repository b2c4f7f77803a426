namespace Vitrine.Cli.Tests;

/// <summary>Ctrl+C and its relatives: stop in good order, lose nothing, continue to the same last bit.</summary>
public sealed class SignalTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vitrine-signal-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(Command.Interrupt)]
    [InlineData(Command.Terminate)]
    public void A_signal_leaves_a_checkpoint_from_which_training_continues_bit_for_bit(int signal)
    {
        SkipWhereItDoesNotArrive(signal);
        // So many passes that the command is still at work when the signal arrives, however busy the machine.
        string[] arguments = ["train", "--examples", "1500", "--epochs", "60", "--seed", "5", "--out"];
        string parts = Path.Combine(_folder, "parts", "net.safetensors"), whole = Path.Combine(_folder, "whole", "net.safetensors");

        using (Command command = Command.Start([.. arguments, parts]))
        {
            command.WaitFor("epoch 1/60");
            command.Signal(signal);
            Ran ran = command.Wait();
            Assert.Equal(130, ran.Exit);
            Assert.Empty(ran.Output);
            Assert.Contains($"Continue with: vitrine train --examples 1500 --epochs 60 --seed 5 --out {parts} --resume", ran.Error);
        }
        Assert.Equal(["net.digits.checkpoint.safetensors"], Directory.GetFiles(Path.GetDirectoryName(parts)!).Select(Path.GetFileName));

        Assert.Equal(0, Command.Run([.. arguments, parts, "--resume"]).Exit);
        Assert.Equal(0, Command.Run([.. arguments, whole]).Exit);
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(parts));
    }

    [Fact]
    public void An_interrupted_tour_is_resumed()
    {
        SkipWhereItDoesNotArrive(Command.Interrupt);
        string[] arguments = ["tour", "--examples", "1000", "--epochs", "60", "--out", _folder];
        using (Command command = Command.Start(arguments))
        {
            command.WaitFor("epoch 1/60");
            command.Signal(Command.Interrupt);
            Ran ran = command.Wait();
            Assert.Equal(130, ran.Exit);
        }
        Assert.False(File.Exists(Path.Combine(_folder, "index.html")));
        Assert.Empty(Directory.GetFiles(_folder, "*.tmp"));
        Ran resumed = Command.Run([.. arguments, "--resume"]);
        Assert.Equal(0, resumed.Exit);
        Assert.True(File.Exists(Path.Combine(_folder, "index.html")));
    }

    [Fact]
    public void There_must_be_something_to_resume()
    {
        Ran ran = Command.Run("train", "--resume", "--examples", "10", "--out", Path.Combine(_folder, "net.safetensors"));
        Assert.Equal(1, ran.Exit);
        Assert.Contains("nothing to resume", ran.Error);
    }

    [Fact]
    public void A_checkpoint_of_another_training_is_refused()
    {
        string output = Path.Combine(_folder, "net.safetensors");
        Assert.Equal(0, Command.Run("train", "--examples", "100", "--epochs", "1", "--out", output).Exit);
        Ran ran = Command.Run("train", "--examples", "200", "--epochs", "1", "--out", output, "--resume");
        Assert.Equal(1, ran.Exit);
        Assert.Contains("It can only be continued as it was started", ran.Error);
    }

    // A shell starts what runs in its background with interrupts ignored, and whatever that starts inherits it: the signal would never arrive.
    private static void SkipWhereItDoesNotArrive(int signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        const string status = "/proc/self/status", field = "SigIgn:";
        if (!File.Exists(status)) return;
        string ignored = File.ReadLines(status).First(l => l.StartsWith(field, StringComparison.Ordinal))[field.Length..].Trim();
        Assert.SkipWhen((Convert.ToUInt64(ignored, 16) >> (signal - 1) & 1) != 0, $"Signal {signal} is ignored where these tests run.");
    }
}
