using System.CommandLine;
using System.Globalization;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine units</c>.</summary>
internal static class UnitsCommand
{
    public static Command Make()
    {
        Argument<string> model = Options.Model();
        var data = new Option<string>("--data")
        {
            Description = "The examples to search: digits, mnist, fashion-mnist, shapes, cifar10, or a folder of pictures",
            HelpName = "NAME|DIR",
            Required = true,
        };
        Option<string?> root = Options.DataRoot();
        var test = new Option<bool>("--test") { Description = "Search the examples to be judged by; those to learn from otherwise" };
        Option<int?> examples = Options.AtLeast(new("--examples") { Description = "Search so many examples only", HelpName = "N" }, 1);
        var layers = new Option<string[]>("--layer")
        {
            Description = "Layers by name, as the network or its file has them; every convolution and dense layer otherwise",
            HelpName = "NAME,...",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<int?> units = Options.AtLeast(new("--units")
        {
            Description = "Draw so many units of a layer [default: 16]; the search covers all",
            HelpName = "N",
        }, 1);
        Option<int?> top = Options.AtLeast(new("--top") { Description = "Keep so many examples of each unit [default: 9]", HelpName = "K" }, 1);
        Option<int?> example = Options.AtLeast(new("--example") { Description = "Draw the feature maps of this example [default: 0]", HelpName = "I" }, 0);
        var invariance = new Option<bool>("--invariance") { Description = "Draw how features stand shifts, magnification and turns" };
        var checkpoints = new Option<string[]>("--checkpoints")
        {
            Description = "Weights of the same network at earlier stages, earliest first: draw how the units came to be",
            HelpName = "FILE,...",
            AllowMultipleArgumentsPerToken = true,
        };
        var dissect = new Option<bool>("--dissect")
        {
            Description = "Compare where units are active with where concepts are (network dissection): needs data with masks, such as shapes",
        };
        var masks = new Option<string?>("--masks")
        {
            Description = "The masks of a folder of pictures: a sub-folder a concept, files named like the pictures; dissects",
            HelpName = "DIR",
        };
        var correspondence = new Option<bool>("--correspondence")
        {
            Description = "Hide the same part in several pictures, and random ones, to see if the network knows it: boxes around the masks, or --part",
        };
        var parts = new Option<string[]>("--part")
        {
            Description = "A part that is at the same place in every picture, in shares of it from 0 to 1; may be given again",
            HelpName = "NAME=TOP,LEFT,HEIGHT,WIDTH",
        };
        Option<string?> preprocess = Options.Preprocess();
        Option<string?> labels = Options.Labels();
        Option<int?> batch = Options.AtLeast(new("--batch") { Description = "Run so many examples at a time [default: 64]", HelpName = "N" }, 1);
        var output = new Option<string>("--out")
        {
            Description = "The folder for the pages and the results",
            HelpName = "DIR",
            DefaultValueFactory = _ => "units",
        };
        var resume = new Option<bool>("--resume") { Description = "Go on with the search that an interrupted run left" };
        Option<ulong> seed = Options.Seed();
        Option<int?> threads = Options.Threads();
        Option<bool> json = Options.Json();
        var command = new Command("units", "See what each unit of a network looks for: the examples that excite it most, and what of them does.")
        {
            model, data, root, test, examples, layers, units, top, example, invariance, checkpoints, dissect, masks,
                correspondence, parts, preprocess, labels, batch, output, resume, seed, threads, json,
        };
        Help.Add(command,
            "vitrine units lenet.safetensors --data mnist", "a page a layer over all 60,000 training digits",
            "vitrine units net.onnx --data photos --preprocess imagenet --layer /features/0/Conv --units 64", "64 filters of one layer on your photographs",
            "vitrine units lenet.safetensors --data digits --invariance --checkpoints early.safetensors", "how stable features are, and how they came to be",
            "vitrine units shapes.onnx --data shapes --dissect", "which units detect which shape, beside chance and shuffled weights",
            "vitrine units net.onnx --data faces --part \"left eye=0.3,0.2,0.15,0.25\"", "do features change alike when the same part of faces is hidden",
            "vitrine units net.onnx --data cifar10 --resume --json | jq '.layers[0].units[3].top'", "go on where it stopped; one unit's examples, for scripts");
        command.SetAction((parsed, cancel) =>
        {
            Options.LimitThreads(parsed.GetValue(threads));
            var options = new UnitsOptions
            {
                Model = parsed.GetRequiredValue(model),
                Data = parsed.GetRequiredValue(data),
                DataRoot = parsed.GetValue(root),
                Train = !parsed.GetValue(test),
                Examples = parsed.GetValue(examples),
                Layers = Options.Words(parsed.GetValue(layers)) is { Length: > 0 } named ? named : null,
                Units = parsed.GetValue(units) ?? 16,
                Top = parsed.GetValue(top) ?? 9,
                Example = parsed.GetValue(example) ?? 0,
                Invariance = parsed.GetValue(invariance),
                Checkpoints = Options.Words(parsed.GetValue(checkpoints)),
                Dissect = parsed.GetValue(dissect) || parsed.GetValue(masks) is not null,
                Masks = parsed.GetValue(masks),
                Correspondence = parsed.GetValue(correspondence),
                Parts = [.. (parsed.GetValue(parts) ?? []).Select(NamedPart.Parse)],
                Preprocess = parsed.GetValue(preprocess),
                Labels = parsed.GetValue(labels),
                Batch = parsed.GetValue(batch) ?? 64,
                Output = parsed.GetRequiredValue(output),
                Resume = parsed.GetValue(resume),
                Seed = parsed.GetValue(seed),
            };
            UnitsResult result = Terminal.Watch((stage, _) => UnitAtlas.Run(options, stage, cancel));
            if (parsed.GetValue(json)) Console.Out.WriteLine(result.ToJson());
            else Print(result, options.Output);
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }

    private static void Print(UnitsResult result, string folder)
    {
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{result.Examples:N0} examples of {result.Data} searched in {result.SearchSeconds:0.0} s"));
        foreach (UnitLayer layer in result.Layers)
        {
            string sees = layer.Field is { } f ? string.Create(CultureInfo.InvariantCulture, $", each sees {f[0]} x {f[1]}") : "";
            Console.Out.WriteLine($"  {layer.Layer}: {layer.Units.Count} units{sees}{(layer.Assumed is null ? "" : $" (assumed of {layer.Assumed})")}");
        }
        foreach (LayerDissection layer in result.Dissection ?? [])
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {layer.Layer}: {layer.Detectors} of {layer.Units.Count} units detect a concept ({layer.ByChance} by chance, {layer.Shuffled} with " +
                $"shuffled weights); mean IoU {layer.MeanIou:0.000} ({layer.MeanChance:0.000}, {layer.MeanShuffled:0.000})"));
        }
        foreach (PartCorrespondence part in result.Correspondence ?? [])
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {part.Layer}: {part.Part} hidden in {part.Pictures} pictures, distance {part.Distance:0.000} (random parts {part.Random:0.000}, one " +
                $"random place {part.OnePlace:0.000})"));
        }
        Terminal.Report(folder);
    }
}
