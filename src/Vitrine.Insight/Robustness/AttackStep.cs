namespace Vitrine.Insight;

/// <summary>One step along the gradient of the cross-entropy, and the ways back into the ball and the valid range.</summary>
internal sealed class AttackStep(AttackNorm norm, bool targeted, ValidRange? range, float threshold)
{
    /// <summary>The input, each example moved by a length.</summary>
    public Tensor From(Module model, Tensor input, IReadOnlyList<int> labels, float length)
    {
        AttackBatch.Check(input, labels);
        Tensor gradient = Recorded.Of(model, input, Loss(labels), null).Back();
        if (threshold > 0) gradient = gradient.Abs().Greater(Tensor.Scalar(threshold)).Where(gradient, Tensor.Scalar(0));
        return input + Direction(gradient) * (targeted ? -length : length);
    }

    /// <summary>The input, within the valid range.</summary>
    public Tensor Clip(Tensor input) => range is null ? input : range.Clip(input);

    /// <summary>The changed input, moved back to within a radius of the original.</summary>
    public Tensor Project(Tensor changed, Tensor original, float radius) => original + Project(changed - original, norm, radius);

    /// <summary>A change, moved back to within a radius.</summary>
    public static Tensor Project(Tensor change, AttackNorm norm, float radius) =>
        norm == AttackNorm.Infinity ? change.Clamp(-radius, radius)
        : radius == 0 ? Tensor.Zeros(change.Shape)
        : change * (radius / Length(change).Maximum(Tensor.Scalar(radius)));

    /// <summary>The length of each example, [N, 1, ...].</summary>
    public static Tensor Length(Tensor x) => x.Square().Sum(Inner(x), keepDims: true).Sqrt();

    // Of length one. The gradient is brought to the size of one first: the square of a small one would vanish.
    private Tensor Direction(Tensor gradient)
    {
        if (norm == AttackNorm.Infinity) return gradient.Sign();
        Tensor scaled = gradient / gradient.Abs().Max(Inner(gradient), keepDims: true).Maximum(Tensor.Scalar(float.Epsilon));
        return scaled / Length(scaled).Maximum(Tensor.Scalar(1e-30f));
    }

    private static int[] Inner(Tensor x) => [.. Enumerable.Range(1, x.Rank - 1)];

    // The cross-entropy of each example, so that the examples of a batch do not touch each other. It is the softplus of the logarithm of the odds against the
    // label, whose gradient points in the same direction and does not vanish where the network is sure: unless its size matters, the odds alone will do.
    private Target Loss(IReadOnlyList<int> labels) => Target.Of("cross-entropy", output =>
    {
        bool sized = threshold > 0;
        // The loss of a network of one class is flat, so that no gradient is above a threshold; without one there would be a direction that means nothing.
        Tensor odds = AttackBatch.Above(AttackBatch.Rows(output, labels, least: sized ? 1 : 2), labels);
        return sized ? odds.Softplus() : odds;
    });
}
