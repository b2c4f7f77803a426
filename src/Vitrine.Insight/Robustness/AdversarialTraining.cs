namespace Vitrine.Insight;

/// <summary>
/// What a <see cref="Trainer"/> is given to train on attacked examples: its <see cref="Trainer.Adversary"/>. With <see cref="Trainer.AdversarialShare"/> 0.5
/// and <see cref="Fgsm"/> it is the mixed loss of Goodfellow, Shlens, Szegedy 2015; with 1 and <see cref="Pgd"/> the saddle point of Madry et al. 2018.
/// </summary>
public static class AdversarialTraining
{
    /// <summary>One step of the fast gradient sign method.</summary>
    /// <param name="epsilon">Its size, in units of the input.</param>
    /// <param name="range">The values an element may take; null for any.</param>
    public static Func<Module, Tensor, Tensor, ulong, Tensor> Fgsm(float epsilon, ValidRange? range = null)
    {
        var attack = new Fgsm(epsilon, range: range);
        return With(_ => attack);
    }

    /// <summary>Projected gradient descent from a random start, another in every step of the training.</summary>
    /// <param name="radius">How far from the original an element may be.</param>
    /// <param name="step">The length of a step.</param>
    /// <param name="steps">How many.</param>
    /// <param name="range">The values an element may take; null for any.</param>
    public static Func<Module, Tensor, Tensor, ulong, Tensor> Pgd(float radius, float step, int steps, ValidRange? range = null)
    {
        _ = new Pgd(radius, step, steps, range: range); // a bad argument is an error now, not at the first step
        return With(seed => new Pgd(radius, step, steps, range: range, start: seed));
    }

    /// <summary>Any attack that is not targeted.</summary>
    /// <param name="attack">From the seed of a training step to the attack.</param>
    public static Func<Module, Tensor, Tensor, ulong, Tensor> With(Func<ulong, IAttack> attack)
    {
        ArgumentNullException.ThrowIfNull(attack);
        return (model, inputs, labels, seed) => attack(seed).Perturb(model, inputs, [.. labels.Longs.ToArray().Select(l => (int)l)]);
    }
}
