using System.Numerics.Tensors;

namespace Vitrine.Cpu;

/// <summary>Elementwise functions of two arguments over spans of one length.</summary>
internal static class BinaryKernels
{
    public static void Apply(Binary kind, ReadOnlySpan<float> x, ReadOnlySpan<float> y, Span<float> z, float a = 0)
    {
        switch (kind)
        {
            case Binary.Add: TensorPrimitives.Add(x, y, z); break;
            case Binary.Subtract: TensorPrimitives.Subtract(x, y, z); break;
            case Binary.Multiply: TensorPrimitives.Multiply(x, y, z); break;
            case Binary.Divide: TensorPrimitives.Divide(x, y, z); break;
            case Binary.Maximum: TensorPrimitives.Max(x, y, z); break;
            case Binary.Minimum: TensorPrimitives.Min(x, y, z); break;
            case Binary.Power: for (int i = 0; i < z.Length; i++) z[i] = (float)Math.Pow(x[i], y[i]); break;
            case Binary.ReluGrad: Mapping.Apply<ReluGradMapping>(x, y, z, a); break;
            case Binary.LeakyReluGrad: Mapping.Apply<LeakyReluGradMapping>(x, y, z, a); break;
            case Binary.TanhGrad: Mapping.Apply<TanhGradMapping>(x, y, z, a); break;
            case Binary.SigmoidGrad: Mapping.Apply<SigmoidGradMapping>(x, y, z, a); break;
            case Binary.GeluGrad: Mapping.Apply<GeluGradMapping>(x, y, z, a); break;
            case Binary.GeluTanhGrad: Mapping.Apply<GeluTanhGradMapping>(x, y, z, a); break;
            case Binary.SiluGrad: Mapping.Apply<SiluGradMapping>(x, y, z, a); break;
            case Binary.MishGrad: Mapping.Apply<MishGradMapping>(x, y, z, a); break;
            case Binary.EluGrad: Mapping.Apply<EluGradMapping>(x, y, z, a); break;
            case Binary.SoftplusGrad: Mapping.Apply<SoftplusGradMapping>(x, y, z, a); break;
            case Binary.HardSwishGrad: Mapping.Apply<HardSwishGradMapping>(x, y, z, a); break;
            default: throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a binary kernel.");
        }
    }

    /// <summary>The same with one number on the right.</summary>
    public static void Apply(Binary kind, ReadOnlySpan<float> x, float y, Span<float> z)
    {
        switch (kind)
        {
            case Binary.Add: TensorPrimitives.Add(x, y, z); break;
            case Binary.Subtract: TensorPrimitives.Subtract(x, y, z); break;
            case Binary.Multiply: TensorPrimitives.Multiply(x, y, z); break;
            case Binary.Divide: TensorPrimitives.Divide(x, y, z); break;
            default: Repeat(kind, x, y, z, numberFirst: false); break;
        }
    }

    /// <summary>The same with one number on the left.</summary>
    public static void Apply(Binary kind, float x, ReadOnlySpan<float> y, Span<float> z)
    {
        switch (kind)
        {
            case Binary.Add: TensorPrimitives.Add(y, x, z); break;
            case Binary.Subtract: TensorPrimitives.Subtract(x, y, z); break;
            case Binary.Multiply: TensorPrimitives.Multiply(y, x, z); break;
            case Binary.Divide: TensorPrimitives.Divide(x, y, z); break;
            default: Repeat(kind, y, x, z, numberFirst: true); break;
        }
    }

    private static void Repeat(Binary kind, ReadOnlySpan<float> x, float number, Span<float> z, bool numberFirst)
    {
        const int block = 256;
        Span<float> repeated = stackalloc float[block];
        repeated.Fill(number);
        for (int start = 0; start < z.Length; start += block)
        {
            int length = Math.Min(block, z.Length - start);
            ReadOnlySpan<float> part = x.Slice(start, length), same = repeated[..length];
            if (numberFirst) Apply(kind, same, part, z.Slice(start, length));
            else Apply(kind, part, same, z.Slice(start, length));
        }
    }
}
