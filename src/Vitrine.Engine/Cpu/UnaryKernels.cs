using System.Numerics.Tensors;

namespace Vitrine.Cpu;

/// <summary>Elementwise functions of one argument over spans: one line a function, vectorised by TensorPrimitives where it has the function.</summary>
internal static class UnaryKernels
{
    public static void Apply(Unary kind, ReadOnlySpan<float> x, Span<float> y, float a, float b)
    {
        switch (kind)
        {
            case Unary.Affine: Affine(x, y, a, b); break;
            case Unary.Abs: TensorPrimitives.Abs(x, y); break;
            case Unary.Sign: for (int i = 0; i < x.Length; i++) y[i] = x[i] > 0 ? 1f : x[i] < 0 ? -1f : x[i]; break;
            case Unary.Exp: TensorPrimitives.Exp(x, y); break;
            case Unary.Log: TensorPrimitives.Log(x, y); break;
            case Unary.Log1p: for (int i = 0; i < x.Length; i++) y[i] = Log1p(x[i]); break;
            case Unary.Sqrt: TensorPrimitives.Sqrt(x, y); break;
            case Unary.Rsqrt: TensorPrimitives.Sqrt(x, y); TensorPrimitives.Divide(1f, y, y); break;
            case Unary.Reciprocal: TensorPrimitives.Divide(1f, x, y); break;
            case Unary.Sin: TensorPrimitives.Sin(x, y); break;
            case Unary.Cos: TensorPrimitives.Cos(x, y); break;
            case Unary.Tanh: TensorPrimitives.Tanh(x, y); break;
            case Unary.Sigmoid: TensorPrimitives.Sigmoid(x, y); break;
            case Unary.Softplus: Mapping.Apply<SoftplusMapping>(x, y, a, b); break;
            case Unary.Erf: Mapping.Apply<ErfMapping>(x, y, a, b); break;
            case Unary.Square: TensorPrimitives.Multiply(x, x, y); break;
            case Unary.Relu: TensorPrimitives.Max(x, 0f, y); break;
            case Unary.LeakyRelu: Mapping.Apply<LeakyReluMapping>(x, y, a, b); break;
            case Unary.Elu: Mapping.Apply<EluMapping>(x, y, a, 1); break;
            case Unary.Selu: Mapping.Apply<EluMapping>(x, y, a, b); break;
            case Unary.Gelu: Mapping.Apply<GeluMapping>(x, y, a, b); break;
            case Unary.GeluTanh: Mapping.Apply<GeluTanhMapping>(x, y, a, b); break;
            case Unary.Silu: Mapping.Apply<SiluMapping>(x, y, a, b); break;
            case Unary.Mish: Mapping.Apply<MishMapping>(x, y, a, b); break;
            case Unary.HardSigmoid: Mapping.Apply<HardSigmoidMapping>(x, y, a, b); break;
            case Unary.HardSwish: Mapping.Apply<HardSwishMapping>(x, y, a, b); break;
            case Unary.Softsign: Mapping.Apply<SoftsignMapping>(x, y, a, b); break;
            case Unary.Clamp: Mapping.Apply<ClampMapping>(x, y, a, b); break;
            case Unary.Power: Power(x, y, a); break;
            case Unary.Floor: TensorPrimitives.Floor(x, y); break;
            case Unary.Ceiling: TensorPrimitives.Ceiling(x, y); break;
            case Unary.Round: TensorPrimitives.Round(x, y); break;
            // Rare ones, in double precision.
            case Unary.Tan: for (int i = 0; i < x.Length; i++) y[i] = (float)Math.Tan(x[i]); break;
            case Unary.Asin: for (int i = 0; i < x.Length; i++) y[i] = (float)Math.Asin(x[i]); break;
            case Unary.Acos: for (int i = 0; i < x.Length; i++) y[i] = (float)Math.Acos(x[i]); break;
            case Unary.Atan: for (int i = 0; i < x.Length; i++) y[i] = (float)Math.Atan(x[i]); break;
            case Unary.Sinh: for (int i = 0; i < x.Length; i++) y[i] = (float)Math.Sinh(x[i]); break;
            case Unary.Cosh: for (int i = 0; i < x.Length; i++) y[i] = (float)Math.Cosh(x[i]); break;
            case Unary.Asinh: for (int i = 0; i < x.Length; i++) y[i] = (float)Math.Asinh(x[i]); break;
            case Unary.Acosh: for (int i = 0; i < x.Length; i++) y[i] = (float)Math.Acosh(x[i]); break;
            case Unary.Atanh: for (int i = 0; i < x.Length; i++) y[i] = (float)Math.Atanh(x[i]); break;
            default: throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a unary kernel.");
        }
    }

    private static float Log1p(double x)
    {
        // What rounding does to 1 + x is undone by the factor (Kahan).
        double u = 1 + x;
        return (float)(u == 1 || double.IsPositiveInfinity(u) ? x : Math.Log(u) * (x / (u - 1)));
    }

    private static void Affine(ReadOnlySpan<float> x, Span<float> y, float a, float b)
    {
        if (b == 0) TensorPrimitives.Multiply(x, a, y);
        else if (a == 1) TensorPrimitives.Add(x, b, y);
        else if (a == -1) TensorPrimitives.Subtract(b, x, y);
        else Mapping.Apply<AffineMapping>(x, y, a, b);
    }

    private static void Power(ReadOnlySpan<float> x, Span<float> y, float a)
    {
        switch (a)
        {
            case 2: TensorPrimitives.Multiply(x, x, y); break;
            case 1: x.CopyTo(y); break;
            case 0.5f: TensorPrimitives.Sqrt(x, y); break;
            case -1: TensorPrimitives.Divide(1f, x, y); break;
            case 3: for (int i = 0; i < x.Length; i++) y[i] = x[i] * x[i] * x[i]; break;
            default: for (int i = 0; i < x.Length; i++) y[i] = (float)Math.Pow(x[i], a); break;
        }
    }
}
