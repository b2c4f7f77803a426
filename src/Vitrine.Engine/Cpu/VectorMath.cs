using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vitrine.Cpu;

/// <summary>Functions that fused kernels apply to numbers while they are in registers; relative errors are below 3e-7.</summary>
internal static unsafe class VectorMath
{
    /// <summary>How many numbers a vector holds.</summary>
    public static int Count => Vector<float>.Count;

    /// <summary>e to the power x; 0 below -87, where results would be denormal, and 3.4e38 from 88.7 on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Exp(Vector<float> x)
    {
        // x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts keeps r exact. The polynomial is the one of Moshier's Cephes library.
        // The limits come first, because of two numbers of which one is NaN the native instructions give the second.
        Vector<float> limited = Vector.MinNative(new Vector<float>(88.72f), Vector.MaxNative(new Vector<float>(-87.3f), x));
        Vector<float> n = Vector.Floor(Vector.FusedMultiplyAdd(limited, new Vector<float>(1.44269504f), new Vector<float>(0.5f)));
        Vector<float> r = Vector.FusedMultiplyAdd(n, new Vector<float>(-0.693359375f), limited);
        r = Vector.FusedMultiplyAdd(n, new Vector<float>(2.12194440e-4f), r);
        Vector<float> p = new(1.9875691500e-4f);
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(1.3981999507e-3f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(8.3334519073e-3f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(4.1665795894e-2f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(1.6666665459e-1f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(5.0000001201e-1f));
        p = Vector.FusedMultiplyAdd(p * r, r, r) + Vector<float>.One;
        // 2^n in two factors, since 2^128 alone is infinite.
        Vector<int> power = Vector.ConvertToInt32Native(n), half = Vector.ShiftRightArithmetic(power, 1);
        Vector<float> y = p * Power(half) * Power(power - half);
        return Vector.ConditionalSelect(Vector.LessThan(x, new Vector<float>(-87.3f)), Vector<float>.Zero, y);
    }

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Sigmoid(Vector<float> x) => Vector<float>.One / (Vector<float>.One + Exp(-x));

    /// <summary>The hyperbolic tangent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Tanh(Vector<float> x)
    {
        Vector<float> size = Vector.Abs(x), square = x * x;
        // Near 0 the difference from 1 would cancel: an odd polynomial instead (Cephes).
        Vector<float> p = new(-5.70498872745e-3f);
        p = Vector.FusedMultiplyAdd(p, square, new Vector<float>(2.06390887954e-2f));
        p = Vector.FusedMultiplyAdd(p, square, new Vector<float>(-5.37397155531e-2f));
        p = Vector.FusedMultiplyAdd(p, square, new Vector<float>(1.33314422036e-1f));
        p = Vector.FusedMultiplyAdd(p, square, new Vector<float>(-3.33332819422e-1f));
        Vector<float> small = Vector.FusedMultiplyAdd(p * square, x, x);
        Vector<float> large = Vector<float>.One - new Vector<float>(2f) / (Exp(size + size) + Vector<float>.One);
        large = Vector.ConditionalSelect(Vector.LessThan(x, Vector<float>.Zero), -large, large);
        return Vector.ConditionalSelect(Vector.LessThan(size, new Vector<float>(0.625f)), small, large);
    }

    /// <summary>The numbers from <paramref name="x"/> on; of an incomplete vector, <paramref name="count"/> and zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Load(float* x, int count) => count >= Count ? Vector.Load(x) : LoadPart(x, count);

    /// <summary>Stores a vector, or the first <paramref name="count"/> numbers of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<float> v, float* x, int count)
    {
        if (count >= Count) v.Store(x);
        else StorePart(v, x, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Power(Vector<int> n) => Vector.AsVectorSingle(Vector.ShiftLeft(n + new Vector<int>(127), 23));

    private static Vector<float> LoadPart(float* x, int count)
    {
        Vector<float> v = default;
        for (int i = 0; i < count; i++) v = v.WithElement(i, x[i]);
        return v;
    }

    private static void StorePart(Vector<float> v, float* x, int count)
    {
        for (int i = 0; i < count; i++) x[i] = v[i];
    }
}
