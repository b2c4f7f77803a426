namespace Vitrine.Insight;

/// <summary>
/// What becomes of the answer as an input loses, or gains, what an explanation calls important: pixel flipping (Bach et al. 2015, "On pixel-wise explanations
/// for non-linear classifier decisions by layer-wise relevance propagation"), deletion and insertion (Petsiuk, Das, Saenko 2018, "RISE").
/// </summary>
/// <remarks>
/// The map is an explanation of the input's shape [N, ...], whose elements go one by one, or has one channel [N, 1, H, W], whose pixels go with all their
/// channels. Among equal values the one that comes first goes first. Ask for probabilities where curves of several networks are compared.
/// </remarks>
public static class PixelCurves
{
    /// <summary>
    /// The answers as the most important elements are replaced, from the whole input to nothing of it. A good explanation makes them fall early.
    /// </summary>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...].</param>
    /// <param name="map">The explanation.</param>
    /// <param name="target">What is asked; the class is that of the whole input.</param>
    /// <param name="step">How many of the map's elements are replaced before the network is asked again; 0 for so many that there are 50 steps.</param>
    /// <param name="replacement">What takes their place; null for zeros.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <returns>For each example the answers, the first for the whole input.</returns>
    /// <exception cref="ArgumentException">The map has another shape.</exception>
    public static float[][] Deletion(
        Module model, Tensor input, Tensor map, Target target, int step = 0, Baseline? replacement = null, CancellationToken cancel = default) =>
        Curves(model, input, map, target, step, replacement, insert: false, cancel);

    /// <summary>
    /// The answers as the most important elements come back, from nothing of the input to the whole. A good explanation makes them rise early.
    /// </summary>
    /// <inheritdoc cref="Deletion"/>
    /// <returns>For each example the answers, the last for the whole input.</returns>
    public static float[][] Insertion(
        Module model, Tensor input, Tensor map, Target target, int step = 0, Baseline? replacement = null, CancellationToken cancel = default) =>
        Curves(model, input, map, target, step, replacement, insert: true, cancel);

    /// <summary>The area under a curve over the share of elements that were changed, by trapezoids.</summary>
    /// <param name="curve">Two answers or more.</param>
    public static double Area(ReadOnlySpan<float> curve)
    {
        if (curve.Length < 2) throw new ArgumentException("A curve has two answers or more.", nameof(curve));
        double sum = (curve[0] + (double)curve[^1]) / 2;
        foreach (float answer in curve[1..^1]) sum += answer;
        return sum / (curve.Length - 1);
    }

    private static float[][] Curves(
        Module model, Tensor input, Tensor map, Target target, int step, Baseline? replacement, bool insert, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        Probes probes = Probes.On(model, input, target, wrt: null, progress: null, cancel);
        int examples = probes.Examples;
        int[][] order = Orders(probes, map);
        int places = order[0].Length, channels = probes.Size / places;
        if (step == 0) step = Math.Max(1, (places + 49) / 50);
        int steps = (places + step - 1) / step;
        float[] other = (replacement ?? Baseline.Zeros).For(probes.Of).ToArray();
        float[] answers = probes.Ask(steps + 1, (round, n, values) =>
        {
            // Replaced is what has been deleted, or what has not yet been inserted.
            int changed = Math.Min(places, round * step);
            ReadOnlySpan<int> replaced = insert ? order[n].AsSpan(changed) : order[n].AsSpan(0, changed);
            foreach (int place in replaced)
            {
                for (int c = 0; c < channels; c++) values[c * places + place] = other[n * values.Length + c * places + place];
            }
        });
        return [.. Enumerable.Range(0, examples).Select(n => Enumerable.Range(0, steps + 1).Select(round => answers[round * examples + n]).ToArray())];
    }

    /// <summary>The map's elements for each example, the most important first.</summary>
    internal static int[][] Orders(Probes probes, Tensor map)
    {
        Shape of = probes.Of.Shape;
        bool pixels = of.Rank >= 3 && map.Rank == of.Rank && map.Shape == of.With(1, 1);
        if (!pixels && map.Shape != of)
        {
            throw new ArgumentException(
                $"A map of shape {map.Shape} does not belong to an input of shape {of}; it has the same shape, or one channel.", nameof(map));
        }
        int places = map.Count / probes.Examples;
        return [.. Enumerable.Range(0, probes.Examples).Select(n => Localisation.Order(map.Floats.Slice(n * places, places)))];
    }
}
