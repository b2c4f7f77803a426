namespace Vitrine.Insight;

/// <summary>What an input is compared with: the input that carries no information, as far as there is one.</summary>
public sealed class Baseline
{
    private readonly Func<Tensor, Tensor> _values;
    private readonly string _name;

    private Baseline(string name, Func<Tensor, Tensor> values)
    {
        _name = name;
        _values = values;
    }

    /// <summary>Zeros: black after no normalisation, the mean picture after the usual one.</summary>
    public static Baseline Zeros { get; } = Constant(0);

    /// <summary>The same value everywhere; for whole numbers the token of that number.</summary>
    public static Baseline Constant(float value) => new($"constant {value}", input => Like(input, Tensor.Full(input.Shape, value)));

    /// <summary>Given values: of the input's shape [N, ...], of one example's [1, ...], or anything that broadcasts to it.</summary>
    public static Baseline Of(Tensor values) => new("given", input => values.Expand(input.Shape));

    /// <summary>Any function of the input [N, ...] to a tensor of its shape: a blurred copy, the mean of each channel.</summary>
    public static Baseline Of(string name, Func<Tensor, Tensor> values) => new(name, values);

    /// <summary>The baseline of an input or of a layer's result, of the same shape.</summary>
    /// <exception cref="ArgumentException">The baseline has another shape.</exception>
    public Tensor For(Tensor input)
    {
        Tensor values = _values(input.Detach());
        return values.Shape == input.Shape
            ? values
            : throw new ArgumentException($"The baseline ({_name}) has shape {values.Shape}; what is explained has {input.Shape}.");
    }

    /// <inheritdoc/>
    public override string ToString() => _name;

    private static Tensor Like(Tensor input, Tensor values) => input.DType == values.DType ? values : values.Cast(input.DType);
}
