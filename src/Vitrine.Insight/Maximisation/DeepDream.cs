namespace Vitrine.Insight;

/// <summary>
/// DeepDream (Mordvintsev, Olah, Tyka 2015, "Inceptionism: going deeper into neural networks"): a picture is changed so that a layer answers more to what it
/// sees there already, from coarse to fine. Every octave is a picture larger than the one before; what was dreamed so far is enlarged and put on the original
/// of that size.
/// </summary>
/// <remarks>
/// The network may take pictures of one size only: larger ones are seen in tiles of that size, moved at random in every step so that no seam stays.
/// </remarks>
public sealed class DeepDream
{
    private readonly int _octaves;
    private readonly double _scale;
    private readonly int _steps;
    private readonly double _rate;
    private readonly ulong _seed;

    /// <summary>Describes the dream.</summary>
    /// <param name="octaves">How many sizes there are.</param>
    /// <param name="scale">How much larger each is than the one before.</param>
    /// <param name="steps">Steps of ascent in each.</param>
    /// <param name="rate">How far a step goes, as a share of the range of values, on average over the pixels.</param>
    /// <param name="seed">Of the moves.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is not positive, or the scale is below 1.</exception>
    public DeepDream(int octaves = 4, double scale = 1.3, int steps = 10, double rate = 0.01, ulong seed = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(octaves, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(scale, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rate);
        (_octaves, _scale, _steps, _rate, _seed) = (octaves, scale, steps, rate, seed);
    }

    /// <summary>Dreams of a picture.</summary>
    /// <param name="model">The network.</param>
    /// <param name="objective">What is raised, usually <see cref="Objective.Layer"/>.</param>
    /// <param name="picture">[1, C, H, W], as the network takes it.</param>
    /// <param name="low">The smallest value of each channel, broadcasting: [1, C, 1, 1].</param>
    /// <param name="high">The largest value of each channel.</param>
    /// <param name="progress">Told the share of the steps that are made, 0 to 1.</param>
    /// <param name="cancel">Ends the work between two steps.</param>
    /// <returns>[1, C, H', W'], larger than the picture by scale to the power octaves - 1.</returns>
    /// <exception cref="ArgumentException">The picture is none, or there is no such layer.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was signalled.</exception>
    public Tensor Run(
        Module model, Objective objective, Tensor picture, Tensor low, Tensor high, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(objective);
        if (picture.Rank != 4 || picture.Shape[0] != 1) throw new ArgumentException($"One picture [1, C, H, W] is dreamed of, not {picture.Shape}.",
            nameof(picture));
        int height = picture.Shape[2], width = picture.Shape[3], made = 0;
        var draws = new RandomSource(_seed);
        using var scope = MemoryScope.Open();
        Tensor span = high - low, original = picture.Detach(), dream = original;
        for (int octave = 0; octave < _octaves; octave++)
        {
            double factor = Math.Pow(_scale, octave);
            int[] size = [(int)Math.Round(height * factor), (int)Math.Round(width * factor)];
            // The original is enlarged from its own pixels, so that an octave adds to what it has and does not dream on blur.
            Tensor before = Enlarged(original, size), detail = Enlarged(dream - Enlarged(original, [dream.Shape[2], dream.Shape[3]]), size);
            dream = Inside(before + detail, low, high);
            for (int step = 0; step < _steps; step++)
            {
                cancel.ThrowIfCancellationRequested();
                using var inner = MemoryScope.Open();
                Tensor gradient = Gradient(model, objective, dream, height, width, new RandomSource(draws.Derive((ulong)made)));
                float steepness = Math.Max(1e-12f, gradient.Abs().Mean().Item());
                dream = inner.Keep(Inside(dream + gradient * ((float)_rate / steepness) * span, low, high));
                progress?.Report((double)++made / (_octaves * _steps));
            }
        }
        return scope.Keep(dream);
    }

    /// <summary>The gradient of a picture that is seen in tiles, the picture going on at its other side.</summary>
    private static Tensor Gradient(Module model, Objective objective, Tensor picture, int height, int width, RandomSource random)
    {
        int rows = picture.Shape[2], columns = picture.Shape[3], channels = picture.Shape[1];
        int down = rows == height ? 0 : random.NextInt(rows), right = columns == width ? 0 : random.NextInt(columns);
        int tall = (rows + height - 1) / height, wide = (columns + width - 1) / width;
        float[] gradient = new float[picture.Count], count = new float[rows * columns];
        for (int tile = 0; tile < tall * wide; tile++)
        {
            // As evenly as they go: neighbouring tiles overlap, and the mean is taken where they do.
            int top = down + tile / wide * rows / tall, left = right + tile % wide * columns / wide;
            Tensor ys = Places(top, height, rows), xs = Places(left, width, columns);
            Tensor seen = picture.IndexSelect(2, ys).IndexSelect(3, xs).Detach().Watch();
            Tensor score = objective.Score(PartialPass.Of(model, seen, objective.Layers, recording: true));
            ReadOnlySpan<float> part = Autograd.Backward(score, null, [seen])[0].Floats;
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    int at = (top + y) % rows * columns + (left + x) % columns;
                    count[at]++;
                    for (int c = 0; c < channels; c++) gradient[c * rows * columns + at] += part[(c * height + y) * width + x];
                }
            }
        }
        for (int i = 0; i < gradient.Length; i++) gradient[i] /= Math.Max(1, count[i % count.Length]);
        return Tensor.From(gradient, picture.Shape);
    }

    private static Tensor Places(int from, int count, int extent)
    {
        long[] places = new long[count];
        for (int i = 0; i < count; i++) places[i] = (from + i) % extent;
        return Tensor.From(places, [count]);
    }

    private static Tensor Enlarged(Tensor picture, int[] size) =>
        picture.Shape[2] == size[0] && picture.Shape[3] == size[1] ? picture : picture.Interpolate(size, Interpolation.Cubic);

    private static Tensor Inside(Tensor picture, Tensor low, Tensor high) => picture.Maximum(low).Minimum(high);
}
