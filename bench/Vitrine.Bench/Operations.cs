using Vitrine.Ops;

namespace Vitrine.Bench;

/// <summary>
/// Floating-point operations of matrix products and convolutions, two for a multiply-add; everything else counts as none. A convolution counts as the sum over
/// its window that defines it, however it is computed: Winograd's method needs fewer, and shows as a higher rate.
/// </summary>
internal static class Operations
{
    /// <summary>Those of a pass, forwards and backwards.</summary>
    public static double Of(Pass pass) => pass.Nodes().Sum(at => Forward(at.Node) + Backward(at.Node, at.Wanted));

    /// <summary>Those of a node's forward pass.</summary>
    public static double Forward(Node node)
    {
        Tensor first = node.Inputs[0], y = node.Output;
        switch (node.Op)
        {
            case Conv2dOp or Conv2dReluOp or LinearOp or LinearChainOp:
                return 2.0 * y.Count * node.Inputs[1].Count / node.Inputs[1].Shape[0];
            case ConvTranspose2dOp:
                return 2.0 * first.Count * node.Inputs[1].Count / node.Inputs[1].Shape[0];
            case MatMulOp:
                return 2.0 * y.Count * first.Shape[-1] * first.Shape[-2] / y.Shape[-2];
            case RecurrentOp:
                return Recurrent(node) is var (byInput, byHidden) ? byInput + byHidden : 0;
            case AttentionOp:
                (double pairs, int keys, int values) = Attention(node);
                return 2 * pairs * (keys + values);
            default:
                return 0;
        }
    }

    /// <summary>Those of the gradients that are wanted of a node.</summary>
    public static double Backward(Node node, bool[] wanted)
    {
        if (!wanted.Contains(true)) return 0;
        switch (node.Op)
        {
            case RecurrentOp:
                // Through time always; then x and the weights of x, and the weights of the states.
                (double byInput, double byHidden) = Recurrent(node);
                return byHidden + (wanted[0] ? byInput : 0) + (wanted[1] ? byInput : 0) + (wanted[2] ? byHidden : 0);
            case AttentionOp:
                // Scores again, and gradients of queries and keys; gradients of weights and of values.
                (double pairs, int keys, int values) = Attention(node);
                return 2 * pairs * (3 * keys + 2 * values);
            default:
                // The gradient of a factor is a product of the same three extents; that of a bias, the third input, is a sum.
                return Forward(node) * wanted.Take(2).Count(w => w);
        }
    }

    /// <summary>Products of the input weights and of the hidden weights with their vectors, all steps together.</summary>
    private static (double ByInput, double ByHidden) Recurrent(Node node)
    {
        Tensor x = node.Inputs[0];
        double vectors = (double)x.Shape[0] * x.Shape[1];
        return (2 * vectors * node.Inputs[1].Count, 2 * vectors * node.Inputs[2].Count);
    }

    /// <summary>How many pairs of query and key there are, and the features of a key and of a value, all heads together.</summary>
    private static (double Pairs, int Keys, int Values) Attention(Node node)
    {
        Tensor q = node.Inputs[0];
        bool packed = node.Inputs.Count <= 2;
        Tensor keys = packed ? q : node.Inputs[1];
        return ((double)q.Shape[0] * q.Shape[1] * keys.Shape[1], packed ? q.Shape[2] / 3 : q.Shape[2], node.Output.Shape[2]);
    }
}
