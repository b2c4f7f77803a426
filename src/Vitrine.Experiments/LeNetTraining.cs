using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vitrine.Insight;
using Vitrine.Models;

namespace Vitrine.Experiments;

/// <summary>How LeNet-5 is to be trained.</summary>
public sealed record TrainingOptions
{
    /// <summary>The name of a data set, or a folder of IDX files; see <see cref="DataSource.Load"/>.</summary>
    public string Data { get; init; } = "digits";

    /// <summary>The folder that holds data sets by name; null for VITRINE_DATA or the user's own.</summary>
    public string? DataRoot { get; init; }

    /// <summary>At most so many training examples; null for all.</summary>
    public int? Examples { get; init; }

    /// <summary>Passes over the data.</summary>
    public int Epochs { get; init; } = 5;

    /// <summary>Examples in a step.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>The size of a step.</summary>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary><c>cosine</c>: the size of a step falls to nothing over the whole training (Loshchilov and Hutter 2017); <c>constant</c>: it stays.</summary>
    public string Schedule { get; init; } = "cosine";

    /// <summary><c>adam</c>, <c>adamw</c>, <c>sgd</c> (with momentum 0.9) or <c>nesterov</c>.</summary>
    public string Optimizer { get; init; } = "adam";

    /// <summary>Where all random numbers start: weights, shuffling, generated data.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Ends after so many passes without a better validation loss and takes the best weights; null to go on.</summary>
    public int? Patience { get; init; }

    /// <summary>The file the weights go to; the checkpoint lies beside it.</summary>
    public string Output { get; init; } = "lenet5.safetensors";

    /// <summary>Whether to continue from the checkpoint.</summary>
    public bool Resume { get; init; }

    /// <summary>Steps between checkpoints inside a pass; null for none but the one after every pass.</summary>
    public int? CheckpointSteps { get; init; }

    /// <summary>
    /// <c>fgsm</c> trains on the mixed loss of Goodfellow, Shlens, Szegedy 2015, <c>pgd</c> on attacked examples alone (Madry et al. 2018); null on examples
    /// as they are.
    /// </summary>
    public string? Adversarial { get; init; }

    /// <summary>How far an attacked pixel may be from the original, of 0 to 1.</summary>
    public float Epsilon { get; init; } = 0.25f;

    /// <summary>The optimizers by name.</summary>
    public static IReadOnlyList<string> Optimizers { get; } = ["adam", "adamw", "sgd", "nesterov"];

    /// <summary>The schedules by name.</summary>
    public static IReadOnlyList<string> Schedules { get; } = ["cosine", "constant"];

    /// <summary>What can be trained against, by name.</summary>
    public static IReadOnlyList<string> Adversaries { get; } = ["fgsm", "pgd"];
}

/// <summary>A trained LeNet-5.</summary>
/// <param name="Network">The network.</param>
/// <param name="Source">What it learned from.</param>
/// <param name="Log">How training went.</param>
/// <param name="Test">Its answers on the test data.</param>
/// <param name="Seconds">How long training took, without loading.</param>
/// <param name="ExamplesPerSecond">Training examples per second since training was started or resumed, validation included.</param>
/// <param name="Weights">The file that holds the weights.</param>
/// <param name="Checkpoint">The file that holds the state of training.</param>
public sealed record TrainedLeNet(
    LeNet5 Network, DataSource Source, TrainingLog Log, Evaluation Test, double Seconds, double ExamplesPerSecond, string Weights, string Checkpoint);

/// <summary>Training was cancelled; what was done is kept.</summary>
/// <param name="checkpoint">The file from which it continues, or null when there was nothing to keep yet.</param>
public sealed class TrainingCancelledException(string? checkpoint)
    : OperationCanceledException(checkpoint is null ? "Cancelled before training began." : $"Cancelled; the state of training is in {checkpoint}.")
{
    /// <summary>The file from which training continues, or null.</summary>
    public string? Checkpoint => checkpoint;
}

/// <summary>Trains LeNet-5 and keeps what it learned in a file that says what it is.</summary>
public static class LeNetTraining
{
    /// <summary>The key of the model's name in the metadata of a weights file.</summary>
    internal const string ModelKey = "vitrine.model";

    /// <summary>The key of the names of the classes, a JSON array.</summary>
    internal const string ClassesKey = "vitrine.classes";

    /// <summary>The key of the data's name.</summary>
    internal const string DataKey = "vitrine.data";

    /// <summary>Trains, evaluates, and writes the weights.</summary>
    /// <param name="options">How.</param>
    /// <param name="progress">Hears how it goes, on this thread; or null.</param>
    /// <param name="stage">Hears what is being done now: "reading the data"; or null.</param>
    /// <param name="cancel">Ends training after the current step and keeps a checkpoint.</param>
    /// <exception cref="TrainingCancelledException">It was cancelled.</exception>
    /// <exception cref="Data.DataException">The data is missing or damaged.</exception>
    /// <exception cref="IOException">A file cannot be written, or there is no checkpoint to continue from.</exception>
    public static TrainedLeNet Run(TrainingOptions options, Action<TrainingProgress>? progress = null, Action<string>? stage = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        string weights = Path.GetFullPath(options.Output);
        OutputFolder.Prepare(Path.GetDirectoryName(weights)!);
        stage?.Invoke(options.Data == "digits" ? "drawing the digits" : "reading the data");
        var source = DataSource.Load(options.Data, options.DataRoot, options.Seed, options.Examples);
        // Two data sets may be of one size, and a checkpoint does not know its data: the name of the file does.
        string against = options.Adversarial is null ? "" : FormattableString.Invariant($".{options.Adversarial}-{options.Epsilon}");
        string checkpoint = Path.ChangeExtension(weights, $".{source.Name}{against}.checkpoint.safetensors");
        if (options.Resume && !File.Exists(checkpoint))
            throw new FileNotFoundException($"There is nothing to resume: {checkpoint} does not exist. Start without --resume.", checkpoint);
        if (cancel.IsCancellationRequested) throw new TrainingCancelledException(null);

        var network = new LeNet5(Vitrine.Weights.Random(options.Seed), classes: source.Split.Train.Classes.Count);
        double speed = 0;
        Optimizer optimizer = MakeOptimizer(options);
        Schedule? schedule = options.Schedule switch
        {
            "cosine" => Schedules.Cosine(),
            "constant" => null,
            _ => throw new ArgumentException($"No schedule is called '{options.Schedule}'. Choose one of: {string.Join(", ", TrainingOptions.Schedules)}."),
        };
        var trainer = new Trainer(network, optimizer)
        {
            Schedule = schedule,
            Adversary = Adversary(options),
            AdversarialShare = options.Adversarial == "pgd" ? 1 : 0.5f,
            BatchSize = options.BatchSize,
            Seed = options.Seed,
            Checkpoint = checkpoint,
            CheckpointSteps = options.CheckpointSteps,
            Resume = options.Resume,
            Patience = options.Patience,
            Progress = p =>
            {
                speed = p.ExamplesPerSecond;
                progress?.Invoke(p);
            },
        };
        stage?.Invoke("training");
        var clock = Stopwatch.StartNew();
        TrainingLog log = trainer.Fit(source.Split.Train, options.Epochs, source.Split.Test, cancel);
        double seconds = clock.Elapsed.TotalSeconds;
        if (log.Ending == "cancelled") throw new TrainingCancelledException(checkpoint);
        stage?.Invoke("evaluating");
        var test = Evaluation.Of(network, source.Split.Test, cancel: cancel);
        SafeTensors.Save(weights, network.State(), new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [ModelKey] = "LeNet5",
            [ClassesKey] = JsonSerializer.Serialize([.. source.Split.Train.Classes], NamesJson.Default.StringArray),
            [DataKey] = source.Name,
        });
        return new TrainedLeNet(network, source, log, test, log.Epochs.Sum(e => e.Seconds) is > 0 and double sum ? sum : seconds, speed, weights, checkpoint);
    }

    // Seven steps of a quarter reach the edge from wherever they start.
    private static Func<Module, Tensor, Tensor, ulong, Tensor>? Adversary(TrainingOptions options) => options.Adversarial switch
    {
        null => null,
        "fgsm" => AdversarialTraining.Fgsm(options.Epsilon, ValidRange.Unit),
        "pgd" => AdversarialTraining.Pgd(options.Epsilon, options.Epsilon / 4, 7, ValidRange.Unit),
        _ => throw new ArgumentException(
            $"Nothing to train against is called '{options.Adversarial}'. Choose one of: {string.Join(", ", TrainingOptions.Adversaries)}."),
    };

    private static Optimizer MakeOptimizer(TrainingOptions options) => options.Optimizer.ToLowerInvariant() switch
    {
        "adam" => new Adam(options.LearningRate),
        "adamw" => new AdamW(options.LearningRate),
        "sgd" => new Sgd((float)options.LearningRate, momentum: 0.9f),
        "nesterov" => new Sgd((float)options.LearningRate, momentum: 0.9f, nesterov: true),
        _ => throw new ArgumentException($"No optimizer is called '{options.Optimizer}'. Choose one of: {string.Join(", ", TrainingOptions.Optimizers)}."),
    };
}

[JsonSerializable(typeof(string[]))]
internal sealed partial class NamesJson : JsonSerializerContext;
