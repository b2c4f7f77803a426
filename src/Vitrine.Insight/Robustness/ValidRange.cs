namespace Vitrine.Insight;

/// <summary>The values an element of an input may take. What an attack makes stays within it where one is given.</summary>
public sealed class ValidRange
{
    private readonly bool _all;

    /// <summary>One range for every element.</summary>
    /// <param name="low">The smallest value; may be negative infinity.</param>
    /// <param name="high">The largest value; may be infinity.</param>
    /// <exception cref="ArgumentException">The range is empty.</exception>
    public ValidRange(float low, float high)
        : this(Tensor.Scalar(low), Tensor.Scalar(high))
    {
    }

    /// <summary>A range for each element or channel, as normalised inputs have them: (0 - mean) / deviation to (1 - mean) / deviation.</summary>
    /// <param name="low">The smallest values, of a shape that broadcasts to [1, ...]: [1, C, 1, 1] for channels.</param>
    /// <param name="high">The largest values, likewise.</param>
    /// <exception cref="ArgumentException">The range of an element is empty or NaN, or the shapes do not fit each other.</exception>
    public ValidRange(Tensor low, Tensor high)
    {
        ArgumentNullException.ThrowIfNull(low);
        ArgumentNullException.ThrowIfNull(high);
        if (low.DType != DType.Float32 || high.DType != DType.Float32)
            throw new ArgumentException($"A valid range is of type Float32, not {low.DType} and {high.DType}.", nameof(low));
        foreach (bool sound in low.Less(high).Bools)
        {
            if (!sound) throw new ArgumentException($"The valid range from {low} to {high} is empty somewhere: low should be below high.", nameof(low));
        }
        (Low, High) = (low.Detach(), high.Detach());
        _all = Unbounded(low) && Unbounded(high);
        IsFinite = low.Floats.ToArray().All(float.IsFinite) && high.Floats.ToArray().All(float.IsFinite);
    }

    /// <summary>Zero to one: pictures as they are read.</summary>
    public static ValidRange Unit { get; } = new(0, 1);

    /// <summary>Any value: nothing is clipped.</summary>
    public static ValidRange All { get; } = new(float.NegativeInfinity, float.PositiveInfinity);

    /// <summary>The smallest values.</summary>
    public Tensor Low { get; }

    /// <summary>The largest values.</summary>
    public Tensor High { get; }

    /// <summary>Whether every element has a smallest and a largest value.</summary>
    public bool IsFinite { get; }

    /// <summary>The input with every element moved to the nearest valid value.</summary>
    public Tensor Clip(Tensor input) => _all ? input : input.Maximum(Low).Minimum(High);

    /// <summary>For attacks that cannot do without bounds.</summary>
    internal ValidRange Finite(string attack) => IsFinite ? this
        : throw new ArgumentException($"{attack} needs a smallest and a largest value for every element: give it a finite valid range, 0 to 1 for pictures.");

    private static bool Unbounded(Tensor bound) => bound.Floats.ToArray().All(float.IsInfinity);
}
