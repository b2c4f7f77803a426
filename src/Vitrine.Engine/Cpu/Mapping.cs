using System.Numerics;

namespace Vitrine.Cpu;

/// <summary>A function of one number with two parameters, written for a vector.</summary>
internal interface IMapping
{
    static abstract Vector<float> Of(Vector<float> x, Vector<float> a, Vector<float> b);
}

/// <summary>A function of two numbers with one parameter, written for a vector.</summary>
internal interface IMapping2
{
    static abstract Vector<float> Of(Vector<float> x, Vector<float> y, Vector<float> a);
}

/// <summary>Applies vector functions to spans; the rest of a span is computed as part of a vector too, so that an element's value does not depend on its
/// place.</summary>
internal static class Mapping
{
    public static void Apply<T>(ReadOnlySpan<float> x, Span<float> y, float a, float b)
        where T : struct, IMapping
    {
        Vector<float> va = new(a), vb = new(b);
        int i = 0;
        for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count) T.Of(new Vector<float>(x[i..]), va, vb).CopyTo(y[i..]);
        if (i == x.Length) return;
        Span<float> rest = stackalloc float[Vector<float>.Count];
        rest.Clear();
        x[i..].CopyTo(rest);
        T.Of(new Vector<float>(rest), va, vb).CopyTo(rest);
        rest[..(x.Length - i)].CopyTo(y[i..]);
    }

    public static void Apply<T>(ReadOnlySpan<float> x, ReadOnlySpan<float> y, Span<float> z, float a)
        where T : struct, IMapping2
    {
        Vector<float> va = new(a);
        int i = 0;
        for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count) T.Of(new Vector<float>(x[i..]), new Vector<float>(y[i..]), va).CopyTo(z[i..]);
        if (i == x.Length) return;
        Span<float> restX = stackalloc float[Vector<float>.Count], restY = stackalloc float[Vector<float>.Count];
        restX.Clear();
        restY.Clear();
        x[i..].CopyTo(restX);
        y[i..].CopyTo(restY);
        T.Of(new Vector<float>(restX), new Vector<float>(restY), va).CopyTo(restX);
        restX[..(x.Length - i)].CopyTo(z[i..]);
    }
}

internal readonly struct LeakyReluMapping : IMapping
{
    public static Vector<float> Of(Vector<float> x, Vector<float> a, Vector<float> b) =>
        Vector.ConditionalSelect(Vector.GreaterThan(x, Vector<float>.Zero), x, a * x);
}

internal readonly struct ClampMapping : IMapping
{
    // Written so that a NaN stays one.
    public static Vector<float> Of(Vector<float> x, Vector<float> a, Vector<float> b) =>
        Vector.ConditionalSelect(Vector.LessThan(x, a), a, Vector.ConditionalSelect(Vector.GreaterThan(x, b), b, x));
}

internal readonly struct AffineMapping : IMapping
{
    public static Vector<float> Of(Vector<float> x, Vector<float> a, Vector<float> b) => a * x + b;
}

internal readonly struct HardSigmoidMapping : IMapping
{
    public static Vector<float> Of(Vector<float> x, Vector<float> a, Vector<float> b) =>
        ClampMapping.Of(x * new Vector<float>(1 / 6f) + new Vector<float>(0.5f), Vector<float>.Zero, Vector<float>.One);
}

internal readonly struct HardSwishMapping : IMapping
{
    public static Vector<float> Of(Vector<float> x, Vector<float> a, Vector<float> b) => x * HardSigmoidMapping.Of(x, a, b);
}

internal readonly struct SoftsignMapping : IMapping
{
    public static Vector<float> Of(Vector<float> x, Vector<float> a, Vector<float> b) => x / (Vector<float>.One + Vector.Abs(x));
}

internal readonly struct SiluMapping : IMapping
{
    public static Vector<float> Of(Vector<float> x, Vector<float> a, Vector<float> b) => x / (Vector<float>.One + Vector.Exp(-x));
}

internal readonly struct ReluGradMapping : IMapping2
{
    public static Vector<float> Of(Vector<float> x, Vector<float> y, Vector<float> a) =>
        Vector.ConditionalSelect(Vector.GreaterThan(y, Vector<float>.Zero), x, Vector<float>.Zero);
}

internal readonly struct LeakyReluGradMapping : IMapping2
{
    public static Vector<float> Of(Vector<float> x, Vector<float> y, Vector<float> a) =>
        Vector.ConditionalSelect(Vector.GreaterThan(y, Vector<float>.Zero), x, a * x);
}

internal readonly struct TanhGradMapping : IMapping2
{
    public static Vector<float> Of(Vector<float> x, Vector<float> y, Vector<float> a) => x * (Vector<float>.One - y * y);
}

internal readonly struct SigmoidGradMapping : IMapping2
{
    public static Vector<float> Of(Vector<float> x, Vector<float> y, Vector<float> a) => x * y * (Vector<float>.One - y);
}

internal readonly struct EluGradMapping : IMapping2
{
    public static Vector<float> Of(Vector<float> x, Vector<float> y, Vector<float> a) =>
        Vector.ConditionalSelect(Vector.GreaterThan(y, Vector<float>.Zero), x, x * (y + a));
}

internal readonly struct SoftplusGradMapping : IMapping2
{
    public static Vector<float> Of(Vector<float> x, Vector<float> y, Vector<float> a) => x * Activation.Sigmoid(y);
}

/// <summary>0 up to -3, 1 from 3 on, (2 x + 3) / 6 between: as <see cref="Ops.HardSwishOp"/> has it.</summary>
internal readonly struct HardSwishGradMapping : IMapping2
{
    public static Vector<float> Of(Vector<float> x, Vector<float> y, Vector<float> a)
    {
        Vector<float> between = Vector.FusedMultiplyAdd(y, new(1 / 3f), new(0.5f)), three = new(3f);
        Vector<float> slope = Vector.ConditionalSelect(
            Vector.LessThanOrEqual(y, -three), Vector<float>.Zero, Vector.ConditionalSelect(Vector.GreaterThanOrEqual(y, three), Vector<float>.One, between));
        return x * slope;
    }
}
