using System.Text.Json;
using System.Text.Json.Serialization;
using Vitrine.Models;

namespace Vitrine.Experiments;

/// <summary>The two halves of the classes that a seed drew.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="A">The classes of A.</param>
/// <param name="B">The classes of B.</param>
public sealed record TransferSplit(ulong Seed, IReadOnlyList<string> A, IReadOnlyList<string> B);

/// <summary>One point of the curve: networks of one condition that take over the same number of layers, one a seed.</summary>
/// <param name="Condition">Where the first layers come from.</param>
/// <param name="Layers">How many.</param>
/// <param name="PerClass">Training examples of each class.</param>
/// <param name="Accuracies">The accuracy of each seed, in [0, 1], in the order of the seeds.</param>
/// <param name="Mean">Their mean.</param>
/// <param name="Deviation">Their standard deviation (n - 1); 0 for one seed. Halves differ in how hard they are, so most of it is the halves'.</param>
public sealed record TransferPoint(
    TransferCondition Condition, int Layers, int PerClass, IReadOnlyList<double> Accuracies, double Mean, double Deviation);

/// <summary>What came out of the experiment.</summary>
/// <param name="Data">The data set.</param>
/// <param name="Layers">The names of the layers, from the input on.</param>
/// <param name="Seeds">The seeds.</param>
/// <param name="Splits">The halves of each seed.</param>
/// <param name="PerClass">Training examples of each class.</param>
/// <param name="Epochs">Passes over them.</param>
/// <param name="Margin">The part of all answers below which a difference is of no account.</param>
/// <param name="Baseline">
/// The accuracy of baseline B for each seed: the mean of base B and of a second training of it from other weights, so that one lucky training does not move
/// the line.
/// </param>
/// <param name="Noise">By how much those two trainings differ, the mean over seeds of the size of the difference.</param>
/// <param name="Points">The curve, with the bases.</param>
/// <param name="Findings">What the figures say about the paper's claims.</param>
public sealed record TransferResult(
    string Data,
    IReadOnlyList<string> Layers,
    IReadOnlyList<ulong> Seeds,
    IReadOnlyList<TransferSplit> Splits,
    int PerClass,
    int Epochs,
    double Margin,
    IReadOnlyList<double> Baseline,
    double Noise,
    IReadOnlyList<TransferPoint> Points,
    IReadOnlyList<TransferFinding> Findings)
{
    /// <summary>The result as one JSON object.</summary>
    /// <param name="indented">Over several lines, for people.</param>
    public string ToJson(bool indented = false) =>
        JsonSerializer.Serialize(this, indented ? ResultJson.Indented.TransferResult : ResultJson.Default.TransferResult);

    /// <summary>A point of the curve; null where the experiment has none.</summary>
    [JsonIgnore]
    internal Func<TransferCondition, int, int, TransferPoint?> At =>
        (condition, layers, perClass) => Points.FirstOrDefault(p => p.Condition == condition && p.Layers == layers && p.PerClass == perClass);

    /// <summary>Puts the outcomes of all jobs together.</summary>
    internal static TransferResult Of(TransferOptions options, IReadOnlyList<TransferOutcome> outcomes)
    {
        ulong[] seeds = [.. outcomes.Select(o => o.Job.Seed).Distinct().Order()];
        TransferPoint[] points =
        [
            .. outcomes.GroupBy(o => (o.Job.Condition, o.Job.Layers, o.Job.PerClass)).Select(g =>
            {
                double[] values = [.. g.OrderBy(o => o.Job.Seed).Select(o => o.Accuracy)];
                double mean = values.Average();
                double deviation = values.Length == 1 ? 0 : Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1));
                return new TransferPoint(g.Key.Condition, g.Key.Layers, g.Key.PerClass, values, mean, deviation);
            }),
        ];
        IReadOnlyList<double> first = Values(TransferCondition.BaseB), second = Values(TransferCondition.SelfferTuned);
        double[] baseline = [.. first.Zip(second, (a, b) => (a + b) / 2)];
        TransferSplit[] splits = [.. seeds.Select(s => new TransferSplit(s, Classes(s, TransferCondition.BaseA), Classes(s, TransferCondition.BaseB)))];
        var result = new TransferResult(
            options.Data, SmallAlexNet.LayerNames, seeds, splits, options.PerClass, options.Epochs, options.Margin, baseline,
            first.Zip(second, (a, b) => Math.Abs(a - b)).Average(), points, []);
        return result with { Findings = TransferFindings.Of(result) };

        IReadOnlyList<double> Values(TransferCondition condition) =>
            points.First(p => p.Condition == condition && p.Layers == 0 && p.PerClass == options.PerClass).Accuracies;
        IReadOnlyList<string> Classes(ulong seed, TransferCondition condition) =>
            outcomes.First(o => o.Job.Seed == seed && o.Job.Condition == condition).Classes;
    }
}
