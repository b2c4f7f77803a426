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

    public static AttributeProto Attribute(string name, Tensor value) => new() { Name = name, Type = Kind.Tensor, T = Tensor(value) };

    /// <summary>A tensor with its elements, little endian.</summary>
    public static TensorProto Tensor(Tensor tensor, string name = "")
    {
        ReadOnlySpan<byte> raw = tensor.DType switch
        {
            DType.Float32 => MemoryMarshal.AsBytes(tensor.Floats),
            DType.Int64 => MemoryMarshal.AsBytes(tensor.Longs),
            _ => MemoryMarshal.AsBytes(tensor.Bools),
        };
        var proto = new TensorProto { Name = name, DataType = (int)ElementTypes.Of(tensor.DType), RawData = ByteString.CopyFrom(raw) };
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
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)ElementTypes.Of(own.DType), Shape = shape } } };
    }
}
