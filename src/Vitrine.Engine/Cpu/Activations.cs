using System.Numerics;
using static Vitrine.Cpu.Activation;

namespace Vitrine.Cpu;

/// <summary>What activation functions and their derivatives share.</summary>
internal static class Activation
{
    public const float InverseSqrtTwoPi = 0.39894228040143268f;

    /// <summary>1 / (1 + e^-x).</summary>
    public static Vector<float> Sigmoid(Vector<float> x) => Vector<float>.One / (Vector<float>.One + Vector.Exp(-x));

    /// <summary>
    /// e^(a^2) erfc(a) for a >= 0: a polynomial in 1 / (1 + a / 2), the Chebyshev expansion on [0, 10] to eleven terms, within 3e-8 of its value.
    /// </summary>
    public static Vector<float> ScaledErfc(Vector<float> a)
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
    public static Vector<float> Normal(Vector<float> x, Vector<float> bell)
    {
        Vector<float> tail = ScaledErfc(Vector.Abs(x) * 0.70710678118654752f) * bell * 0.5f;
        return Vector.ConditionalSelect(Vector.GreaterThan(x, Vector<float>.Zero), Vector<float>.One - tail, tail);
    }

    public static Vector<float> Bell(Vector<float> x) => Vector.Exp(x * x * -0.5f);

    /// <summary>2 u for the tanh form of GELU, u = sqrt(2/pi) (x + 0.044715 x^3): (1 + tanh u) / 2 is the sigmoid of 2 u.</summary>
    public static Vector<float> GeluArgument(Vector<float> x) =>
        x * Vector.FusedMultiplyAdd(x * x, new(2 * 0.79788456080286536f * 0.044715f), new(2 * 0.79788456080286536f));

    // From 20 on the quotient of Mish is 1 in float32, and its parts would overflow.
    public static Vector<float> AtMost20(Vector<float> x) => Vector.ConditionalSelect(Vector.GreaterThan(x, new(20f)), new(20f), x);
}

internal readonly struct ErfMapping : IMapping
{
    public static Vector<float> Of(Vector<float> x, Vector<float> a, Vector<float> b)
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

internal readonly struct GeluMapping : IMapping
{
    public static Vector<float> Of(Vector<float> x, Vector<float> a, Vector<float> b) => x * Normal(x, Bell(x));
}

internal readonly struct GeluGradMapping : IMapping2
{
    public static Vector<float> Of(Vector<float> g, Vector<float> x, Vector<float> a)
    {
        Vector<float> bell = Bell(x);
        return g * Vector.FusedMultiplyAdd(x * InverseSqrtTwoPi, bell, Normal(x, bell));
    }
}

internal readonly struct GeluTanhMapping : IMapping
{
    public static Vector<float> Of(Vector<float> x, Vector<float> a, Vector<float> b) => x * Sigmoid(GeluArgument(x));
}

internal readonly struct GeluTanhGradMapping : IMapping2
{
    public static Vector<float> Of(Vector<float> g, Vector<float> x, Vector<float> a)
    {
        Vector<float> s = Sigmoid(GeluArgument(x));
        Vector<float> inner = Vector.FusedMultiplyAdd(x * x, new(6 * 0.79788456080286536f * 0.044715f), new(2 * 0.79788456080286536f));
        return g * (s + x * s * (Vector<float>.One - s) * inner);
    }
}

internal readonly struct SiluGradMapping : IMapping2
{
    public static Vector<float> Of(Vector<float> g, Vector<float> x, Vector<float> a)
    {
        Vector<float> s = Sigmoid(x);
        return g * s * Vector.FusedMultiplyAdd(x, Vector<float>.One - s, Vector<float>.One);
    }
}

/// <summary>x tanh(log(1 + n)) = x w / (w + 2) with n = e^x and w = n (n + 2).</summary>
internal readonly struct MishMapping : IMapping
{
    public static Vector<float> Of(Vector<float> x, Vector<float> a, Vector<float> b)
    {
        Vector<float> n = Vector.Exp(AtMost20(x)), w = n * (n + new Vector<float>(2f));
        return x * (w / (w + new Vector<float>(2f)));
    }
}

/// <summary>t + x (1 - t^2) sigmoid(x) with t = w / (w + 2), so 1 - t^2 = 4 (w + 1) / (w + 2)^2.</summary>
internal readonly struct MishGradMapping : IMapping2
{
    public static Vector<float> Of(Vector<float> g, Vector<float> x, Vector<float> a)
    {
        Vector<float> n = Vector.Exp(AtMost20(x)), w = n * (n + new Vector<float>(2f)), inverse = Vector<float>.One / (w + new Vector<float>(2f));
        Vector<float> rest = 4f * (w + Vector<float>.One) * inverse * inverse, sigmoid = n / (n + Vector<float>.One);
        return g * (w * inverse + Vector.ConditionalSelect(Vector.GreaterThan(x, new(20f)), Vector<float>.Zero, x * rest * sigmoid));
    }
}

/// <summary>max(x, 0) + log(1 + e^-|x|).</summary>
internal readonly struct SoftplusMapping : IMapping
{
    public static Vector<float> Of(Vector<float> x, Vector<float> a, Vector<float> b)
    {
        // What rounding does to 1 + e is undone by the factor (Kahan).
        Vector<float> e = Vector.Exp(-Vector.Abs(x)), u = Vector<float>.One + e, lost = u - Vector<float>.One;
        Vector<float> log = Vector.ConditionalSelect(Vector.Equals(lost, Vector<float>.Zero), e, Vector.Log(u) * (e / lost));
        return log + Vector.ConditionalSelect(Vector.LessThan(x, Vector<float>.Zero), Vector<float>.Zero, x);
    }
}

/// <summary>b x where x > 0, else b a (e^x - 1).</summary>
internal readonly struct EluMapping : IMapping
{
    public static Vector<float> Of(Vector<float> x, Vector<float> a, Vector<float> b)
    {
        // Near 0 the difference would lose its digits: there the first eight terms of the series.
        Vector<float> near = Vector.FusedMultiplyAdd(x, new(1f / 8), Vector<float>.One);
        for (int k = 7; k >= 2; k--) near = Vector.FusedMultiplyAdd(x * (1f / k), near, Vector<float>.One);
        Vector<float> minus = Vector.ConditionalSelect(Vector.GreaterThan(x, new(-0.5f)), x * near, Vector.Exp(x) - Vector<float>.One);
        return Vector.ConditionalSelect(Vector.GreaterThan(x, Vector<float>.Zero), x, a * minus) * b;
    }
}
