using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>What a network consists of, seen from one run of it.</summary>
public static class Network
{
    /// <summary>The result of every module call on an input, by scope, in the order of computation.</summary>
    public static IReadOnlyList<KeyValuePair<string, Tensor>> Activations(Module model, Tensor input)
    {
        using var scope = MemoryScope.Open();
        var run = new Run(fused: false).Tap();
        model.Call(run, input);
        return [.. run.Taps.Where(t => t.Key.Length > 0).Select(t => KeyValuePair.Create(t.Key, scope.Keep(t.Value)))];
    }

    /// <summary>The layers of a network in the order of computation, from one recorded run.</summary>
    /// <param name="model">The network.</param>
    /// <param name="inputs">What it is run on: shapes and costs are those of this run.</param>
    public static IReadOnlyList<LayerRow> Layers(Module model, params Tensor[] inputs)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var scope = MemoryScope.Open();
        Tensor[] outputs = model.Call(new Run(recording: true, fused: false), [.. inputs.Select(i => i.DType == DType.Float32 ? i.Watch() : i)]);
        var unseen = new Dictionary<Tensor, long>(ReferenceEqualityComparer.Instance);
        foreach (Parameter parameter in model.Parameters) unseen[parameter.Value] = parameter.Value.Count;

        List<LayerRow> rows = [];
        foreach (IGrouping<string, Node> layer in Nodes(outputs).GroupBy(n => n.Scope ?? "", StringComparer.Ordinal))
        {
            long parameters = 0;
            foreach (Tensor input in layer.SelectMany(n => n.Inputs))
            {
                if (unseen.Remove(input, out long count)) parameters += count;
            }
            rows.Add(new(layer.Key, string.Join(" + ", layer.Select(n => n.Op.Name).Distinct(StringComparer.Ordinal)), layer.Last().Output.Shape, parameters,
                layer.Sum(MultiplyAdds)));
        }
        return rows;
    }

    // Every node that leads to the outputs, in the order they were made.
    private static List<Node> Nodes(IEnumerable<Tensor> outputs)
    {
        var found = new HashSet<Node>(ReferenceEqualityComparer.Instance);
        var ways = new Stack<Tensor>(outputs);
        while (ways.TryPop(out Tensor? tensor))
        {
            if (tensor.Source is not { } node || !found.Add(node)) continue;
            foreach (Tensor input in node.Inputs) ways.Push(input);
        }
        return [.. found.OrderBy(n => n.Id)];
    }

    private static long MultiplyAdds(Node node)
    {
        if (node.Inputs.Count < 2) return 0;
        (Shape x, Shape weight, long count) = (node.Inputs[0].Shape, node.Inputs[1].Shape, node.Output.Count);
        return node.Op switch
        {
            Conv2dOp => count * (node.Inputs[1].Count / weight[0]), // a weight is [outputs, inputs / groups, height, width]
            ConvTranspose2dOp => node.Inputs[0].Count * ((long)node.Inputs[1].Count / weight[0]), // and here [inputs, outputs / groups, ...]
            LinearOp => count * weight[1],
            // A product of [.., m, k] and [.., k, n], whichever of them is transposed: m k times k n is k^2 times the elements of the result.
            MatMulOp => x.Rank < 2 || weight.Rank < 2 || count == 0 ? 0 : count * Inner(x, weight, node.Output.Shape),
            _ => 0,
        };
    }

    private static long Inner(Shape a, Shape b, Shape output)
    {
        long products = (long)a[-2] * a[-1] * b[-2] * b[-1] / ((long)output[-2] * output[-1]);
        return (long)Math.Round(Math.Sqrt(products));
    }

    /// <summary>A sentence that lists the module calls of a network, for errors.</summary>
    internal static string Scopes(Module model, Tensor input)
    {
        string[] names = [.. Activations(model, input).Select(a => a.Key)];
        return names.Length == 0 ? "The network has no named modules."
            : $"The network has {string.Join(", ", names.Take(40))}{(names.Length > 40 ? ", ..." : "")}.";
    }
}
