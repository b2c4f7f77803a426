using System.CommandLine;
using System.Globalization;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine predict</c>.</summary>
internal static class PredictCommand
{
    public static Command Make()
    {
        var model = new Argument<string>("MODEL") { Description = "A network (.onnx), or weights that 'vitrine tour' or 'vitrine train' wrote" };
        var images = new Argument<string[]>("IMAGE")
        {
            Description = "Pictures (PNG, JPEG, BMP, PPM), folders, patterns; for LeNet-5's weights 28 x 28, or FILE#12 for example 12 (from 0) of an IDX file",
            Arity = ArgumentArity.OneOrMore
        };
        Option<string?> preprocess = Options.Preprocess();
        Option<string?> labels = Options.Labels();
        Option<int?> top = Options.Number("--top", "Print so many answers for each picture", 5);
        Option<int?> batch = Options.Number("--batch", "Pictures that go through the network at once", 8);
        var invert = new Option<bool>("--invert") { Description = "The pictures are dark on light; LeNet-5 wants bright on dark" };
        Option<int?> threads = Options.Threads();
        Option<bool> json = Options.Json();
        var csv = new Option<bool>("--csv") { Description = "Print comma-separated values: picture, rank, class, label, score, probability, error" };
        var command = new Command("predict", "Ask a trained network what is in pictures.")
        {
            model, images, preprocess, labels, top, batch, invert, threads, json, csv,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(json) && result.GetValue(csv)) result.AddError("--json and --csv exclude each other.");
        });
        Help.Add(command,
            "vitrine predict tour/lenet5.safetensors seven.png", "what is it?",
            "vitrine predict tour/lenet5.safetensors 'data/mnist/t10k-images-idx3-ubyte.gz#0'", "the first test example of MNIST",
            "vitrine predict tour/lenet5.safetensors --invert scan.png", "ink on paper",
            "vitrine predict squeezenet.onnx photos --preprocess caffe --labels imagenet_class_index.json", "every picture of a folder",
            "vitrine predict resnet.onnx 'photos/**/*.jpg' --preprocess imagenet --csv > answers.csv",
                "a table; a bad file has its error there, and the exit code is 1");
        command.SetAction((parsed, cancel) =>
        {
            Options.LimitThreads(parsed.GetValue(threads));
            var predictor = Predictor.Open(new PredictionOptions
            {
                Model = parsed.GetRequiredValue(model),
                Preprocess = parsed.GetValue(preprocess),
                Labels = parsed.GetValue(labels),
                Top = parsed.GetValue(top) ?? 5,
                Batch = parsed.GetValue(batch),
                Invert = parsed.GetValue(invert),
            }, Terminal.Warn);
            if (predictor.Assumption is { } assumption) Terminal.Warn(assumption);
            IReadOnlyList<string> files = PictureFiles.Find(parsed.GetRequiredValue(images), out IReadOnlyList<(string Argument, string Error)> empty);
            IReadOnlyList<PicturePrediction> predictions =
            [
                .. Terminal.Count("pictures", files.Count, progress => predictor.Ask(files, progress, cancel)),
                .. empty.Select(e => new PicturePrediction(e.Argument, [], e.Error)),
            ];
            if (parsed.GetValue(json)) Console.Out.WriteLine(predictor.ToJson(predictions));
            else if (parsed.GetValue(csv)) Console.Out.Write(Predictor.ToCsv(predictions));
            else
            {
                foreach (PicturePrediction p in predictions.Where(p => p.Error is null)) Console.Out.WriteLine($"{p.Picture}: " +
                    $"{string.Join(", ", p.Answers.Select(Text))}");
            }
            PicturePrediction[] failed = [.. predictions.Where(p => p.Error is not null)];
            foreach (PicturePrediction p in failed) Terminal.Error(p.Error!.Contains(p.Picture) ? p.Error : $"{p.Picture}: {p.Error}");
            return Task.FromResult(failed.Length == 0 ? ExitCode.Ok : ExitCode.Failure);
        });
        return command;
    }

    private static string Text(RankedClass answer) => string.Create(CultureInfo.InvariantCulture, $"{answer.Label} {100 * answer.Probability:0.0} %");
}
