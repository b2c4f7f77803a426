namespace Vitrine.Ops;

/// <summary>
/// softmax(q k^T scale + mask) v in several heads, whose features lie side by side. Inputs: queries, keys and values in one tensor [N, T, 3 E], or apart
/// [N, T, E], [N, S, E], [N, S, V]; then, where there is one, a mask that broadcasts to [N, heads, T, S]. The result is [N, T, E] (or V). Of the weights a part
/// is dropped where <paramref name="dropout"/> is not 0; which, says <paramref name="key"/>.
/// </summary>
internal sealed class AttentionOp(int heads, bool causal, bool packed, bool mask, float dropout = 0, ulong key = 0) : FusedOp
{
    public override string Name => "FusedAttention";

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        AttentionCall call = Call(inputs);
        if (mask && Shape.Broadcast(inputs[^1].Shape, [call.N, heads, call.T, call.S]) is var wide && wide != Shape.Create(call.N, heads, call.T, call.S))
        {
            throw new ArgumentException($"the mask does not broadcast to [{call.N}, {heads}, {call.T}, {call.S}]");
        }
        if (!packed && (inputs[1].Shape[0] != call.N || inputs[2].Shape[0] != call.N || inputs[1].Shape[2] != call.E || inputs[2].Shape[1] != call.S))
        {
            throw new ArgumentException("queries [N, T, E], keys [N, S, E] and values [N, S, V] do not fit");
        }
        return inputs[0].Device.Attention(call);
    }

    public override Tensor Compose(ReadOnlySpan<Tensor> inputs)
    {
        AttentionCall call = Call(inputs);
        int e = call.E;
        Tensor[] parts = packed ? inputs[0].Split([e, e, e], 2) : inputs[..3].ToArray();
        Tensor values = Heads(parts[2]);
        (Tensor y, Tensor weights) = TensorOps.ScaledDotProductAttention(Heads(parts[0]), Heads(parts[1]), values, call.Mask, causal);
        if (dropout > 0) y = (weights * Dropout.Kept(weights.Device.Uniform(weights.Shape, key), dropout)).MatMul(values);
        return y.Permute(0, 2, 1, 3).Reshape(call.N, call.T, call.V);

        Tensor Heads(Tensor x) => x.Reshape(x.Shape[0], x.Shape[1], heads, x.Shape[2] / heads).Permute(0, 2, 1, 3); // [N, heads, T, E/heads]
    }

    private protected override void Kernel(Node node, Tensor grad, ReadOnlySpan<bool> wanted, Span<Tensor?> grads)
    {
        AttentionCall call = Call([.. node.Inputs]);
        bool scores = mask && wanted[^1];
        (Tensor q, Tensor? k, Tensor? v, Tensor? all) = call.Q.Device.AttentionGrad(call, node.Output, grad, scores);
        grads[0] = q;
        if (!packed) (grads[1], grads[2]) = (k, v);
        if (scores) grads[^1] = all!.SumTo(call.Mask!.Shape);
    }

    private AttentionCall Call(ReadOnlySpan<Tensor> inputs)
    {
        Tensor? given = mask ? inputs[^1] : null;
        return packed
            ? new AttentionCall(inputs[0], null, null, given, heads, causal, dropout, key)
            : new AttentionCall(inputs[0], inputs[1], inputs[2], given, heads, causal, dropout, key);
    }
}
