namespace Vitrine.Insight;

/// <summary>A rectangle of a picture.</summary>
/// <param name="Top">The first row.</param>
/// <param name="Left">The first column.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
public readonly record struct PicturePart(int Top, int Left, int Height, int Width);

/// <summary>How consistently a layer's features change when the same part is hidden in several pictures.</summary>
/// <param name="Scope">The module call.</param>
/// <param name="Mean">The share of features whose signs of change differ, the mean over all pairs of pictures; lower is more consistent.</param>
/// <param name="Deviation">The standard deviation over the pairs.</param>
public sealed record PartConsistency(string Scope, double Mean, double Deviation);

/// <summary>
/// Correspondence between parts of different pictures (Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section 4.3): where a
/// network knows that the left eyes of two faces are the same part, hiding them changes its features alike, more so than hiding parts at random.
/// </summary>
public static class Correspondence
{
    /// <summary>Hides a part in each picture and compares how the signs of the features change.</summary>
    /// <param name="model">The network.</param>
    /// <param name="inputs">Pictures [N, C, H, W], N at least 2.</param>
    /// <param name="parts">The part of each picture.</param>
    /// <param name="scopes">The module calls whose results are compared.</param>
    /// <param name="fill">What is put in its place, a value a channel; null for zeros.</param>
    /// <returns>One entry a module call. With e_i the features of picture i less those of the picture without its part: the Hamming distance between
    /// sign(e_i) and sign(e_j) as a share of the features, over all pairs.</returns>
    /// <exception cref="ArgumentException">The sizes do not belong together, a part lies outside, or there is no such module call.</exception>
    public static IReadOnlyList<PartConsistency> Of(
        Module model, Tensor inputs, IReadOnlyList<PicturePart> parts, IReadOnlyList<string> scopes, IReadOnlyList<float>? fill = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(parts);
        ArgumentNullException.ThrowIfNull(scopes);
        if (inputs.Rank != 4 || inputs.Shape[0] < 2 || parts.Count != inputs.Shape[0])
        {
            throw new ArgumentException($"{parts.Count} parts of {inputs.Shape}: at least two pictures [N, C, H, W] need a part each.", nameof(parts));
        }
        using var memory = MemoryScope.Open();
        IReadOnlyList<Tensor> whole = LayerMaps.Of(model, inputs, scopes), hidden = LayerMaps.Of(model, Hidden(inputs, parts, fill), scopes);
        return [.. scopes.Select((scope, s) => Consistency(scope, whole[s], hidden[s], inputs.Shape[0]))];
    }

    /// <summary>Parts of the same sizes at random places, to compare with.</summary>
    public static IReadOnlyList<PicturePart> Random(IReadOnlyList<PicturePart> like, int height, int width, RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(like);
        ArgumentNullException.ThrowIfNull(random);
        return [.. like.Select(p => p with { Top = random.NextInt(height - p.Height + 1), Left = random.NextInt(width - p.Width + 1) })];
    }

    private static Tensor Hidden(Tensor inputs, IReadOnlyList<PicturePart> parts, IReadOnlyList<float>? fill)
    {
        (int channels, int h, int w) = (inputs.Shape[1], inputs.Shape[2], inputs.Shape[3]);
        if (fill is not null && fill.Count != channels) throw new ArgumentException($"{fill.Count} values to hide {channels} channels with.", nameof(fill));
        float[] values = inputs.ToArray();
        for (int n = 0; n < parts.Count; n++)
        {
            PicturePart part = parts[n];
            if (part.Top < 0 || part.Left < 0 || part.Height < 1 || part.Width < 1 || part.Top + part.Height > h || part.Left + part.Width > w)
            {
                throw new ArgumentException($"{part} does not lie within a picture of {h} x {w}.", nameof(parts));
            }
            for (int c = 0; c < channels; c++)
            {
                for (int y = part.Top; y < part.Top + part.Height; y++) values.AsSpan(((n * channels + c) * h + y) * w + part.Left,
                    part.Width).Fill(fill?[c] ?? 0);
            }
        }
        return Tensor.From(values, inputs.Shape);
    }

    private static PartConsistency Consistency(string scope, Tensor whole, Tensor hidden, int n)
    {
        if (whole.Rank == 0 || whole.Shape[0] != n) throw new ArgumentException($"{scope} makes {whole.Shape} of {n} pictures; their axis should be the " +
            $"first.");
        int width = whole.Count / n;
        sbyte[] signs = new sbyte[whole.Count];
        for (int i = 0; i < signs.Length; i++) signs[i] = (sbyte)whole.Floats[i].CompareTo(hidden.Floats[i]);
        var distances = new List<double>();
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < i; j++)
            {
                int differ = 0;
                for (int k = 0; k < width; k++) if (signs[i * width + k] != signs[j * width + k]) differ++;
                distances.Add((double)differ / width);
            }
        }
        double mean = distances.Average();
        return new PartConsistency(scope, mean, Math.Sqrt(distances.Average(d => (d - mean) * (d - mean))));
    }
}
