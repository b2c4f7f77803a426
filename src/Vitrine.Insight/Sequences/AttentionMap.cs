using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>
/// The weights of one attention: how much each of T queries takes from each of S keys, for every head. Each row sums to one. Between two sentences this is the
/// alignment matrix of Bahdanau, Cho and Bengio (2015, "Neural machine translation by jointly learning to align and translate").
/// </summary>
/// <param name="Scope">The layer whose result the weights are: the name by which a run taps and edits them.</param>
/// <param name="Weights">[N, heads, T, S].</param>
public sealed record AttentionMap(string Scope, Tensor Weights)
{
    /// <summary>How many heads there are.</summary>
    public int Heads => Weights.Shape[1];

    /// <summary>Whether queries and keys are as many: the attention of a sequence to itself, as a rule.</summary>
    public bool IsSquare => Weights.Shape[2] == Weights.Shape[3];

    /// <summary>The shape that the network itself gives the weights; heads may be part of its batch axis there.</summary>
    internal Shape Own { get; private init; } = Weights.Shape;

    /// <summary>
    /// Every attention of a network on some inputs, in the order of computation. They are found in the recorded graph: a softmax along the last axis whose
    /// result, perhaps masked or rearranged, is a factor of a matrix product. So it does not matter which modules made it, or whether it came out of a file.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="inputs">Its inputs; the first axis of the first is N.</param>
    public static IReadOnlyList<AttentionMap> Of(Module network, params Tensor[] inputs)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(inputs);
        using var scope = MemoryScope.Open();
        Tensor[] outputs = network.Call(new Run(recording: true, fused: false), [.. inputs.Select(i => i.DType == DType.Float32 ? i.Watch() : i)]);
        Node[] nodes = [.. outputs.SelectMany(Autograd.Ancestors).Distinct().OrderBy(n => n.Id)];
        var readers = new Dictionary<Tensor, List<Node>>(ReferenceEqualityComparer.Instance);
        foreach (Node node in nodes)
            foreach (Tensor input in node.Inputs)
            {
                if (!readers.TryGetValue(input, out List<Node>? list)) readers[input] = list = [];
                list.Add(node);
            }
        return [.. nodes.Where(n => n.Op is SoftmaxOp { Log: false } softmax && n.Output.Rank is >= 2 and <= 4
            && (softmax.Axis == -1 || softmax.Axis == n.Output.Rank - 1) && Mixes(n.Output, readers)).Select(n => Map(n, inputs[0].Shape[0], scope))];
    }

    /// <summary>
    /// The attention of a layer that is called once for each step, as one map: maps of one query each whose scopes are <c>a</c>, <c>a#2</c>, <c>a#3</c> and so
    /// on, or in a file <c>/a/Softmax</c>, <c>/a#2/Softmax</c>, become queries of the first, in the order of calls. Other maps stay as they are.
    /// </summary>
    /// <param name="maps">See <see cref="Of"/>.</param>
    /// <remarks>For reading only: a run edits each call by itself, so heads are ablated by the maps that <see cref="Of"/> gave.</remarks>
    public static IReadOnlyList<AttentionMap> OverSteps(IReadOnlyList<AttentionMap> maps)
    {
        ArgumentNullException.ThrowIfNull(maps);
        return
        [
            .. maps.GroupBy(m => m.Weights.Shape[2] == 1 ? (Layer(m.Scope), m.Weights.Shape) : (m.Scope, m.Weights.Shape)).Select(calls =>
                calls.Count() == 1 ? calls.First() : new AttentionMap(calls.Key.Item1, TensorOps.Concat(2, [.. calls.Select(c => c.Weights)]))),
        ];

        // The scope without the numbers of calls.
        static string Layer(string scope) => string.Join('/', scope.Split('/').Select(part => part.LastIndexOf('#') is > 0 and var at ? part[..at] : part));
    }

    private static AttentionMap Map(Node node, int n, MemoryScope scope)
    {
        Tensor weights = scope.Keep(node.Output);
        Shape own = weights.Shape;
        (int t, int s) = (own[-2], own[-1]);
        int heads = own.Rank == 4 ? own[1] : own.Rank == 3 && own[0] % n == 0 ? own[0] / n : 1;
        int batch = weights.Count / Math.Max(1, heads * t * s);
        return new AttentionMap(node.Scope ?? "", weights.Reshape(batch, heads, t, s)) { Own = own };
    }

    /// <summary>Whether a tensor reaches a matrix product by nothing but rearrangements, masks and dropout.</summary>
    private static bool Mixes(Tensor weights, Dictionary<Tensor, List<Node>> readers)
    {
        foreach (Node reader in readers.GetValueOrDefault(weights) ?? [])
        {
            if (reader.Op is MatMulOp) return true;
            if ((reader.Op.Traits.HasFlag(OpTraits.Reshaping) || reader.Op is WhereOp) && Mixes(reader.Output, readers)) return true;
        }
        return false;
    }
}
