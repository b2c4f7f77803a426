using System.Buffers;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Vitrine.Onnx.Proto;
using Kind = Vitrine.Onnx.Proto.AttributeProto.Types.AttributeType;

namespace Vitrine.Onnx;

/// <summary>Makes the messages of a file.</summary>
internal static class Messages
{
    public static AttributeProto Attribute(string name, long value) => new() { Name = name, Type = Kind.Int, I = value };

    public static AttributeProto Attribute(string name, float value) => new() { Name = name, Type = Kind.Float, F = value };

    public static AttributeProto Attribute(string name, string value) => new() { Name = name, Type = Kind.String, S = ByteString.CopyFromUtf8(value) };

    public static AttributeProto Attribute(string name, int[] values) => new() { Name = name, Type = Kind.Ints, Ints = { values.Select(v => (long)v) } };

    public static AttributeProto Attribute(string name, string[] values) =>
        new() { Name = name, Type = Kind.Strings, Strings = { values.Select(ByteString.CopyFromUtf8) } };

    public static AttributeProto Attribute(string name, Tensor value) => new() { Name = name, Type = Kind.Tensor, T = Tensor(value) };

    /// <summary>A tensor with its elements, little endian. They are the tensor's own, not copied: write the message before they change.</summary>
    public static TensorProto Tensor(Tensor tensor, string name = "")
    {
        ByteString elements = UnsafeByteOperations.UnsafeWrap(new Elements(tensor).Memory);
        var proto = new TensorProto { Name = name, DataType = (int)ElementTypes.Of(tensor.DType), RawData = elements };
        foreach (int extent in tensor.Shape.Dims) proto.Dims.Add(extent);
        return proto;
    }

    /// <summary>An input or output: extents that differ between two runs are those of the batch.</summary>
    public static ValueInfoProto Port(string name, Tensor own, Tensor other, Batch batch)
    {
        var shape = new TensorShapeProto();
        for (int i = 0; i < own.Rank; i++)
        {
            var extent = new TensorShapeProto.Types.Dimension();
            if (own.Shape[i] == other.Shape[i]) extent.DimValue = own.Shape[i];
            else if (own.Shape[i] == batch.Own && other.Shape[i] == batch.Other) extent.DimParam = batch.Name;
            shape.Dim.Add(extent);
        }
        var type = new TypeProto.Types.Tensor { ElemType = (int)ElementTypes.Of(own.DType), Shape = shape };
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = type } };
    }

    /// <summary>The elements of a tensor as bytes.</summary>
    private sealed class Elements(Tensor tensor) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => tensor.DType switch
        {
            DType.Float32 => Bytes(tensor.Floats),
            DType.Int64 => Bytes(tensor.Longs),
            _ => Bytes(tensor.Bools),
        };

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException("managed code alone reads these bytes");

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }

        // Whoever asks for memory promises to read it only.
        private static Span<byte> Bytes<T>(ReadOnlySpan<T> elements)
            where T : struct => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(elements), elements.Length));
    }
}
