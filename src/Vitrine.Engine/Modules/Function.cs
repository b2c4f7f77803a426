namespace Vitrine;

/// <summary>Any function of tensors as a module, so that it can be asked what networks are asked.</summary>
public sealed class Function : Module
{
    private readonly Func<Tensor, Tensor> _forward;

    /// <summary>A function that stands alone.</summary>
    /// <param name="forward">The function; it should call operators.</param>
    public Function(Func<Tensor, Tensor> forward)
        : this(Weights.Random(0), forward)
    {
    }

    /// <summary>A function at a place in a network.</summary>
    /// <param name="weights">Its place in the network.</param>
    /// <param name="forward">The function; it should call operators.</param>
    public Function(Weights weights, Func<Tensor, Tensor> forward)
        : base(weights) => _forward = forward;

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => _forward(x);
}
