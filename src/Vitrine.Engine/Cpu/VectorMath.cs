using System.Numerics;

namespace Vitrine.Cpu;

/// <summary>A function of one vector of numbers; its parameters are fields.</summary>
internal interface IVectorFunction
{
    /// <summary>The function, lane by lane.</summary>
    Vector<float> Of(Vector<float> x);
}

/// <summary>Activation functions and their derivatives a vector at a time.</summary>
internal static class VectorMath
{
    private const float InverseSqrtTwoPi = 0.39894228040143268f;

    /// <summary>y = f(x).</summary>
    public static void Map<TFunction>(TFunction f, ReadOnlySpan<float> x, Span<float> y)
        where TFunction : struct, IVectorFunction
    {
        int width = Vector<float>.Count, i = 0;
        for (; i <= x.Length - width; i += width) f.Of(new Vector<float>(x[i..])).CopyTo(y[i..]);
        if (i == x.Length) return;
        // The rest goes through the same arithmetic, so that an element does not depend on where it stands.
        Span<float> rest = stackalloc float[width];
        rest.Clear();
        x[i..].CopyTo(rest);
        f.Of(new Vector<float>(rest)).CopyTo(rest);
        rest[..(x.Length - i)].CopyTo(y[i..]);
    }

    /// <summary>z = g f(x).</summary>
    public static void MapTimes<TFunction>(TFunction f, ReadOnlySpan<float> g, ReadOnlySpan<float> x, Span<float> z)
        where TFunction : struct, IVectorFunction
    {
        int width = Vector<float>.Count, i = 0;
        for (; i <= x.Length - width; i += width) (new Vector<float>(g[i..]) * f.Of(new Vector<float>(x[i..]))).CopyTo(z[i..]);
        if (i == x.Length) return;
        Span<float> rest = stackalloc float[width];
        rest.Clear();
        x[i..].CopyTo(rest);
        f.Of(new Vector<float>(rest)).CopyTo(rest);
        for (int j = i; j < x.Length; j++) z[j] = g[j] * rest[j - i];
    }

    /// <summary>1 / (1 + e^-x).</summary>
    private static Vector<float> Sigmoid(Vector<float> x) => Vector<float>.One / (Vector<float>.One + Vector.Exp(-x));

    /// <summary>
    /// e^(a^2) erfc(a) for a >= 0: a polynomial in 1 / (1 + a / 2), the Chebyshev expansion on [0, 10] to eleven terms, within 3e-8 of its value.
    /// </summary>
    private static Vector<float> ScaledErfc(Vector<float> a)
    {
        Vector<float> u = (Vector<float>.One / Vector.FusedMultiplyAdd(a, new(0.5f), Vector<float>.One) - new Vector<float>(7f / 12)) * 2.4f;
        Vector<float> p = new(5.494882e-6f);
        p = Vector.FusedMultiplyAdd(p, u, new(-1.7700561e-5f));
        p = Vector.FusedMultiplyAdd(p, u, new(-3.5742946e-5f));
        p = Vector.FusedMultiplyAdd(p, u, new(2.45315996e-4f));
        p = Vector.FusedMultiplyAdd(p, u, new(8.8885708e-5f));
        p = Vector.FusedMultiplyAdd(p, u, new(-2.923202464e-3f));
        p = Vector.FusedMultiplyAdd(p, u, new(-1.105183877e-3f));
        p = Vector.FusedMultiplyAdd(p, u, new(4.5990286655e-2f));
        p = Vector.FusedMultiplyAdd(p, u, new(0.195443390044f));
        p = Vector.FusedMultiplyAdd(p, u, new(0.428634803086f));
        return Vector.FusedMultiplyAdd(p, u, new(0.33367365299f));
    }

    /// <summary>The normal distribution function at x, given e^(-x^2 / 2).</summary>
    private static Vector<float> Normal(Vector<float> x, Vector<float> bell)
    {
        Vector<float> tail = ScaledErfc(Vector.Abs(x) * 0.70710678118654752f) * bell * 0.5f;
        return Vector.ConditionalSelect(Vector.GreaterThan(x, Vector<float>.Zero), Vector<float>.One - tail, tail);
    }

    private static Vector<float> Bell(Vector<float> x) => Vector.Exp(x * x * -0.5f);

    /// <summary>2 u for the tanh form of GELU, u = sqrt(2/pi) (x + 0.044715 x^3): (1 + tanh u) / 2 is the sigmoid of 2 u.</summary>
    private static Vector<float> GeluArgument(Vector<float> x) => x * Vector.FusedMultiplyAdd(x * x, new(2 * 0.79788456080286536f * 0.044715f), new(2 * 0.79788456080286536f));

    public readonly struct Erf : IVectorFunction
    {
        public Vector<float> Of(Vector<float> x)
        {
            Vector<float> size = Vector.Abs(x), square = x * x;
            // Near 0 erf(x) / x as a polynomial in 2 x^2 - 1, to seven terms of its Chebyshev expansion; beyond, one minus the tail.
            Vector<float> u = Vector.FusedMultiplyAdd(square, new(2f), -Vector<float>.One), p = new(1.23164e-6f);
            p = Vector.FusedMultiplyAdd(p, u, new(-1.7669081e-5f));
            p = Vector.FusedMultiplyAdd(p, u, new(2.1751199e-4f));
            p = Vector.FusedMultiplyAdd(p, u, new(-2.285419529e-3f));
            p = Vector.FusedMultiplyAdd(p, u, new(1.9852497723e-2f));
            p = Vector.FusedMultiplyAdd(p, u, new(-0.140536097282f));
            p = Vector.FusedMultiplyAdd(p, u, new(0.965468738638f));
            Vector<float> far = Vector.CopySign(Vector<float>.One - ScaledErfc(size) * Vector.Exp(-square), x);
            return Vector.ConditionalSelect(Vector.LessThan(size, Vector<float>.One), x * p, far);
        }
    }

    public readonly struct Gelu : IVectorFunction
    {
        public Vector<float> Of(Vector<float> x) => x * Normal(x, Bell(x));
    }

    public readonly struct GeluSlope : IVectorFunction
    {
        public Vector<float> Of(Vector<float> x)
        {
            Vector<float> bell = Bell(x);
            return Vector.FusedMultiplyAdd(x * InverseSqrtTwoPi, bell, Normal(x, bell));
        }
    }

    public readonly struct GeluTanh : IVectorFunction
    {
        public Vector<float> Of(Vector<float> x) => x * Sigmoid(GeluArgument(x));
    }

    public readonly struct GeluTanhSlope : IVectorFunction
    {
        public Vector<float> Of(Vector<float> x)
        {
            Vector<float> s = Sigmoid(GeluArgument(x));
            Vector<float> inner = Vector.FusedMultiplyAdd(x * x, new(6 * 0.79788456080286536f * 0.044715f), new(2 * 0.79788456080286536f));
            return s + x * s * (Vector<float>.One - s) * inner;
        }
    }

    public readonly struct Silu : IVectorFunction
    {
        public Vector<float> Of(Vector<float> x) => x * Sigmoid(x);
    }

    public readonly struct SiluSlope : IVectorFunction
    {
        public Vector<float> Of(Vector<float> x)
        {
            Vector<float> s = Sigmoid(x);
            return s * Vector.FusedMultiplyAdd(x, Vector<float>.One - s, Vector<float>.One);
        }
    }

    /// <summary>x tanh(log(1 + n)) = x w / (w + 2) with n = e^x and w = n (n + 2).</summary>
    public readonly struct Mish : IVectorFunction
    {
        public Vector<float> Of(Vector<float> x)
        {
            Vector<float> n = Vector.Exp(AtMost20(x)), w = n * (n + new Vector<float>(2f));
            return x * (w / (w + new Vector<float>(2f)));
        }

        // From 20 on the quotient is 1 in float32, and w would overflow.
        internal static Vector<float> AtMost20(Vector<float> x) => Vector.ConditionalSelect(Vector.GreaterThan(x, new(20f)), new(20f), x);
    }

    /// <summary>t + x (1 - t^2) sigmoid(x) with t = w / (w + 2), so 1 - t^2 = 4 (w + 1) / (w + 2)^2.</summary>
    public readonly struct MishSlope : IVectorFunction
    {
        public Vector<float> Of(Vector<float> x)
        {
            Vector<float> n = Vector.Exp(Mish.AtMost20(x)), w = n * (n + new Vector<float>(2f)), inverse = Vector<float>.One / (w + new Vector<float>(2f));
            Vector<float> rest = 4f * (w + Vector<float>.One) * inverse * inverse, sigmoid = n / (n + Vector<float>.One);
            return w * inverse + Vector.ConditionalSelect(Vector.GreaterThan(x, new(20f)), Vector<float>.Zero, x * rest * sigmoid);
        }
    }

    /// <summary>max(x, 0) + log(1 + e^-|x|).</summary>
    public readonly struct Softplus : IVectorFunction
    {
        public Vector<float> Of(Vector<float> x)
        {
            // What rounding does to 1 + e is undone by the factor (Kahan).
            Vector<float> e = Vector.Exp(-Vector.Abs(x)), u = Vector<float>.One + e, lost = u - Vector<float>.One;
            Vector<float> log = Vector.ConditionalSelect(Vector.Equals(lost, Vector<float>.Zero), e, Vector.Log(u) * (e / lost));
            return log + Vector.ConditionalSelect(Vector.LessThan(x, Vector<float>.Zero), Vector<float>.Zero, x);
        }
    }

    /// <summary>scale x where x > 0, else scale a (e^x - 1).</summary>
    public readonly struct Elu(float a, float scale) : IVectorFunction
    {
        public Vector<float> Of(Vector<float> x)
        {
            // Near 0 the difference would lose its digits: there the first eight terms of the series.
            Vector<float> near = Vector.FusedMultiplyAdd(x, new(1f / 8), Vector<float>.One);
            for (int k = 7; k >= 2; k--) near = Vector.FusedMultiplyAdd(x * (1f / k), near, Vector<float>.One);
            Vector<float> minus = Vector.ConditionalSelect(Vector.GreaterThan(x, new(-0.5f)), x * near, Vector.Exp(x) - Vector<float>.One);
            return Vector.ConditionalSelect(Vector.GreaterThan(x, Vector<float>.Zero), x, a * minus) * scale;
        }
    }

    /// <summary>x where x > 0, else a x.</summary>
    public readonly struct LeakyRelu(float a) : IVectorFunction
    {
        public Vector<float> Of(Vector<float> x) => Vector.ConditionalSelect(Vector.GreaterThan(x, Vector<float>.Zero), x, a * x);
    }

    /// <summary>x limited to [low, high]; NaN stays.</summary>
    public readonly struct Clamp(float low, float high) : IVectorFunction
    {
        public Vector<float> Of(Vector<float> x)
        {
            Vector<float> a = new(low), b = new(high);
            return Vector.ConditionalSelect(Vector.LessThan(x, a), a, Vector.ConditionalSelect(Vector.GreaterThan(x, b), b, x));
        }
    }
}
