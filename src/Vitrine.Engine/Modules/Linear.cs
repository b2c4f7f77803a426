using Vitrine.Ops;

namespace Vitrine;

/// <summary>x W^T + b. Parameters <c>weight</c> [out, in] and <c>bias</c> [out].</summary>
public sealed class Linear : Module
{
    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="inputs">The length of the last axis of x.</param>
    /// <param name="outputs">The length of the last axis of the result.</param>
    /// <param name="bias">Whether there is a bias.</param>
    public Linear(Weights weights, int inputs, int outputs, bool bias = true)
        : this(weights, inputs, outputs, bias ? Init.Uniform(inputs) : null)
    {
    }

    internal Linear(Weights weights, int inputs, int outputs, Init? bias)
        : base(weights)
    {
        Weight = weights.Parameter("weight", [outputs, inputs], Init.Uniform(inputs));
        Bias = bias is null ? null : weights.Parameter("bias", [outputs], bias);
    }

    /// <summary>[out, in].</summary>
    public Parameter Weight { get; }

    /// <summary>[out], or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => x.Linear(Weight, Bias); // [..., in] -> [..., out]

    /// <summary>The layer and the functions after it as one operator, for a run that <see cref="Run.Joins"/>.</summary>
    internal Tensor Call(Run run, Tensor x, LinearChainOp joined)
    {
        using Run.Entered entered = run.Enter(this);
        return Bias is null ? joined.Apply(x, Weight) : joined.Apply(x, Weight, Bias);
    }
}
