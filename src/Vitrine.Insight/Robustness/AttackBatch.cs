using System.Numerics.Tensors;

namespace Vitrine.Insight;

/// <summary>What attacks have in common: checks, answers, and the examples of a batch that are still at work.</summary>
internal static class AttackBatch
{
    /// <summary>Checks that there is a batch with one label for each example.</summary>
    public static void Check(Tensor input, IReadOnlyList<int> labels)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(labels);
        if (input.Rank < 2 || input.Count == 0 || input.DType != DType.Float32)
        {
            throw new ArgumentException($"An input of type {input.DType} and shape {input.Shape} is no batch of examples to be changed; " +
                "it should be Float32 [N, ...].", nameof(input));
        }
        if (labels.Count != input.Shape[0])
        {
            throw new ArgumentException($"{labels.Count} labels are not one for each of {input.Shape[0]} examples.", nameof(labels));
        }
    }

    /// <summary>The network's logits as rows, [N, classes], checked against labels.</summary>
    public static Tensor Rows(Tensor output, IReadOnlyList<int>? labels = null, int least = 2)
    {
        Tensor rows = output.Rank < 2 ? throw NoClasses(output) : output.Flatten();
        int classes = rows.Shape[1];
        if (classes < least) throw NoClasses(output);
        foreach (int label in labels ?? [])
        {
            if ((uint)label >= (uint)classes) throw new ArgumentException($"There is no class {label}: the output of shape {output.Shape} has {classes}.");
        }
        return rows;
    }

    /// <summary>The class of each example, the first of equals.</summary>
    public static int[] Classes(Tensor rows)
    {
        int classes = rows.Shape[1];
        int[] best = new int[rows.Shape[0]];
        for (int i = 0; i < best.Length; i++) best[i] = TensorPrimitives.IndexOfMax(rows.Floats.Slice(i * classes, classes));
        return best;
    }

    /// <summary>What the network answers, by inference alone.</summary>
    public static int[] Predict(Module model, Tensor input)
    {
        using var scope = MemoryScope.Open();
        return Classes(Rows(model.Call(new Run(), input)));
    }

    /// <summary>Some examples of a batch that is kept as numbers, as a batch of their own.</summary>
    public static Tensor Select(ReadOnlySpan<float> values, Shape shape, IReadOnlyList<int> which)
    {
        int size = shape.Count / shape[0];
        float[] rows = new float[which.Count * size];
        for (int i = 0; i < which.Count; i++) values.Slice(which[i] * size, size).CopyTo(rows.AsSpan(i * size));
        return Tensor.From(rows, shape.With(0, which.Count));
    }

    /// <summary>
    /// How far the other classes together, or the strongest of them, are above a class: log-sum-exp or maximum of their logits less its own, [N].
    /// </summary>
    public static Tensor Above(Tensor rows, IReadOnlyList<int> labels, bool strongest = false)
    {
        Tensor index = Tensor.From([.. labels.Select(l => (long)l)], [labels.Count]);
        Tensor own = index.OneHot(rows.Shape[1]).Cast(DType.Bool);
        Tensor others = own.Where(Tensor.Scalar(-1e30f), rows);
        Tensor most = strongest ? others.Max([1]) : others.LogSumExp([1]);
        return most - rows.Gather(1, index.Unsqueeze(1)).Squeeze(1);
    }

    private static ArgumentException NoClasses(Tensor output) =>
        new($"An output of shape {output.Shape} cannot be attacked; it should be logits [N, classes] with two classes or more.");
}
