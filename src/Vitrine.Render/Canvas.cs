namespace Vitrine.Render;

/// <summary>A mutable RGB raster to compose pictures on; becomes a <see cref="Picture"/> at the end.</summary>
internal sealed class Canvas
{
    private readonly byte[] _pixels;

    public Canvas(int width, int height, Rgb background)
    {
        Width = width;
        Height = height;
        _pixels = new byte[Picture.Size(width, height, 3)];
        for (int i = 0; i < _pixels.Length; i += 3) (_pixels[i], _pixels[i + 1], _pixels[i + 2]) = (background.R, background.G, background.B);
    }

    public int Width { get; }

    public int Height { get; }

    public void Set(int x, int y, Rgb color)
    {
        if ((uint)x >= (uint)Width || (uint)y >= (uint)Height) return;
        int i = ((y * Width) + x) * 3;
        (_pixels[i], _pixels[i + 1], _pixels[i + 2]) = (color.R, color.G, color.B);
    }

    public Rgb Get(int x, int y)
    {
        int i = ((y * Width) + x) * 3;
        return new(_pixels[i], _pixels[i + 1], _pixels[i + 2]);
    }

    public void Draw(Picture picture, int left, int top)
    {
        ReadOnlySpan<byte> from = picture.Pixels;
        for (int y = 0; y < picture.Height; y++)
            for (int x = 0; x < picture.Width; x++)
            {
                Rgb color = picture[x, y];
                if (picture.Channels == 4 && (uint)(left + x) < (uint)Width && (uint)(top + y) < (uint)Height)
                    color = Get(left + x, top + y).Mix(color, from[(((y * picture.Width) + x) * 4) + 3] / 255.0);
                Set(left + x, top + y, color);
            }
    }

    /// <summary>Writes folded text; the position is its top left corner.</summary>
    public void Write(string text, int left, int top, Rgb color, int scale)
    {
        for (int n = 0; n < text.Length; n++)
            for (int y = 0; y < BitmapFont.Height * scale; y++)
                for (int x = 0; x < (BitmapFont.Advance - 1) * scale; x++)
                    if (BitmapFont.IsSet(text[n], x / scale, y / scale)) Set(left + (n * BitmapFont.Advance * scale) + x, top + y, color);
    }

    public Picture ToPicture() => new(_pixels, Width, Height, 3);
}
