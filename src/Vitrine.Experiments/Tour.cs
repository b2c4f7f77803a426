using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>What the tour is to show.</summary>
public sealed record TourOptions
{
    /// <summary>The name of a data set, or a folder of IDX files; see <see cref="DataSource.Load"/>.</summary>
    public string Data { get; init; } = "digits";

    /// <summary>The folder that holds data sets by name; null for VITRINE_DATA or the user's own.</summary>
    public string? DataRoot { get; init; }

    /// <summary>The folder everything goes to.</summary>
    public string Output { get; init; } = "tour";

    /// <summary>Where all random numbers start.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Passes over the data; null for the number that suits it.</summary>
    public int? Epochs { get; init; }

    /// <summary>At most so many training examples; null for all.</summary>
    public int? Examples { get; init; }

    /// <summary>Whether to continue a tour that was interrupted.</summary>
    public bool Resume { get; init; }
}

/// <summary>What came out of a tour; also the content of <c>results.json</c>.</summary>
public sealed record TourResult
{
    /// <summary>The data set.</summary>
    public required string Data { get; init; }

    /// <summary>The part of the test examples that were named rightly, in [0, 1].</summary>
    public required double TestAccuracy { get; init; }

    /// <summary>Mean cross-entropy on the test data, in nats.</summary>
    public required double TestLoss { get; init; }

    /// <summary>How long the whole tour took.</summary>
    public required double Seconds { get; init; }

    /// <summary>How long training took, validation included.</summary>
    public required double TrainSeconds { get; init; }

    /// <summary>The report.</summary>
    public required string Report { get; init; }

    /// <summary>The weights.</summary>
    public required string Weights { get; init; }

    /// <summary>Where all random numbers started.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Training examples.</summary>
    public required int TrainExamples { get; init; }

    /// <summary>Test examples.</summary>
    public required int TestExamples { get; init; }

    /// <summary>How many numbers the network learned.</summary>
    public required int Parameters { get; init; }

    /// <summary>Training accuracy over the last pass, in [0, 1].</summary>
    public required double TrainAccuracy { get; init; }

    /// <summary>The part of each class's test examples that was named rightly, by the class's name.</summary>
    public required IReadOnlyDictionary<string, double> PerClassAccuracy { get; init; }

    /// <summary>Every pass over the data.</summary>
    public required IReadOnlyList<Epoch> Epochs { get; init; }

    /// <summary>The version of Vitrine.</summary>
    public required string Version { get; init; }

    /// <summary>The result as one JSON object.</summary>
    /// <param name="indented">Over several lines, for people.</param>
    public string ToJson(bool indented = false) => JsonSerializer.Serialize(this, indented ? ResultJson.Indented.TourResult : ResultJson.Default.TourResult);
}

/// <summary>Where a tour is.</summary>
/// <param name="Stage">What is being done, in words: "training".</param>
/// <param name="Training">How training goes, while it does.</param>
public sealed record TourProgress(string Stage, TrainingProgress? Training = null);

/// <summary>
/// The main job: train LeNet-5, look inside it from every side Vitrine knows, and write a report that a stranger wants to read. Leaves <c>index.html</c>,
/// <c>lenet5.safetensors</c>, <c>results.json</c>, the folder <c>pictures</c>, and a checkpoint to resume from.
/// </summary>
public static class Tour
{
    /// <summary>The name of the report in the output folder.</summary>
    public const string ReportName = "index.html";

    /// <summary>The name of the weights in the output folder.</summary>
    public const string WeightsName = "lenet5.safetensors";

    /// <summary>The name of the results in the output folder.</summary>
    public const string ResultsName = "results.json";

    /// <summary>The version of Vitrine.</summary>
    public static string Version { get; } = typeof(Tour).Assembly.GetName().Version?.ToString(3) ?? "0";

    /// <summary>Makes the tour.</summary>
    /// <param name="options">What to show.</param>
    /// <param name="progress">Hears how it goes, on this thread; or null.</param>
    /// <param name="cancel">Ends it after the current step; a checkpoint is left.</param>
    /// <exception cref="TrainingCancelledException">It was cancelled.</exception>
    /// <exception cref="Data.DataException">The data is missing or damaged.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static TourResult Run(TourOptions options, Action<TourProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var clock = Stopwatch.StartNew();
        string folder = Path.GetFullPath(options.Output);
        int epochs = options.Epochs ?? (options.Data == "digits" ? 4 : 5);
        TrainedLeNet trained = LeNetTraining.Run(
            new TrainingOptions
            {
                Data = options.Data,
                DataRoot = options.DataRoot,
                Examples = options.Examples,
                Epochs = epochs,
                Seed = options.Seed,
                Output = Path.Combine(folder, WeightsName),
                Resume = options.Resume,
            },
            progress is null ? null : p => progress(new TourProgress("training", p)), progress is null ? null : s => progress(new TourProgress(s)), cancel);

        progress?.Invoke(new TourProgress("looking inside"));
        if (cancel.IsCancellationRequested) throw new TrainingCancelledException(trained.Checkpoint);
        var report = new TourReport(trained, options, epochs, folder);
        report.Ask();
        if (cancel.IsCancellationRequested) throw new TrainingCancelledException(trained.Checkpoint);

        progress?.Invoke(new TourProgress("writing the report"));
        TourResult result = Result(trained, options, folder, clock.Elapsed.TotalSeconds);
        HtmlReport page = report.Compose(result);
        // The clock stops as late as it can: only the two files that state the time are written after it.
        result = result with { Seconds = Math.Round(clock.Elapsed.TotalSeconds, 2) };
        OutputFolder.Write(Path.Combine(folder, ResultsName), result.ToJson(indented: true) + "\n");
        page.Save(result.Report);
        return result;
    }

    private static TourResult Result(TrainedLeNet trained, TourOptions options, string folder, double seconds)
    {
        var confusion = Confusion.Of(trained.Test);
        var perClass = new Dictionary<string, double>(StringComparer.Ordinal);
        for (int actual = 0; actual < confusion.Classes.Count; actual++)
        {
            int all = 0;
            for (int predicted = 0; predicted < confusion.Classes.Count; predicted++) all += confusion[actual, predicted];
            if (all > 0) perClass[confusion.Classes[actual]] = Math.Round(confusion[actual, actual] / (double)all, 5);
        }
        return new TourResult
        {
            Data = trained.Source.Name,
            TestAccuracy = Math.Round(trained.Test.Accuracy, 6),
            TestLoss = Math.Round(trained.Test.Loss, 6),
            Seconds = Math.Round(seconds, 2),
            TrainSeconds = Math.Round(trained.Seconds, 2),
            Report = Path.Combine(folder, ReportName),
            Weights = trained.Weights,
            Seed = options.Seed,
            TrainExamples = trained.Source.Split.Train.Count,
            TestExamples = trained.Source.Split.Test.Count,
            Parameters = trained.Network.Parameters.Sum(p => p.Value.Count),
            TrainAccuracy = Math.Round(trained.Log.Epochs is [.., var last] ? last.Accuracy : 0, 6),
            PerClassAccuracy = perClass,
            Epochs = trained.Log.Epochs,
            Version = Version,
        };
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(TourResult))]
[JsonSerializable(typeof(ExplainResult))]
[JsonSerializable(typeof(GroundResult))]
[JsonSerializable(typeof(AttackResult))]
[JsonSerializable(typeof(UnitsResult))]
[JsonSerializable(typeof(ProjectResult))]
[JsonSerializable(typeof(IReadOnlyList<ListedMethod>))]
[JsonSerializable(typeof(TransferResult))]
[JsonSerializable(typeof(TransferOutcome))]
[JsonSerializable(typeof(TransferSetup))]
[JsonSerializable(typeof(FineTuneResult))]
[JsonSerializable(typeof(FineTuneSetup))]
internal sealed partial class ResultJson : JsonSerializerContext
{
    // Not taken from Default: the order in which the parts of a class are initialised is nobody's promise.
    public static ResultJson Indented { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        WriteIndented = true,
    });
}
