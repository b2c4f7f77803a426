namespace Vitrine.Onnx;

/// <summary>Runs graphs node by node.</summary>
internal static class Interpreter
{
    /// <summary>The outputs of a graph on inputs.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="run">The forward pass this is part of.</param>
    /// <param name="inputs">One for each of the graph's inputs.</param>
    /// <param name="outer">The values of the graph around this one, or null.</param>
    /// <param name="options">Limits.</param>
    public static Value[] Evaluate(Graph graph, Run run, ReadOnlySpan<Value> inputs, Frame? outer, OnnxOptions options)
    {
        if (inputs.Length != graph.Inputs.Count) throw new ArgumentException($"the graph {graph.Name} takes {graph.Inputs.Count} inputs, not {inputs.Length}");
        if (run.OnlyAnswers && graph.Shortcut is not null) return graph.Shortcut.Evaluate(run, inputs, options);
        var frame = new Frame((Value?[])graph.Template.Clone(), outer);
        for (int i = 0; i < inputs.Length; i++)
        {
            (string name, int slot) = graph.Inputs[i];
            frame.Values[slot] = inputs[i].IsTensor ? inputs[i].With(run.Value(name, inputs[i].Tensor)) : inputs[i];
        }
        foreach (OnnxNode node in graph.Nodes) node.Execute(run, frame, options);
        return Results(graph, frame);
    }

    public static Value[] Results(Graph graph, Frame frame) =>
        [.. graph.Outputs.Select(o => frame[o.Place] ?? throw new OnnxException($"The graph {graph.Name} gave no value for its output {o.Name}."))];
}
