namespace Vitrine.Insight;

/// <summary>
/// Integrated gradients (Sundararajan, Taly, Yan 2017, "Axiomatic attribution for deep networks"): the gradient, averaged on the straight way from a baseline,
/// times the way. With respect to a layer the way leads through the layer's results. Peak memory does not depend on the number of steps.
/// </summary>
public sealed class IntegratedGradients : IAttribution
{
    private const int MostSteps = 4096;
    private readonly int _steps;
    private readonly Quadrature _quadrature;
    private readonly double _tolerance;
    private readonly IReadOnlyList<Baseline> _baselines;
    private readonly bool _atLayer;
    private readonly int _examplesAPass;

    /// <summary>Chooses how the integral is found.</summary>
    /// <param name="steps">How many gradients are averaged.</param>
    /// <param name="quadrature">At which places; Gauss-Legendre unless given.</param>
    /// <param name="tolerance">
    /// Doubles the steps until an example's values miss the difference of its scores by no more than this (in units of the score), at most to 4,096; 0 leaves
    /// the steps as they are. Each example gets the first answer that is good enough for it.
    /// </param>
    /// <param name="baselines">Where the way starts; the answer is the mean over all; zeros unless given.</param>
    /// <param name="baselineAtLayer">With respect to a layer: whether the baselines are results of the layer, and not inputs whose results are taken.</param>
    /// <param name="examplesAPass">
    /// How many examples are computed together: as many points as fit, but at least one copy of the batch. 1 for networks that take no batch of another size.
    /// </param>
    public IntegratedGradients(
        int steps = 50, Quadrature? quadrature = null, double tolerance = 0, IReadOnlyList<Baseline>? baselines = null, bool baselineAtLayer = false,
        int examplesAPass = StraightPath.ExamplesAPass)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(tolerance);
        ArgumentOutOfRangeException.ThrowIfLessThan(examplesAPass, 1);
        if (baselines is { Count: 0 }) throw new ArgumentException("Integrated gradients start from at least one baseline.", nameof(baselines));
        (_steps, _quadrature, _tolerance) = (steps, quadrature ?? Quadrature.GaussLegendre, tolerance);
        (_baselines, _atLayer, _examplesAPass) = (baselines ?? [Baseline.Zeros], baselineAtLayer, examplesAPass);
    }

    /// <inheritdoc/>
    public string Name => "integrated gradients";

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        using var scope = MemoryScope.Open();
        Recorded end = Recorded.Of(model, input, target, wrt);
        Target chosen = target.ChosenAt(end.Output);
        Tensor of = end.Wrt.Detach();
        var path = new StraightPath(model, input, chosen, wrt, atLayer: wrt is not null, _examplesAPass);
        var mean = new Accumulator(of.Shape);
        for (int b = 0; b < _baselines.Count; b++)
        {
            Tensor start = wrt is null || _atLayer ? _baselines[b].For(of) : Recorded.Of(model, _baselines[b].For(input), chosen, wrt).Wrt.Detach();
            mean.Add(Integral(path, start, of, end.Score, cancel), 1.0 / _baselines.Count);
            progress?.Report((b + 1.0) / _baselines.Count);
        }
        return new Attribution(Name, target, scope.Keep(mean.ToTensor()), scope.Keep(end.Wrt), scope.Keep(end.Score), scope.Keep(end.Output));
    }

    /// <summary>The values of one baseline.</summary>
    private float[] Integral(StraightPath path, Tensor start, Tensor end, Tensor score, CancellationToken cancel)
    {
        float[] values = Integral(path, start, end, _steps, cancel);
        if (_tolerance == 0) return values;
        int n = end.Shape[0], length = values.Length / Math.Max(1, n);
        Tensor from = path.At(start, 1).Score;
        var open = Enumerable.Range(0, n).Where(i => Gap(values, i) > _tolerance).ToList();
        for (int steps = 2 * _steps; open.Count > 0 && steps <= MostSteps; steps *= 2)
        {
            float[] finer = Integral(path, start, end, steps, cancel);
            foreach (int i in open) finer.AsSpan(i * length, length).CopyTo(values.AsSpan(i * length));
            open.RemoveAll(i => Gap(values, i) <= _tolerance);
        }
        return values;

        double Gap(float[] found, int i)
        {
            double sum = 0;
            foreach (float value in found.AsSpan(i * length, length)) sum += value;
            return Math.Abs(sum - ((double)score.Floats[i] - from.Floats[i]));
        }
    }

    private float[] Integral(StraightPath path, Tensor start, Tensor end, int steps, CancellationToken cancel)
    {
        IReadOnlyList<(double Place, double Weight)> points = _quadrature.Points(steps);
        var sum = new Accumulator(end.Shape);
        path.Walk(start, end, [.. points.Select(p => p.Place)], Visit, cancel);
        float[] values = new float[end.Count];
        ReadOnlySpan<float> from = start.Floats, to = end.Floats;
        for (int i = 0; i < values.Length; i++) values[i] = (float)(sum.Sum[i] * ((double)to[i] - from[i]));
        return values;

        void Visit(Recorded run, int first, int count)
        {
            ReadOnlySpan<float> gradients = run.Back().Floats; // [count N, ...]
            for (int i = 0; i < count; i++) sum.Add(gradients.Slice(i * end.Count, end.Count), points[first + i].Weight);
        }
    }
}
