namespace Vitrine.Insight;

/// <summary>What counts as one feature when inputs are modified: which elements of an example are switched together.</summary>
public sealed class Features
{
    private readonly Func<Tensor, int[]> _labels;
    private readonly string _name;

    private Features(string name, Func<Tensor, int[]> labels)
    {
        _name = name;
        _labels = labels;
    }

    /// <summary>Every element is a feature of its own.</summary>
    public static Features Each { get; } = new("each element", static example => [.. Enumerable.Range(0, example.Count)]);

    /// <summary>Elements of equal value are one feature: a word wherever it stands in a text of tokens.</summary>
    public static Features EqualValues { get; } = new("equal values", static example => [.. Numbered(example.ToArray())]);

    /// <summary>Given segments.</summary>
    /// <param name="segments">A number for each element of an example; equal numbers belong together. Any shape that broadcasts to the example's: [H, W] serves
    /// all channels.</param>
    public static Features Of(Tensor segments) => new("segments", example =>
    {
        Tensor numbers = (segments.DType == DType.Float32 ? segments : segments.Cast(DType.Float32)).Detach();
        try
        {
            return Numbered(numbers.Expand(example.Shape).ToArray());
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"Segments of shape {segments.Shape} do not fit an example of shape {example.Shape}.", e);
        }
    });

    /// <summary>
    /// At most so many features: each element where an example has no more; otherwise the last two axes are cut into a grid of blocks, all channels together
    /// (the last axis into stretches, where there is only one).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There should be at least one block.</exception>
    public static Features Blocks(int most)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        return new Features($"at most {most} blocks", example => example.Count <= most ? [.. Enumerable.Range(0, example.Count)] : Grid(example.Shape, most));
    }

    /// <summary>The superpixels of a picture [C, H, W], all channels together (<see cref="Slic"/>); each element of anything else.</summary>
    /// <param name="count">About how many.</param>
    /// <param name="compactness">How much nearness in the picture counts against likeness of values, where the values of the picture span 100.</param>
    public static Features Superpixels(int count = 50, double compactness = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        return new Features($"{count} superpixels", example =>
        {
            if (example.Rank != 3) return [.. Enumerable.Range(0, example.Count)];
            int channels = example.Shape[0], plane = example.Shape[1] * example.Shape[2];
            int[] segments = Slic.Segment(example.Floats, channels, example.Shape[1], example.Shape[2], count, compactness);
            int[] labels = new int[example.Count];
            for (int c = 0; c < channels; c++) segments.CopyTo(labels, c * plane);
            return labels;
        });
    }

    /// <summary>The feature of each element of an example [...], from 0.</summary>
    /// <exception cref="ArgumentException">Given segments do not fit the example's shape.</exception>
    public int[] Labels(Tensor example) => _labels(example);

    /// <inheritdoc/>
    public override string ToString() => _name;

    private static int[] Grid(Shape shape, int most)
    {
        int width = shape[-1], height = shape.Rank < 2 ? 1 : shape[-2];
        int rows = Math.Min(height, height == 1 ? 1 : (int)Math.Sqrt(most)), columns = Math.Min(width, most / rows);
        int[] labels = new int[shape.Count];
        for (int i = 0; i < labels.Length; i++)
        {
            int x = i % width, y = i / width % height;
            labels[i] = (int)((long)y * rows / height) * columns + (int)((long)x * columns / width);
        }
        return labels;
    }

    /// <summary>Numbers from 0 for the different values, the smallest first.</summary>
    private static int[] Numbered(float[] values)
    {
        float[] distinct = [.. values.Distinct().Order()];
        return [.. values.Select(v => Array.BinarySearch(distinct, v))];
    }
}
