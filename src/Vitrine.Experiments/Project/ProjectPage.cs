using System.Globalization;
using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>The page of projected activity: how the classes come apart, layer by layer and stage by stage.</summary>
internal sealed class ProjectPage(ProjectResult result, IReadOnlyList<NetworkMaps> maps)
{
    private const int MapSide = 330;
    private const int NeuronSide = 220;
    private const int MostTrails = 400;
    private const int MostOutliers = 24;
    private const int MostNeurons = 2_048;
    private const int MostClasses = 10;

    public HtmlReport Compose(CancellationToken cancel)
    {
        var page = new HtmlReport(result.Title) { Kicker = "Vitrine: hidden activity" };
        page.Lead = "Every point is one example, and near points are examples that the layer answers alike. Where a class lies together, the layer tells it from the " +
            "others. The neighbourhood hit is the part of a point's nearest neighbours in the map that have its class.";
        page.Facts(("examples", Count(result.Points)), ("projection", result.Method), ("neighbours asked", Count(result.Neighbours)),
            ("seed", Count((long)result.Seed)));
        for (int n = 0; n < maps.Count; n++) Network(page, maps[n], result.Networks[n], cancel);
        ReportSection papers = page.Section("How this was made");
        papers.Text("Maps are aligned: each starts from the map of the same layer at the stage before, or else from that of the layer before. A two-dimensional map " +
            "cannot keep all distances; trustworthiness and continuity (1 is perfect) say how far neighbours in the map are neighbours in the layer, and the reverse.");
        papers.List(
            "P. E. Rauber, S. G. Fadel, A. X. Falcao, A. C. Telea: Visualizing the hidden activity of artificial neural networks. IEEE Transactions on Visualization " +
            "and Computer Graphics 23, 2017.",
            result.Method switch
            {
                "umap" => "L. McInnes, J. Healy, J. Melville: UMAP: uniform manifold approximation and projection. 2018.",
                "pca" => "K. Pearson: On lines and planes of closest fit to systems of points in space. 1901.",
                _ => "L. van der Maaten: Accelerating t-SNE using tree-based algorithms. Journal of Machine Learning Research 15, 2014.",
            });
        page.Footer = $"vitrine project, version {result.Version}, {result.Seconds.ToString("0.#", CultureInfo.InvariantCulture)} s";
        return page;
    }

    private void Network(HtmlReport page, NetworkMaps made, ProjectedNetwork network, CancellationToken cancel)
    {
        ProjectSubject subject = made.Subject;
        ReportSection section = page.Section(subject.Name);
        section.Text(subject.Text);
        string[] stages = [.. subject.Stages.Select(s => s.Name)];
        Labelling? main = subject.Labellings.FirstOrDefault();
        section.Facts([
            .. network.Accuracy.Select(a => ($"right answers, {a.Key}", Percent(a.Value))),
            .. main is null ? [] : stages.Select(s => (Stage: s, Layer: network.Find(s, network.Focus))).Where(s => s.Layer is not null)
                .Select(s => ($"hit in {network.Focus}, {s.Stage}", Percent(s.Layer!.Hits[main.Name].Map))),
        ]);
        if (main is not null) section.Figure(Growth(made, network, stages), GrowthCaption(network));

        // The three maps that tell the story: what comes in, and the last hidden layer at the first and the last stage.
        ActivityMap[] story = [.. new[]
        {
            made.Maps[0], made.Maps.FirstOrDefault(m => m.Layer == made.Focus && m.Stage == stages[0]), made.Last,
        }.OfType<ActivityMap>().DistinctBy(m => (m.Stage, m.Layer))];
        foreach (Labelling labelling in Shown(subject))
        {
            if (subject.Labellings.Count > 1) section.Heading($"By {labelling.Name}");
            section.Row(story.Select(m => Map(m, labelling, network.Outliers, withMarks: labelling == main && m == made.Last)));
            if (labelling == main && network.Outliers.Count > 0)
                section.Note($"Rings mark {Count(network.Outliers.Count)} visual outliers: examples among whose neighbours one other class has the majority.");
            section.Details(subject.Labellings.Count > 1 ? $"Every map by {labelling.Name}" : "Every map",
                inside => inside.Row(made.Maps.Select(m => Map(m, labelling, [], false))));
        }
        Trails(section, made, main);
        section.Heading("The maps in numbers").Table(
            ["stage", "layer", "numbers", .. subject.Labellings.SelectMany(l => new[] { $"hit by {l.Name}", $"{l.Name}, in the layer itself" }),
                "trustworthiness", "continuity"],
            network.Layers.Select(l => (IReadOnlyList<string>)
            [
                l.Stage == stages[0] && l.Layer == ActivityMaps.Input ? "-" : l.Stage, l.Layer, Count(l.Dimensions),
                .. subject.Labellings.SelectMany(g => new[] { Percent(l.Hits[g.Name].Map), Percent(l.Hits[g.Name].Activations) }),
                Number(l.Trustworthiness), Number(l.Continuity),
            ]));
        foreach (Labelling labelling in subject.Labellings)
        {
            string[] present = [.. labelling.Classes.Where(c => network.Layers.Any(l => l.Hits[labelling.Name].PerClass.ContainsKey(c)))];
            if (present.Length > 40) continue;
            section.Details($"Hit of each {labelling.Name}",
                inside => inside.Table(["stage", "layer", .. present], network.Layers.Select(l => (IReadOnlyList<string>)
                [l.Stage, l.Layer, .. present.Select(c => l.Hits[labelling.Name].PerClass.TryGetValue(c, out double hit) ? Percent(hit) : "-")])));
        }
        Outliers(section, made, network);
        Newcomers(section, made, network);
        Neurons(section, made, cancel);
    }

    private static IEnumerable<Labelling> Shown(ProjectSubject subject) =>
        subject.Labellings.Count > 0 ? subject.Labellings : [new Labelling("nothing", new int[subject.Count], ["examples"])];

    private static Svg Growth(NetworkMaps made, ProjectedNetwork network, string[] stages)
    {
        bool byStage = stages.Length > 2;
        string[] layers = [.. network.Layers.Select(l => l.Layer).Distinct(StringComparer.Ordinal)];
        var chart = new LineChart(byStage ? "Neighbourhood hit over training" : "Neighbourhood hit, layer by layer")
        {
            XLabel = byStage ? "stage" : "layer; 0 is the input",
            YLabel = "%",
            YMax = 100,
            Width = 600,
        };
        foreach (Labelling labelling in made.Subject.Labellings)
        {
            string by = made.Subject.Labellings.Count > 1 ? $"{labelling.Name}, " : "";
            if (byStage)
            {
                foreach (string layer in layers.Where(l => l != ActivityMaps.Input))
                    chart.Add(by + layer, [.. stages.Select(s => 100 * network.Find(s, layer)!.Hits[labelling.Name].Map)], markers: true);
                continue;
            }
            ProjectedLayer input = network.Layers[0];
            foreach (string stage in stages)
            {
                // The input has no stage: every line starts from it.
                ProjectedLayer[] line = [input, .. network.Layers.Where(l => l.Stage == stage && l.Layer != ActivityMaps.Input)];
                chart.Add(by + stage, [.. line.Select((_, i) => (double)i)], [.. line.Select(l => 100 * l.Hits[labelling.Name].Map)], markers: true,
                    dashed: stages.Length > 1 && stage == stages[0]);
            }
        }
        return chart.ToSvg();
    }

    private static string GrowthCaption(ProjectedNetwork network)
    {
        string[] layers = [.. network.Layers.Select(l => l.Layer).Distinct(StringComparer.Ordinal)];
        return string.Join(", ", layers.Select((l, i) => $"{i}: {l}")) + $". In focus: {network.Focus}, the last hidden layer.";
    }

    private static Figure Map(ActivityMap map, Labelling labelling, IReadOnlyList<ProjectedOutlier> outliers, bool withMarks)
    {
        string what = map.Layer == ActivityMaps.Input ? "Input" : $"{map.Layer}, {map.Stage}";
        string? hit = map.Score.Hits.TryGetValue(labelling.Name, out ProjectedHit? found) ? $"Hit {Percent(found.Map)}" : null;
        ScatterChart chart = ScatterChart.OfClasses(what, map.Map.ToArray(), labelling.Labels, labelling.Classes);
        chart.Side = MapSide;
        chart.Description = $"A map of {labelling.Labels.Length} examples by {labelling.Name}. {hit}.";
        chart.Legend = labelling.Classes.Count is > 1 and <= MostClasses;
        if (labelling.Labels.Length > ScatterChart.MostInSvg) return Figure.Of(chart.ToPicture(2 * MapSide), chart.Description, $"{what}. {hit}", MapSide);
        if (withMarks)
        {
            foreach (ProjectedOutlier outlier in outliers) chart.Mark(map.Map.Floats[2 * outlier.Index], map.Map.Floats[(2 * outlier.Index) + 1]);
        }
        return Figure.Of(chart.ToSvg(), hit);
    }

    private static void Trails(ReportSection section, NetworkMaps made, Labelling? main)
    {
        ProjectSubject subject = made.Subject;
        Labelling labelling = main ?? Shown(subject).First();
        int[] some = [.. Enumerable.Range(0, subject.Count).Take(MostTrails)];
        var figures = new List<Figure>();
        string last = subject.Stages[^1].Name;
        Add($"Through the layers, {last}", [.. made.Maps.Where(m => m.Stage == last && m.Layer != ActivityMaps.Input)]);
        Add($"{made.Focus}, from {subject.Stages[0].Name} to {last}", [.. made.Maps.Where(m => m.Layer == made.Focus)]);
        if (figures.Count == 0) return;
        section.Heading("Ways of examples from map to map").Row(figures);
        section.Note($"The ways of {some.Length} examples, from pale to full, ending at the points. Ways of a class run as bundles; one that leaves its bundle belongs to " +
            "an example that the network sees otherwise at the end than on the way.");

        void Add(string title, ActivityMap[] sequence)
        {
            if (sequence.Length < 2) return;
            var chart = new ScatterChart(title) { Side = MapSide + 90, Legend = labelling.Classes.Count is > 1 and <= MostClasses };
            chart.AddTrails([.. sequence.Select(m => Scaled(m.Map, some))], [.. some.Select(i => labelling.Labels[i])], labelling.Classes);
            figures.Add(Figure.Of(chart.ToSvg(), string.Join(", then ", sequence.Select(m => sequence.All(s => s.Layer == m.Layer) ? m.Stage : m.Layer))));
        }
    }

    // Maps have no common scale; their spread is made the same, so that ways show who moves among whom.
    private static float[] Scaled(Tensor map, int[] some)
    {
        int n = map.Shape[0];
        double x = 0, y = 0, square = 0;
        for (int i = 0; i < n; i++) (x, y) = (x + (map.Floats[2 * i] / (double)n), y + (map.Floats[(2 * i) + 1] / (double)n));
        for (int i = 0; i < n; i++) square += Math.Pow(map.Floats[2 * i] - x, 2) + Math.Pow(map.Floats[(2 * i) + 1] - y, 2);
        double scale = square > 0 ? Math.Sqrt(n / square) : 1;
        float[] places = new float[2 * some.Length];
        for (int i = 0; i < some.Length; i++)
            (places[2 * i], places[(2 * i) + 1]) = ((float)((map.Floats[2 * some[i]] - x) * scale), (float)((map.Floats[(2 * some[i]) + 1] - y) * scale));
        return places;
    }

    private static void Outliers(ReportSection section, NetworkMaps made, ProjectedNetwork network)
    {
        if (made.Subject.Labellings.Count == 0) return;
        section.Heading("Among another class");
        if (network.Outliers.Count == 0)
        {
            section.Text($"No example lies among another class in {network.Focus}.");
            return;
        }
        section.Text($"{Count(network.Outliers.Count)} examples lie among another class in the map of {network.Focus}; of {Count(network.SuspectedLabels.Count)} the layer itself says " +
            "the same, so their labels may be wrong, or they are drawn so that a reader would doubt too.");
        Show(network.SuspectedLabels, "Suspected labels: the label, and the class they lie among");
        Show([.. network.Outliers.Where(o => network.SuspectedLabels.All(s => s.Index != o.Index))], "Other visual outliers");

        void Show(IReadOnlyList<ProjectedOutlier> outliers, string title)
        {
            if (outliers.Count == 0) return;
            ProjectedOutlier[] some = [.. outliers.Take(MostOutliers)];
            if (made.Subject.Picture is { } picture)
            {
                section.Row(some.Select(o => Figure.Of(picture(o.Index), $"{o.Example}, labelled {o.Label}", $"{o.Label} among {o.Surrounding}")));
            }
            section.Details($"{title} ({Count(outliers.Count)})", inside => inside.Table(["example", "label", "among", "part of the neighbours"],
                outliers.Select(o => (IReadOnlyList<string>)[o.Example, o.Label, o.Surrounding, Percent(o.Share)])));
        }
    }

    private static void Newcomers(ReportSection section, NetworkMaps made, ProjectedNetwork network)
    {
        if (network.New.Count == 0 || made.Subject.New is not { } examples) return;
        section.Heading($"New examples in the map of {network.Focus}").Text(
            $"{Count(network.New.Count)} examples of {examples.Title} that the map was made without. The map stays; each " +
            "is put where its nearest examples in the layer would have it. One that lies between the classes, or among examples unlike it, is one that the layer has no place for.");
        Labelling labelling = Shown(made.Subject).First();
        ScatterChart chart = ScatterChart.OfClasses($"{made.Last.Layer}, {made.Last.Stage}", made.Last.Map.ToArray(), labelling.Labels, labelling.Classes);
        chart.Side = MapSide + 90;
        chart.Legend = labelling.Classes.Count is > 1 and <= MostClasses;
        foreach (ProjectedExample example in network.New.Take(MostTrails)) chart.Mark(example.X, example.Y);
        chart.Description = $"The map of {made.Last.Layer} with rings where {network.New.Count} new examples lie.";
        section.Row([Figure.Of(chart.ToSvg(), "Rings: new examples")]);
        if (labelling.Classes.Count < 2)
        {
            section.Row(network.New.Take(MostOutliers).Select((e, i) => Figure.Of(examples.Picture(i), e.Example, e.Example)));
            return;
        }
        // Those least at home first: they are why one looks.
        (ProjectedExample Example, int Number)[] strange = [.. network.New.Select((e, i) => (e, i)).OrderBy(e => e.e.Share)];
        section.Row(strange.Take(MostOutliers).Select(e => Figure.Of(examples.Picture(e.Number), e.Example.Example,
            $"{e.Example.Share.ToString("P0", CultureInfo.InvariantCulture)} of those around it: {e.Example.Surrounding}{(e.Example.Answer is null ? "" : $"; taken for {e.Example.Answer}")}")));
        section.Details($"Every new example ({Count(strange.Length)})",
            inside => inside.Table(["example", "own class", "among", "part of the neighbours", "taken for"],
            strange.Select(s => s.Example).Select(
                e => (IReadOnlyList<string>)[e.Example, e.Label ?? "-", e.Surrounding ?? "-", Percent(e.Share), e.Answer ?? "-"])));
    }

    private static void Neurons(ReportSection section, NetworkMaps made, CancellationToken cancel)
    {
        ActivityMap last = made.Last;
        int width = last.Rows.Shape[1];
        if (made.Subject.Labellings is not [var labelling, ..] || width is < 3 or > MostNeurons) return;
        var neurons = NeuronProjection.Of(last.Rows, cancel);
        double[] x = new double[width], y = new double[width];
        for (int i = 0; i < width; i++) (x[i], y[i]) = (neurons.Map.Floats[2 * i], neurons.Map.Floats[(2 * i) + 1]);
        var figures = new List<Figure>();
        for (int k = 0; k < Math.Min(MostClasses, labelling.Classes.Count); k++)
        {
            int of = labelling.Labels.Count(l => l == k);
            if (of == 0 || of == labelling.Labels.Length) continue;
            float[] power = NeuronProjection.Power(last.Rows, labelling.Labels, k);
            var chart = new ScatterChart($"{labelling.Name} {labelling.Classes[k]}") { Side = NeuronSide, Legend = false };
            chart.Add("", x, y, [.. power.Select(p => (double)p)]);
            chart.Description = $"{width} neurons; the best tells {labelling.Classes[k]} from the others with a power of {Number(power.Max())}.";
            figures.Add(Figure.Of(chart.ToSvg(), $"Best neuron {Array.IndexOf(power, power.Max())}: {Number(power.Max())}"));
        }
        if (figures.Count == 0) return;
        section.Heading($"The neurons of {last.Layer}").Text(
            "Here every point is a neuron, and near neurons rise and fall together (1 less the size of their correlation). The stronger its " +
            "colour, the better the neuron alone tells the class from all others: 0 says nothing, 1 separates it without error (|2 AUC - 1|).").Row(figures);
    }

    private static string Percent(double value) => value.ToString("P2", CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
