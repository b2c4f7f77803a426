using Vitrine.Ops;

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

/// <summary>The recurrent networks there are.</summary>
internal enum RecurrentKind
{
    /// <summary>Gates i, f, g, o; states h and c.</summary>
    Lstm,

    /// <summary>Gates r, z, n; state h.</summary>
    Gru,

    /// <summary>h = tanh(...).</summary>
    Tanh,

    /// <summary>h = max(..., 0).</summary>
    Relu,
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
    /// <param name="lengths">[N], Int64: how many steps of each sequence count; null for all.</param>
    /// <returns>The hidden states of the last layer [N, T, directions H], and the last hidden and cell states [layers directions, N, H].</returns>
    public static (Tensor Output, Tensor Hidden, Tensor Cell) Lstm(
        this Tensor x, IReadOnlyList<RecurrentWeights> weights, bool bidirectional = false, Tensor? hidden = null, Tensor? cell = null, Tensor? lengths = null)
    {
        (Tensor output, Tensor[] last) = Recur(RecurrentKind.Lstm, x, weights, bidirectional, [hidden, cell], lengths);
        return (output, last[0], last[1]);
    }

    /// <summary>Gated recurrent units (Cho et al. 2014) over a sequence, in PyTorch's form: the reset gate acts on the product with the hidden state.</summary>
    /// <param name="x">[N, T, inputs].</param>
    /// <param name="weights">Layer after layer, in each forwards then (if bidirectional) backwards; gates r, z, n.</param>
    /// <param name="bidirectional">Whether each layer also reads from the end.</param>
    /// <param name="hidden">[layers directions, N, H] to start from; null for zeros.</param>
    /// <param name="lengths">[N], Int64: how many steps of each sequence count; null for all.</param>
    /// <returns>The hidden states of the last layer [N, T, directions H], and the last hidden states [layers directions, N, H].</returns>
    public static (Tensor Output, Tensor Hidden) Gru(
        this Tensor x, IReadOnlyList<RecurrentWeights> weights, bool bidirectional = false, Tensor? hidden = null, Tensor? lengths = null)
    {
        (Tensor output, Tensor[] last) = Recur(RecurrentKind.Gru, x, weights, bidirectional, [hidden], lengths);
        return (output, last[0]);
    }

    /// <summary>A plain recurrent network (Elman 1990) over a sequence.</summary>
    /// <param name="x">[N, T, inputs].</param>
    /// <param name="weights">Layer after layer, in each forwards then (if bidirectional) backwards.</param>
    /// <param name="bidirectional">Whether each layer also reads from the end.</param>
    /// <param name="hidden">[layers directions, N, H] to start from; null for zeros.</param>
    /// <param name="relu">Whether the nonlinearity is ReLU, else tanh.</param>
    /// <param name="lengths">[N], Int64: how many steps of each sequence count; null for all.</param>
    /// <returns>The hidden states of the last layer [N, T, directions H], and the last hidden states [layers directions, N, H].</returns>
    public static (Tensor Output, Tensor Hidden) Rnn(
        this Tensor x, IReadOnlyList<RecurrentWeights> weights, bool bidirectional = false, Tensor? hidden = null, bool relu = false, Tensor? lengths = null)
    {
        (Tensor output, Tensor[] last) = Recur(relu ? RecurrentKind.Relu : RecurrentKind.Tanh, x, weights, bidirectional, [hidden], lengths);
        return (output, last[0]);
    }

    /// <summary>Runs layer after layer.</summary>
    /// <param name="kind">Which network.</param>
    /// <param name="x">[N, T, inputs].</param>
    /// <param name="weights">Layer after layer, in each forwards then (if bidirectional) backwards.</param>
    /// <param name="bidirectional">Whether each layer also reads from the end.</param>
    /// <param name="starts">For each state [layers directions, N, H] to start from, or null for zeros; the first is the output.</param>
    /// <param name="lengths">[N], Int64: how many steps of each sequence count; null for all.</param>
    /// <param name="fused">Whether each direction of a layer is one operator.</param>
    /// <param name="wantLast">Whether the last states are wanted; a fused layer is cheaper without.</param>
    /// <param name="between">What the output of each layer but the last passes through: dropout.</param>
    internal static (Tensor Output, Tensor[] Last) Recur(
        RecurrentKind kind, Tensor x, IReadOnlyList<RecurrentWeights> weights, bool bidirectional, Tensor?[] starts, Tensor? lengths,
        bool fused = false, bool wantLast = true, Func<Tensor, Tensor>? between = null)
    {
        int directions = bidirectional ? 2 : 1, layers = weights.Count / directions;
        if (x.Rank != 3 || x.Shape[1] == 0) throw new ArgumentException($"A recurrent network reads [N, T, inputs] with at least one step, not {x.Shape}.");
        if (weights.Count == 0 || weights.Count % directions != 0)
        {
            throw new ArgumentException($"{weights.Count} sets of weights are not {directions} a layer.");
        }
        if (lengths is not null) CheckLengths(lengths, x.Shape);
        var last = new Tensor[starts.Length][];
        for (int i = 0; i < last.Length; i++) last[i] = new Tensor[weights.Count];
        for (int layer = 0; layer < layers; layer++)
        {
            var outputs = new Tensor[directions];
            for (int direction = 0; direction < directions; direction++)
            {
                int number = layer * directions + direction;
                RecurrentWeights w = weights[number];
                int gates = Gates(kind), size = w.Hidden.Shape[1];
                if (w.Hidden.Shape != Shape.Create(gates * size, size))
                {
                    throw new ArgumentException($"The hidden weights of {gates} gates are [{gates} H, H], not {w.Hidden.Shape}.");
                }
                Tensor?[] start = [.. starts.Select(s => s?.Slice(0, number, number + 1).Squeeze(0))]; // [N, H]
                Tensor[] states = [];
                bool one = fused && (w.InputBias is null) == (w.HiddenBias is null);
                if (one) outputs[direction] = RecurrentOp.Layer(kind, direction == 1, x, w, start, lengths, wantLast, out states);
                else outputs[direction] = Steps(kind, direction == 1, x, w, start, lengths, out states);
                for (int i = 0; i < states.Length; i++) last[i][number] = states[i];
            }
            x = directions == 1 ? outputs[0] : Concat(2, outputs);
            if (between is not null && layer < layers - 1) x = between(x);
        }
        return (x, wantLast ? [.. last.Select(l => Stack(0, l))] : []);
    }

    /// <summary>How many gates the weights of a kind hold, one below the other.</summary>
    internal static int Gates(RecurrentKind kind) => kind switch { RecurrentKind.Lstm => 4, RecurrentKind.Gru => 3, _ => 1 };

    /// <summary>One direction of one layer, step by step.</summary>
    internal static Tensor Steps(
        RecurrentKind kind, bool reverse, Tensor x, RecurrentWeights w, Tensor?[] start, Tensor? lengths, out Tensor[] state)
    {
        int n = x.Shape[0], steps = x.Shape[1], size = w.Hidden.Shape[1];
        // One product for all steps, then time first so that each step lies together.
        Tensor[] projected = x.Linear(w.Input, w.InputBias).Permute(1, 0, 2).Unstack(); // T of [N, gates H]
        state = [.. start.Select(s => s ?? Tensor.Zeros([n, size]))];
        var hidden = new Tensor[steps];
        for (int t = 0; t < steps; t++)
        {
            int at = reverse ? steps - 1 - t : t;
            Tensor[] next = Cell(kind, projected[at], w, state);
            if (lengths is null)
            {
                (state, hidden[at]) = (next, next[0]);
                continue;
            }
            // What lies behind the end of a sequence gives zeros and leaves the state as it is: from the end, too, reading starts with the last step that
            // counts.
            Tensor counts = Tensor.From([.. lengths.Longs.ToArray().Select(l => at < l)], [n, 1]);
            for (int i = 0; i < next.Length; i++) next[i] = counts.Where(next[i], state[i]);
            (state, hidden[at]) = (next, counts.Where(next[0], Tensor.Scalar(0)));
        }
        return Stack(0, hidden).Permute(1, 0, 2); // [N, T, H]
    }

    private static Tensor[] Cell(RecurrentKind kind, Tensor gates, RecurrentWeights w, Tensor[] state)
    {
        Tensor h = state[0], product = h.Linear(w.Hidden, w.HiddenBias);
        if (kind == RecurrentKind.Lstm)
        {
            Tensor[] parts = (gates + product).SplitEvenly(4);
            Tensor i = parts[0].Sigmoid(), f = parts[1].Sigmoid(), g = parts[2].Tanh(), o = parts[3].Sigmoid();
            Tensor c = f * state[1] + i * g;
            return [o * c.Tanh(), c];
        }
        if (kind == RecurrentKind.Gru)
        {
            Tensor[] a = gates.SplitEvenly(3), b = product.SplitEvenly(3);
            Tensor r = (a[0] + b[0]).Sigmoid(), z = (a[1] + b[1]).Sigmoid(), n = (a[2] + r * b[2]).Tanh();
            return [n + z * (h - n)];
        }
        return [kind == RecurrentKind.Relu ? (gates + product).Relu() : (gates + product).Tanh()];
    }

    private static void CheckLengths(Tensor lengths, Shape x)
    {
        if (lengths.DType != DType.Int64 || lengths.Count != x[0])
        {
            throw new ArgumentException($"The lengths of {x[0]} sequences are Int64 [{x[0]}], not {lengths.DType} {lengths.Shape}.");
        }
        foreach (long length in lengths.Longs)
        {
            if (length < 0 || length > x[1]) throw new ArgumentException($"A length of {length} is outside a sequence of {x[1]} steps.");
        }
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
