namespace Vitrine;

/// <summary>Any function of tensors as a module, so that it can be asked what networks are asked.</summary>
/// <param name="forward">The function; it should call operators.</param>
public sealed class Function(Func<Tensor, Tensor> forward) : Module(Weights.Random(0))
{
    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => forward(x);
}
