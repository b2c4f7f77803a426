namespace Vitrine.Onnx;

/// <summary>The element types of the format, by their numbers. Tensors of the engine are Float32, Int64 or Bool; the type says what they stand for.</summary>
internal enum ElementType
{
    Undefined = 0,
    Float = 1,
    UInt8 = 2,
    Int8 = 3,
    UInt16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    UInt32 = 12,
    UInt64 = 13,
    Complex64 = 14,
    Complex128 = 15,
    BFloat16 = 16,
}

internal static class ElementTypes
{
    /// <summary>The engine's type for a type of the format, or null where there is none.</summary>
    public static DType? DTypeOf(ElementType type) => type switch
    {
        ElementType.Float or ElementType.Float16 or ElementType.Double or ElementType.BFloat16 => DType.Float32,
        ElementType.UInt8 or ElementType.Int8 or ElementType.UInt16 or ElementType.Int16 or ElementType.Int32 or ElementType.Int64
            or ElementType.UInt32 or ElementType.UInt64 => DType.Int64,
        ElementType.Bool => DType.Bool,
        _ => null,
    };

    /// <summary>The type of the format that is the engine's own.</summary>
    public static ElementType Of(DType dtype) => dtype switch { DType.Float32 => ElementType.Float, DType.Int64 => ElementType.Int64, _ => ElementType.Bool };

    /// <summary>The format's name of a type: <c>float16</c>.</summary>
    public static string Name(ElementType type) => Enum.IsDefined(type) ? type.ToString().ToLowerInvariant() : $"type number {(int)type}";

    /// <summary>The least and the greatest value of an integer type; those of 64 bits are all an Int64 has.</summary>
    public static (long Least, long Greatest) Range(ElementType type) => type switch
    {
        ElementType.UInt8 => (byte.MinValue, byte.MaxValue),
        ElementType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
        ElementType.UInt16 => (ushort.MinValue, ushort.MaxValue),
        ElementType.Int16 => (short.MinValue, short.MaxValue),
        ElementType.Int32 => (int.MinValue, int.MaxValue),
        ElementType.UInt32 => (uint.MinValue, uint.MaxValue),
        _ => (long.MinValue, long.MaxValue),
    };

    /// <summary>How many bits an integer type has.</summary>
    public static int Bits(ElementType type) => type switch
    {
        ElementType.UInt8 or ElementType.Int8 => 8,
        ElementType.UInt16 or ElementType.Int16 => 16,
        ElementType.UInt32 or ElementType.Int32 => 32,
        _ => 64,
    };

    /// <summary>What is left of an integer in its type: the lowest bits.</summary>
    public static long Wrap(long value, ElementType type) => type switch
    {
        ElementType.UInt8 => (byte)value,
        ElementType.Int8 => (sbyte)value,
        ElementType.UInt16 => (ushort)value,
        ElementType.Int16 => (short)value,
        ElementType.Int32 => (int)value,
        ElementType.UInt32 => (uint)value,
        _ => value,
    };
}
