namespace Vitrine.Onnx;

/// <summary>A layer of a network that has weights: a node that multiplies by them, with what scales or shifts its result before the next such node.</summary>
/// <param name="Name">The scope of the node: its name in the file.</param>
/// <param name="Type">The operator: <c>Conv</c>.</param>
/// <param name="Parameters">The names of its trainable parameters.</param>
public sealed record OnnxLayer(string Name, string Type, IReadOnlyList<string> Parameters)
{
    /// <summary>Operators that begin a layer when they have weights; those of all others (batch normalisation, a bias that is added) belong to the layer
    /// before.</summary>
    private static readonly HashSet<string> Beginnings = new(StringComparer.Ordinal)
    {
        "Conv", "ConvTranspose", "DeformConv", "Gemm", "MatMul", "Einsum", "LSTM", "GRU", "RNN", "Gather",
    };

    /// <summary>The layers of a graph, in the order in which they are computed.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="trainable">The names of the trainable parameters.</param>
    internal static IReadOnlyList<OnnxLayer> Of(Graph graph, IReadOnlySet<string> trainable)
    {
        var layers = new List<(string Name, string Type, List<string> Parameters)>();
        // Which parameters a value is made of, where it is made of nothing else: a transposed weight is still that weight.
        var made = new Dictionary<int, string[]>();
        for (int slot = 0; slot < graph.Template.Length; slot++)
        {
            if (graph.Template[slot] is not null) made[slot] = trainable.Contains(graph.Names[slot]) ? [graph.Names[slot]] : [];
        }
        foreach (OnnxNode node in graph.Nodes)
        {
            int[] inputs = [.. node.Inputs.Where(p => p is { Depth: 0, Slot: >= 0 }).Select(p => p.Slot)];
            string[] weights = [.. inputs.SelectMany(s => made.GetValueOrDefault(s, [])).Distinct(StringComparer.Ordinal)];
            if (inputs.Length > 0 && inputs.All(made.ContainsKey))
            {
                foreach (int output in node.Outputs.Where(o => o >= 0)) made[output] = weights;
                continue;
            }
            if (weights.Length == 0) continue;
            if (layers.Count == 0 || Beginnings.Contains(node.Type)) layers.Add((node.Name, node.Type, []));
            // A weight that several layers share belongs to the first.
            layers[^1].Parameters.AddRange(weights.Where(w => !layers.Any(l => l.Parameters.Contains(w))));
        }
        return [.. layers.Where(l => l.Parameters.Count > 0).Select(l => new OnnxLayer(l.Name, l.Type, l.Parameters))];
    }
}
