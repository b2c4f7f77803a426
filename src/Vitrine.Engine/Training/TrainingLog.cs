using System.Text.Json.Serialization;

namespace Vitrine;

/// <summary>What one pass over the training data achieved.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Loss">Mean training loss over the pass.</param>
/// <param name="Accuracy">Training accuracy over the pass, in [0, 1]; NaN when the targets are not classes.</param>
/// <param name="ValidationLoss">Loss on the validation data after the pass; NaN without any.</param>
/// <param name="ValidationAccuracy">Accuracy on the validation data after the pass; NaN without any.</param>
/// <param name="Seconds">How long the pass took, validation included.</param>
public sealed record Epoch(int Number, double Loss, double Accuracy, double ValidationLoss, double ValidationAccuracy, double Seconds);

/// <summary>The course of a training.</summary>
public sealed class TrainingLog
{
    /// <summary>Every pass that was finished.</summary>
    public IReadOnlyList<Epoch> Epochs { get; init; } = [];

    /// <summary>The loss of single steps, at most some hundreds of them evenly spread: (step from 1, loss).</summary>
    public IReadOnlyList<LossPoint> Losses { get; init; } = [];

    /// <summary>Why training ended: <c>done</c>, <c>early stop</c> or <c>cancelled</c>.</summary>
    public string Ending { get; init; } = "";

    /// <summary>The pass whose weights the network has: the best by validation with early stopping, else the last.</summary>
    public int BestEpoch { get; init; }
}

/// <summary>The loss of one step.</summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="Loss">Its loss.</param>
public readonly record struct LossPoint(long Step, float Loss);

/// <summary>Where a training is.</summary>
/// <param name="Epoch">The pass, from 1.</param>
/// <param name="Epochs">How many passes there will be.</param>
/// <param name="Step">The step of this pass, from 1.</param>
/// <param name="Steps">How many steps a pass has.</param>
/// <param name="Loss">Mean loss of this pass so far.</param>
/// <param name="Accuracy">Accuracy of this pass so far; NaN when the targets are not classes.</param>
/// <param name="ExamplesPerSecond">Speed since training started.</param>
/// <param name="Remaining">An estimate of the time left.</param>
/// <param name="Finished">The pass that was just finished, with its validation; else null.</param>
public sealed record TrainingProgress(
    int Epoch, int Epochs, int Step, int Steps, double Loss, double Accuracy, double ExamplesPerSecond, TimeSpan Remaining, Epoch? Finished);

/// <summary>What a checkpoint holds beside tensors.</summary>
internal sealed class TrainerState
{
    private const int MostLosses = 400;

    public int Version { get; set; } = 1;

    public ulong Seed { get; set; }

    public int BatchSize { get; set; }

    public int Examples { get; set; }

    public int Epoch { get; set; }

    public int StepInEpoch { get; set; }

    public long Step { get; set; }

    public double LossSum { get; set; }

    public int Correct { get; set; }

    public int Seen { get; set; }

    public int BestEpoch { get; set; }

    public double BestLoss { get; set; } = double.PositiveInfinity;

    public List<Epoch> Epochs { get; set; } = [];

    public List<LossPoint> Losses { get; set; } = [];

    public int LossStride { get; set; } = 1;

    public PlateauState Plateau { get; set; } = new();

    public List<string> Frozen { get; set; } = [];

    /// <summary>Takes note of a step; <paramref name="correct"/> is negative when the outputs are not those of a classifier.</summary>
    public void Count(int examples, float loss, int correct)
    {
        Step++;
        StepInEpoch++;
        Seen += examples;
        LossSum += loss * examples;
        Correct = correct >= 0 && Correct >= 0 ? Correct + correct : -1;
        if (Step % LossStride == 0) Losses.Add(new LossPoint(Step, loss));
        if (Losses.Count <= MostLosses) return;
        // Keep every second point, and take every second from now on.
        LossStride *= 2;
        Losses.RemoveAll(p => p.Step % LossStride != 0);
    }

    /// <summary>Closes the account of a pass.</summary>
    public Epoch EndEpoch(Evaluation? evaluation, double seconds)
    {
        var epoch = new Epoch(
            Epoch + 1, LossSum / Seen, Correct < 0 ? double.NaN : Correct / (double)Seen,
            evaluation?.Loss ?? double.NaN, evaluation?.Accuracy ?? double.NaN, seconds);
        Epochs.Add(epoch);
        return epoch;
    }

    public void NextEpoch()
    {
        Epoch++;
        StepInEpoch = 0;
        LossSum = 0;
        Correct = 0;
        Seen = 0;
    }

    public TrainingLog Log(string ending) => new() { Epochs = [.. Epochs], Losses = [.. Losses], Ending = ending, BestEpoch = BestEpoch };
}

[JsonSourceGenerationOptions(NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(TrainerState))]
internal sealed partial class TrainerJson : JsonSerializerContext;
