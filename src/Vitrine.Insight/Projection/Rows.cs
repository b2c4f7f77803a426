namespace Vitrine.Insight;

/// <summary>Points as rows of finite numbers: what projections read.</summary>
internal sealed class Rows
{
    private readonly Tensor _tensor;

    private Rows(Tensor tensor, int width)
    {
        _tensor = tensor;
        Count = tensor.Shape[0];
        Width = width;
    }

    public int Count { get; }

    public int Width { get; }

    /// <summary>[N, D].</summary>
    public Tensor Tensor => _tensor;

    public ReadOnlySpan<float> this[int i] => _tensor.Floats.Slice(i * Width, Width);

    /// <summary>Reads [N, ...] as N rows; refuses what cannot be compared.</summary>
    public static Rows Of(Tensor points, string what, int least = 1)
    {
        if (points.DType != DType.Float32 || points.Rank < 2)
        {
            throw new ArgumentException($"The {what} must be [N, D] of Float32; this is {points.Shape} of {points.DType}.");
        }
        int count = points.Shape[0], width = count == 0 ? 0 : points.Count / count;
        if (count < least || width == 0)
        {
            throw new ArgumentException($"The {what} must have at least {least} rows of at least one number; this is {points.Shape}.");
        }
        ReadOnlySpan<float> all = points.Floats;
        for (int i = 0; i < all.Length; i++)
        {
            if (!float.IsFinite(all[i]))
            {
                throw new ArgumentException($"Row {i / width} of the {what} has {all[i]} at position {i % width}; leave it out or replace it.");
            }
        }
        return new Rows(points.Rank == 2 ? points.Detach() : points.Detach().Reshape(Shape.Create(count, width)), width);
    }

    /// <summary>The same rows in another order: row i is what row <paramref name="order"/>[i] was.</summary>
    public Rows InOrder(int[] order)
    {
        float[] all = new float[Count * Width];
        for (int i = 0; i < Count; i++) this[order[i]].CopyTo(all.AsSpan(i * Width));
        return new Rows(Tensor.From(all, [Count, Width]), Width);
    }

    /// <summary>The mean of each column.</summary>
    public double[] Mean()
    {
        double[] mean = new double[Width];
        for (int i = 0; i < Count; i++)
        {
            ReadOnlySpan<float> row = this[i];
            for (int d = 0; d < Width; d++) mean[d] += row[d];
        }
        for (int d = 0; d < Width; d++) mean[d] /= Count;
        return mean;
    }

    /// <summary>The rows less a vector, as a tensor [N, D].</summary>
    public Tensor Less(double[] vector)
    {
        float[] all = _tensor.ToArray();
        for (int i = 0, at = 0; i < Count; i++)
        {
            for (int d = 0; d < Width; d++, at++) all[at] = (float)(all[at] - vector[d]);
        }
        return Tensor.From(all, [Count, Width]);
    }
}
