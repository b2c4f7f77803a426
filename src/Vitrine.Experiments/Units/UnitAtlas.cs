using System.Diagnostics;
using System.Globalization;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>
/// What the units of a network look for: the examples that excite each most, cropped to what the unit sees and projected back to the input, with its weights
/// and its feature maps; a page a layer, an index, and the whole search as JSON.
/// </summary>
public static class UnitAtlas
{
    private const string ResultsName = "units.json";

    /// <summary>Searches and draws.</summary>
    /// <param name="options">What, and how.</param>
    /// <param name="progress">Hears what is being done, in words; or null.</param>
    /// <param name="cancel">Ends it; the search so far is kept, and can be resumed.</param>
    /// <exception cref="DataException">The model, the data or an option is not sound.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="IOException">A file cannot be read or written.</exception>
    public static UnitsResult Run(UnitsOptions options, Action<string>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Units < 1 || options.Top < 1 || options.Batch < 1) throw new DataException("Units, examples of a unit and the batch are at least 1.",
            "See --help.");
        OutputFolder.Prepare(options.Output);
        progress?.Invoke("opening the model");
        var network = OpenedNetwork.Open(options.Model, options.Preprocess, options.Labels, progress);
        var examples = ExampleSet.Load(network, options.Data, options.DataRoot, options.Train, options.Examples, options.Seed, progress);
        if (options.Invariance && !examples.Labelled)
            throw new DataException($"The examples of {examples.Title} have no classes, and curves of invariance need the true one.",
                "Choose a data set, or sub-folders that are classes.");
        if (options.Example < 0 || options.Example >= examples.Count)
            throw new DataException($"There is no example {options.Example}: {examples.Title} has {examples.Count}.", "Choose another with --example.");

        bool boxes = options.Correspondence && options.Parts.Count == 0;
        // Before the search, so that what is missing is said at once.
        ExampleMasks? masks = options.Dissect || boxes || options.Masks is not null ? UnitDissection.Masks(network, examples, options) : null;

        progress?.Invoke("reading the network");
        Tensor first = examples.Batch(options.Example, 1);
        var fields = ReceptiveFields.Of(network.Module, first);
        IReadOnlyList<LayerFilters> filters = Filters.Of(network.Module, first);
        IReadOnlyList<string> layers = Layers(options, fields, filters);
        string[] planes = [.. layers.Where(l => fields.ShapeOf(l).Rank == 4)];
        if (options.Dissect && planes.Length == 0) throw new DataException("None of the layers has feature maps, and concepts have places.",
            "Name a convolution with --layer.");
        var clock = Stopwatch.StartNew();
        TopExamples found = UnitSearch.Run(network, examples, layers, options, progress, cancel);
        double seconds = Math.Round(clock.Elapsed.TotalSeconds, 2);

        var pages = new UnitPages(new UnitPictures(network), network, examples, fields, found, options);
        IReadOnlyList<Tensor> maps = Insight.LayerMaps.Of(network.Module, first, layers);
        var rows = new List<UnitLayer>();
        for (int i = 0; i < layers.Count; i++)
        {
            cancel.ThrowIfCancellationRequested();
            progress?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{layers[i]} ({i + 1} of {layers.Count})"));
            UnitLayer row = Row(layers[i], examples, fields, found, options.Units, i);
            rows.Add(row);
            pages.Layer(row, filters.FirstOrDefault(f => f.Scope == layers[i]), maps[i], cancel).Save(Path.Combine(options.Output, row.Page));
        }
        var more = new List<(string Text, string Page)>();
        if (options.Invariance)
        {
            progress?.Invoke("invariance");
            UnitCurves.Page(network, examples, layers, cancel).Save(Path.Combine(options.Output, "invariance.html"));
            more.Add(("How features stand shifts, magnification and turns", "invariance.html"));
        }
        if (options.Checkpoints.Count > 0)
        {
            progress?.Invoke("the earlier stages");
            pages.Evolution(layers, progress, cancel).Save(Path.Combine(options.Output, "evolution.html"));
            more.Add(("How the units came to be", "evolution.html"));
        }
        IReadOnlyList<LayerDissection>? dissection = null;
        if (options.Dissect)
        {
            dissection = UnitDissection.Run(network, examples, masks!, planes, options, progress, cancel);
            new DissectionPage(network, examples, masks!, found).Compose(dissection, cancel).Save(Path.Combine(options.Output, "dissection.html"));
            more.Add(("Which units detect a concept", "dissection.html"));
        }
        IReadOnlyList<PartCorrespondence>? correspondence = null;
        if (options.Correspondence || options.Parts.Count > 0)
        {
            (correspondence, HtmlReport page) = UnitCorrespondence.Run(network, examples, boxes ? masks : null, layers, options, progress, cancel);
            page.Save(Path.Combine(options.Output, "correspondence.html"));
            more.Add(("Does the network know the parts of things?", "correspondence.html"));
        }
        var result = new UnitsResult(options.Model, examples.Title, examples.Count, seconds, rows, dissection, correspondence);
        OutputFolder.Write(Path.Combine(options.Output, ResultsName), result.ToJson(indented: true) + "\n");
        pages.Index(result, more).Save(Path.Combine(options.Output, "index.html"));
        return result;
    }

    private static IReadOnlyList<string> Layers(UnitsOptions options, ReceptiveFields fields, IReadOnlyList<LayerFilters> filters)
    {
        HashSet<string> known = [.. fields.Scopes];
        foreach (string asked in options.Layers ?? [])
        {
            if (known.Contains(asked) && fields.ShapeOf(asked).Rank >= 2) continue;
            throw new DataException($"The network has no layer of units called '{asked}'.",
                $"It has {string.Join(", ", known.Where(k => k.Length > 0 && fields.ShapeOf(k).Rank >= 2).Take(40))}.");
        }
        if (options.Layers is { Count: > 0 } named) return [.. named.Distinct(StringComparer.Ordinal)];
        string[] all = [.. filters.Select(f => f.Scope)
            .Where(s => s.Length > 0 && known.Contains(s) && fields.ShapeOf(s) is { Rank: >= 2 } shape && shape[0] == 1).Distinct(StringComparer.Ordinal)];
        return all.Length > 0 ? all : throw new DataException("The network has no convolution and no dense layer with a name.",
            "Name layers with --layer; 'vitrine open' shows them.");
    }

    private static UnitLayer Row(string layer, ExampleSet examples, ReceptiveFields fields, TopExamples found, int drawn, int number)
    {
        Shape shape = fields.ShapeOf(layer);
        int[] middle = [.. shape.Dims[1..].ToArray().Select(d => d / 2)];
        ReceptiveField field = fields.Of(layer, middle);
        var units = new List<UnitRow>();
        HashSet<int> shown = [.. UnitPages.Shown(found.Units(layer), drawn)]; // fields take a while, and a deep network has thousands of units
        for (int unit = 0; unit < found.Units(layer); unit++)
        {
            units.Add(new UnitRow(unit, [.. found.Of(layer, unit).Select(t =>
            {
                ReceptiveField? seen = shown.Contains(unit) ? fields.Of(layer, t.Position) : null;
                return new UnitExample(t.Example, examples.Name(t.Example), UnitPages.Label(examples, t.Example), t.Value, t.Position,
                    seen is { Start.Count: 3 } ? [seen.Start[1], seen.Start[2], seen.End[1], seen.End[2]] : null);
            })]));
        }
        string name = new([.. layer.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_')]);
        return new UnitLayer(layer, shape.Dims[1..].ToArray(), field.Start.Count == 3 ? [field.Extent(1), field.Extent(2)] : null, field.Assumed,
            string.Create(CultureInfo.InvariantCulture, $"layer-{number + 1:00}-{name.Trim('_')}.html"), units);
    }
}
