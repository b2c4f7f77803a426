using System.CommandLine;
using System.Globalization;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine project</c>.</summary>
internal static class ProjectCommand
{
    public static Command Make()
    {
        var defaults = new ProjectOptions();
        var model = new Argument<string?>("MODEL")
        {
            Description = "An ONNX file, or weights that 'vitrine tour' or 'vitrine train' wrote; none with --study",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string?> study = Options.Text("--study", "A ready question that trains its own networks", string.Join('|', Projector.Studies));
        study.AcceptOnlyFromAmong([.. Projector.Studies]);
        Option<string?> data =
            Options.Text("--data", $"The examples: {string.Join(", ", ExampleSet.Names)}, or a folder of pictures; a study has its own", "NAME|DIR");
        Option<string?> root = Options.DataRoot();
        var more = new Option<string?>("--new")
        {
            Description = "Put further examples, a data set's or a folder's, into the finished map of the last hidden layer",
            HelpName = "NAME|DIR",
        };
        Option<string[]> layers = Options.Names("--layer", "Only these layers, or all; otherwise those that make the activations", "NAME,...|all");
        var method = new Option<string>("--method")
        {
            Description = "How maps are made",
            HelpName = string.Join('|', Projector.Methods),
            DefaultValueFactory = _ => defaults.Method,
        };
        method.AcceptOnlyFromAmong([.. Projector.Methods]);
        Option<int?> points = Options.Number("--points", "Show so many examples", defaults.Points, least: 10);
        Option<int?> neighbours = Options.Number("--neighbours", "Ask so many neighbours of a point for their class", defaults.Neighbours);
        Option<string[]> epochs =
            Options.Names("--epochs", "Weights of the same network at earlier epochs, in order: maps go from the first to MODEL", "FILE,...");
        Option<int?> training = Options.AtLeast(
            new("--training") { Description = "A study's passes over its data; its own number otherwise", HelpName = "N" }, 1);
        Option<string?> preprocess = Options.Preprocess();
        Option<string?> labels = Options.Labels();
        Option<string> output = Options.Text("--out", "The folder for the page, the maps (npz) and the results", "DIR", "projected");
        Option<ulong> seed = Options.Seed();
        Option<int?> threads = Options.Threads();
        Option<bool> json = Options.Json();
        var command = new Command("project", "Map what a network makes of many examples, layer by layer: who lies among whom, before and after training.")
        {
            model, study, data, root, more, layers, method, points, neighbours, epochs, training, preprocess, labels, output, seed, threads, json,
        };
        Help.Add(command,
            "vitrine project lenet5.safetensors --data mnist", "maps of every layer, before and after training",
            "vitrine project net.onnx --data cifar10 --layer all --points 1000", "every layer of a network from elsewhere",
            "vitrine project net.onnx --data train --new inbox --preprocess imagenet", "where new photographs come to lie among known ones",
            "vitrine project last.safetensors --epochs first.safetensors,fifth.safetensors --data digits", "how the classes come apart",
            "vitrine project --study hidden-activity --data mnist", "the figure of Rauber et al. (2017): trains, maps and measures",
            "vitrine project --study speech --out speech", "who speaks and what is said, layer by layer");
        command.SetAction((parsed, cancel) =>
        {
            Options.LimitThreads(parsed.GetValue(threads));
            var options = new ProjectOptions
            {
                Model = parsed.GetValue(model),
                Study = parsed.GetValue(study),
                Data = parsed.GetValue(data),
                DataRoot = parsed.GetValue(root),
                New = parsed.GetValue(more),
                Layers = Options.Words(parsed.GetValue(layers)),
                Method = parsed.GetRequiredValue(method),
                Points = parsed.GetValue(points) ?? defaults.Points,
                Neighbours = parsed.GetValue(neighbours) ?? defaults.Neighbours,
                Epochs = Options.Words(parsed.GetValue(epochs)),
                Training = parsed.GetValue(training),
                Preprocess = parsed.GetValue(preprocess),
                Labels = parsed.GetValue(labels),
                Seed = parsed.GetValue(seed),
                Output = parsed.GetRequiredValue(output),
            };
            ProjectResult result = Terminal.Watch((stage, progress) => Projector.Run(options, stage, progress, Terminal.Warn, cancel));
            if (parsed.GetValue(json)) Console.Out.WriteLine(result.ToJson());
            else Print(result, options.Output!);
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }

    private static void Print(ProjectResult result, string folder)
    {
        Console.Out.WriteLine($"{result.Title}: {result.Points} examples, {result.Method}, {result.Neighbours} neighbours");
        foreach (ProjectedNetwork network in result.Networks)
        {
            Console.Out.WriteLine();
            Console.Out.WriteLine($"{network.Name}{string.Concat(network.Accuracy.Select(a => $"; right answers {a.Key}: {Percent(a.Value).Trim()}"))}");
            string[] hits = [.. network.Layers.SelectMany(l => l.Hits.Keys).Distinct(StringComparer.Ordinal)];
            int wide = Math.Max(12, network.Layers.Max(l => l.Layer.Length) + 2), stage = Math.Max(8, network.Layers.Max(l => l.Stage.Length) + 2);
            Console.Out.WriteLine(
                $"  {"stage".PadRight(stage)}{"layer".PadRight(wide)}{string.Concat(hits.Select(h => $"{"hit: " + h,14}"))}{"trust",9}{"contin.",9}");
            foreach (ProjectedLayer layer in network.Layers)
            {
                string shares = string.Concat(hits.Select(h => Percent(layer.Hits[h].Map).PadLeft(14)));
                Console.Out.WriteLine($"  {layer.Stage.PadRight(stage)}{layer.Layer.PadRight(wide)}{shares}" +
                    $"{Number(layer.Trustworthiness)}{Number(layer.Continuity)}");
            }
            Console.Out.WriteLine($"  {network.Outliers.Count} visual outliers in {network.Focus}, {network.SuspectedLabels.Count} suspected labels");
            if (network.New.Count > 0)
                Console.Out.WriteLine($"  {network.New.Count} new examples; around each, on average {Percent(network.New.Average(e => e.Share)).Trim()} of one class");
        }
        Terminal.Report(folder);
    }

    private static string Percent(double value) => value.ToString("P2", CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture).PadLeft(9);
}
