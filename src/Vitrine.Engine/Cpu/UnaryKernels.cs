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
            case Unary.Softplus: VectorMath.Map(default(VectorMath.Softplus), x, y); break;
            case Unary.Erf: VectorMath.Map(default(VectorMath.Erf), x, y); break;
            case Unary.Square: TensorPrimitives.Multiply(x, x, y); break;
            case Unary.Relu: TensorPrimitives.Max(x, 0f, y); break;
            case Unary.LeakyRelu: VectorMath.Map(new VectorMath.LeakyRelu(a), x, y); break;
            case Unary.Elu: VectorMath.Map(new VectorMath.Elu(a, 1), x, y); break;
            case Unary.Selu: VectorMath.Map(new VectorMath.Elu(a, b), x, y); break;
            case Unary.Gelu: VectorMath.Map(default(VectorMath.Gelu), x, y); break;
            case Unary.GeluTanh: VectorMath.Map(default(VectorMath.GeluTanh), x, y); break;
            case Unary.Silu: VectorMath.Map(default(VectorMath.Silu), x, y); break;
            case Unary.Mish: VectorMath.Map(default(VectorMath.Mish), x, y); break;
            case Unary.HardSigmoid: Affine(x, y, 1 / 6f, 0.5f); VectorMath.Map(new VectorMath.Clamp(0, 1), y, y); break;
            case Unary.HardSwish: Affine(x, y, 1 / 6f, 0.5f); VectorMath.Map(new VectorMath.Clamp(0, 1), y, y); TensorPrimitives.Multiply(x, y, y); break;
            case Unary.Softsign: for (int i = 0; i < x.Length; i++) y[i] = x[i] / (1 + MathF.Abs(x[i])); break;
            case Unary.Clamp: VectorMath.Map(new VectorMath.Clamp(a, b), x, y); break;
            case Unary.Power: Power(x, y, a); break;
            case Unary.Floor: TensorPrimitives.Floor(x, y); break;
            case Unary.Ceiling: TensorPrimitives.Ceiling(x, y); break;
            case Unary.Round: TensorPrimitives.Round(x, y); break;
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
        else for (int i = 0; i < x.Length; i++) y[i] = a * x[i] + b;
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
