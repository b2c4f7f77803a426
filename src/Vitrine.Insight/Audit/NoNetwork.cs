namespace Vitrine.Insight;

/// <summary>Normal noise in place of an explanation: what a metric says of it, it says of nothing.</summary>
/// <param name="seed">Where its random numbers start.</param>
public sealed class RandomMap(ulong seed) : IAttribution
{
    /// <inheritdoc/>
    public string Name => "random map";

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        Probes probes = Probes.On(model, input, target, wrt, progress, cancel);
        return probes.Attribution(Name, new RandomSource(seed).Normal(probes.Of.Shape).Floats);
    }
}

/// <summary>
/// Edges of the input in place of an explanation (Sobel's operator): it looks like one and knows nothing of the network. Of what is no picture [N, C, H, W],
/// the sizes of its elements.
/// </summary>
public sealed class EdgeMap : IAttribution
{
    /// <inheritdoc/>
    public string Name => "edges";

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        Probes probes = Probes.On(model, input, target, wrt, progress, cancel);
        float[] values = probes.Of.ToArray(), edges = new float[values.Length];
        if (probes.Of.Rank != 4) return probes.Attribution(Name, [.. values.Select(Math.Abs)]);
        int height = probes.Of.Shape[2], width = probes.Of.Shape[3];
        for (int i = 0; i < values.Length; i++)
        {
            int y = i / width % height, x = i % width, start = i - y * width - x;
            float At(int dy, int dx) => values[start + Math.Clamp(y + dy, 0, height - 1) * width + Math.Clamp(x + dx, 0, width - 1)];
            float across = At(-1, 1) + 2 * At(0, 1) + At(1, 1) - At(-1, -1) - 2 * At(0, -1) - At(1, -1);
            float down = At(1, -1) + 2 * At(1, 0) + At(1, 1) - At(-1, -1) - 2 * At(-1, 0) - At(-1, 1);
            edges[i] = MathF.Sqrt(across * across + down * down);
        }
        return probes.Attribution(Name, edges);
    }
}
