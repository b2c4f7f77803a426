namespace Vitrine.Insight;

/// <summary>What became of one example under an attack.</summary>
/// <param name="Label">The class it has or, for targeted attacks, should get.</param>
/// <param name="Before">The network's class for the original.</param>
/// <param name="BeforeConfidence">The probability it gives that class.</param>
/// <param name="After">Its class for the changed input.</param>
/// <param name="AfterConfidence">The probability it gives that class.</param>
/// <param name="Largest">The largest change of an element.</param>
/// <param name="Length">The length of the change: the square root of the sum of squares.</param>
/// <param name="Changed">How many elements changed.</param>
/// <param name="Succeeded">Whether the class is the target, or no longer the label.</param>
public sealed record AttackedExample(
    int Label, int Before, float BeforeConfidence, int After, float AfterConfidence, float Largest, float Length, int Changed, bool Succeeded);

/// <summary>What attacks do to a network on data, example by example.</summary>
public static class AttackMeasure
{
    /// <summary>How many examples are attacked together unless told otherwise.</summary>
    public const int Batch = 100;

    /// <summary>Compares inputs with what an attack made of them.</summary>
    /// <param name="model">A network whose output is logits [N, classes].</param>
    /// <param name="input">The originals, [N, ...].</param>
    /// <param name="changed">What became of them, [N, ...].</param>
    /// <param name="labels">The labels that were attacked with.</param>
    /// <param name="targeted">Whether they are classes to be reached.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static IReadOnlyList<AttackedExample> Compare(Module model, Tensor input, Tensor changed, IReadOnlyList<int> labels, bool targeted = false)
    {
        AttackBatch.Check(input, labels);
        if (input.Shape != changed.Shape)
            throw new ArgumentException($"Inputs of shape {input.Shape} were not changed to shape {changed.Shape}.", nameof(changed));
        (int[] before, float[] beforeConfidence) = Answers(model, input);
        (int[] after, float[] afterConfidence) = Answers(model, changed);
        int size = input.Count / labels.Count;
        var examples = new AttackedExample[labels.Count];
        for (int i = 0; i < examples.Length; i++)
        {
            ReadOnlySpan<float> a = input.Floats.Slice(i * size, size), b = changed.Floats.Slice(i * size, size);
            float largest = 0;
            double squares = 0;
            int count = 0;
            for (int p = 0; p < size; p++)
            {
                float change = Math.Abs(b[p] - a[p]);
                largest = Math.Max(largest, change);
                squares += (double)change * change;
                if (change != 0) count++;
            }
            examples[i] = new(labels[i], before[i], beforeConfidence[i], after[i], afterConfidence[i], largest, (float)Math.Sqrt(squares), count,
                targeted == (after[i] == labels[i]));
        }
        return examples;
    }

    /// <summary>Attacks a data set, batch by batch.</summary>
    /// <param name="model">A network whose output is logits [N, classes].</param>
    /// <param name="data">The examples.</param>
    /// <param name="attack">The attack.</param>
    /// <param name="target">For targeted attacks the class that is to be reached by each example of a label; null for the labels themselves.</param>
    /// <param name="judge">Who is shown the result; null for the attacked network.</param>
    /// <param name="batch">How many examples are attacked together.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was signalled.</exception>
    public static IReadOnlyList<AttackedExample> Attack(
        Module model, Dataset data, IAttack attack, Func<int, int>? target = null, Module? judge = null, int batch = Batch, IProgress<double>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(attack);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        var examples = new List<AttackedExample>(data.Count);
        for (int start = 0; start < data.Count; start += batch)
        {
            using var scope = MemoryScope.Open();
            (Tensor inputs, int[] labels) = Stretch(data, start, Math.Min(batch, data.Count - start));
            int[] asked = target is null ? labels : [.. labels.Select(target)];
            Tensor changed = attack.Perturb(model, inputs, asked, null, cancel);
            examples.AddRange(Compare(judge ?? model, inputs, changed, asked, attack.Targeted));
            progress?.Report((double)examples.Count / data.Count);
        }
        return examples;
    }

    /// <summary>The share of a data set's examples that are still named rightly under an untargeted attack, in [0, 1].</summary>
    /// <inheritdoc cref="Attack"/>
    public static double Accuracy(Module model, Dataset data, IAttack attack, int batch = Batch, CancellationToken cancel = default) =>
        Attack(model, data, attack, batch: batch, cancel: cancel).Average(e => e.After == e.Label ? 1.0 : 0);

    /// <summary>Accuracy against the size of the change: for each epsilon the share of examples that are still named rightly.</summary>
    /// <param name="model">A network whose output is logits [N, classes].</param>
    /// <param name="data">The examples.</param>
    /// <param name="attack">From an epsilon to the attack of that size, or the noise.</param>
    /// <param name="epsilons">The sizes.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <returns>A share in [0, 1] for each epsilon.</returns>
    public static double[] Curve(
        Module model, Dataset data, Func<float, IAttack> attack, IReadOnlyList<float> epsilons, IProgress<double>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(attack);
        ArgumentNullException.ThrowIfNull(epsilons);
        double[] curve = new double[epsilons.Count];
        for (int i = 0; i < curve.Length; i++)
        {
            curve[i] = Accuracy(model, data, attack(epsilons[i]), cancel: cancel);
            progress?.Report((i + 1.0) / curve.Length);
        }
        return curve;
    }

    /// <summary>
    /// Transfer between networks: what was made to fool one, shown to each. Only examples that all of them name rightly are attacked, so that every error is
    /// the attack's.
    /// </summary>
    /// <param name="models">The networks; all take the same inputs and tell the same classes apart.</param>
    /// <param name="data">The examples.</param>
    /// <param name="attack">The attack, untargeted.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <returns>
    /// [i, j]: the share in [0, 1] of examples made on network i that network j names wrongly; NaN where there is no example that all name rightly. And how
    /// many examples there are.
    /// </returns>
    public static (double[,] Fooled, int Examples) Transfer(
        IReadOnlyList<Module> models, Dataset data, IAttack attack, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(models);
        ArgumentNullException.ThrowIfNull(attack);
        if (attack.Targeted) throw new ArgumentException("Transfer is about errors: give it an attack that is not targeted.", nameof(attack));
        List<int> common = [.. Enumerable.Range(0, data.Count)];
        foreach (Module model in models)
        {
            var answers = Evaluation.Of(model, data, Batch, cancel);
            common.RemoveAll(i => answers.Predicted[i] != data.Labels.Longs[i]);
        }
        double[,] fooled = new double[models.Count, models.Count];
        for (int start = 0; start < common.Count; start += Batch)
        {
            using var scope = MemoryScope.Open();
            (Tensor inputs, Tensor numbers) = data.Batch([.. common.Skip(start).Take(Batch)]);
            int[] labels = [.. numbers.Longs.ToArray().Select(l => (int)l)];
            for (int i = 0; i < models.Count; i++)
            {
                Tensor changed = attack.Perturb(models[i], inputs, labels, null, cancel);
                for (int j = 0; j < models.Count; j++)
                {
                    int[] found = AttackBatch.Predict(models[j], changed);
                    fooled[i, j] += found.Where((k, at) => k != labels[at]).Count();
                }
                progress?.Report((start + (i + 1.0) / models.Count * labels.Length) / common.Count);
            }
        }
        for (int i = 0; i < models.Count; i++)
        {
            for (int j = 0; j < models.Count; j++) fooled[i, j] = common.Count == 0 ? double.NaN : fooled[i, j] / common.Count;
        }
        return (fooled, common.Count);
    }

    /// <summary>Consecutive examples of a data set, copied.</summary>
    internal static (Tensor Inputs, int[] Labels) Stretch(Dataset data, int start, int count)
    {
        (Tensor inputs, Tensor labels) = data.Batch([.. Enumerable.Range(start, count)]);
        return (inputs, [.. labels.Longs.ToArray().Select(l => (int)l)]);
    }

    private static (int[] Classes, float[] Confidence) Answers(Module model, Tensor input)
    {
        using var scope = MemoryScope.Open();
        Tensor rows = AttackBatch.Rows(model.Call(new Run(), input));
        int[] classes = AttackBatch.Classes(rows);
        Tensor probabilities = rows.Softmax(1);
        return (classes, [.. classes.Select((k, i) => probabilities[i, k])]);
    }
}
