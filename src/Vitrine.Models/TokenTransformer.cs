namespace Vitrine.Models;

/// <summary>
/// A small Transformer encoder (Vaswani et al. 2017, "Attention is all you need") that says something of each token: an embedding, learned positions, encoder
/// layers and a linear layer. [N, T] (Int64) to logits [N, T, answers]. Parameters: <c>tokens.weight</c>, <c>positions.weight</c>, PyTorch's
/// <c>encoder.layers.0.self_attn.*</c> and so on, <c>output.*</c>.
/// </summary>
public sealed class TokenTransformer : Module
{
    private readonly Embedding _tokens, _positions;
    private readonly TransformerStack _encoder;
    private readonly Linear _output;

    /// <summary>Creates the network.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="tokens">How many tokens there are.</param>
    /// <param name="answers">How many answers there are for each.</param>
    /// <param name="longest">The longest sequence.</param>
    /// <param name="size">The features of a token; divides by <paramref name="heads"/>.</param>
    /// <param name="heads">The heads of each layer.</param>
    /// <param name="layers">The layers.</param>
    public TokenTransformer(Weights weights, int tokens, int answers, int longest, int size = 32, int heads = 4, int layers = 2)
        : base(weights)
    {
        _tokens = new Embedding(weights.In("tokens"), tokens, size);
        // As large as the tokens' vectors from the beginning: where places decide, smaller ones take long to be noticed behind the normalisation.
        _positions = new Embedding(weights.In("positions"), longest, size);
        _encoder = TransformerStack.Encoder(weights.In("encoder"), layers, size, heads, hidden: 2 * size, dropout: 0, normFirst: true, norm: true);
        _output = new Linear(weights.In("output"), size, answers);
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        Tensor places = _positions.Call(run, Tensor.Range(x.Shape[1])); // [T, size]
        x = _tokens.Call(run, x) + places;                              // [N, T, size]
        x = _encoder.Call(run, x);                                      // [N, T, size]
        return _output.Call(run, x);                                    // [N, T, answers]
    }
}
