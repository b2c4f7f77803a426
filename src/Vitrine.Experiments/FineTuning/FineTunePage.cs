using System.Globalization;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>The page of a network that learned other classes: how well, how it came there, what it mixes up, and what was changed in it.</summary>
internal static class FineTunePage
{
    // A larger matrix has cells too small for counts to be read on a phone; then the worst of it is told in words, and the whole is folded away.
    private const int MatrixClasses = 20, LargestMatrix = 200, WorstConfusions = 12, LongTable = 12, Side = 148;

    /// <summary>Everything measured, in words, charts and pictures.</summary>
    /// <param name="result">The figures.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="preprocess">How pictures became the input, or null.</param>
    /// <param name="confusion">What was taken for what.</param>
    /// <param name="mistakes">The pictures of <see cref="FineTuneResult.Mistakes"/>.</param>
    /// <param name="rights">The pictures of <see cref="FineTuneResult.Right"/>.</param>
    public static HtmlReport Compose(
        FineTuneResult result, FineTuneOptions options, Preprocess? preprocess, Confusion confusion, IReadOnlyList<Picture> mistakes,
        IReadOnlyList<Picture> rights)
    {
        string model = Path.GetFileNameWithoutExtension(result.Model);
        double guess = result.PerClass.Max(c => c.Pictures) / (double)result.Validation;
        var page = new HtmlReport($"{model} learns {Count(result.Classes.Count, "other class", "other classes")}")
        {
            Kicker = "Vitrine: fine-tuning",
            Lead = $"A trained network got a new last layer and was shown {Count(result.Training, "picture")} of {Listed(result.Classes)}. Then it was asked "
                + $"about {Number(result.Validation)} others that it had not learned from, and named {Percent(result.Accuracy)} of them rightly; always "
                + $"saying the commonest class would be right for {Percent(guess)}.",
            Footer = $"vitrine finetune, version {Tour.Version}, seed {result.Seed}. This page loads nothing from anywhere and runs no script.",
        };
        page.Facts(
            ("right on unseen pictures", Percent(result.Accuracy)),
            ("95% interval", $"{Percent(result.AccuracyLow, "")} to {Percent(result.AccuracyHigh)}"),
            ("weights that learned", Number(result.Learned)),
            ("of all weights", Percent(result.Learned / (double)result.Parameters)));
        Learning(page, result);
        Pictures(page, result, mistakes, rights);
        Confusions(page, result, confusion);
        Layers(page, result, options);
        Made(page, result, options, preprocess);
        return page;
    }

    private static void Learning(HtmlReport page, FineTuneResult result)
    {
        ReportSection section = page.Section("How it learned");
        double[] x = [.. result.Epochs.Select(e => (double)e.Number)];
        var accuracy = new LineChart("Right answers, per cent") { XLabel = "epoch", Width = 400, Height = 280, YMin = 0, YMax = 100 };
        accuracy.Add("while learning", x, [.. result.Epochs.Select(e => 100 * e.Accuracy)], markers: true, dashed: true);
        accuracy.Add("on unseen pictures", x, [.. result.Epochs.Select(e => 100 * e.ValidationAccuracy)], markers: true);
        var loss = new LineChart("Loss") { XLabel = "epoch", Width = 400, Height = 280, YMin = 0 };
        loss.Add("while learning", x, [.. result.Epochs.Select(e => e.Loss)], markers: true, dashed: true);
        loss.Add("on unseen pictures", x, [.. result.Epochs.Select(e => e.ValidationLoss)], markers: true);
        section.Row(
            Figure.Of(accuracy.ToSvg(), "Answers given while learning are counted while the weights still change, so the dashed line can start lower. Where "
                + "it climbs and the other does not, pictures are learned by heart."),
            Figure.Of(loss.ToSvg(), "The surprise at the right answer, in nats: "
                + $"{Math.Log(result.Classes.Count).ToString("0.00", CultureInfo.InvariantCulture)} for guessing among "
                + $"{Count(result.Classes.Count, "class", "classes")}, 0 for being certain and right."));
        if (result.BestEpoch < result.Epochs.Count) section.Note($"The network has the weights of epoch {result.BestEpoch}, the best on unseen pictures.");
        section.Details("The numbers, epoch by epoch", inside => inside.Table(["epoch", "loss, learning", "right, learning", "loss, unseen", "right, unseen"],
            result.Epochs.Select(e => (IReadOnlyList<string>)[$"{e.Number}", Nats(e.Loss), Percent(e.Accuracy), Nats(e.ValidationLoss),
                Percent(e.ValidationAccuracy)])));
    }

    private static void Pictures(HtmlReport page, FineTuneResult result, IReadOnlyList<Picture> mistakes, IReadOnlyList<Picture> rights)
    {
        ReportSection section = page.Section("Where it was sure, and wrong");
        if (mistakes.Count == 0)
        {
            section.Text($"It made no mistake on the {Number(result.Validation)} unseen pictures.");
        }
        else
        {
            section.Text("The unseen pictures whose wrong answers it was surest of, as the network sees them: cropped and resized. A wrong label or a "
                + "picture that shows two things is often among them.");
            section.Row(mistakes.Zip(result.Mistakes, (picture, judged) => Figure.Of(
                Small(picture), $"{judged.Picture}: {judged.True}, taken for {judged.Said}",
                $"said {judged.Said}, {Percent(judged.Confidence, whole: true)}; is {judged.True}")));
            section.Details("Which files these are", inside => inside.Table(["picture", "said", "sure", "is"], result.Mistakes.Select(Row)));
        }
        if (rights.Count == 0) return;
        section.Heading("And right");
        section.Text(rights.Count == 1 ? "The only right answer."
            : "Some right answers: first those it was surest of, then those it was least sure of.");
        section.Row(rights.Zip(result.Right, (picture, judged) => Figure.Of(
            Small(picture), $"{judged.Picture}: {judged.True}, named rightly", $"{judged.Said}, {Percent(judged.Confidence, whole: true)}")));

        static IReadOnlyList<string> Row(JudgedPicture judged) => [$"`{judged.Picture}`", judged.Said, Percent(judged.Confidence), judged.True];
    }

    private static void Confusions(HtmlReport page, FineTuneResult result, Confusion confusion)
    {
        ReportSection section = page.Section("What it takes for what");
        int classes = result.Classes.Count, wrong = result.Confusions.Sum(c => c.Count);
        if (classes <= MatrixClasses)
        {
            section.Text("A row for what the picture is, a column for what the network said. Right answers lie on the diagonal, in blue; what lies beside "
                + "it is a mistake, in red. Recall is the share of a row that was named rightly.");
            section.Figure(Matrix());
            return;
        }
        if (wrong == 0) section.Text("It took nothing for anything else.");
        else
        {
            FineTuneConfusion[] worst = [.. result.Confusions.Take(WorstConfusions)];
            section.Text($"{Count(wrong, "mistake")} in {Count(result.Confusions.Count, "pair")} of {Number(classes)} classes. "
                + (result.Confusions.Count > worst.Length ? $"The {worst.Length} most frequent:" : "All of them:"));
            section.Table(["is", "said", "times"], worst.Select(c => (IReadOnlyList<string>)[c.True, c.Said, Number(c.Count)]));
            FineTunedClass[] hard = [.. result.PerClass.Where(c => c.Right < c.Pictures).OrderBy(c => c.Right / (double)c.Pictures).Take(WorstConfusions)];
            section.Table(["class", "unseen pictures", "right", "recall"], hard.Select(c => (IReadOnlyList<string>)
                [c.Class, Number(c.Pictures), Number(c.Right), Percent(c.Right / (double)c.Pictures)]), "The hardest classes");
        }
        if (classes <= LargestMatrix) section.Details("The whole matrix", inside => inside.Figure(Matrix()));

        Figure Matrix()
        {
            var matrix = ConfusionMatrix.Of(confusion);
            matrix.Title = $"The {Number(result.Validation)} unseen pictures";
            return Figure.Of(matrix.ToSvg());
        }
    }

    private static void Layers(HtmlReport page, FineTuneResult result, FineTuneOptions options)
    {
        ReportSection section = page.Section("What was changed");
        FineTunedLayer[] frozen = [.. result.Layers.Where(l => l.Frozen)];
        section.Text((frozen.Length == 0 ? "Every layer learned. "
                : $"{frozen.Length} of {Count(result.Layers.Count, "layer")} stayed as they were, up to `{frozen[^1].Name}`. ")
            + $"The last one, `{result.Layers[^1].Name}`, is new: it has an answer for each class. "
            + $"{Number(result.Learned)} of {Number(result.Parameters)} weights learned. "
            + (options.Scratch ? "All weights were drawn anew first, so nothing that the network knew was kept. " : "")
            + (options.Discriminative > 1
                ? $"From each layer to the one before it the learning rate is divided by {Plain(options.Discriminative)} (Howard and Ruder 2018): from "
                    + $"{Rate(result.Layers.First(l => !l.Frozen).LearningRate)} at `{result.Layers.First(l => !l.Frozen).Name}` to "
                    + $"{Rate(result.Layers[^1].LearningRate)}. " : $"They began with a learning rate of {Rate(result.Layers[^1].LearningRate)}. ")
            + "In the course of the training rates fall to nothing along half a cosine.");
        if (result.Layers.Count > LongTable) section.Details("The layers", Table);
        else Table(section);

        void Table(ReportSection inside) => inside.Table(["layer", "weights", "learning rate"], result.Layers.Select(l => (IReadOnlyList<string>)
            [$"`{l.Name}`", Number(l.Parameters), l.Frozen ? "\u2013" : Rate(l.LearningRate)]),
                "Layers from the input on, with the learning rate at the beginning; \u2013 stayed as it was");
    }

    private static void Made(HtmlReport page, FineTuneResult result, FineTuneOptions options, Preprocess? preprocess)
    {
        ReportSection section = page.Section("How this was made");
        section.Text("The same command with the same pictures gives the same network, to the last bit of every weight, on one processor core or on many.");
        section.Code(Command(options));
        section.Table(["what", "how"],
        [
            ["Network", $"`{Path.GetFileName(result.Model)}`"],
            ["Pictures", $"{options.Data}: {Number(result.Training)} to learn from, {Number(result.Validation)} to be judged by, of "
                + $"{Count(result.Classes.Count, "class", "classes")}"],
            ["How pictures become the input", preprocess is null ? "grey pictures of 28 x 28, as they are" : Described(preprocess)],
            ["Training", $"AdamW (Loshchilov and Hutter 2019), {Count(result.Epochs.Count, "epoch")}, steps of {Count(options.BatchSize, "picture")}"],
            ["Seed", $"{result.Seed}"],
            ["Interval of the accuracy", "Wilson 1927, at 95%: what the number of unseen pictures says about others of the same kind"],
        ]);
        if (result.Skipped.Count > 0)
        {
            section.Details($"{Count(result.Skipped.Count, "picture")} left out", inside => inside.Table(["picture", "why"],
                result.Skipped.Select(s => (IReadOnlyList<string>)[$"`{s.Picture}`", s.Error])));
        }
        section.Text("Beside this page lie the figures (`results.json`); beside its folder the network and the names of its classes.");
    }

    /// <summary>The command that makes the same network; where it is written makes no difference.</summary>
    private static string Command(FineTuneOptions options)
    {
        var defaults = new FineTuneOptions { Model = "", Data = "" };
        var words = new List<string> { "vitrine finetune", Quoted(options.Model), "--data", Quoted(options.Data) };
        void Add(string name, string? value)
        {
            if (value is not null) words.AddRange([name, Quoted(value)]);
        }
        Add("--data-root", options.DataRoot);
        Add("--preprocess", options.Preprocess);
        Add("--freeze", options.Freeze);
        Add("--lr", options.LearningRate == defaults.LearningRate ? null : Plain(options.LearningRate));
        Add("--discriminative", options.Discriminative == defaults.Discriminative ? null : Plain(options.Discriminative));
        Add("--epochs", options.Epochs == defaults.Epochs ? null : Whole(options.Epochs));
        Add("--batch", options.BatchSize == defaults.BatchSize ? null : Whole(options.BatchSize));
        Add("--validation", options.Validation == defaults.Validation ? null : Plain(options.Validation));
        Add("--examples", options.Examples is { } examples ? Whole(examples) : null);
        Add("--patience", options.Patience is { } patience ? Whole(patience) : null);
        if (options.Scratch) words.Add("--scratch");
        Add("--seed", options.Seed.ToString(CultureInfo.InvariantCulture));
        return string.Join(' ', words);

        static string Quoted(string word) =>
            word.Any(c => char.IsWhiteSpace(c) || c is '\'' or '"' or '$' or '&') ? "'" + word.Replace("'", "'\\''") + "'" : word;

        static string Whole(int value) => value.ToString(CultureInfo.InvariantCulture);
    }

    private static string Described(Preprocess p)
    {
        string channels = p.Order switch { ChannelOrder.Bgr => "blue, green, red", ChannelOrder.Grey => "grey", _ => "red, green, blue" };
        string scaled = p.Resize is { } side ? $"the shorter side scaled to {side}, " : "";
        string cropped = p.Crop is { } crop ? $"the middle {crop} x {crop} cut out, " : "";
        return $"{scaled}{cropped}{channels} from 0 to {Plain(p.Range)}, minus {Values(p.Mean)}, over {Values(p.Deviation)}";

        static string Values(IReadOnlyList<float> values) =>
            values.Distinct().Count() == 1 ? Plain(values[0]) : $"({string.Join(", ", values.Select(v => Plain(v)))})";
    }

    private static Picture Small(Picture picture)
    {
        int longer = Math.Max(picture.Width, picture.Height);
        return longer <= Side ? picture
            : picture.Resize(Math.Max(1, picture.Width * Side / longer), Math.Max(1, picture.Height * Side / longer), Resampling.Box);
    }

    private static string Listed(IReadOnlyList<string> classes) =>
        classes.Count <= 5 ? string.Join(", ", classes.SkipLast(1)) + " and " + classes[^1] : Count(classes.Count, "class", "classes");

    private static string Count(int count, string one, string? many = null) => $"{Number(count)} {(count == 1 ? one : many ?? one + "s")}";

    private static string Percent(double part, string unit = "\u00A0%", bool whole = false) =>
        (100 * part).ToString(whole ? "0" : "0.0", CultureInfo.InvariantCulture) + unit;

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Nats(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    // Three digits that count, as a plain number.
    private static string Rate(double value) => Plain(Math.Round(value, Math.Clamp(2 - (int)Math.Floor(Math.Log10(value)), 0, 15)));

    private static string Plain(double value) => value.ToString("0.########", CultureInfo.InvariantCulture);
}
