namespace Vitrine.Insight;

/// <summary>
/// Another method's values on noisy copies of the input; the methods of this kind differ in what they make of them. Every example of a batch gets the same
/// noise, so that a batch equals its singles.
/// </summary>
public abstract class NoisyAttribution : IAttribution
{
    private readonly IAttribution _method;
    private readonly int _samples;
    private readonly float _noise;
    private readonly ulong _seed;

    private protected NoisyAttribution(IAttribution? method, int samples, float noise, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(noise);
        (_method, _samples, _noise, _seed) = (method ?? new Gradient(), samples, noise, seed);
    }

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        if (input.DType != DType.Float32) throw new ArgumentException($"There is no noise to add to an input of type {input.DType}.", nameof(input));
        using var scope = MemoryScope.Open();
        Recorded clean = Recorded.Of(model, input, target, wrt);
        Target chosen = target.ChosenAt(clean.Output);
        int[] inner = [.. Enumerable.Range(1, input.Rank - 1)];
        Tensor deviation = (input.Max(inner, keepDims: true) - input.Min(inner, keepDims: true)) * _noise; // [N, 1, ...]
        Accumulator sum = new(clean.Wrt.Shape), squares = new(clean.Wrt.Shape);
        var random = new RandomSource(_seed);
        for (int i = 0; i < _samples; i++)
        {
            using var sample = MemoryScope.Open();
            Tensor noisy = input + random.Normal(input.Shape.With(0, 1)) * deviation;
            ReadOnlySpan<float> values = _method.Explain(model, noisy, chosen, wrt, cancel: cancel).Values.Floats;
            sum.Add(values);
            squares.AddSquare(values);
            progress?.Report((i + 1.0) / _samples);
        }
        Tensor result = Finish(sum, squares, _samples);
        return new Attribution(Name, target, scope.Keep(result), scope.Keep(clean.Wrt), scope.Keep(clean.Score), scope.Keep(clean.Output));
    }

    /// <summary>From the sums of the values and of their squares to the answer.</summary>
    private protected abstract Tensor Finish(Accumulator sum, Accumulator squares, int samples);
}

/// <summary>
/// SmoothGrad (Smilkov, Thorat, Kim, Viégas, Wattenberg 2017, "SmoothGrad: removing noise by adding noise"): the mean over noisy copies of the input.
/// </summary>
/// <param name="method">Whose values are averaged; the gradient's unless given.</param>
/// <param name="samples">How many copies.</param>
/// <param name="noise">The deviation of the normal noise, as a share of the difference between the largest and the smallest value of the example.</param>
/// <param name="seed">Where the random numbers start.</param>
public sealed class SmoothGrad(IAttribution? method = null, int samples = 50, float noise = 0.15f, ulong seed = 0)
    : NoisyAttribution(method, samples, noise, seed)
{
    /// <inheritdoc/>
    public override string Name => "smoothgrad";

    private protected override Tensor Finish(Accumulator sum, Accumulator squares, int samples) => sum.ToTensor(1.0 / samples);
}

/// <summary>
/// VarGrad (Adebayo, Gilmer, Goodfellow, Kim 2018, "Local explanation methods for deep neural networks lack sensitivity to parameter values"): the variance
/// over noisy copies of the input (divided by their number).
/// </summary>
/// <param name="method">Of whose values; the gradient's unless given.</param>
/// <param name="samples">How many copies.</param>
/// <param name="noise">The deviation of the normal noise, as a share of the difference between the largest and the smallest value of the example.</param>
/// <param name="seed">Where the random numbers start.</param>
public sealed class VarGrad(IAttribution? method = null, int samples = 50, float noise = 0.15f, ulong seed = 0) : NoisyAttribution(method, samples, noise, seed)
{
    /// <inheritdoc/>
    public override string Name => "vargrad";

    private protected override Tensor Finish(Accumulator sum, Accumulator squares, int samples)
    {
        var variance = new float[sum.Sum.Length];
        for (int i = 0; i < variance.Length; i++)
        {
            double mean = sum.Sum[i] / samples;
            variance[i] = (float)Math.Max(0, squares.Sum[i] / samples - mean * mean);
        }
        return Tensor.From(variance, sum.Shape);
    }
}
