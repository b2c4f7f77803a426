namespace Vitrine.Insight;

/// <summary>
/// How much of each input token arrives at each position after several layers of self-attention (Abnar and Zuidema 2020, "Quantifying attention flow in
/// transformers"): what a layer's attention says of the layer before it is followed down to the input.
/// </summary>
/// <remarks>
/// Both ways take the mean over heads and give half of each position's weight to the position itself, for the residual connection around the attention, as the
/// paper does: A' = 0.5 A + 0.5 I, rows divided by their sums.
/// </remarks>
public static class AttentionRollout
{
    /// <summary>The mean over heads with the residual connection: [N, heads, T, T] to [N, T, T], rows that sum to one.</summary>
    /// <param name="weights">The weights of a layer.</param>
    /// <exception cref="ArgumentException">There are not as many keys as queries.</exception>
    public static Tensor WithResidual(Tensor weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        if (weights.Rank != 4 || weights.Shape[2] != weights.Shape[3])
            throw new ArgumentException($"Rollout follows self-attention, [N, heads, T, T], not {weights.Shape}.", nameof(weights));
        (int n, int heads, int t) = (weights.Shape[0], weights.Shape[1], weights.Shape[2]);
        float[] result = new float[n * t * t];
        for (int row = 0; row < n * t; row++)
        {
            Span<float> to = result.AsSpan(row * t, t);
            (int example, int query) = (row / t, row % t);
            for (int head = 0; head < heads; head++)
            {
                ReadOnlySpan<float> from = weights.Floats.Slice(((example * heads + head) * t + query) * t, t);
                for (int k = 0; k < t; k++) to[k] += from[k];
            }
            double sum = 0;
            for (int k = 0; k < t; k++) sum += to[k] = 0.5f * to[k] / heads + (k == query ? 0.5f : 0);
            for (int k = 0; k < t; k++) to[k] = (float)(to[k] / sum);
        }
        return Tensor.From(result, [n, t, t]);
    }

    /// <summary>Attention rollout: the product of all layers' weights.</summary>
    /// <param name="layers">The weights [N, heads, T, T] of each layer, from the input up.</param>
    /// <returns>[N, T, T]: for each position after the last layer, how much comes from each input token; rows sum to one.</returns>
    /// <exception cref="ArgumentException">There are no layers, or their shapes do not fit.</exception>
    public static Tensor Rollout(IReadOnlyList<Tensor> layers)
    {
        Check(layers);
        Tensor rollout = WithResidual(layers[0]);
        foreach (Tensor layer in layers.Skip(1)) rollout = WithResidual(layer).MatMul(rollout); // [N, T, T]
        return rollout;
    }

    /// <summary>
    /// Attention flow: the weights are capacities of the edges between the positions of neighbouring layers, and what arrives at a position from a token is the
    /// largest flow between the two. It does not share a token's weight among paths as rollout does; rows need not sum to one.
    /// </summary>
    /// <param name="layers">The weights [N, heads, T, T] of each layer, from the input up.</param>
    /// <param name="cancel">Ends the computation, which takes T^2 largest flows for each example.</param>
    /// <returns>[N, T, T].</returns>
    /// <exception cref="ArgumentException">There are no layers, or their shapes do not fit.</exception>
    public static Tensor Flow(IReadOnlyList<Tensor> layers, CancellationToken cancel = default)
    {
        Check(layers);
        Tensor[] weights = [.. layers.Select(WithResidual)];
        (int n, int t, int depth) = (weights[0].Shape[0], weights[0].Shape[1], weights.Length);
        float[] flows = new float[n * t * t];
        Work.Split(n * t, 1, (from, to) =>
        {
            for (int item = from; item < to; item++)
            {
                cancel.ThrowIfCancellationRequested();
                (int example, int position) = (item / t, item % t);
                var graph = new MaxFlow((depth + 1) * t);
                for (int layer = 0; layer < depth; layer++)
                    for (int query = 0; query < t; query++)
                        for (int key = 0; key < t; key++)
                        {
                            // Position `query` above a layer reads position `key` below it.
                            float capacity = weights[layer].Floats[(example * t + query) * t + key];
                            if (capacity > 0) graph.Add((layer + 1) * t + query, layer * t + key, capacity);
                        }
                for (int token = 0; token < t; token++) flows[(example * t + position) * t + token] = (float)graph.Between(depth * t + position, token);
            }
        });
        return Tensor.From(flows, [n, t, t]);
    }

    private static void Check(IReadOnlyList<Tensor> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        if (layers.Count == 0) throw new ArgumentException("There is no attention to follow.", nameof(layers));
        foreach (Tensor layer in layers)
        {
            if (layer.Rank != 4 || layer.Shape[0] != layers[0].Shape[0] || layer.Shape[2] != layers[0].Shape[2])
                throw new ArgumentException($"The layers' weights do not fit: {layers[0].Shape} and {layer.Shape}.", nameof(layers));
        }
    }
}
