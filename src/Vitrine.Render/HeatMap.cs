namespace Vitrine.Render;

/// <summary>
/// Draws a plane of numbers, such as an attribution or a feature map, in colour, alone or laid over the picture it speaks about. Immutable: every
/// setting returns a new heat map.
/// </summary>
/// <remarks>
/// Full colour stands for <see cref="Limit"/>, by default the 99th percentile of the magnitudes, so that a few extreme pixels do not leave the rest
/// pale. Signed maps are symmetric around zero: red pushes up, blue pushes down, near white is nothing. NaN is drawn magenta.
/// </remarks>
public sealed class HeatMap
{
    // Small pictures are enlarged by a whole factor until their longer side is about this long, in pixels.
    private const int ComfortableSide = 280;

    private readonly float[,] _values;
    private float[,]? _under; // the grey picture underneath, 0 to 1
    private bool _signed;
    private double _percentile = 99;
    private double? _limit;
    private double _opacity = 0.92;
    private int? _scale;
    private ColorMap? _colors;

    private HeatMap(float[,] values)
    {
        _values = values;
        // Magnitudes need no second arm of colour.
        foreach (float value in values) _signed |= value < 0;
    }

    /// <summary>A heat map of a plane. It is signed if any value is negative; <see cref="Signed"/> and <see cref="Absolute"/> say otherwise.</summary>
    /// <param name="values">[height, width]; copied.</param>
    /// <exception cref="ArgumentException">The array is empty.</exception>
    public static HeatMap Of(float[,] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        NotEmpty(values);
        return new((float[,])values.Clone());
    }

    /// <summary>A heat map of several channels, summed channel over channel.</summary>
    /// <param name="chw">[channel, height, width].</param>
    /// <exception cref="ArgumentException">The array is empty.</exception>
    public static HeatMap Of(float[,,] chw)
    {
        ArgumentNullException.ThrowIfNull(chw);
        NotEmpty(chw);
        int height = chw.GetLength(1), width = chw.GetLength(2);
        float[,] sum = new float[height, width];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                double total = 0;
                for (int c = 0; c < chw.GetLength(0); c++) total += chw[c, y, x];
                sum[y, x] = (float)total;
            }
        return new(sum);
    }

    /// <summary>The magnitude that full colour stands for; larger ones look the same. 1 if all values are zero.</summary>
    public double Limit => _limit ?? Percentile(_percentile);

    /// <summary>Keeps the sign: a diverging map around zero.</summary>
    public HeatMap Signed() => With(h => h._signed = true);

    /// <summary>Drops the sign: a sequential map of magnitudes.</summary>
    public HeatMap Absolute() => With(h => h._signed = false);

    /// <summary>Chooses the percentile of the magnitudes that gets full colour.</summary>
    /// <param name="percentile">Above 0, up to 100 (the maximum).</param>
    public HeatMap Robust(double percentile)
    {
        if (!(percentile > 0 && percentile <= 100))
            throw new ArgumentOutOfRangeException(nameof(percentile), percentile, "A percentile is above 0 and at most 100.");
        return With(h => (h._percentile, h._limit) = (percentile, null));
    }

    /// <summary>Fixes the magnitude that gets full colour, so that several heat maps can be compared.</summary>
    /// <param name="limit">Above 0, in units of the values.</param>
    public HeatMap UpTo(double limit)
    {
        if (!(limit > 0 && double.IsFinite(limit))) throw new ArgumentOutOfRangeException(nameof(limit), limit, "The limit is a finite number above 0.");
        return With(h => h._limit = limit);
    }

    /// <summary>Uses other colours.</summary>
    /// <param name="colors">Read from 0 to 1 for magnitudes; for signed maps 0.5 is zero.</param>
    public HeatMap In(ColorMap colors)
    {
        ArgumentNullException.ThrowIfNull(colors);
        return With(h => h._colors = colors);
    }

    /// <summary>
    /// Lays the heat map over a picture, which is shown in pale grey; the colour is the more opaque the larger the magnitude. If the sizes differ, the
    /// heat map is stretched to the picture (bilinear, half-pixel centres).
    /// </summary>
    /// <param name="image">[channel, height, width] with 3 channels or 1, in any range: it is stretched from its minimum to its maximum.</param>
    /// <param name="opacity">The opacity of full colour, 0 to 1.</param>
    /// <exception cref="ArgumentException">The channels are neither 1 nor 3.</exception>
    public HeatMap Over(float[,,] image, double opacity = 0.92)
    {
        ArgumentNullException.ThrowIfNull(image);
        NotEmpty(image);
        int channels = image.GetLength(0), height = image.GetLength(1), width = image.GetLength(2);
        if (channels is not (1 or 3))
            throw new ArgumentException($"The picture underneath has 3 channels or 1, but the array is " +
                $"[{channels}, {height}, {width}] (channel, height, width).", nameof(image));
        float[,] grey = new float[height, width];
        // Luma as in ITU-R BT.709.
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                grey[y, x] = channels == 1 ? image[0, y, x] : (0.2126f * image[0, y, x]) + (0.7152f * image[1, y, x]) + (0.0722f * image[2, y, x]);
        return Over(grey, opacity);
    }

    /// <inheritdoc cref="Over(float[,,], double)"/>
    /// <param name="image">[height, width], in any range: it is stretched from its minimum to its maximum.</param>
    /// <param name="opacity">The opacity of full colour, 0 to 1.</param>
    public HeatMap Over(float[,] image, double opacity = 0.92)
    {
        ArgumentNullException.ThrowIfNull(image);
        NotEmpty(image);
        if (!(opacity >= 0 && opacity <= 1)) throw new ArgumentOutOfRangeException(nameof(opacity), opacity, "An opacity is 0 to 1.");
        (float low, float high) = (float.PositiveInfinity, float.NegativeInfinity);
        foreach (float value in image)
            if (float.IsFinite(value)) (low, high) = (Math.Min(low, value), Math.Max(high, value));
        float[,] under = new float[image.GetLength(0), image.GetLength(1)];
        for (int y = 0; y < under.GetLength(0); y++)
            for (int x = 0; x < under.GetLength(1); x++)
            {
                float part = high > low ? (image[y, x] - low) / (high - low) : 0.5f;
                under[y, x] = float.IsNaN(part) ? 0 : Math.Clamp(part, 0, 1);
            }
        return With(h => (h._under, h._opacity) = (under, opacity));
    }

    /// <summary>Draws every number as a square of this many pixels. By default small maps grow until their longer side has about 280 pixels.</summary>
    /// <param name="factor">1 or more.</param>
    public HeatMap Scale(int factor)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(factor, 1);
        return With(h => h._scale = factor);
    }

    /// <summary>Draws the heat map in RGB.</summary>
    public Picture ToPicture()
    {
        float[,] values = _under is null ? _values : Stretch(_values, _under.GetLength(0), _under.GetLength(1));
        int height = values.GetLength(0), width = values.GetLength(1);
        double limit = Limit;
        byte[] pixels = new byte[Picture.Size(width, height, 3)];
        int i = 0;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++, i += 3)
            {
                double part = _signed ? Math.Clamp(values[y, x] / limit, -1, 1) : Math.Min(1, Math.Abs(values[y, x]) / limit);
                Rgb color = _under is null ? Plain(part) : Overlaid(part, _under[y, x]);
                (pixels[i], pixels[i + 1], pixels[i + 2]) = (color.R, color.G, color.B);
            }
        Picture picture = new(pixels, width, height, 3);
        return picture.ScaleUp(_scale ?? Math.Max(1, (int)Math.Round((double)ComfortableSide / Math.Max(width, height))));
    }

    /// <summary>Saves the heat map as PNG, whole or not at all.</summary>
    /// <param name="path">A name that ends in <c>.png</c>.</param>
    /// <exception cref="IOException">The file cannot be written; an old file of that name is unchanged.</exception>
    public void Save(string path) => ToPicture().Save(path);

    private Rgb Plain(double part)
    {
        ColorMap colors = _colors ?? (_signed ? ColorMap.BlueRed : ColorMap.Ember);
        return colors[_signed ? 0.5 + (part / 2) : part];
    }

    private Rgb Overlaid(double part, float grey)
    {
        if (double.IsNaN(part)) return ColorMap.NotANumber;
        // A paler picture leaves the colours room; its own black would swallow them.
        byte level = (byte)Math.Round(255 * (0.32 + (0.66 * grey)));
        Rgb under = new(level, level, level);
        double magnitude = Math.Abs(part);
        // Opacity speaks for the magnitude, so the colours keep to the strong part of their map: black and near white would only hide the picture.
        Rgb color = _signed ? Plain(Math.Sign(part) * (0.55 + (0.45 * magnitude))) : Plain(0.42 + (0.36 * magnitude));
        return under.Mix(color, magnitude * _opacity);
    }

    private double Percentile(double percentile)
    {
        List<float> magnitudes = new(_values.Length);
        foreach (float value in _values)
            if (float.IsFinite(value)) magnitudes.Add(Math.Abs(value));
        if (magnitudes.Count == 0) return 1;
        magnitudes.Sort();
        double place = percentile / 100 * (magnitudes.Count - 1);
        int below = (int)place;
        int above = Math.Min(below + 1, magnitudes.Count - 1);
        double limit = magnitudes[below] + ((place - below) * (magnitudes[above] - (double)magnitudes[below]));
        // In a sparse map even the 99th percentile can be zero; then the maximum is all there is.
        if (limit <= 0) limit = magnitudes[^1];
        return limit > 0 ? limit : 1;
    }

    private static float[,] Stretch(float[,] values, int height, int width)
    {
        int rows = values.GetLength(0), columns = values.GetLength(1);
        if (rows == height && columns == width) return values;
        float[,] result = new float[height, width];
        for (int y = 0; y < height; y++)
        {
            (int y0, int y1, float fy) = Between(y, height, rows);
            for (int x = 0; x < width; x++)
            {
                (int x0, int x1, float fx) = Between(x, width, columns);
                float top = values[y0, x0] + (fx * (values[y0, x1] - values[y0, x0]));
                float bottom = values[y1, x0] + (fx * (values[y1, x1] - values[y1, x0]));
                result[y, x] = top + (fy * (bottom - top));
            }
        }
        return result;

        static (int Low, int High, float Part) Between(int to, int toSize, int fromSize)
        {
            float place = Math.Clamp(((to + 0.5f) * fromSize / toSize) - 0.5f, 0, fromSize - 1);
            int low = (int)place;
            return (low, Math.Min(low + 1, fromSize - 1), place - low);
        }
    }

    private HeatMap With(Action<HeatMap> change)
    {
        HeatMap copy = (HeatMap)MemberwiseClone();
        change(copy);
        return copy;
    }

    private static void NotEmpty(Array values)
    {
        if (values.Length == 0) throw new ArgumentException("The array is empty: there is nothing to draw.");
    }
}
