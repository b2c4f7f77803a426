using Vitrine.Ops;

namespace Vitrine.Onnx;

/// <content>Recurrent networks. Their gates stand in another order here than in the engine.</content>
internal static partial class Operators
{
    private static readonly int[] LstmOrder = [0, 2, 3, 1]; // i, o, f, c to i, f, g, o
    private static readonly int[] GruOrder = [1, 0, 2]; // z, r, h to r, z, n

    [Onnx(7, Name = "LSTM")]
    private static Tensor[] Lstm(
        Call call, Tensor x, Tensor w, Tensor r, Tensor? b = null, Tensor? sequenceLens = null, Tensor? initialH = null, Tensor? initialC = null,
        Tensor? p = null,
        float[]? activationAlpha = null, float[]? activationBeta = null, string[]? activations = null, float clip = float.PositiveInfinity,
            string direction = "forward",
        int hiddenSize = 0, int inputForget = 0, int layout = 0)
    {
        _ = hiddenSize; // is that of the weights
        var network = new RecurrentNetwork(call, RecurrentKind.Lstm, x, w, r, b, sequenceLens, [initialH, initialC], direction, layout != 0);
        bool plain = p is null && inputForget == 0 && float.IsPositiveInfinity(clip) && IsUsual(activations, ["Sigmoid", "Tanh", "Tanh"]);
        if (plain) return network.Run(LstmOrder);
        Func<Tensor, Tensor>[] functions = Activations(activations ?? ["Sigmoid", "Tanh", "Tanh"], activationAlpha, activationBeta, network.Directions);
        return network.Run((at, gates, state, d) =>
        {
            int h = gates.Shape[1] / 4;
            Tensor[] parts = gates.Split([h, h, h, h], 1); // i, o, f, c
            Func<Tensor, Tensor> f = functions[3 * d], g = functions[3 * d + 1], k = functions[3 * d + 2];
            Tensor[]? peep = p?.Slice(0, d, d + 1).Reshape(3 * h).Split([h, h, h], 0); // i, o, f
            Tensor input = f(Limit(parts[0] + Peep(0, state[1])));
            Tensor forget = inputForget != 0 ? 1f - input : f(Limit(parts[2] + Peep(2, state[1])));
            Tensor cell = forget * state[1] + input * g(Limit(parts[3]));
            Tensor output = f(Limit(parts[1] + Peep(1, cell)));
            return [output * k(cell), cell];

            Tensor Peep(int gate, Tensor c) => peep is null ? Tensor.Scalar(0) : peep[gate] * c;
        });

        Tensor Limit(Tensor t) => float.IsPositiveInfinity(clip) ? t : t.Clamp(-clip, clip);
    }

    [Onnx(7, Name = "GRU")]
    private static Tensor[] Gru(
        Call call, Tensor x, Tensor w, Tensor r, Tensor? b = null, Tensor? sequenceLens = null, Tensor? initialH = null, float[]? activationAlpha = null,
        float[]? activationBeta = null, string[]? activations = null, float clip = float.PositiveInfinity, string direction = "forward", int hiddenSize = 0,
            int layout = 0,
        int linearBeforeReset = 0)
    {
        _ = hiddenSize;
        var network = new RecurrentNetwork(call, RecurrentKind.Gru, x, w, r, b, sequenceLens, [initialH], direction, layout != 0);
        if (linearBeforeReset != 0 && float.IsPositiveInfinity(clip) && IsUsual(activations, ["Sigmoid", "Tanh"])) return network.Run(GruOrder);
        Func<Tensor, Tensor>[] functions = Activations(activations ?? ["Sigmoid", "Tanh"], activationAlpha, activationBeta, network.Directions);
        return network.Run((at, _, state, d) =>
        {
            (Tensor weight, Tensor hidden, Tensor? inputBias, Tensor? hiddenBias) = network.Weights(d);
            int h = state[0].Shape[1];
            Tensor[] own = at.Linear(weight, inputBias).Split([h, h, h], 1); // z, r, h
            Tensor[] rows = hidden.Split([h, h, h], 0);
            Tensor[]? bias = hiddenBias?.Split([h, h, h], 0);
            Func<Tensor, Tensor> f = functions[2 * d], g = functions[2 * d + 1];
            Tensor update = f(Limit(own[0] + state[0].Linear(rows[0], bias?[0]))), reset = f(Limit(own[1] + state[0].Linear(rows[1], bias?[1])));
            Tensor past = linearBeforeReset != 0 ? reset * state[0].Linear(rows[2], bias?[2]) : (reset * state[0]).Linear(rows[2], bias?[2]);
            Tensor fresh = g(Limit(own[2] + past));
            return [(1f - update) * fresh + update * state[0]];
        });

        Tensor Limit(Tensor t) => float.IsPositiveInfinity(clip) ? t : t.Clamp(-clip, clip);
    }

    [Onnx(7, Name = "RNN")]
    private static Tensor[] Rnn(
        Call call, Tensor x, Tensor w, Tensor r, Tensor? b = null, Tensor? sequenceLens = null, Tensor? initialH = null, float[]? activationAlpha = null,
        float[]? activationBeta = null, string[]? activations = null, float clip = float.PositiveInfinity, string direction = "forward", int hiddenSize = 0,
            int layout = 0)
    {
        _ = hiddenSize;
        bool relu = activations is not null && activations.All(a => a == "Relu");
        var network = new RecurrentNetwork(call, relu ? RecurrentKind.Relu : RecurrentKind.Tanh, x, w, r, b, sequenceLens, [initialH], direction, layout != 0);
        if (float.IsPositiveInfinity(clip) && (relu || IsUsual(activations, ["Tanh"]))) return network.Run([0]);
        Func<Tensor, Tensor>[] functions = Activations(activations ?? ["Tanh"], activationAlpha, activationBeta, network.Directions);
        return network.Run((_, gates, _, d) => [functions[d](float.IsPositiveInfinity(clip) ? gates : gates.Clamp(-clip, clip))]);
    }

    /// <summary>Whether the functions of a network are those that it has unless others are named.</summary>
    private static bool IsUsual(string[]? activations, string[] usual) =>
        activations is null || (activations.Length % usual.Length == 0 && activations.Select((a, i) => a == usual[i % usual.Length]).All(same => same));

    private static Func<Tensor, Tensor>[] Activations(string[] names, float[]? alpha, float[]? beta, int directions)
    {
        if (names.Length * directions < 1) throw new ArgumentException("there are no activations");
        // One list for each direction; a list for one serves both where only defaults are meant.
        string[] all = directions == 2 && names.Length is 1 or 2 or 3 && alpha is null ? [.. names, .. names] : names;
        int nextAlpha = 0, nextBeta = 0;
        return [.. all.Select(Function)];

        // Constants are listed for those functions alone that have any.
        Func<Tensor, Tensor> Function(string name)
        {
            switch (name)
            {
                case "Relu": return static x => x.Relu();
                case "Tanh": return static x => x.Tanh();
                case "Sigmoid": return static x => x.Sigmoid();
                case "Softsign": return static x => x.Softsign();
                case "Softplus": return static x => x.Softplus();
                case "LeakyRelu": { float a = Alpha(0.01f); return x => x.LeakyRelu(a); }
                case "ThresholdedRelu": { float a = Alpha(1); return x => ThresholdedRelu(x, a); }
                case "Elu": { float a = Alpha(1); return x => x.Elu(a); }
                case "Affine": { float a = Alpha(1), b = Beta(0); return x => x * a + b; }
                case "ScaledTanh": { float a = Alpha(1), b = Beta(1); return x => (x * b).Tanh() * a; }
                case "HardSigmoid": { float a = Alpha(0.2f), b = Beta(0.5f); return x => HardSigmoid(x, a, b); }
                default: throw new ArgumentException($"there is no activation {name}");
            }
        }

        float Alpha(float otherwise) => alpha is not null && nextAlpha < alpha.Length ? alpha[nextAlpha++] : otherwise;

        float Beta(float otherwise) => beta is not null && nextBeta < beta.Length ? beta[nextBeta++] : otherwise;
    }
}

/// <summary>A recurrent layer as the format has it: [T, N, inputs] (or, with layout 1, [N, T, inputs]), one or two directions.</summary>
internal sealed class RecurrentNetwork
{
    private readonly Call _call;
    private readonly RecurrentKind _kind;
    private readonly Tensor _x;
    private readonly Tensor _w;
    private readonly Tensor _r;
    private readonly Tensor? _b;
    private readonly Tensor? _lengths;
    private readonly Tensor?[] _start;
    private readonly bool _batchFirst;
    private readonly bool _reverse;

    public RecurrentNetwork(Call call, RecurrentKind kind, Tensor x, Tensor w, Tensor r, Tensor? b, Tensor? lengths, Tensor?[] start, string direction,
        bool batchFirst)
    {
        Directions = direction switch
        {
            "forward" or "reverse" => 1,
            "bidirectional" => 2,
            _ => throw new ArgumentException($"there is no direction {direction}"),
        };
        int gates = TensorOps.Gates(kind);
        if (x.Rank != 3 || w.Rank != 3 || r.Rank != 3 || w.Shape[0] != Directions || r.Shape[0] != Directions || r.Shape[1] != gates * r.Shape[2]
            || w.Shape[1] != r.Shape[1])
        {
            throw new ArgumentException($"weights are [{Directions}, {gates} H, inputs] and [{Directions}, {gates} H, H]");
        }
        if (b is not null && b.Count != 2 * Directions * w.Shape[1])
        {
            throw new ArgumentException($"the bias is [{Directions}, {2 * w.Shape[1]}], not {b.Shape}");
        }
        (_call, _kind, _w, _r, _b, _lengths, _batchFirst) = (call, kind, w, r, b, lengths, batchFirst);
        _x = batchFirst ? x : x.Permute(1, 0, 2); // [N, T, inputs]
        _start = [.. start.Select(s => s is null || !batchFirst ? s : s.Permute(1, 0, 2))]; // [directions, N, H]
        _reverse = direction == "reverse";
        if (_x.Shape[1] == 0) throw new ArgumentException("a sequence has at least one step");
        if (_start.Any(s => s is not null && s.Shape != Shape.Create(Directions, _x.Shape[0], r.Shape[2])))
        {
            throw new ArgumentException($"states are [{Directions}, {_x.Shape[0]}, {r.Shape[2]}]");
        }
        if (lengths is not null && (lengths.Count != _x.Shape[0] || lengths.Longs.ToArray().Any(l => l < 0 || l > _x.Shape[1])))
        {
            throw new ArgumentException($"lengths are [{_x.Shape[0]}] of up to {_x.Shape[1]} steps");
        }
    }

    public int Directions { get; }

    private bool Reads(int direction) => _reverse || direction == 1;

    /// <summary>The weights of one direction, gates in the format's order.</summary>
    public (Tensor Input, Tensor Hidden, Tensor? InputBias, Tensor? HiddenBias) Weights(int direction)
    {
        int rows = _w.Shape[1];
        Tensor? bias = _b?.Reshape(Directions, 2, rows).Slice(0, direction, direction + 1);
        return (Of(_w), Of(_r), bias?.Slice(1, 0, 1).Reshape(rows), bias?.Slice(1, 1, 2).Reshape(rows));

        Tensor Of(Tensor t) => t.Slice(0, direction, direction + 1).Squeeze(0);
    }

    /// <summary>The engine's own network, gates rearranged.</summary>
    public Tensor[] Run(int[] order)
    {
        var outputs = new Tensor[Directions];
        var states = new Tensor[Directions][];
        for (int d = 0; d < Directions; d++)
        {
            (Tensor input, Tensor hidden, Tensor? inputBias, Tensor? hiddenBias) = Weights(d);
            var weights = new RecurrentWeights(Ordered(input), Ordered(hidden), inputBias is null ? null : Ordered(inputBias),
                hiddenBias is null ? null : Ordered(hiddenBias));
            Tensor?[] start = Start(d);
            if (_call.Run.Fused) outputs[d] = RecurrentOp.Layer(_kind, Reads(d), _x, weights, start, _lengths, true, out states[d]);
            else outputs[d] = TensorOps.Steps(_kind, Reads(d), _x, weights, start, _lengths, out states[d]);
        }
        return Results(outputs, states);

        Tensor Ordered(Tensor t)
        {
            if (order.Length == 1) return t;
            int h = t.Shape[0] / order.Length;
            return TensorOps.Concat(0, [.. order.Select(g => t.Slice(0, g * h, (g + 1) * h))]);
        }
    }

    /// <summary>
    /// Step by step, with what becomes of a state as a function of the step's input [N, inputs], the sum of the gates' products, the states, the direction.
    /// </summary>
    public Tensor[] Run(Func<Tensor, Tensor, Tensor[], int, Tensor[]> cell)
    {
        int n = _x.Shape[0], steps = _x.Shape[1], size = _r.Shape[2];
        var outputs = new Tensor[Directions];
        var states = new Tensor[Directions][];
        for (int d = 0; d < Directions; d++)
        {
            (Tensor input, Tensor hidden, Tensor? inputBias, Tensor? hiddenBias) = Weights(d);
            Tensor[] state = [.. Start(d).Select(s => s ?? Tensor.Zeros([n, size]))];
            var all = new Tensor[steps];
            for (int i = 0; i < steps; i++)
            {
                int t = Reads(d) ? steps - 1 - i : i;
                Tensor at = _x.Slice(1, t, t + 1).Squeeze(1); // [N, inputs]
                Tensor[] next = cell(at, at.Linear(input, inputBias) + state[0].Linear(hidden, hiddenBias), state, d);
                if (_lengths is not null)
                {
                    Tensor counts = Tensor.From([.. _lengths.Longs.ToArray().Select(l => t < l)], [n, 1]);
                    all[t] = counts.Where(next[0], Tensor.Scalar(0));
                    state = [.. next.Select((s, k) => counts.Where(s, state[k]))];
                    continue;
                }
                (state, all[t]) = (next, next[0]);
            }
            (outputs[d], states[d]) = (TensorOps.Stack(1, all), state);
        }
        return Results(outputs, states);
    }

    private Tensor?[] Start(int direction) => [.. _start.Select(s => s?.Slice(0, direction, direction + 1).Squeeze(0))];

    /// <summary>Y [T, directions, N, H] and the last states [directions, N, H]; with the batch first, [N, T, directions, H] and [N, directions, H].</summary>
    private Tensor[] Results(Tensor[] outputs, Tensor[][] states)
    {
        Tensor y = TensorOps.Stack(2, outputs); // [N, T, directions, H]
        IEnumerable<Tensor> last = Enumerable.Range(0, states[0].Length).Select(i => TensorOps.Stack(0, [.. states.Select(s => s[i])]));
        return _batchFirst ? [y, .. last.Select(s => s.Permute(1, 0, 2))] : [y.Permute(1, 2, 0, 3), .. last];
    }
}
