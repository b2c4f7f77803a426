namespace Vitrine.Data;

/// <summary>Draws one example with the truth about it.</summary>
/// <param name="random">The random numbers of this example alone.</param>
/// <param name="label">Its class.</param>
/// <param name="values">Receives the input; zeros so far.</param>
/// <param name="mask">Receives the truth: where the reason for the class lies; false so far.</param>
internal delegate void DrawPlanted(RandomSource random, int label, Span<float> values, Span<bool> mask);

/// <summary>Sets whose reason for every class was planted, so that the right explanation is known.</summary>
internal static class PlantedSplit
{
    /// <summary>Draws a training and a test set: example i depends only on (seed, which set, i), and classes are equally frequent.</summary>
    public static MaskedSplit Generate(string name, int train, int test, int seed, Shape input, Shape mask, IReadOnlyList<string> classes, DrawPlanted draw)
    {
        RandomSource random = new((ulong)seed);
        (Dataset learn, Tensor learnMasks) = Draw(train, random.Derive($"{name} for training"), input, mask, classes, draw);
        (Dataset judge, Tensor judgeMasks) = Draw(test, random.Derive($"{name} for testing"), input, mask, classes, draw);
        return new MaskedSplit(new DataSplit(learn, judge), learnMasks, judgeMasks);
    }

    /// <summary>Draws one set.</summary>
    public static (Dataset Inputs, Tensor Masks) Draw(int count, ulong stream, Shape input, Shape mask, IReadOnlyList<string> classes, DrawPlanted draw)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Array.MaxLength / input.Count);
        float[] values = new float[count * input.Count];
        bool[] masks = new bool[count * mask.Count];
        long[] labels = new long[count];
        for (int i = 0; i < count; i++)
        {
            labels[i] = ClassOrder.Of(stream, i, classes.Count);
            draw(Draws.Example(stream, i), (int)labels[i], values.AsSpan(i * input.Count, input.Count), masks.AsSpan(i * mask.Count, mask.Count));
        }
        Dataset set = new(Tensor.From(values, [count, .. input.Dims]), Tensor.From(labels, [count]), classes);
        return (set, Tensor.From(masks, [count, .. mask.Dims]));
    }
}
