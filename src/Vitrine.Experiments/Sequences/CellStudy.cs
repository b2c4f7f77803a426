using System.Text.Json;
using System.Text.Json.Serialization;
using Vitrine.Data;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>What to ask the cells of a character language model.</summary>
public sealed record CellOptions
{
    /// <summary>The model: a file that <c>vitrine train-text</c> wrote.</summary>
    public required string Model { get; init; }

    /// <summary>The text to read: the one it learned from, of which the last tenth is unseen, or another.</summary>
    public required string Text { get; init; }

    /// <summary>The names of hypotheses; null for all.</summary>
    public IReadOnlyList<string>? Hypotheses { get; init; }

    /// <summary>Cells to show, each <c>layer:number</c>, from 1 and from 0; <c>all</c> shows every cell on pages of their own.</summary>
    public IReadOnlyList<string> Cells { get; init; } = [];

    /// <summary>At most so many characters to search on, and to report on.</summary>
    public int Characters { get; init; } = 100_000;

    /// <summary>How often the search is repeated on shifted hypotheses.</summary>
    public int Shifts { get; init; } = 99;

    /// <summary>Where random numbers start: the shifts, and the weights of the untrained network.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The folder for the pages; null for none.</summary>
    public string? Output { get; init; }
}

/// <summary>A cell found for a hypothesis.</summary>
/// <param name="Cell"><c>layer:number</c>, from 1 and from 0.</param>
/// <param name="Sign">1 when the cell is high where the hypothesis holds, -1 when it is low.</param>
/// <param name="SearchAuc">Area under the curve on the stretch it was chosen by.</param>
/// <param name="Auc">The same on the stretch for reporting.</param>
/// <param name="TrainAuc">The same on text that was learned from; NaN for an unknown text.</param>
/// <param name="Spearman">Rank correlation on the stretch for reporting.</param>
/// <param name="Information">Bits the cell's value tells of the hypothesis there.</param>
public sealed record FoundCell(string Cell, int Sign, double SearchAuc, double Auc, double TrainAuc, double Spearman, double Information);

/// <summary>What was found for a hypothesis.</summary>
/// <param name="Hypothesis">Its name.</param>
/// <param name="Meaning">What it says.</param>
/// <param name="Declined">Why nothing was searched, or null.</param>
/// <param name="Share">The part of characters where it holds.</param>
/// <param name="Entropy">Bits there are to be told of it.</param>
/// <param name="Cells">The best cells by the search, the best first.</param>
/// <param name="Untrained">The area under the curve of the best cell of an untrained network, found and measured in the same way.</param>
/// <param name="CharacterAlone">The area under the curve of the best guess by the last character alone, learned where the search was made.</param>
/// <param name="Chance">The 95th percentile of what the best of all cells reaches on shifted hypotheses.</param>
/// <param name="P">The part of shifted hypotheses for which some cell does as well as the best one for the true one.</param>
public sealed record HypothesisResult(
    string Hypothesis, string Meaning, string? Declined, double Share, double Entropy, IReadOnlyList<FoundCell> Cells, double Untrained, double CharacterAlone,
    double Chance, double P);

/// <summary>How often the gates of a layer are saturated: means over its cells.</summary>
/// <param name="Layer">From 1.</param>
/// <param name="Gate"><c>input</c>, <c>forget</c> or <c>output</c>.</param>
/// <param name="Left">The part of steps with the gate below 0.1.</param>
/// <param name="Right">The part above 0.9.</param>
/// <param name="Remember">The number of cells whose gate is above 0.9 more than nine tenths of the time.</param>
public sealed record GateResult(int Layer, string Gate, double Left, double Right, int Remember);

/// <summary>What the cells of a model keep track of.</summary>
/// <param name="Version">The version of Vitrine.</param>
/// <param name="Model">The model.</param>
/// <param name="Text">The text.</param>
/// <param name="Learned">Whether it is the text the model learned from.</param>
/// <param name="Bits">Bits a character on the stretch for reporting.</param>
/// <param name="Cells">How many cells were searched.</param>
/// <param name="SearchCharacters">Characters searched on.</param>
/// <param name="ReportCharacters">Characters reported on.</param>
/// <param name="Hypotheses">What was found.</param>
/// <param name="Gates">How often gates are saturated.</param>
public sealed record CellResult(
    string Version, string Model, string Text, bool Learned, double Bits, int Cells, int SearchCharacters, int ReportCharacters,
    IReadOnlyList<HypothesisResult> Hypotheses, IReadOnlyList<GateResult> Gates)
{
    /// <summary>The result as one JSON object.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, CellJson.Default.CellResult);
}

/// <summary>Searches the cells of a character language model for meaning, and shows what they hold (Karpathy, Johnson and Fei-Fei 2015).</summary>
public static class CellStudy
{
    private const int Kept = 3;

    /// <summary>Searches, measures, and writes the pages.</summary>
    /// <param name="options">What to ask.</param>
    /// <param name="stage">Hears what is being done now; or null.</param>
    /// <param name="warn">Told what may not be as the user means it; or null.</param>
    /// <param name="cancel">Ends the work; nothing is written then.</param>
    /// <exception cref="DataException">A file is missing or is another than it should be.</exception>
    /// <exception cref="ArgumentException">A hypothesis or a cell has no such name.</exception>
    public static CellResult Run(CellOptions options, Action<string>? stage = null, Action<string>? warn = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        IReadOnlyList<TextHypothesis> hypotheses = Chosen(options.Hypotheses);
        stage?.Invoke("reading the model and the text");
        var model = TextModel.Open(options.Model);
        string text = CharacterText.Read(options.Text);
        int size = model.Network.Hidden, units = model.Network.Layers * size;
        int[] shown = [.. options.Cells.Where(c => c != "all").Select(c => Unit(c, model.Network.Layers, size))];
        bool learned = TextModel.Hash(text) == model.Fingerprint;
        if (!learned) warn?.Invoke($"{options.Text} is not the text that the model learned from; its two halves serve to search and to report.");
        TextSplit split = learned ? TextSplit.Of(text) : TextSplit.Unseen(text);
        int searchFrom = split.Train.Length, reportFrom = searchFrom + split.Search.Length;
        if (split.Search.Length < 2000)
        {
            throw new DataException(
                $"There are {split.Search.Length:N0} characters to search on; at least 2,000 are needed.", "Choose a longer text.", options.Text);
        }
        if (options.Output is not null) OutputFolder.Prepare(options.Output);

        stage?.Invoke("reading what the network has not seen");
        var search = CellReader.Read(model, text, searchFrom, Math.Min(options.Characters, split.Search.Length), cancel);
        var report = CellReader.Read(model, text, reportFrom, Math.Min(options.Characters, split.Report.Length), cancel);
        CellReader? train = learned ? CellReader.Read(model, text, searchFrom / 2, Math.Min(options.Characters, searchFrom / 2), cancel) : null;
        stage?.Invoke("reading with an untrained network");
        TextModel fresh = model.Untrained(new RandomSource(options.Seed).Derive("untrained"));
        var freshSearch = CellReader.Read(fresh, text, searchFrom, Math.Min(options.Characters, split.Search.Length), cancel);
        var freshReport = CellReader.Read(fresh, text, reportFrom, Math.Min(options.Characters, split.Report.Length), cancel);

        stage?.Invoke("searching the cells");
        float[][] labels = [.. hypotheses.Select(h => h.Label(text))];
        IReadOnlyList<SearchResult?> found = CellSearch.Run(
            search.Cells, [.. labels.Select(l => Part(l, search))], Kept, options.Shifts, options.Seed, cancel);
        IReadOnlyList<SearchResult?> freshFound = CellSearch.Run(freshSearch.Cells, [.. labels.Select(l => Part(l, freshSearch))], 1, 0, options.Seed, cancel);
        var results = new List<HypothesisResult>();
        for (int k = 0; k < hypotheses.Count; k++)
        {
            (TextHypothesis hypothesis, float[] label) = (hypotheses[k], labels[k]);
            if (found[k] is not { } best || freshFound[k] is not { } freshBest || Measured(best.Best[0], report, label) is null)
            {
                const string reason = "it is the same at every character of the unseen text";
                results.Add(new HypothesisResult(hypothesis.Name, hypothesis.Meaning, reason, 0, 0, [], 0, 0, 0, 1));
                continue;
            }
            FoundCell[] cells = [.. best.Best.Select(b =>
            {
                UnitScore there = Measured(b, report, label)!;
                double onTrain = train is null ? double.NaN : Measured(b, train, label)?.Auc ?? double.NaN;
                return new FoundCell(Name(b.Unit, size), b.Sign, b.Auc, there.Auc, onTrain, there.Spearman, there.Information);
            })];
            results.Add(new HypothesisResult(
                hypothesis.Name, hypothesis.Meaning, null, best.Share, best.Entropy, cells, Measured(freshBest.Best[0], freshReport, label)?.Auc ?? double.NaN,
                CharacterAlone(text, label, search, report), best.NullHigh, best.P));
        }
        double bits = TextTraining.Bits(model, text.Substring(report.From, report.Count), cancel);
        GateResult[] gates = [.. report.Gates.SelectMany(Gates)];
        var result = new CellResult(Tour.Version, Path.GetFileName(options.Model), Path.GetFileName(options.Text), learned, bits, units, search.Count,
            report.Count, results, gates);
        if (options.Output is not null)
        {
            stage?.Invoke("writing the pages");
            CellPage.Write(options.Output, result, text, report, labels, hypotheses, shown, options.Cells.Contains("all"), size, model.Network.Layers);
            OutputFolder.Write(Path.Combine(options.Output, "cells.json"), result.ToJson());
        }
        return result;

        static UnitScore? Measured(UnitScore chosen, CellReader on, float[] label) =>
            CellSearch.Score(chosen.Unit, chosen.Sign, on.Cells.Floats.Slice(chosen.Unit * on.Count, on.Count), Part(label, on));
    }

    /// <summary>A cell as people name it: <c>2:17</c> is number 17, from 0, of the second layer.</summary>
    internal static string Name(int unit, int size) => $"{unit / size + 1}:{unit % size}";

    /// <summary>The labels of a stretch.</summary>
    internal static float[] Part(float[] labels, CellReader stretch) => labels.AsSpan(stretch.From, stretch.Count).ToArray();

    private static IReadOnlyList<TextHypothesis> Chosen(IReadOnlyList<string>? names) => names is null ? TextHypothesis.All
        : [.. names.Select(n => TextHypothesis.All.FirstOrDefault(h => h.Name.Equals(n, StringComparison.OrdinalIgnoreCase))
            ?? throw new ArgumentException($"No hypothesis is called '{n}'. There are: {string.Join(", ", TextHypothesis.All.Select(h => h.Name))}."))];

    private static int Unit(string name, int layers, int size)
    {
        string[] parts = name.Split(':');
        return parts.Length == 2 && int.TryParse(parts[0], out int layer) && int.TryParse(parts[1], out int number) && layer >= 1 && layer <= layers
            && number >= 0 && number < size
            ? (layer - 1) * size + number
            : throw new ArgumentException($"'{name}' is no cell of this network: it should be layer:number, 1:0 to {layers}:{size - 1}, or all.");
    }

    /// <summary>What anybody could say who saw the last character and nothing else: a hypothesis that this tells needs no memory.</summary>
    private static double CharacterAlone(string text, float[] label, CellReader search, CellReader report)
    {
        var sums = new Dictionary<char, (double Sum, int Count)>();
        for (int i = search.From; i < search.From + search.Count; i++)
        {
            (double sum, int count) = sums.GetValueOrDefault(text[i]);
            sums[text[i]] = (sum + label[i], count + 1);
        }
        double mean = sums.Values.Sum(s => s.Sum) / search.Count;
        float[] guess = [.. Enumerable.Range(report.From, report.Count)
            .Select(i => sums.TryGetValue(text[i], out (double Sum, int Count) s) ? (float)(s.Sum / s.Count) : (float)mean)];
        return CellSearch.Score(0, 1, guess, Part(label, report))!.Auc;
    }

    private static IEnumerable<GateResult> Gates(GateStatistics layer, int number)
    {
        (string, IReadOnlyList<(double Left, double Right)>)[] gates = [("input", layer.Input), ("forget", layer.Forget), ("output", layer.Output)];
        foreach ((string name, IReadOnlyList<(double Left, double Right)> cells) in gates)
            yield return new GateResult(number + 1, name, cells.Average(c => c.Left), cells.Average(c => c.Right), cells.Count(c => c.Right > 0.9));
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(CellResult))]
internal sealed partial class CellJson : JsonSerializerContext;
