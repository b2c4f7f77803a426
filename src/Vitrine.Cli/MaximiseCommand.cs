using System.CommandLine;
using System.Globalization;
using Vitrine.Experiments;
using static Vitrine.Cli.Options;

namespace Vitrine.Cli;

/// <summary><c>vitrine maximise</c>.</summary>
internal static class MaximiseCommand
{
    public static Command Make()
    {
        Argument<string> model = Options.Model();
        Option<string?> layer = Text("--layer", "The layer whose units are maximised ('vitrine open' lists them); the output otherwise", "SCOPE");
        Option<string?> units = Text("--units", "Which units: numbers and ranges, or all [default: all]", "A-B,N,...|all");
        Option<string?> kind = Text("--class", "A class by number or label: its logit is maximised", "K");
        Option<string?> objective =
            Text("--objective",
                "channel (its mean), neuron (its middle), logit, layer (all of it), difference (of two units), diversity (one unit, four pictures), " +
                "direction (see --direction)", "NAME");
        objective.AcceptOnlyFromAmong([.. Enum.GetNames<MaximiseObjective>().Select(n => n.ToLowerInvariant())]);
        Option<string?> direction = Text(
            "--direction", "A direction among the layer's units, such as a concept vector: one number a unit, in .npy or text", "FILE");
        Option<string?> from = Text("--from", "Start from this picture, or from noise; a caricature starts from its picture otherwise", "PICTURE|noise");
        Option<string?> dream = Text("--dream", "DeepDream: let the layer see more of what it sees in this picture", "PICTURE");
        Option<string?> caricature = Text("--caricature", "Exaggerate what the layer sees in this picture", "PICTURE");
        Option<string?> writing =
            Text("--in", "What is changed: fourier (frequencies and decorrelated colours) or pixels (blurred and cropped as it goes) [default: fourier]",
                "NAME");
        writing.AcceptOnlyFromAmong("fourier", "pixels");
        var still = new Option<bool>("--still") { Description = "Do not move, turn and scale the pictures at random in every step" };
        Option<int?> steps = Options.AtLeast(
            new("--steps") { Description = "So many steps of gradient ascent [default: 96; 192 for a caricature]", HelpName = "N" }, 1);
        var rate = new Option<double?>("--rate") { Description = "The size of a step [default: 0.2; 0.05 for a caricature]", HelpName = "R" };
        var resume = new Option<bool>("--resume") { Description = "Leave pictures that an interrupted run has made as they are" };
        Option<int?> size = Options.AtLeast(new("--size") { Description = "The side of the pictures, for networks that leave it open", HelpName = "N" }, 1);
        var data = new Option<string[]>("--data")
        {
            Description = $"Real examples to compare with: {string.Join(", ", ExampleSet.Names)}, or a folder of pictures",
            HelpName = "NAME|FOLDER",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string?> root = Options.DataRoot();
        Option<int?> examples =
            Options.AtLeast(new("--examples") { Description = "Look at so many examples of each data set [default: 1000]", HelpName = "N" }, 1);
        Option<int?> batch = Options.AtLeast(new("--batch") { Description = "Make so many pictures at once [default: 8]", HelpName = "N" }, 1);
        Option<string?> preprocess = Options.Preprocess();
        Option<string?> labels = Options.Labels();
        Option<string?> output = Text("--out", "The folder for the page, the pictures and the results [default: maximised]", "DIR");
        Option<ulong> seed = Options.Seed();
        Option<int?> threads = Options.Threads();
        Option<bool> json = Options.Json();
        var command = new Command("maximise", "Make the pictures that a unit, a layer or a class of a network answers to most, beside the best real examples.")
        {
            model, layer, units, kind, objective, direction, from, dream, caricature, writing, still, steps, rate, size, data, root, examples, batch,
                preprocess,
            labels,
            output, seed, threads, resume, json,
        };
        Help.Add(command,
            "vitrine maximise net.onnx --layer conv4 --units 0-15 --preprocess imagenet --data photos",
                "sixteen channels, each beside the photo that excites it most",
            "vitrine maximise lenet.safetensors --data mnist", "what LeNet-5 takes for a perfect 0, 1, ... 9",
            "vitrine maximise net.onnx --layer conv4 --dream cat.jpg", "DeepDream",
            "vitrine maximise net.onnx --layer conv4 --caricature cat.jpg", "the same, exaggerated",
            "vitrine maximise net.onnx --layer conv4 --direction stripes.npy --data photos", "what a concept vector stands for",
            "vitrine maximise net.onnx --layer conv4 --units 12 --objective diversity", "several things that one unit looks for");
        command.SetAction((parsed, cancel) =>
        {
            Options.LimitThreads(parsed.GetValue(threads));
            var options = new MaximiseOptions
            {
                Model = parsed.GetRequiredValue(model),
                Layer = parsed.GetValue(layer),
                Units = parsed.GetValue(units),
                Class = parsed.GetValue(kind),
                Objective = parsed.GetValue(objective) is { } name ? Enum.Parse<MaximiseObjective>(name, ignoreCase: true) : null,
                Direction = parsed.GetValue(direction),
                From = parsed.GetValue(from),
                Dream = parsed.GetValue(dream),
                Caricature = parsed.GetValue(caricature),
                Writing = parsed.GetValue(writing) == "pixels" ? MaximiseWriting.Pixels : MaximiseWriting.Fourier,
                Robust = !parsed.GetValue(still),
                Steps = parsed.GetValue(steps),
                Rate = parsed.GetValue(rate),
                Resume = parsed.GetValue(resume),
                Size = parsed.GetValue(size),
                Data = parsed.GetValue(data) ?? [],
                DataRoot = parsed.GetValue(root),
                Examples = parsed.GetValue(examples) ?? 1000,
                Batch = parsed.GetValue(batch) ?? 8,
                Preprocess = parsed.GetValue(preprocess),
                Labels = parsed.GetValue(labels),
                Output = parsed.GetValue(output) ?? "maximised",
                Seed = parsed.GetValue(seed),
            };
            MaximiseResult result = Terminal.Watch((stage, _) => Maximiser.Run(options, stage, cancel));
            if (parsed.GetValue(json)) Console.Out.WriteLine(result.ToJson());
            else Print(result, options.Output);
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }

    private static void Print(MaximiseResult result, string folder)
    {
        bool compared = result.Pictures.Any(p => p.Real is not null);
        TextTable.Write(
            Console.Out,
            compared ? ["", "start", "reached", "best real", "times", "example"] : ["", "start", "reached"],
            result.Pictures.Select(p => (string[])
            [
                p.Name, Number(p.Start), Number(p.Reached),
                .. compared ? [Number(p.Real ?? 0), p.Ratio is { } ratio ? Number(ratio) : "-", p.Example ?? "-"] : Array.Empty<string>(),
            ]),
            leftColumns: 1);
        foreach (MaximisedPicture p in result.Pictures.Where(p => p.Cosine is not null))
            Console.Out.WriteLine($"The cosine of its activations with those of {p.Example} is {Number(p.Cosine!.Value)}.");
        if (result.Data.Count > 0)
        {
            Console.Out.WriteLine($"{result.Twice} of {result.Pictures.Count} reach at least twice the best real example" +
                $"{(result.Dead > 0 ? $"; no example excites {result.Dead}" : "")}");
        }
        Terminal.Report(folder);
    }

    private static string Number(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
