using System.Diagnostics;
using System.Numerics.Tensors;

namespace Vitrine;

/// <summary>
/// Trains a network on a data set: batches shuffled by seed, progress, validation, checkpoints from which training continues bit for bit, early stopping,
/// cancellation.
/// </summary>
/// <param name="network">The network; its parameters are changed in place.</param>
/// <param name="optimizer">How they are changed.</param>
public sealed class Trainer(Module network, Optimizer optimizer)
{
    private static readonly TimeSpan ReportEvery = TimeSpan.FromMilliseconds(100);

    /// <summary>How many examples make a step; the last step of a pass may have fewer.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Where shuffling and dropout start.</summary>
    public ulong Seed { get; init; }

    /// <summary>From outputs and labels to a scalar; cross-entropy unless set.</summary>
    public Func<Tensor, Tensor, Tensor> Loss { get; init; } = static (outputs, labels) => Vitrine.Loss.CrossEntropy(outputs, labels);

    /// <summary>
    /// Makes of a batch's inputs those that the network is to withstand (adversarial training): given the network, the inputs [N, ...], the labels [N] and a
    /// seed that belongs to the step, inputs of the same shape. Called once a step, with the weights before it; null for none.
    /// </summary>
    public Func<Module, Tensor, Tensor, ulong, Tensor>? Adversary { get; init; }

    /// <summary>
    /// The weight of the loss on what <see cref="Adversary"/> made, in (0, 1]; the loss on the inputs as they are has the rest. 0.5 is the mixed loss of
    /// Goodfellow, Shlens, Szegedy 2015; 1 trains on changed inputs alone, as Madry et al. 2018 do. Accuracy is counted on the inputs as they are, unless 1.
    /// </summary>
    public float AdversarialShare { get; init; } = 0.5f;

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

    /// <summary>Lowers the learning rate when the validation loss stops falling, on top of the <see cref="Schedule"/>; null never.</summary>
    public ReduceOnPlateau? Plateau { get; init; }

    /// <summary>
    /// The decay of an average of the weights (<see cref="WeightAverage"/>): validation asks the averaged network, and the network has the averaged weights
    /// when training ends. Null for none.
    /// </summary>
    public double? AverageDecay { get; init; }

    /// <summary>The weight of the sum of all weights' sizes in what is minimised; losses are reported without it.</summary>
    public float L1 { get; init; }

    /// <summary>The weight of half the sum of all weights' squares in what is minimised; losses are reported without it.</summary>
    public float L2 { get; init; }

    /// <summary>The largest size of an element of a gradient; null for no limit. Comes after penalties and before <see cref="ClipNorm"/>.</summary>
    public float? ClipValue { get; init; }

    /// <summary>The largest norm of all gradients together; null for no limit.</summary>
    public float? ClipNorm { get; init; }

    /// <summary>Looks for NaN and infinities after every operator, forwards and backwards; the first ends training with operator, scope and step.</summary>
    public bool CheckNumerics { get; init; }

    /// <summary>Hears ten times a second, and after every pass, how training goes; called on the training thread.</summary>
    public Action<TrainingProgress>? Progress { get; init; }

    /// <summary>Trains for a number of passes over the data. Parameters may be frozen and thawed between steps; nothing is computed for frozen ones.</summary>
    /// <param name="train">What to learn from.</param>
    /// <param name="epochs">How many passes, those before a resumed checkpoint included.</param>
    /// <param name="validate">What to be judged by after every pass; needed for early stopping and <see cref="Plateau"/>.</param>
    /// <param name="cancel">Ends training after the current step; the state is saved first when there is a <see cref="Checkpoint"/>. The log says so.</param>
    /// <exception cref="ArgumentException">The checkpoint is that of another network, optimizer, data, seed or batch size, or an option is unsound.</exception>
    /// <exception cref="ArithmeticException">The loss, or a norm of the gradient that is limited, is not finite; the message says at which step.</exception>
    public TrainingLog Fit(Dataset train, int epochs, Dataset? validate = null, CancellationToken cancel = default)
    {
        Check(train, validate);
        var random = new RandomSource(Seed);
        WeightAverage? average = AverageDecay is { } decay ? new WeightAverage(network, decay) : null;
        TrainerCheckpoint? checkpoint = Checkpoint is null ? null : new TrainerCheckpoint(Checkpoint, network, optimizer, average);
        var state = new TrainerState { Seed = Seed, BatchSize = BatchSize, Examples = train.Count };
        Dictionary<string, Tensor>? best = null;
        if (Resume) (state, best) = (checkpoint ?? throw new ArgumentException("To resume, name the checkpoint.")).Load(state);

        var clock = Stopwatch.StartNew();
        TimeSpan reported = TimeSpan.Zero;
        int stepsPerEpoch = (train.Count + BatchSize - 1) / BatchSize;
        long startStep = state.Step;
        var trainable = new Trainable(network.Parameters);
        var run = new Run(training: true, recording: true) { CheckNumerics = CheckNumerics };
        float learningRate = optimizer.LearningRate;
        try
        {
            while (state.Epoch < epochs)
            {
                TimeSpan epochStart = clock.Elapsed;
                int[] order = new RandomSource(random.Derive($"epoch {state.Epoch}")).Permutation(train.Count);
                while (state.StepInEpoch < stepsPerEpoch)
                {
                    if (cancel.IsCancellationRequested)
                    {
                        checkpoint?.Save(state, best);
                        return End("cancelled");
                    }
                    // Without a schedule of ours the rate is left alone: it may be the caller who changes it.
                    if (Schedule is not null || Plateau is not null)
                    {
                        float part = Schedule?.Invoke(state.Step / (float)((long)epochs * stepsPerEpoch)) ?? 1;
                        optimizer.LearningRate = (float)(learningRate * part * state.Plateau.Rate);
                    }
                    int start = state.StepInEpoch * BatchSize;
                    Step(train, order.AsSpan(start, Math.Min(BatchSize, train.Count - start)), trainable, run, random.Derive((ulong)state.Step), state);
                    average?.Update();
                    if (CheckpointSteps is { } every && state.Step % every == 0) checkpoint?.Save(state, best);
                    if (Progress is not null && clock.Elapsed - reported >= ReportEvery)
                    {
                        reported = clock.Elapsed;
                        Progress(Report(state, stepsPerEpoch, epochs, clock.Elapsed, state.Step - startStep, null));
                    }
                }

                average?.Swap();
                Evaluation? evaluation;
                try
                {
                    evaluation = validate is null ? null : Evaluation.Of(network, validate, cancel: cancel);
                }
                catch (OperationCanceledException)
                {
                    // All steps of the pass are made; whoever resumes starts with its validation.
                    average?.Swap();
                    checkpoint?.Save(state, best);
                    return End("cancelled");
                }
                Epoch epoch = state.EndEpoch(evaluation, (clock.Elapsed - epochStart).TotalSeconds);
                Progress?.Invoke(Report(state, stepsPerEpoch, epochs, clock.Elapsed, state.Step - startStep, epoch));
                state.NextEpoch();
                if (Patience is null || epoch.ValidationLoss < state.BestLoss)
                {
                    state.BestEpoch = state.Epoch;
                    state.BestLoss = epoch.ValidationLoss;
                    if (Patience is not null) best = Copy(network.State());
                }
                average?.Swap();
                Plateau?.Observe(state.Plateau, epoch.ValidationLoss);
                checkpoint?.Save(state, best);
                if (Patience is { } patience && state.Epoch - state.BestEpoch >= patience) return End("early stop");
            }
            return End("done");
        }
        finally
        {
            if (Schedule is not null || Plateau is not null) optimizer.LearningRate = learningRate;
        }

        TrainingLog End(string ending)
        {
            average?.Swap();
            if (best is not null && ending != "cancelled") network.Load(best);
            return state.Log(ending);
        }
    }

    private void Check(Dataset train, Dataset? validate)
    {
        if (BatchSize < 1) throw new ArgumentException($"A batch needs at least one example, not {BatchSize}.");
        if (train.Count == 0) throw new ArgumentException("There is nothing to learn from: the data set is empty.", nameof(train));
        if (validate is null && Patience is not null) throw new ArgumentException("Early stopping needs validation data.", nameof(validate));
        if (validate is null && Plateau is not null)
            throw new ArgumentException("A rate that follows the validation loss needs validation data.", nameof(validate));
        if (ClipValue <= 0 || ClipNorm <= 0) throw new ArgumentException("Gradients cannot be clipped to nothing: a limit must be above 0.");
        if (!(AdversarialShare > 0 && AdversarialShare <= 1))
            throw new ArgumentException($"The share of the adversarial loss is {AdversarialShare}; it should be above 0 and at most 1.");
        if (network.Parameters.Count == 0) throw new ArgumentException($"{network.GetType().Name} has no parameters to train.");
        if (network.Parameters.All(p => p.IsFrozen)) throw new ArgumentException("Every parameter is frozen: there is nothing to train.");
    }

    private void Step(Dataset train, ReadOnlySpan<int> numbers, Trainable trainable, Run run, ulong seed, TrainerState state)
    {
        using var scope = MemoryScope.Open();
        (Tensor inputs, Tensor labels) = train.Batch(numbers);
        Tensor? attacked = Adversary?.Invoke(network, inputs, labels, new RandomSource(seed).Derive("adversary"));
        if (attacked is not null && attacked.Shape != inputs.Shape)
            throw new ArgumentException($"The adversary made inputs of shape {attacked.Shape} of {inputs.Shape}; it should keep the shape.");
        if (attacked is not null && AdversarialShare == 1) (inputs, attacked) = (attacked, null);
        trainable.Refresh();
        int correct = 0, evaluations = 0;
        try
        {
            state.Count(numbers.Length, optimizer.Step(trainable.Parameters, Evaluate), correct);
        }
        catch (NumericsException e)
        {
            throw new NumericsException($"Step {state.Step + 1} (epoch {state.Epoch + 1}): {e.Message}", e);
        }

        // Called once by most optimizers; again, with the same random numbers, by those that search along a line.
        (float Loss, Gradients Gradients) Evaluate()
        {
            run.Restart(seed);
            Tensor outputs = network.Call(run, inputs), loss = Loss(outputs, labels);
            if (attacked is not null) loss = loss * (1 - AdversarialShare) + Loss(network.Call(run, attacked), labels) * AdversarialShare;
            float value = loss.Item();
            if (evaluations++ == 0)
            {
                if (!float.IsFinite(value)) throw NotFinite("loss", value, state);
                correct = outputs.Rank == 2 ? Correct(outputs, labels) : -1;
            }
            Gradients gradients = CheckNumerics ? run.With(() => Autograd.Backward(loss, null, trainable.Values))
                : Autograd.Backward(loss, null, trainable.Values);
            return (value, Limited(gradients, trainable.Parameters, state));
        }
    }

    private Gradients Limited(Gradients gradients, IReadOnlyList<Parameter> parameters, TrainerState state)
    {
        if (L1 != 0 || L2 != 0) gradients = gradients.WithPenalty(parameters, L1, L2);
        if (ClipValue is { } value) gradients = gradients.ClippedByValue(value);
        if (ClipNorm is not { } limit) return gradients;
        double norm = gradients.Norm();
        return double.IsFinite(norm) ? gradients.ClippedByNorm(limit) : throw NotFinite("norm of the gradient", norm, state);
    }

    private ArithmeticException NotFinite(string what, double value, TrainerState state) => new(
        $"The {what} is {value} at step {state.Step + 1} (epoch {state.Epoch + 1}). " +
        $"Lower the learning rate ({optimizer.LearningRate}), or look for the first bad operator with CheckNumerics.");

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

    /// <summary>The parameters that are not frozen, and their values: what a backward pass is asked for.</summary>
    private sealed class Trainable(IReadOnlyList<Parameter> all)
    {
        public IReadOnlyList<Parameter> Parameters { get; private set; } = [];

        public Tensor[] Values { get; private set; } = [];

        public void Refresh()
        {
            int known = 0;
            bool same = true;
            for (int i = 0; i < all.Count && same; i++)
            {
                if (!all[i].IsFrozen) same = known < Parameters.Count && ReferenceEquals(Parameters[known++], all[i]);
            }
            if (same && known == Parameters.Count) return;
            Parameters = [.. all.Where(p => !p.IsFrozen)];
            Values = [.. Parameters.Select(p => p.Value)];
        }
    }

    private static Dictionary<string, Tensor> Copy(IReadOnlyDictionary<string, Tensor> state) =>
        state.ToDictionary(s => s.Key, s => MemoryScope.Outside(() => Tensor.From(s.Value.Floats, s.Value.Shape)), StringComparer.Ordinal);
}
