using System.Diagnostics;
using Vitrine.Data;
using Vitrine.Models;

namespace Vitrine.Experiments;

/// <summary>A network that learned a task whose alignment is known.</summary>
/// <param name="Network">The network.</param>
/// <param name="Inputs">From pairs to its inputs.</param>
/// <param name="Accuracy">The part of the tokens of unseen targets that it gets right, in [0, 1].</param>
/// <param name="Seconds">How long it took to learn.</param>
public sealed record AlignedNetwork(Module Network, Func<SequencePairs, Tensor[]> Inputs, double Accuracy, double Seconds)
{
    /// <summary>The part of tokens that outputs [N, T, tokens] get right.</summary>
    /// <param name="pairs">The pairs.</param>
    /// <param name="outputs">The network's outputs for them.</param>
    internal static double Right(SequencePairs pairs, Tensor outputs)
    {
        int width = outputs.Shape[-1], right = 0;
        for (int i = 0; i < pairs.Target.Count; i++)
        {
            ReadOnlySpan<float> row = outputs.Floats.Slice(i * width, width);
            int top = 0;
            for (int k = 1; k < width; k++) if (row[k] > row[top]) top = k;
            if (top == pairs.Target.Longs[i]) right++;
        }
        return right / (double)pairs.Target.Count;
    }
}

/// <summary>Trains small networks with attention on generated pairs, in seconds.</summary>
public static class AlignmentTraining
{
    private const int Unseen = 256, Batch = 64;

    /// <summary>A recurrent network that writes the target and looks at the source before each token: <see cref="AlignmentReader"/>.</summary>
    /// <param name="task">One of <see cref="SequencePairs.Names"/>.</param>
    /// <param name="seed">Where weights and pairs start.</param>
    /// <param name="steps">Steps of 64 pairs each, all of them new.</param>
    /// <param name="cancel">Ends the training.</param>
    public static AlignedNetwork Reader(string task, ulong seed = 1, int steps = 600, CancellationToken cancel = default)
    {
        SequencePairs sample = SequencePairs.Generate(task, 1, seed);
        // A date's month is spelled by several letters, so what is taken must be what was read around them; single letters can be taken as they are.
        var network = new AlignmentReader(Weights.Random(seed), sample.SourceCharacters.Length, sample.TargetCharacters.Length, inContext: task == "dates");
        return Train(network, p => [p.Source, p.Shown], task, seed, steps, 5e-3f, cancel);
    }

    /// <summary>A Transformer that says each token of the target at its place, for tasks of equal lengths: <see cref="TokenTransformer"/>.</summary>
    /// <param name="task"><c>copy</c> or <c>reverse</c>.</param>
    /// <param name="seed">Where weights and pairs start.</param>
    /// <param name="steps">Steps of 64 pairs each, all of them new.</param>
    /// <param name="layers">Its layers.</param>
    /// <param name="heads">The heads of each.</param>
    /// <param name="cancel">Ends the training.</param>
    public static AlignedNetwork Transformer(
        string task, ulong seed = 1, int steps = 600, int layers = 2, int heads = 4, CancellationToken cancel = default)
    {
        SequencePairs sample = SequencePairs.Generate(task, 1, seed);
        if (sample.Source.Shape != sample.Target.Shape)
            throw new ArgumentException($"Sources and targets of '{task}' differ in length; a Transformer encoder needs as many of both.", nameof(task));
        var network = new TokenTransformer(
            Weights.Random(seed), sample.SourceCharacters.Length, sample.TargetCharacters.Length, sample.Source.Shape[1], layers: layers, heads: heads);
        return Train(network, p => [p.Source], task, seed, steps, 3e-3f, cancel);
    }

    private static AlignedNetwork Train(
        Module network, Func<SequencePairs, Tensor[]> inputs, string task, ulong seed, int steps, float rate, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        var optimizer = new Adam(rate);
        Schedule schedule = Schedules.WarmUp(0.05f, Schedules.Cosine(0.01f));
        var run = new Run(training: true, recording: true);
        var random = new RandomSource(seed);
        Tensor[] parameters = [.. network.Parameters.Select(p => p.Value)];
        for (int step = 0; step < steps; step++)
        {
            cancel.ThrowIfCancellationRequested();
            optimizer.LearningRate = rate * schedule(step / (float)steps);
            using var scope = MemoryScope.Open();
            SequencePairs pairs = SequencePairs.Generate(task, Batch, random.Derive((ulong)step));
            run.Restart((ulong)step);
            Tensor logits = network.Call(run, inputs(pairs))[0]; // [N, T, tokens]
            Tensor loss = Loss.CrossEntropy(logits.Reshape(pairs.Target.Count, logits.Shape[-1]), pairs.Target.Reshape(pairs.Target.Count));
            optimizer.Step(network.Parameters, Autograd.Backward(loss, null, parameters).ClippedByNorm(1));
        }
        SequencePairs unseen = SequencePairs.Generate(task, Unseen, random.Derive("unseen"));
        using var measured = MemoryScope.Open();
        double accuracy = AlignedNetwork.Right(unseen, network.Call(new Run(), inputs(unseen))[0]);
        return new AlignedNetwork(network, inputs, accuracy, clock.Elapsed.TotalSeconds);
    }
}
