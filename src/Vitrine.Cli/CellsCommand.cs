using System.CommandLine;
using System.Globalization;
using Vitrine.Experiments;
using Vitrine.Insight;

namespace Vitrine.Cli;

/// <summary><c>vitrine cells</c>.</summary>
internal static class CellsCommand
{
    public static Command Make()
    {
        var model = new Argument<string>("MODEL") { Description = "A model that 'vitrine train-text' wrote" };
        var text = new Argument<string>("TEXT") { Description = "The text it learned from, of which the last tenth is unseen, or another text" };
        Option<string[]> hypotheses = Options.Names("--hypotheses", $"Only these: {string.Join(", ", TextHypothesis.All.Select(h => h.Name))}");
        Option<string[]> cells = Options.Names("--cell", "Show these cells as coloured text: layer:number (1:0 is the first), or all", "L:K,...|all");
        Option<int?> characters = Options.AtLeast(
            new("--characters") { Description = "Search on, and report on, at most so many characters; 100,000 otherwise", HelpName = "N" }, 2000);
        Option<int?> shifts = Options.AtLeast(
            new("--shifts") { Description = "Repeat the search so often on shifted hypotheses, to see what chance finds; 99 otherwise", HelpName = "N" }, 1);
        Option<ulong> seed = Options.Seed();
        Option<int?> threads = Options.Threads();
        Option<string?> output = Options.Folder();
        Option<bool> json = Options.Json();
        var command = new Command("cells", "Search the cells of a character language model for meaning, beside an untrained network and chance.")
        {
            model, text, hypotheses, cells, characters, shifts, seed, threads, output, json,
        };
        Help.Add(command,
            "vitrine cells book.safetensors book.txt --out cells", "which cell knows what, and a page with coloured text",
            "vitrine cells book.safetensors book.txt --cell 2:17 --hypotheses \"inside quotes\" --out cells", "this cell, and who knows about quotes",
            "vitrine cells book.safetensors book.txt --json | jq '.hypotheses[] | [.hypothesis, .cells[0].auc]'", "for scripts");
        command.SetAction((parsed, cancel) =>
        {
            Options.LimitThreads(parsed.GetValue(threads));
            var options = new CellOptions
            {
                Model = parsed.GetRequiredValue(model),
                Text = parsed.GetRequiredValue(text),
                Hypotheses = Options.Words(parsed.GetValue(hypotheses)) is { Length: > 0 } names ? names : null,
                Cells = Options.Words(parsed.GetValue(cells)),
                Characters = parsed.GetValue(characters) ?? 100_000,
                Shifts = parsed.GetValue(shifts) ?? 99,
                Seed = parsed.GetValue(seed),
                Output = parsed.GetValue(output),
            };
            CellResult result = Terminal.Watch((stage, _) => CellStudy.Run(options, stage, Terminal.Warn, cancel));
            if (parsed.GetValue(json)) Console.Out.WriteLine(result.ToJson());
            else Print(result, options.Output);
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }

    private static void Print(CellResult result, string? folder)
    {
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{result.Cells} cells of {result.Model}, {result.Bits:0.000} bits a character; searched on {result.SearchCharacters:N0} characters, " +
            $"figures from {result.ReportCharacters:N0} others"));
        Console.Out.WriteLine($"  {"hypothesis",-20}{"cell",8}{"AUC",8}{"rank",8}{"untrained",11}{"character",11}{"chance",8}{"p",7}");
        foreach (HypothesisResult h in result.Hypotheses)
        {
            if (h.Declined is not null)
            {
                Console.Out.WriteLine($"  {h.Hypothesis,-20}  {h.Declined}");
                continue;
            }
            FoundCell c = h.Cells[0];
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {h.Hypothesis,-20}{c.Cell,8}{c.Auc,8:0.000}{c.Spearman,8:0.000}{h.Untrained,11:0.000}{h.CharacterAlone,11:0.000}" +
                $"{h.Chance,8:0.000}{h.P,7:0.00}"));
        }
        Terminal.Report(folder);
    }
}
