using System.CommandLine;
using System.Globalization;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine finetune</c>.</summary>
internal static class FineTuneCommand
{
    public static Command Make()
    {
        var defaults = new FineTuneOptions { Model = "", Data = "" };
        var model = new Argument<string>("MODEL") { Description = "A classifier of pictures (.onnx), or weights that 'vitrine train' or 'vitrine tour' wrote" };
        var data = new Option<string>("--data")
        {
            Description = "A folder whose sub-folders are the classes, or digits, mnist, fashion-mnist, shapes or cifar10",
            HelpName = "DIR|NAME",
            Required = true,
        };
        Option<string?> root = Options.DataRoot();
        Option<string?> preprocess = Options.Preprocess();
        Option<string?> freeze = Options.Text(
            "--freeze", "What stays as it is: so many layers from the input on, all up to the layer of this name, or all but the new one", "N|LAYER|all");
        Option<double> rate = Options.Rate("The learning rate of the last layer", defaults.LearningRate);
        Option<double> discriminative = Options.Within(new Option<double>("--discriminative")
        {
            Description = "Divide the learning rate by this from each layer to the one before it (Howard and Ruder 2018 take 2.6)",
            HelpName = "FACTOR",
            DefaultValueFactory = _ => defaults.Discriminative,
        }, f => f >= 1 && double.IsFinite(f), "at least 1");
        Option<int?> epochs = Options.Number("--epochs", "Walks through the pictures", defaults.Epochs);
        Option<int?> batch = Options.Number("--batch", "Pictures in a step", defaults.BatchSize);
        Option<double> validation = Options.Within(new Option<double>("--validation")
        {
            Description = "The part of each class's pictures that is kept to judge by",
            HelpName = "X",
            DefaultValueFactory = _ => defaults.Validation,
        }, v => v is > 0 and < 1, "between 0 and 1");
        Option<int?> examples = Options.Examples();
        Option<int?> patience = Options.Patience("pictures");
        var scratch = new Option<bool>("--scratch") { Description = "Draw every weight anew first, to see what the trained ones are worth" };
        Option<ulong> seed = Options.Seed();
        Option<int?> threads = Options.Threads();
        Option<string> output = Options.Text(
            "--out", "The file for the network: .onnx, or .safetensors for LeNet-5; the page goes into a folder beside it", "FILE", defaults.Output);
        Option<bool> resume = Options.Resume();
        Option<bool> json = Options.Json();
        var command = new Command("finetune", "Teach a trained network other classes.")
        {
            model, data, root, preprocess, freeze, rate, discriminative, epochs, batch, validation, examples, patience, scratch, seed, threads, output, resume,
            json,
        };
        Help.Add(command,
            "vitrine finetune squeezenet.onnx --data photos --preprocess caffe --freeze all --out mine.onnx", "a new last layer on features that stay",
            "vitrine finetune squeezenet.onnx --data photos --preprocess caffe --discriminative 1.3 --lr 3e-4 --out mine.onnx",
            "all layers, the first ones slowly",
            "vitrine finetune lenet5.safetensors --data fashion-mnist --freeze conv2 --out clothes.safetensors", "clothes on the filters of digits");
        command.SetAction((parsed, cancel) =>
        {
            Options.LimitThreads(parsed.GetValue(threads));
            var options = new FineTuneOptions
            {
                Model = parsed.GetRequiredValue(model),
                Data = parsed.GetRequiredValue(data),
                DataRoot = parsed.GetValue(root),
                Preprocess = parsed.GetValue(preprocess),
                Freeze = parsed.GetValue(freeze),
                LearningRate = parsed.GetValue(rate),
                Discriminative = parsed.GetValue(discriminative),
                Epochs = parsed.GetValue(epochs) ?? defaults.Epochs,
                BatchSize = parsed.GetValue(batch) ?? defaults.BatchSize,
                Validation = parsed.GetValue(validation),
                Examples = parsed.GetValue(examples),
                Patience = parsed.GetValue(patience),
                Scratch = parsed.GetValue(scratch),
                Seed = parsed.GetValue(seed),
                Output = parsed.GetRequiredValue(output),
                Resume = parsed.GetValue(resume),
            };
            FineTuneResult result = Terminal.Watch((stage, training) => FineTuning.Run(options, training, stage, Terminal.Warn, cancel));
            if (parsed.GetValue(json)) Console.Out.WriteLine(result.ToJson());
            else Print(result);
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }

    private static void Print(FineTuneResult result)
    {
        FineTunedLayer[] frozen = [.. result.Layers.Where(l => l.Frozen)];
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{100 * result.Accuracy:0.0} % of {result.Validation:N0} unseen pictures of {result.Classes.Count} classes named rightly (95% interval " +
            $"{100 * result.AccuracyLow:0.0} to {100 * result.AccuracyHigh:0.0} %), after {result.Epochs.Count} " +
            $"{(result.Epochs.Count == 1 ? "epoch" : "epochs")} on {result.Training:N0}."));
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{frozen.Length} of {result.Layers.Count} layers stayed as they were{(frozen.Length > 0 ? $" (up to {frozen[^1].Name})" : "")}; " +
            $"{result.Learned:N0} of {result.Parameters:N0} weights learned."));
        if (result.Skipped.Count > 0) Console.Out.WriteLine($"{result.Skipped.Count} pictures could not be read and were left out.");
        Console.Out.WriteLine($"Network: {result.Output}");
        Console.Out.WriteLine($"Classes: {result.Labels}");
        Terminal.Report(Path.GetDirectoryName(result.Report));
    }
}
