namespace Vitrine.Onnx;

/// <content>What Transformers are made of.</content>
internal static partial class Operators
{
    /// <summary>
    /// Attention in several heads: softmax(q k^T scale + mask) v. Queries, keys and values are [N, heads, T, size] or [N, T, heads size]; a key and value head
    /// may serve several query heads. What is past stands before keys and values.
    /// </summary>
    [Onnx(23)]
    private static Tensor[] Attention(
        Tensor q, Tensor k, Tensor v, Tensor? attnMask = null, Tensor? pastKey = null, Tensor? pastValue = null, Tensor? nonpadKvSeqlen = null,
        int isCausal = 0, int kvNumHeads = 0,
        int qNumHeads = 0, int qkMatmulOutputMode = 0, float scale = 0, float softcap = 0, int softmaxPrecision = 0)
    {
        _ = softmaxPrecision; // is 32 bits
        bool joined = q.Rank == 3;
        if (joined)
        {
            (q, k, v) = (Heads(q, qNumHeads), Heads(k, kvNumHeads), Heads(v, kvNumHeads));
        }
        if (q.Rank != 4 || k.Rank != 4 || v.Rank != 4 || k.Shape[1] == 0 || q.Shape[1] % k.Shape[1] != 0)
        {
            throw new ArgumentException($"queries {q.Shape}, keys {k.Shape} and values {v.Shape} do not fit");
        }
        if (pastKey is not null) k = TensorOps.Concat(2, pastKey, k);
        if (pastValue is not null) v = TensorOps.Concat(2, pastValue, v);
        (Tensor presentKey, Tensor presentValue) = (k, v);
        int queries = q.Shape[2], keys = k.Shape[2];
        (k, v) = (Serving(k, q.Shape[1] / k.Shape[1]), Serving(v, q.Shape[1] / v.Shape[1]));
        Tensor scores = Vitrine.Ops.MatMulOp.Of(transposeB: true).Apply(q * (scale == 0 ? 1 / MathF.Sqrt(q.Shape[3]) : scale), k); // [N, heads, T, S]
        if (softcap > 0) scores = (scores * (1 / softcap)).Tanh() * softcap;
        Tensor masked = scores;
        if (attnMask is not null)
        {
            Tensor mask = attnMask.DType == DType.Bool ? attnMask.Where(Tensor.Scalar(0), Tensor.Scalar(float.NegativeInfinity)) : attnMask;
            int missing = keys - mask.Shape[-1]; // a mask that is too short forbids the rest
            if (missing > 0) mask = mask.Pad([.. Enumerable.Repeat((0, 0), mask.Rank - 1), (0, missing)], Padding.Constant, float.NegativeInfinity);
            masked += mask;
        }
        if (isCausal != 0 || nonpadKvSeqlen is not null)
        {
            int batch = q.Shape[0];
            long[] lengths = nonpadKvSeqlen is null ? [.. Enumerable.Repeat((long)keys, batch)] : nonpadKvSeqlen.Longs.ToArray();
            bool[] seen = new bool[batch * queries * keys];
            for (int i = 0; i < seen.Length; i++)
            {
                int n = i / (queries * keys), t = i / keys % queries, s = i % keys;
                // How many keys stand before the first query.
                long before = pastKey is not null ? pastKey.Shape[2] : nonpadKvSeqlen is not null ? lengths[n] - queries : 0;
                seen[i] = s < lengths[n] && (isCausal == 0 || s <= t + before);
            }
            masked = Tensor.From(seen, [batch, 1, queries, keys]).Where(masked, Tensor.Scalar(float.NegativeInfinity));
        }
        Tensor attention = masked.Softmax(-1), y = attention.MatMul(v);
        if (joined) y = y.Permute(0, 2, 1, 3).Reshape(y.Shape[0], queries, y.Shape[1] * y.Shape[3]);
        return [y, presentKey, presentValue, qkMatmulOutputMode switch { 2 => masked, 3 => attention, _ => scores }];

        static Tensor Heads(Tensor x, int heads)
        {
            if (heads < 1 || x.Shape[2] % heads != 0) throw new ArgumentException($"{x.Shape} does not divide into {heads} heads");
            return x.Reshape(x.Shape[0], x.Shape[1], heads, x.Shape[2] / heads).Permute(0, 2, 1, 3);
        }

        // Each head as often as there are queries for it.
        static Tensor Serving(Tensor x, int times) => times == 1
            ? x
            : x.Unsqueeze(2).Expand([x.Shape[0], x.Shape[1], times, x.Shape[2], x.Shape[3]]).Reshape(x.Shape[0], x.Shape[1] * times, x.Shape[2], x.Shape[3]);
    }

    /// <summary>Turns pairs of features by angles that grow with the position (Su et al. 2021).</summary>
    [Onnx(23)]
    private static Tensor RotaryEmbedding(
        Tensor x, Tensor cosCache, Tensor sinCache, Tensor? positionIds = null, int interleaved = 0, int numHeads = 0, int rotaryEmbeddingDim = 0)
    {
        bool joined = x.Rank == 3;
        if (joined && (numHeads < 1 || x.Shape[2] % numHeads != 0)) throw new ArgumentException($"{x.Shape} does not divide into {numHeads} heads");
        Tensor t = joined ? x.Reshape(x.Shape[0], x.Shape[1], numHeads, x.Shape[2] / numHeads) : x.Permute(0, 2, 1, 3); // [N, T, heads, size]
        int size = t.Shape[3], turned = rotaryEmbeddingDim == 0 ? size : rotaryEmbeddingDim;
        Tensor cos = At(cosCache), sin = At(sinCache);
        Tensor first = interleaved != 0 ? t.Slice(3, 0, turned, 2) : t.Slice(3, 0, turned / 2);
        Tensor second = interleaved != 0 ? t.Slice(3, 1, turned, 2) : t.Slice(3, turned / 2, turned);
        Tensor a = cos * first - sin * second, b = sin * first + cos * second; // [N, T, heads, turned / 2]
        Tensor pairs = interleaved != 0 ? TensorOps.Stack(4, a, b).Reshape(t.Shape[0], t.Shape[1], t.Shape[2], turned) : TensorOps.Concat(3, a, b);
        Tensor y = turned == size ? pairs : TensorOps.Concat(3, pairs, t.Slice(3, turned, size));
        return joined ? y.Reshape(x.Shape) : y.Permute(0, 2, 1, 3);

        Tensor At(Tensor cache) => (positionIds is null ? cache : cache.IndexSelect(0, positionIds)).Unsqueeze(2);
    }
}
