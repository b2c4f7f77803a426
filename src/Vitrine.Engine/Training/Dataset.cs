namespace Vitrine;

/// <summary>One example of a data set, as a batch of one.</summary>
/// <param name="Image">[1, ...]: what the network takes.</param>
/// <param name="Label">The class.</param>
public readonly record struct Example(Tensor Image, int Label);

/// <summary>Inputs with the class of each, in memory.</summary>
public sealed class Dataset
{
    /// <summary>Joins inputs and labels.</summary>
    /// <param name="inputs">[N, ...], Float32; images are [N, C, H, W] in [0, 1].</param>
    /// <param name="labels">[N], Int64, each the number of a class.</param>
    /// <param name="classes">The names of the classes.</param>
    /// <exception cref="ArgumentException">The numbers of inputs and labels differ, or a label has no class.</exception>
    public Dataset(Tensor inputs, Tensor labels, IReadOnlyList<string> classes)
    {
        if (labels.Rank != 1 || inputs.Rank < 1 || inputs.Shape[0] != labels.Shape[0])
        {
            throw new ArgumentException($"Inputs of shape {inputs.Shape} and labels of shape {labels.Shape} do not belong together: both need the same first extent.");
        }
        foreach (long label in labels.Longs)
        {
            if ((ulong)label >= (ulong)classes.Count) throw new ArgumentException($"Label {label} is not the number of one of {classes.Count} classes.");
        }
        Inputs = inputs;
        Labels = labels;
        Classes = classes;
    }

    /// <summary>[N, ...].</summary>
    public Tensor Inputs { get; }

    /// <summary>[N], Int64.</summary>
    public Tensor Labels { get; }

    /// <summary>The names of the classes.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>N.</summary>
    public int Count => Labels.Count;

    /// <summary>The shape of one input, without the batch axis.</summary>
    public Shape InputShape => Inputs.Shape.Without(0);

    /// <summary>One example, sharing the elements.</summary>
    public Example this[int i]
    {
        get
        {
            if ((uint)i >= (uint)Count) throw new ArgumentOutOfRangeException(nameof(i), i, $"The data set has {Count} examples.");
            Shape one = Inputs.Shape.With(0, 1);
            return new Example(Inputs.Alias(one, i * one.Count), (int)Labels.Longs[i]);
        }
    }

    /// <summary>The first <paramref name="count"/> examples (all, when there are fewer), sharing the elements.</summary>
    public Dataset Take(int count)
    {
        count = Math.Min(count, Count);
        return new Dataset(Inputs.Alias(Inputs.Shape.With(0, count)), Labels.Alias([count]), Classes);
    }

    /// <summary>The examples of the given numbers, copied: [n, ...] inputs and [n] labels.</summary>
    public (Tensor Inputs, Tensor Labels) Batch(ReadOnlySpan<int> numbers)
    {
        Tensor inputs = Tensor.Uninitialized(Inputs.Shape.With(0, numbers.Length)), labels = Tensor.Uninitialized([numbers.Length], DType.Int64);
        int size = numbers.Length == 0 ? 0 : inputs.Count / numbers.Length;
        ReadOnlySpan<float> from = Inputs.Floats;
        ReadOnlySpan<long> fromLabels = Labels.Longs;
        Span<float> to = inputs.MutableFloats;
        Span<long> toLabels = labels.MutableLongs;
        for (int i = 0; i < numbers.Length; i++)
        {
            from.Slice(numbers[i] * size, size).CopyTo(to[(i * size)..]);
            toLabels[i] = fromLabels[numbers[i]];
        }
        return (inputs, labels);
    }

    /// <summary>The consecutive examples from <paramref name="start"/> on, sharing the elements.</summary>
    internal (Tensor Inputs, Tensor Labels) Stretch(int start, int count)
    {
        Shape shape = Inputs.Shape.With(0, count);
        int size = Count == 0 ? 0 : Inputs.Count / Count;
        return (Inputs.Alias(shape, start * size), Labels.Alias([count], start));
    }
}

/// <summary>What to learn from and what to be judged by.</summary>
/// <param name="Train">Examples to learn from.</param>
/// <param name="Test">Examples that training never sees.</param>
public sealed record DataSplit(Dataset Train, Dataset Test);
