namespace Vitrine.Ops;

/// <summary>
/// One direction of one recurrent layer over a whole sequence. Inputs: x [N, T, inputs], input weights [gates H, inputs], hidden weights [gates H, H], then
/// where there are: both biases [gates H], the states to start from [N, H], the lengths [N]. The result is the hidden states [N, T, H], and behind them along
/// the second axis, where asked for, the last states.
/// </summary>
internal sealed class RecurrentOp(RecurrentKind kind, bool reverse, bool biases, bool starts, bool lengths, bool wantLast) : FusedOp
{
    public override string Name => $"Fused{kind}";

    private int States => kind == RecurrentKind.Lstm ? 2 : 1;

    /// <summary>Applies the operator and takes its result apart.</summary>
    public static Tensor Layer(
        RecurrentKind kind, bool reverse, Tensor x, RecurrentWeights w, Tensor?[] start, Tensor? lengths, bool wantLast, out Tensor[] states)
    {
        bool given = start.Any(s => s is not null), biases = w.InputBias is not null;
        var inputs = new List<Tensor>(8) { x, w.Input, w.Hidden };
        if (biases) inputs.AddRange([w.InputBias!, w.HiddenBias!]);
        if (given) inputs.AddRange(start.Select(s => s ?? Tensor.Zeros([x.Shape[0], w.Hidden.Shape[1]])));
        if (lengths is not null) inputs.Add(lengths);
        Tensor y = new RecurrentOp(kind, reverse, biases, given, lengths is not null, wantLast).Apply([.. inputs]);
        states = [];
        if (!wantLast) return y;
        int steps = x.Shape[1];
        states = [.. start.Select((_, i) => y.Slice(1, steps + i, steps + i + 1).Squeeze(1))];
        return y.Slice(1, 0, steps);
    }

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        RecurrentCall call = Call(inputs);
        int size = call.Hidden.Shape[1], rows = TensorOps.Gates(kind) * size;
        if (call.Input.Rank != 2 || call.Input.Shape[0] != rows || call.Input.Shape[1] != call.X.Shape[2])
        {
            throw new ArgumentException($"the input weights should be [{rows}, {call.X.Shape[2]}]");
        }
        if (call.InputBias is not null && (call.InputBias.Count != rows || call.HiddenBias!.Count != rows))
        {
            throw new ArgumentException($"the biases should be [{rows}]");
        }
        Shape state = [call.X.Shape[0], size];
        if ((call.H0 is not null && call.H0.Shape != state) || (call.C0 is not null && call.C0.Shape != state))
        {
            throw new ArgumentException($"the states should be {state}");
        }
        return call.X.Device.Recurrent(call);
    }

    public override Tensor Compose(ReadOnlySpan<Tensor> inputs)
    {
        RecurrentCall call = Call(inputs);
        var weights = new RecurrentWeights(call.Input, call.Hidden, call.InputBias, call.HiddenBias);
        Tensor y = TensorOps.Steps(kind, reverse, call.X, weights, States == 2 ? [call.H0, call.C0] : [call.H0], call.Lengths, out Tensor[] last);
        return wantLast ? TensorOps.Concat(1, [y, .. last.Select(s => s.Unsqueeze(1))]) : y;
    }

    private protected override void Kernel(Node node, Tensor grad, ReadOnlySpan<bool> wanted, Span<Tensor?> grads)
    {
        Tensor[] inputs = [.. node.Inputs];
        RecurrentCall call = Call(inputs);
        int bias = 3, start = bias + (biases ? 2 : 0);
        RecurrentGrads g = call.X.Device.RecurrentGrad(
            call, node.Output, grad, wanted[0], wanted[1], wanted[2], biases && (wanted[bias] || wanted[bias + 1]));
        (grads[0], grads[1], grads[2]) = (g.X, g.Input, g.Hidden);
        if (biases) (grads[bias], grads[bias + 1]) = (g.InputBias, g.HiddenBias);
        if (starts) grads[start] = g.H0;
        if (starts && States == 2) grads[start + 1] = g.C0;
    }

    /// <summary>The inputs by what they are, with the attributes.</summary>
    internal RecurrentCall Call(ReadOnlySpan<Tensor> inputs)
    {
        int start = biases ? 5 : 3;
        return new RecurrentCall(
            kind, reverse, wantLast, inputs[0], inputs[1], inputs[2], biases ? inputs[3] : null, biases ? inputs[4] : null,
            starts ? inputs[start] : null, starts && States == 2 ? inputs[start + 1] : null, lengths ? inputs[^1] : null);
    }
}
