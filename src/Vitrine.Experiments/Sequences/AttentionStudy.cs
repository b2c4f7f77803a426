using System.Text.Json;
using System.Text.Json.Serialization;
using Vitrine.Data;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>Whose attention to look at.</summary>
public sealed record AttentionOptions
{
    /// <summary>An ONNX file; null to train small networks on <see cref="Task"/> instead.</summary>
    public string? Model { get; init; }

    /// <summary>With a model: what it reads, one input of a text, table, array or picture file.</summary>
    public string? Input { get; init; }

    /// <summary>For texts: a file with one token a line.</summary>
    public string? Vocabulary { get; init; }

    /// <summary>For pictures: a built-in preprocessing or a file of one.</summary>
    public string? Preprocess { get; init; }

    /// <summary>Without a model: one of <see cref="SequencePairs.Names"/>.</summary>
    public string Task { get; init; } = "reverse";

    /// <summary>Without a model: the steps of a training.</summary>
    public int Steps { get; init; } = 600;

    /// <summary>Where random numbers start.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The folder for the page; null for none.</summary>
    public string? Output { get; init; }
}

/// <summary>One attention.</summary>
/// <param name="Scope">The layer whose result the weights are.</param>
/// <param name="Queries">How many queries there are.</param>
/// <param name="Keys">How many keys.</param>
/// <param name="Entropy">For each head the mean entropy of a query's weights, in bits: 0 looks at one key, log2(keys) at all alike.</param>
/// <param name="Loss">For each head what the score loses without it.</param>
public sealed record AttentionLayer(string Scope, int Queries, int Keys, IReadOnlyList<double> Entropy, IReadOnlyList<double> Loss);

/// <summary>A network's attention.</summary>
/// <param name="Network">Which network.</param>
/// <param name="Accuracy">The part of tokens of unseen targets it gets right; null for a model from a file.</param>
/// <param name="Aligned">
/// The mean weight on where a token is known to come from; of several layers, that of their rollout. Null where nothing is known.
/// </param>
/// <param name="Unaligned">The same of the network before it learned anything: what chance gives.</param>
/// <param name="Score">The name of what heads are judged by.</param>
/// <param name="Whole">The score with all heads.</param>
/// <param name="Layers">Each attention.</param>
public sealed record AttentionNetwork(
    string Network, double? Accuracy, double? Aligned, double? Unaligned, string Score, double Whole, IReadOnlyList<AttentionLayer> Layers);

/// <summary>What attention looks at.</summary>
/// <param name="Version">The version of Vitrine.</param>
/// <param name="Subject">The model and its input, or the task.</param>
/// <param name="Networks">The networks.</param>
public sealed record AttentionResult(string Version, string Subject, IReadOnlyList<AttentionNetwork> Networks)
{
    /// <summary>The result as one JSON object.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, AttentionJson.Default.AttentionResult);
}

/// <summary>Shows what attention looks at: maps of every head, alignment, rollout and flow, and what is lost without each head.</summary>
public static class AttentionStudy
{
    /// <summary>Looks, and writes the page.</summary>
    /// <param name="options">At what.</param>
    /// <param name="stage">Hears what is being done now; or null.</param>
    /// <param name="warn">Told what is assumed; or null.</param>
    /// <param name="cancel">Ends the work; nothing is written then.</param>
    /// <exception cref="DataException">A file is missing or does not fit, or the network has no attention.</exception>
    public static AttentionResult Run(AttentionOptions options, Action<string>? stage = null, Action<string>? warn = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Output is not null) OutputFolder.Prepare(options.Output);
        List<AttentionView> views = options.Model is null ? Tasks(options, stage, cancel) : [OfModel(options, stage, warn, cancel)];
        var result = new AttentionResult(
            Tour.Version, options.Model is null ? options.Task : $"{Path.GetFileName(options.Model)} on {Path.GetFileName(options.Input)}",
            [.. views.Select(v => v.Result)]);
        if (options.Output is not null)
        {
            stage?.Invoke("writing the page");
            AttentionPage.Of(result, views).Save(Path.Combine(options.Output, "index.html"));
            OutputFolder.Write(Path.Combine(options.Output, "attention.json"), result.ToJson());
        }
        return result;
    }

    private static List<AttentionView> Tasks(AttentionOptions options, Action<string>? stage, CancellationToken cancel)
    {
        var views = new List<AttentionView>();
        var random = new RandomSource(options.Seed);
        SequencePairs unseen = SequencePairs.Generate(options.Task, 200, random.Derive("measured"));
        stage?.Invoke("training a recurrent network that looks at the source");
        Add("Recurrent network with additive attention", steps => AlignmentTraining.Reader(options.Task, options.Seed, steps, cancel));
        if (unseen.Source.Shape == unseen.Target.Shape)
        {
            stage?.Invoke("training a Transformer");
            Add("Transformer encoder, 2 layers of 4 heads", steps => AlignmentTraining.Transformer(options.Task, options.Seed, steps, cancel: cancel));
        }
        return views;

        void Add(string name, Func<int, AlignedNetwork> train)
        {
            AlignedNetwork fresh = train(0), learned = train(options.Steps);
            stage?.Invoke("ablating heads");
            (double whole, IReadOnlyList<HeadScore> heads) = HeadImportance.Of(
                learned.Network, learned.Inputs(unseen), outputs => AlignedNetwork.Right(unseen, outputs[0]), cancel);
            // The pairs on the page, one after the other.
            SequencePairs shown = SequencePairs.Generate(options.Task, 3, random.Derive("shown"));
            IReadOnlyList<AttentionMap> maps = AttentionMap.Of(learned.Network, learned.Inputs(shown));
            string[][] sources = Rows(shown.SourceCharacters, shown.Source), targets = Rows(shown.TargetCharacters, shown.Target);
            var result = new AttentionNetwork(
                name, learned.Accuracy, Aligned(learned), Aligned(fresh), "accuracy", whole,
                Described(AttentionMap.Of(learned.Network, learned.Inputs(unseen)), heads));
            views.Add(new AttentionView(result, maps, targets, sources, learned.Seconds));
        }

        double Aligned(AlignedNetwork network)
        {
            IReadOnlyList<AttentionMap> maps = AttentionMap.Of(network.Network, network.Inputs(unseen));
            // Several layers are followed down to the tokens; a single one looks at them itself.
            Tensor weights = maps.Count == 1 ? maps[0].Weights : AttentionRollout.Rollout([.. maps.Select(m => m.Weights)]).Unsqueeze(1);
            return Alignment.Share(weights, unseen.Origin);
        }
    }

    private static AttentionView OfModel(AttentionOptions options, Action<string>? stage, Action<string>? warn, CancellationToken cancel)
    {
        stage?.Invoke("opening the network");
        var opened = OpenedNetwork.Open(options.Model!, options.Preprocess, null, warn);
        IReadOnlyDictionary<string, long>? vocabulary = options.Vocabulary is null ? null : ExplainSubject.Vocabulary(options.Vocabulary);
        ExplainSubject subject = ExplainSubject.Read(
            options.Input ?? throw new DataException("There is nothing for the network to read.", "Name an input after the model."),
            opened, vocabulary, columns: null, background: null)[0];
        Tensor[] inputs = [subject.Input];
        stage?.Invoke("reading its attention");
        IReadOnlyList<AttentionMap> maps = AttentionMap.Of(opened.Module, inputs);
        if (maps.Count == 0)
        {
            throw new DataException(
                "The network has no attention: no softmax whose result is a factor of a matrix product.", "Choose another network.", options.Model);
        }
        stage?.Invoke("ablating heads");
        long[]? tops = null;
        (double whole, IReadOnlyList<HeadScore> heads) = HeadImportance.Of(opened.Module, inputs, outputs => TopScore(outputs[0], ref tops), cancel);
        var result = new AttentionNetwork(
            Path.GetFileName(options.Model!), null, null, null, "log probability of its answer", whole, Described(maps, heads));
        string[][] names = [.. maps.Select(m => Names(subject, m.Weights.Shape[3]))];
        // A layer called once for each step of what is written is one map.
        IReadOnlyList<AttentionMap> shown = AttentionMap.OverSteps(maps);
        if (shown.Count < maps.Count) names = [.. shown.Select(m => Names(subject, m.Weights.Shape[3]))];
        string[][] queries =
        [
            .. shown.Select(m => maps.Contains(m) ? Names(subject, m.Weights.Shape[2]) : Said(opened.Module, subject, m.Weights.Shape[2], vocabulary)),
        ];
        return new AttentionView(result, shown, queries, names, null) { NamesByMap = true, Picture = subject.Picture?.ToChw() };
    }

    /// <summary>What a network that writes says at each step: words where its answers are numbers of the vocabulary, the steps' numbers otherwise.</summary>
    private static string[] Said(Module network, ExplainSubject subject, int steps, IReadOnlyDictionary<string, long>? vocabulary)
    {
        Tensor answer = network.Predict(subject.Input);
        if (vocabulary is null || answer.Shape != Shape.Create(1, steps, vocabulary.Count)) return [.. Enumerable.Range(1, steps).Select(i => $"step {i}")];
        string[] words = [.. vocabulary.OrderBy(w => w.Value).Select(w => w.Key)];
        return [.. answer.ArgMax(2).Longs.ToArray().Select(w => words[w])];
    }

    /// <summary>The mean log probability of what the whole network answers: the first call, with all heads, decides what that is.</summary>
    private static double TopScore(Tensor output, ref long[]? tops)
    {
        int width = output.Shape[-1], rows = output.Count / width;
        Tensor logs = output.Reshape(rows, width).LogSoftmax();
        double sum = 0;
        bool first = tops is null;
        tops ??= new long[rows];
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> values = logs.Floats.Slice(row * width, width);
            if (first) for (int k = 1; k < width; k++) if (values[k] > values[(int)tops[row]]) tops[row] = k;
            sum += values[(int)tops[row]];
        }
        return sum / rows;
    }

    private static AttentionLayer[] Described(IReadOnlyList<AttentionMap> maps, IReadOnlyList<HeadScore> heads)
    {
        var layers = new List<AttentionLayer>();
        int at = 0;
        foreach (AttentionMap map in maps)
        {
            double[] losses = [.. heads.Skip(at).Take(map.Heads).Select(h => h.Loss)];
            layers.Add(new AttentionLayer(map.Scope, map.Weights.Shape[2], map.Weights.Shape[3], Entropies(map.Weights), losses));
            at += map.Heads;
        }
        return [.. layers];
    }

    private static double[] Entropies(Tensor weights)
    {
        (int heads, int t, int s) = (weights.Shape[1], weights.Shape[2], weights.Shape[3]);
        double[] entropies = new double[heads];
        for (int row = 0; row < weights.Count / s; row++)
        {
            double sum = 0;
            foreach (float w in weights.Floats.Slice(row * s, s)) if (w > 0) sum -= w * Math.Log2(w);
            entropies[row / t % heads] += sum / (weights.Shape[0] * t);
        }
        return entropies;
    }

    private static string[][] Rows(string characters, Tensor numbers)
    {
        int width = numbers.Shape[1];
        return [.. Enumerable.Range(0, numbers.Shape[0]).Select(n =>
            SequencePairs.Text(characters, numbers.Longs.Slice(n * width, width)).Select(c => c == ' ' ? "\u00B7" : $"{c}").ToArray())];
    }

    private static string[] Names(ExplainSubject subject, int count) => subject.Parts is { } parts && parts.Count == count
        ? [.. parts]
        : [.. Enumerable.Range(0, count).Select(i => $"{i}")];
}

/// <summary>What the page shows of a network.</summary>
/// <param name="Result">Its figures.</param>
/// <param name="Maps">Its attention on the examples that are shown.</param>
/// <param name="Queries">The names of queries: of each example, or of each map.</param>
/// <param name="Keys">The names of keys.</param>
/// <param name="Seconds">How long it learned; null for a model from a file.</param>
internal sealed record AttentionView(
    AttentionNetwork Result, IReadOnlyList<AttentionMap> Maps, string[][] Queries, string[][] Keys, double? Seconds)
{
    /// <summary>Whether names belong to maps, all of one example.</summary>
    public bool NamesByMap { get; init; }

    /// <summary>The picture that the network reads, [3 or 1, H, W] in 0..1; null where it reads none.</summary>
    public float[,,]? Picture { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(AttentionResult))]
internal sealed partial class AttentionJson : JsonSerializerContext;
