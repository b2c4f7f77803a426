using System.CommandLine;
using System.Globalization;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine train</c>.</summary>
internal static class TrainCommand
{
    public static Command Make()
    {
        var defaults = new TrainingOptions();
        Option<string> data = Options.Data();
        Option<string?> root = Options.DataRoot();
        Option<int?> epochs = Options.Number("--epochs", "Walks through the data", defaults.Epochs);
        Option<int?> batch = Options.Number("--batch", "Examples in a step", defaults.BatchSize);
        Option<double> rate = Options.Rate("The learning rate: the size of a step", defaults.LearningRate);
        var optimizer = new Option<string>("--optimizer")
        {
            Description = "How weights are moved",
            HelpName = string.Join('|', TrainingOptions.Optimizers),
            DefaultValueFactory = _ => defaults.Optimizer,
        };
        optimizer.AcceptOnlyFromAmong([.. TrainingOptions.Optimizers]);
        var schedule = new Option<string>("--schedule")
        {
            Description = "Let the learning rate fall along a cosine, or keep it",
            HelpName = string.Join('|', TrainingOptions.Schedules),
            DefaultValueFactory = _ => defaults.Schedule,
        };
        schedule.AcceptOnlyFromAmong([.. TrainingOptions.Schedules]);
        Option<ulong> seed = Options.Seed();
        Option<string> output = Options.Text("--out", "The file for the weights (safetensors); the checkpoint lies beside it", "FILE", defaults.Output);
        Option<bool> resume = Options.Resume();
        Option<int?> patience = Options.Patience("data");
        var adversarial = new Option<string?>("--adversarial")
        {
            Description = "Train against attacks: fgsm for the loss on attacked and other examples, pgd for attacked ones alone (about ten times the work)",
            HelpName = string.Join('|', TrainingOptions.Adversaries),
        };
        adversarial.AcceptOnlyFromAmong([.. TrainingOptions.Adversaries]);
        Option<float> epsilon = Options.Within(new Option<float>("--epsilon")
        {
            Description = "With --adversarial: how far an attacked pixel may be from the original, of 0 to 1",
            HelpName = "X",
            DefaultValueFactory = _ => defaults.Epsilon,
        }, e => e is > 0 and <= 1, "above 0 and at most 1");
        Option<int?> threads = Options.Threads();
        Option<int?> examples = Options.Examples();
        var command = new Command("train", "Train LeNet-5 and keep its weights.")
        {
            data, root, epochs, batch, rate, schedule, optimizer, seed, output, resume, patience, adversarial, epsilon, threads, examples,
        };
        Help.Add(command,
            "vitrine train --data mnist --epochs 10 --patience 2 --out mnist.safetensors", "on MNIST, until it no longer gets better",
            "vitrine train --data mnist --epochs 10 --patience 2 --out mnist.safetensors --resume", "the same after Ctrl+C, from where it stopped",
            "vitrine train --optimizer nesterov --lr 0.02 --batch 128", "on drawn digits, another way",
            "vitrine train --data mnist --adversarial pgd --epsilon 0.25 --out robust.safetensors", "so that it withstands attacks ('vitrine attack')");
        command.SetAction((parsed, cancel) =>
        {
            Options.LimitThreads(parsed.GetValue(threads));
            var options = new TrainingOptions
            {
                Data = parsed.GetRequiredValue(data),
                DataRoot = parsed.GetValue(root),
                Epochs = parsed.GetValue(epochs) ?? defaults.Epochs,
                BatchSize = parsed.GetValue(batch) ?? defaults.BatchSize,
                LearningRate = parsed.GetValue(rate),
                Schedule = parsed.GetRequiredValue(schedule),
                Optimizer = parsed.GetRequiredValue(optimizer),
                Seed = parsed.GetValue(seed),
                Output = parsed.GetRequiredValue(output),
                Resume = parsed.GetValue(resume),
                Patience = parsed.GetValue(patience),
                Examples = parsed.GetValue(examples),
                Adversarial = parsed.GetValue(adversarial),
                Epsilon = parsed.GetValue(epsilon),
            };
            TrainedLeNet trained = Terminal.Watch((stage, training) => LeNetTraining.Run(options, training, stage, cancel));
            string ending = trained.Log.Ending == "early stop" ? $" Stopped early; the weights are those of epoch {trained.Log.BestEpoch}." : "";
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{100 * trained.Test.Accuracy:0.00} % of {trained.Test.Data.Count:N0} unseen examples named rightly, after {trained.Log.Epochs.Count} " +
                    $"epochs in {trained.Seconds:0.0} s.{ending}"));
            Console.Out.WriteLine($"Weights: {trained.Weights}");
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }
}
