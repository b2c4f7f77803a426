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
            model, data, root, test, examples, layers, units, top, example, invariance, checkpoints, preprocess, labels, batch, output, resume, seed, threads,
                json,
        };
        Help.Add(command,
            "vitrine units lenet.safetensors --data mnist", "a page a layer over all 60,000 training digits",
            "vitrine units net.onnx --data photos --preprocess imagenet --layer /features/0/Conv --units 64", "64 filters of one layer on your photographs",
            "vitrine units lenet.safetensors --data digits --invariance --checkpoints early.safetensors", "how stable features are, and how they came to be",
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
        Terminal.Report(folder);
    }
}
