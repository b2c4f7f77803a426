namespace Vitrine.Models;

/// <summary>
/// Translation with attention (Bahdanau, Cho and Bengio 2015, "Neural machine translation by jointly learning to align and translate"), in the order of Luong,
/// Pham and Manning 2015: gated units read the source both ways, others write the target, and before each word the writer looks at the source once more; where
/// it looks is <c>attention.attention</c>. Inputs: the source [N, S] and the target shifted by one [N, T], Int64. Output: logits [N, T, target tokens].
/// Parameters: <c>source.weight</c>, <c>encoder.*</c>, <c>target.weight</c>, <c>decoder.*</c>, <c>attention.*</c>, <c>output.*</c>.
/// </summary>
public sealed class AlignmentReader : Module
{
    private readonly Embedding _source, _target;
    private readonly Gru _encoder, _decoder;
    private readonly Linear _output;
    private readonly bool _inContext;

    /// <summary>Creates the network.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="sourceTokens">How many tokens sources are made of.</param>
    /// <param name="targetTokens">How many tokens targets are made of.</param>
    /// <param name="hidden">H: the units that write, and those that read in each direction.</param>
    /// <param name="embedding">How many numbers stand for a token.</param>
    /// <param name="inContext">
    /// Whether what is taken from a place is what the readers know there, as in the papers; otherwise it is the token's own embedding, so that the writer can
    /// look nowhere but at the very token it needs.
    /// </param>
    public AlignmentReader(Weights weights, int sourceTokens, int targetTokens, int hidden = 64, int embedding = 32, bool inContext = true)
        : base(weights)
    {
        _inContext = inContext;
        _source = new Embedding(weights.In("source"), sourceTokens, embedding);
        _encoder = new Gru(weights.In("encoder"), embedding, hidden, bidirectional: true);
        _target = new Embedding(weights.In("target"), targetTokens, embedding);
        _decoder = new Gru(weights.In("decoder"), embedding, hidden);
        Attention = new AdditiveAttention(weights.In("attention"), hidden, 2 * hidden, hidden);
        _output = new Linear(weights.In("output"), hidden + (inContext ? 2 * hidden : embedding), targetTokens);
    }

    /// <summary>The attention of the target to the source.</summary>
    public AdditiveAttention Attention { get; }

    /// <inheritdoc/>
    protected override Tensor[] Forward(Run run, Tensor[] inputs)
    {
        if (inputs.Length != 2) throw new ArgumentException($"AlignmentReader takes a source and a target, not {inputs.Length} inputs.");
        Tensor source = _source.Call(run, inputs[0]);                                       // [N, S, embedding]
        Tensor read = _encoder.Call(run, source);                                           // [N, S, 2 H]
        Tensor written = _decoder.Call(run, _target.Call(run, inputs[1]));                  // [N, T, H]
        Tensor taken = Attention.Call(run, [written, read, _inContext ? read : source])[0]; // [N, T, 2 H] or [N, T, embedding]
        return [_output.Call(run, TensorOps.Concat(2, written, taken))];                    // [N, T, target tokens]
    }
}
