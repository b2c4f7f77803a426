using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vitrine.Data;
using Vitrine.Models;

namespace Vitrine.Experiments;

/// <summary>How a character language model is to be trained.</summary>
public sealed record TextTrainingOptions
{
    /// <summary>The text.</summary>
    public required string Text { get; init; }

    /// <summary>Passes over the text.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>The cells of a layer.</summary>
    public int Hidden { get; init; } = 192;

    /// <summary>The layers.</summary>
    public int Layers { get; init; } = 2;

    /// <summary>How many numbers stand for a character.</summary>
    public int Embedding { get; init; } = 64;

    /// <summary>The stretches of the text that are read side by side.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>The characters that gradients flow back through.</summary>
    public int Length { get; init; } = 128;

    /// <summary>The size of a step at the beginning; it falls to a hundredth along a cosine.</summary>
    public double LearningRate { get; init; } = 4e-3;

    /// <summary>The probability to drop what flows from layer to layer.</summary>
    public double Dropout { get; init; }

    /// <summary>How often a character has to occur in the text to be one of the vocabulary.</summary>
    public int LeastCount { get; init; } = 10;

    /// <summary>Where all random numbers start.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The file the model goes to; the checkpoint lies beside it.</summary>
    public string Output { get; init; } = "text.safetensors";

    /// <summary>Whether to continue from the checkpoint.</summary>
    public bool Resume { get; init; }

    /// <summary>Steps between checkpoints inside a pass.</summary>
    public int CheckpointSteps { get; init; } = 200;
}

/// <summary>One pass over a text.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Bits">Bits a character on the text learned from, while learning.</param>
/// <param name="SearchBits">Bits a character on the stretch kept for choices, after the pass.</param>
/// <param name="Seconds">How long the pass took.</param>
public sealed record TextEpoch(int Number, double Bits, double SearchBits, double Seconds);

/// <summary>Where a training is.</summary>
/// <param name="Epoch">The pass, from 1.</param>
/// <param name="Epochs">How many there will be.</param>
/// <param name="Step">The step of this pass, from 1.</param>
/// <param name="Steps">How many steps a pass has.</param>
/// <param name="Bits">Bits a character in this pass so far.</param>
/// <param name="CharactersPerSecond">Speed since training started or was resumed.</param>
/// <param name="Finished">The pass that was just finished, or null.</param>
public sealed record TextProgress(int Epoch, int Epochs, int Step, int Steps, double Bits, double CharactersPerSecond, TextEpoch? Finished);

/// <summary>A trained character language model.</summary>
/// <param name="Model">The model.</param>
/// <param name="Epochs">How training went.</param>
/// <param name="ReportBits">Bits a character on the last stretch of the text, which nothing was chosen by.</param>
/// <param name="UnigramBits">The same of a model that knows only how often each character occurs in the text learned from.</param>
/// <param name="Seconds">How long training took, interruptions left out.</param>
/// <param name="Weights">The file of the model.</param>
/// <param name="Checkpoint">The file of the state of training.</param>
public sealed record TrainedText(
    TextModel Model, IReadOnlyList<TextEpoch> Epochs, double ReportBits, double UnigramBits, double Seconds, string Weights, string Checkpoint);

/// <summary>
/// Trains <see cref="CharLstm"/> by truncated backpropagation through time (Williams and Peng 1990): the text is cut into as many stretches as a batch has
/// rows; step after step reads on in each, with the states the step before ended with, and gradients flow back through one step's characters alone.
/// </summary>
public static class TextTraining
{
    /// <summary>The key of a checkpoint's state.</summary>
    internal const string StateKey = "vitrine.text_training";

    private const double ClipNorm = 1; // of the gradient of the mean loss of a character: only the rare outburst of a recurrent network is cut

    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(1);

    /// <summary>Trains, measures on unseen text, and writes the model.</summary>
    /// <param name="options">How.</param>
    /// <param name="progress">Hears about once a second, and after every pass, how it goes; or null.</param>
    /// <param name="cancel">Ends training after the current step and keeps a checkpoint.</param>
    /// <exception cref="TrainingCancelledException">It was cancelled.</exception>
    /// <exception cref="DataException">The text cannot be read or is too short.</exception>
    /// <exception cref="IOException">A file cannot be written, or there is no checkpoint to continue from.</exception>
    /// <exception cref="ArithmeticException">The loss is no longer finite.</exception>
    public static TrainedText Run(TextTrainingOptions options, Action<TextProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        string weights = Path.GetFullPath(options.Output), checkpoint = Path.ChangeExtension(weights, ".checkpoint.safetensors");
        OutputFolder.Prepare(Path.GetDirectoryName(weights)!);
        string text = CharacterText.Read(options.Text);
        var split = TextSplit.Of(text);
        var vocabulary = CharacterVocabulary.Of(split.Train, options.LeastCount);
        long[] characters = vocabulary.Encode(split.Train).Longs.ToArray();
        int stretch = characters.Length / options.BatchSize, steps = (stretch - options.Length) / options.Length;
        if (steps < 1)
        {
            throw new DataException($"The text has {text.Length:N0} characters, which is too short for {options.BatchSize} stretches of {2 * options.Length}.",
                "Choose a longer text, or a smaller batch or length.", options.Text);
        }
        if (options.Resume && !File.Exists(checkpoint))
            throw new FileNotFoundException($"There is nothing to resume: {checkpoint} does not exist. Start without --resume.", checkpoint);

        var network = new CharLstm(
            Vitrine.Weights.Random(options.Seed), vocabulary.Count, options.Hidden, options.Layers, options.Embedding, (float)options.Dropout);
        var model = new TextModel(network, vocabulary, Path.GetFileName(options.Text), TextModel.Hash(text));
        var optimizer = new Adam(options.LearningRate);
        string same = $"{model.Fingerprint} {options.Hidden} {options.Layers} {options.Embedding} {options.BatchSize} {options.Length} " +
            $"{options.LearningRate:R} {options.Dropout:R} {options.LeastCount} {options.Seed} {options.Epochs}";
        var state = new TextTrainingState { Options = same };
        (Tensor h, Tensor c) = network.Start(options.BatchSize);
        if (options.Resume) (state, h, c) = Load(checkpoint, same, network, optimizer);

        var clock = Stopwatch.StartNew();
        TimeSpan reported = TimeSpan.Zero;
        long begun = state.Step;
        double before = state.Seconds;
        Schedule schedule = Schedules.WarmUp(0.01f, Schedules.Cosine(0.01f));
        var random = new RandomSource(options.Seed);
        var run = new Run(training: true, recording: true);
        Tensor[] parameters = [.. network.Parameters.Select(p => p.Value)];
        while (state.Epoch < options.Epochs)
        {
            // Each pass cuts the stretches elsewhere, so that no character is always the first whose past no gradient reaches.
            int offset = new RandomSource(random.Derive($"epoch {state.Epoch}")).NextInt(options.Length);
            while (state.StepInEpoch < steps)
            {
                if (cancel.IsCancellationRequested) Cancelled();
                optimizer.LearningRate = (float)(options.LearningRate * schedule(state.Step / (float)((long)options.Epochs * steps)));
                Step(offset + state.StepInEpoch * options.Length);
                if (state.Step % options.CheckpointSteps == 0) Save();
                if (clock.Elapsed - reported >= ReportEvery) Report(null);
            }
            double search;
            try
            {
                search = Bits(model, split.Search, cancel);
            }
            catch (OperationCanceledException)
            {
                Cancelled(); // all steps of the pass are made; whoever resumes starts with its measurement
                throw;
            }
            double seconds = before + clock.Elapsed.TotalSeconds;
            var epoch = new TextEpoch(state.Epoch + 1, state.LossSum / Math.Log(2) / steps, search, seconds - state.EpochStart);
            state.Epochs.Add(epoch);
            Report(epoch);
            state.NextEpoch(seconds);
            (h, c) = network.Start(options.BatchSize);
            Save();
        }
        double took = before + clock.Elapsed.TotalSeconds, bits = Bits(model, split.Report, cancel);
        model.Save(weights);
        return new TrainedText(model, [.. state.Epochs], bits, UnigramBits(vocabulary, split), took, weights, checkpoint);

        void Step(int at)
        {
            using var scope = MemoryScope.Open();
            Tensor inputs = Rows(at), targets = Rows(at + 1);
            run.Restart(random.Derive((ulong)state.Step));
            Tensor[] outputs = network.Call(run, inputs, h, c);
            Tensor logits = outputs[0].Reshape(options.BatchSize * options.Length, vocabulary.Count);
            Tensor loss = Loss.CrossEntropy(logits, targets.Reshape(options.BatchSize * options.Length));
            float value = loss.Item();
            if (!float.IsFinite(value)) throw new ArithmeticException($"The loss is {value} at step {state.Step + 1}. Lower the learning rate.");
            optimizer.Step(network.Parameters, Autograd.Backward(loss, null, parameters).ClippedByNorm(ClipNorm));
            (h, c) = (scope.Keep(outputs[1]), scope.Keep(outputs[2]));
            state.Count(value);
        }

        // The next characters of every stretch: [N, T].
        Tensor Rows(int at)
        {
            long[] rows = new long[options.BatchSize * options.Length];
            for (int n = 0; n < options.BatchSize; n++) characters.AsSpan(n * stretch + at, options.Length).CopyTo(rows.AsSpan(n * options.Length));
            return Tensor.From(rows, [options.BatchSize, options.Length]);
        }

        void Report(TextEpoch? finished)
        {
            reported = clock.Elapsed;
            double perSecond = (state.Step - begun) * (double)options.BatchSize * options.Length / Math.Max(1e-9, clock.Elapsed.TotalSeconds);
            progress?.Invoke(new TextProgress(
                state.Epoch + 1, options.Epochs, state.StepInEpoch, steps, state.LossSum / Math.Log(2) / Math.Max(1, state.StepInEpoch), perSecond, finished));
        }

        void Cancelled()
        {
            if (state.Step == 0) throw new TrainingCancelledException(null);
            Save();
            throw new TrainingCancelledException(checkpoint);
        }

        void Save()
        {
            state.Seconds = before + clock.Elapsed.TotalSeconds;
            var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["state.h"] = h, ["state.c"] = c };
            foreach ((string name, Tensor value) in network.State()) tensors.Add($"network.{name}", value);
            foreach ((string name, Tensor value) in optimizer.State()) tensors.Add($"optimizer.{name}", value);
            SafeTensors.Save(checkpoint, tensors, new Dictionary<string, string>(StringComparer.Ordinal)
            {
                [StateKey] = JsonSerializer.Serialize(state, TextTrainingJson.Default.TextTrainingState),
            });
        }
    }

    /// <summary>How many bits a character of a text costs a model, its states carried on: the mean of -log2 of what it gave the character that came.</summary>
    /// <param name="model">The model.</param>
    /// <param name="text">The text, at least two characters.</param>
    /// <param name="cancel">Ends the measurement.</param>
    public static double Bits(TextModel model, string text, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length < 2) throw new ArgumentException("Bits a character need at least two characters of text.", nameof(text));
        // Rows side by side for speed; each begins with nothing read, which costs a little, so they should be long.
        const int length = 256, longRow = 8192;
        int rows = Math.Clamp(text.Length / longRow, 1, 16), stretch = (text.Length - 1) / rows;
        long[] characters = model.Vocabulary.Encode(text).Longs.ToArray();
        (Tensor h, Tensor c) = model.Network.Start(rows);
        double sum = 0;
        for (int at = 0; at < stretch; at += length)
        {
            cancel.ThrowIfCancellationRequested();
            int count = Math.Min(length, stretch - at);
            using var scope = MemoryScope.Open();
            long[] inputs = new long[rows * count], targets = new long[rows * count];
            for (int n = 0; n < rows; n++)
            {
                characters.AsSpan(n * stretch + at, count).CopyTo(inputs.AsSpan(n * count));
                characters.AsSpan(n * stretch + at + 1, count).CopyTo(targets.AsSpan(n * count));
            }
            Tensor[] outputs = model.Network.Call(new Run(), Tensor.From(inputs, [rows, count]), h, c);
            Tensor logits = outputs[0].Reshape(rows * count, model.Vocabulary.Count);
            sum += (double)Loss.CrossEntropy(logits, Tensor.From(targets, [targets.Length])).Item() * targets.Length;
            (h, c) = (scope.Keep(outputs[1]), scope.Keep(outputs[2]));
        }
        return sum / ((double)rows * stretch) / Math.Log(2);
    }

    private static double UnigramBits(CharacterVocabulary vocabulary, TextSplit split)
    {
        double[] counts = new double[vocabulary.Count];
        Array.Fill(counts, 1); // a character that happens not to occur is not impossible (Laplace)
        foreach (char c in split.Train) counts[vocabulary[c]]++;
        double total = counts.Sum();
        return split.Report.Average(c => -Math.Log2(counts[vocabulary[c]] / total));
    }

    private static (TextTrainingState State, Tensor Hidden, Tensor Cell) Load(string path, string same, CharLstm network, Adam optimizer)
    {
        IReadOnlyDictionary<string, Tensor> tensors = SafeTensors.Load(path, out IReadOnlyDictionary<string, string> notes);
        TextTrainingState? state = null;
        try
        {
            if (notes.TryGetValue(StateKey, out string? json)) state = JsonSerializer.Deserialize(json, TextTrainingJson.Default.TextTrainingState);
        }
        catch (JsonException e)
        {
            throw new DataException($"The state of training is damaged: {e.Message}", "Start again without --resume.", path, inner: e);
        }
        if (state is null || !tensors.TryGetValue("state.h", out Tensor? h) || !tensors.TryGetValue("state.c", out Tensor? c))
            throw new DataException("This is not the checkpoint of a text's training.", "Start again without --resume.", path);
        if (state.Options != same)
        {
            throw new DataException(
                "The checkpoint was made with another text or other options.", "Give the same ones, or start again without --resume.", path);
        }
        network.Load(Part("network."));
        optimizer.Load(Part("optimizer."), network.Parameters);
        return (state, h, c);

        Dictionary<string, Tensor> Part(string prefix) => tensors.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(t => t.Key[prefix.Length..], t => t.Value, StringComparer.Ordinal);
    }
}

/// <summary>What a checkpoint holds beside tensors.</summary>
internal sealed class TextTrainingState
{
    /// <summary>What the training was started with; it can only be continued as it was started.</summary>
    public string Options { get; set; } = "";

    public int Epoch { get; set; }

    public int StepInEpoch { get; set; }

    public long Step { get; set; }

    public double LossSum { get; set; }

    public double Seconds { get; set; }

    public double EpochStart { get; set; }

    public List<TextEpoch> Epochs { get; set; } = [];

    public void Count(float loss)
    {
        Step++;
        StepInEpoch++;
        LossSum += loss;
    }

    public void NextEpoch(double seconds)
    {
        Epoch++;
        (StepInEpoch, LossSum, EpochStart) = (0, 0, seconds);
    }
}

[JsonSerializable(typeof(TextTrainingState))]
internal sealed partial class TextTrainingJson : JsonSerializerContext;
