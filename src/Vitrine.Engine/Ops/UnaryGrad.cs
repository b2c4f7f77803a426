namespace Vitrine.Ops;

// Fused products of a gradient with a derivative, and what they promise about second derivatives.

/// <summary>grad f'(z), elementwise, where z is the input or the output of f.</summary>
public abstract class GradOp : Op
{
    /// <inheritdoc/>
    public override OpTraits Traits => OpTraits.Elementwise;

    internal abstract Binary Kind { get; }

    internal virtual float A => 0;

    /// <inheritdoc/>
    public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].Device.Apply(Kind, inputs[0], inputs[1], inputs[1].Shape, A);

    /// <inheritdoc/>
    public override Tensor? Backward(Node node, Tensor grad, int input) =>
        input == 0 ? Apply(grad, node.Inputs[1]) : Second(grad * node.Inputs[0], node.Inputs[1]);

    /// <summary>The gradient with respect to z, given the product of the two gradients.</summary>
    protected abstract Tensor? Second(Tensor grads, Tensor z);
}

/// <summary>grad where x > 0, else 0.</summary>
public sealed class ReluGradOp : GradOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static ReluGradOp Instance { get; } = new();

    internal override Binary Kind => Binary.ReluGrad;

    /// <inheritdoc/>
    protected override Tensor? Second(Tensor grads, Tensor z) => null;
}

/// <summary>grad (1 - y^2).</summary>
public sealed class TanhGradOp : GradOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static TanhGradOp Instance { get; } = new();

    internal override Binary Kind => Binary.TanhGrad;

    /// <inheritdoc/>
    protected override Tensor? Second(Tensor grads, Tensor z) => grads * z * -2f;
}

/// <summary>grad y (1 - y).</summary>
public sealed class SigmoidGradOp : GradOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static SigmoidGradOp Instance { get; } = new();

    internal override Binary Kind => Binary.SigmoidGrad;

    /// <inheritdoc/>
    protected override Tensor? Second(Tensor grads, Tensor z) => grads * (z * -2f + 1f);
}

/// <summary>grad times the derivative of GELU at x.</summary>
public sealed class GeluGradOp : GradOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static GeluGradOp Instance { get; } = new();

    internal override Binary Kind => Binary.GeluGrad;

    /// <inheritdoc/>
    protected override Tensor? Second(Tensor grads, Tensor z) => grads * (z.Square() * -0.5f).Exp() * (2f - z.Square()) * 0.39894228040143268f;
}

/// <summary>grad times the derivative of the tanh form of GELU at x.</summary>
public sealed class GeluTanhGradOp : GradOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static GeluTanhGradOp Instance { get; } = new();

    internal override Binary Kind => Binary.GeluTanhGrad;

    /// <inheritdoc/>
    protected override Tensor? Second(Tensor grads, Tensor z)
    {
        // f' = (1 + t) / 2 + z s u' / 2 with t = tanh u, s = 1 - t^2, u = k (z + c z^3); so f'' = s u' + z s (u'' - 2 t u'^2) / 2.
        const float k = 0.79788456080286536f, c = 0.044715f;
        Tensor square = z.Square(), t = (z * (square * (k * c) + k)).Tanh(), s = 1f - t.Square(), slope = square * (3 * k * c) + k;
        return grads * s * (slope + z * (z * (3 * k * c) - t * slope.Square()));
    }
}

/// <summary>grad times the derivative of SiLU at x.</summary>
public sealed class SiluGradOp : GradOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static SiluGradOp Instance { get; } = new();

    internal override Binary Kind => Binary.SiluGrad;

    /// <inheritdoc/>
    protected override Tensor? Second(Tensor grads, Tensor z) => grads * z.Sigmoid() * (1f - z.Sigmoid()) * (2f + z * (1f - 2f * z.Sigmoid()));
}

/// <summary>grad times the derivative of Mish at x.</summary>
public sealed class MishGradOp : GradOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static MishGradOp Instance { get; } = new();

    internal override Binary Kind => Binary.MishGrad;

    /// <inheritdoc/>
    protected override Tensor? Second(Tensor grads, Tensor z)
    {
        // f' = t + z s g with g = sigmoid z, t = tanh(softplus z), s = 1 - t^2; so f'' = s g (2 + z (1 - g - 2 t g)).
        Tensor g = z.Sigmoid(), t = z.Softplus().Tanh(), s = 1f - t.Square();
        return grads * s * g * (2f + z * (1f - g - t * g * 2f));
    }
}

/// <summary>grad where x > 0, else slope grad.</summary>
/// <param name="slope">The slope for negative x.</param>
public sealed class LeakyReluGradOp(float slope) : GradOp
{
    internal override Binary Kind => Binary.LeakyReluGrad;

    internal override float A => slope;

    /// <inheritdoc/>
    protected override Tensor? Second(Tensor grads, Tensor z) => null;
}
