using Vitrine.Ops;

namespace Vitrine;

/// <summary>The operators as methods of tensors.</summary>
public static partial class TensorOps
{
    /// <summary>|x|; the derivative at 0 is 0, elementwise.</summary>
    public static Tensor Abs(this Tensor x) => AbsOp.Instance.Apply(x);

    /// <summary>-1, 0 or 1, elementwise.</summary>
    public static Tensor Sign(this Tensor x) => SignOp.Instance.Apply(x);

    /// <summary>e to the power x, elementwise.</summary>
    public static Tensor Exp(this Tensor x) => ExpOp.Instance.Apply(x);

    /// <summary>Natural logarithm, elementwise.</summary>
    public static Tensor Log(this Tensor x) => LogOp.Instance.Apply(x);

    /// <summary>log(1 + x), accurate for small x, elementwise.</summary>
    public static Tensor Log1p(this Tensor x) => Log1pOp.Instance.Apply(x);

    /// <summary>Square root, elementwise.</summary>
    public static Tensor Sqrt(this Tensor x) => SqrtOp.Instance.Apply(x);

    /// <summary>One over the square root, elementwise.</summary>
    public static Tensor Rsqrt(this Tensor x) => RsqrtOp.Instance.Apply(x);

    /// <summary>1 / x, elementwise.</summary>
    public static Tensor Reciprocal(this Tensor x) => ReciprocalOp.Instance.Apply(x);

    /// <summary>Sine, radians, elementwise.</summary>
    public static Tensor Sin(this Tensor x) => SinOp.Instance.Apply(x);

    /// <summary>Cosine, radians, elementwise.</summary>
    public static Tensor Cos(this Tensor x) => CosOp.Instance.Apply(x);

    /// <summary>Hyperbolic tangent, elementwise.</summary>
    public static Tensor Tanh(this Tensor x) => TanhOp.Instance.Apply(x);

    /// <summary>1 / (1 + e^-x), elementwise.</summary>
    public static Tensor Sigmoid(this Tensor x) => SigmoidOp.Instance.Apply(x);

    /// <summary>log(1 + e^x), elementwise.</summary>
    public static Tensor Softplus(this Tensor x) => SoftplusOp.Instance.Apply(x);

    /// <summary>The error function, elementwise.</summary>
    public static Tensor Erf(this Tensor x) => ErfOp.Instance.Apply(x);

    /// <summary>x squared, elementwise.</summary>
    public static Tensor Square(this Tensor x) => SquareOp.Instance.Apply(x);

    /// <summary>max(x, 0); the derivative at 0 is 0, elementwise.</summary>
    public static Tensor Relu(this Tensor x) => ReluOp.Instance.Apply(x);

    /// <summary>x times the normal distribution function (Hendrycks and Gimpel 2016), elementwise.</summary>
    public static Tensor Gelu(this Tensor x) => GeluOp.Instance.Apply(x);

    /// <summary>GELU in its tanh approximation, elementwise.</summary>
    public static Tensor GeluTanh(this Tensor x) => GeluTanhOp.Instance.Apply(x);

    /// <summary>x sigmoid(x), also called swish, elementwise.</summary>
    public static Tensor Silu(this Tensor x) => SiluOp.Instance.Apply(x);

    /// <summary>x tanh(softplus(x)) (Misra 2019), elementwise.</summary>
    public static Tensor Mish(this Tensor x) => MishOp.Instance.Apply(x);

    /// <summary>min(max(x + 3, 0), 6) / 6, elementwise.</summary>
    public static Tensor HardSigmoid(this Tensor x) => HardSigmoidOp.Instance.Apply(x);

    /// <summary>x min(max(x + 3, 0), 6) / 6, elementwise.</summary>
    public static Tensor HardSwish(this Tensor x) => HardSwishOp.Instance.Apply(x);

    /// <summary>x / (1 + |x|), elementwise.</summary>
    public static Tensor Softsign(this Tensor x) => SoftsignOp.Instance.Apply(x);

    /// <summary>The largest integer not above x, elementwise.</summary>
    public static Tensor Floor(this Tensor x) => FloorOp.Instance.Apply(x);

    /// <summary>The smallest integer not below x, elementwise.</summary>
    public static Tensor Ceiling(this Tensor x) => CeilingOp.Instance.Apply(x);

    /// <summary>The nearest integer, halves to even, elementwise.</summary>
    public static Tensor Round(this Tensor x) => RoundOp.Instance.Apply(x);

    /// <summary>x where x > 0, else <paramref name="slope"/> x.</summary>
    public static Tensor LeakyRelu(this Tensor x, float slope = 0.01f) => new LeakyReluOp(slope).Apply(x);

    /// <summary>x where x > 0, else a (e^x - 1).</summary>
    public static Tensor Elu(this Tensor x, float a = 1) => new EluOp(a).Apply(x);

    /// <summary>The self-normalising ELU.</summary>
    public static Tensor Selu(this Tensor x) => SeluOp.Instance.Apply(x);

    /// <summary>min(max(x, 0), 6).</summary>
    public static Tensor Relu6(this Tensor x) => x.Clamp(0, 6);

    /// <summary>x limited to [low, high]; inside and on the limits the derivative is 1.</summary>
    public static Tensor Clamp(this Tensor x, float low = float.NegativeInfinity, float high = float.PositiveInfinity) => new ClampOp(low, high).Apply(x);

    /// <summary>x to a constant power.</summary>
    public static Tensor Pow(this Tensor x, float exponent) => new PowerOp(exponent).Apply(x);

    /// <summary>1 where low &lt; x &lt; high, else 0; not recorded.</summary>
    internal static Tensor Between(Tensor x, float low, float high) =>
        x.Greater(Tensor.Scalar(low)).Cast(DType.Float32) * x.Less(Tensor.Scalar(high)).Cast(DType.Float32);

    /// <summary>1 where low &lt;= x &lt;= high, else 0; not recorded.</summary>
    internal static Tensor Within(Tensor x, float low, float high) =>
        x.GreaterOrEqual(Tensor.Scalar(low)).Cast(DType.Float32) * x.LessOrEqual(Tensor.Scalar(high)).Cast(DType.Float32);
}
