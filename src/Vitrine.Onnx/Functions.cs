using Vitrine.Onnx.Proto;

namespace Vitrine.Onnx;

/// <summary>Writes the functions of a file out where they are called.</summary>
internal static class Functions
{
    private const int Deepest = 32;
    private const int Most = 100_000;

    /// <summary>Replaces every call of a function of the model by the function's nodes, their inner values named after the call.</summary>
    /// <exception cref="OnnxException">Functions call each other in a circle, or grow beyond measure.</exception>
    public static void Inline(ModelProto model, OperatorSets sets)
    {
        if (model.Functions.Count == 0) return;
        var functions = new Dictionary<(string, string), FunctionProto>();
        foreach (FunctionProto function in model.Functions) functions.TryAdd((function.Domain, function.Name), function);
        int room = Most;
        Expand(model.Graph, functions, sets, null, 0, ref room);
    }

    private static void Expand(
        GraphProto graph, Dictionary<(string, string), FunctionProto> functions, OperatorSets sets, Dictionary<string, long>? versions, int depth, ref int room)
    {
        var nodes = new List<NodeProto>();
        int call = 0;
        foreach (NodeProto node in graph.Node) Expand(node, nodes, functions, sets, versions, depth, ref room, ref call);
        graph.Node.Clear();
        graph.Node.AddRange(nodes);
    }

    private static void Expand(
        NodeProto node, List<NodeProto> nodes, Dictionary<(string, string), FunctionProto> functions, OperatorSets sets, Dictionary<string, long>? versions,
        int depth,
        ref int room, ref int call)
    {
        if (--room < 0) throw new OnnxException($"The functions of the model grow to over {Most} nodes.");
        foreach (GraphProto inner in Protos.Inside(node)) Expand(inner, functions, sets, versions, depth, ref room);
        if (versions is not null) sets.Set(node, versions);
        bool own = OperatorSets.DomainOf(node).Length == 0 && sets.Find(node) is not null;
        if (own || !functions.TryGetValue((node.Domain, node.OpType), out FunctionProto? function))
        {
            nodes.Add(node);
            return;
        }
        if (depth == Deepest) throw new OnnxException($"The function {function.Name} is called {Deepest} calls deep; functions may not call themselves.");
        string prefix = $"{(node.Name.Length > 0 ? node.Name : $"{node.OpType}_{call++}")}/";
        var names = new Dictionary<string, string>(StringComparer.Ordinal) { [""] = "" };
        for (int i = 0; i < function.Input.Count; i++) names[function.Input[i]] = i < node.Input.Count ? node.Input[i] : "";
        for (int i = 0; i < function.Output.Count; i++)
        {
            names[function.Output[i]] = i < node.Output.Count && node.Output[i].Length > 0 ? node.Output[i] : prefix + function.Output[i];
        }
        Dictionary<string, AttributeProto> given = function.AttributeProto.Concat(node.Attribute).GroupBy(a => a.Name, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Last(), StringComparer.Ordinal);
        Dictionary<string, long> imports = OperatorSets.Read(function.OpsetImport);
        foreach (NodeProto inner in function.Node)
        {
            NodeProto copy = inner.Clone();
            if (copy.Name.Length > 0) copy.Name = prefix + copy.Name;
            Fill(copy, names, prefix, given);
            Expand(copy, nodes, functions, sets, imports, depth + 1, ref room, ref call);
        }
    }

    /// <summary>Gives the values of a copied node their names in the calling graph, and its attributes the values of the call.</summary>
    private static void Fill(NodeProto node, Dictionary<string, string> names, string prefix, Dictionary<string, AttributeProto> given)
    {
        for (int i = 0; i < node.Input.Count; i++) node.Input[i] = Named(node.Input[i]);
        for (int i = 0; i < node.Output.Count; i++) node.Output[i] = Named(node.Output[i]);
        for (int i = node.Attribute.Count - 1; i >= 0; i--)
        {
            if (node.Attribute[i].RefAttrName is not { Length: > 0 } source) continue;
            string name = node.Attribute[i].Name;
            node.Attribute.RemoveAt(i);
            if (!given.TryGetValue(source, out AttributeProto? value)) continue; // left out by the caller: the operator's default
            AttributeProto copy = value.Clone();
            copy.Name = name;
            node.Attribute.Add(copy);
        }
        foreach (GraphProto graph in Protos.Inside(node))
        {
            foreach (ValueInfoProto info in graph.Input.Concat(graph.Output)) info.Name = Named(info.Name);
            foreach (TensorProto tensor in graph.Initializer) tensor.Name = Named(tensor.Name);
            foreach (NodeProto inner in graph.Node) Fill(inner, names, prefix, given);
        }

        string Named(string name)
        {
            if (!names.TryGetValue(name, out string? known)) names.Add(name, known = prefix + name);
            return known;
        }
    }
}
