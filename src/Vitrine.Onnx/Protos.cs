using Vitrine.Onnx.Proto;

namespace Vitrine.Onnx;

/// <summary>Walks the messages of a file.</summary>
internal static class Protos
{
    /// <summary>A graph and every graph inside its nodes.</summary>
    public static IEnumerable<GraphProto> Graphs(GraphProto graph) => [graph, .. graph.Node.SelectMany(Inside).SelectMany(Graphs)];

    /// <summary>The graphs among a node's attributes.</summary>
    public static IEnumerable<GraphProto> Inside(NodeProto node) => node.Attribute.SelectMany(a => a.G is null ? a.Graphs : a.Graphs.Prepend(a.G));

    /// <summary>The names of values that a node reads: its inputs, and what the graphs inside it take from around it.</summary>
    public static IEnumerable<string> Needs(NodeProto node)
    {
        HashSet<string> needs = [.. node.Input.Where(n => n.Length > 0)];
        foreach (GraphProto graph in Inside(node))
        {
            HashSet<string> own = [.. graph.Input.Select(i => i.Name), .. graph.Initializer.Select(i => i.Name), .. graph.Node.SelectMany(n => n.Output)];
            needs.UnionWith(graph.Node.SelectMany(Needs).Concat(graph.Output.Select(o => o.Name)).Where(n => !own.Contains(n)));
        }
        return needs;
    }
}
