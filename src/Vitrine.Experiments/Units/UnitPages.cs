using System.Globalization;
using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>The pages about a network's units.</summary>
internal sealed class UnitPages(UnitPictures pictures, OpenedNetwork network, ExampleSet examples, ReceptiveFields fields, TopExamples found,
    UnitsOptions options)
{
    private string Footer => string.Create(CultureInfo.InvariantCulture,
        $"vitrine units, version {Tour.Version}; {Path.GetFileName(options.Model)}, {examples.Count:N0} examples of {examples.Title}");

    /// <summary>The class of an example in words, or null.</summary>
    public static string? Label(ExampleSet examples, int example) => !examples.Labelled ? null
        : examples.Label(example) is var k && k < examples.Classes.Count ? examples.Classes[k] : string.Create(CultureInfo.InvariantCulture, $"{k}");

    /// <summary>The page of a layer.</summary>
    public HtmlReport Layer(UnitLayer layer, LayerFilters? filters, Tensor maps, CancellationToken cancel)
    {
        bool dense = layer.Shape.Count == 1;
        string sees = layer.Field is not { } f ? "" : string.Create(CultureInfo.InvariantCulture, $" A unit in its middle sees {f[0]} x {f[1]} pixels of " +
            $"the input.");
        var page = new HtmlReport(layer.Layer)
        {
            Kicker = "Units of " + Path.GetFileName(options.Model),
            Lead = $"{Count(layer.Units.Count, "unit")} of {(dense ? "a dense layer" : $"{string.Join(" x ", layer.Shape.Skip(1))} places each")}.{sees}",
            Footer = Footer,
        };
        if (layer.Assumed is { } assumed) page.Section("What is not known").Text($"The geometry of `{assumed}` is not known; such operators count as " +
            $"reading everything, so fields may be too large.");
        int[] shown = Shown(layer.Units.Count, options.Units);
        string which = shown.Length == layer.Units.Count ? "every unit" : $"{shown.Length} of {layer.Units.Count} units, spread evenly; `units.json` has all";

        ReportSection top = page.Section("What excites the units");
        top.Text($"For {which}: the examples of {examples.Title} that excite it most, in reading order, cropped to what the unit sees (left); beside each " +
            $"what of it excites the " +
            "unit, projected back by a deconvolutional network (middle) and by guided backpropagation (right). In projections grey is zero.");
        top.Row(shown.Select(unit => Unit(layer, unit, cancel)).OfType<Figure>());

        if (filters is not null && pictures.Filters(filters, shown) is { } weights)
        {
            int channels = filters.Weights.Shape[1];
            bool colours = channels == 3 && filters.SeesInput;
            string what = filters.Dense ? "Templates" : "Filters";
            page.Section(what).Text(colours ? "In the colours of the input; grey is zero." : channels == 1 ? "Red is positive, blue negative." :
                    string.Create(CultureInfo.InvariantCulture, $"A row a unit, a tile a " +
                        $"channel{(channels > 12 ? $" (the first 12 of {channels})" : channels == 3 ? " (the first 2 of 3)" : "")}; red is positive, blue " +
                        $"negative."))
                .Figure(Figure.Of(weights, $"The {what.ToLowerInvariant()} of {layer.Layer}."));
        }
        ReportSection example = page.Section("On one example");
        Picture picture = examples.Picture(options.Example);
        Figure seen = Figure.Of(picture, $"The example {examples.Name(options.Example)}",
            $"{examples.Name(options.Example)}{(Label(examples, options.Example) is { } label ? $", {label}" : "")}",
            width: Math.Clamp(picture.Width, 112, 280));
        example.Row(seen);
        if (maps.Rank == 4) example.Text($"The feature maps of {which.Split(';')[0]}, each by its own scale.")
            .Figure(Figure.Of(pictures.Maps(maps, shown), $"Feature maps of {layer.Layer}."));
        else if (maps.Rank == 2) example.Figure(Bars(maps, layer).ToSvg());
        return page;
    }

    /// <summary>The page that leads to all others.</summary>
    public HtmlReport Index(UnitsResult result, IReadOnlyList<(string Text, string Page)> more)
    {
        var page = new HtmlReport("What the units look for")
        {
            Kicker = Path.GetFileName(options.Model),
            Lead = $"For each unit of {Count(result.Layers.Count, "layer")}, the examples that excite it most " +
                $"among {result.Examples.ToString("N0", CultureInfo.InvariantCulture)} of {result.Data}.",
            Footer = Footer,
        };
        page.Facts(("layers", Number(result.Layers.Count)), ("units", Number(result.Layers.Sum(l => l.Units.Count))), ("examples", Number(result.Examples)));
        ReportSection layers = page.Section("Layers");
        layers.Links(result.Layers.Select(l => ($"{l.Layer}: {Count(l.Units.Count, "unit")}{Sees(l)}", l.Page)));
        if (more.Count > 0) page.Section("More").Links(more);
        ReportSection glance = page.Section("At a glance").Text("One unit of each layer: the crops that excite it most, and their projections.");
        glance.Row(result.Layers.Select(l => Unit(l, Strongest(l), default, l.Layer)).OfType<Figure>());
        return page;
    }

    /// <summary>The page of how units came to be: the best example of each at every stage of the training.</summary>
    public HtmlReport Evolution(IReadOnlyList<string> layers, Action<string>? progress, CancellationToken cancel)
    {
        var stages = new List<(string Name, OpenedNetwork Network, TopExamples Found)>();
        foreach (string file in options.Checkpoints)
        {
            progress?.Invoke($"searching with {file}");
            var stage = OpenedNetwork.Open(file, options.Preprocess, options.Labels, progress);
            var top = new TopExamples(layers, 1);
            top.Look(stage.Module, examples.Count, examples.Batch, options.Batch, cancel: cancel);
            stages.Add((Path.GetFileNameWithoutExtension(file), stage, top));
        }
        stages.Add((Path.GetFileNameWithoutExtension(options.Model), network, found));
        var page = new HtmlReport("How the units came to be")
        {
            Kicker = "Units of " + Path.GetFileName(options.Model),
            Lead = $"The example that excites a unit most, at {Count(stages.Count, "stage")} of the training, with its projection by the deconvolutional " +
                $"network.",
            Footer = Footer,
        };
        foreach (string layer in layers)
        {
            ReportSection section = page.Section(layer);
            section.Text($"From left to right: {string.Join(", ", stages.Select(s => s.Name))}. Crops above, projections below.");
            section.Row(Shown(found.Units(layer), options.Units).Where(unit => stages.All(s => s.Found.Of(layer, unit).Count > 0)).Select(unit =>
            {
                cancel.ThrowIfCancellationRequested();
                (Picture Crop, Picture Projection)[] drawn =
                    [.. stages.Select(s => Tiles(s.Network.Module, layer, s.Found.Of(layer, unit).Take(1).ToArray(), [ReluRules.Deconvnet]))
                    .Select(t => (t[0][0], t[0][1]))];
                Picture picture = UnitPictures.Mosaic([.. drawn.Select(d => d.Crop), .. drawn.Select(d => d.Projection)], drawn.Length);
                return Figure.Of(picture, $"Unit {unit} of {layer} over the training",
                    $"unit {unit}: {string.Join(" to ", stages.Select(s => Number(s.Found.Of(layer, unit)[0].Value)))}");
            }));
        }
        return page;
    }

    private int Strongest(UnitLayer layer) => layer.Units.MaxBy(u => u.Top.Count == 0 ? double.NegativeInfinity : u.Top[0].Value)!.Unit;

    private Figure? Unit(UnitLayer layer, int unit, CancellationToken cancel, string? name = null)
    {
        cancel.ThrowIfCancellationRequested();
        TopExample[] top = [.. found.Of(layer.Layer, unit)];
        if (top.Length == 0) return null;
        IReadOnlyList<IReadOnlyList<Picture>> tiles = Tiles(network.Module, layer.Layer, top, [ReluRules.Deconvnet, ReluRules.GuidedBackprop]);
        int columns = (int)Math.Ceiling(Math.Sqrt(top.Length));
        var grid = new ImageGrid(3) { Padding = 6, Background = null };
        for (int kind = 0; kind < 3; kind++) grid.Add(UnitPictures.Mosaic([.. tiles.Select(t => t[kind])], columns));
        string classes = !examples.Labelled ? ""
            : "; " + string.Join(", ", top.GroupBy(t => Label(examples, t.Example)).OrderByDescending(g => g.Count()).Take(3)
            .Select(g => g.Count() > 1 ? $"{g.Count()} x {g.Key}" : g.Key));
        string caption = $"{(name is null ? "" : name + ", ")}unit {unit}: {Number(top[0].Value)} to {Number(top[^1].Value)}{classes}";
        return Figure.Of(grid.ToPicture(), $"Unit {unit} of {layer.Layer}: its top {top.Length} crops, their deconvnet projections and their guided " +
            $"backpropagations", caption, width: 400);
    }

    // For each example its crop, and a projection by each rule set cropped alike.
    private IReadOnlyList<IReadOnlyList<Picture>> Tiles(Module module, string layer, TopExample[] top, RuleSet?[] rules)
    {
        if (top.Length == 0) return [];
        ReceptiveField[] seen = [.. top.Select(t => fields.Of(layer, t.Position))];
        int height = seen.Max(s => s.Extent(1)), width = seen.Max(s => s.Extent(2));
        Tensor inputs = TensorOps.Concat(0, [.. top.Select(t => examples.Batch(t.Example, 1))]);
        IReadOnlyList<Tensor> projections = UnitProjections.Of(module, inputs, layer, [.. top.Select(t => t.Position)], rules);
        return [.. Enumerable.Range(0, top.Length).Select(n => (IReadOnlyList<Picture>)
        [
            pictures.Crop(examples.Picture(top[n].Example), seen[n], height, width),
            .. projections.Select(p => pictures.Crop(pictures.Shown(p, n), seen[n], height, width)),
        ])];
    }

    private BarChart Bars(Tensor maps, UnitLayer layer)
    {
        var chart = new BarChart("The units that answer most") { Description = $"The largest activations of {layer.Layer} on the example." };
        float[] values = maps.ToArray();
        bool classes = network.Labels?.Count == values.Length;
        foreach (int k in Enumerable.Range(0, values.Length).OrderByDescending(k => values[k]).Take(10)) chart.Add(classes
            ? $"unit {k} ({network.Labels![k]})" : $"unit {k}", values[k]);
        return chart;
    }

    /// <summary>The units that are drawn: spread evenly over the layer, the first one first.</summary>
    public static int[] Shown(int units, int most) =>
        [.. Enumerable.Range(0, Math.Min(units, most)).Select(i => (int)((long)i * units / Math.Min(units, most)))];

    private static string Sees(UnitLayer layer) =>
        layer.Field is { } f ? string.Create(CultureInfo.InvariantCulture, $", each sees {f[0]} x {f[1]}") : "";

    private static string Count(int count, string noun) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} {noun}{(count == 1 ? "" : "s")}");

    private static string Number(double value) => value.ToString(Math.Abs(value) >= 1000 ? "N0" : "0.##", CultureInfo.InvariantCulture);
}
