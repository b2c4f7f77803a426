namespace Vitrine.Ops;

// Every unary operator and its derivative, on one page. In Derivative, x is the input, y the output and grad the gradient with respect to y.

/// <summary>An elementwise operator of one input.</summary>
public abstract class UnaryOp : Op
{
    /// <inheritdoc/>
    public override OpTraits Traits => OpTraits.Elementwise;

    internal abstract Unary Kind { get; }

    internal virtual float A => 0;

    internal virtual float B => 0;

    /// <summary>This function as part of a chain, or null where it cannot be one: where its gradient has no kernel of its own.</summary>
    internal virtual ChainStep? Step => null;

    /// <inheritdoc/>
    public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].Device.Apply(Kind, inputs[0], A, B);

    /// <inheritdoc/>
    public override Tensor? Backward(Node node, Tensor grad, int input) => Derivative(grad, node.Inputs[0], node.Output);

    /// <summary>The gradient with respect to x.</summary>
    protected abstract Tensor? Derivative(Tensor grad, Tensor x, Tensor y);
}

/// <summary>|x|; the derivative at 0 is 0.</summary>
public sealed class AbsOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static AbsOp Instance { get; } = new();

    internal override Unary Kind => Unary.Abs;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * x.Sign();
}

/// <summary>-1, 0 or 1.</summary>
public sealed class SignOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static SignOp Instance { get; } = new();

    internal override Unary Kind => Unary.Sign;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => null;
}

/// <summary>e to the power x.</summary>
public sealed class ExpOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static ExpOp Instance { get; } = new();

    internal override Unary Kind => Unary.Exp;

    internal override ChainStep? Step => new(Kind, 0, 0, Binary.Multiply, OfOutput: true, 0);

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * y;
}

/// <summary>Natural logarithm.</summary>
public sealed class LogOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static LogOp Instance { get; } = new();

    internal override Unary Kind => Unary.Log;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad / x;
}

/// <summary>log(1 + x), accurate for small x.</summary>
public sealed class Log1pOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static Log1pOp Instance { get; } = new();

    internal override Unary Kind => Unary.Log1p;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad / (x + 1f);
}

/// <summary>Square root.</summary>
public sealed class SqrtOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static SqrtOp Instance { get; } = new();

    internal override Unary Kind => Unary.Sqrt;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad / y * 0.5f;
}

/// <summary>One over the square root.</summary>
public sealed class RsqrtOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static RsqrtOp Instance { get; } = new();

    internal override Unary Kind => Unary.Rsqrt;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * y * y * y * -0.5f;
}

/// <summary>1 / x.</summary>
public sealed class ReciprocalOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static ReciprocalOp Instance { get; } = new();

    internal override Unary Kind => Unary.Reciprocal;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * y * y * -1f;
}

/// <summary>Sine, radians.</summary>
public sealed class SinOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static SinOp Instance { get; } = new();

    internal override Unary Kind => Unary.Sin;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * x.Cos();
}

/// <summary>Cosine, radians.</summary>
public sealed class CosOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static CosOp Instance { get; } = new();

    internal override Unary Kind => Unary.Cos;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * x.Sin() * -1f;
}

/// <summary>Hyperbolic tangent.</summary>
public sealed class TanhOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static TanhOp Instance { get; } = new();

    internal override Unary Kind => Unary.Tanh;

    internal override ChainStep? Step => new(Kind, 0, 0, Binary.TanhGrad, OfOutput: true, 0);

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => TanhGradOp.Instance.Apply(grad, y);
}

/// <summary>1 / (1 + e^-x).</summary>
public sealed class SigmoidOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static SigmoidOp Instance { get; } = new();

    internal override Unary Kind => Unary.Sigmoid;

    internal override ChainStep? Step => new(Kind, 0, 0, Binary.SigmoidGrad, OfOutput: true, 0);

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => SigmoidGradOp.Instance.Apply(grad, y);
}

/// <summary>log(1 + e^x).</summary>
public sealed class SoftplusOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static SoftplusOp Instance { get; } = new();

    internal override Unary Kind => Unary.Softplus;

    internal override ChainStep? Step => new(Kind, 0, 0, Binary.SoftplusGrad, OfOutput: false, 0);

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * x.Sigmoid();
}

/// <summary>The error function.</summary>
public sealed class ErfOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static ErfOp Instance { get; } = new();

    internal override Unary Kind => Unary.Erf;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * (x.Square() * -1f).Exp() * 1.1283791670955126f;
}

/// <summary>x squared.</summary>
public sealed class SquareOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static SquareOp Instance { get; } = new();

    internal override Unary Kind => Unary.Square;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * x * 2f;
}

/// <summary>max(x, 0); the derivative at 0 is 0.</summary>
public sealed class ReluOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static ReluOp Instance { get; } = new();

    internal override Unary Kind => Unary.Relu;

    internal override ChainStep? Step => new(Kind, 0, 0, Binary.ReluGrad, OfOutput: true, 0);

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => ReluGradOp.Instance.Apply(grad, x);
}

/// <summary>x times the normal distribution function (Hendrycks and Gimpel 2016).</summary>
public sealed class GeluOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static GeluOp Instance { get; } = new();

    internal override Unary Kind => Unary.Gelu;

    internal override ChainStep? Step => new(Kind, 0, 0, Binary.GeluGrad, OfOutput: false, 0);

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => GeluGradOp.Instance.Apply(grad, x);
}

/// <summary>GELU in its tanh approximation.</summary>
public sealed class GeluTanhOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static GeluTanhOp Instance { get; } = new();

    internal override Unary Kind => Unary.GeluTanh;

    internal override ChainStep? Step => new(Kind, 0, 0, Binary.GeluTanhGrad, OfOutput: false, 0);

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => GeluTanhGradOp.Instance.Apply(grad, x);
}

/// <summary>x sigmoid(x), also called swish.</summary>
public sealed class SiluOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static SiluOp Instance { get; } = new();

    internal override Unary Kind => Unary.Silu;

    internal override ChainStep? Step => new(Kind, 0, 0, Binary.SiluGrad, OfOutput: false, 0);

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => SiluGradOp.Instance.Apply(grad, x);
}

/// <summary>x tanh(softplus(x)) (Misra 2019).</summary>
public sealed class MishOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static MishOp Instance { get; } = new();

    internal override Unary Kind => Unary.Mish;

    internal override ChainStep? Step => new(Kind, 0, 0, Binary.MishGrad, OfOutput: false, 0);

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => MishGradOp.Instance.Apply(grad, x);
}

/// <summary>min(max(x + 3, 0), 6) / 6.</summary>
public sealed class HardSigmoidOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static HardSigmoidOp Instance { get; } = new();

    internal override Unary Kind => Unary.HardSigmoid;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * TensorOps.Between(x, -3, 3) * (1 / 6f);
}

/// <summary>x min(max(x + 3, 0), 6) / 6.</summary>
public sealed class HardSwishOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static HardSwishOp Instance { get; } = new();

    internal override Unary Kind => Unary.HardSwish;

    internal override ChainStep? Step => new(Kind, 0, 0, Binary.HardSwishGrad, OfOutput: false, 0);

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) =>
        grad * (TensorOps.Between(x, -3, 3) * (x * (1 / 3f) + 0.5f) + x.GreaterOrEqual(Tensor.Scalar(3)).Cast(DType.Float32));
}

/// <summary>x / (1 + |x|).</summary>
public sealed class SoftsignOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static SoftsignOp Instance { get; } = new();

    internal override Unary Kind => Unary.Softsign;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad / (x.Abs() + 1f).Square();
}

/// <summary>The largest integer not above x.</summary>
public sealed class FloorOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static FloorOp Instance { get; } = new();

    internal override Unary Kind => Unary.Floor;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => null;
}

/// <summary>The smallest integer not below x.</summary>
public sealed class CeilingOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static CeilingOp Instance { get; } = new();

    internal override Unary Kind => Unary.Ceiling;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => null;
}

/// <summary>The nearest integer, halves to even.</summary>
public sealed class RoundOp : UnaryOp
{
    /// <summary>The operator; it has no attributes.</summary>
    public static RoundOp Instance { get; } = new();

    internal override Unary Kind => Unary.Round;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => null;
}

/// <summary>a x + b.</summary>
/// <param name="scale">The factor.</param>
/// <param name="shift">What is added.</param>
public sealed class AffineOp(float scale, float shift) : UnaryOp
{
    /// <summary>The factor.</summary>
    public float Scale => scale;

    /// <summary>What is added.</summary>
    public float Shift => shift;

    /// <inheritdoc/>
    public override OpTraits Traits => OpTraits.Elementwise | OpTraits.Linear;

    internal override Unary Kind => Unary.Affine;

    internal override float A => scale;

    internal override float B => shift;

    internal override ChainStep? Step => new(Kind, scale, shift, null, OfOutput: true, scale);

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * scale;
}

/// <summary>x where x > 0, else slope x (Maas, Hannun, Ng 2013).</summary>
/// <param name="slope">The slope for negative x.</param>
public sealed class LeakyReluOp(float slope) : UnaryOp
{
    internal override Unary Kind => Unary.LeakyRelu;

    internal override float A => slope;

    internal override ChainStep? Step => new(Kind, slope, 0, Binary.LeakyReluGrad, OfOutput: slope >= 0, slope);

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => new LeakyReluGradOp(slope).Apply(grad, x);
}

/// <summary>x where x > 0, else a (e^x - 1) (Clevert, Unterthiner, Hochreiter 2015).</summary>
/// <param name="a">The limit for very negative x is -a.</param>
public sealed class EluOp(float a) : UnaryOp
{
    internal override Unary Kind => Unary.Elu;

    internal override float A => a;

    internal override ChainStep? Step => a >= 0 ? new(Kind, a, 0, Binary.EluGrad, OfOutput: true, a) : null;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) =>
        grad * (x.Greater(Tensor.Scalar(0)).Cast(DType.Float32) + x.LessOrEqual(Tensor.Scalar(0)).Cast(DType.Float32) * (y + a));
}

/// <summary>The self-normalising ELU (Klambauer et al. 2017).</summary>
public sealed class SeluOp : UnaryOp
{
    private const float Alpha = 1.6732632423543772f;
    private const float Lambda = 1.0507009873554805f;

    /// <summary>The operator; it has no attributes.</summary>
    public static SeluOp Instance { get; } = new();

    internal override Unary Kind => Unary.Selu;

    internal override float A => Alpha;

    internal override float B => Lambda;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) =>
        grad * (x.Greater(Tensor.Scalar(0)).Cast(DType.Float32) * Lambda + x.LessOrEqual(Tensor.Scalar(0)).Cast(DType.Float32) * (y + Alpha * Lambda));
}

/// <summary>x limited to [low, high].</summary>
/// <param name="low">The lower limit.</param>
/// <param name="high">The upper limit.</param>
public sealed class ClampOp(float low, float high) : UnaryOp
{
    internal override Unary Kind => Unary.Clamp;

    internal override float A => low;

    internal override float B => high;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * TensorOps.Within(x, low, high);
}

/// <summary>x to a constant power.</summary>
/// <param name="exponent">The power.</param>
public sealed class PowerOp(float exponent) : UnaryOp
{
    internal override Unary Kind => Unary.Power;

    internal override float A => exponent;

    /// <inheritdoc/>
    protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => exponent == 0 ? null : grad * new PowerOp(exponent - 1).Apply(x) * exponent;
}
