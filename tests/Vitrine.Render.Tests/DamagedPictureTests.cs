using Vitrine.Tests;

namespace Vitrine.Render.Tests;

/// <summary>Damaged pictures of every kind are read or refused, never more.</summary>
public sealed class DamagedPictureTests
{
    // A byte of deflate can be 1032 bytes of a picture of one bit a pixel, which become four bytes each.
    private const long Most = 1032 * 8 * 4;

    [Theory]
    [InlineData("*.png", 0)]
    [InlineData("decode/rgb_4*_baseline.jpg", 1)]
    [InlineData("decode/*progressive.jpg", 1)]
    [InlineData("decode/*k.jpg", 1)]
    [InlineData("decode/exif*.jpg", 1)]
    [InlineData("decode/*.bmp", 1)]
    [InlineData("decode/p*.p?m", 1)]
    public void Damage_is_survived(string pattern, int source)
    {
        PillowTests.NeedJpeg(pattern);
        byte[][] files = source == 0
            ? [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Fixtures"), pattern).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)]
            : [.. PillowTests.Files.Where(f => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, f.Key)).Select(f => f.Value)];
        Mutations.Survive<PictureFormatException>(files, file => PictureDecoder.Decode(file), Most);
    }
}
