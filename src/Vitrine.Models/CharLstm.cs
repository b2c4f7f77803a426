namespace Vitrine.Models;

/// <summary>
/// A character language model (Karpathy, Johnson and Fei-Fei 2015, "Visualizing and understanding recurrent networks"): an embedding, long short-term memory,
/// and a linear layer that says how likely each character is to come next. Inputs: the numbers of characters [N, T] (Int64), then, where a text is carried
/// on, the states h and c [layers, N, H] that the stretch before ended with. Outputs: logits [N, T, characters], and h and c. Called with one tensor it gives
/// the logits alone. Parameters are named as in PyTorch's language model: <c>encoder.weight</c>, <c>rnn.weight_ih_l0</c> and so on, <c>decoder.weight</c>,
/// <c>decoder.bias</c>.
/// </summary>
public sealed class CharLstm : Module
{
    private readonly Embedding _encoder;
    private readonly Lstm _rnn;
    private readonly Linear _decoder;

    /// <summary>Creates the network.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="characters">How many characters it knows.</param>
    /// <param name="hidden">H: the cells of a layer.</param>
    /// <param name="layers">The layers of long short-term memory.</param>
    /// <param name="embedding">How many numbers stand for a character; a table of them and the first layer's input weights are together what the paper's
    /// one-of-k input and its weights are.</param>
    /// <param name="dropout">The probability to drop what flows from layer to layer, in training.</param>
    public CharLstm(Weights weights, int characters, int hidden = 192, int layers = 2, int embedding = 64, float dropout = 0)
        : base(weights)
    {
        _encoder = new Embedding(weights.In("encoder"), characters, embedding);
        _rnn = new Lstm(weights.In("rnn"), embedding, hidden, layers, dropout: dropout);
        _decoder = new Linear(weights.In("decoder"), hidden, characters);
        (Characters, Hidden, Layers) = (characters, hidden, layers);
    }

    /// <summary>How many characters it knows.</summary>
    public int Characters { get; }

    /// <summary>H.</summary>
    public int Hidden { get; }

    /// <summary>The layers of long short-term memory.</summary>
    public int Layers { get; }

    /// <summary>The states at the beginning of <paramref name="count"/> texts, h and c: zeros [layers, N, H].</summary>
    public (Tensor Hidden, Tensor Cell) Start(int count) => (Tensor.Zeros([Layers, count, Hidden]), Tensor.Zeros([Layers, count, Hidden]));

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        x = _encoder.Call(run, x);      // [N, T, embedding]
        x = _rnn.Call(run, x);          // [N, T, H]
        return _decoder.Call(run, x);   // [N, T, characters]
    }

    /// <inheritdoc/>
    protected override Tensor[] Forward(Run run, Tensor[] inputs)
    {
        if (inputs.Length is not (1 or 3)) throw new ArgumentException($"CharLstm takes characters, or characters with h and c, not {inputs.Length} inputs.");
        Tensor x = _encoder.Call(run, inputs[0]);                 // [N, T, embedding]
        Tensor[] read = _rnn.Call(run, [x, .. inputs[1..]]);      // [N, T, H], [layers, N, H], [layers, N, H]
        return [_decoder.Call(run, read[0]), read[1], read[2]];   // [N, T, characters]
    }
}
