namespace Vitrine.Insight;

/// <summary>
/// The basic iterative method, or iterative FGSM (Kurakin, Goodfellow, Bengio 2017, "Adversarial examples in the physical world"): small steps of the fast
/// gradient sign method from the original input, each clipped to within epsilon of it.
/// </summary>
public sealed class IterativeFgsm : IAttack
{
    private readonly Pgd _steps;

    /// <summary>Chooses steps and bounds; those left out are the paper's, for inputs from 0 to 1.</summary>
    /// <param name="epsilon">How far an element may be from the original.</param>
    /// <param name="step">The length of a step; null for one of 255 grey values.</param>
    /// <param name="steps">How many; null for the smaller of epsilon + 4 and 1.25 epsilon, epsilon in steps, and at least one.</param>
    /// <param name="targeted">Whether the labels are classes to be reached (the paper's least likely class, for instance), not true ones to be left.</param>
    /// <param name="range">The values an element may take; null for any.</param>
    public IterativeFgsm(float epsilon, float? step = null, int? steps = null, bool targeted = false, ValidRange? range = null)
    {
        float length = step ?? 1f / 255, needed = length > 0 ? epsilon / length : 1;
        const float slack = 1e-3f; // eight grey values over one may be a little more than eight
        int count = steps ?? Math.Max(1, (int)MathF.Ceiling(MathF.Min(needed + 4, 1.25f * needed) - slack));
        _steps = new Pgd(epsilon, length, count, targeted: targeted, range: range);
    }

    /// <inheritdoc/>
    public string Name => "iterative FGSM";

    /// <inheritdoc/>
    public bool Targeted => _steps.Targeted;

    /// <inheritdoc/>
    public Tensor Perturb(Module model, Tensor input, IReadOnlyList<int> labels, IProgress<double>? progress = null, CancellationToken cancel = default) =>
        _steps.Perturb(model, input, labels, progress, cancel);
}
