namespace Vitrine.Render;

/// <summary>
/// Reads picture files of every kind Vitrine knows: PNG, JPEG, BMP and the portable maps PBM, PGM and PPM. The kind is told by the first bytes, never by the
/// name.
/// </summary>
public static class PictureDecoder
{
    /// <summary>The number of pixels above which a picture is refused unless the caller says otherwise.</summary>
    public const long DefaultMaxPixels = 100_000_000;

    /// <summary>
    /// Decodes a picture file. An orientation noted by the camera (EXIF) is applied. Memory is bounded by the size of the file, whatever its header claims.
    /// </summary>
    /// <param name="file">The whole file.</param>
    /// <param name="maxPixels">Refuse pictures of more pixels than this.</param>
    /// <returns>Grey, RGB or RGBA; samples of more than 8 bits are rounded.</returns>
    /// <exception cref="PictureFormatException">The file is of another kind, is damaged or truncated, or is too large.</exception>
    public static Picture Decode(ReadOnlySpan<byte> file, long maxPixels = DefaultMaxPixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxPixels, 1);
        if (PngDecoder.IsPng(file)) return PngDecoder.Decode(file, maxPixels);
        if (JpegDecoder.IsJpeg(file)) return JpegDecoder.Decode(file, maxPixels);
        if (BmpDecoder.IsBmp(file)) return BmpDecoder.Decode(file, maxPixels);
        if (PnmDecoder.IsPnm(file)) return PnmDecoder.Decode(file, maxPixels);
        string start = file.IsEmpty ? "the file is empty" : $"it starts with {Convert.ToHexString(file[..Math.Min(8, file.Length)])}";
        throw new PictureFormatException($"{Stranger(file)}: {start}. Vitrine reads PNG, JPEG, BMP and PBM/PGM/PPM; convert the picture to one of them.", 0);
    }

    /// <summary>What the limit on pixels says when a header exceeds it.</summary>
    internal static PictureFormatException TooLarge(string kind, long width, long height, long maxPixels, long offset) =>
        new($"{kind}: {width} x {height} pixels are more than the limit of {maxPixels}. Make the picture smaller, or raise maxPixels if you trust the file.",
            offset);

    private static string Stranger(ReadOnlySpan<byte> file)
    {
        if (file.StartsWith("GIF8"u8)) return "This is a GIF";
        if (file.StartsWith("RIFF"u8) && file.Length >= 12 && file[8..12].SequenceEqual("WEBP"u8)) return "This is a WebP picture";
        if (file.StartsWith("II*\0"u8) || file.StartsWith("MM\0*"u8)) return "This is a TIFF";
        if (file.Length >= 12 && file[4..8].SequenceEqual("ftyp"u8)) return "This is a HEIF or AVIF picture, or a film";
        if (file.StartsWith("P7"u8)) return "This is a PAM (P7)";
        return "This is no picture that Vitrine knows";
    }
}
