using Vitrine.Ops;

namespace Vitrine;

public static partial class TensorOps
{
    /// <summary>softmax(q k^T / sqrt(E)) v (Vaswani et al. 2017), composed of operators so that rules see each.</summary>
    /// <param name="q">[..., T, E].</param>
    /// <param name="k">[..., S, E].</param>
    /// <param name="v">[..., S, V].</param>
    /// <param name="mask">Broadcasts to [..., T, S]: Bool, true where attention is allowed; or Float32, added to the scores.</param>
    /// <param name="causal">Whether position t sees no position after t.</param>
    /// <param name="scale">In place of 1/sqrt(E).</param>
    /// <returns>The values [..., T, V] and the attention [..., T, S].</returns>
    public static (Tensor Output, Tensor Attention) ScaledDotProductAttention(
        Tensor q, Tensor k, Tensor v, Tensor? mask = null, bool causal = false, float? scale = null)
    {
        if (q.Rank < 2 || k.Rank < 2 || v.Rank < 2)
        {
            throw new ArgumentException($"Attention: queries {q.Shape}, keys {k.Shape} and values {v.Shape} need at least two axes.");
        }
        Tensor scores = new MatMulOp(transposeB: true).Apply(q * (scale ?? 1 / MathF.Sqrt(q.Shape[-1])), k); // [..., T, S]
        if (causal) scores = WithMask(scores, CausalMask(q.Shape[-2], k.Shape[-2]));
        Tensor attention = WithMask(scores, mask).Softmax(-1);
        return (attention.MatMul(v), attention);
    }

    /// <summary>Attention in several heads, as PyTorch's <c>MultiheadAttention</c> with <c>batch_first</c>.</summary>
    /// <param name="query">[N, T, E].</param>
    /// <param name="key">[N, S, E].</param>
    /// <param name="value">[N, S, E].</param>
    /// <param name="inWeight">[3 E, E]: the projections to queries, keys and values, one below the other.</param>
    /// <param name="inBias">[3 E], or null.</param>
    /// <param name="outWeight">[E, E].</param>
    /// <param name="outBias">[E], or null.</param>
    /// <param name="heads">How many heads; E must divide by it.</param>
    /// <param name="mask">Broadcasts to [N, heads, T, S]; see <see cref="ScaledDotProductAttention"/>.</param>
    /// <param name="causal">Whether position t sees no position after t.</param>
    /// <returns>The result [N, T, E] and the attention of each head [N, heads, T, S].</returns>
    public static (Tensor Output, Tensor Attention) MultiHeadAttention(
        Tensor query, Tensor key, Tensor value, Tensor inWeight, Tensor? inBias, Tensor outWeight, Tensor? outBias, int heads, Tensor? mask = null,
            bool causal = false)
    {
        if (query.Rank != 3 || key.Rank != 3 || value.Rank != 3)
        {
            throw new ArgumentException($"Attention: queries {query.Shape}, keys {key.Shape} and values {value.Shape} are [N, T, E].");
        }
        int e = query.Shape[2];
        if (heads < 1 || e % heads != 0 || inWeight.Shape != Shape.Create(3 * e, e))
        {
            throw new ArgumentException($"Attention: {heads} heads and projections {inWeight.Shape} do not fit {e} features.");
        }
        Tensor q, k, v;
        if (ReferenceEquals(query, key) && ReferenceEquals(key, value))
        {
            Tensor[] parts = query.Linear(inWeight, inBias).Split([e, e, e], 2); // one product for all three
            (q, k, v) = (parts[0], parts[1], parts[2]);
        }
        else
        {
            (q, k, v) = (Project(query, 0), Project(key, 1), Project(value, 2));
        }
        (Tensor mixed, Tensor attention) = ScaledDotProductAttention(Heads(q), Heads(k), Heads(v), mask, causal);
        Tensor joined = mixed.Permute(0, 2, 1, 3).Reshape(query.Shape[0], query.Shape[1], e); // [N, T, E]
        return (joined.Linear(outWeight, outBias), attention);

        Tensor Project(Tensor x, int part) => x.Linear(inWeight.Slice(0, part * e, (part + 1) * e), inBias?.Slice(0, part * e, (part + 1) * e));

        Tensor Heads(Tensor x) => x.Reshape(x.Shape[0], x.Shape[1], heads, e / heads).Permute(0, 2, 1, 3); // [N, heads, T, E/heads]
    }

    /// <summary>Which of S positions each of T positions may see when none may see what comes after it: Bool [T, S].</summary>
    public static Tensor CausalMask(int queries, int keys)
    {
        bool[] allowed = new bool[queries * keys];
        for (int i = 0; i < allowed.Length; i++) allowed[i] = i % keys <= i / keys;
        return Tensor.From(allowed, [queries, keys]);
    }

    /// <summary>Scores of which those that a mask forbids are minus infinity; a mask of numbers is added.</summary>
    internal static Tensor WithMask(Tensor scores, Tensor? mask) => mask switch
    {
        null => scores,
        { DType: DType.Bool } => mask.Where(scores, Tensor.Scalar(float.NegativeInfinity)),
        _ => scores + mask,
    };
}
