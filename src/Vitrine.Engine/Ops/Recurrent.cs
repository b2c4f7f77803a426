namespace Vitrine;

/// <summary>The weights of one layer of a recurrent network in one direction, gates one below the other: i, f, g, o (LSTM), r, z, n (GRU), or none.</summary>
/// <param name="Input">[gates H, inputs].</param>
/// <param name="Hidden">[gates H, H].</param>
/// <param name="InputBias">[gates H], or null.</param>
/// <param name="HiddenBias">[gates H], or null.</param>
public readonly record struct RecurrentWeights(Tensor Input, Tensor Hidden, Tensor? InputBias = null, Tensor? HiddenBias = null)
{
    /// <summary>
    /// Weights under PyTorch's names, <c>weight_ih_l0</c>, <c>weight_hh_l0_reverse</c> and so on: layer after layer, in each forwards then backwards.
    /// </summary>
    /// <exception cref="ArgumentException">A name is missing.</exception>
    public static IReadOnlyList<RecurrentWeights> Named(Func<string, Tensor?> find, int layers, bool bidirectional)
    {
        var all = new List<RecurrentWeights>();
        for (int layer = 0; layer < layers; layer++)
        {
            foreach (string end in bidirectional ? new[] { $"l{layer}", $"l{layer}_reverse" } : [$"l{layer}"])
            {
                all.Add(new RecurrentWeights(Required($"weight_ih_{end}"), Required($"weight_hh_{end}"), find($"bias_ih_{end}"), find($"bias_hh_{end}")));
            }
        }
        return all;

        Tensor Required(string name) => find(name) ?? throw new ArgumentException($"A recurrent network of {layers} layers needs {name}.");
    }
}

// Recurrent networks, composed of operators: rules and second derivatives see every gate. Sequences are [N, T, features].
public static partial class TensorOps
{
    /// <summary>Long short-term memory (Hochreiter and Schmidhuber 1997) over a sequence.</summary>
    /// <param name="x">[N, T, inputs].</param>
    /// <param name="weights">Layer after layer, in each forwards then (if bidirectional) backwards; gates i, f, g, o.</param>
    /// <param name="bidirectional">Whether each layer also reads from the end.</param>
    /// <param name="hidden">[layers directions, N, H] to start from; null for zeros.</param>
    /// <param name="cell">[layers directions, N, H] to start from; null for zeros.</param>
    /// <returns>The hidden states of the last layer [N, T, directions H], and the last hidden and cell states [layers directions, N, H].</returns>
    public static (Tensor Output, Tensor Hidden, Tensor Cell) Lstm(
        this Tensor x, IReadOnlyList<RecurrentWeights> weights, bool bidirectional = false, Tensor? hidden = null, Tensor? cell = null)
    {
        (Tensor output, Tensor[] last) = Recur(x, weights, bidirectional, 4, [hidden, cell], static (gates, w, state) =>
        {
            (Tensor h, Tensor c) = (state[0], state[1]);
            Tensor[] parts = (gates + h.Linear(w.Hidden, w.HiddenBias)).SplitEvenly(4);
            Tensor i = parts[0].Sigmoid(), f = parts[1].Sigmoid(), g = parts[2].Tanh(), o = parts[3].Sigmoid();
            c = f * c + i * g;
            return [o * c.Tanh(), c];
        });
        return (output, last[0], last[1]);
    }

    /// <summary>Gated recurrent units (Cho et al. 2014) over a sequence, in PyTorch's form: the reset gate acts on the product with the hidden state.</summary>
    /// <param name="x">[N, T, inputs].</param>
    /// <param name="weights">Layer after layer, in each forwards then (if bidirectional) backwards; gates r, z, n.</param>
    /// <param name="bidirectional">Whether each layer also reads from the end.</param>
    /// <param name="hidden">[layers directions, N, H] to start from; null for zeros.</param>
    /// <returns>The hidden states of the last layer [N, T, directions H], and the last hidden states [layers directions, N, H].</returns>
    public static (Tensor Output, Tensor Hidden) Gru(this Tensor x, IReadOnlyList<RecurrentWeights> weights, bool bidirectional = false, Tensor? hidden = null)
    {
        (Tensor output, Tensor[] last) = Recur(x, weights, bidirectional, 3, [hidden], static (gates, w, state) =>
        {
            Tensor h = state[0];
            Tensor[] a = gates.SplitEvenly(3), b = h.Linear(w.Hidden, w.HiddenBias).SplitEvenly(3);
            Tensor r = (a[0] + b[0]).Sigmoid(), z = (a[1] + b[1]).Sigmoid(), n = (a[2] + r * b[2]).Tanh();
            return [n + z * (h - n)];
        });
        return (output, last[0]);
    }

    /// <summary>A plain recurrent network (Elman 1990) over a sequence.</summary>
    /// <param name="x">[N, T, inputs].</param>
    /// <param name="weights">Layer after layer, in each forwards then (if bidirectional) backwards.</param>
    /// <param name="bidirectional">Whether each layer also reads from the end.</param>
    /// <param name="hidden">[layers directions, N, H] to start from; null for zeros.</param>
    /// <param name="relu">Whether the nonlinearity is ReLU, else tanh.</param>
    /// <returns>The hidden states of the last layer [N, T, directions H], and the last hidden states [layers directions, N, H].</returns>
    public static (Tensor Output, Tensor Hidden) Rnn(
        this Tensor x, IReadOnlyList<RecurrentWeights> weights, bool bidirectional = false, Tensor? hidden = null, bool relu = false)
    {
        (Tensor output, Tensor[] last) = Recur(x, weights, bidirectional, 1, [hidden], (gates, w, state) =>
        {
            Tensor sum = gates + state[0].Linear(w.Hidden, w.HiddenBias);
            return [relu ? sum.Relu() : sum.Tanh()];
        });
        return (output, last[0]);
    }

    /// <summary>
    /// Runs a cell over a sequence, layer after layer. A state is one tensor [N, H] for each of <paramref name="starts"/>; the first is the output.
    /// </summary>
    private static (Tensor Output, Tensor[] Last) Recur(
        Tensor x, IReadOnlyList<RecurrentWeights> weights, bool bidirectional, int gates, Tensor?[] starts, Func<Tensor, RecurrentWeights, Tensor[], Tensor[]> cell)
    {
        int directions = bidirectional ? 2 : 1;
        if (x.Rank != 3 || x.Shape[1] == 0) throw new ArgumentException($"A recurrent network reads [N, T, inputs] with at least one step, not {x.Shape}.");
        if (weights.Count == 0 || weights.Count % directions != 0)
        {
            throw new ArgumentException($"{weights.Count} sets of weights are not {directions} a layer.");
        }
        int n = x.Shape[0], steps = x.Shape[1];
        var last = new List<Tensor>[starts.Length];
        for (int i = 0; i < last.Length; i++) last[i] = [];
        for (int layer = 0; layer < weights.Count / directions; layer++)
        {
            var outputs = new Tensor[directions];
            for (int direction = 0; direction < directions; direction++)
            {
                int number = layer * directions + direction;
                RecurrentWeights w = weights[number];
                int size = w.Hidden.Shape[1];
                if (w.Hidden.Shape != Shape.Create(gates * size, size))
                {
                    throw new ArgumentException($"The hidden weights of {gates} gates are [{gates} H, H], not {w.Hidden.Shape}.");
                }
                // One product for all steps, then time first so that each step lies together.
                Tensor[] projected = x.Linear(w.Input, w.InputBias).Permute(1, 0, 2).Unstack(); // T of [N, gates H]
                Tensor[] state = [.. starts.Select(s => s is null ? Tensor.Zeros([n, size]) : s.Slice(0, number, number + 1).Squeeze(0))];
                var hidden = new Tensor[steps];
                for (int t = 0; t < steps; t++)
                {
                    int at = direction == 0 ? t : steps - 1 - t;
                    state = cell(projected[at], w, state);
                    hidden[at] = state[0];
                }
                outputs[direction] = Stack(0, hidden).Permute(1, 0, 2); // [N, T, H]
                for (int i = 0; i < state.Length; i++) last[i].Add(state[i]);
            }
            x = directions == 1 ? outputs[0] : Concat(2, outputs);
        }
        return (x, [.. last.Select(l => Stack(0, [.. l]))]);
    }

    /// <summary>
    /// The slices of the first axis. They are cut by halves: the gradient of a slice fills a tensor of the size it was cut from, so that cutting n slices from
    /// one tensor would cost n times its size on the way back, halves only log n times.
    /// </summary>
    private static Tensor[] Unstack(this Tensor x)
    {
        var parts = new Tensor[x.Shape[0]];
        Cut(x, 0, parts.Length);
        return parts;

        void Cut(Tensor part, int start, int count)
        {
            if (count == 1)
            {
                parts[start] = part.Squeeze(0);
                return;
            }
            int half = count / 2;
            Cut(part.Slice(0, 0, half), start, half);
            Cut(part.Slice(0, half, count), start + half, count - half);
        }
    }

    private static Tensor[] SplitEvenly(this Tensor x, int parts)
    {
        Span<int> sizes = stackalloc int[parts];
        sizes.Fill(x.Shape[-1] / parts);
        return x.Split(sizes, x.Rank - 1);
    }
}
