namespace Vitrine.Insight;

/// <summary>
/// The fast gradient sign method (Goodfellow, Shlens, Szegedy 2015, "Explaining and harnessing adversarial examples"): one step of a given length that raises
/// the cross-entropy of the true class, or lowers that of another one.
/// </summary>
public sealed class Fgsm : IAttack
{
    private readonly AttackStep _step;
    private readonly float _epsilon;

    /// <summary>Chooses the step.</summary>
    /// <param name="epsilon">Its length, in units of the input.</param>
    /// <param name="norm">In which norm: every element by epsilon, or along the gradient.</param>
    /// <param name="targeted">Whether the labels are classes to be reached, not true ones to be left.</param>
    /// <param name="range">The values an element may take; null for any.</param>
    /// <param name="threshold">Elements whose gradient is not larger than this in size stay as they are.</param>
    public Fgsm(float epsilon, AttackNorm norm = AttackNorm.Infinity, bool targeted = false, ValidRange? range = null, float threshold = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epsilon);
        _epsilon = epsilon;
        Targeted = targeted;
        _step = new AttackStep(norm, targeted, range, threshold);
    }

    /// <inheritdoc/>
    public string Name => "FGSM";

    /// <inheritdoc/>
    public bool Targeted { get; }

    /// <inheritdoc/>
    public Tensor Perturb(Module model, Tensor input, IReadOnlyList<int> labels, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        cancel.ThrowIfCancellationRequested();
        using var scope = MemoryScope.Open();
        return scope.Keep(_step.Clip(_step.From(model, input, labels, _epsilon)));
    }
}
