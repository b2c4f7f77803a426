using System.CommandLine;
using Vitrine.Experiments;
using Vitrine.Insight;

namespace Vitrine.Cli;

/// <summary><c>vitrine explain</c>.</summary>
internal static class ExplainCommand
{
    public static Command Make()
    {
        Argument<string> model = Options.Model();
        var inputs = new Argument<string[]>("INPUT")
        {
            Description = "Pictures; .csv (a row an example), .txt (a text a line, with --vocabulary), .npy; folders of what the network reads; patterns",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string[]> methods = Options.Names(
            "--method", "Methods ('vitrine methods' lists them), or all [default: integrated gradients, guided backprop, grad-cam, occlusion]", "NAME,...|all");
        Option<string> target = Options.Text("--target", "top, a class by number or label, or neuron:SCOPE:CHANNEL,ROW,COLUMN", "CLASS", "top");
        Option<string> baseline =
            Options.Text("--baseline", "What inputs are compared with: zeros, mean, blur, a number, or token:NUMBER for texts", "NAME", "zeros");
        Option<string> audit = Options.Text("--audit", "How much is checked: quick, full or none", "LEVEL", "quick");
        audit.AcceptOnlyFromAmong("quick", "full", "none");
        Option<string?> wrt = Options.Text("--wrt", "Attribute to this layer or value instead of the input", "SCOPE");
        Option<string?> layer = Options.Text("--layer", "The layer that class activation maps look at; the last of feature maps otherwise", "SCOPE");
        Option<string?> preprocess = Options.Preprocess();
        Option<string?> labels = Options.Labels();
        Option<string?> vocabulary = Options.Vocabulary();
        Option<string?> columns = Options.Text("--columns", "For tables: a JSON file that says how columns become inputs", "FILE");
        Option<string?> background =
            Options.Text("--background", "For tables: rows to compare with, such as those learned from [default: the table itself]", "FILE");
        Option<string?> mask = Options.Text("--mask", "A picture, white where the answer should be seen: is the explanation there?", "FILE");
        Option<string> output = Options.Text("--out", "The folder for the pages, the values and the results", "DIR", "explained");
        Option<ulong> seed = Options.Seed();
        Option<int?> threads = Options.Threads();
        var resume = new Option<bool>("--resume") { Description = "Leave inputs that are explained already as they are" };
        Option<bool> json = Options.Json();
        var command = new Command("explain", "Say why a network answers as it does, and how far to believe it.")
        {
            model, inputs, methods, target, baseline, audit, wrt, layer, preprocess, labels, vocabulary, columns, background, mask, output, seed, threads,
            resume, json,
        };
        Help.Add(command,
            "vitrine explain net.onnx cat.jpg --preprocess imagenet --labels classes.json", "a page by four methods, audited",
            "vitrine explain net.onnx photos --method all --audit none --out why", "every method on every picture of a folder",
            "vitrine explain net.onnx cat.jpg --target neuron:conv5:12,3,3", "why this neuron",
            "vitrine explain net.onnx cat.jpg --audit full --mask cat-mask.png", "every check, and whether the explanation is on the cat",
            "vitrine explain table.onnx rows.csv --columns columns.json --method \"kernel shap,lime for tables\"", "a bar for every column of every row");
        command.SetAction((parsed, cancel) =>
        {
            Options.LimitThreads(parsed.GetValue(threads));
            string[] names = Options.Words(parsed.GetValue(methods));
            var options = new ExplainOptions
            {
                Model = parsed.GetRequiredValue(model),
                Inputs = parsed.GetRequiredValue(inputs),
                Target = parsed.GetRequiredValue(target),
                Baseline = parsed.GetRequiredValue(baseline),
                Audit = parsed.GetRequiredValue(audit) switch
                {
                    "none" => null,
                    "full" => AuditLevel.Full,
                    _ => AuditLevel.Quick,
                },
                Wrt = parsed.GetValue(wrt),
                Layer = parsed.GetValue(layer),
                Preprocess = parsed.GetValue(preprocess),
                Labels = parsed.GetValue(labels),
                Vocabulary = parsed.GetValue(vocabulary),
                Columns = parsed.GetValue(columns),
                Background = parsed.GetValue(background),
                Mask = parsed.GetValue(mask),
                Output = parsed.GetRequiredValue(output),
                Seed = parsed.GetValue(seed),
                Resume = parsed.GetValue(resume),
            };
            if (names.Length > 0) options = options with { Methods = names };
            ExplainResult result = Terminal.Watch((stage, _) => Explainer.Run(options, stage, cancel));
            if (parsed.GetValue(json)) Console.Out.WriteLine(result.ToJson());
            else Print(result, options.Output);
            return Task.FromResult(result.AnyFailed ? ExitCode.Failure : ExitCode.Ok);
        });
        return command;
    }

    private static void Print(ExplainResult result, string folder)
    {
        foreach (ExplainedInput input in result.Inputs)
        {
            if (input.Error is not null)
            {
                Terminal.Error($"{input.Input}: {input.Error}");
                continue;
            }
            Console.Out.WriteLine($"{input.Input}: {input.Target}");
            foreach (ExplainedMethod method in input.Methods) Console.Out.WriteLine($"  {method.Method}: {method.Error ?? method.Verdict ?? "explained"}");
        }
        Terminal.Report(folder);
    }
}
