using System.Globalization;
using System.Text;
using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>The pages about the cells of a character language model.</summary>
internal static class CellPage
{
    private const int Passage = 900;   // characters of coloured text for a cell that was found
    private const int Snippet = 240;   // characters of coloured text on the pages of every cell
    private const int Around = 60;     // characters on either side of an example
    private const double Worth = 0.8;  // areas under the curve from which a cell is shown as text

    public static void Write(
        string folder, CellResult result, string text, CellReader report, float[][] labels, IReadOnlyList<TextHypothesis> hypotheses, int[] shown, bool all,
        int size, int layers)
    {
        var page = new HtmlReport($"What the cells of {result.Model} keep track of")
        {
            Kicker = $"read on {result.Text}",
            Lead = Lead(result),
            Footer = $"vitrine cells, version {Tour.Version}",
        };
        page.Facts(
            ("bits a character, unseen text", Number(result.Bits)), ("cells searched", Count(result.Cells)),
            ("characters searched", Count(result.SearchCharacters)), ("characters reported on", Count(result.ReportCharacters)));
        Table(page.Section("What was looked for"), result);
        Found(page.Section("The cells, character by character"), result, text, report, labels, hypotheses, size);
        if (shown.Length > 0) Asked(page.Section("Cells you asked for"), text, report, shown, size);
        Gates(page.Section("Gates"), result, report);
        if (all)
        {
            page.Section("Every cell").Links(Enumerable.Range(1, layers).Select(l => ($"All {size} cells of layer {l}", $"cells-{l}.html")));
            for (int layer = 0; layer < layers; layer++) Every(result, text, report, layer, size).Save(Path.Combine(folder, $"cells-{layer + 1}.html"));
        }
        page.Save(Path.Combine(folder, "index.html"));
    }

    private static string Lead(CellResult result)
    {
        HypothesisResult[] good = [.. result.Hypotheses.Where(IsWorth).OrderByDescending(h => h.Cells[0].Auc - Rival(h))];
        if (good.Length == 0) return "No cell goes with a hypothesis markedly better than those of an untrained network do.";
        HypothesisResult best = good[0];
        return $"Cell {best.Cells[0].Cell} tells {best.Hypothesis} with an area under the curve of {Number(best.Cells[0].Auc)} on text that neither training " +
            $"nor the search has seen; the best cell of an untrained network reaches {Number(best.Untrained)}, the last character alone " +
            $"{Number(best.CharacterAlone)}.";
    }

    private static double Rival(HypothesisResult h) => Math.Max(h.Untrained, h.CharacterAlone);

    /// <summary>Whether a cell was found that knows more than the character it has just read and than a random network.</summary>
    private static bool IsWorth(HypothesisResult h) => h.Declined is null && h.Cells[0].Auc >= Worth && h.Cells[0].Auc > Rival(h);

    private static void Table(ReportSection section, CellResult result)
    {
        section.Text(
            "Each hypothesis is a small program that says, for every character, how things stand once it was read. Every cell is scored by its area under " +
            "the curve (AUC): the probability that of two characters, one where the hypothesis holds and one where it does not, the cell puts the first " +
            "above the second. 0.5 is chance. The best cell was chosen on one stretch of unseen text; what stands under AUC comes from another.");
        IReadOnlyList<string> header =
            ["hypothesis", "cell", "AUC", "untrained", "last character", "shifted, 95 %", "p", "searched", "learned", "rank correlation", "bits told"];
        section.Table(header, result.Hypotheses.Where(h => h.Declined is null).OrderByDescending(h => h.Cells[0].Auc).Select(h =>
        {
            FoundCell c = h.Cells[0];
            return (IReadOnlyList<string>)
            [
                h.Hypothesis, c.Sign < 0 ? $"\u2212{c.Cell}" : c.Cell, Number(c.Auc), Number(h.Untrained), Number(h.CharacterAlone), Number(h.Chance),
                h.P.ToString("0.00", CultureInfo.InvariantCulture), Number(c.SearchAuc), Number(c.TrainAuc), Number(c.Spearman),
                $"{Number(c.Information)} of {Number(h.Entropy)}",
            ];
        }), "The best cell for each hypothesis; a minus means that it is low where the hypothesis holds");
        section.List(
            "untrained: the best cell of the same network with random weights, found and measured in the same way; it remembers a little of what it reads.",
            "last character: the best guess by the character just read and nothing else. What it tells needs no memory.",
            "shifted, 95 %: what the best of all cells reaches by chance, on hypotheses moved to another place in the text; p says how often that is as good.",
            "searched and learned: the same cell's AUC on the stretch it was chosen by, and on text that the network learned from.");
        string[] declined = [.. result.Hypotheses.Where(h => h.Declined is not null).Select(h => $"{h.Hypothesis}: {h.Declined}")];
        if (declined.Length > 0) section.Heading("Not searched").List(declined);
        section.Details("What exactly the hypotheses say", inside => inside.List(result.Hypotheses.Select(h => $"{h.Hypothesis}: {h.Meaning}."))
            .Text("A graded hypothesis counts as holding where it is above its median; the rank correlation (Spearman) uses all of it. Bits told is the " +
                "mutual information of the hypothesis and the cell's value in sixteen bins of equally many characters, beside the bits there are to be told."));
    }

    private static void Found(
        ReportSection section, CellResult result, string text, CellReader report, float[][] labels, IReadOnlyList<TextHypothesis> hypotheses, int size)
    {
        HypothesisResult[] good = [.. result.Hypotheses.Where(IsWorth).OrderByDescending(h => h.Cells[0].Auc - Rival(h))];
        if (good.Length == 0)
        {
            section.Text($"No cell reached an area under the curve of {Number(Worth)} and more than the last character and an untrained network do.");
            return;
        }
        section.Text("Each character stands on the colour of tanh(c), what the cell holds once the character was read: red towards 1, blue towards \u22121. " +
            "Of a cell that counts far beyond 1, where tanh no longer tells, c itself is shown, red above its median and blue below. The passages are " +
            "unseen text.");
        foreach (HypothesisResult h in good)
        {
            int k = hypotheses.ToList().FindIndex(x => x.Name == h.Hypothesis), unit = Unit(h.Cells[0].Cell, size);
            (float[] values, string what) = Shown(report, unit);
            (int from, int count) = Telling(text, report, CellStudy.Part(labels[k], report));
            section.Heading($"{Capital(h.Hypothesis)}: cell {h.Cells[0].Cell}").ColoredText(
                text.Substring(report.From + from, count), values.AsSpan(from, count), 1,
                $"{what} of cell {h.Cells[0].Cell}, AUC {Number(h.Cells[0].Auc)} for {h.Hypothesis}{(h.Cells[0].Sign < 0 ? ", low where it holds" : "")}.");
            section.Details($"Where cell {h.Cells[0].Cell} is highest and lowest", inside => Examples(inside, text, report, values));
        }
    }

    private static void Examples(ReportSection section, string text, CellReader report, float[] values)
    {
        foreach (bool lowest in new[] { false, true })
        {
            section.Heading(lowest ? "Lowest" : "Highest");
            foreach (int at in TopWindows.Of(values, 4, 4 * Around, lowest))
            {
                int from = Math.Max(0, at - Around), to = Math.Min(values.Length, at + Around);
                section.ColoredText(text[(report.From + from)..(report.From + to)], values.AsSpan(from, to - from), 1);
            }
        }
    }

    private static void Asked(ReportSection section, string text, CellReader report, int[] shown, int size)
    {
        (int from, int count) = (LineStart(text, report, 0), Math.Min(Passage / 2, report.Count));
        count = Math.Min(count, report.Count - from);
        string passage = text.Substring(report.From + from, count);
        foreach (int unit in shown)
        {
            float[] raw = report.Cells.Floats.Slice(unit * report.Count, report.Count).ToArray(), held = Held(report, unit);
            ReadOnlySpan<float> hidden = report.Hidden.Floats.Slice(unit * report.Count + from, count);
            double most = Math.Max(1e-6, raw.Max(Math.Abs)), mostHidden = Math.Max(1e-6, MaxSize(hidden));
            section.Heading($"Cell {CellStudy.Name(unit, size)}")
                .ColoredText(passage, held.AsSpan(from, count), 1, "tanh(c): what the cell holds, full colour at 1.")
                .ColoredText(passage, raw.AsSpan(from, count), most, $"c: the same before tanh, full colour at {Number(most)}, its largest size here.")
                .ColoredText(passage, hidden, mostHidden, $"h: what it tells the rest of the network, full colour at {Number(mostHidden)}.")
                .Details("Where it is highest and lowest", inside => Examples(inside, text, report, held));
        }
    }

    private static HtmlReport Every(CellResult result, string text, CellReader report, int layer, int size)
    {
        var page = new HtmlReport($"Every cell of layer {layer + 1}")
        {
            Kicker = result.Model,
            Lead = "The same passage of unseen text for each cell, on the colours of tanh(c).",
            Footer = $"vitrine cells, version {Tour.Version}",
        };
        ReportSection section = page.Section("Cells");
        int from = LineStart(text, report, report.Count / 2), count = Math.Min(Snippet, report.Count - from);
        for (int k = 0; k < size; k++)
        {
            float[] held = Held(report, layer * size + k);
            section.ColoredText(text.Substring(report.From + from, count), held.AsSpan(from, count), 1, $"Cell {CellStudy.Name(layer * size + k, size)}");
        }
        return page;
    }

    private static void Gates(ReportSection section, CellResult result, CellReader report)
    {
        section.Text(
            "A gate is left-saturated while it is below 0.1 and right-saturated above 0.9. Each dot is a cell: how much of the time its gate is the one, and " +
            "how much the other. A forget gate at the top remembers; an input gate at the right seldom writes.");
        for (int layer = 0; layer < report.Gates.Count; layer++)
        {
            GateStatistics gates = report.Gates[layer];
            section.Row(
                Figure.Of(Scatter($"Input gates, layer {layer + 1}", gates.Input)), Figure.Of(Scatter($"Forget gates, layer {layer + 1}", gates.Forget)),
                Figure.Of(Scatter($"Output gates, layer {layer + 1}", gates.Output)));
        }
        section.Table(["layer", "gate", "below 0.1", "above 0.9", "cells nearly always above"], result.Gates.Select(g => (IReadOnlyList<string>)
            [$"{g.Layer}", g.Gate, Number(g.Left), Number(g.Right), $"{g.Remember}"]), "Parts of the time, means over the cells of a layer");
    }

    private static Svg Scatter(string title, IReadOnlyList<(double Left, double Right)> cells)
    {
        const int left = 34, top = 34, side = 210, bottom = 40;
        var content = new StringBuilder();
        content.Append(CultureInfo.InvariantCulture, $"<text class=\"vt-strong\" x=\"0\" y=\"16\">{title}</text>");
        content.Append(CultureInfo.InvariantCulture, $"<rect class=\"vt-frame\" x=\"{left}\" y=\"{top}\" width=\"{side}\" height=\"{side}\"/>");
        content.Append(CultureInfo.InvariantCulture, $"<line class=\"vt-grid\" x1=\"{left}\" y1=\"{top}\" x2=\"{left + side}\" y2=\"{top + side}\"/>");
        foreach ((int x, int y, string word) in new[] { (left, top + side + 16, "0"), (left + side, top + side + 16, "1") })
            content.Append(CultureInfo.InvariantCulture, $"<text class=\"vt-soft vt-small\" text-anchor=\"middle\" x=\"{x}\" y=\"{y}\">{word}</text>");
        content.Append(CultureInfo.InvariantCulture, $"<text class=\"vt-soft vt-small\" text-anchor=\"end\" x=\"{left - 6}\" y=\"{top + 8}\">1</text>");
        (int across, int down) = (left + (side / 2), top + (side / 2));
        content.Append(CultureInfo.InvariantCulture,
            $"<text class=\"vt-soft vt-small\" text-anchor=\"middle\" x=\"{across}\" y=\"{top + side + 30}\">part of time below 0.1</text>");
        content.Append(CultureInfo.InvariantCulture,
            $"<text class=\"vt-soft vt-small\" text-anchor=\"middle\" transform=\"rotate(-90 14 {down})\" x=\"14\" y=\"{down}\">part above 0.9</text>");
        foreach ((double shut, double open) in cells)
            content.Append(CultureInfo.InvariantCulture,
                $"<circle class=\"vt-c0 vt-dot\" r=\"3.5\" fill-opacity=\"0.7\" cx=\"{left + (shut * side):0.#}\" cy=\"{top + ((1 - open) * side):0.#}\"/>");
        return Svg.FromContent(title, $"A dot for each of {cells.Count} cells: the part of the time its gate is below 0.1, and above 0.9.", left + side + 10,
            top + side + bottom, content.ToString());
    }

    /// <summary>A passage that shows a hypothesis both ways: from a line's beginning, and as near as any to holding half of the time.</summary>
    private static (int From, int Count) Telling(string text, CellReader report, float[] labels)
    {
        int count = Math.Min(Passage, labels.Length);
        float[] sorted = [.. labels.Order()];
        double middle = sorted[(sorted.Length - 1) / 2] < sorted[^1] ? sorted[(sorted.Length - 1) / 2] : 0;
        (int Place, double Distance) best = (0, double.PositiveInfinity);
        for (int at = 0; at + count <= labels.Length; at += Passage / 2)
        {
            int from = LineStart(text, report, at);
            if (from + count > labels.Length) break;
            int holds = 0;
            foreach (float label in labels.AsSpan(from, count)) holds += label > middle ? 1 : 0;
            double distance = Math.Abs(holds / (double)count - 0.5);
            if (distance < best.Distance) best = (from, distance);
        }
        return (best.Place, count);
    }

    private static int LineStart(string text, CellReader report, int at)
    {
        int end = text.IndexOf('\n', report.From + at);
        return end < 0 || end + 1 - report.From >= report.Count ? at : end + 1 - report.From;
    }

    /// <summary>tanh(c), or where that hardly moves c from its median, in parts of the distance that nineteen of twenty characters keep within.</summary>
    private static (float[] Values, string What) Shown(CellReader report, int unit)
    {
        const float moves = 0.5f; // of the 2 that tanh can
        float[] held = Held(report, unit), sorted = [.. held.Order()];
        if (sorted[(int)(0.95 * (sorted.Length - 1))] - sorted[(int)(0.05 * (sorted.Length - 1))] >= moves) return (held, "tanh(c)");
        float[] raw = report.Cells.Floats.Slice(unit * report.Count, report.Count).ToArray();
        float median = raw.Order().ElementAt(raw.Length / 2);
        float far = Math.Max(1e-6f, raw.Select(c => Math.Abs(c - median)).Order().ElementAt((int)(0.95 * (raw.Length - 1))));
        return ([.. raw.Select(c => (c - median) / far)], "c");
    }

    private static float[] Held(CellReader report, int unit)
    {
        float[] values = report.Cells.Floats.Slice(unit * report.Count, report.Count).ToArray();
        for (int i = 0; i < values.Length; i++) values[i] = MathF.Tanh(values[i]);
        return values;
    }

    private static float MaxSize(ReadOnlySpan<float> values)
    {
        float most = 0;
        foreach (float value in values) most = Math.Max(most, Math.Abs(value));
        return most;
    }

    private static int Unit(string cell, int size)
    {
        string[] parts = cell.Split(':');
        return ((int.Parse(parts[0], CultureInfo.InvariantCulture) - 1) * size) + int.Parse(parts[1], CultureInfo.InvariantCulture);
    }

    private static string Capital(string words) => char.ToUpperInvariant(words[0]) + words[1..];

    private static string Number(double value) => double.IsNaN(value) ? "-" : value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Count(int value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
