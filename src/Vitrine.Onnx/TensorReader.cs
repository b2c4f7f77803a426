using System.Runtime.InteropServices;
using Google.Protobuf.Collections;
using Vitrine.Onnx.Proto;

namespace Vitrine.Onnx;

/// <summary>Reads the tensors of a file: floats of any width become Float32, integers Int64.</summary>
/// <param name="folder">Where external data lie: the model's folder, or null for a model that came from a stream.</param>
/// <param name="largest">How many elements a tensor may have.</param>
internal sealed class TensorReader(string? folder, int largest)
{
    /// <summary>The value of a tensor message.</summary>
    /// <exception cref="OnnxException">The message contradicts itself, or has a type that Vitrine does not read.</exception>
    public Value Read(TensorProto proto)
    {
        string name = proto.Name.Length == 0 ? "A constant" : $"Tensor {proto.Name}";
        Shape shape = ShapeOf(proto.Dims, name);
        var type = (ElementType)proto.DataType;
        if (ElementTypes.DTypeOf(type) is null)
        {
            throw new OnnxException(
                $"{name} holds elements of {ElementTypes.Name(type)}, which Vitrine does not read (floats of 16, 32 and 64 bits, bfloat16, integers, bool).");
        }
        if (proto.Segment is not null) throw new OnnxException($"{name} is stored in segments, which Vitrine does not read; export the model without.");
        ReadOnlySpan<byte> raw = proto.RawData.Span;
        if (proto.DataLocation == TensorProto.Types.DataLocation.External) raw = External(proto, name, (long)shape.Count * Width(type));
        else if (raw.IsEmpty) return Typed(proto, shape, type, name);
        if (raw.Length != (long)shape.Count * Width(type))
        {
            throw new OnnxException($"{name} of {ElementTypes.Name(type)} {shape} takes {(long)shape.Count * Width(type)} bytes but has {raw.Length}.");
        }
        return Value.Of(Decode(raw, shape, type), type);
    }

    /// <summary>A tensor of which only the elements that are not zero are stored, as an ordinary one.</summary>
    public Value Read(SparseTensorProto proto)
    {
        string name = $"Sparse tensor {proto.Values?.Name}";
        Shape shape = ShapeOf(proto.Dims, name);
        if (proto.Values is null || proto.Indices is null) throw new OnnxException($"{name} lacks its values or its indices.");
        Value values = Read(proto.Values), indices = Read(proto.Indices);
        if (values.Tensor.DType != DType.Float32 || indices.Tensor.DType != DType.Int64)
        {
            throw new OnnxException($"{name} should have values of float at indices of int64.");
        }
        int axes = indices.Tensor.Rank == 2 ? indices.Tensor.Shape[1] : 1;
        if ((axes != 1 && axes != shape.Rank) || indices.Tensor.Count != (long)values.Tensor.Count * axes)
        {
            throw new OnnxException($"{name}: indices {indices.Tensor.Shape} do not place {values.Tensor.Count} values in {shape}.");
        }
        // What is not stored counts too, so its size must be in proportion to the file.
        if (shape.Count > 1 << 24 && shape.Count / 256 > values.Tensor.Count)
        {
            throw new OnnxException($"{name} of shape {shape} stores only {values.Tensor.Count} elements; Vitrine would have to fill it with zeros.");
        }
        float[] dense = new float[shape.Count];
        ReadOnlySpan<long> at = indices.Tensor.Longs;
        for (int i = 0; i < values.Tensor.Count; i++)
        {
            long place = 0;
            for (int a = 0; a < axes; a++)
            {
                long index = at[i * axes + a], extent = axes == 1 ? shape.Count : shape[a];
                if (index < 0 || index >= extent) throw new OnnxException($"{name}: index {index} is outside {shape}.");
                place = axes == 1 ? index : place * extent + index;
            }
            dense[place] = values.Tensor.Floats[i];
        }
        return Value.Of(Tensor.From(dense, shape), values.Type);
    }

    private Shape ShapeOf(RepeatedField<long> dims, string name)
    {
        long count = 1;
        if (dims.Count > 64) throw new OnnxException($"{name} has {dims.Count} axes.");
        int[] extents = new int[dims.Count];
        for (int i = 0; i < extents.Length; i++)
        {
            if (dims[i] < 0 || dims[i] > largest) throw new OnnxException($"{name} has the extent {dims[i]} on axis {i}.");
            extents[i] = (int)dims[i];
            count *= extents[i];
            if (count > largest)
            {
                throw new OnnxException(
                    $"{name} of shape [{string.Join(", ", dims)}] has more than {largest} elements; allow more with " +
                    $"{nameof(OnnxOptions)}.{nameof(OnnxOptions.LargestTensor)}.");
            }
        }
        return Shape.Create(extents);
    }

    private static int Width(ElementType type) => type switch
    {
        ElementType.Double or ElementType.Int64 or ElementType.UInt64 => 8,
        ElementType.Float or ElementType.Int32 or ElementType.UInt32 => 4,
        ElementType.Float16 or ElementType.BFloat16 or ElementType.Int16 or ElementType.UInt16 => 2,
        _ => 1,
    };

    private static Tensor Decode(ReadOnlySpan<byte> raw, Shape shape, ElementType type) => type switch
    {
        ElementType.Float => Tensor.From(MemoryMarshal.Cast<byte, float>(raw), shape),
        ElementType.Double => Floats<double>(raw, shape, static v => (float)v),
        ElementType.Float16 => Floats<Half>(raw, shape, static v => (float)v),
        ElementType.BFloat16 => Floats<ushort>(raw, shape, static v => BitConverter.Int32BitsToSingle(v << 16)),
        ElementType.Int64 or ElementType.UInt64 => Tensor.From(MemoryMarshal.Cast<byte, long>(raw), shape),
        ElementType.Int32 => Longs<int>(raw, shape, static v => v),
        ElementType.UInt32 => Longs<uint>(raw, shape, static v => v),
        ElementType.Int16 => Longs<short>(raw, shape, static v => v),
        ElementType.UInt16 => Longs<ushort>(raw, shape, static v => v),
        ElementType.Int8 => Longs<sbyte>(raw, shape, static v => v),
        ElementType.UInt8 => Longs<byte>(raw, shape, static v => v),
        _ => Bools(raw, shape),
    };

    private static Tensor Floats<T>(ReadOnlySpan<byte> raw, Shape shape, Func<T, float> convert)
        where T : unmanaged
    {
        ReadOnlySpan<T> from = MemoryMarshal.Cast<byte, T>(raw);
        float[] elements = new float[from.Length];
        for (int i = 0; i < elements.Length; i++) elements[i] = convert(from[i]);
        return Tensor.From(elements, shape);
    }

    private static Tensor Longs<T>(ReadOnlySpan<byte> raw, Shape shape, Func<T, long> convert)
        where T : unmanaged
    {
        ReadOnlySpan<T> from = MemoryMarshal.Cast<byte, T>(raw);
        long[] elements = new long[from.Length];
        for (int i = 0; i < elements.Length; i++) elements[i] = convert(from[i]);
        return Tensor.From(elements, shape);
    }

    private static Tensor Bools(ReadOnlySpan<byte> raw, Shape shape)
    {
        bool[] elements = new bool[raw.Length];
        for (int i = 0; i < elements.Length; i++) elements[i] = raw[i] != 0;
        return Tensor.From(elements, shape);
    }

    /// <summary>Elements in the fields of their own type. 16-bit floats are bit patterns in 32-bit integers.</summary>
    private static Value Typed(TensorProto proto, Shape shape, ElementType type, string name)
    {
        int stored = type switch
        {
            ElementType.Float => proto.FloatData.Count,
            ElementType.Double => proto.DoubleData.Count,
            ElementType.Int64 => proto.Int64Data.Count,
            ElementType.UInt64 or ElementType.UInt32 => proto.Uint64Data.Count,
            _ => proto.Int32Data.Count,
        };
        if (stored != shape.Count)
        {
            throw new OnnxException($"{name} of shape {shape} needs {shape.Count} elements of {ElementTypes.Name(type)} but has {stored}.");
        }
        return Value.Of(
            type switch
            {
                ElementType.Float => Tensor.From([.. proto.FloatData], shape),
                ElementType.Double => Tensor.From([.. proto.DoubleData.Select(v => (float)v)], shape),
                ElementType.Int64 => Tensor.From([.. proto.Int64Data], shape),
                ElementType.UInt64 or ElementType.UInt32 => Tensor.From([.. proto.Uint64Data.Select(v => (long)v)], shape),
                ElementType.Float16 => Tensor.From([.. proto.Int32Data.Select(v => (float)BitConverter.UInt16BitsToHalf((ushort)v))], shape),
                ElementType.BFloat16 => Tensor.From([.. proto.Int32Data.Select(v => BitConverter.Int32BitsToSingle(v << 16))], shape),
                ElementType.Bool => Tensor.From([.. proto.Int32Data.Select(v => v != 0)], shape),
                _ => Tensor.From([.. proto.Int32Data.Select(v => ElementTypes.Wrap(v, type))], shape),
            },
            type);
    }

    /// <summary>The bytes of a tensor that lies in a file of its own, which must be inside the model's folder.</summary>
    private byte[] External(TensorProto proto, string name, long bytes)
    {
        string? location = proto.ExternalData.FirstOrDefault(e => e.Key == "location")?.Value;
        if (string.IsNullOrEmpty(location)) throw new OnnxException($"{name} is stored outside of the file, but it does not say where.");
        if (folder is null) throw new OnnxException($"{name} is stored in the file {location} beside the model; open the model by its path, not as a stream.");
        long offset = Number("offset", 0), length = Number("length", bytes);
        if (length != bytes) throw new OnnxException($"{name} takes {bytes} bytes, but {location} is said to hold {length}.");
        string root = Path.GetFullPath(folder);
        string path = Path.IsPathRooted(location) || location.Contains(':') ? "" : Path.GetFullPath(Path.Combine(root, location));
        if (!path.StartsWith(root.EndsWith(Path.DirectorySeparatorChar) ? root : root + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw new OnnxException($"{name} names the file {location}, which is not inside the model's folder; Vitrine reads no other.");
        }
        try
        {
            // A link could lead out of the folder; none on the way is followed.
            for (string part = path; part.Length > root.TrimEnd(Path.DirectorySeparatorChar).Length; part = Path.GetDirectoryName(part)!)
            {
                if (new FileInfo(part).LinkTarget is not null)
                {
                    throw new OnnxException($"{name} names the file {location}, which is reached by a link; Vitrine follows none.");
                }
            }
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (offset > stream.Length - length) throw new OnnxException($"{name} ends at byte {offset + length} of {location}, which has {stream.Length}.");
            stream.Position = offset;
            byte[] raw = new byte[length];
            stream.ReadExactly(raw);
            return raw;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new OnnxException($"{name} is stored in {location}, which is missing; put it beside the model.", e);
        }
        catch (Exception e) when (e is (IOException or UnauthorizedAccessException) and not OnnxException)
        {
            throw new OnnxException($"{name} is stored in {location}, which cannot be read: {e.Message}", e);
        }

        long Number(string key, long otherwise)
        {
            string? text = proto.ExternalData.FirstOrDefault(e => e.Key == key)?.Value;
            if (text is null) return otherwise;
            return long.TryParse(text, out long value) && value >= 0
                ? value
                : throw new OnnxException($"{name}: {key} {text} of its external data is not a number of bytes.");
        }
    }
}
