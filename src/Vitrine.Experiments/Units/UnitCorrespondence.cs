using System.Globalization;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>A part that is at the same place in every picture, such as the left eye in aligned faces. Numbers are shares of the picture as the network sees it,
/// 0 to 1.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Top">Where it begins from above.</param>
/// <param name="Left">Where it begins from the left.</param>
/// <param name="Height">How high it is.</param>
/// <param name="Width">How wide it is.</param>
public sealed record NamedPart(string Name, double Top, double Left, double Height, double Width)
{
    /// <summary>Reads <c>NAME=TOP,LEFT,HEIGHT,WIDTH</c>.</summary>
    /// <exception cref="DataException">It is none.</exception>
    public static NamedPart Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int equals = text.LastIndexOf('=');
        double[] numbers = equals < 1 ? [] : [.. text[(equals + 1)..].Split(',').Select(n =>
            double.TryParse(n, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : double.NaN)];
        return numbers is [var top, var left, var height, var width] && top >= 0 && left >= 0 && height > 0 && width > 0 && top + height <= 1 + 1e-9
            && left + width <= 1 + 1e-9
            ? new NamedPart(text[..equals], top, left, height, width)
            : throw new DataException($"'{text}' is no part of a picture.",
                "Write NAME=TOP,LEFT,HEIGHT,WIDTH in shares of the picture from 0 to 1: \"left eye=0.3,0.2,0.15,0.25\".");
    }
}

/// <summary>How alike a layer changes in several pictures when the same part is hidden in each (Zeiler and Fergus 2014, section 4.3).</summary>
/// <param name="Part">The part.</param>
/// <param name="Layer">The scope.</param>
/// <param name="Pictures">In how many pictures it was hidden.</param>
/// <param name="Distance">The share of features whose signs of change differ between two pictures, the mean over all pairs: less is more consistent.</param>
/// <param name="Deviation">Its standard deviation over the pairs.</param>
/// <param name="Random">The same for boxes of the same size at places drawn at random for each picture, the mean over five draws.</param>
/// <param name="RandomDeviation">Its standard deviation over the draws.</param>
/// <param name="OnePlace">The same for a place drawn at random and alike in all pictures: what comes of hiding the same places, whatever is there.</param>
/// <param name="OnePlaceDeviation">Its standard deviation over the draws.</param>
public sealed record PartCorrespondence(
    string Part, string Layer, int Pictures, double Distance, double Deviation, double Random, double RandomDeviation, double OnePlace,
    double OnePlaceDeviation);

/// <summary>Whether a network knows the parts of things: the same part is hidden in several pictures, and so are random ones.</summary>
internal static class UnitCorrespondence
{
    private const int Pictures = 12;
    private const int Draws = 5;
    private const int Shown = 6;

    private sealed record Hidden(string Name, int[] Examples, PicturePart[] Places);

    /// <summary>Hides the parts, and composes the page.</summary>
    /// <param name="network">The network.</param>
    /// <param name="examples">The pictures.</param>
    /// <param name="masks">Where concepts are, whose bounding boxes are the parts; null where parts are named.</param>
    /// <param name="layers">The layers.</param>
    /// <param name="options">The parts by name, and the seed.</param>
    /// <param name="progress">Hears what is being done.</param>
    /// <param name="cancel">Ends it between two parts.</param>
    /// <exception cref="DataException">There are too few pictures, or a part is smaller than a pixel.</exception>
    public static (IReadOnlyList<PartCorrespondence> Found, HtmlReport Page) Run(
        OpenedNetwork network, ExampleSet examples, ExampleMasks? masks, IReadOnlyList<string> layers, UnitsOptions options, Action<string>? progress,
        CancellationToken cancel)
    {
        Tensor first = examples.Batch(0, 1);
        (int height, int width) = (first.Shape[2], first.Shape[3]);
        List<Hidden> parts = masks is null ? [.. options.Parts.Select(p => Named(p, examples, height, width))] : Boxes(masks, examples, height, width);
        if (parts.Count == 0 || parts.Any(p => p.Examples.Length < 2))
            throw new DataException($"A part is compared between pictures; {examples.Title} has fewer than two with one.", "Give more examples.");
        (Tensor low, Tensor high) = network.Range;
        float[] grey = [.. ((low + high) * 0.5f).ToArray()];
        var random = new RandomSource(options.Seed);
        var found = new List<PartCorrespondence>();
        foreach (Hidden part in parts)
        {
            cancel.ThrowIfCancellationRequested();
            progress?.Invoke($"hiding: {part.Name}");
            using var memory = MemoryScope.Open();
            Tensor inputs = TensorOps.Concat(0, [.. part.Examples.Select(i => examples.Batch(i, 1))]);
            IReadOnlyList<PartConsistency> same = Correspondence.Of(network.Module, inputs, part.Places, layers, grey);
            var anywhere = new List<IReadOnlyList<PartConsistency>>();
            var alike = new List<IReadOnlyList<PartConsistency>>();
            for (int draw = 0; draw < Draws; draw++)
            {
                cancel.ThrowIfCancellationRequested();
                var source = new RandomSource(random.Derive($"{part.Name} {draw}"));
                anywhere.Add(Correspondence.Of(network.Module, inputs, Correspondence.Random(part.Places, height, width, source), layers, grey));
                // Of the size of the largest, so that one place has room for each.
                PicturePart largest = new(0, 0, part.Places.Max(p => p.Height), part.Places.Max(p => p.Width));
                PicturePart place = Correspondence.Random([largest], height, width, source)[0];
                alike.Add(Correspondence.Of(
                    network.Module, inputs, [.. part.Places.Select(p => p with { Top = place.Top, Left = place.Left })], layers, grey));
            }
            for (int l = 0; l < layers.Count; l++)
            {
                (double mean, double deviation) = Spread(anywhere.Select(a => a[l].Mean));
                (double one, double oneDeviation) = Spread(alike.Select(a => a[l].Mean));
                found.Add(new PartCorrespondence(part.Name, layers[l], part.Examples.Length, Math.Round(same[l].Mean, 5), Math.Round(same[l].Deviation, 5),
                    mean, deviation, one, oneDeviation));
            }
        }
        return (found, Page(network, examples, layers, parts, found));
    }

    private static Hidden Named(NamedPart part, ExampleSet examples, int height, int width)
    {
        var place = new PicturePart((int)Math.Round(part.Top * height), (int)Math.Round(part.Left * width), (int)Math.Round(part.Height * height),
            (int)Math.Round(part.Width * width));
        place = place with { Height = Math.Min(place.Height, height - place.Top), Width = Math.Min(place.Width, width - place.Left) };
        if (place.Height < 1 || place.Width < 1)
            throw new DataException($"The part {part.Name} is smaller than a pixel of {width} x {height}.", "Give it more height and width.");
        // Spread over the data, which is often sorted.
        int count = Math.Min(Pictures, examples.Count);
        return new Hidden(part.Name, [.. Enumerable.Range(0, count).Select(i => (int)((long)i * examples.Count / count))],
            [.. Enumerable.Repeat(place, count)]);
    }

    private static List<Hidden> Boxes(ExampleMasks masks, ExampleSet examples, int height, int width)
    {
        var found = masks.Concepts.Select(c => (Name: c, Examples: new List<int>(), Places: new List<PicturePart>())).ToList();
        for (int i = 0; i < examples.Count && found.Any(f => f.Examples.Count < Pictures); i++)
        {
            Tensor own = masks.Of(i, height, width);
            for (int c = 0; c < found.Count; c++)
            {
                if (found[c].Examples.Count == Pictures || Box(own.Bools.Slice(c * height * width, height * width), width) is not { } box) continue;
                found[c].Examples.Add(i);
                found[c].Places.Add(box);
            }
        }
        return [.. found.Where(f => f.Examples.Count >= 2).Select(f => new Hidden(f.Name, [.. f.Examples], [.. f.Places]))];
    }

    // The smallest box around a mask; null where it is empty.
    private static PicturePart? Box(ReadOnlySpan<bool> mask, int width)
    {
        (int top, int left, int bottom, int right) = (int.MaxValue, int.MaxValue, -1, -1);
        for (int i = 0; i < mask.Length; i++)
        {
            if (!mask[i]) continue;
            (int y, int x) = Math.DivRem(i, width);
            (top, left, bottom, right) = (Math.Min(top, y), Math.Min(left, x), Math.Max(bottom, y), Math.Max(right, x));
        }
        return bottom < 0 ? null : new PicturePart(top, left, bottom - top + 1, right - left + 1);
    }

    private static (double Mean, double Deviation) Spread(IEnumerable<double> values)
    {
        double[] all = [.. values];
        double mean = all.Average();
        return (Math.Round(mean, 5), Math.Round(Math.Sqrt(all.Average(v => (v - mean) * (v - mean))), 5));
    }

    private static HtmlReport Page(
        OpenedNetwork network, ExampleSet examples, IReadOnlyList<string> layers, List<Hidden> parts, List<PartCorrespondence> found)
    {
        var page = new HtmlReport("Does the network know the parts of things?")
        {
            Kicker = "Units of " + Path.GetFileName(network.FilePath),
            Lead = "The same part is hidden in several pictures. If the network knows it as one, its features change alike in all of them, more so than when " +
                "random parts are hidden.",
            Footer = $"vitrine units, version {Tour.Version}; pictures of {examples.Title}; after Zeiler and Fergus 2014, section 4.3",
        };
        ReportSection shown = page.Section("What is hidden");
        shown.Row(parts.Select(p => Figure.Of(
            UnitPictures.Mosaic([.. p.Examples.Take(Shown).Select((example, i) => Covered(examples.Picture(example), p.Places[i]))], 3),
            $"{p.Name}, hidden in {Math.Min(Shown, p.Examples.Length)} pictures", $"{p.Name}, in {p.Examples.Length} pictures", width: 300)));
        ReportSection section = page.Section("How alike the features change");
        section.Text("The distance is the share of features that change in different directions in two pictures, the mean over all pairs: less is more " +
            "alike. Beside it boxes of the same size at random: anywhere in each picture, and at one place that is the same in all. Where parts are always at the " +
            "same place, the second is the fair comparison.");
        string[] names = [.. parts.Select(p => p.Name)];
        section.Row(layers.Where((_, i) => i == 0 || i == layers.Count / 2 || i == layers.Count - 1).Distinct(StringComparer.Ordinal).Select(layer =>
        {
            PartCorrespondence[] own = [.. found.Where(f => f.Layer == layer)];
            var chart = new BarChart(layer) { Format = "0.000", Description = $"The distances in {layer} for each part and for random ones." };
            foreach (PartCorrespondence part in own) chart.Add(part.Part, part.Distance, marked: true);
            chart.Add("random parts", own.Average(p => p.Random));
            chart.Add("one place", own.Average(p => p.OnePlace));
            return Figure.Of(chart.ToSvg());
        }));
        section.Table(
            ["layer", "part", "pictures", "distance", "random parts", "one random place"],
            layers.Distinct(StringComparer.Ordinal).SelectMany(l => found.Where(f => f.Layer == l)).Select(f => (IReadOnlyList<string>)
            [
                f.Layer, f.Part, $"{f.Pictures}", Number(f.Distance, f.Deviation), Number(f.Random, f.RandomDeviation), Number(f.OnePlace, f.OnePlaceDeviation),
            ]), "After ± the standard deviation: over pairs of pictures for the part, over five draws for random ones.");
        return page;
    }

    private static Picture Covered(Picture picture, PicturePart part)
    {
        const int side = 96;
        Picture covered = picture.ToRgb().Paste(Picture.Filled(part.Width, part.Height, new Rgb(0x80, 0x80, 0x80)), part.Left, part.Top);
        int longer = Math.Max(covered.Width, covered.Height);
        return covered.Resize(Math.Max(1, covered.Width * side / longer), Math.Max(1, covered.Height * side / longer),
            longer > side ? Resampling.Box : Resampling.Nearest);
    }

    private static string Number(double mean, double deviation) =>
        string.Create(CultureInfo.InvariantCulture, $"{mean:0.000} ± {deviation:0.000}");
}
