using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine transfer</c>.</summary>
internal static class TransferCommand
{
    public static Command Make()
    {
        var defaults = new TransferOptions();
        var data = new Option<string>("--data")
        {
            Description = "The data set whose classes are divided",
            HelpName = string.Join('|', TransferOptions.DataSets),
            DefaultValueFactory = _ => defaults.Data,
        };
        data.AcceptOnlyFromAmong([.. TransferOptions.DataSets]);
        Option<string?> root = Options.DataRoot();
        Option<int?> seeds = Options.Number("--seeds", "So many seeds, each with halves, examples and weights of its own", defaults.Seeds);
        Option<ulong> seed = Options.Seed();
        Option<int?> perClass = Options.Number("--per-class", "Training examples of each class", defaults.PerClass);
        Option<int?> judged = Options.Number("--judged", "At most so many examples of each class to be judged by", defaults.JudgedPerClass);
        Option<int?> epochs = Options.Number("--epochs", "Walks through the training examples", defaults.Epochs);
        Option<int?> batch = Options.Number("--batch", "Examples in a step", defaults.BatchSize);
        Option<double> rate = Options.Rate("The learning rate at the beginning", defaults.LearningRate);
        Option<double> margin = Options.Within(new Option<double>("--margin")
        {
            Description = "The part of all answers below which a difference is of no account",
            HelpName = "X",
            DefaultValueFactory = _ => defaults.Margin,
        }, m => m is > 0 and < 1, "between 0 and 1");
        var reduced = new Option<int[]>("--reduced")
        {
            Description = "Also with fewer training examples of each class: what transfer is worth then",
            HelpName = "N ...",
            AllowMultipleArgumentsPerToken = true,
        };
        var noRandom = new Option<bool>("--no-random") { Description = "Leave out the networks on random filters" };
        Option<int?> threads = Options.Threads();
        Option<string> output = Options.Text("--out", "The folder for the networks' results, the table and the page", "DIR", defaults.Output);
        var resume = new Option<bool>("--resume") { Description = "Go on with what an interrupted run left in the folder; more seeds may be asked for" };
        Option<bool> json = Options.Json();
        var command = new Command("transfer", "Say how general the features of each layer are: copy them to another task and see.")
        {
            data, root, seeds, seed, perClass, judged, epochs, batch, rate, margin, reduced, noRandom, threads, output, resume, json,
        };
        Help.Add(command,
            "vitrine transfer --out transfer", "the curve of Yosinski et al. 2014 on CIFAR-10, with five seeds",
            "vitrine transfer --out transfer --resume --seeds 8", "three seeds more, or the rest after Ctrl+C",
            "vitrine transfer --data fashion-mnist --per-class 200 --epochs 40 --out clothes", "on clothes, with few examples",
            "vitrine transfer --reduced 50 --reduced 150 --out few", "and what transfer is worth with 50 and 150 examples a class");
        command.SetAction((parsed, cancel) =>
        {
            Options.LimitThreads(parsed.GetValue(threads));
            var options = new TransferOptions
            {
                Data = parsed.GetRequiredValue(data),
                DataRoot = parsed.GetValue(root),
                Seeds = parsed.GetValue(seeds) ?? defaults.Seeds,
                Seed = parsed.GetValue(seed),
                PerClass = parsed.GetValue(perClass) ?? defaults.PerClass,
                JudgedPerClass = parsed.GetValue(judged) ?? defaults.JudgedPerClass,
                Epochs = parsed.GetValue(epochs) ?? defaults.Epochs,
                BatchSize = parsed.GetValue(batch) ?? defaults.BatchSize,
                LearningRate = parsed.GetValue(rate),
                Margin = parsed.GetValue(margin),
                Reduced = parsed.GetValue(reduced) ?? [],
                RandomFilters = !parsed.GetValue(noRandom),
                Output = parsed.GetRequiredValue(output),
                Resume = parsed.GetValue(resume),
            };
            var clock = Stopwatch.StartNew();
            int trained = 0;
            TransferResult result = Terminal.Watch((stage, _) => TransferExperiment.Run(
                options,
                p =>
                {
                    trained++;
                    stage($"network {p.Done + 1} of {p.Total}: {p.Job}{(p.Remaining is { } left ? $", {Terminal.Left(left)} left" : "")}");
                },
                cancel));
            if (parsed.GetValue(json)) Console.Out.WriteLine(result.ToJson());
            else Print(result, options.Output);
            Terminal.Warn(string.Create(CultureInfo.InvariantCulture, $"{trained} networks trained in {clock.Elapsed.TotalSeconds:0} s."));
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }

    private static void Print(TransferResult result, string folder)
    {
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Accuracy on B in %, the mean of {result.Seeds.Count} seeds; baseline B {100 * result.Baseline.Average():0.0}"));
        int[] layers = [.. Enumerable.Range(1, result.Layers.Count - 1)];
        (TransferCondition Condition, string Name)[] lines =
        [
            (TransferCondition.Selffer, "BnB"), (TransferCondition.SelfferTuned, "BnB+"), (TransferCondition.Transfer, "AnB"),
            (TransferCondition.TransferTuned, "AnB+"),
            (TransferCondition.Random, "random"),
        ];
        TextTable.Write(Console.Out, ["", .. layers.Select(n => $"{n} {result.Layers[n - 1]}")],
            lines.Where(l => result.Points.Any(p => p.Condition == l.Condition)).Select(l => (string[])
            [
                l.Name,
                .. layers.Select(n => result.Points.First(p => p.Condition == l.Condition && p.Layers == n && p.PerClass == result.PerClass))
                    .Select(p => (100 * p.Mean).ToString("0.0", CultureInfo.InvariantCulture)),
            ]), 1);
        foreach (TransferFinding finding in result.Findings)
        {
            Console.Out.WriteLine();
            Console.Out.WriteLine(finding.Claim);
            Console.Out.WriteLine($"  {finding.Told}");
        }
        Console.Out.WriteLine();
        Terminal.Report(folder);
    }
}
