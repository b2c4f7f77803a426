using System.CommandLine;
using System.Globalization;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine ground</c>.</summary>
internal static class GroundCommand
{
    public static Command Make()
    {
        Option<string[]> tasks = Options.Names("--task", $"Only these tasks: {string.Join(", ", GroundTasks.Names)}");
        Option<string[]> methods = Options.Names("--method", "Only these methods ('vitrine methods' lists them); all that apply otherwise");
        Option<int?> examples = Options.AtLeast(
            new("--examples") { Description = "Explain so many test examples of each task; 16 otherwise", HelpName = "N" }, 1);
        Option<ulong> seed = Options.Seed();
        Option<int?> threads = Options.Threads();
        Option<string?> output = Options.Folder();
        Option<bool> json = Options.Json();
        var command = new Command("ground", "Score every method on tasks whose right answer is known, beside random maps and edges.")
        {
            tasks, methods, examples, seed, threads, output, json,
        };
        Help.Add(command,
            "vitrine ground --out ground", "all tasks and methods, with a report",
            "vitrine ground --task snow --method \"kernel shap,lime,occlusion\"", "what those three say about a network that looks at snow",
            "vitrine ground --json | jq '.tasks[] | [.task, .method, .scores.auc]'", "for scripts");
        command.SetAction((parsed, cancel) =>
        {
            Options.LimitThreads(parsed.GetValue(threads));
            var options = new GroundOptions
            {
                Tasks = Options.Words(parsed.GetValue(tasks)) is { Length: > 0 } chosen ? chosen : null,
                Methods = Options.Words(parsed.GetValue(methods)) is { Length: > 0 } named ? named : null,
                Examples = parsed.GetValue(examples) ?? 16,
                Seed = parsed.GetValue(seed),
                Output = parsed.GetValue(output),
            };
            GroundResult result = Terminal.Watch((stage, _) => GroundTruth.Run(options, stage, cancel));
            if (parsed.GetValue(json)) Console.Out.WriteLine(result.ToJson());
            else Print(result, options.Output);
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }

    private static void Print(GroundResult result, string? folder)
    {
        foreach (GroundNetwork network in result.Networks)
        {
            GroundScore[] scores = [.. result.Tasks.Where(t => t.Task == network.Name && t.Declined is null)];
            Console.Out.WriteLine($"{network.Name}: {network.Question}");
            Console.Out.WriteLine($"  {network.Quality}");
            if (scores.Length == 0) continue;
            string[] names = [.. scores[0].Random.Keys];
            Console.Out.WriteLine($"  {"",-30}{string.Concat(names.Select(n => $"{n,12}"))}");
            foreach (GroundScore score in scores.OrderByDescending(s => s.Scores[names[0]])) Row(score.Method, score.Scores);
            Row("(edges or sizes)", scores[0].Edges);
            Row("(random)", scores[0].Random);

            void Row(string name, IReadOnlyDictionary<string, double> values) => Console.Out.WriteLine(
                $"  {name,-30}{string.Concat(names.Select(n => values[n].ToString("0.000", CultureInfo.InvariantCulture).PadLeft(12)))}");
        }
        Terminal.Report(folder);
    }
}
