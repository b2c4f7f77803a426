using System.CommandLine;
using System.Globalization;
using Vitrine.Data;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine attention</c>.</summary>
internal static class AttentionCommand
{
    public static Command Make()
    {
        string[] tasks = [.. SequencePairs.Names, CaptionOptions.Task];
        var model = new Argument<string?>("MODEL")
        {
            Description = "An ONNX file of one input; without it, --task trains small networks",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var input = new Argument<string?>("INPUT")
        {
            Description = "What it reads: .txt (with --vocabulary), .npy, .csv or a picture; the first example of the file",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var task = new Option<string>("--task")
        {
            Description = "Without a model: a task of which it is known where each token comes from, or what each word of a caption is about",
            HelpName = string.Join('|', tasks),
            DefaultValueFactory = _ => "reverse",
        };
        task.AcceptOnlyFromAmong(tasks);
        string usual = $"Without a model: steps of each training; 600 unless given, {CaptionOptions.DefaultSteps} for captions";
        Option<int?> steps = Options.AtLeast(new("--steps") { Description = usual, HelpName = "N" }, 1);
        Option<string?> vocabulary = Options.Vocabulary();
        Option<string?> preprocess = Options.Preprocess();
        Option<ulong> seed = Options.Seed();
        Option<int?> threads = Options.Threads();
        Option<string?> output = Options.Folder();
        Option<bool> json = Options.Json();
        var command = new Command("attention", "Show what attention looks at: heads, alignment, rollout and flow, and what is lost without each head.")
        {
            model, input, task, steps, vocabulary, preprocess, seed, threads, output, json,
        };
        Help.Add(command,
            "vitrine attention --task dates --out attention", "train a small translator of dates, and see what it reads as it writes",
            "vitrine attention --task reverse --json | jq '.networks[].aligned'", "how much of the weight lies where it should",
            "vitrine attention --task captions --out attention", "train a captioner, and see where in the picture it looks for each word",
            "vitrine attention transformer.onnx review.txt --vocabulary words.txt --out attention", "the heads of a network from a file");
        command.SetAction((parsed, cancel) =>
        {
            Options.LimitThreads(parsed.GetValue(threads));
            if (parsed.GetValue(model) is null && parsed.GetRequiredValue(task) == CaptionOptions.Task)
            {
                var captions = new CaptionOptions
                {
                    Steps = parsed.GetValue(steps) ?? CaptionOptions.DefaultSteps,
                    Seed = parsed.GetValue(seed),
                    Output = parsed.GetValue(output),
                };
                CaptionResult looked = Terminal.Watch((stage, _) => CaptionStudy.Run(captions, stage, cancel));
                if (parsed.GetValue(json)) Console.Out.WriteLine(looked.ToJson());
                else Print(looked, captions.Output);
                return Task.FromResult(ExitCode.Ok);
            }
            var options = new AttentionOptions
            {
                Model = parsed.GetValue(model),
                Input = parsed.GetValue(input),
                Task = parsed.GetRequiredValue(task),
                Steps = parsed.GetValue(steps) ?? 600,
                Vocabulary = parsed.GetValue(vocabulary),
                Preprocess = parsed.GetValue(preprocess),
                Seed = parsed.GetValue(seed),
                Output = parsed.GetValue(output),
            };
            AttentionResult result = Terminal.Watch((stage, _) => AttentionStudy.Run(options, stage, Terminal.Warn, cancel));
            if (parsed.GetValue(json)) Console.Out.WriteLine(result.ToJson());
            else Print(result, options.Output);
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }

    private static void Print(AttentionResult result, string? folder)
    {
        foreach (AttentionNetwork network in result.Networks)
        {
            Console.Out.WriteLine(network.Network);
            if (network.Accuracy is { } accuracy)
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"  {100 * accuracy:0.0} % of unseen tokens right; {network.Aligned:0.000} of the weight on the known origin " +
                    $"({network.Unaligned:0.000} before training)"));
            foreach (AttentionLayer layer in network.Layers)
            {
                string losses = string.Join(", ", layer.Loss.Select(l => l.ToString("0.000", CultureInfo.InvariantCulture)));
                Console.Out.WriteLine($"  {layer.Scope}: {layer.Queries} x {layer.Keys}; without each head, {network.Score} loses {losses}");
            }
        }
        Terminal.Report(folder);
    }

    private static void Print(CaptionResult result, string? folder)
    {
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{100 * result.Right:0.0} % of {result.Scenes} unseen scenes described right, {100 * result.WordsRight:0.0} % of words"));
        Console.Out.WriteLine("Weight before a word that names a shape, in %");
        TextTable.Write(Console.Out, ["word", "named", "other", "another scene", "untrained", "chance", "at most"],
            result.Looks.Append(result.All).Select(l => (string[])
            [
                l.Words,
                .. new[] { l.Named, l.Other, l.Elsewhere, l.Untrained, l.Even, l.Most }.Select(v => (100 * v).ToString("0.0", CultureInfo.InvariantCulture)),
            ]), 1);
        Terminal.Report(folder);
    }
}
