using Vitrine.Ops;

namespace Vitrine;

/// <summary>
/// What went on inside one direction of one recorded layer of long short-term memory, step by step: gates, what is written, the cells and the hidden states,
/// each [N, T, H]. The layer runs as one operator all the same; its inside is computed again, from what the operator was given and gave.
/// </summary>
/// <param name="Scope">The module that called the layer, as <see cref="Node.Scope"/> has it; null outside of modules.</param>
/// <param name="Reverse">Whether the layer reads from the end.</param>
/// <param name="Input">The input gate i, in (0, 1).</param>
/// <param name="Forget">The forget gate f, in (0, 1).</param>
/// <param name="Candidate">What may be written, g, in (-1, 1).</param>
/// <param name="Output">The output gate o, in (0, 1).</param>
/// <param name="Cell">c = f c' + i g.</param>
/// <param name="Hidden">h = o tanh(c).</param>
/// <remarks>Where a sequence is shorter than the others of its batch, everything behind its end is zero.</remarks>
public sealed record LstmGates(string? Scope, bool Reverse, Tensor Input, Tensor Forget, Tensor Candidate, Tensor Output, Tensor Cell, Tensor Hidden)
{
    /// <summary>The layers of long short-term memory behind a recorded result, in the order they ran.</summary>
    /// <param name="output">A result of a run that records, with fused operators allowed: <c>new Run(recording: true)</c>.</param>
    public static IReadOnlyList<LstmGates> Behind(Tensor output) =>
        [.. Autograd.Ancestors(output).Where(n => n.Op is RecurrentOp).Select(Of).OfType<LstmGates>()];

    /// <summary>The inside of a recorded layer, or null when the node is another operator.</summary>
    /// <param name="node">The node.</param>
    public static LstmGates? Of(Node node)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (node.Op is not RecurrentOp op || op.Call([.. node.Inputs]) is not { Kind: RecurrentKind.Lstm } call) return null;
        int n = call.X.Shape[0], steps = call.X.Shape[1], size = call.Hidden.Shape[1];
        Tensor hidden = node.Output.Detach().Slice(1, 0, steps); // behind them, where they were asked for, lie the last states
        // What each step found: the hidden state of the step read before it, which in a reversed layer is the next one.
        Tensor start = (call.H0?.Detach() ?? Tensor.Zeros([n, size])).Unsqueeze(1);
        Tensor found = call.Reverse ? TensorOps.Concat(1, hidden.Slice(1, 1, steps), start) : TensorOps.Concat(1, start, hidden.Slice(1, 0, steps - 1));
        if (call.Reverse && call.Lengths is not null && call.H0 is not null)
        {
            // A short sequence starts at its own end.
            Tensor next = Tensor.From([.. Enumerable.Range(1, steps).Select(t => (long)t)], [1, steps, 1]);
            found = next.Less(call.Lengths.Reshape(n, 1, 1)).Where(found, start);
        }
        Tensor sums = call.X.Detach().Linear(call.Input.Detach(), call.InputBias?.Detach())
            + found.Linear(call.Hidden.Detach(), call.HiddenBias?.Detach()); // [N, T, 4 H]
        Tensor[] parts = sums.Split([size, size, size, size], 2);
        Tensor[] gates = [parts[0].Sigmoid(), parts[1].Sigmoid(), parts[2].Tanh(), parts[3].Sigmoid()];
        if (call.Lengths is not null)
        {
            Tensor counts = Tensor.Range(steps).Reshape(1, steps, 1).Less(call.Lengths.Reshape(n, 1, 1)); // [N, T, 1]
            for (int k = 0; k < gates.Length; k++) gates[k] = counts.Where(gates[k], Tensor.Scalar(0));
        }
        Tensor cell = Cells(gates[0], gates[1], gates[2], call.C0, call.Lengths, call.Reverse);
        return new LstmGates(node.Scope, call.Reverse, gates[0], gates[1], gates[2], gates[3], cell, hidden);
    }

    private static Tensor Cells(Tensor input, Tensor forget, Tensor candidate, Tensor? start, Tensor? lengths, bool reverse)
    {
        (int n, int steps, int size) = (input.Shape[0], input.Shape[1], input.Shape[2]);
        float[] cells = new float[input.Count];
        for (int row = 0; row < n; row++)
        {
            int length = lengths is null ? steps : (int)lengths.Longs[row];
            float[] c = start is null ? new float[size] : start.Floats.Slice(row * size, size).ToArray();
            for (int step = 0; step < length; step++)
            {
                int at = (row * steps + (reverse ? length - 1 - step : step)) * size;
                ReadOnlySpan<float> i = input.Floats.Slice(at, size), f = forget.Floats.Slice(at, size), g = candidate.Floats.Slice(at, size);
                for (int k = 0; k < size; k++) c[k] = f[k] * c[k] + i[k] * g[k];
                c.CopyTo(cells, at);
            }
        }
        return Tensor.From(cells, input.Shape);
    }
}
