using System.Globalization;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>The page about a captioner.</summary>
internal static class CaptionPage
{
    public static HtmlReport Of(CaptionResult result, IReadOnlyList<CaptionView> views, double seconds)
    {
        CaptionLook all = result.All;
        var page = new HtmlReport("Where a captioner looks, word by word")
        {
            Kicker = "attention",
            Lead = "A network writes what is in a picture and looks at the picture anew before each word. In these made-up scenes it is known what each word " +
                $"is about: {Percent(all.Named)} of its weight lies on the shape that a word names, where {Percent(all.Even)} would by chance.",
            Footer = $"vitrine attention --task captions, version {Tour.Version}",
        };
        page.Facts(
            ("captions right, unseen scenes", Percent(result.Right)),
            ("words right", Percent(result.WordsRight)),
            ("weight on the named shape", Percent(all.Named)),
            ("on the other shape", Percent(all.Other)),
            ("named, untrained", Percent(all.Untrained)),
            ("named, by chance", Percent(all.Even)));
        Scenes(page.Section("What it writes, and where it looks"), views);
        Figures(page.Section("How much of the weight lies on what is named"), result);
        page.Section("How it was made and measured")
            .Text("The network is that of Xu et al. (2015, \"Show, attend and tell\") with soft attention: a small convolutional network turns a picture of " +
                "64 x 64 pixels into a grid of 8 x 8 places, and long short-term memory writes the caption. It learned from " +
                $"{result.Steps} batches of {CaptionTraining.Batch} scenes, each seen once, in {seconds.ToString("0", CultureInfo.InvariantCulture)} " +
                "seconds. Nobody told it where to look: it learned from captions alone.")
            .Text($"Measured on {result.Scenes} scenes it had not seen. For right and wrong captions it writes by itself, each time the likeliest word. For " +
                "where it looks it is shown the true caption word by word, so that trained and untrained network are asked about the same words.")
            .Text("A place of the grid stands for a square of 8 x 8 pixels and counts with the part of it that the shape covers; even weights then give the " +
                $"shape's share of the picture. A place sees more than its square, {result.Reach} x {result.Reach} pixels: what is known of a shape may be " +
                "read off beside it, and weight there counts as missed.");
        return page;
    }

    private static void Scenes(ReportSection section, IReadOnlyList<CaptionView> views)
    {
        section.Text("Before each word the picture is lit where the network looks: the brightest place of each picture has the largest weight of that word.");
        foreach (CaptionView view in views)
        {
            string written = view.Words.Count == 0 ? "(nothing)" : string.Join(' ', view.Words);
            section.Heading(view.Right ? written : $"{written} \u2014 wrong");
            if (!view.Right) section.Text($"Right would be: {view.Truth}.");
            section.Row([
                Figure.Of(LitPicture.Sized(Picture.Of(view.Picture)), $"The scene: {view.Truth}", "the scene"),
                .. view.Words.Select((word, t) => Figure.Of(Lit(view, t), $"The scene, lit where the network looks before it writes '{word}'", word)),
            ]);
        }
    }

    private static void Figures(ReportSection section, CaptionResult result)
    {
        var chart = new BarChart("Weight before a word that names a shape, in %")
        {
            Width = 560,
            Description = "Where the weight lies before the words that name a shape.",
        };
        CaptionLook all = result.All;
        chart.Add("on the named shape", 100 * all.Named, true);
        chart.Add("on the other shape", 100 * all.Other);
        chart.Add("named, of another scene", 100 * all.Elsewhere);
        chart.Add("named, untrained", 100 * all.Untrained);
        chart.Add("named, by chance", 100 * all.Even);
        chart.Add("named, at most", 100 * all.Most);
        section.Figure(chart.ToSvg());
        section.Text("Of another scene: where the named shape of another scene is, which is what a liking for the middle of pictures would give. At most: " +
            "with all weight on the one place that the shape covers best.");
        section.Table(["word", "named", "other", "another scene", "untrained", "chance", "at most"],
            result.Looks.Append(all).Select(l => Row(l.Words, l.Named, l.Other, l.Elsewhere, l.Untrained, l.Even, l.Most)));
        section.Text("How often the place with the largest weight is on the named shape, at least in part, and how often on the other; and how much weight " +
            "lies on places that see any of the named shape, beside what even weights would give.");
        section.Table(["word", "largest on named", "largest on other", "on places that see it", "by chance"],
            result.Looks.Append(all).Select(l => Row(l.Words, l.Peak, l.PeakOther, l.Seeing, l.EvenSeeing)));

        static IReadOnlyList<string> Row(string words, params double[] parts) => [words, .. parts.Select(Percent)];
    }

    private static Picture Lit(CaptionView view, int step) => LitPicture.Of(
        view.Picture.ToChw(), view.Weights.Floats.Slice(step * view.Grid * view.Grid, view.Grid * view.Grid), view.Grid, view.Grid);

    private static string Percent(double part) => string.Create(CultureInfo.InvariantCulture, $"{100 * part:0.0} %");
}
