namespace Vitrine.Insight;

/// <summary>One change for all inputs.</summary>
/// <param name="Change">The change, [1, ...].</param>
/// <param name="FoolingRate">The share of the inputs it was found on whose class it changes.</param>
/// <param name="Passes">How many walks through the inputs it took.</param>
public sealed record UniversalChange(Tensor Change, double FoolingRate, int Passes);

/// <summary>
/// Universal adversarial perturbations (Moosavi-Dezfooli, Fawzi, Fawzi, Frossard 2017): one change within a radius that alters the class of most inputs. Walks
/// through the inputs, adds for each that is not fooled yet the smallest change that fools it (<see cref="DeepFool"/>), and goes back to within the radius.
/// </summary>
public sealed class UniversalPerturbation
{
    private readonly float _radius;
    private readonly AttackNorm _norm;
    private readonly double _rate;
    private readonly int _passes;
    private readonly DeepFool _fool;
    private readonly ValidRange? _range;
    private readonly ulong _seed;

    /// <summary>Chooses bounds and effort.</summary>
    /// <param name="radius">How large the change may be (xi).</param>
    /// <param name="norm">In which norm.</param>
    /// <param name="rate">The share of inputs to be fooled (1 - delta), after which the search ends.</param>
    /// <param name="passes">At most so many walks through the inputs.</param>
    /// <param name="fool">The inner attack; null for DeepFool with at most ten steps.</param>
    /// <param name="range">The values an element may take; null for any.</param>
    /// <param name="seed">Where the order of the inputs comes from.</param>
    public UniversalPerturbation(
        float radius, AttackNorm norm = AttackNorm.Infinity, double rate = 0.8, int passes = 5, DeepFool? fool = null, ValidRange? range = null, ulong seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(radius);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rate);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rate, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(passes, 1);
        (_radius, _norm, _rate, _passes, _range, _seed) = (radius, norm, rate, passes, range, seed);
        _fool = fool ?? new DeepFool(steps: 10, range: range);
    }

    /// <summary>Searches the change. Nothing about the network changes.</summary>
    /// <param name="model">A network whose output is logits [N, classes].</param>
    /// <param name="inputs">What it is found on, [N, ...].</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Ends the work between two inputs.</param>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was signalled.</exception>
    public UniversalChange Find(Module model, Tensor inputs, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        int n = inputs.Shape[0];
        AttackBatch.Check(inputs, new int[n]);
        int[] classes = AttackBatch.Predict(model, inputs);
        float[] change = new float[inputs.Count / n];
        Shape one = inputs.Shape.With(0, 1);
        var random = new RandomSource(_seed);
        double rate = 0;
        int pass = 0;
        while (pass < _passes && rate < _rate)
        {
            int[] order = new RandomSource(random.Derive((ulong)pass)).Permutation(n);
            for (int k = 0; k < n; k++)
            {
                cancel.ThrowIfCancellationRequested();
                using var scope = MemoryScope.Open();
                int i = order[k];
                Tensor now = Tensor.From(change, one), x = Clip(inputs.Slice(0, i, i + 1) + now);
                if (AttackBatch.Predict(model, x)[0] != classes[i]) continue;
                Tensor step = _fool.Perturb(model, x, [classes[i]], null, cancel) - x;
                AttackStep.Project(now + step, _norm, _radius).Floats.CopyTo(change);
                progress?.Report((pass + (k + 1.0) / n) / _passes);
            }
            pass++;
            using var all = MemoryScope.Open();
            int[] found = AttackBatch.Predict(model, Clip(inputs + Tensor.From(change, one)));
            rate = found.Where((c, i) => c != classes[i]).Count() / (double)n;
        }
        return new UniversalChange(Tensor.From(change, one), rate, pass);
    }

    private Tensor Clip(Tensor x) => _range is null ? x : _range.Clip(x);
}

/// <summary>A change that was found before, added to every input: a universal perturbation, for instance, on inputs it was not found on.</summary>
public sealed class FixedPerturbation : IAttack
{
    private readonly Tensor _change;
    private readonly ValidRange? _range;

    /// <summary>Takes the change.</summary>
    /// <param name="change">[1, ...].</param>
    /// <param name="range">The values an element may take; null for any.</param>
    /// <param name="name">What it is called.</param>
    public FixedPerturbation(Tensor change, ValidRange? range = null, string name = "universal perturbation")
    {
        ArgumentNullException.ThrowIfNull(change);
        (_change, _range, Name) = (change.Detach(), range, name);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public bool Targeted => false;

    /// <inheritdoc/>
    public Tensor Perturb(Module model, Tensor input, IReadOnlyList<int> labels, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        AttackBatch.Check(input, labels);
        cancel.ThrowIfCancellationRequested();
        if (input.Shape.With(0, 1) != _change.Shape)
        {
            throw new ArgumentException($"A change of shape {_change.Shape} does not fit an input of shape {input.Shape}.", nameof(input));
        }
        using var scope = MemoryScope.Open();
        Tensor changed = input + _change;
        return scope.Keep(_range is null ? changed : _range.Clip(changed));
    }
}
