using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine train-text</c>.</summary>
internal static class TrainTextCommand
{
    public static Command Make()
    {
        var defaults = new TextTrainingOptions { Text = "" };
        var text = new Argument<string>("FILE") { Description = "A text file" };
        Option<int?> epochs = Options.Number("--epochs", "Walks through the text", defaults.Epochs);
        Option<int?> hidden = Options.Number("--hidden", "Cells of a layer", defaults.Hidden);
        Option<int?> layers = Options.Number("--layers", "Layers", defaults.Layers);
        Option<int?> batch = Options.Number("--batch", "Stretches of the text read side by side", defaults.BatchSize);
        Option<int?> length = Options.Number("--length", "Characters that gradients flow back through", defaults.Length);
        Option<double> rate = Options.Rate("The learning rate at the beginning", defaults.LearningRate);
        Option<ulong> seed = Options.Seed();
        Option<string> output = Options.Text("--out", "The file for the model (safetensors); the checkpoint lies beside it", "FILE", defaults.Output);
        Option<bool> resume = Options.Resume();
        Option<int?> threads = Options.Threads();
        var command = new Command("train-text", "Train a network that reads a text character by character and guesses the next one.")
        {
            text, epochs, hidden, layers, batch, length, rate, seed, output, resume, threads,
        };
        Help.Add(command,
            "vitrine train-text book.txt --epochs 10 --out book.safetensors", "nine tenths are learned from, the rest is kept for measuring",
            "vitrine train-text book.txt --epochs 10 --out book.safetensors --resume", "the same after Ctrl+C, from where it stopped",
            "vitrine cells book.safetensors book.txt --out cells", "what its cells keep track of");
        command.SetAction((parsed, cancel) =>
        {
            Options.LimitThreads(parsed.GetValue(threads));
            var options = new TextTrainingOptions
            {
                Text = parsed.GetRequiredValue(text),
                Epochs = parsed.GetValue(epochs) ?? defaults.Epochs,
                Hidden = parsed.GetValue(hidden) ?? defaults.Hidden,
                Layers = parsed.GetValue(layers) ?? defaults.Layers,
                BatchSize = parsed.GetValue(batch) ?? defaults.BatchSize,
                Length = parsed.GetValue(length) ?? defaults.Length,
                LearningRate = parsed.GetValue(rate),
                Seed = parsed.GetValue(seed),
                Output = parsed.GetRequiredValue(output),
                Resume = parsed.GetValue(resume),
            };
            TrainedText trained = TextTraining.Run(options, Watch(), cancel);
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{trained.ReportBits:0.000} bits a character on unseen text ({trained.UnigramBits:0.000} by letter frequencies alone), after " +
                $"{trained.Epochs.Count} epochs in {trained.Seconds:0} s."));
            Console.Out.WriteLine($"Model: {trained.Weights}");
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }

    // Lines on standard error: each finished pass, and where it is every now and then.
    private static Action<TextProgress> Watch()
    {
        var every = TimeSpan.FromSeconds(Console.IsErrorRedirected ? 20 : 5);
        var clock = Stopwatch.StartNew();
        TimeSpan next = every;
        return p =>
        {
            if (p.Finished is null && clock.Elapsed < next) return;
            next = clock.Elapsed + every;
            Console.Error.WriteLine(p.Finished is { } e
                ? string.Create(CultureInfo.InvariantCulture,
                    $"epoch {e.Number}/{p.Epochs}  {e.Bits:0.000} bits  unseen {e.SearchBits:0.000} bits  {e.Seconds:0} s")
                : string.Create(CultureInfo.InvariantCulture,
                    $"epoch {p.Epoch}/{p.Epochs}  step {p.Step}/{p.Steps}  {p.Bits:0.000} bits  {p.CharactersPerSecond:N0} characters/s"));
        };
    }
}
