namespace Vitrine.Insight;

/// <summary>
/// Expected gradients (Erion, Janizek, Sturmfels, Lundberg, Lee 2021, "Improving performance of deep learning models with axiomatic attribution priors and
/// expected gradients"; also known as GradientSHAP): integrated gradients, averaged over a background, as one expectation over a background example and a place
/// on the way from it. Every example of a batch gets the same draws.
/// </summary>
public sealed class ExpectedGradients : IAttribution
{
    private readonly Tensor? _background;
    private readonly int _samples;
    private readonly ulong _seed;

    /// <summary>Chooses the background and how often it is drawn from.</summary>
    /// <param name="background">[B, ...], examples of the input's kind; null for one of zeros.</param>
    /// <param name="samples">How many draws.</param>
    /// <param name="seed">Where the random numbers start.</param>
    public ExpectedGradients(Tensor? background = null, int samples = 200, ulong seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        if (background is { Rank: 0 } or { Count: 0 }) throw new ArgumentException("A background is [B, ...] of at least one example.", nameof(background));
        (_background, _samples, _seed) = (background, samples, seed);
    }

    /// <inheritdoc/>
    public string Name => "expected gradients";

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        using var scope = MemoryScope.Open();
        Recorded clean = Recorded.Of(model, input, target, wrt);
        var path = new StraightPath(model, input, target.ChosenAt(clean.Output), wrt, atLayer: wrt is not null);
        Tensor background = _background ?? Tensor.Zeros(input.Shape.With(0, 1)), of = clean.Wrt.Detach();
        Tensor starts = wrt is null ? background : Recorded.Of(model, background, Target.Of("none", y => y.Flatten().Sum([1])), wrt).Wrt.Detach(); // [B, ...]
        if (starts.Shape.With(0, of.Shape[0]) != of.Shape)
        {
            throw new ArgumentException($"The background has shape {background.Shape}; the input has {input.Shape}.");
        }
        var random = new RandomSource(_seed);
        var sum = new Accumulator(of.Shape);
        for (int i = 0; i < _samples; i++)
        {
            using var pass = MemoryScope.Open();
            int b = random.NextInt(starts.Shape[0]);
            double place = random.NextFloat();
            Tensor start = starts.Slice(0, b, b + 1).Expand(of.Shape);
            path.Walk(start, of, [place], (run, _, _) => sum.AddChange(of.Floats, start.Floats, run.Back().Floats), cancel);
            progress?.Report((i + 1.0) / _samples);
        }
        Tensor values = sum.ToTensor(1.0 / _samples);
        return new Attribution(Name, target, scope.Keep(values), scope.Keep(clean.Wrt), scope.Keep(clean.Score), scope.Keep(clean.Output));
    }
}
