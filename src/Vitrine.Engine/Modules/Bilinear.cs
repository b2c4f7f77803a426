namespace Vitrine;

/// <summary>y_o = x1^T W_o x2 + b_o. Inputs: x1 [..., in1] and x2 [..., in2]. Parameters <c>weight</c> [out, in1, in2] and <c>bias</c> [out].</summary>
public sealed class Bilinear : Module
{
    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="inputs1">The length of the last axis of x1.</param>
    /// <param name="inputs2">The length of the last axis of x2.</param>
    /// <param name="outputs">The length of the last axis of the result.</param>
    /// <param name="bias">Whether there is a bias.</param>
    public Bilinear(Weights weights, int inputs1, int inputs2, int outputs, bool bias = true)
        : base(weights)
    {
        Weight = weights.Parameter("weight", [outputs, inputs1, inputs2], Init.Uniform(inputs1));
        Bias = bias ? weights.Parameter("bias", [outputs], Init.Uniform(inputs1)) : null;
    }

    /// <summary>[out, in1, in2].</summary>
    public Parameter Weight { get; }

    /// <summary>[out], or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    protected override Tensor[] Forward(Run run, Tensor[] inputs)
    {
        if (inputs.Length != 2) throw new ArgumentException($"Bilinear takes two inputs, not {inputs.Length}.");
        Tensor y = TensorOps.Einsum("...i,oij,...j->...o", inputs[0], Weight, inputs[1]); // [..., out]
        return [Bias is null ? y : y + Bias.Value];
    }
}
