using System.Diagnostics;
using System.Numerics.Tensors;
using System.Text.Json;

namespace Vitrine;

/// <summary>
/// Trains a network on a data set: batches shuffled by seed, progress, validation, checkpoints from which training continues bit for bit, early stopping,
/// cancellation.
/// </summary>
/// <param name="network">The network; its parameters are changed in place.</param>
/// <param name="optimizer">How they are changed.</param>
public sealed class Trainer(Module network, Optimizer optimizer)
{
    private const int MostLosses = 400;
    private static readonly TimeSpan ReportEvery = TimeSpan.FromMilliseconds(100);

    /// <summary>How many examples make a step; the last step of a pass may have fewer.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Where shuffling and dropout start.</summary>
    public ulong Seed { get; init; }

    /// <summary>From outputs and labels to a scalar; cross-entropy unless set.</summary>
    public Func<Tensor, Tensor, Tensor> Loss { get; init; } = static (outputs, labels) => Vitrine.Loss.CrossEntropy(outputs, labels);

    /// <summary>How the learning rate changes over the training; null leaves the optimizer's.</summary>
    public Schedule? Schedule { get; init; }

    /// <summary>The file to which the state of training goes after every pass and on cancellation; null for none.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>Steps between checkpoints inside a pass; null for none.</summary>
    public int? CheckpointSteps { get; init; }

    /// <summary>Whether to continue from <see cref="Checkpoint"/> instead of starting.</summary>
    public bool Resume { get; init; }

    /// <summary>Stops after this many passes without a better validation loss, and gives the network its best weights back; null to go on to the end.</summary>
    public int? Patience { get; init; }

    /// <summary>Hears ten times a second, and after every pass, how training goes; called on the training thread.</summary>
    public Action<TrainingProgress>? Progress { get; init; }

    /// <summary>Trains for a number of passes over the data.</summary>
    /// <param name="train">What to learn from.</param>
    /// <param name="epochs">How many passes, those before a resumed checkpoint included.</param>
    /// <param name="validate">What to be judged by after every pass; needed for early stopping.</param>
    /// <param name="cancel">Ends training after the current step; the state is saved first when there is a <see cref="Checkpoint"/>. The log says so.</param>
    /// <exception cref="ArgumentException">The checkpoint is that of another network, optimizer, data set, seed or batch size.</exception>
    /// <exception cref="ArithmeticException">The loss is no longer finite; the message says at which step.</exception>
    public TrainingLog Fit(Dataset train, int epochs, Dataset? validate = null, CancellationToken cancel = default)
    {
        if (BatchSize < 1) throw new ArgumentException($"A batch needs at least one example, not {BatchSize}.");
        if (train.Count == 0) throw new ArgumentException("There is nothing to learn from: the data set is empty.", nameof(train));
        if (Patience is not null && validate is null) throw new ArgumentException("Early stopping needs validation data.", nameof(validate));
        IReadOnlyList<Parameter> parameters = network.Parameters;
        if (parameters.Count == 0) throw new ArgumentException($"{network.GetType().Name} has no parameters to train.");
        var random = new RandomSource(Seed);
        Dictionary<string, Tensor>? best = null;
        TrainerState state = Resume ? LoadCheckpoint(train, parameters, out best) : new TrainerState { Seed = Seed, BatchSize = BatchSize, Examples = train.Count };

        var clock = Stopwatch.StartNew();
        TimeSpan reported = TimeSpan.Zero;
        int stepsPerEpoch = (train.Count + BatchSize - 1) / BatchSize;
        long startStep = state.Step;
        Tensor[] wrt = [.. parameters.Select(p => p.Value)];
        var run = new Run(training: true, recording: true);
        float learningRate = optimizer.LearningRate;
        while (state.Epoch < epochs)
        {
            TimeSpan epochStart = clock.Elapsed;
            int[] order = new RandomSource(random.Derive($"epoch {state.Epoch}")).Permutation(train.Count);
            while (state.StepInEpoch < stepsPerEpoch)
            {
                if (cancel.IsCancellationRequested)
                {
                    SaveCheckpoint(state, best);
                    return state.Log("cancelled");
                }
                if (Schedule is not null) optimizer.LearningRate = learningRate * Schedule(state.Step / (float)((long)epochs * stepsPerEpoch));
                int start = state.StepInEpoch * BatchSize;
                Step(train, order.AsSpan(start, Math.Min(BatchSize, train.Count - start)), parameters, wrt, run, random, state);
                if (CheckpointSteps is { } every && state.Step % every == 0) SaveCheckpoint(state, best);
                if (Progress is not null && clock.Elapsed - reported >= ReportEvery)
                {
                    reported = clock.Elapsed;
                    Progress(Report(state, stepsPerEpoch, epochs, clock.Elapsed, state.Step - startStep, null));
                }
            }

            Evaluation? evaluation = validate is null ? null : Evaluation.Of(network, validate);
            var epoch = new Epoch(
                state.Epoch + 1, state.LossSum / state.Seen, state.Correct < 0 ? double.NaN : state.Correct / (double)state.Seen,
                evaluation?.Loss ?? double.NaN, evaluation?.Accuracy ?? double.NaN, (clock.Elapsed - epochStart).TotalSeconds);
            state.Epochs.Add(epoch);
            Progress?.Invoke(Report(state, stepsPerEpoch, epochs, clock.Elapsed, state.Step - startStep, epoch));
            state.Epoch++;
            state.StepInEpoch = 0;
            state.LossSum = 0;
            state.Correct = 0;
            state.Seen = 0;
            bool improved = Patience is null || epoch.ValidationLoss < state.BestLoss;
            if (improved)
            {
                state.BestEpoch = state.Epoch;
                state.BestLoss = epoch.ValidationLoss;
                if (Patience is not null) best = Copy(network.State());
            }
            SaveCheckpoint(state, best);
            if (Patience is { } patience && state.Epoch - state.BestEpoch >= patience)
            {
                network.Load(best!);
                return state.Log("early stop");
            }
        }
        if (best is not null) network.Load(best);
        return state.Log("done");
    }

    private void Step(Dataset train, ReadOnlySpan<int> numbers, IReadOnlyList<Parameter> parameters, Tensor[] wrt, Run run, RandomSource random, TrainerState state)
    {
        using var scope = MemoryScope.Open();
        (Tensor inputs, Tensor labels) = train.Batch(numbers);
        run.Restart(random.Derive((ulong)state.Step));
        Tensor outputs = network.Call(run, inputs);
        Tensor loss = Loss(outputs, labels);
        float value = loss.Item();
        if (!float.IsFinite(value))
        {
            throw new ArithmeticException($"The loss is {value} at step {state.Step + 1} (epoch {state.Epoch + 1}). Lower the learning rate ({optimizer.LearningRate}), or look for the first bad operator with Run.CheckNumerics.");
        }
        optimizer.Step(parameters, Autograd.Backward(loss, null, wrt));

        state.Step++;
        state.StepInEpoch++;
        state.Seen += numbers.Length;
        state.LossSum += value * numbers.Length;
        state.Correct = outputs.Rank == 2 && state.Correct >= 0 ? state.Correct + Correct(outputs, labels) : -1;
        if (state.Step % state.LossStride == 0) state.Losses.Add(new LossPoint(state.Step, value));
        if (state.Losses.Count > MostLosses)
        {
            // Keep every second point, and take every second from now on.
            state.LossStride *= 2;
            state.Losses.RemoveAll(p => p.Step % state.LossStride != 0);
        }
    }

    private static int Correct(Tensor outputs, Tensor labels)
    {
        int classes = outputs.Shape[1], correct = 0;
        for (int i = 0; i < labels.Count; i++)
        {
            if (TensorPrimitives.IndexOfMax(outputs.Floats.Slice(i * classes, classes)) == labels.Longs[i]) correct++;
        }
        return correct;
    }

    private TrainingProgress Report(TrainerState state, int steps, int epochs, TimeSpan elapsed, long stepsDone, Epoch? finished)
    {
        double perSecond = stepsDone / Math.Max(1e-9, elapsed.TotalSeconds);
        long left = (long)epochs * steps - state.Step;
        return new TrainingProgress(
            state.Epoch + 1, epochs, state.StepInEpoch, steps, state.LossSum / Math.Max(1, state.Seen),
            state.Correct < 0 ? double.NaN : state.Correct / (double)Math.Max(1, state.Seen),
            perSecond * BatchSize, TimeSpan.FromSeconds(Math.Min(left / Math.Max(1e-9, perSecond), 1e8)), finished);
    }

    private void SaveCheckpoint(TrainerState state, Dictionary<string, Tensor>? best)
    {
        if (Checkpoint is null) return;
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach ((string name, Tensor value) in network.State()) tensors.Add("network." + name, value);
        foreach ((string name, Tensor value) in optimizer.State()) tensors.Add("optimizer." + name, value);
        if (best is not null) foreach ((string name, Tensor value) in best) tensors.Add("best." + name, value);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["vitrine.training"] = JsonSerializer.Serialize(state, TrainerJson.Default.TrainerState),
            ["vitrine.optimizer"] = optimizer.GetType().Name,
        };
        SafeTensors.Save(Checkpoint, tensors, metadata);
    }

    private TrainerState LoadCheckpoint(Dataset train, IReadOnlyList<Parameter> parameters, out Dictionary<string, Tensor>? best)
    {
        if (Checkpoint is null) throw new ArgumentException("To resume, name the checkpoint.");
        IReadOnlyDictionary<string, Tensor> tensors = SafeTensors.Load(Checkpoint, out IReadOnlyDictionary<string, string> metadata);
        if (!metadata.TryGetValue("vitrine.training", out string? json)) throw new ArgumentException($"{Checkpoint} is not a training checkpoint: it holds weights alone.");
        TrainerState state;
        try
        {
            state = JsonSerializer.Deserialize(json, TrainerJson.Default.TrainerState) ?? throw new JsonException("it is empty");
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"The state of training in {Checkpoint} is damaged: {e.Message}", e);
        }
        if (metadata.GetValueOrDefault("vitrine.optimizer") is { } kind && kind != optimizer.GetType().Name) throw new ArgumentException($"{Checkpoint} was made with {kind}, not {optimizer.GetType().Name}.");
        if (state.Seed != Seed || state.BatchSize != BatchSize || state.Examples != train.Count)
        {
            throw new ArgumentException(
                $"{Checkpoint} was made with seed {state.Seed}, batches of {state.BatchSize} and {state.Examples} examples; this training has {Seed}, {BatchSize} and {train.Count}. " +
                "It can only be continued as it was started.");
        }
        network.Load(Part("network."));
        optimizer.Load(Part("optimizer."), parameters);
        best = Part("best.");
        if (best.Count == 0) best = null;
        return state;

        Dictionary<string, Tensor> Part(string prefix) => tensors.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(t => t.Key[prefix.Length..], t => t.Value, StringComparer.Ordinal);
    }

    private static Dictionary<string, Tensor> Copy(IReadOnlyDictionary<string, Tensor> state) =>
        state.ToDictionary(s => s.Key, s => MemoryScope.Outside(() => Tensor.From(s.Value.Floats, s.Value.Shape)), StringComparer.Ordinal);
}
