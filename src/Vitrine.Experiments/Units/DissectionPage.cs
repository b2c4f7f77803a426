using System.Globalization;
using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>The page of network dissection: how many units detect a concept, which they are, and how it looks.</summary>
internal sealed class DissectionPage(OpenedNetwork network, ExampleSet examples, ExampleMasks masks, TopExamples found)
{
    private const int Shown = 6;
    private const int Tiles = 6;
    private const int Side = 96;
    private const int Rows = 10;

    private static readonly Rgb Outline = new(0xFF, 0xD0, 0x00);

    /// <summary>The page.</summary>
    public HtmlReport Compose(IReadOnlyList<LayerDissection> layers, CancellationToken cancel)
    {
        var page = new HtmlReport("Which units detect a concept")
        {
            Kicker = "Units of " + Path.GetFileName(network.FilePath),
            Lead = "Where a unit is most active (half a percent of all places) is compared with where each concept is. It is a detector of the concept if " +
                $"the intersection is more than {Percent(UnitDissection.Bound)} of the union.",
            Footer = $"vitrine units, version {Tour.Version}; {Count(examples.Count)} examples of {examples.Title}, {masks.Concepts.Count} concepts; " +
                "after Bau, Zhou, Khosla, Oliva and Torralba 2017",
        };
        int units = layers.Sum(l => l.Units.Count);
        page.Facts(
            ("detectors", $"{layers.Sum(l => l.Detectors)} of {units}"), ("by chance", $"{layers.Sum(l => l.ByChance)}"),
            ("with shuffled weights", $"{layers.Sum(l => l.Shuffled)}"));
        page.Section("Layer by layer")
            .Text("By chance: each picture is compared with the concepts of another. With shuffled weights: the numbers of every weight have changed places, " +
                "so that the network has forgotten what it learned. IoU is the intersection over union with the unit's best concept, the mean over all units.")
            .Table(
                ["layer", "units", "detectors", "by chance", "shuffled", "mean IoU", "by chance", "shuffled"],
                layers.Select(l => (IReadOnlyList<string>)
                [
                    l.Layer, Count(l.Units.Count), Count(l.Detectors), Count(l.ByChance), Count(l.Shuffled), Iou(l.MeanIou), Iou(l.MeanChance),
                    Iou(l.MeanShuffled),
                ]));
        foreach (LayerDissection layer in layers)
        {
            cancel.ThrowIfCancellationRequested();
            Layer(page.Section(layer.Layer), layer, cancel);
        }
        return page;
    }

    private void Layer(ReportSection section, LayerDissection layer, CancellationToken cancel)
    {
        DissectedUnit[] order = [.. layer.Units.OrderByDescending(u => u.Iou)];
        int most = masks.Concepts.Max(c => Math.Max(Detectors(layer.Units, c), Detectors(layer.ShuffledUnits, c)));
        if (most == 0) section.Text("No unit detects a concept, with these weights or shuffled ones.");
        else section.Row(
            Figure.Of(Bars("Detectors of each concept", layer.Units, most)), Figure.Of(Bars("The same with shuffled weights", layer.ShuffledUnits, most)));
        section.Text("The units that agree best, each on the examples that excite it most: bright is where the unit is active, the line is the edge of its " +
            "concept.");
        section.Row(order.Take(Shown).Select(u =>
        {
            cancel.ThrowIfCancellationRequested();
            return Unit(layer.Layer, u);
        }).OfType<Figure>());
        section.Table(["unit", "concept", "IoU", "by chance", "detector"], order.Take(Rows).Select(Row));
        if (order.Length > Rows) section.Details($"All {order.Length} units", inside =>
            inside.Table(["unit", "concept", "IoU", "by chance", "detector"], order.Select(Row)));
    }

    private Svg Bars(string title, IReadOnlyList<DissectedUnit> units, int most)
    {
        var chart = new BarChart(title) { Format = "0", Maximum = most };
        foreach (string concept in masks.Concepts) chart.Add(concept, Detectors(units, concept));
        return chart.ToSvg();
    }

    private static int Detectors(IReadOnlyList<DissectedUnit> units, string concept) => units.Count(u => u.Concept == concept && u.Iou > UnitDissection.Bound);

    private static IReadOnlyList<string> Row(DissectedUnit u) =>
        [$"{u.Unit}", u.Concept, Iou(u.Iou), Iou(u.Chance), u.Iou > UnitDissection.Bound ? "yes" : "no"];

    private Figure? Unit(string layer, DissectedUnit unit)
    {
        int[] top = [.. found.Of(layer, unit.Unit).Select(t => t.Example).Take(Tiles)];
        if (top.Length == 0) return null;
        int concept = Enumerable.Range(0, masks.Concepts.Count).First(c => masks.Concepts[c] == unit.Concept);
        Picture[] tiles = [.. top.Select(example =>
        {
            Tensor input = examples.Batch(example, 1);
            (int height, int width) = (input.Shape[2], input.Shape[3]);
            Tensor map = LayerMaps.Of(network.Module, input, layer)[0].Slice(1, unit.Unit, unit.Unit + 1).Interpolate([height, width], Interpolation.Linear);
            bool[] active = [.. map.ToArray().Select(v => v > unit.Threshold)];
            Tensor own = masks.Of(example, height, width);
            return Drawn(examples.Picture(example), active, own.Bools.Slice(concept * height * width, height * width).ToArray());
        })];
        return Figure.Of(UnitPictures.Mosaic(tiles, 3), $"The {top.Length} examples that excite unit {unit.Unit} of {layer} most, bright where it is active",
            $"unit {unit.Unit}: {unit.Concept}, IoU {Iou(unit.Iou)} (by chance {Iou(unit.Chance)})", width: 306);
    }

    /// <summary>A picture that is dark where a unit is not active, with a line around a concept.</summary>
    internal static Picture Drawn(Picture picture, bool[] active, bool[] concept)
    {
        int longer = Math.Max(picture.Width, picture.Height);
        (int width, int height) = (Math.Max(1, picture.Width * Side / longer), Math.Max(1, picture.Height * Side / longer));
        Picture large = picture.ToRgb().Resize(width, height, longer > Side ? Resampling.Box : Resampling.Nearest);
        byte[] pixels = large.Pixels.ToArray();
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                int at = At(x, y), p = 3 * (y * width + x);
                // A place is at the edge if the next one to the right or below is on the other side.
                bool edge = concept[at] != concept[At(Math.Min(x + 1, width - 1), y)] || concept[at] != concept[At(x, Math.Min(y + 1, height - 1))];
                if (edge) (pixels[p], pixels[p + 1], pixels[p + 2]) = (Outline.R, Outline.G, Outline.B);
                else if (!active[at]) for (int c = 0; c < 3; c++) pixels[p + c] = (byte)(pixels[p + c] * 2 / 5);
            }
        }
        return new Picture(width, height, 3, pixels);

        int At(int x, int y) => y * picture.Height / height * picture.Width + x * picture.Width / width;
    }

    private static string Iou(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Percent(double value) => value.ToString("0.# %", CultureInfo.InvariantCulture);

    private static string Count(int value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
