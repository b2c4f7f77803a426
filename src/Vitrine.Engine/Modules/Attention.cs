using Vitrine.Ops;

namespace Vitrine;

/// <summary>
/// What attention modules share: scores become weights in a layer of their own, <c>attention</c>, so that a run can tap the weights or edit them.
/// A mask broadcasts to the scores: Bool, true where attention is allowed; or Float32, added to the scores.
/// </summary>
public abstract class AttentionModule : Module
{
    private readonly Dropout _dropout;

    private protected AttentionModule(Weights weights, float dropout)
        : base(weights)
    {
        Attention = new Layer(weights.In("attention"), new SoftmaxOp(-1));
        _dropout = new Dropout(weights.In("dropout"), dropout);
        DropoutProbability = dropout;
    }

    /// <summary>The layer whose result is the attention weights [..., T, S]; tap <c>its Path</c> to see them.</summary>
    public Layer Attention { get; }

    /// <summary>The probability that a weight is dropped in training.</summary>
    private protected float DropoutProbability { get; }

    /// <summary>Whether a run wants to see or change the weights, before or after some are dropped.</summary>
    private protected bool Asked(Run run) => run.Asks(Attention, _dropout);

    /// <summary>
    /// Which keys count when sequences have several lengths: Bool [N, 1, 1, S] (with <paramref name="heads"/>) or [N, 1, S], true before the end.
    /// </summary>
    /// <param name="lengths">[N], Int64.</param>
    /// <param name="steps">S.</param>
    /// <param name="heads">Whether the scores have an axis of heads, as in <see cref="MultiHeadAttention"/>.</param>
    public static Tensor KeyMask(Tensor lengths, int steps, bool heads = true)
    {
        int n = lengths.Count;
        Tensor mask = Tensor.Range(steps).Reshape(1, steps).Less(lengths.Reshape(n, 1)); // [N, S]
        return heads ? mask.Reshape(n, 1, 1, steps) : mask.Reshape(n, 1, steps);
    }

    /// <summary>softmax(scores) values, with the mask in between.</summary>
    private protected Tensor Mix(Run run, Tensor scores, Tensor values, Tensor? mask)
    {
        Tensor weights = Attention.Call(run, TensorOps.WithMask(scores, mask)); // [..., T, S]
        return _dropout.Call(run, weights).MatMul(values); // [..., T, V]
    }
}

/// <summary>
/// softmax(q k^T scale) v. Inputs: queries [N, T, E], keys [N, S, E], values [N, S, V] (the keys when left out), and a mask; no parameters. Always composed of
/// operators, as is <see cref="AdditiveAttention"/>; the fused form is that of <see cref="MultiHeadAttention"/>.
/// </summary>
/// <param name="weights">Its place in the network.</param>
/// <param name="scale">What products are multiplied by; null for 1/sqrt(E) (Vaswani et al. 2017), 1 for the form of Luong et al. 2015.</param>
/// <param name="dropout">The probability that a weight is dropped in training.</param>
public sealed class DotProductAttention(Weights weights, float? scale = null, float dropout = 0) : AttentionModule(weights, dropout)
{
    /// <inheritdoc/>
    protected override Tensor[] Forward(Run run, Tensor[] inputs)
    {
        if (inputs.Length is < 2 or > 4) throw new ArgumentException($"Attention takes queries, keys, values and a mask, not {inputs.Length} inputs.");
        (Tensor q, Tensor k) = (inputs[0], inputs[1]);
        Tensor scores = MatMulOp.Of(transposeB: true).Apply(q * (scale ?? 1 / MathF.Sqrt(q.Shape[-1])), k); // [N, T, S]
        return [Mix(run, scores, inputs.Length > 2 ? inputs[2] : k, inputs.Length > 3 ? inputs[3] : null)];
    }
}

/// <summary>
/// Additive attention (Bahdanau, Cho and Bengio 2015): the score of a query and a key is v . tanh(W q + U k). Inputs: queries [N, T, Q], keys [N, S, K], values
/// [N, S, V] (the keys when left out), and a mask. Parameters <c>query.weight</c>, <c>key.weight</c>, <c>key.bias</c>, <c>score.weight</c>.
/// </summary>
public sealed class AdditiveAttention : AttentionModule
{
    private readonly Linear _query, _key, _score;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="queries">Q.</param>
    /// <param name="keys">K.</param>
    /// <param name="hidden">How many hidden units score a pair.</param>
    /// <param name="dropout">The probability that a weight is dropped in training.</param>
    public AdditiveAttention(Weights weights, int queries, int keys, int hidden, float dropout = 0)
        : base(weights, dropout)
    {
        _query = new Linear(weights.In("query"), queries, hidden, bias: false);
        _key = new Linear(weights.In("key"), keys, hidden);
        _score = new Linear(weights.In("score"), hidden, 1, bias: false);
    }

    /// <inheritdoc/>
    protected override Tensor[] Forward(Run run, Tensor[] inputs)
    {
        if (inputs.Length is < 2 or > 4) throw new ArgumentException($"Attention takes queries, keys, values and a mask, not {inputs.Length} inputs.");
        Tensor q = _query.Call(run, inputs[0]).Unsqueeze(2), k = _key.Call(run, inputs[1]).Unsqueeze(1); // [N, T, 1, hidden], [N, 1, S, hidden]
        Tensor scores = _score.Call(run, (q + k).Tanh()).Squeeze(3); // [N, T, S]
        return [Mix(run, scores, inputs.Length > 2 ? inputs[2] : inputs[1], inputs.Length > 3 ? inputs[3] : null)];
    }
}

/// <summary>
/// Attention in several heads (Vaswani et al. 2017), batch first. Inputs: x alone, or queries [N, T, E], keys [N, S, K], values [N, S, V]; after either, a mask
/// that broadcasts to [N, heads, T, S]. Parameters <c>in_proj_weight</c> [3 E, E] (or <c>q_proj_weight</c>, <c>k_proj_weight</c>, <c>v_proj_weight</c> where K
/// or V
/// is not E), <c>in_proj_bias</c> [3 E], <c>out_proj.weight</c> [E, E], <c>out_proj.bias</c> [E].
/// </summary>
/// <remarks>
/// A Bool mask is true where attention is allowed; PyTorch's modules mean the opposite. Where nothing taps or edits the weights and the run does not forbid it,
/// scores, softmax, dropout and sum are one operator, with masks (learned ones too) and rotary positions; what is dropped is the same either way.
/// </remarks>
public sealed class MultiHeadAttention : AttentionModule
{
    private readonly int _size, _heads;
    private readonly bool _causal;
    private readonly Parameter? _packed, _queryWeight, _keyWeight, _valueWeight, _bias;
    private readonly Linear _out;
    private readonly RotaryPositions? _rotary;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="size">E: the features of queries and of the result.</param>
    /// <param name="heads">How many heads; E divides by it.</param>
    /// <param name="dropout">The probability that a weight is dropped in training.</param>
    /// <param name="bias">Whether the projections have biases.</param>
    /// <param name="keySize">K; null for E.</param>
    /// <param name="valueSize">V; null for E.</param>
    /// <param name="causal">Whether position t sees no position after t.</param>
    /// <param name="rotary">Turns queries and keys by their positions (Su et al. 2021).</param>
    public MultiHeadAttention(
        Weights weights, int size, int heads, float dropout = 0, bool bias = true, int? keySize = null, int? valueSize = null, bool causal = false,
            bool rotary = false)
        : base(weights, dropout)
    {
        if (heads < 1 || size % heads != 0) throw new ArgumentException($"{size} features do not divide into {heads} heads.", nameof(heads));
        (_size, _heads, _causal) = (size, heads, causal);
        (int k, int v) = (keySize ?? size, valueSize ?? size);
        if (k == size && v == size)
        {
            _packed = weights.Parameter("in_proj_weight", [3 * size, size], Init.GlorotUniform(size, 3 * size));
        }
        else
        {
            _queryWeight = weights.Parameter("q_proj_weight", [size, size], Init.GlorotUniform(size, size));
            _keyWeight = weights.Parameter("k_proj_weight", [size, k], Init.GlorotUniform(k, size));
            _valueWeight = weights.Parameter("v_proj_weight", [size, v], Init.GlorotUniform(v, size));
        }
        _bias = bias ? weights.Parameter("in_proj_bias", [3 * size], Init.Zeros) : null;
        _out = new Linear(weights.In("out_proj"), size, size, bias ? Init.Zeros : null);
        _rotary = rotary ? new RotaryPositions(weights.In("rotary"), size / heads) : null;
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => Attend(run, x, x, x, null);

    /// <inheritdoc/>
    protected override Tensor[] Forward(Run run, Tensor[] inputs) => inputs.Length switch
    {
        1 or 2 => [Attend(run, inputs[0], inputs[0], inputs[0], inputs.Length == 2 ? inputs[1] : null)],
        3 or 4 => [Attend(run, inputs[0], inputs[1], inputs[2], inputs.Length == 4 ? inputs[3] : null)],
        _ => throw new ArgumentException($"Attention takes queries, keys, values and a mask, not {inputs.Length} inputs."),
    };

    private Tensor Attend(Run run, Tensor query, Tensor key, Tensor value, Tensor? mask)
    {
        if (query.Rank != 3 || key.Rank != 3 || value.Rank != 3)
        {
            throw new ArgumentException($"Attention in {Path}: {query.Shape}, {key.Shape}, {value.Shape} are not [N, T, E].");
        }
        // One operator does it all where nothing wants to see or change weights.
        bool fused = run.Fused && !Asked(run);
        Tensor q, k, v;
        if (_packed is not null && ReferenceEquals(query, key) && ReferenceEquals(key, value))
        {
            Tensor all = query.Linear(_packed, _bias); // [N, T, 3 E]: one product for all three
            if (fused && _rotary is null) return _out.Call(run, Fused(run, mask, all));
            Tensor[] parts = all.Split([_size, _size, _size], 2);
            (q, k, v) = (parts[0], parts[1], parts[2]);
        }
        else
        {
            (q, k, v) = (Project(query, _queryWeight, 0), Project(key, _keyWeight, 1), Project(value, _valueWeight, 2));
            if (fused && _rotary is null) return _out.Call(run, Fused(run, mask, q, k, v));
        }
        (q, k) = (Heads(q), Heads(k));
        if (_rotary is not null) (q, k) = (_rotary.Call(run, q), _rotary.Call(run, k)); // each head turns by itself
        if (fused) return _out.Call(run, Fused(run, mask, SideBySide(q), SideBySide(k), v));
        v = Heads(v);
        Tensor scores = MatMulOp.Of(transposeB: true).Apply(q * (1 / MathF.Sqrt(_size / _heads)), k); // [N, heads, T, S]
        if (_causal) scores = TensorOps.WithMask(scores, TensorOps.CausalMask(query.Shape[1], key.Shape[1]));
        return _out.Call(run, SideBySide(Mix(run, scores, v, mask)));
    }

    private Tensor Fused(Run run, Tensor? mask, params ReadOnlySpan<Tensor> inputs)
    {
        // The draw is the one that the dropout layer would make.
        bool drops = run.Training && DropoutProbability > 0;
        var op = new AttentionOp(_heads, _causal, inputs.Length == 1, mask is not null, drops ? DropoutProbability : 0, drops ? run.Random.NextBits() : 0);
        return mask is null ? op.Apply(inputs) : op.Apply([.. inputs, mask]);
    }

    private Tensor Project(Tensor x, Parameter? own, int part)
    {
        (int from, int to) = (part * _size, (part + 1) * _size);
        return x.Linear(own ?? _packed!.Value.Slice(0, from, to), _bias?.Value.Slice(0, from, to));
    }

    private Tensor Heads(Tensor x) => x.Reshape(x.Shape[0], x.Shape[1], _heads, _size / _heads).Permute(0, 2, 1, 3); // [N, heads, T, E/heads]

    private Tensor SideBySide(Tensor x) => x.Permute(0, 2, 1, 3).Reshape(x.Shape[0], x.Shape[2], _size); // [N, T, E]
}
