namespace Vitrine.Insight;

/// <summary>One layer of a network, as one run of it shows it.</summary>
/// <param name="Scope">The module call, or the node's name in an ONNX file; empty for what stands in no module.</param>
/// <param name="Type">The operators it consists of: <c>Conv2d</c>, <c>Linear + Relu</c>.</param>
/// <param name="Output">The shape of its result.</param>
/// <param name="Parameters">How many trainable numbers it uses that no layer before it uses.</param>
/// <param name="MultiplyAdds">Multiplications, each with its addition, in convolutions and matrix products; other operators count nothing.</param>
public sealed record LayerRow(string Scope, string Type, Shape Output, long Parameters, long MultiplyAdds);
