using System.Globalization;
using System.Text;
using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>The page about a network's attention.</summary>
internal static class AttentionPage
{
    private const int MostNamed = 40;  // positions beyond which a map is a picture without names
    private const int MostFollowed = 64; // positions beyond which flow, T^2 largest flows, takes too long for a page

    public static HtmlReport Of(AttentionResult result, IReadOnlyList<AttentionView> views)
    {
        AttentionNetwork first = result.Networks[0];
        var page = new HtmlReport($"What attention looks at: {result.Subject}")
        {
            Kicker = "attention",
            Lead = first.Aligned is { } aligned
                ? $"Where each token comes from is known here. {Number(aligned)} of the weight lies there after training, " +
                    $"{Number(first.Unaligned ?? double.NaN)} before it."
                : views[0].Maps.Count == 1 && first.Layers.Count > 1 ? $"One layer of attention, which looks anew at each of {first.Layers.Count} steps."
                : $"{first.Layers.Count} layers of attention, {first.Layers.Sum(l => l.Loss.Count)} heads.",
            Footer = $"vitrine attention, version {Tour.Version}",
        };
        foreach (AttentionView view in views) Network(page.Section(view.Result.Network), view);
        return page;
    }

    private static void Network(ReportSection section, AttentionView view)
    {
        AttentionNetwork network = view.Result;
        var facts = new List<(string, string)>();
        if (network.Accuracy is { } accuracy) facts.Add(("tokens right, unseen pairs", Percent(accuracy)));
        if (network.Aligned is { } aligned) facts.Add(("weight on the known origin", Number(aligned)));
        if (network.Unaligned is { } chance) facts.Add(("the same, untrained", Number(chance)));
        if (view.Seconds is { } seconds) facts.Add(("seconds to learn", seconds.ToString("0.0", CultureInfo.InvariantCulture)));
        if (facts.Count > 0) section.Facts(facts);

        AttentionMap[] lit = view.Picture is { } picture
            ? [.. view.Maps.Where(m => LitPicture.Grid(m.Weights.Shape[3], picture.GetLength(1), picture.GetLength(2)) is not null)]
            : [];
        foreach (AttentionMap map in lit) Lit(section, view, map);
        AttentionMap[] crossing = [.. view.Maps.Where(m => m.Heads == 1).Except(lit)], several = [.. view.Maps.Where(m => m.Heads > 1).Except(lit)];
        if (crossing.Length + several.Length > 0)
            section.Text("Rows are what is written or asked, columns what is read; the darker, the more of it is taken. Every row sums to one.");
        foreach (AttentionMap map in crossing)
            section.Row(Enumerable.Range(0, map.Weights.Shape[0]).Select(n => Drawn("Alignment", view, map, n, 0)));
        foreach (AttentionMap map in several)
        {
            section.Heading(map.Scope);
            section.Row(Enumerable.Range(0, map.Heads).Select(h => Drawn($"Head {h}", view, map, 0, h)));
        }
        Tensor[] stack = [.. view.Maps.Where(m => m.IsSquare && m.Heads > 1).Select(m => m.Weights)];
        if (stack.Length > 0 && stack.All(w => w.Shape[2] == stack[0].Shape[2])) Followed(section, view, stack);
        if (network.Layers.Sum(l => l.Loss.Count) > 1) Importance(section, view);
    }

    /// <summary>
    /// Weights over the places of a picture, on the picture: for each step of what is written, or for each head what the token of the class takes, or all
    /// places on average.
    /// </summary>
    private static void Lit(ReportSection section, AttentionView view, AttentionMap map)
    {
        float[,,] picture = view.Picture!;
        (int rows, int columns, int before) = LitPicture.Grid(map.Weights.Shape[3], picture.GetLength(1), picture.GetLength(2))!.Value;
        (int queries, int keys) = (map.Weights.Shape[2], map.Weights.Shape[3]);
        bool byStep = map.Heads == 1 && !map.IsSquare;
        section.Heading(map.Scope);
        string shown = byStep ? "for each step, in order." : before == 1 ? "for each head, what the token of the class takes."
            : "for each head, the mean over all that ask.";
        section.Text($"The picture is lit where weight lies, on a grid of {rows} x {columns} places: {shown}");
        string[] names = view.Queries[view.Maps.ToList().IndexOf(map)];
        section.Row([
            Figure.Of(LitPicture.Sized(Picture.FromRgb(picture)), "The picture as the network reads it", "the picture"),
            .. byStep
                ? Enumerable.Range(0, queries).Select(q => Place(names[q], 0, q, 1))
                : Enumerable.Range(0, map.Heads).Select(h => before == 1 ? Place($"head {h}", h, 0, 1) : Place($"head {h}", h, 0, queries)),
        ]);

        Figure Place(string name, int head, int from, int count)
        {
            float[] weights = new float[rows * columns];
            for (int q = from; q < from + count; q++)
                for (int i = 0; i < weights.Length; i++)
                    weights[i] += map.Weights.Floats[(((head * queries) + q) * keys) + before + i] / count;
            return Figure.Of(LitPicture.Of(picture, weights, rows, columns), $"The picture, lit where weight lies: {name}", name);
        }
    }

    private static void Followed(ReportSection section, AttentionView view, Tensor[] stack)
    {
        section.Heading("From the last layer down to the input");
        section.Text("Rollout multiplies the layers' attention, flow sends as much as the weights let through; both count half of each position for itself, for " +
            "the residual connection (Abnar and Zuidema 2020).");
        int t = stack[0].Shape[2];
        string[] names = view.Keys[view.NamesByMap ? view.Maps.ToList().FindIndex(m => m.IsSquare && m.Heads > 1) : 0];
        Tensor[] one = [.. stack.Select(w => w.Slice(0, 0, 1))];
        var figures = new List<Figure> { Figure.Of(Matrix("Rollout", names, names, AttentionRollout.Rollout(one).ToArray())) };
        if (t <= MostFollowed) figures.Add(Figure.Of(Matrix("Flow", names, names, AttentionRollout.Flow(one).ToArray())));
        section.Row(figures);
    }

    private static void Importance(ReportSection section, AttentionView view)
    {
        AttentionNetwork network = view.Result;
        // A layer called once for each step: what is taken away is the look at one step.
        string[]? steps = view.NamesByMap && view.Maps.Count == 1 && network.Layers.Count > 1 ? view.Queries[0] : null;
        string part = steps is null ? "head" : "step's look";
        section.Heading($"What is lost without each {part}");
        section.Text($"One {part} at a time, its weights are made zero, so that nothing of it flows on (Michel, Levy and Neubig 2019). The score is the " +
            $"{network.Score}; with all heads it is {Number(network.Whole)}.");
        var chart = new BarChart($"Lost {network.Score}") { Width = 560, Description = $"What the score loses without each {part}." };
        double most = network.Layers.Max(l => l.Loss.Max());
        for (int layer = 0; layer < network.Layers.Count; layer++)
            for (int head = 0; head < network.Layers[layer].Loss.Count; head++)
            {
                double loss = network.Layers[layer].Loss[head];
                chart.Add(steps is null ? $"layer {layer + 1}, head {head}" : $"{layer + 1}. {steps[layer]}", loss, loss.Equals(most));
            }
        section.Figure(chart.ToSvg());
        string sharply = steps is null ? "How sharply heads look" : "How sharply it looks";
        section.Details(sharply, inside => inside.Table(["layer", "head", "entropy, bits", "of at most", "lost"],
            network.Layers.SelectMany((l, number) => l.Entropy.Select((e, head) => (IReadOnlyList<string>)
                [l.Scope, $"{head}", Number(e), Number(Math.Log2(l.Keys)), Number(l.Loss[head])]))));
    }

    private static Figure Drawn(string title, AttentionView view, AttentionMap map, int example, int head)
    {
        (int t, int s) = (map.Weights.Shape[2], map.Weights.Shape[3]);
        int names = view.NamesByMap ? view.Maps.ToList().IndexOf(map) : example;
        float[] weights = map.Weights.Floats.Slice(((example * map.Heads) + head) * t * s, t * s).ToArray();
        if (Math.Max(t, s) <= MostNamed) return Figure.Of(Matrix(title, view.Queries[names], view.Keys[names], weights));
        float[,] plane = new float[t, s];
        for (int i = 0; i < weights.Length; i++) plane[i / s, i % s] = weights[i];
        return Figure.Of(HeatMap.Of(plane).Absolute().Scale(Math.Max(1, 280 / Math.Max(t, s))), $"{title} of {map.Scope}: {t} queries by {s} keys", title);
    }

    /// <summary>A matrix with the names of its rows and columns; full colour is the largest weight.</summary>
    internal static Svg Matrix(string title, string[] rows, string[] columns, float[] weights)
    {
        int cell = Math.Clamp(300 / Math.Max(rows.Length, columns.Length), 9, 26), longest = Math.Min(12, rows.Max(r => r.Length));
        bool words = columns.Any(c => c.Length > 1); // words stand upright, letters as they are
        int left = 14 + (longest * 8), top = 44 + (words ? 2 + (Math.Min(12, columns.Max(c => c.Length)) * 7) : 0);
        float most = Math.Max(1e-9f, weights.Max());
        var content = new StringBuilder();
        content.Append($"<text class=\"vt-strong\" x=\"0\" y=\"15\">{Escaped(title)}</text>");
        for (int c = 0; c < columns.Length; c++)
        {
            (int x, int y) = (left + (c * cell) + (cell / 2), top - 6);
            string name = Escaped(Short(columns[c]));
            content.Append(words
                ? $"<text class=\"vt-soft vt-small\" x=\"{x + 4}\" y=\"{y}\" transform=\"rotate(-90 {x + 4} {y})\">{name}</text>"
                : $"<text class=\"vt-soft vt-small\" text-anchor=\"middle\" x=\"{x}\" y=\"{y}\">{name}</text>");
        }
        for (int r = 0; r < rows.Length; r++)
        {
            int middle = top + (r * cell) + (cell / 2) + 4;
            content.Append($"<text class=\"vt-soft vt-small\" text-anchor=\"end\" x=\"{left - 6}\" y=\"{middle}\">{Escaped(Short(rows[r]))}</text>");
            for (int c = 0; c < columns.Length; c++)
            {
                float weight = weights[(r * columns.Length) + c];
                string opacity = (weight / most).ToString("0.###", CultureInfo.InvariantCulture);
                content.Append($"<rect class=\"vt-fill\" fill-opacity=\"{opacity}\" x=\"{left + (c * cell)}\" y=\"{top + (r * cell)}\" " +
                    $"width=\"{cell - 1}\" height=\"{cell - 1}\"><title>{Escaped(rows[r])} from {Escaped(columns[c])}: {Number(weight)}</title></rect>");
            }
        }
        (int width, int height) = (left + (columns.Length * cell), top + (rows.Length * cell));
        content.Append($"<rect class=\"vt-frame\" x=\"{left - 1}\" y=\"{top - 1}\" width=\"{width - left + 1}\" height=\"{height - top + 1}\"/>");
        string description = $"{rows.Length} rows by {columns.Length} columns; full colour is {Number(most)}.";
        return Svg.FromContent(title, description, width + 2, height + 2, content.ToString());
    }

    private static string Short(string name) => name.Length <= 12 ? name : name[..11] + "\u2026";

    private static string Escaped(string text) => System.Security.SecurityElement.Escape(text);

    private static string Number(double value) => (value is > -0.0005 and < 0 ? 0 : value).ToString("0.000", CultureInfo.InvariantCulture);

    private static string Percent(double part) => string.Create(CultureInfo.InvariantCulture, $"{100 * part:0.0} %");
}
