using System.Diagnostics;
using System.Numerics.Tensors;
using Vitrine.Data;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>The map of one layer, with the activations it shows.</summary>
internal sealed record ActivityMap(string Stage, string Layer, Tensor Rows, Tensor Map, ProjectedLayer Score);

/// <summary>New examples in a finished map.</summary>
/// <param name="Map">[M, 2].</param>
/// <param name="Answers">The number of the greatest output for each.</param>
internal sealed record AddedMap(Tensor Map, int[] Answers);

/// <summary>All maps of a network.</summary>
internal sealed record NetworkMaps(
    ProjectSubject Subject, IReadOnlyList<ActivityMap> Maps, string Focus, IReadOnlyDictionary<string, double> Accuracy, AddedMap? New)
{
    /// <summary>The map of the layer in focus at the last stage.</summary>
    public ActivityMap Last => Maps.Last(m => m.Layer == Focus);
}

/// <summary>
/// Maps of the activity of a network, layer after layer and stage after stage (Rauber, Fadel, Falcao, Telea 2017). Maps are aligned so that the eye can follow:
/// each starts from the map of the same layer at the stage before, or else from that of the layer before.
/// </summary>
internal sealed class ActivityMaps(ProjectOptions options, Action<string>? stage, CancellationToken cancel)
{
    public const string Input = "input";

    private const int BatchSize = 64;
    private const int MostLayers = 8;

    private static readonly string[] Activations = ["Relu", "Tanh", "Sigmoid", "Gelu", "Silu", "Elu", "Softplus"];

    public NetworkMaps Of(ProjectSubject subject)
    {
        Tensor one = subject.Batch(0, 1);
        (IReadOnlyList<string> layers, string focus) = Choose(subject.Stages[^1].Network, one, options.Layers);
        CheckMemory(subject, one, layers);
        var maps = new List<ActivityMap>();
        var accuracy = new Dictionary<string, double>(StringComparer.Ordinal);
        AddedMap? added = null;
        for (int s = 0; s < subject.Stages.Count; s++)
        {
            ProjectStage at = subject.Stages[s];
            stage?.Invoke($"{subject.Name}, {at.Name}: {subject.Count} examples through the network");
            // The input is the same at every stage.
            (IReadOnlyList<Tensor> rows, double right) = Collect(subject, at.Network, layers, withInput: s == 0);
            double known = at.Accuracy ?? right;
            if (!double.IsNaN(known)) accuracy[at.Name] = known;
            string[] names = s == 0 ? [Input, .. layers] : [.. layers];
            for (int l = 0; l < names.Length; l++)
            {
                stage?.Invoke($"{subject.Name}, {at.Name}: map of {names[l]}, {l + 1} of {names.Length}");
                ActivityMap? before = maps.LastOrDefault(m => m.Layer == names[l]) ?? maps.LastOrDefault();
                (Tensor map, Func<Tensor, Tensor> place, double seconds) = Lay(rows[l], before?.Map);
                maps.Add(Judge(subject, at.Name, names[l], rows[l], map, seconds));
                if (subject.New is { } more && names[l] == focus && s == subject.Stages.Count - 1)
                {
                    stage?.Invoke($"{subject.Name}: {more.Count} new examples in the map of {focus}");
                    added = Add(at.Network, focus, more, place);
                }
            }
        }
        return new NetworkMaps(subject, maps, focus, accuracy, added);
    }

    /// <summary>The layers to be shown, in the order of computation, and the last hidden one among them.</summary>
    /// <exception cref="DataException">There is no such layer.</exception>
    public static (IReadOnlyList<string> Layers, string Focus) Choose(Module network, Tensor one, IReadOnlyList<string> asked)
    {
        LayerRow[] rows = [.. Network.Layers(network, one).Where(r => r.Scope.Length > 0 && r.Output.Rank >= 2 && r.Output[0] == one.Shape[0])];
        string[] all = [.. rows.Select(r => r.Scope)];
        string[] active = [.. rows.Where(r => Activations.Any(a => r.Type.Contains(a, StringComparison.OrdinalIgnoreCase))).Select(r => r.Scope)];
        if (all.Length == 0) throw new DataException("No part of the network has a name and makes a row for each example.", "'vitrine open' shows its layers.");
        string[] chosen = asked is ["all"] ? all : [.. asked];
        foreach (string layer in chosen)
        {
            if (!all.Contains(layer))
                throw new DataException($"The network has no layer '{layer}' that makes a row for each example.",
                    $"Choose among {string.Join(", ", all.Take(40))}, or all.");
        }
        if (chosen.Length == 0)
        {
            string[] usual = active.Length == 0 ? all : active.Contains(all[^1]) ? active : [.. active, all[^1]];
            chosen = usual.Length <= MostLayers ? usual
                : [.. Enumerable.Range(0, MostLayers).Select(i => usual[(int)Math.Round(i * (usual.Length - 1.0) / (MostLayers - 1))])];
        }
        chosen = [.. chosen.OrderBy(c => Array.IndexOf(all, c))];
        return (chosen, chosen.LastOrDefault(active.Contains) ?? chosen[^1]);
    }

    private void CheckMemory(ProjectSubject subject, Tensor one, IReadOnlyList<string> layers)
    {
        var width = Network.Activations(subject.Stages[^1].Network, one).ToLookup(a => a.Key, a => a.Value.Count);
        long n = subject.Count, rows = n * one.Count, widest = one.Count;
        foreach (string layer in layers)
        {
            rows += n * width[layer].First() * subject.Stages.Count;
            widest = Math.Max(widest, width[layer].First());
        }
        // Activations stay until the page is written; the widest layer is copied when neighbours are sought.
        long bytes = rows * sizeof(float) + Tsne.EstimateBytes(subject.Count, (int)widest);
        stage?.Invoke($"{subject.Name}: {1 + layers.Count * subject.Stages.Count} maps of {n} points, about {Math.Max(1, bytes >> 20)} MB of memory");
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > available)
        {
            throw new DataException($"The maps would take about {bytes >> 20} MB of memory, and this machine has {available >> 20}.",
                "Ask for fewer --points, or name the layers with --layer.");
        }
    }

    private (IReadOnlyList<Tensor> Rows, double Right) Collect(ProjectSubject subject, Module network, IReadOnlyList<string> layers, bool withInput)
    {
        int n = subject.Count, first = withInput ? 1 : 0;
        float[]?[] all = new float[first + layers.Count][];
        int[]? labels = subject.Labellings.Count > 0 ? subject.Labellings[0].Labels : null;
        int right = 0;
        bool classifies = labels is not null;
        for (int start = 0; start < n; start += BatchSize)
        {
            cancel.ThrowIfCancellationRequested();
            int count = Math.Min(BatchSize, n - start);
            Tensor inputs = subject.Batch(start, count);
            if (withInput) Take(0, inputs, start, count);
            IReadOnlyList<Tensor> results = ActivationRows.Of(network, inputs, layers, BatchSize, cancel);
            for (int l = 0; l < layers.Count; l++) Take(first + l, results[l], start, count);
            Tensor answers = network.Predict(inputs);
            classifies = classifies && answers.Rank == 2 && answers.Shape[1] == subject.Labellings[0].Classes.Count;
            for (int i = 0; classifies && i < count; i++)
            {
                right += TensorPrimitives.IndexOfMax(answers.Floats.Slice(i * answers.Shape[1], answers.Shape[1])) == labels![start + i] ? 1 : 0;
            }
        }
        return ([.. all.Select(a => Tensor.From(a!, [n, a!.Length / n]))], classifies ? right / (double)n : double.NaN);

        void Take(int at, Tensor rows, int start, int count)
        {
            int width = rows.Count / count;
            float[] to = all[at] ??= new float[checked(n * width)];
            rows.Floats.CopyTo(to.AsSpan(start * width));
        }
    }

    private AddedMap Add(Module network, string focus, ExampleSet more, Func<Tensor, Tensor> place)
    {
        var rows = new List<Tensor>();
        var answers = new List<int>();
        foreach (Tensor inputs in more.Batches(BatchSize))
        {
            cancel.ThrowIfCancellationRequested();
            rows.Add(ActivationRows.Of(network, inputs, [focus], BatchSize, cancel)[0]);
            Tensor outputs = network.Predict(inputs);
            int width = outputs.Count / outputs.Shape[0];
            for (int i = 0; i < outputs.Shape[0]; i++) answers.Add(TensorPrimitives.IndexOfMax(outputs.Floats.Slice(i * width, width)));
        }
        return new AddedMap(place(TensorOps.Concat(0, [.. rows])), [.. answers]);
    }

    // The map, and what puts new rows into it.
    private (Tensor Map, Func<Tensor, Tensor> Place, double Seconds) Lay(Tensor rows, Tensor? before)
    {
        int n = rows.Shape[0];
        var clock = Stopwatch.StartNew();
        (Tensor map, Func<Tensor, Tensor> place) = options.Method switch
        {
            "pca" => Components(rows),
            "umap" => Embedded(new Umap(rows, new UmapSettings { Neighbours = Math.Min(15, n - 1), Seed = options.Seed }, before, cancel)),
            _ => Stepped(new Tsne(rows, new TsneSettings { Perplexity = Math.Min(30, (n - 2) / 3.0), Seed = options.Seed }, before, cancel)),
        };
        return (map, place, clock.Elapsed.TotalSeconds);

        (Tensor, Func<Tensor, Tensor>) Embedded(Umap umap) => (umap.Run(null, cancel), more => umap.Embed(more, cancel));

        (Tensor, Func<Tensor, Tensor>) Stepped(Tsne tsne) => (tsne.Run(null, cancel), more => tsne.Embed(more, cancel));
    }

    private ActivityMap Judge(ProjectSubject subject, string at, string layer, Tensor rows, Tensor map, double seconds)
    {
        int k = options.Neighbours;
        var hits = new Dictionary<string, ProjectedHit>(StringComparer.Ordinal);
        foreach (Labelling labelling in subject.Labellings)
        {
            NeighbourhoodHit hit = MapQuality.Hit(map, labelling.Labels, k, cancel), inside = MapQuality.Hit(rows, labelling.Labels, k, cancel);
            hits[labelling.Name] = new ProjectedHit(
                hit.Total, inside.Total, hit.PerClass.Select((h, c) => (Name: labelling.Classes[c], h)).Where(c => !double.IsNaN(c.h))
                .ToDictionary(c => c.Name, c => c.h, StringComparer.Ordinal));
        }
        var score = new ProjectedLayer(at, layer, rows.Shape[1], hits,
            MapQuality.Trustworthiness(rows, map, k, cancel), MapQuality.Continuity(rows, map, k, cancel), seconds);
        return new ActivityMap(at, layer, rows, map, score);
    }

    private static (Tensor Map, Func<Tensor, Tensor> Place) Components(Tensor rows)
    {
        Func<Tensor, Tensor> place = rows.Shape[1] >= 2 ? Pca.Fit(rows, 2).Project : Line(Pca.Fit(rows, 1));
        return (place(rows), place);

        static Func<Tensor, Tensor> Line(Pca one) => more => TensorOps.Concat(1, one.Project(more), Tensor.Zeros([more.Shape[0], 1]));
    }
}
