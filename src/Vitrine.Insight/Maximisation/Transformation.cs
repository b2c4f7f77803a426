namespace Vitrine.Insight;

/// <summary>A random change of pictures [N, C, H, W] between two steps of an ascent, the same for the whole batch.</summary>
/// <param name="pictures">[N, C, H, W].</param>
/// <param name="random">Where its numbers come from: the same source, the same change.</param>
/// <returns>[N, C, H', W'].</returns>
public delegate Tensor Transformation(Tensor pictures, RandomSource random);

/// <summary>
/// Transformations. What is to excite a unit although it is moved, turned and scaled a little cannot be a pattern of single pixels (Olah, Mordvintsev, Schubert
/// 2017, "Feature visualization": transformation robustness).
/// </summary>
public static class Transformations
{
    /// <summary>
    /// The usual ones, in this order: padded, moved by up to <paramref name="pixels"/>, turned by up to 5 degrees and scaled by 0.9 to 1.1, moved again by half
    /// as much, and brought back to the size.
    /// </summary>
    /// <param name="height">The height the network takes.</param>
    /// <param name="width">The width the network takes.</param>
    /// <param name="pixels">How far it moves; 0 leaves it where it is.</param>
    public static IReadOnlyList<Transformation> Robust(int height, int width, int pixels)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pixels);
        if (pixels == 0) return [ScaleAndRotate(0.9, 1.1, 5)];
        return [Pad(pixels), Jitter(pixels), ScaleAndRotate(0.9, 1.1, 5), Jitter(pixels - pixels / 2), Fit(height, width)];
    }

    /// <summary>Several, one after the other.</summary>
    public static Transformation Compose(IReadOnlyList<Transformation> transformations) => (x, random) =>
    {
        foreach (Transformation transformation in transformations) x = transformation(x, random);
        return x;
    };

    /// <summary>A part of the picture at a random place, <paramref name="pixels"/> smaller in height and width.</summary>
    /// <exception cref="ArgumentException">The picture is not larger than that.</exception>
    public static Transformation Jitter(int pixels)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pixels);
        return (x, random) =>
        {
            (int height, int width) = Extents(x);
            if (pixels >= height || pixels >= width) throw new ArgumentException($"A picture of {width} x {height} cannot be moved by {pixels} pixels.",
                nameof(pixels));
            int down = random.NextInt(pixels + 1), right = random.NextInt(pixels + 1);
            return x.Slice(2, down, down + height - pixels).Slice(3, right, right + width - pixels);
        };
    }

    /// <summary>Enlarged about its middle by a random factor; the size stays.</summary>
    /// <param name="low">The smallest factor, above 0.</param>
    /// <param name="high">The largest factor.</param>
    public static Transformation Scale(double low, double high) => ScaleAndRotate(low, high, 0);

    /// <summary>Turned about its middle by a random angle; the size stays, and corners that come from outside show the nearest edge.</summary>
    /// <param name="degrees">The largest angle to either side.</param>
    public static Transformation Rotate(double degrees) => ScaleAndRotate(1, 1, degrees);

    /// <summary>Both at once, read once from the picture, linearly between pixels.</summary>
    /// <param name="low">The smallest factor, above 0.</param>
    /// <param name="high">The largest factor.</param>
    /// <param name="degrees">The largest angle to either side.</param>
    public static Transformation ScaleAndRotate(double low, double high, double degrees)
    {
        if (!(low > 0) || !(high >= low)) throw new ArgumentOutOfRangeException(nameof(low), low,
            "Factors are above 0, and the largest is not below the smallest.");
        ArgumentOutOfRangeException.ThrowIfNegative(degrees);
        return (x, random) =>
        {
            (int height, int width) = Extents(x);
            double factor = low + (high - low) * random.NextFloat(), angle = degrees * (2 * random.NextFloat() - 1) * Math.PI / 180;
            if (factor == 1 && angle == 0) return x;
            // From a place of the result to the place it shows, in units of half a side: angles are those of pixels, so the sides' ratio comes in.
            (double sin, double cos) = Math.SinCos(angle);
            float a = (float)(cos / factor), b = (float)(-sin / factor * height / width), c = (float)(sin / factor * width / height);
            Tensor map = Tensor.From([a, b, 0, c, a, 0], [1, 2, 3]).Expand([x.Shape[0], 2, 3]);
            return x.GridSample(map.AffineGrid(height, width), new GridSampling(GridMode.Bilinear, GridPadding.Border));
        };
    }

    /// <summary>A margin on every side: of a value, or of the picture mirrored or continued.</summary>
    /// <param name="pixels">Its width.</param>
    /// <param name="mode">What is in it.</param>
    /// <param name="value">The value of a constant margin; 0 is the mean colour for networks that subtract it.</param>
    public static Transformation Pad(int pixels, Padding mode = Padding.Constant, float value = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pixels);
        return (x, _) => pixels == 0 ? x : x.Pad([(0, 0), (0, 0), (pixels, pixels), (pixels, pixels)], mode, value);
    }

    /// <summary>A part of the picture at a random place.</summary>
    /// <param name="height">Its height.</param>
    /// <param name="width">Its width.</param>
    /// <exception cref="ArgumentException">The picture is smaller.</exception>
    public static Transformation Crop(int height, int width) => (x, random) =>
    {
        (int from, int across) = Extents(x);
        if (height > from || width > across) throw new ArgumentException($"There is no part of {width} x {height} in a picture of {across} x {from}.",
            nameof(height));
        int down = random.NextInt(from - height + 1), right = random.NextInt(across - width + 1);
        return x.Slice(2, down, down + height).Slice(3, right, right + width);
    };

    /// <summary>The middle of a larger picture, a margin of zeros around a smaller one: what a network of one size needs at the end.</summary>
    /// <param name="height">The height.</param>
    /// <param name="width">The width.</param>
    public static Transformation Fit(int height, int width) => (x, _) =>
    {
        (int from, int across) = Extents(x);
        (int top, int left) = (height - from, width - across);
        if (top == 0 && left == 0) return x;
        // Rounded down on both sides of 0, so that a margin added and taken off again is the same.
        (int above, int before) = (top >> 1, left >> 1);
        return x.Pad([(0, 0), (0, 0), (above, top - above), (before, left - before)]);
    };

    private static (int Height, int Width) Extents(Tensor x) => x.Rank == 4
        ? (x.Shape[2], x.Shape[3])
        : throw new ArgumentException($"Transformations change pictures [N, C, H, W], not {x.Shape}.", nameof(x));
}
