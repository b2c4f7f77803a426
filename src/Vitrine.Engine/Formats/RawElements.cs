using System.Runtime.InteropServices;

namespace Vitrine;

/// <summary>The types of elements that files have.</summary>
internal enum ElementType
{
    Float64,
    Float32,
    Float16,
    BFloat16,
    Int64,
    Int32,
    Int16,
    Int8,
    UInt64,
    UInt32,
    UInt16,
    UInt8,
    Bool,
}

/// <summary>Little-endian elements of a file as a tensor: floating point becomes Float32, integers Int64, truth values Bool.</summary>
internal static class RawElements
{
    public static int Bytes(ElementType type) => type switch
    {
        ElementType.Float64 or ElementType.Int64 or ElementType.UInt64 => 8,
        ElementType.Float32 or ElementType.Int32 or ElementType.UInt32 => 4,
        ElementType.Float16 or ElementType.BFloat16 or ElementType.Int16 or ElementType.UInt16 => 2,
        _ => 1,
    };

    /// <summary>Bytes of an element of the tensor that <see cref="Decode"/> makes.</summary>
    public static int DecodedBytes(ElementType type) => type switch
    {
        <= ElementType.BFloat16 => 4,
        ElementType.Bool => 1,
        _ => 8,
    };

    /// <summary>The tensor of the given shape.</summary>
    /// <exception cref="OverflowException">An unsigned integer is above 2^63 - 1.</exception>
    public static Tensor Decode(ReadOnlySpan<byte> raw, ElementType type, Shape shape) => type switch
    {
        ElementType.Float32 => Tensor.From(MemoryMarshal.Cast<byte, float>(raw), shape),
        ElementType.Float64 => Floats<double>(raw, shape, v => (float)v),
        ElementType.Float16 => Floats<Half>(raw, shape, v => (float)v),
        ElementType.BFloat16 => Floats<ushort>(raw, shape, v => BitConverter.Int32BitsToSingle(v << 16)),
        ElementType.Int64 => Tensor.From(MemoryMarshal.Cast<byte, long>(raw), shape),
        ElementType.Int32 => Longs<int>(raw, shape, v => v),
        ElementType.Int16 => Longs<short>(raw, shape, v => v),
        ElementType.Int8 => Longs<sbyte>(raw, shape, v => v),
        ElementType.UInt64 => Longs<ulong>(raw, shape, v => checked((long)v)),
        ElementType.UInt32 => Longs<uint>(raw, shape, v => v),
        ElementType.UInt16 => Longs<ushort>(raw, shape, v => v),
        ElementType.UInt8 => Longs<byte>(raw, shape, v => v),
        _ => Bools(raw, shape),
    };

    /// <summary>The bytes of a tensor's elements.</summary>
    public static ReadOnlySpan<byte> Of(Tensor tensor) => tensor.DType switch
    {
        DType.Float32 => MemoryMarshal.AsBytes(tensor.Floats),
        DType.Int64 => MemoryMarshal.AsBytes(tensor.Longs),
        _ => MemoryMarshal.AsBytes(tensor.Bools),
    };

    private static Tensor Floats<T>(ReadOnlySpan<byte> raw, Shape shape, Func<T, float> convert)
        where T : unmanaged
    {
        float[] elements = new float[shape.Count];
        ReadOnlySpan<T> from = MemoryMarshal.Cast<byte, T>(raw);
        for (int i = 0; i < elements.Length; i++) elements[i] = convert(from[i]);
        return Tensor.From(elements, shape);
    }

    private static Tensor Longs<T>(ReadOnlySpan<byte> raw, Shape shape, Func<T, long> convert)
        where T : unmanaged
    {
        long[] elements = new long[shape.Count];
        ReadOnlySpan<T> from = MemoryMarshal.Cast<byte, T>(raw);
        for (int i = 0; i < elements.Length; i++) elements[i] = convert(from[i]);
        return Tensor.From(elements, shape);
    }

    private static Tensor Bools(ReadOnlySpan<byte> raw, Shape shape)
    {
        bool[] elements = new bool[shape.Count];
        for (int i = 0; i < elements.Length; i++) elements[i] = raw[i] != 0;
        return Tensor.From(elements, shape);
    }
}
