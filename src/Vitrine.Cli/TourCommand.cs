using System.CommandLine;
using System.Globalization;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine tour</c>.</summary>
internal static class TourCommand
{
    public static Command Make()
    {
        Option<string> data = Options.Data();
        Option<string?> root = Options.DataRoot();
        Option<string> output = Options.Text("--out", "The folder for the report, the weights, the results and the pictures", "DIR", "tour");
        Option<ulong> seed = Options.Seed();
        Option<int?> epochs = Options.AtLeast(new("--epochs") { Description = "Walks through the data; a number that suits it otherwise", HelpName = "N" }, 1);
        Option<int?> examples = Options.Examples();
        Option<int?> threads = Options.Threads();
        Option<bool> resume = Options.Resume();
        Option<bool> json = Options.Json();
        var command = new Command("tour", "Train LeNet-5, look inside it from every side, and write a report.")
        {
            data, root, output, seed, epochs, examples, threads, resume, json,
        };
        Help.Add(command,
            "vitrine tour", "on drawn digits, into the folder tour; nothing to download",
            "vitrine tour --data mnist --seed 7 --out seven", "on MNIST ('vitrine data get mnist' fetches it)",
            "vitrine tour --json | jq .test_accuracy", "for scripts",
            "vitrine tour --resume", "after Ctrl+C: continue where it stopped, to the same last bit");
        command.SetAction((parsed, cancel) =>
        {
            Options.LimitThreads(parsed.GetValue(threads));
            var options = new TourOptions
            {
                Data = parsed.GetRequiredValue(data),
                DataRoot = parsed.GetValue(root),
                Output = parsed.GetRequiredValue(output),
                Seed = parsed.GetValue(seed),
                Epochs = parsed.GetValue(epochs),
                Examples = parsed.GetValue(examples),
                Resume = parsed.GetValue(resume),
            };
            TourResult result = Terminal.Watch((stage, training) => Tour.Run(
                options,
                p =>
                {
                    if (p.Training is { } t) training(t);
                    else stage(p.Stage);
                },
                cancel));
            if (parsed.GetValue(json)) Console.Out.WriteLine(result.ToJson());
            else
            {
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{100 * result.TestAccuracy:0.00} % of {result.TestExamples:N0} unseen examples named rightly, in {result.Seconds:0.0} s."));
                Console.Out.WriteLine($"Report:  {result.Report}");
                Console.Out.WriteLine($"Weights: {result.Weights}");
            }
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }
}
