namespace Vitrine.Insight;

/// <summary>The straight way from a baseline to what is explained, walked in passes whose size does not depend on the number of points.</summary>
/// <param name="model">The network.</param>
/// <param name="input">[N, ...].</param>
/// <param name="target">What is asked, the choice of a class made.</param>
/// <param name="wrt">The module call whose gradient is wanted; null for the input.</param>
/// <param name="atLayer">Whether the way leads through values of <paramref name="wrt"/>, with the input left as it is; else through inputs.</param>
/// <param name="examplesAPass">How many examples at most are computed together, beyond one copy of the batch.</param>
internal sealed class StraightPath(Module model, Tensor input, Target target, string? wrt, bool atLayer, int examplesAPass = StraightPath.ExamplesAPass)
{
    /// <summary>How many examples are computed together unless another number is asked for.</summary>
    public const int ExamplesAPass = 32;

    /// <summary>Pictures are computed together while they have no more numbers than this: their feature maps then come back from the cache, and not from
    /// memory.</summary>
    private const int ElementsAPass = 1 << 19;

    /// <summary>Visits points in order: a recorded run of some copies of the batch, the number of the first point in it, and how many there are.</summary>
    /// <param name="start">The baseline, of the shape of the input or, at a layer, of its result.</param>
    /// <param name="end">Where the way ends.</param>
    /// <param name="points">Places between 0 and 1.</param>
    /// <param name="visit">Must take what it needs from the run: its buffers are given back afterwards.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    public void Walk(Tensor start, Tensor end, IReadOnlyList<double> points, Action<Recorded, int, int> visit, CancellationToken cancel)
    {
        if (end.DType != DType.Float32)
        {
            throw new ArgumentException($"There is no way between inputs of type {end.DType}: integrate at a layer, the embedding for instance.");
        }
        int fitting = (int)Math.Max(1, (long)ElementsAPass * input.Shape[0] / Math.Max(1, input.Count));
        int most = Math.Max(1, Math.Min(examplesAPass, fitting) / Math.Max(1, end.Shape[0]));
        for (int first = 0; first < points.Count; first += most)
        {
            cancel.ThrowIfCancellationRequested();
            using var pass = MemoryScope.Open();
            int count = Math.Min(most, points.Count - first);
            Tensor at = TensorOps.Concat(0, [.. Enumerable.Range(first, count).Select(i => Between(start, end, points[i]))]); // [count N, ...]
            visit(At(at, count), first, count);
        }
    }

    /// <summary>A place on the way, rounded once.</summary>
    private static Tensor Between(Tensor start, Tensor end, double place)
    {
        float[] values = new float[end.Count];
        ReadOnlySpan<float> from = start.Floats, to = end.Floats;
        for (int i = 0; i < values.Length; i++) values[i] = (float)(from[i] + place * ((double)to[i] - from[i]));
        return Tensor.From(values, end.Shape);
    }

    /// <summary>A run at some copies of the batch on the way, recorded for plain gradients.</summary>
    public Recorded At(Tensor place, int copies) => atLayer
        ? Recorded.Of(model, TensorOps.Concat(0, [.. Enumerable.Repeat(input, copies)]), target, wrt, copies, place, plain: true)
        : Recorded.Of(model, place, target, wrt, copies, plain: true);
}

/// <summary>A sum of tensors in double precision, in a buffer of its own.</summary>
internal sealed class Accumulator(Shape shape)
{
    private readonly double[] _sum = new double[shape.Count];

    /// <summary>Of the tensors that are summed up.</summary>
    public Shape Shape => shape;

    /// <summary>Adds a weighted tensor of the same number of elements.</summary>
    public void Add(ReadOnlySpan<float> values, double weight = 1)
    {
        for (int i = 0; i < _sum.Length; i++) _sum[i] += weight * values[i];
    }

    /// <summary>Adds the square of a tensor.</summary>
    public void AddSquare(ReadOnlySpan<float> values)
    {
        for (int i = 0; i < _sum.Length; i++) _sum[i] += (double)values[i] * values[i];
    }

    /// <summary>Adds a product of tensors, (a - b) c.</summary>
    public void AddChange(ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c)
    {
        for (int i = 0; i < _sum.Length; i++) _sum[i] += ((double)a[i] - b[i]) * c[i];
    }

    /// <summary>The sum so far.</summary>
    public ReadOnlySpan<double> Sum => _sum;

    /// <summary>The sum, each element scaled.</summary>
    public Tensor ToTensor(double scale = 1)
    {
        float[] values = new float[_sum.Length];
        for (int i = 0; i < values.Length; i++) values[i] = (float)(scale * _sum[i]);
        return Tensor.From(values, shape);
    }
}
