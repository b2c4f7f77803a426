namespace Vitrine.Onnx;

/// <summary>An input or output of an ONNX graph.</summary>
/// <param name="Name">Its name in the graph.</param>
/// <param name="Type">The element type in the file, as ONNX names it: <c>float</c>, <c>float16</c>, <c>int64</c>, <c>bool</c>; <c>sequence</c> for a list of
/// tensors.</param>
/// <param name="DType">The element type of the tensor that is given or received: floats of any width are Float32, integers Int64.</param>
/// <param name="Shape">One extent an axis; null where the file leaves the rank open.</param>
public sealed record OnnxPort(string Name, string Type, DType DType, IReadOnlyList<OnnxExtent>? Shape)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {Type} {(Shape is null ? "of any shape" : $"[{string.Join(", ", Shape)}]")}";
}

/// <summary>The extent of one axis of an ONNX graph's input or output.</summary>
/// <param name="Size">How many positions there are, or null when any number is allowed.</param>
/// <param name="Symbol">The name of an extent that is left open (<c>batch</c>): axes of one name have one extent. Empty where it has none.</param>
public readonly record struct OnnxExtent(int? Size, string Symbol)
{
    /// <inheritdoc/>
    public override string ToString() => Size?.ToString() ?? (Symbol.Length == 0 ? "?" : Symbol);
}
