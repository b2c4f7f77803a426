using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>
/// A linear operator with constant weights, as the rules of layer-wise relevance propagation see it: a dense layer, a convolution, a transposed convolution or
/// a product with a constant matrix, with a bias that was added, and a batch normalisation that was applied, folded in.
/// </summary>
public sealed class LinearLayer
{
    private readonly Node _node;
    private readonly int _data;

    private LinearLayer(Node node, int data, bool isFirst)
    {
        (_node, _data, IsFirst) = (node, data, isFirst);
        Weight = node.Inputs[1 - data];
        if (node.Inputs.Count > 2) Bias = IsConvolution ? node.Inputs[2].Reshape(1, node.Inputs[2].Count, 1, 1) : node.Inputs[2];
    }

    /// <summary>What the layer was applied to.</summary>
    public Tensor Input => _node.Inputs[_data];

    /// <summary>Its weight, in the operator's own layout.</summary>
    public Tensor Weight { get; private set; }

    /// <summary>What it adds, broadcasting to its result; null for nothing.</summary>
    public Tensor? Bias { get; private set; }

    /// <summary>Whether this is a convolution, transposed or not.</summary>
    public bool IsConvolution => _node.Op is Conv2dOp or ConvTranspose2dOp;

    /// <summary>Whether no other such layer lies between the network's input and this one.</summary>
    public bool IsFirst { get; }

    /// <summary>The module call it belongs to; null outside of modules.</summary>
    public string? Scope => _node.Scope;

    /// <summary>
    /// The layer with another input, weight and bias: its result, and the way back from a result to the input, which the bias has no part in.
    /// </summary>
    public (Tensor Output, Func<Tensor, Tensor> Back) On(Tensor input, Tensor weight, Tensor? bias = null)
    {
        Node node = _data == 0 ? _node.On(input, weight) : _node.On(weight, input);
        return (bias is null ? node.Output : node.Output + bias, seed => node.Op.Backward(node, seed, _data)!);
    }

    /// <summary>The layers of a graph by node, and the nodes that are folded into them.</summary>
    internal static (Dictionary<Node, LinearLayer> Layers, HashSet<Node> Folded) Of(Graph graph)
    {
        var layers = new Dictionary<Node, LinearLayer>();
        var folded = new HashSet<Node>();
        var behind = new HashSet<Tensor>(ReferenceEqualityComparer.Instance); // what lies behind a layer
        foreach (Node node in graph.Nodes)
        {
            bool isBehind = node.Inputs.Any(behind.Contains);
            if (Data(node, graph) is { } data)
            {
                var layer = new LinearLayer(node, data, !isBehind);
                layer.Fold(graph, folded);
                layers.Add(node, layer);
                isBehind = true;
            }
            if (isBehind) behind.Add(node.Output);
        }
        return (layers, folded);
    }

    /// <summary>Which input of a linear operator is data; null when it is no such operator or its weight varies, too.</summary>
    private static int? Data(Node node, Graph graph) => node.Op switch
    {
        LinearOp or Conv2dOp or ConvTranspose2dOp or MatMulOp when !graph.Varies(node.Inputs[1]) => 0,
        MatMulOp when !graph.Varies(node.Inputs[0]) => 1,
        _ => null,
    };

    /// <summary>Takes in the operators behind this one that add a constant or normalise by constants, where nobody else reads what they read.</summary>
    private void Fold(Graph graph, HashSet<Node> folded)
    {
        for (Tensor result = _node.Output; graph.OnlyReader(result) is { } next; result = next.Output)
        {
            if (next.Output.Shape != result.Shape) return;
            if (next.Op is AddOp && graph.Constant(next) is { } bias) Bias = Bias is null ? bias : Bias + bias;
            else if (next.Op is BatchNormOp normalise && OutputAxis(result.Rank) is { } axis) Normalise(next, normalise.Epsilon, axis, result.Rank);
            else return;
            folded.Add(next);
        }
    }

    private void Normalise(Node node, float epsilon, int axis, int rank)
    {
        Tensor scale = node.Inputs[1] * (node.Inputs[4] + epsilon).Rsqrt(), shift = node.Inputs[2] - node.Inputs[3] * scale;
        Weight *= scale.Reshape(Along(Weight.Rank, axis));
        shift = shift.Reshape(Along(rank, 1));
        Bias = Bias is null ? shift : Bias * scale.Reshape(Along(rank, 1)) + shift;

        Shape Along(int axes, int at) => Shape.Create([.. Enumerable.Repeat(1, axes)]).With(at, scale.Count);
    }

    /// <summary>The axis of the weight that runs over the channels of the result, axis 1; null when channels are no single axis of it.</summary>
    private int? OutputAxis(int rank) => _node.Op switch
    {
        Conv2dOp => 0,
        LinearOp when rank == 2 => 0,
        ConvTranspose2dOp { Geometry.Groups: 1 } => 1,
        _ => null,
    };
}
