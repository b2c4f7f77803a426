using System.Globalization;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>The page about attacks: a picture plus a little is something else, accuracy against size, how little it takes, and what carries over.</summary>
internal static class AttackPage
{
    private const int Side = 224;

    /// <summary>Everything measured, in words, charts and pictures.</summary>
    public static HtmlReport Compose(AttackResult result, IReadOnlyList<AttackPictures> pictures, string command)
    {
        var page = new HtmlReport($"How much does {result.Title} withstand?")
        {
            Kicker = "Attacks",
            Lead = "A network that names pictures rightly can be led astray by changes that nobody sees. What an attack does is measured here beside " +
                "noise of the same size: noise alone is rarely to blame, it is the choice of the change.",
            Footer = $"{command}, version {Tour.Version}, seed {result.Seed}; sizes for pixels from 0 to 1",
        };
        Facts(page, result);
        if (pictures.Count > 0) Rows(page, pictures, result.Norm);
        Curves(page, result);
        Searching(page, result);
        if (result.Minima.Count > 0) Minima(page, result);
        if (result.Transfers.Count > 0) Transfers(page, result);
        All(page, result);
        return page;
    }

    private static void Facts(HtmlReport page, AttackResult result)
    {
        string first = result.Accuracy.Keys.First();
        List<(string, string)> facts = [("named rightly, unharmed", Percent(result.Accuracy[first]))];
        AttackScore[] own = [.. result.Scores.Where(s => s.Network == first && s.Clipped && s.Epsilon is not null)];
        if (own.Length > 0)
        {
            // The size in the middle of those measured tells most: at both ends everything stands or nothing does.
            double[] sizes = [.. own.Select(s => s.Epsilon!.Value).Distinct().Order()];
            double middle = sizes[sizes.Length / 2];
            AttackScore[] there = [.. own.Where(s => s.Epsilon == middle)];
            facts.AddRange(there.Where(s => !s.Attack.EndsWith("noise", StringComparison.Ordinal)).OrderBy(s => s.Accuracy).Take(1)
                .Select(s => ($"under {s.Attack}, {Number(middle)}", Percent(s.Accuracy))));
            facts.AddRange(there.Where(s => s.Attack == "sign-noise").Select(s => ($"under noise, {Number(middle)}", Percent(s.Accuracy))));
        }
        page.Facts([.. facts]);
    }

    private static void Rows(HtmlReport page, IReadOnlyList<AttackPictures> pictures, string norm)
    {
        ReportSection section = page.Section("A little, well chosen");
        string size = norm == "linf" ? "Sizes say by how much a pixel changes at most, black being 0 and white 1. "
            : "Sizes are lengths of the whole change: the root of the sum of squares, black being 0 and white 1. ";
        section.Text("From left to right: the picture, what is added to it (enlarged until it can be seen), and the sum. " + size +
            "Each is the smallest tried that fooled the network, or else the largest.");
        string attack = "";
        foreach (AttackPictures p in pictures)
        {
            AttackedInput input = p.Input;
            if (input.Attack != attack) section.Heading(attack.Length == 0 ? input.Attack : $"{input.Attack}, on {input.Input}");
            attack = input.Attack;
            Tensor change = p.Changed - p.Original;
            float most = Math.Max(1e-9f, (float)input.Largest);
            // One picture of three, so that a narrow page shows them side by side as well.
            Picture three = new ImageGrid(3) { Background = null }
                .Add(Enlarged(Picture.Of(p.Original))).Add(Enlarged(Picture.Of(change, -most, most))).Add(Enlarged(Picture.Of(p.Changed))).ToPicture();
            string how = Number(norm == "linf" ? input.Largest : input.Length);
            section.Figure(three, $"{input.Input} as it is, what {input.Attack} adds, and what comes of it",
                $"{Named(input.Before)}, {Percent(input.BeforeConfidence)} + a change of {how} = {Named(input.After)}, {Percent(input.AfterConfidence)}" +
                (input.Succeeded ? "" : ": the answer stands"));
        }
    }

    private static void Curves(HtmlReport page, AttackResult result)
    {
        string[] networks = [.. result.Scores.Where(s => s.Epsilon is not null).Select(s => s.Network).Distinct(StringComparer.Ordinal)];
        if (networks.Length == 0) return;
        ReportSection section = page.Section("Accuracy against the size of the change");
        section.Text("Dashed lines are noise: what falls far below them is the attack's doing." +
            (result.Scores.Any(s => s.Attack == AttackKind.Universal)
                ? " The universal change is one and the same for all: found on the first half of the examples and judged on the other." : ""));
        var charts = new List<Figure>();
        foreach (string network in networks)
        {
            var chart = new LineChart(network)
            {
                XLabel = result.Norm == "linf" ? "largest change of a pixel, of 0 to 1" : "length of the change, for pixels from 0 to 1",
                YLabel = "share named rightly",
                YMin = 0,
                YMax = 1,
                Width = networks.Length == 1 ? 640 : 420,
            };
            foreach (IGrouping<string, AttackScore> attack in result.Scores.Where(s => s.Network == network && s.Clipped && s.Epsilon is not null)
                .GroupBy(s => s.Attack, StringComparer.Ordinal))
            {
                AttackScore[] points = [.. attack.OrderBy(s => s.Epsilon)];
                chart.Add(attack.Key, [0, .. points.Select(s => s.Epsilon!.Value)], [result.Accuracy[network], .. points.Select(s => s.Accuracy)],
                    markers: true, dashed: attack.Key.EndsWith("noise", StringComparison.Ordinal));
            }
            charts.Add(Figure.Of(chart.ToSvg(), null));
        }
        if (charts.Count == 1) section.Figure(charts[0]);
        else section.Row(charts);
    }

    // Attacks that are given no size: what they reach, and how large the changes came out.
    private static void Searching(HtmlReport page, AttackResult result)
    {
        AttackScore[] own = [.. result.Scores.Where(s => s.Epsilon is null)];
        if (own.Length == 0) return;
        page.Section("Attacks that choose the size themselves")
            .Text("Some look for the smallest change; those of pixels change that many of them by as much as it takes.")
            .Table(
                ["network", "attack", "examples", "named rightly before", "after", "median length", "median largest change", "sure of errors"],
                own.Select(s => (IReadOnlyList<string>)
                [
                    s.Network, s.Attack, $"{s.Examples}", Percent(result.Accuracy[s.Network]), Percent(s.Accuracy), Number(s.Length), Number(s.Largest),
                    s.Confidence is { } c ? Percent(c) : "-",
                ]));
    }

    private static void Minima(HtmlReport page, AttackResult result)
    {
        ReportSection section = page.Section("How little it takes");
        section.Text("The smallest change found for each example. The lines say which share of the examples a change of at most a size fools.");
        foreach (IGrouping<string, AttackMinimum> norm in result.Minima.GroupBy(m => m.Norm, StringComparer.Ordinal))
        {
            double largest = norm.SelectMany(m => m.Sizes).Where(double.IsFinite).DefaultIfEmpty(0).Max();
            if (largest <= 0) continue;
            string measure = norm.Key == "linf" ? "largest change of a pixel" : "length of the change";
            var chart = new LineChart($"Fooled, by {measure}") { XLabel = measure, YLabel = "share fooled", YMin = 0, YMax = 1, Width = 640 };
            double[] x = [.. Enumerable.Range(0, 61).Select(i => largest * i / 60)];
            bool several = norm.Select(m => m.Network).Distinct(StringComparer.Ordinal).Count() > 1;
            foreach (AttackMinimum minimum in norm)
            {
                string name = several ? $"{minimum.Network}, {minimum.Attack}" : minimum.Attack;
                chart.Add(name, x, [.. x.Select(size => minimum.Sizes.Count(s => s <= size) / (double)minimum.Sizes.Count)]);
            }
            section.Figure(chart.ToSvg());
        }
        section.Table(
            ["network", "attack", "measured by", "a quarter fooled by", "half fooled by", "three quarters fooled by", "stand"],
            result.Minima.Select(m => (IReadOnlyList<string>)
            [
                m.Network, m.Attack, m.Norm == "linf" ? "largest change" : "length", Quantile(m, 0.25), Quantile(m, 0.5), Quantile(m, 0.75),
                Percent(m.Sizes.Count(double.IsInfinity) / (double)m.Sizes.Count),
            ]));
    }

    private static void Transfers(HtmlReport page, AttackResult result)
    {
        ReportSection section = page.Section("What carries over");
        section.Text("Made to fool the network of the row, shown to the network of the column: the share that it names wrongly. " +
            "Only examples that every network names rightly unharmed are counted.");
        foreach (AttackTransfer transfer in result.Transfers)
        {
            section.Heading($"{transfer.Attack}, {Number(transfer.Epsilon)} ({transfer.Examples} examples)").Table(
                ["made on", .. transfer.Networks.Select(n => $"shown to {n}")],
                transfer.Networks.Select((n, i) => (IReadOnlyList<string>)[n, .. transfer.Fooled[i].Select(Percent)]));
        }
    }

    private static void All(HtmlReport page, AttackResult result) => page.Section("All figures").Details("Every attack of every size", inside => inside.Table(
        [
            "network", "attack", "size", "pictures stay valid", "examples", "named rightly", "target reached", "sure of errors", "median length",
            "median largest", "seconds",
        ],
        result.Scores.Select(s => (IReadOnlyList<string>)
        [
            s.Network, s.Attack, s.Epsilon is { } e ? Number(e) : "-", s.Clipped ? "yes" : "no", $"{s.Examples}", Percent(s.Accuracy),
            s.Reached is { } r ? Percent(r) : "-", s.Confidence is { } c ? Percent(c) : "-", Number(s.Length), Number(s.Largest), Number(s.Seconds),
        ])));

    private static string Named(string label) => label.Replace('_', ' ');

    private static string Quantile(AttackMinimum minimum, double part)
    {
        double[] sorted = [.. minimum.Sizes.Order()];
        double size = sorted[Math.Min(sorted.Length - 1, (int)(part * sorted.Length))];
        return double.IsInfinity(size) ? "none tried" : Number(size);
    }

    private static Picture Enlarged(Picture picture) => picture.ScaleUp(Math.Max(1, Side / Math.Max(picture.Width, picture.Height)));

    private static string Percent(double value) => double.IsFinite(value) ? value.ToString("0.0 %", CultureInfo.InvariantCulture) : "-";

    private static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
}
