namespace Vitrine.Insight;

/// <summary>
/// DeepLIFT (Shrikumar, Greenside, Kundaje 2017, "Learning important features through propagating activation differences"): the difference of the target's
/// score from the score of a baseline, shared out by going back with differences in place of derivatives. With respect to a layer the differences of its
/// results share it. The rules are those of <see cref="DeepLiftRules"/>; an operator without one is refused.
/// </summary>
/// <param name="baseline">The input that is compared with; zeros unless given.</param>
/// <param name="revealCancel">
/// Whether nonlinear operators treat what raises and what lowers their input apart (the paper's RevealCancel rule), where the input is the direct result of a
/// linear layer; else, and otherwise, the Rescale rule.
/// </param>
/// <param name="rules">Rules of the caller's own, asked first; where they give null those of DeepLIFT apply.</param>
public sealed class DeepLift(Baseline? baseline = null, bool revealCancel = false, RuleSet? rules = null) : IAttribution
{
    private readonly Baseline _baseline = baseline ?? Baseline.Zeros;

    /// <inheritdoc/>
    public string Name => revealCancel ? "deeplift revealcancel" : "deeplift";

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        cancel.ThrowIfCancellationRequested();
        using var scope = MemoryScope.Open();
        Recorded run = Recorded.Of(model, input, target, wrt);
        Recorded reference = Recorded.Of(model, _baseline.For(input), target.ChosenAt(run.Output), wrt);
        Tensor values = Compare(run, reference, revealCancel, rules);
        return new Attribution(Name, target, scope.Keep(values), scope.Keep(run.Wrt), scope.Keep(run.Score), scope.Keep(run.Output));
    }

    /// <summary>The share of each element in the difference between two runs.</summary>
    internal static Tensor Compare(Recorded run, Recorded reference, bool revealCancel, RuleSet? rules)
    {
        RuleSet own = revealCancel ? new RevealCancel().Rules : DeepLiftRules.Rescale;
        return run.Back(node => rules?.Invoke(node) ?? own(node), reference) * (run.Wrt - reference.Wrt);
    }
}

/// <summary>
/// DeepSHAP (Lundberg, Lee 2017, "A unified approach to interpreting model predictions"): the mean of DeepLIFT over the examples of a background, one pass for
/// each.
/// </summary>
public sealed class DeepShap : IAttribution
{
    private readonly Tensor? _background;
    private readonly RuleSet? _rules;

    /// <summary>Chooses the background.</summary>
    /// <param name="background">[B, ...], examples of the input's kind; null for one of zeros.</param>
    /// <param name="rules">Rules of the caller's own, asked first; where they give null those of DeepLIFT apply.</param>
    public DeepShap(Tensor? background = null, RuleSet? rules = null)
    {
        if (background is { Rank: 0 } or { Count: 0 }) throw new ArgumentException("A background is [B, ...] of at least one example.", nameof(background));
        (_background, _rules) = (background, rules);
    }

    /// <inheritdoc/>
    public string Name => "deepshap";

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        using var scope = MemoryScope.Open();
        Tensor background = _background ?? Tensor.Zeros(input.Shape.With(0, 1));
        Recorded run = Recorded.Of(model, input, target, wrt);
        Target chosen = target.ChosenAt(run.Output);
        var sum = new Accumulator(run.Wrt.Shape);
        int count = background.Shape[0];
        for (int b = 0; b < count; b++)
        {
            cancel.ThrowIfCancellationRequested();
            using var pass = MemoryScope.Open();
            Tensor start = Baseline.Of(background.Slice(0, b, b + 1)).For(input);
            sum.Add(DeepLift.Compare(run, Recorded.Of(model, start, chosen, wrt), revealCancel: false, _rules).Floats);
            progress?.Report((b + 1.0) / count);
        }
        return new Attribution(Name, target, scope.Keep(sum.ToTensor(1.0 / count)), scope.Keep(run.Wrt), scope.Keep(run.Score), scope.Keep(run.Output));
    }
}
