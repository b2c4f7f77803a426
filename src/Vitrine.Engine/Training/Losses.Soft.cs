namespace Vitrine;

public static partial class Loss
{
    /// <summary>Cross-entropy of logits and probabilities of the classes: the expected negative log-probability.</summary>
    /// <param name="logits">[N, C] or [N, C, ...]; not normalised.</param>
    /// <param name="target">The same shape: probabilities.</param>
    /// <param name="weight">[C], the weight of each class; null for equal weights.</param>
    /// <param name="labelSmoothing">How much of the target is spread evenly over all classes, in [0, 1].</param>
    /// <param name="reduction">Mean divides by the number of distributions, as PyTorch does.</param>
    /// <returns>A scalar, or with <see cref="LossReduction.None"/> [N, ...].</returns>
    public static Tensor SoftCrossEntropy(
        Tensor logits, Tensor target, Tensor? weight = null, float labelSmoothing = 0, LossReduction reduction = LossReduction.Mean)
    {
        if (logits.Rank < 2 || logits.Shape != target.Shape)
        {
            throw new ArgumentException($"Logits of shape {logits.Shape} need probabilities of the same shape, not {target.Shape}.");
        }
        int classes = logits.Shape[1];
        if (labelSmoothing > 0) target = target * (1 - labelSmoothing) + labelSmoothing / classes;
        Tensor loss = logits.LogSoftmax(1) * target * -1f;
        if (weight is not null) loss *= weight.Reshape(Shape.Create([.. Enumerable.Repeat(1, logits.Rank)]).With(1, classes));
        return Reduce(loss.Sum([1]), reduction);
    }
}
