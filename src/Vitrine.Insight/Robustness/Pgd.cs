namespace Vitrine.Insight;

/// <summary>
/// Projected gradient descent (Madry, Makelov, Schmidt, Tsipras, Vladu 2018, "Towards deep learning models resistant to adversarial attacks"): several steps
/// that raise the cross-entropy of the true class, or lower that of another one, each followed by the way back to within a radius.
/// </summary>
public sealed class Pgd : IAttack
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
    /// <param name="range">The values an element may take; null for any.</param>
    /// <param name="threshold">Elements whose gradient is not larger than this in size are not moved by a step.</param>
    /// <param name="start">The seed of a random start within the radius, the same for every example; null to start from the original.</param>
    public Pgd(
        float radius, float step, int steps, AttackNorm norm = AttackNorm.Infinity, bool targeted = false, ValidRange? range = null, float threshold = 0,
        ulong? start = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(radius);
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        (_radius, _step, _steps, _norm, _start) = (radius, step, steps, norm, start);
        Targeted = targeted;
        _attack = new AttackStep(norm, targeted, range, threshold);
    }

    /// <inheritdoc/>
    public string Name => _norm == AttackNorm.Infinity ? "PGD" : "PGD L2";

    /// <inheritdoc/>
    public bool Targeted { get; }

    /// <inheritdoc/>
    public Tensor Perturb(Module model, Tensor input, IReadOnlyList<int> labels, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        AttackBatch.Check(input, labels);
        using var scope = MemoryScope.Open();
        Tensor changed = _start is { } seed ? _attack.Clip(input + Somewhere(input.Shape.With(0, 1), new RandomSource(seed))) : input;
        for (int i = 0; i < _steps; i++)
        {
            cancel.ThrowIfCancellationRequested();
            using var step = MemoryScope.Open();
            changed = step.Keep(_attack.Clip(_attack.Project(_attack.From(model, changed, labels, _step), input, _radius)));
            progress?.Report((i + 1.0) / _steps);
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
