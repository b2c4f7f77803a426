namespace Vitrine.Insight;

/// <summary>
/// A backward pass from the target, with the operators' own gradients or with rules in their place. The methods of this kind differ in nothing else.
/// </summary>
public abstract class BackpropAttribution : IAttribution
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>What replaces the gradient of an operator; null for plain gradients.</summary>
    protected virtual RuleSet? Rules => null;

    /// <inheritdoc/>
    public Attribution Explain(Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null,
        CancellationToken cancel = default)
    {
        cancel.ThrowIfCancellationRequested();
        using var scope = MemoryScope.Open();
        Recorded recorded = Recorded.Of(model, input, target, wrt, plain: Rules is null);
        Tensor values = Finish(recorded.Back(Rules), recorded.Wrt);
        return new Attribution(Name, target, scope.Keep(values), scope.Keep(recorded.Wrt), scope.Keep(recorded.Score), scope.Keep(recorded.Output));
    }

    /// <summary>From what arrived at the input to the attribution.</summary>
    protected virtual Tensor Finish(Tensor arrived, Tensor of) => arrived;
}

/// <summary>The gradient of the target (Simonyan, Vedaldi, Zisserman 2014, "Deep inside convolutional networks").</summary>
/// <param name="absolute">Its size alone, as the paper's saliency maps show it.</param>
public sealed class Gradient(bool absolute = false) : BackpropAttribution
{
    /// <inheritdoc/>
    public override string Name => absolute ? "saliency" : "gradient";

    /// <inheritdoc/>
    protected override Tensor Finish(Tensor arrived, Tensor of) => absolute ? arrived.Abs() : arrived;
}

/// <summary>Gradient times input (Shrikumar et al. 2016, "Not just a black box").</summary>
public sealed class InputXGradient : BackpropAttribution
{
    /// <inheritdoc/>
    public override string Name => "input x gradient";

    /// <inheritdoc/>
    protected override Tensor Finish(Tensor arrived, Tensor of) => arrived * of;
}

/// <summary>
/// Guided backpropagation (Springenberg, Dosovitskiy, Brox, Riedmiller 2015, "Striving for simplicity"): a ReLU passes back what is positive, where its input
/// was positive.
/// </summary>
public sealed class GuidedBackprop : BackpropAttribution
{
    /// <inheritdoc/>
    public override string Name => "guided backprop";

    /// <inheritdoc/>
    protected override RuleSet? Rules => ReluRules.GuidedBackprop;
}

/// <summary>
/// The deconvolutional network (Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks"): a ReLU passes back what is positive, whatever
/// its input was.
/// </summary>
public sealed class Deconvnet : BackpropAttribution
{
    /// <inheritdoc/>
    public override string Name => "deconvnet";

    /// <inheritdoc/>
    protected override RuleSet? Rules => ReluRules.Deconvnet;
}
