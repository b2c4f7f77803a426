namespace Vitrine;

/// <summary>
/// What recurrent layers share. Inputs: x [N, T, inputs], then optionally the states to start from [layers directions, N, H] (zeros when left out), then
/// optionally the lengths [N] (Int64: steps behind a sequence's end give zeros and leave its state alone, as PyTorch's packed sequences do). Outputs: the
/// hidden states of the last layer [N, T, directions H], then the last states, to be given to the next call where the state is carried on. Called with one
/// tensor, x,
/// the layer gives the first output alone. Parameters under PyTorch's names: <c>weight_ih_l0</c>, <c>weight_hh_l0</c>, <c>bias_ih_l0</c>, <c>bias_hh_l0</c>,
/// <c>weight_ih_l0_reverse</c> and so on.
/// </summary>
public abstract class Recurrent : Module
{
    private readonly RecurrentKind _kind;
    private readonly List<RecurrentWeights> _layers = [];
    private readonly bool _bidirectional, _batchFirst;
    private readonly Dropout? _dropout;

    private protected Recurrent(
        RecurrentKind kind, Weights weights, int inputs, int hidden, int layers, bool bias, bool bidirectional, float dropout, bool batchFirst)
        : base(weights)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(layers, 1);
        (_kind, _bidirectional, _batchFirst) = (kind, bidirectional, batchFirst);
        _dropout = dropout > 0 ? new Dropout(weights.In("dropout"), dropout) : null;
        int directions = bidirectional ? 2 : 1, gates = TensorOps.Gates(kind);
        var init = Init.Uniform(hidden);
        for (int layer = 0; layer < layers; layer++)
        {
            int width = layer == 0 ? inputs : hidden * directions;
            foreach (string end in bidirectional ? new[] { $"l{layer}", $"l{layer}_reverse" } : [$"l{layer}"])
            {
                _layers.Add(new RecurrentWeights(
                    weights.Parameter($"weight_ih_{end}", [gates * hidden, width], init), weights.Parameter($"weight_hh_{end}", [gates * hidden, hidden], init),
                    bias ? weights.Parameter($"bias_ih_{end}", [gates * hidden], init) : null,
                    bias ? weights.Parameter($"bias_hh_{end}", [gates * hidden], init) : null));
            }
        }
    }

    private int States => _kind == RecurrentKind.Lstm ? 2 : 1;

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => Recur(run, x, new Tensor?[States], null, wantLast: false)[0];

    /// <inheritdoc/>
    protected override Tensor[] Forward(Run run, Tensor[] inputs)
    {
        Tensor? lengths = inputs.Length > 1 && inputs[^1].DType == DType.Int64 ? inputs[^1] : null;
        int given = inputs.Length - (lengths is null ? 1 : 2);
        if (given != 0 && given != States)
        {
            throw new ArgumentException($"{GetType().Name} in {Path} takes x, none or {States} states and perhaps lengths, not {inputs.Length} inputs.");
        }
        var start = new Tensor?[States];
        for (int i = 0; i < given; i++) start[i] = inputs[1 + i];
        return Recur(run, inputs[0], start, lengths, wantLast: true);
    }

    private Tensor[] Recur(Run run, Tensor x, Tensor?[] start, Tensor? lengths, bool wantLast)
    {
        if (!_batchFirst) x = x.Transpose(0, 1);
        Func<Tensor, Tensor>? between = _dropout is null ? null : y => _dropout.Call(run, y);
        (Tensor y, Tensor[] last) = TensorOps.Recur(_kind, x, _layers, _bidirectional, start, lengths, run.Fused, wantLast, between);
        return [_batchFirst ? y : y.Transpose(0, 1), .. last];
    }
}

/// <summary>
/// Long short-term memory (Hochreiter and Schmidhuber 1997); states h and c, gates i, f, g, o. See <see cref="Recurrent"/> for inputs and outputs.
/// </summary>
public sealed class Lstm : Recurrent
{
    /// <summary>Creates the layers.</summary>
    /// <param name="weights">Where their parameters come from.</param>
    /// <param name="inputs">The features of a step of x.</param>
    /// <param name="hidden">H.</param>
    /// <param name="layers">How many layers, each reading the one before.</param>
    /// <param name="bias">Whether there are biases.</param>
    /// <param name="bidirectional">Whether each layer also reads from the end.</param>
    /// <param name="dropout">The probability to drop what flows from layer to layer, in training.</param>
    /// <param name="batchFirst">Whether sequences are [N, T, features], as everywhere here; otherwise [T, N, features], PyTorch's default.</param>
    public Lstm(
        Weights weights, int inputs, int hidden, int layers = 1, bool bias = true, bool bidirectional = false, float dropout = 0, bool batchFirst = true)
        : base(RecurrentKind.Lstm, weights, inputs, hidden, layers, bias, bidirectional, dropout, batchFirst)
    {
    }
}

/// <summary>Gated recurrent units (Cho et al. 2014); state h, gates r, z, n. See <see cref="Recurrent"/> for inputs and outputs.</summary>
public sealed class Gru : Recurrent
{
    /// <summary>Creates the layers.</summary>
    /// <param name="weights">Where their parameters come from.</param>
    /// <param name="inputs">The features of a step of x.</param>
    /// <param name="hidden">H.</param>
    /// <param name="layers">How many layers, each reading the one before.</param>
    /// <param name="bias">Whether there are biases.</param>
    /// <param name="bidirectional">Whether each layer also reads from the end.</param>
    /// <param name="dropout">The probability to drop what flows from layer to layer, in training.</param>
    /// <param name="batchFirst">Whether sequences are [N, T, features], as everywhere here; otherwise [T, N, features], PyTorch's default.</param>
    public Gru(
        Weights weights, int inputs, int hidden, int layers = 1, bool bias = true, bool bidirectional = false, float dropout = 0, bool batchFirst = true)
        : base(RecurrentKind.Gru, weights, inputs, hidden, layers, bias, bidirectional, dropout, batchFirst)
    {
    }
}

/// <summary>A plain recurrent network (Elman 1990), PyTorch's <c>RNN</c>; state h. See <see cref="Recurrent"/> for inputs and outputs.</summary>
public sealed class SimpleRnn : Recurrent
{
    /// <summary>Creates the layers.</summary>
    /// <param name="weights">Where their parameters come from.</param>
    /// <param name="inputs">The features of a step of x.</param>
    /// <param name="hidden">H.</param>
    /// <param name="layers">How many layers, each reading the one before.</param>
    /// <param name="bias">Whether there are biases.</param>
    /// <param name="bidirectional">Whether each layer also reads from the end.</param>
    /// <param name="dropout">The probability to drop what flows from layer to layer, in training.</param>
    /// <param name="batchFirst">Whether sequences are [N, T, features], as everywhere here; otherwise [T, N, features], PyTorch's default.</param>
    /// <param name="relu">Whether the nonlinearity is ReLU, else tanh.</param>
    public SimpleRnn(
        Weights weights, int inputs, int hidden, int layers = 1, bool bias = true, bool bidirectional = false, float dropout = 0, bool batchFirst = true,
            bool relu = false)
        : base(relu ? RecurrentKind.Relu : RecurrentKind.Tanh, weights, inputs, hidden, layers, bias, bidirectional, dropout, batchFirst)
    {
    }
}
