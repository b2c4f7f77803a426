using System.CommandLine;
using System.Globalization;
using Vitrine.Experiments;
using Vitrine.Insight;
using static Vitrine.Cli.Options;

namespace Vitrine.Cli;

/// <summary><c>vitrine attack</c>.</summary>
internal static class AttackCommand
{
    public static Command Make()
    {
        var model = new Argument<string?>("MODEL")
        {
            Description = "An ONNX file, or weights that 'vitrine tour' or 'vitrine train' wrote",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var inputs = new Argument<string[]>("INPUT")
        {
            Description = "Pictures, folders or patterns: each has the class the network finds likeliest",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<string?> data = Text("--data", "Examples of a data set instead, or of a folder of classes: " + string.Join(", ", ExampleSet.Names), "NAME|DIR");
        Option<string?> root = Options.DataRoot();
        Option<int?> examples = Options.AtLeast(new("--examples")
        {
            Description = "At most so many examples of the data; 200 otherwise, with --study all",
            HelpName = "N",
        }, 1);
        var attacks = new Option<string[]>("--attack")
        {
            Description = $"{string.Join(", ", AttackKind.All.Where(k => !k.IsNoise).Select(k => k.Name))}, {AttackKind.Universal} [default: fgsm, pgd]",
            HelpName = "NAME,...",
            AllowMultipleArgumentsPerToken = true,
        };
        var epsilons = new Option<string[]>("--epsilon")
        {
            Description = "Sizes of the change, for pixels from 0 to 1; what range, mean and deviation the network wants makes no difference: " +
                "they are converted channel by channel",
            HelpName = "X,...",
            AllowMultipleArgumentsPerToken = true,
        };
        epsilons.Validators.Add(result =>
        {
            foreach (string word in result.Tokens.SelectMany(t => Words([t.Value])))
            {
                if (!float.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out float value) || !(value > 0) || !float.IsFinite(value))
                    result.AddError($"--epsilon has '{word}'; it should be numbers above 0, such as 0.01,0.03.");
            }
        });
        var norm = new Option<string>("--norm")
        {
            Description = "Measure sizes by the largest change of a pixel or by the length of the whole change",
            HelpName = "linf|l2",
            DefaultValueFactory = _ => "linf",
        };
        norm.AcceptOnlyFromAmong("linf", "l2");
        Option<string?> target = Text("--target", "A class to be reached, by number or label; otherwise any wrong one will do", "CLASS");
        var noise = new Option<bool>("--noise") { Description = "Measure uniform and normal noise too, beside the random signs that always are" };
        var against = new Option<string[]>("--against")
        {
            Description = "Show what fools the model to these networks too",
            HelpName = "MODEL2,...",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string?> preprocess = Options.Preprocess();
        Option<string?> labels = Options.Labels();
        Option<string?> study = Text("--study", "Train networks on mnist (or digits, fashion-mnist) with and without attacks, and compare", "DATA");
        Option<int?> epochs = Options.AtLeast(new("--epochs")
        {
            Description = "With --study: walks through the data for each network; 5 otherwise",
            HelpName = "N",
        }, 1);
        Option<int?> train = Options.AtLeast(new("--train-examples") { Description = "With --study: learn from so many examples only", HelpName = "N" }, 1);
        Option<string?> output = Options.Folder();
        Option<ulong> seed = Options.Seed();
        Option<int?> threads = Options.Threads();
        Option<bool> json = Options.Json();
        var command = new Command("attack", "Fool a network with small changes, and measure how much it withstands, beside noise of the same size.")
        {
            model, inputs, data, root, examples, attacks, epsilons, norm, target, noise, against, preprocess, labels, study, epochs, train, output, seed,
            threads, json,
        };
        command.Validators.Add(result =>
        {
            bool whole = result.GetResult(study) is not null;
            bool named = result.GetResult(model) is { Tokens.Count: > 0 };
            if (whole == named) result.AddError("Name a MODEL, or a study with --study.");
        });
        Help.Add(command,
            "vitrine attack squeezenet.onnx photos --labels classes.json --out attacked", "each photo plus a little is something else",
            "vitrine attack lenet5.safetensors --data mnist --attack fgsm,pgd,deepfool --noise --out attacked", "accuracy against the size of the change",
            "vitrine attack net.onnx --data cifar10 --norm l2 --epsilon 0.1,0.25,0.5 --against other.onnx", "does what fools one fool the other",
            "vitrine attack --study mnist --out study", "softmax regression and LeNet-5, trained with and without attacks");
        command.SetAction((parsed, cancel) =>
        {
            Options.LimitThreads(parsed.GetValue(threads));
            AttackResult result = Terminal.Watch((stage, training) => parsed.GetValue(study) is { } on
                ? AttackStudy.Run(new AttackStudyOptions
                {
                    Data = on,
                    DataRoot = parsed.GetValue(root),
                    Examples = parsed.GetValue(examples),
                    TrainExamples = parsed.GetValue(train),
                    Epochs = parsed.GetValue(epochs) ?? new AttackStudyOptions().Epochs,
                    Output = parsed.GetValue(output),
                    Seed = parsed.GetValue(seed),
                }, stage, training, cancel)
                : Attacker.Run(new AttackOptions
                {
                    Model = parsed.GetRequiredValue(model)!,
                    Inputs = parsed.GetValue(inputs) ?? [],
                    Data = parsed.GetValue(data),
                    DataRoot = parsed.GetValue(root),
                    Examples = parsed.GetValue(examples) ?? 200,
                    Attacks = parsed.GetValue(attacks) is { Length: > 0 } names ? Words(names) : ["fgsm", "pgd"],
                    Epsilons = parsed.GetValue(epsilons) is { Length: > 0 } sizes
                        ? [.. Words(sizes).Select(w => float.Parse(w, CultureInfo.InvariantCulture))] : null,
                    Norm = parsed.GetValue(norm) == "l2" ? AttackNorm.Two : AttackNorm.Infinity,
                    Target = parsed.GetValue(target),
                    Noise = parsed.GetValue(noise),
                    Against = Words(parsed.GetValue(against) ?? []),
                    Preprocess = parsed.GetValue(preprocess),
                    Labels = parsed.GetValue(labels),
                    Output = parsed.GetValue(output),
                    Seed = parsed.GetValue(seed),
                }, stage, cancel));
            if (parsed.GetValue(json)) Console.Out.WriteLine(result.ToJson());
            else Print(result, parsed.GetValue(output));
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }

    private static void Print(AttackResult result, string? folder)
    {
        TextWriter to = Console.Out;
        foreach ((string network, double accuracy) in result.Accuracy)
        {
            to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{network}: {100 * accuracy:0.0} % named rightly, unharmed"));
            foreach (AttackScore score in result.Scores.Where(s => s.Network == network))
            {
                string size = score.Epsilon is { } e ? e.ToString("0.####", CultureInfo.InvariantCulture) : "";
                string reached = score.Reached is { } r ? string.Create(CultureInfo.InvariantCulture, $", target reached {100 * r:0.0} %") : "";
                string sure = score.Confidence is { } c ? string.Create(CultureInfo.InvariantCulture, $", sure of errors by {100 * c:0.0} %") : "";
                to.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"  {score.Attack,-16}{size,8}{(score.Clipped ? "" : " unclipped"),-11}{100 * score.Accuracy,6:0.0} % named rightly{reached}{sure}"));
            }
            foreach (AttackMinimum minimum in result.Minima.Where(m => m.Network == network))
                to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  half are fooled by {minimum.Median:0.####} ({minimum.Norm}, {minimum.Attack})"));
        }
        foreach (AttackTransfer transfer in result.Transfers)
        {
            to.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{transfer.Attack} {transfer.Epsilon:0.####}, {transfer.Examples} examples: made on a row, shown to a column"));
            for (int i = 0; i < transfer.Networks.Count; i++)
            {
                string row = string.Concat(transfer.Fooled[i].Select(f => string.Create(CultureInfo.InvariantCulture, $"{100 * f,8:0.0} %")));
                to.WriteLine($"  {transfer.Networks[i],-32}{row}");
            }
        }
        Terminal.Report(folder);
    }
}
