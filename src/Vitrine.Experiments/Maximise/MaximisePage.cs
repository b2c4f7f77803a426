using System.Globalization;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>The page that shows what was made.</summary>
internal sealed class MaximisePage
{
    private const int Tile = 144;
    private const int SmallTile = 96;
    private const int Many = 32;
    private const int Closest = 4;

    private readonly HtmlReport _page;
    private readonly MaximiseResult _result;
    private readonly MaximiseOptions _options;

    /// <summary>Starts the page.</summary>
    /// <param name="result">What came out.</param>
    /// <param name="written">How pictures were written, in words; the title of a dream or a caricature.</param>
    /// <param name="options">What was asked for.</param>
    public MaximisePage(MaximiseResult result, string written, MaximiseOptions options)
    {
        (_result, _options) = (result, options);
        string model = Path.GetFileNameWithoutExtension(result.Model);
        bool pair = options.Dream is not null || options.Caricature is not null;
        _page = new HtmlReport(pair ? written : $"What {(result.Layer.Length == 0 ? "the output" : "a layer")} of {model} looks for")
        {
            Kicker = "Vitrine: activation maximisation",
            // The layer's name here and not in the title, which cannot hold the long ones that exporters write.
            Lead = pair ? null : (result.Layer.Length == 0 ? "" : $"The layer is `{result.Layer}`. ") + "Every picture was made by gradient ascent so that " +
                "one part of the network answers as much as it can. It is what that part responds to, not what the network was shown.",
            Footer = string.Create(CultureInfo.InvariantCulture, $"vitrine maximise, version {Tour.Version}; {result.Question}; {result.Seconds} s"),
        };
    }

    /// <summary>A grid of all pictures with their activations, as one picture.</summary>
    public static ImageGrid Grid(MaximiseResult result, IReadOnlyList<Picture> pictures)
    {
        var grid = new ImageGrid(Math.Clamp((int)Math.Ceiling(Math.Sqrt(pictures.Count * 1.5)), 1, 16)) { TextScale = 1, Padding = 6 };
        for (int i = 0; i < pictures.Count; i++) grid.Add(Sized(pictures[i], 112), Caption(result.Pictures[i]));
        return grid;
    }

    /// <summary>The pictures of units, each beside what it is compared with.</summary>
    /// <param name="made">The pictures.</param>
    /// <param name="real">The best real examples in the same order; or none.</param>
    public void Units(IReadOnlyList<Picture> made, IReadOnlyList<Picture> real)
    {
        _page.Facts([("pictures", Count(made.Count)), ("steps each", Count(_options.StepCount))]);
        if (_result.Data.Count > 0)
        {
            _page.Facts(
            [
                ("at least twice the best real example", $"{_result.Twice} of {made.Count}"),
                .. _result.MedianRatio is { } median ? [("median", $"{Number(median)} times")] : Array.Empty<(string, string)>(),
                ("real examples", string.Join(", ", _result.Data.Select(d => $"{Count(d.Examples)} ({d.Data})"))),
            ]);
        }
        ReportSection grid = _page.Section(made.Count == 1 ? "The picture" : "All pictures");
        grid.Text(_result.Data.Count > 0
            ? $"Below each picture is the activation it reaches ({_result.Value}), that of the best real example, and how many times as much it is. Both " +
                $"are measured in the same way: the " +
                "picture as it is saved, without transformations."
            : $"Below each picture is the activation it reaches ({_result.Value}). Give real examples with `--data` to have a comparison.");
        // Such pictures hardly compress: a hundred of them at full size would make a page of ten megabytes. The files beside it have all pixels.
        int tile = made.Count > Many ? SmallTile : Tile;
        grid.Row(made.Select((p, i) =>
            Figure.Of(Sized(p, tile), $"The picture that maximises {_result.Pictures[i].Name}", Caption(_result.Pictures[i]), tile)));

        if (real.Count > 0)
        {
            ReportSection beside = _page.Section("Beside the best real examples");
            int[] order = [.. Enumerable.Range(0, made.Count).OrderBy(i => _result.Pictures[i].Ratio ?? double.PositiveInfinity)];
            bool few = made.Count <= 2 * Closest;
            beside.Text(few
                ? "Left what was made, right the real example that excites the same unit most."
                : $"Left what was made, right the real example that excites the same unit most: the {Closest} units that were raised least above it, then " +
                    $"{Closest} from the middle.");
            int[] chosen = few ? order : [.. order[..Closest], .. order[(order.Length / 2)..(order.Length / 2 + Closest)]];
            beside.Row(chosen.Select(i => Pair(Sized(made[i], Tile), Sized(real[i], Tile), _result.Pictures[i])));
            if (_result.Pictures.Count(p => p.Ratio is not null) >= 8) beside.Figure(Ratios(),
                "A unit at 1 would be excited by a real example as much as by the picture made for it.");
        }
        _page.Section("The numbers").Details("Every unit", inside => inside.Table(
            ["", "start", "reached", "best real", "times", "example"],
            _result.Pictures.Select(p => (IReadOnlyList<string>)
            [
                p.Name, Number(p.Start), Number(p.Reached), p.Real is { } best ? Number(best) : "-", p.Ratio is { } ratio ? Number(ratio) : "-",
                    p.Example ?? "-",
            ])));
        Method(_page.Section("How they were made"));
    }

    /// <summary>A picture and what became of it.</summary>
    public void BeforeAndAfter(Picture before, Picture after)
    {
        MaximisedPicture made = _result.Pictures[0];
        if (made.Cosine is { } cosine)
        {
            _page.Facts(("of the picture", Number(made.Real ?? 0)), ("of the caricature", Number(made.Reached)), ("times", Number(made.Ratio ?? 0)),
                ("cosine of both", Number(cosine)));
        }
        else _page.Facts(("of the picture", Number(made.Start)), ("reached", Number(made.Reached)), ("measured", _result.Value));
        _page.Section("Before and after").Row(
            Figure.Of(before, "The picture as the network sees it", "The picture as the network sees it", Math.Min(before.Width, 400)),
            Figure.Of(after, made.Name, made.Name, Math.Min(after.Width, 400)));
        ReportSection how = _page.Section("How it was made");
        if (_options.Dream is not null)
        {
            how.Text("DeepDream: steps of gradient ascent on the picture itself, from coarse to fine; every octave is larger than the one before, and what " +
                "was dreamed so far is enlarged " +
                "with it. The activation reached is that of the dream at the size the network takes.");
            how.Links(("Mordvintsev, Olah, Tyka 2015: Inceptionism, going deeper into neural networks",
                "https://research.google/blog/inceptionism-going-deeper-into-neural-networks/"));
            return;
        }
        how.Text("A caricature: the ascent starts " + (_options.From == MaximiseOptions.Noise ? "from noise" : "from the picture itself") +
            $" and raises the length of the activations in `{_result.Layer}` along those of the original, times their cosine squared, so that they grow and do " +
            "not turn. For the original that is the length of its own activations; what is above it is exaggeration.");
        Method(how);
    }

    /// <summary>Writes it to the folder.</summary>
    public void Save() => _page.Save(Path.Combine(_options.Output, "index.html"));

    private void Method(ReportSection section)
    {
        section.Text(_options.Writing == MaximiseWriting.Fourier
            ? "The ascent changes the spectrum of a picture, every frequency in proportion to what natural pictures have of it, and colours that do not " +
                "vary together; a sigmoid keeps every " +
                "value in the range of pictures. " +
                    (_options.Robust ? $"In every step the picture is {(_options.Caricature is null ? "moved, turned and scaled" : "moved")} a little at " +
                        "random, so that patterns of single pixels do not pay." : "")
            : "The ascent changes pixels; every four steps they are blurred, and those that contribute least become grey.");
        section.Text("What such a picture shows depends on all of this: with other settings the same unit gives another picture with the same activation. " +
            "It says what excites the unit, " +
            "not what the unit is for.");
        section.Links(
            ("Olah, Mordvintsev, Schubert 2017: Feature visualization", "https://distill.pub/2017/feature-visualization/"),
            ("Yosinski, Clune, Nguyen, Fuchs, Lipson 2015: Understanding neural networks through deep visualization", "https://arxiv.org/abs/1506.06579"),
            ("Simonyan, Vedaldi, Zisserman 2014: Deep inside convolutional networks", "https://arxiv.org/abs/1312.6034"));
    }

    // One picture of both, so that a narrow page does not part them.
    private static Figure Pair(Picture made, Picture real, MaximisedPicture p)
    {
        Picture both = Picture.Filled(made.Width + real.Width, Math.Max(made.Height, real.Height), Rgb.White).Paste(made, 0, 0).Paste(real, made.Width, 0);
        return Figure.Of(both, $"Made for {p.Name}, and the real example that excites it most",
            $"{p.Name}: {Number(p.Reached)}, and {p.Example}: {Number(p.Real ?? 0)}", both.Width);
    }

    private Svg Ratios()
    {
        double[] ratios = [.. _result.Pictures.Where(p => p.Ratio is not null).Select(p => p.Ratio!.Value)];
        double[] edges = [1, 2, 3, 4, 6, 8, 12, 16, 24];
        BarChart chart = new("How many times the best real example")
        {
            Description = "The number of units by how many times the activation of the best real example their picture reaches.",
            Format = "0",
            Width = 560,
        };
        for (int i = 0; i <= edges.Length; i++)
        {
            double low = i == 0 ? 0 : edges[i - 1], high = i == edges.Length ? double.PositiveInfinity : edges[i];
            int count = ratios.Count(r => r >= low && r < high);
            string name = i == 0 ? "below 1" : i == edges.Length ? $"{low:0} and more" : $"{low:0} to {high:0}";
            chart.Add(name, count, marked: high <= 2);
        }
        return chart.ToSvg();
    }

    private static string Caption(MaximisedPicture p) => p.Real is { } best
        ? $"{p.Name}: {Number(p.Reached)}, real {Number(best)}{(p.Ratio is { } ratio ? $" ({Number(ratio)}x)" : "")}"
        : $"{p.Name}: {Number(p.Reached)}";

    private static Picture Sized(Picture picture, int side)
    {
        int longer = Math.Max(picture.Width, picture.Height);
        if (longer * 2 <= side) return picture.ScaleUp(side / longer);
        return longer <= side ? picture : picture.Resize(picture.Width * side / longer, picture.Height * side / longer, Resampling.Bilinear);
    }

    private static string Number(double value) => Math.Abs(value) >= 100 ? value.ToString("0", CultureInfo.InvariantCulture)
        : Math.Abs(value) >= 10 ? value.ToString("0.0", CultureInfo.InvariantCulture)
        : value.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
