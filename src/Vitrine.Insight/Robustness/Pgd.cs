namespace Vitrine.Insight;

/// <summary>
/// Projected gradient descent (Madry, Makelov, Schmidt, Tsipras, Vladu 2018, "Towards deep learning models resistant to adversarial attacks"): several steps
/// that raise the cross-entropy of the true class, or lower that of another one, each followed by the way back to within a radius.
/// </summary>
public sealed class Pgd
{
    private readonly AttackStep _attack;
    private readonly AttackNorm _norm;
    private readonly float _radius;
    private readonly float _step;
    private readonly int _steps;
    private readonly ulong? _start;

    /// <summary>Chooses steps and bounds.</summary>
    /// <param name="radius">How far from the original the result may be.</param>
    /// <param name="step">The length of a step.</param>
    /// <param name="steps">How many.</param>
    /// <param name="norm">In which norm radius and steps are measured.</param>
    /// <param name="targeted">Whether the labels are classes to be reached, not true ones to be left.</param>
    /// <param name="low">The smallest value an element may take.</param>
    /// <param name="high">The largest value an element may take.</param>
    /// <param name="threshold">Elements whose gradient is not larger than this in size are not moved by a step.</param>
    /// <param name="start">The seed of a random start within the radius, the same for every example; null to start from the original.</param>
    public Pgd(
        float radius, float step, int steps, AttackNorm norm = AttackNorm.Infinity, bool targeted = false,
        float low = float.NegativeInfinity, float high = float.PositiveInfinity, float threshold = 0, ulong? start = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(radius);
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        (_radius, _step, _steps, _norm, _start) = (radius, step, steps, norm, start);
        _attack = new AttackStep(norm, targeted, low, high, threshold);
    }

    /// <summary>The changed input.</summary>
    /// <param name="model">A network whose output is logits [N, classes].</param>
    /// <param name="input">[N, ...].</param>
    /// <param name="labels">A class for each example.</param>
    /// <param name="cancel">Ends the work between two steps.</param>
    /// <exception cref="ArgumentException">There is no such class, or not one label for each example.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was signalled.</exception>
    public Tensor Perturb(Module model, Tensor input, IReadOnlyList<int> labels, CancellationToken cancel = default)
    {
        using var scope = MemoryScope.Open();
        Tensor changed = _start is { } seed ? _attack.Clip(input + Somewhere(input.Shape.With(0, 1), new RandomSource(seed))) : input;
        for (int i = 0; i < _steps; i++)
        {
            cancel.ThrowIfCancellationRequested();
            using var step = MemoryScope.Open();
            changed = step.Keep(_attack.Clip(_attack.Project(_attack.From(model, changed, labels, _step), input, _radius)));
        }
        return scope.Keep(changed);
    }

    /// <summary>A uniformly distributed change within the radius.</summary>
    private Tensor Somewhere(Shape shape, RandomSource random)
    {
        if (_norm == AttackNorm.Infinity) return random.Uniform(shape, -_radius, _radius);
        // A direction from the normal distribution, and a length so that every part of the ball is as likely as its volume.
        Tensor direction = random.Normal(shape);
        float length = _radius * MathF.Pow(random.NextFloat(), 1f / shape.Count);
        return direction * (length / AttackStep.Length(direction));
    }
}
