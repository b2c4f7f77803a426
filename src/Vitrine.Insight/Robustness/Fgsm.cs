namespace Vitrine.Insight;

/// <summary>How far a changed input is from the original.</summary>
public enum AttackNorm
{
    /// <summary>The largest change of an element.</summary>
    Infinity,

    /// <summary>The square root of the sum of squared changes of an example.</summary>
    Two,
}

/// <summary>
/// The fast gradient sign method (Goodfellow, Shlens, Szegedy 2015, "Explaining and harnessing adversarial examples"): one step of a given length that raises
/// the cross-entropy of the true class, or lowers that of another one.
/// </summary>
public sealed class Fgsm
{
    private readonly AttackStep _step;
    private readonly float _epsilon;

    /// <summary>Chooses the step.</summary>
    /// <param name="epsilon">Its length.</param>
    /// <param name="norm">In which norm: every element by epsilon, or along the gradient.</param>
    /// <param name="targeted">Whether the labels are classes to be reached, not true ones to be left.</param>
    /// <param name="low">The smallest value an element may take.</param>
    /// <param name="high">The largest value an element may take.</param>
    /// <param name="threshold">Elements whose gradient is not larger than this in size stay as they are.</param>
    public Fgsm(
        float epsilon, AttackNorm norm = AttackNorm.Infinity, bool targeted = false,
        float low = float.NegativeInfinity, float high = float.PositiveInfinity, float threshold = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epsilon);
        _epsilon = epsilon;
        _step = new AttackStep(norm, targeted, low, high, threshold);
    }

    /// <summary>The changed input.</summary>
    /// <param name="model">A network whose output is logits [N, classes].</param>
    /// <param name="input">[N, ...].</param>
    /// <param name="labels">A class for each example.</param>
    /// <exception cref="ArgumentException">There is no such class, or not one label for each example.</exception>
    public Tensor Perturb(Module model, Tensor input, IReadOnlyList<int> labels)
    {
        using var scope = MemoryScope.Open();
        return scope.Keep(_step.Clip(_step.From(model, input, labels, _epsilon)));
    }
}

/// <summary>One step along the gradient of the cross-entropy.</summary>
internal sealed class AttackStep(AttackNorm norm, bool targeted, float low, float high, float threshold)
{
    public Tensor From(Module model, Tensor input, IReadOnlyList<int> labels, float length)
    {
        if (labels.Count != input.Shape[0])
        {
            throw new ArgumentException($"{labels.Count} labels are not one for each of {input.Shape[0]} examples.", nameof(labels));
        }
        Tensor gradient = Recorded.Of(model, input, Loss(labels), null).Back();
        gradient = gradient.Abs().Greater(Tensor.Scalar(threshold)).Where(gradient, Tensor.Scalar(0));
        Tensor direction = norm == AttackNorm.Infinity ? gradient.Sign() : gradient / Length(gradient).Maximum(Tensor.Scalar(1e-30f));
        return input + direction * (targeted ? -length : length);
    }

    public Tensor Clip(Tensor input) => input.Clamp(low, high);

    /// <summary>The changed input, moved back to within a radius of the original.</summary>
    public Tensor Project(Tensor changed, Tensor original, float radius)
    {
        Tensor change = changed - original;
        return original + (norm == AttackNorm.Infinity ? change.Clamp(-radius, radius) : change * (radius / Length(change).Maximum(Tensor.Scalar(radius))));
    }

    /// <summary>The length of each example, [N, 1, ...].</summary>
    public static Tensor Length(Tensor x) => x.Square().Sum([.. Enumerable.Range(1, x.Rank - 1)], keepDims: true).Sqrt();

    /// <summary>The cross-entropy of each example, so that the examples of a batch do not touch each other.</summary>
    private static Target Loss(IReadOnlyList<int> labels)
    {
        Target score = Target.Classes(labels);
        return Target.Of("cross-entropy", output => -score.Score(output.Flatten().LogSoftmax(1)));
    }
}
