using System.Globalization;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>The page of the transfer experiment: the paper's curve, and in words what it says.</summary>
internal static class TransferPage
{
    private static readonly (TransferCondition Condition, string Name, string Meaning)[] Lines =
    [
        (TransferCondition.Selffer, "BnB", "n layers of base B, frozen"),
        (TransferCondition.Transfer, "AnB", "n layers of base A, frozen"),
        (TransferCondition.Random, "random", "n random layers, frozen"),
        (TransferCondition.SelfferTuned, "BnB+", "n layers of base B, which learn on"),
        (TransferCondition.TransferTuned, "AnB+", "n layers of base A, which learn on"),
    ];

    public static HtmlReport Compose(TransferResult result)
    {
        int depth = result.Layers.Count, seeds = result.Seeds.Count;
        var page = new HtmlReport("How transferable are the features of each layer?")
        {
            Kicker = "Vitrine: transfer",
            Lead = $"The classes of {result.Data} are divided into two halves, A and B. A network learns A, another B. Then networks for B take over "
                + $"their first n "
                + "layers, and learn the rest anew. Where accuracy falls, the features that were taken over are not what B needs, or miss their neighbours.",
            Footer = $"vitrine transfer, version {Tour.Version}",
        };
        page.Facts(
            ("seeds", $"{seeds}"), ("networks", result.Points.Sum(p => p.Accuracies.Count).ToString("N0", CultureInfo.InvariantCulture)),
            ("baseline B", Percent(result.Baseline.Average())), ("two trainings of it differ by", $"{Points(result.Noise)} points"));

        ReportSection curve = page.Section("The curve");
        curve.Figure(Accuracy(result),
            "At n = 0 nothing is taken over: the line is baseline B. Shaded: one standard deviation over seeds, of what is left when each seed's "
            + "baseline is moved to the mean, for some halves are harder than others. Names: "
                + string.Join("; ", Lines.Where(l => Present(result, l.Condition)).Select(l => $"{l.Name}, {l.Meaning}")) + ".");
        curve.Row([
            Figure.Of(Differences(result, "Frozen", TransferCondition.Selffer, TransferCondition.Transfer, TransferCondition.Random),
                "Shaded: 95% interval of the mean over seeds, each seed compared with its own baseline."),
            Figure.Of(Differences(result, "Fine-tuned", TransferCondition.SelfferTuned, TransferCondition.TransferTuned), "The same for layers that learn on."),
        ]);
        curve.Table(["", .. Enumerable.Range(1, depth - 1).Select(n => $"{n} {result.Layers[n - 1]}")],
            Lines.Where(l => Present(result, l.Condition)).Select(l =>
            (IReadOnlyList<string>)[l.Name, .. Enumerable.Range(1, depth - 1).Select(n => Spread(result.At(l.Condition, n, result.PerClass)!))]),
            $"Accuracy in %, mean and standard deviation over {seeds} seeds, hard halves and easy ones; baseline B: {Mean(result.Baseline)}.");

        ReportSection words = page.Section("What it says");
        words.Text($"Each claim of the paper is put to these figures: supported where a paired test over {seeds} seeds shows the effect (t-test, p < 0.05 "
            + $"after "
            + $"Holm's adjustment for the number of layers), refuted where the adjusted 95% intervals leave no room for an effect of "
            + $"{Points(result.Margin)} points, and "
            + "otherwise not decided.");
        foreach (TransferFinding finding in result.Findings) words.Heading(finding.Claim).Text(finding.Told);
        words.Details("All comparisons", inside =>
        {
            foreach (TransferFinding finding in result.Findings)
            {
                inside.Table(["layers", "examples a class", "points", "95% interval", "p (t, adjusted)", "seeds above", "below", "p (sign)"],
                    finding.Tests.Select(t => (IReadOnlyList<string>)
                [
                    t.Layers == 0 ? "all" : $"{t.Layers}", $"{t.PerClass}", TransferFindings.Signed(t.Mean),
                        double.IsFinite(t.Low) ? $"{TransferFindings.Signed(t.Low)} to {TransferFindings.Signed(t.High)}" : "-",
                    Number(t.P), $"{t.Above}", $"{t.Below}", Number(t.SignP),
                ]), finding.Compared);
            }
        });
        words.Note($"The sign test assumes nothing about differences, and can never be smaller than {Number(2 / Math.Pow(2, seeds))} with {seeds} seeds: "
            + $"it is given, not decided by. Intervals are "
            + "adjusted by Bonferroni, which is stricter than Holm: one may reach over 0 where the test is significant.");

        ReportSection how = page.Section("How it was done");
        how.List(
            $"Each seed draws its own halves, {result.PerClass} training examples of each class, weights and orders. All networks make the same number of "
                + $"steps ({result.Epochs} passes).",
            "The network has AlexNet's eight layers at a small size, without batch normalisation and dropout: to freeze a layer is to freeze its weights, "
                + "and nothing else.",
            "Networks that take over n layers share the draw of the rest and the order of examples: they differ in where the n layers come from, and in "
                + "nothing else.",
            $"Baseline B is the mean of two trainings from different weights; on average they differ by {Points(result.Noise)} points.",
            "Accuracy is measured on examples that no network of the seed learned from.");
        how.Details("The halves", inside => inside.Table(["seed", "A", "B"],
            result.Splits.Select(s => (IReadOnlyList<string>)[$"{s.Seed}", string.Join(", ", s.A), string.Join(", ", s.B)])));
        how.Links(("Yosinski, Clune, Bengio, Lipson 2014: How transferable are features in deep neural networks?", "https://arxiv.org/abs/1411.1792"));
        return page;
    }

    private static Svg Accuracy(TransferResult result)
    {
        double[] layers = [.. Enumerable.Range(0, result.Layers.Count).Select(n => (double)n)];
        double baseline = 100 * result.Baseline.Average();
        var chart = new LineChart("Accuracy, by the number of layers taken over")
        {
            XLabel = "n: layers taken over",
            YLabel = "accuracy on B, %",
            Width = 640,
            Height = 400
        };
        chart.Add("baseline B", layers, [.. layers.Select(_ => baseline)], dashed: true);
        foreach ((TransferCondition condition, string name, _) in Lines.Where(l => Present(result, l.Condition)))
        {
            TransferPoint[] points = Points(result, condition);
            chart.Add(name, [.. points.Select(p => (double)p.Layers)], [.. points.Select(p => 100 * p.Mean)],
                [.. points.Select(p => 100 * (p.Mean - Spread(p)))], [.. points.Select(p => 100 * (p.Mean + Spread(p)))], markers: true);
        }
        return chart.ToSvg();

        double Spread(TransferPoint point)
        {
            double[] own = [.. point.Accuracies.Zip(result.Baseline, (a, b) => a - b)];
            double mean = own.Average();
            return Math.Sqrt(own.Sum(d => (d - mean) * (d - mean)) / Math.Max(1, own.Length - 1));
        }
    }

    private static Svg Differences(TransferResult result, string title, params TransferCondition[] conditions)
    {
        double[] layers = [.. Enumerable.Range(0, result.Layers.Count).Select(n => (double)n)];
        var chart = new LineChart($"{title}: points above or below baseline B")
        {
            XLabel = "n: layers taken over",
            YLabel = "points",
            Width = 420,
            Height = 320
        };
        chart.Add("baseline B", layers, [.. layers.Select(_ => 0.0)], dashed: true);
        foreach ((TransferCondition condition, string name, _) in Lines.Where(l => conditions.Contains(l.Condition) && Present(result, l.Condition)))
        {
            TransferPoint[] points = Points(result, condition);
            Insight.PairedTest[] tests = [.. points.Select(p => Insight.PairedTest.Of([.. p.Accuracies.Zip(result.Baseline, (a, b) => a - b)]))];
            chart.Add(name, [.. points.Select(p => (double)p.Layers)], [.. tests.Select(t => 100 * t.Mean)],
                [.. tests.Select(t => 100 * Finite(t.Low, t.Mean))], [.. tests.Select(t => 100 * Finite(t.High, t.Mean))], markers: true);
        }
        return chart.ToSvg();

        static double Finite(double value, double otherwise) => double.IsFinite(value) ? value : otherwise;
    }

    private static TransferPoint[] Points(TransferResult result, TransferCondition condition) =>
        [.. result.Points.Where(p => p.Condition == condition && p.Layers > 0 && p.PerClass == result.PerClass).OrderBy(p => p.Layers)];

    private static bool Present(TransferResult result, TransferCondition condition) => result.At(condition, 1, result.PerClass) is not null;

    private static string Spread(TransferPoint point) =>
        string.Create(CultureInfo.InvariantCulture, $"{100 * point.Mean:0.0} \u00B1 {100 * point.Deviation:0.0}");

    private static string Mean(IReadOnlyList<double> values)
    {
        double mean = values.Average(), deviation = Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / Math.Max(1, values.Count - 1));
        return string.Create(CultureInfo.InvariantCulture, $"{100 * mean:0.0} \u00B1 {100 * deviation:0.0}");
    }

    private static string Percent(double part) => (100 * part).ToString("0.0", CultureInfo.InvariantCulture) + "\u00A0%";

    private static string Points(double part) => TransferFindings.Points(part);

    private static string Number(double p) => p.ToString("0.000", CultureInfo.InvariantCulture);
}
