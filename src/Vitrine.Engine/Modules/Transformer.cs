using Vitrine.Ops;

namespace Vitrine;

/// <summary>The two products and the activation that follow attention; shared by encoder and decoder layers.</summary>
internal sealed class FeedForward
{
    private readonly Linear _first, _second;
    private readonly Dropout _dropout;
    private readonly Op _activation;
    private readonly LinearChainOp? _joined;

    public FeedForward(Weights weights, int size, int hidden, float dropout, Op? activation)
    {
        _first = new Linear(weights.In("linear1"), size, hidden);
        _second = new Linear(weights.In("linear2"), hidden, size);
        _dropout = new Dropout(weights.In("dropout"), dropout);
        _activation = activation ?? ReluOp.Instance;
        _joined = _activation is UnaryOp { Step: not null } function ? new LinearChainOp(new ChainOp(function)) : null;
    }

    public Tensor Call(Run run, Tensor x)
    {
        Tensor hidden = _joined is not null && run.Joins ? _first.Call(run, x, _joined) : _activation.Apply(_first.Call(run, x));
        return _second.Call(run, _dropout.Call(run, hidden));
    }
}

/// <summary>One part of a layer with the addition and the normalisation around it.</summary>
internal sealed class Sublayer(Weights weights, string number, int size, float dropout, float epsilon, bool normFirst)
{
    private readonly LayerNorm _norm = new(weights.In("norm" + number), [size], epsilon);
    private readonly Dropout _dropout = new(weights.In("dropout" + number), dropout);

    public Tensor Call(Run run, Tensor x, Func<Tensor, Tensor> body) => normFirst
        ? x + _dropout.Call(run, body(_norm.Call(run, x)))
        : _norm.Call(run, x + _dropout.Call(run, body(x)));
}

/// <summary>
/// One layer of a Transformer encoder (Vaswani et al. 2017), batch first: attention of x to itself, then a feed-forward network. Inputs: x [N, T, E], and a
/// mask that broadcasts to [N, heads, T, T]. PyTorch's names: <c>self_attn</c>, <c>linear1</c>, <c>linear2</c>, <c>norm1</c>, <c>norm2</c>.
/// </summary>
public sealed class TransformerEncoderLayer : Module
{
    private readonly Sublayer _attending, _feeding;
    private readonly FeedForward _feedForward;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="size">E.</param>
    /// <param name="heads">How many heads; E divides by it.</param>
    /// <param name="hidden">The hidden units of the feed-forward network.</param>
    /// <param name="dropout">The probability to drop in training.</param>
    /// <param name="activation">Of the feed-forward network; null for ReLU, <see cref="GeluOp.Instance"/> for GELU.</param>
    /// <param name="normFirst">Whether parts are normalised before them (Xiong et al. 2020) rather than after the addition.</param>
    /// <param name="causal">Whether position t sees no position after t.</param>
    /// <param name="epsilon">Added to variances.</param>
    public TransformerEncoderLayer(
        Weights weights, int size, int heads, int hidden = 2048, float dropout = 0.1f, Op? activation = null, bool normFirst = false, bool causal = false,
        float epsilon = 1e-5f)
        : base(weights)
    {
        SelfAttention = new MultiHeadAttention(weights.In("self_attn"), size, heads, dropout, causal: causal);
        _feedForward = new FeedForward(weights, size, hidden, dropout, activation);
        _attending = new Sublayer(weights, "1", size, dropout, epsilon, normFirst);
        _feeding = new Sublayer(weights, "2", size, dropout, epsilon, normFirst);
    }

    /// <summary>The attention of x to itself.</summary>
    public MultiHeadAttention SelfAttention { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => Encode(run, x, null);

    /// <inheritdoc/>
    protected override Tensor[] Forward(Run run, Tensor[] inputs) => inputs.Length is 1 or 2
        ? [Encode(run, inputs[0], inputs.Length == 2 ? inputs[1] : null)]
        : throw new ArgumentException($"An encoder layer takes x and a mask, not {inputs.Length} inputs.");

    private Tensor Encode(Run run, Tensor x, Tensor? mask)
    {
        x = _attending.Call(run, x, y => mask is null ? SelfAttention.Call(run, y) : SelfAttention.Call(run, [y, mask])[0]);
        return _feeding.Call(run, x, y => _feedForward.Call(run, y));
    }
}

/// <summary>
/// One layer of a Transformer decoder (Vaswani et al. 2017), batch first: attention of x to itself, attention to a memory, then a feed-forward network. Inputs:
/// x [N, T, E], memory [N, S, E], and masks that broadcast to [N, heads, T, T] and to [N, heads, T, S]. PyTorch's names: <c>self_attn</c>,
/// <c>multihead_attn</c>, <c>linear1</c>, <c>linear2</c>, <c>norm1</c> to <c>norm3</c>.
/// </summary>
public sealed class TransformerDecoderLayer : Module
{
    private readonly Sublayer _attending, _reading, _feeding;
    private readonly FeedForward _feedForward;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="size">E.</param>
    /// <param name="heads">How many heads; E divides by it.</param>
    /// <param name="hidden">The hidden units of the feed-forward network.</param>
    /// <param name="dropout">The probability to drop in training.</param>
    /// <param name="activation">Of the feed-forward network; null for ReLU, <see cref="GeluOp.Instance"/> for GELU.</param>
    /// <param name="normFirst">Whether parts are normalised before them rather than after the addition.</param>
    /// <param name="causal">Whether position t of x sees no position of x after t.</param>
    /// <param name="epsilon">Added to variances.</param>
    public TransformerDecoderLayer(
        Weights weights, int size, int heads, int hidden = 2048, float dropout = 0.1f, Op? activation = null, bool normFirst = false, bool causal = false,
        float epsilon = 1e-5f)
        : base(weights)
    {
        SelfAttention = new MultiHeadAttention(weights.In("self_attn"), size, heads, dropout, causal: causal);
        MemoryAttention = new MultiHeadAttention(weights.In("multihead_attn"), size, heads, dropout);
        _feedForward = new FeedForward(weights, size, hidden, dropout, activation);
        _attending = new Sublayer(weights, "1", size, dropout, epsilon, normFirst);
        _reading = new Sublayer(weights, "2", size, dropout, epsilon, normFirst);
        _feeding = new Sublayer(weights, "3", size, dropout, epsilon, normFirst);
    }

    /// <summary>The attention of x to itself.</summary>
    public MultiHeadAttention SelfAttention { get; }

    /// <summary>The attention of x to the memory.</summary>
    public MultiHeadAttention MemoryAttention { get; }

    /// <inheritdoc/>
    protected override Tensor[] Forward(Run run, Tensor[] inputs)
    {
        if (inputs.Length is < 2 or > 4) throw new ArgumentException($"A decoder layer takes x, a memory and two masks, not {inputs.Length} inputs.");
        Tensor memory = inputs[1];
        Tensor x = _attending.Call(run, inputs[0], y => inputs.Length > 2 ? SelfAttention.Call(run, [y, inputs[2]])[0] : SelfAttention.Call(run, y));
        x = _reading.Call(run, x, y => MemoryAttention.Call(run, inputs.Length > 3 ? [y, memory, memory, inputs[3]] : [y, memory, memory])[0]);
        return [_feeding.Call(run, x, y => _feedForward.Call(run, y))];
    }
}

/// <summary>
/// Layers of a Transformer one after the other, <c>layers.0</c>, <c>layers.1</c> and so on, and a normalisation <c>norm</c> at the end where asked for. The
/// first input flows through the layers; the others (memory, masks) are given to each.
/// </summary>
public sealed class TransformerStack : Module
{
    private readonly LayerNorm? _norm;

    private TransformerStack(Weights weights, IReadOnlyList<Module> layers, LayerNorm? norm)
        : base(weights) => (Layers, _norm) = (layers, norm);

    /// <summary>The layers.</summary>
    public IReadOnlyList<Module> Layers { get; }

    /// <summary>An encoder: inputs x [N, T, E] and a mask. See <see cref="TransformerEncoderLayer"/>.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="layers">How many layers.</param>
    /// <param name="size">E.</param>
    /// <param name="heads">How many heads.</param>
    /// <param name="hidden">The hidden units of the feed-forward networks.</param>
    /// <param name="dropout">The probability to drop in training.</param>
    /// <param name="activation">Of the feed-forward networks; null for ReLU.</param>
    /// <param name="normFirst">Whether parts are normalised before them rather than after the addition.</param>
    /// <param name="causal">Whether position t sees no position after t.</param>
    /// <param name="norm">Whether the result is normalised.</param>
    public static TransformerStack Encoder(
        Weights weights, int layers, int size, int heads, int hidden = 2048, float dropout = 0.1f, Op? activation = null, bool normFirst = false,
            bool causal = false,
        bool norm = false) =>
        Stack(weights, layers, size, norm, w => new TransformerEncoderLayer(w, size, heads, hidden, dropout, activation, normFirst, causal));

    /// <summary>
    /// A decoder: inputs x [N, T, E], memory [N, S, E] and masks. See <see cref="TransformerDecoderLayer"/> and, for the parameters, <see cref="Encoder"/>.
    /// </summary>
    public static TransformerStack Decoder(
        Weights weights, int layers, int size, int heads, int hidden = 2048, float dropout = 0.1f, Op? activation = null, bool normFirst = false,
            bool causal = false,
        bool norm = false) =>
        Stack(weights, layers, size, norm, w => new TransformerDecoderLayer(w, size, heads, hidden, dropout, activation, normFirst, causal));

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => Forward(run, [x])[0];

    /// <inheritdoc/>
    protected override Tensor[] Forward(Run run, Tensor[] inputs)
    {
        Tensor[] given = [.. inputs];
        foreach (Module layer in Layers) given[0] = given.Length == 1 ? layer.Call(run, given[0]) : layer.Call(run, given)[0];
        return [_norm is null ? given[0] : _norm.Call(run, given[0])];
    }

    private static TransformerStack Stack(Weights weights, int count, int size, bool norm, Func<Weights, Module> layer)
    {
        Module[] layers = [.. Enumerable.Range(0, count).Select(i => layer(weights.In("layers").In($"{i}")))];
        return new TransformerStack(weights, layers, norm ? new LayerNorm(weights.In("norm"), [size]) : null);
    }
}
