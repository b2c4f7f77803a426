using System.Text;
using Vitrine.Onnx.Proto;
using Kind = Vitrine.Onnx.Proto.AttributeProto.Types.AttributeType;

namespace Vitrine.Onnx;

/// <summary>A tensor that is an attribute, not an input.</summary>
internal sealed record Stored(Value Value);

/// <summary>Reads attributes as the types of a function's parameters.</summary>
internal static class Attributes
{
    /// <exception cref="OnnxException">The attribute has another type, or does not fit into it.</exception>
    public static object Read(AttributeProto attribute, Type type, Func<GraphProto, Graph> compile, TensorReader reader)
    {
        // Files of the first versions do not say the kind; then the parameter's stands.
        Kind kind = KindOf(type);
        if (attribute.Type != kind && attribute.Type != Kind.Undefined)
        {
            throw new OnnxException($"The attribute {attribute.Name} is {attribute.Type}, but should be {kind}.");
        }
        if (attribute.RefAttrName.Length > 0)
        {
            throw new OnnxException($"The attribute {attribute.Name} refers to {attribute.RefAttrName} of a function, but stands in none.");
        }
        return type switch
        {
            _ when type == typeof(int) => Int(attribute.I, attribute.Name),
            _ when type == typeof(long) => attribute.I,
            _ when type == typeof(bool) => attribute.I != 0,
            _ when type == typeof(float) => attribute.F,
            _ when type == typeof(string) => Text(attribute.S.Span, attribute.Name),
            _ when type == typeof(int[]) => attribute.Ints.Select(i => Int(i, attribute.Name)).ToArray(),
            _ when type == typeof(long[]) => attribute.Ints.ToArray(),
            _ when type == typeof(float[]) => attribute.Floats.ToArray(),
            _ when type == typeof(string[]) => attribute.Strings.Select(s => Text(s.Span, attribute.Name)).ToArray(),
            _ when type == typeof(Stored) => new Stored(reader.Read(attribute.T ?? throw Lacks(attribute, "tensor"))),
            _ when type == typeof(Graph) => compile(attribute.G ?? throw Lacks(attribute, "graph")),
            _ when type == typeof(TypeProto) => attribute.Tp ?? throw Lacks(attribute, "type"),
            _ => throw new OnnxException($"The attribute {attribute.Name} is of a kind that Vitrine does not read."),
        };
    }

    private static Kind KindOf(Type type) => type switch
    {
        _ when type == typeof(int) || type == typeof(long) || type == typeof(bool) => Kind.Int,
        _ when type == typeof(float) => Kind.Float,
        _ when type == typeof(string) => Kind.String,
        _ when type == typeof(int[]) || type == typeof(long[]) => Kind.Ints,
        _ when type == typeof(float[]) => Kind.Floats,
        _ when type == typeof(string[]) => Kind.Strings,
        _ when type == typeof(Stored) => Kind.Tensor,
        _ when type == typeof(Graph) => Kind.Graph,
        _ => Kind.TypeProto,
    };

    private static int Int(long value, string name) =>
        value is >= int.MinValue and <= int.MaxValue ? (int)value : throw new OnnxException($"The attribute {name} holds {value}, which is out of range.");

    private static string Text(ReadOnlySpan<byte> bytes, string name) =>
        bytes.Length <= 1 << 20 ? Encoding.UTF8.GetString(bytes) : throw new OnnxException($"The attribute {name} is a text of {bytes.Length} bytes.");

    private static OnnxException Lacks(AttributeProto attribute, string what) => new($"The attribute {attribute.Name} holds no {what}.");
}
