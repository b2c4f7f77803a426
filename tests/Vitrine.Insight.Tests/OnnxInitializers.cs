using System.Runtime.InteropServices;
using System.Text;

namespace Vitrine.Insight.Tests;

/// <summary>Reads the float initializers of an ONNX file: just enough of the protobuf wire format for the weights of the golden networks.</summary>
internal static class OnnxInitializers
{
    public static Dictionary<string, Tensor> Read(string path)
    {
        var weights = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach ((int field, ReadOnlyMemory<byte> graph) in Fields(File.ReadAllBytes(path)))
        {
            if (field != 7) continue; // ModelProto.graph
            foreach ((int part, ReadOnlyMemory<byte> tensor) in Fields(graph))
            {
                if (part == 5) Add(weights, tensor); // GraphProto.initializer
            }
        }
        return weights;
    }

    private static void Add(Dictionary<string, Tensor> weights, ReadOnlyMemory<byte> tensor)
    {
        var dims = new List<int>();
        string name = "";
        ReadOnlyMemory<byte> raw = default;
        foreach ((int field, ReadOnlyMemory<byte> value) in Fields(tensor))
        {
            if (field == 1) dims.Add((int)MemoryMarshal.Read<long>(value.Span));
            if (field == 8) name = Encoding.UTF8.GetString(value.Span);
            if (field == 9) raw = value;
        }
        weights.Add(name, Tensor.From(MemoryMarshal.Cast<byte, float>(raw.Span), Shape.Create([.. dims])));
    }

    /// <summary>Field numbers and contents; a varint's content is its value as eight bytes.</summary>
    private static IEnumerable<(int Field, ReadOnlyMemory<byte> Value)> Fields(ReadOnlyMemory<byte> message)
    {
        int at = 0;
        while (at < message.Length)
        {
            long tag = Varint(message.Span, ref at);
            int length = (tag & 7) switch { 0 => 0, 1 => 8, 5 => 4, 2 => (int)Varint(message.Span, ref at), _ => throw new InvalidDataException("group") };
            if ((tag & 7) == 0) yield return ((int)(tag >> 3), BitConverter.GetBytes(Varint(message.Span, ref at)));
            else yield return ((int)(tag >> 3), message.Slice(at, length));
            at += length;
        }
    }

    private static long Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        long value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte b = bytes[at++];
            value |= (long)(b & 127) << shift;
            if (b < 128) return value;
        }
    }
}
