namespace Vitrine;

/// <summary>
/// Adds sin(t / base^(2i/D)) to feature 2i and the cosine to feature 2i + 1 of position t (Vaswani et al. 2017): [..., T, D] to the same. No parameters.
/// </summary>
public sealed class SinusoidalPositions : Module
{
    private readonly Angles _angles;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Its place in the network.</param>
    /// <param name="size">D, even.</param>
    /// <param name="slowest">The base of the wavelengths.</param>
    public SinusoidalPositions(Weights weights, int size, double slowest = 10_000)
        : base(weights) => _angles = new Angles(size, slowest, interleaved: true);

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        (Tensor sin, Tensor cos) = _angles.Up(x.Shape[-2], x.Shape[-1]);
        // The odd features are the cosines of the even ones' angles.
        return x + _angles.Even * sin + _angles.Odd * cos;
    }
}

/// <summary>Adds a learned vector to each position: [..., T, D] to the same. Parameter <c>weight</c> [longest, D].</summary>
public sealed class LearnedPositions : Module
{
    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameter comes from.</param>
    /// <param name="longest">The longest sequence.</param>
    /// <param name="size">D.</param>
    public LearnedPositions(Weights weights, int longest, int size)
        : base(weights) => Weight = weights.Parameter("weight", [longest, size], Init.Normal(0.02f));

    /// <summary>[longest, D].</summary>
    public Parameter Weight { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        int steps = x.Shape[-2], longest = Weight.Value.Shape[0];
        if (steps > longest) throw new ArgumentException($"LearnedPositions in {Path}: {steps} positions, but only {longest} are known.");
        return x + Weight.Value.Slice(0, 0, steps);
    }
}

/// <summary>
/// Turns pairs of features by angles that grow with the position, so that products of queries and keys depend on distances (Su et al. 2021): [..., T, D] to
/// the same. No parameters.
/// </summary>
public sealed class RotaryPositions : Module
{
    private readonly Angles _angles;
    private readonly bool _interleaved;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Its place in the network.</param>
    /// <param name="size">D, even: the features of one head.</param>
    /// <param name="slowest">The base of the wavelengths.</param>
    /// <param name="interleaved">Whether a pair is features 2i and 2i + 1, as in the paper, else i and i + D/2, as in GPT-NeoX and Llama.</param>
    public RotaryPositions(Weights weights, int size, double slowest = 10_000, bool interleaved = false)
        : base(weights)
    {
        _angles = new Angles(size, slowest, interleaved);
        _interleaved = interleaved;
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        (Tensor sin, Tensor cos) = _angles.Up(x.Shape[-2], x.Shape[-1]);
        int half = x.Shape[-1] / 2, last = x.Rank - 1;
        Tensor turned; // a quarter turn of each pair: (a, b) -> (-b, a)
        if (_interleaved)
        {
            Shape pairs = [.. x.Shape.Dims[..^1], half, 2];
            Tensor split = x.Reshape(pairs);
            turned = TensorOps.Concat(last + 1, -split.Slice(last + 1, 1, 2), split.Slice(last + 1, 0, 1)).Reshape(x.Shape);
        }
        else
        {
            turned = TensorOps.Concat(last, -x.Slice(last, half), x.Slice(last, 0, half));
        }
        return x * cos + turned * sin;
    }
}

/// <summary>Tables [T, D] of the sines and cosines of t / base^(2i/D), made once for the longest sequence seen.</summary>
internal sealed class Angles
{
    private readonly int _size;
    private readonly double _slowest;
    private readonly bool _interleaved;
    private (Tensor Sin, Tensor Cos)? _tables;

    public Angles(int size, double slowest, bool interleaved)
    {
        if (size < 2 || size % 2 != 0) throw new ArgumentException($"Positions turn pairs of features; {size} features are not pairs.", nameof(size));
        (_size, _slowest, _interleaved) = (size, slowest, interleaved);
        Even = MemoryScope.Outside(() => Tensor.From([.. Enumerable.Range(0, size).Select(i => i % 2 == 0 ? 1f : 0f)]));
        Odd = MemoryScope.Outside(() => Tensor.From([.. Enumerable.Range(0, size).Select(i => i % 2 == 0 ? 0f : 1f)]));
    }

    /// <summary>1 at even features, else 0.</summary>
    public Tensor Even { get; }

    /// <summary>1 at odd features, else 0.</summary>
    public Tensor Odd { get; }

    /// <summary>The tables of the first <paramref name="steps"/> positions.</summary>
    public (Tensor Sin, Tensor Cos) Up(int steps, int size)
    {
        if (size != _size) throw new ArgumentException($"These positions are for {_size} features, not {size}.");
        if (_tables is not { } tables || tables.Sin.Shape[0] < steps)
        {
            _tables = tables = MemoryScope.Outside(() => (Table(steps, Math.Sin), Table(steps, Math.Cos)));
        }
        return tables.Sin.Shape[0] == steps ? tables : (tables.Sin.Alias([steps, _size], 0), tables.Cos.Alias([steps, _size], 0));
    }

    private Tensor Table(int steps, Func<double, double> function)
    {
        float[] table = new float[steps * _size];
        for (int at = 0; at < table.Length; at++)
        {
            int feature = at % _size, pair = _interleaved ? feature / 2 : feature % (_size / 2);
            table[at] = (float)function(at / _size / Math.Pow(_slowest, 2.0 * pair / _size));
        }
        return Tensor.From(table, [steps, _size]);
    }
}
