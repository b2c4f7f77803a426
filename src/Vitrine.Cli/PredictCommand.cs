using System.CommandLine;
using System.Globalization;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine predict</c>.</summary>
internal static class PredictCommand
{
    public static Command Make()
    {
        var weights = new Argument<string>("WEIGHTS") { Description = "A file that 'vitrine tour' or 'vitrine train' wrote" };
        var images = new Argument<string[]>("IMAGE")
        {
            Description = "PNG files of 28 x 28, or FILE#12 for example 12 (from 0) of an IDX file",
            Arity = ArgumentArity.OneOrMore
        };
        Option<int?> top = Options.AtLeast(new("--top") { Description = "Print so many answers for each picture [default: 3]", HelpName = "N" }, 1);
        var invert = new Option<bool>("--invert") { Description = "The pictures are dark on light; the network wants bright on dark" };
        var command = new Command("predict", "Ask a trained LeNet-5 what is in pictures.") { weights, images, top, invert };
        Help.Add(command,
            "vitrine predict tour/lenet5.safetensors seven.png", "what is it?",
            "vitrine predict tour/lenet5.safetensors 'data/mnist/t10k-images-idx3-ubyte.gz#0'", "the first test example of MNIST",
            "vitrine predict tour/lenet5.safetensors --invert scan.png", "ink on paper");
        command.SetAction((parsed, cancel) =>
        {
            var network = LeNetPrediction.Open(parsed.GetRequiredValue(weights));
            foreach (string image in parsed.GetRequiredValue(images))
            {
                cancel.ThrowIfCancellationRequested();
                IReadOnlyList<Answer> answers = network.Ask(LeNetPrediction.Read(image, parsed.GetValue(invert)));
                IEnumerable<string> shown = answers.Take(parsed.GetValue(top) ?? 3).Select(a => string.Create(CultureInfo.InvariantCulture,
                    $"{a.Name} {100 * a.Probability:0.0} %"));
                Console.Out.WriteLine($"{image}: {string.Join(", ", shown)}");
            }
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }
}
