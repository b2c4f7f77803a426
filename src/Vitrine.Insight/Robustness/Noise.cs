namespace Vitrine.Insight;

/// <summary>How random changes are distributed.</summary>
public enum NoiseKind
{
    /// <summary>Every value within the size is as likely.</summary>
    Uniform,

    /// <summary>Every element by the size, up or down.</summary>
    Sign,

    /// <summary>Normal, the size being the standard deviation: as much energy as signs of that size have.</summary>
    Gaussian,
}

/// <summary>
/// Random changes of the size of an attack, which know neither network nor class: what a network stands of these and not of an attack is adversarial, what it
/// stands of neither is merely noise (the control of Goodfellow, Shlens, Szegedy 2015).
/// </summary>
public sealed class Noise : IAttack
{
    private readonly float _epsilon;
    private readonly NoiseKind _kind;
    private readonly AttackNorm _norm;
    private readonly ValidRange? _range;
    private readonly ulong _seed;

    /// <summary>Chooses size and distribution.</summary>
    /// <param name="epsilon">The size: of an element in the norm of infinity, the length of an example's whole change in the norm of two.</param>
    /// <param name="kind">How changes are distributed. In the norm of two the draw is brought to the length whatever its distribution.</param>
    /// <param name="norm">In which norm the size is measured.</param>
    /// <param name="range">The values an element may take; null for any.</param>
    /// <param name="seed">Where random numbers start. The draw is the same for every example.</param>
    public Noise(float epsilon, NoiseKind kind = NoiseKind.Sign, AttackNorm norm = AttackNorm.Infinity, ValidRange? range = null, ulong seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epsilon);
        (_epsilon, _kind, _norm, _range, _seed) = (epsilon, kind, norm, range, seed);
    }

    /// <inheritdoc/>
    public string Name => _kind switch { NoiseKind.Uniform => "uniform noise", NoiseKind.Sign => "sign noise", _ => "Gaussian noise" };

    /// <inheritdoc/>
    public bool Targeted => false;

    /// <inheritdoc/>
    public Tensor Perturb(Module model, Tensor input, IReadOnlyList<int> labels, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        AttackBatch.Check(input, labels);
        cancel.ThrowIfCancellationRequested();
        using var scope = MemoryScope.Open();
        Shape one = input.Shape.With(0, 1);
        var random = new RandomSource(_seed);
        Tensor draw = _kind switch
        {
            NoiseKind.Uniform => random.Uniform(one, -1, 1),
            NoiseKind.Sign => Tensor.From([.. Enumerable.Range(0, one.Count).Select(_ => random.NextInt(2) == 0 ? -1f : 1f)], one),
            _ => random.Normal(one),
        };
        if (_norm == AttackNorm.Two) draw /= AttackStep.Length(draw).Maximum(Tensor.Scalar(1e-30f));
        Tensor changed = input + draw * _epsilon;
        return scope.Keep(_range is null ? changed : _range.Clip(changed));
    }
}
