namespace Vitrine.Render;

/// <summary>A mutable raster to compose pictures on, RGB or, without a background, RGBA; becomes a <see cref="Picture"/> at the end.</summary>
internal sealed class Canvas
{
    private readonly byte[] _pixels;
    private readonly int _channels;

    public Canvas(int width, int height, Rgb? background)
    {
        Width = width;
        Height = height;
        _channels = background is null ? 4 : 3;
        _pixels = new byte[Picture.Size(width, height, _channels)];
        if (background is not Rgb color) return;
        for (int i = 0; i < _pixels.Length; i += 3) (_pixels[i], _pixels[i + 1], _pixels[i + 2]) = (color.R, color.G, color.B);
    }

    public int Width { get; }

    public int Height { get; }

    public void Draw(Picture picture, int left, int top)
    {
        for (int y = 0; y < picture.Height; y++)
            for (int x = 0; x < picture.Width; x++)
            {
                byte alpha = picture.Channels == 4 ? picture.Pixels[(((y * picture.Width) + x) * 4) + 3] : (byte)255;
                Set(left + x, top + y, picture[x, y], alpha);
            }
    }

    /// <summary>Writes folded text; the position is its top left corner.</summary>
    public void Write(string text, int left, int top, Rgb color, int scale)
    {
        for (int n = 0; n < text.Length; n++)
            for (int y = 0; y < BitmapFont.Height * scale; y++)
                for (int x = 0; x < (BitmapFont.Advance - 1) * scale; x++)
                    if (BitmapFont.IsSet(text[n], x / scale, y / scale)) Set(left + (n * BitmapFont.Advance * scale) + x, top + y, color, 255);
    }

    public Picture ToPicture() => new(_pixels, Width, Height, _channels);

    private void Set(int x, int y, Rgb color, byte alpha)
    {
        if ((uint)x >= (uint)Width || (uint)y >= (uint)Height) return;
        Span<byte> pixel = _pixels.AsSpan(((y * Width) + x) * _channels, _channels);
        // On a transparent canvas nothing lies underneath, so alpha is kept; on a coloured one it is blended away.
        if (_channels == 4) pixel[3] = alpha;
        else if (alpha < 255) color = new Rgb(pixel[0], pixel[1], pixel[2]).Mix(color, alpha / 255.0);
        (pixel[0], pixel[1], pixel[2]) = (color.R, color.G, color.B);
    }
}
