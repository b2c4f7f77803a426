namespace Vitrine.Render;

/// <summary>
/// An immutable 8-bit raster in sRGB: grey (1 channel), RGB (3) or RGBA (4, straight alpha). Rows run top to bottom, pixels left to right, channels
/// interleaved.
/// </summary>
public sealed class Picture
{
    private readonly byte[] _pixels;

    /// <summary>Creates a picture from interleaved bytes, which are copied.</summary>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <param name="channels">1 (grey), 3 (RGB) or 4 (RGBA).</param>
    /// <param name="pixels">Exactly <c>width * height * channels</c> bytes.</param>
    /// <exception cref="ArgumentException">A size does not fit.</exception>
    public Picture(int width, int height, int channels, ReadOnlySpan<byte> pixels)
        : this(pixels.ToArray(), width, height, channels)
    {
    }

    // Takes the array over: for callers inside this project who made it themselves.
    internal Picture(byte[] pixels, int width, int height, int channels)
    {
        long expected = Size(width, height, channels);
        if (pixels.Length != expected)
            throw new ArgumentException($"A {width} x {height} picture of {channels} channels has {expected} bytes, but {pixels.Length} were given.",
                nameof(pixels));
        Width = width;
        Height = height;
        Channels = channels;
        _pixels = pixels;
    }

    /// <summary>Width in pixels.</summary>
    public int Width { get; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; }

    /// <summary>1 (grey), 3 (RGB) or 4 (RGBA).</summary>
    public int Channels { get; }

    /// <summary>The bytes: row by row from the top, channels interleaved.</summary>
    public ReadOnlySpan<byte> Pixels => _pixels;

    /// <summary>A picture of one colour.</summary>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <param name="color">The colour.</param>
    public static Picture Filled(int width, int height, Rgb color)
    {
        byte[] pixels = new byte[Size(width, height, 3)];
        for (int i = 0; i < pixels.Length; i += 3) (pixels[i], pixels[i + 1], pixels[i + 2]) = (color.R, color.G, color.B);
        return new(pixels, width, height, 3);
    }

    /// <summary>Draws a plane of numbers in grey: <paramref name="low"/> is black, <paramref name="high"/> white, values beyond are clamped.</summary>
    /// <param name="values">[height, width].</param>
    /// <param name="low">The value drawn black.</param>
    /// <param name="high">The value drawn white; above <paramref name="low"/>.</param>
    /// <exception cref="ArgumentException">The array is empty, the range is empty, or a value is NaN.</exception>
    public static Picture FromGrey(float[,] values, float low = 0, float high = 1)
    {
        ArgumentNullException.ThrowIfNull(values);
        int height = values.GetLength(0), width = values.GetLength(1);
        byte[] pixels = new byte[Size(width, height, 1)];
        double scale = Scale(low, high);
        int i = 0;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                pixels[i++] = ToByte(values[y, x], low, scale, 0, y, x);
        return new(pixels, width, height, 1);
    }

    /// <summary>
    /// Draws three planes of numbers as red, green and blue: <paramref name="low"/> is 0, <paramref name="high"/> 255, values beyond are clamped.
    /// </summary>
    /// <param name="chw">[channel, height, width] with 3 channels, or 1 for grey.</param>
    /// <param name="low">The value drawn as 0.</param>
    /// <param name="high">The value drawn as 255; above <paramref name="low"/>.</param>
    /// <exception cref="ArgumentException">The channels are neither 1 nor 3, the array or range is empty, or a value is NaN.</exception>
    public static Picture FromRgb(float[,,] chw, float low = 0, float high = 1)
    {
        ArgumentNullException.ThrowIfNull(chw);
        int channels = chw.GetLength(0), height = chw.GetLength(1), width = chw.GetLength(2);
        if (channels is not (1 or 3))
            throw new ArgumentException($"A picture is made from 3 channels or 1, but the array is " +
                $"[{channels}, {height}, {width}] (channel, height, width).", nameof(chw));
        byte[] pixels = new byte[Size(width, height, channels)];
        double scale = Scale(low, high);
        int i = 0;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                for (int c = 0; c < channels; c++)
                    pixels[i++] = ToByte(chw[c, y, x], low, scale, c, y, x);
        return new(pixels, width, height, channels);
    }

    /// <summary>
    /// Reads a picture file of any kind <see cref="PictureDecoder"/> knows (PNG, JPEG, BMP, PBM, PGM, PPM): its first bytes tell, not its name.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="maxPixels">Refuse pictures of more pixels than this.</param>
    /// <exception cref="PictureFormatException">The file is no such picture, is damaged, or is too large.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Picture Load(string path, long maxPixels = PictureDecoder.DefaultMaxPixels)
    {
        byte[] file = File.ReadAllBytes(path);
        try
        {
            return PictureDecoder.Decode(file, maxPixels);
        }
        catch (PictureFormatException e)
        {
            throw new PictureFormatException($"'{path}': {e.Message}", e.Offset, e);
        }
    }

    /// <summary>The colour of one pixel, without its alpha.</summary>
    /// <param name="x">Column, from 0 at the left.</param>
    /// <param name="y">Row, from 0 at the top.</param>
    /// <exception cref="ArgumentOutOfRangeException">The position lies outside the picture.</exception>
    public Rgb this[int x, int y]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)x, (uint)Width, nameof(x));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)y, (uint)Height, nameof(y));
            int i = ((y * Width) + x) * Channels;
            return Channels == 1 ? new(_pixels[i], _pixels[i], _pixels[i]) : new(_pixels[i], _pixels[i + 1], _pixels[i + 2]);
        }
    }

    /// <summary>The picture as numbers, [channel, height, width], 0 to 1; alpha, if there is one, is the fourth channel.</summary>
    public float[,,] ToChw()
    {
        float[,,] chw = new float[Channels, Height, Width];
        int i = 0;
        for (int y = 0; y < Height; y++)
            for (int x = 0; x < Width; x++)
                for (int c = 0; c < Channels; c++)
                    chw[c, y, x] = _pixels[i++] / 255f;
        return chw;
    }

    /// <summary>The picture in RGB; transparent pixels are laid on <paramref name="background"/> (white if not given).</summary>
    /// <param name="background">What shows through.</param>
    public Picture ToRgb(Rgb? background = null)
    {
        if (Channels == 3) return this;
        Rgb under = background ?? Rgb.White;
        byte[] pixels = new byte[Size(Width, Height, 3)];
        for (int i = 0, o = 0; o < pixels.Length; i += Channels, o += 3)
        {
            Rgb color = Channels == 1
                ? new(_pixels[i], _pixels[i], _pixels[i])
                : under.Mix(new(_pixels[i], _pixels[i + 1], _pixels[i + 2]), _pixels[i + 3] / 255.0);
            (pixels[o], pixels[o + 1], pixels[o + 2]) = (color.R, color.G, color.B);
        }
        return new(pixels, Width, Height, 3);
    }

    /// <summary>
    /// The picture without its alpha, each pixel in the colour it has in the file, however transparent: what Pillow's <c>convert("RGB")</c> does.
    /// </summary>
    public Picture DropAlpha()
    {
        if (Channels != 4) return this;
        byte[] pixels = new byte[Size(Width, Height, 3)];
        for (int i = 0, o = 0; o < pixels.Length; i += 4, o += 3) _pixels.AsSpan(i, 3).CopyTo(pixels.AsSpan(o));
        return new(pixels, Width, Height, 3);
    }

    /// <summary>
    /// Enlarges every pixel to a square of <paramref name="factor"/> x <paramref name="factor"/>, which keeps tiny pictures honest and sharp.
    /// </summary>
    /// <param name="factor">1 or more.</param>
    public Picture ScaleUp(int factor)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(factor, 1);
        return factor == 1 ? this : Resize(checked(Width * factor), checked(Height * factor));
    }

    /// <summary>Resizes, with the same bytes as Pillow's <c>Image.resize</c>.</summary>
    /// <param name="width">New width in pixels, at least 1.</param>
    /// <param name="height">New height in pixels, at least 1.</param>
    /// <param name="filter">
    /// How new pixels come from old ones. Nearest neighbour invents no colour; the others are smooth, also when the picture shrinks.
    /// </param>
    public Picture Resize(int width, int height, Resampling filter = Resampling.Nearest)
    {
        _ = Size(width, height, Channels);
        return filter == Resampling.Nearest ? ResizeNearest(width, height) : Resampler.Resize(this, width, height, filter);
    }

    /// <summary>Cuts a rectangle out.</summary>
    /// <param name="x">Left edge.</param>
    /// <param name="y">Top edge.</param>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <exception cref="ArgumentException">The rectangle does not lie inside the picture.</exception>
    public Picture Crop(int x, int y, int width, int height)
    {
        if (x < 0 || y < 0 || width < 1 || height < 1 || (long)x + width > Width || (long)y + height > Height)
            throw new ArgumentException($"The rectangle of {width} x {height} at ({x}, {y}) does not lie inside the picture of {Width} x {Height}.");
        byte[] pixels = new byte[Size(width, height, Channels)];
        for (int row = 0; row < height; row++)
            _pixels.AsSpan((((y + row) * Width) + x) * Channels, width * Channels).CopyTo(pixels.AsSpan(row * width * Channels));
        return new(pixels, width, height, Channels);
    }

    /// <summary>Cuts the middle out. Where the margin is odd, the half pixel is rounded to the even side, as torchvision's <c>CenterCrop</c> does.</summary>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <exception cref="ArgumentException">The rectangle is larger than the picture.</exception>
    public Picture CropCenter(int width, int height) =>
        Crop((int)Math.Round((Width - width) / 2.0), (int)Math.Round((Height - height) / 2.0), width, height);

    /// <summary>
    /// Lays another picture on this one and returns the result, which is RGB, or RGBA if this picture is. Parts beyond the edge are cut off; a patch with alpha
    /// is blended.
    /// </summary>
    /// <param name="patch">The picture on top.</param>
    /// <param name="x">Where its left edge goes; may be negative.</param>
    /// <param name="y">Where its top edge goes; may be negative.</param>
    public Picture Paste(Picture patch, int x, int y)
    {
        ArgumentNullException.ThrowIfNull(patch);
        if (Channels == 1 && patch.Channels != 1) return ToRgb().Paste(patch, x, y);
        byte[] pixels = (byte[])_pixels.Clone();
        int left = Math.Max(0, x), right = (int)Math.Min(Width, (long)x + patch.Width);
        int top = Math.Max(0, y), bottom = (int)Math.Min(Height, (long)y + patch.Height);
        for (int row = top; row < bottom; row++)
            for (int column = left; column < right; column++)
            {
                int over = (((row - y) * patch.Width) + column - x) * patch.Channels;
                Blend(pixels.AsSpan(((row * Width) + column) * Channels, Channels), patch._pixels.AsSpan(over, patch.Channels));
            }
        return new(pixels, Width, Height, Channels);
    }

    /// <summary>The picture as the bytes of a PNG file.</summary>
    public byte[] ToPng() => PngEncoder.Encode(this);

    /// <summary>The picture as a <c>data:</c> address for an HTML or SVG page.</summary>
    public string ToDataUri() => "data:image/png;base64," + Convert.ToBase64String(ToPng());

    /// <summary>Saves the picture as PNG, whole or not at all: the file is written beside its target and then renamed. Missing folders are made.</summary>
    /// <param name="path">A name that ends in <c>.png</c>.</param>
    /// <exception cref="ArgumentException">The name ends in something else.</exception>
    /// <exception cref="IOException">The file cannot be written; an old file of that name is unchanged.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        if (!Path.GetExtension(path).Equals(".png", StringComparison.OrdinalIgnoreCase))
            throw new ArgumentException($"Pictures are saved as PNG: give '{path}' the ending .png.", nameof(path));
        AtomicFile.Write(path, ToPng());
    }

    /// <summary>A product of two bytes over 255, rounded, by Pillow's shifts.</summary>
    internal static int MultiplyOver255(int a, int b)
    {
        int product = (a * b) + 128;
        return ((product >> 8) + product) >> 8;
    }

    /// <summary>The picture turned upright from one of EXIF's eight orientations.</summary>
    /// <param name="orientation">1 (as it is) to 8.</param>
    internal Picture Upright(int orientation)
    {
        if (orientation == 1) return this;
        (int width, int height) = orientation >= 5 ? (Height, Width) : (Width, Height);
        byte[] pixels = new byte[_pixels.Length];
        int o = 0;
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++, o += Channels)
            {
                // Names of EXIF's values say where the stored first row and first column lie.
                (int column, int row) = orientation switch
                {
                    2 => (width - 1 - x, y),
                    3 => (width - 1 - x, height - 1 - y),
                    4 => (x, height - 1 - y),
                    5 => (y, x),
                    6 => (y, width - 1 - x),
                    7 => (height - 1 - y, width - 1 - x),
                    _ => (height - 1 - y, x),
                };
                _pixels.AsSpan(((row * Width) + column) * Channels, Channels).CopyTo(pixels.AsSpan(o));
            }
        }
        return new(pixels, width, height, Channels);
    }

    internal static long Size(int width, int height, int channels)
    {
        if (width < 1 || height < 1) throw new ArgumentException($"A picture has at least one pixel, but {width} x {height} was asked for.");
        if (channels is not (1 or 3 or 4)) throw new ArgumentException($"A picture has 1 (grey), 3 (RGB) or 4 (RGBA) channels, not {channels}.");
        Int128 size = (Int128)width * height * channels;
        if (size > Array.MaxLength) throw new ArgumentException($"A picture of {width} x {height} pixels and {channels} channels is too large for memory.");
        return (long)size;
    }

    private Picture ResizeNearest(int width, int height)
    {
        byte[] pixels = new byte[Size(width, height, Channels)];
        int stride = width * Channels;
        int previous = -1;
        for (int y = 0; y < height; y++)
        {
            int from = Nearest(y, height, Height);
            Span<byte> row = pixels.AsSpan(y * stride, stride);
            if (from == previous)
            {
                pixels.AsSpan((y - 1) * stride, stride).CopyTo(row);
                continue;
            }
            previous = from;
            for (int x = 0; x < width; x++)
                _pixels.AsSpan(((from * Width) + Nearest(x, width, Width)) * Channels, Channels).CopyTo(row[(x * Channels)..]);
        }
        return new(pixels, width, height, Channels);

        // The source pixel under the centre of the new one.
        static int Nearest(int to, int toSize, int fromSize) => (int)(((2L * to) + 1) * fromSize / (2L * toSize));
    }

    private static void Blend(Span<byte> under, ReadOnlySpan<byte> over)
    {
        double alpha = over.Length == 4 ? over[3] / 255.0 : 1;
        double below = under.Length == 4 ? under[3] / 255.0 : 1;
        double result = alpha + (below * (1 - alpha));
        if (result == 0) return;
        for (int c = 0; c < Math.Min(3, under.Length); c++)
        {
            byte top = over.Length == 1 ? over[0] : over[c];
            under[c] = (byte)Math.Round(((top * alpha) + (under[c] * below * (1 - alpha))) / result);
        }
        if (under.Length == 4) under[3] = (byte)Math.Round(result * 255);
    }

    private static double Scale(float low, float high)
    {
        if (!float.IsFinite(low) || !float.IsFinite(high) || !(high > low))
            throw new ArgumentException($"The range from {low} (darkest) to {high} (brightest) is empty: high must be above low, and both finite.");
        return 255.0 / ((double)high - low);
    }

    private static byte ToByte(float value, float low, double scale, int channel, int row, int column)
    {
        if (float.IsNaN(value))
            throw new ArgumentException($"The value at channel {channel}, row {row}, column {column} is NaN and has no brightness. Find out where it " +
                "comes from before drawing it.");
        return (byte)Math.Round(Math.Clamp(((double)value - low) * scale, 0, 255), MidpointRounding.AwayFromZero);
    }
}
