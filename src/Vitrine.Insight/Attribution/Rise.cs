namespace Vitrine.Insight;

/// <summary>
/// RISE (Petsiuk, Das, Saenko 2018, "Randomized input sampling for explanation of black-box models"): the picture is seen through random smooth masks, and a
/// pixel's value is the mean answer when it is seen. The same for all channels.
/// </summary>
/// <remarks>
/// The paper asks for the probability of a class; with logits, which may be negative, the map has the same meaning but another zero. The paper divides by the
/// probability that a pixel is seen; here it is how much it was seen, so that a constant added to the answer is added to the map and no more.
/// </remarks>
/// <param name="masks">How many masks are drawn; the paper takes 4,000 to 8,000 for pictures of 224 pixels.</param>
/// <param name="cells">Masks are grids of so many cells on each side, enlarged to the picture.</param>
/// <param name="seen">The probability that a cell is seen.</param>
/// <param name="baseline">What is seen where a mask is closed; null for zeros.</param>
/// <param name="seed">Where the random numbers start.</param>
public sealed class Rise(int masks = 1000, int cells = 7, double seen = 0.5, Baseline? baseline = null, ulong seed = 0) : IAttribution
{
    private readonly int _masks = masks >= 1 ? masks : throw new ArgumentOutOfRangeException(nameof(masks), masks, "At least one mask is needed.");
    private readonly int _cells = cells >= 1 ? cells : throw new ArgumentOutOfRangeException(nameof(cells), cells, "A grid has at least one cell.");
    private readonly double _seen = seen is > 0 and <= 1 ? seen : throw new ArgumentOutOfRangeException(nameof(seen), seen, "The probability lies in (0, 1].");

    /// <inheritdoc/>
    public string Name => "rise";

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">What is attributed to is not of shape [N, C, H, W].</exception>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        Probes probes = Probes.On(model, input, target, wrt, progress, cancel);
        if (probes.Of.Rank != 4) throw new ArgumentException($"RISE looks at pictures [N, C, H, W]; this has shape {probes.Of.Shape}.", nameof(input));
        int examples = probes.Examples, size = probes.Size, height = probes.Of.Shape[2], width = probes.Of.Shape[3], plane = height * width;
        float[] closed = (baseline ?? Baseline.Zeros).For(probes.Of).ToArray(), mask = new float[plane];
        int drawn = -1;
        float[] scores = probes.Ask(_masks, (probe, n, values) =>
        {
            if (drawn != probe) Draw(drawn = probe, mask, height, width);
            for (int i = 0; i < size; i++) values[i] = mask[i % plane] * values[i] + (1 - mask[i % plane]) * closed[n * size + i];
        });
        double[] sums = new double[examples * plane], mass = new double[plane];
        for (int probe = 0; probe < _masks; probe++)
        {
            Draw(probe, mask, height, width);
            for (int i = 0; i < plane; i++)
            {
                mass[i] += mask[i];
                for (int n = 0; n < examples; n++) sums[n * plane + i] += (double)mask[i] * scores[probe * examples + n];
            }
        }
        float[] map = new float[probes.Of.Count];
        for (int i = 0; i < map.Length; i++)
        {
            int pixel = i % plane;
            map[i] = mass[pixel] == 0 ? 0 : (float)(sums[i / size * plane + pixel] / mass[pixel]);
        }
        return probes.Attribution(Name, map);
    }

    /// <summary>
    /// A grid of open and closed cells, enlarged by linear interpolation and shifted by less than a cell, so that cells have no fixed places.
    /// </summary>
    private void Draw(int number, float[] mask, int height, int width)
    {
        var random = new RandomSource(new RandomSource(seed).Derive((ulong)number));
        float[] grid = new float[_cells * _cells];
        for (int i = 0; i < grid.Length; i++) grid[i] = random.NextFloat() < _seen ? 1 : 0;
        (int Low, float Share)[] rows = Along(height), columns = Along(width);
        for (int y = 0; y < height; y++)
        {
            (int top, float down) = rows[y];
            int bottom = Math.Min(top + 1, _cells - 1);
            for (int x = 0; x < width; x++)
            {
                (int left, float across) = columns[x];
                int right = Math.Min(left + 1, _cells - 1);
                float above = grid[top * _cells + left] * (1 - across) + grid[top * _cells + right] * across;
                float below = grid[bottom * _cells + left] * (1 - across) + grid[bottom * _cells + right] * across;
                mask[y * width + x] = above * (1 - down) + below * down;
            }
        }

        (int, float)[] Along(int extent)
        {
            // The grid covers the picture and one cell more, which is the room to shift.
            int cell = (extent + _cells - 1) / _cells, shift = random.NextInt(cell);
            double scale = (double)_cells / ((_cells + 1) * cell);
            var places = new (int, float)[extent];
            for (int i = 0; i < extent; i++)
            {
                double at = Math.Clamp((i + shift + 0.5) * scale - 0.5, 0, _cells - 1);
                places[i] = ((int)at, (float)(at - (int)at));
            }
            return places;
        }
    }
}
