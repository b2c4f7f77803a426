using System.Runtime.InteropServices;

namespace Vitrine.Render;

/// <summary>
/// Reads JPEG files, baseline and progressive: grey, YCbCr, RGB, CMYK and YCCK, 8 bits a sample. The work is done by libjpeg-turbo, which must be installed
/// (Debian and Ubuntu: <c>libturbojpeg0</c>), with its accurate transform and smooth upsampling: the same bytes as Pillow has.
/// </summary>
/// <remarks>
/// CMYK is turned into RGB by the plain formula (1 - ink)(1 - black), inks inverted as Adobe's programs store them; colour profiles are not applied. Flaws that
/// libjpeg passes over with a warning, such as stray bytes between segments, are passed over here too; a file that ends early is refused.
/// </remarks>
public static class JpegDecoder
{
    // A Huffman code takes a bit a block at least, and the emptiest sampling has 8 blocks for 1024 pixels: a header that claims more is lying. Arithmetic
    // coding can do better, so what costs little memory passes in any case.
    private const long MaxPixelsPerByte = 1024, FreePixels = 1 << 20;

    private const string CutOff = "Premature end of JPEG file";

    /// <summary>Whether libjpeg-turbo is installed, so that JPEG files can be read.</summary>
    public static bool IsAvailable
    {
        get
        {
            try
            {
                using TurboJpeg.Decompressor library = TurboJpeg.Open();
                return !library.IsInvalid;
            }
            catch (Exception e) when (IsMissing(e))
            {
                return false;
            }
        }
    }

    /// <summary>Whether the bytes start as a JPEG file does.</summary>
    /// <param name="file">The beginning of a file.</param>
    public static bool IsJpeg(ReadOnlySpan<byte> file) => file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);

    /// <summary>Decodes a JPEG file to grey or RGB, turned upright as its EXIF orientation says.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="maxPixels">Refuse pictures of more pixels than this.</param>
    /// <exception cref="PictureFormatException">
    /// The file is no JPEG, is damaged or truncated, uses a process libjpeg-turbo does not know (lossless, 12 bits), or is too large; or libjpeg-turbo is not
    /// installed.
    /// </exception>
    public static Picture Decode(ReadOnlySpan<byte> file, long maxPixels = PictureDecoder.DefaultMaxPixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxPixels, 1);
        if (!IsJpeg(file)) throw new PictureFormatException("This is not a JPEG file: it does not start with the bytes FF D8 FF.", 0);
        try
        {
            using TurboJpeg.Decompressor library = TurboJpeg.Open();
            if (library.IsInvalid) throw new InsufficientMemoryException("libjpeg-turbo could not be started: there is not enough memory.");
            return Decode(library, file, maxPixels).Upright(Exif.OrientationOfJpeg(file));
        }
        catch (Exception e) when (IsMissing(e))
        {
            throw Missing(e);
        }
    }

    private static bool IsMissing(Exception e) => e is DllNotFoundException or EntryPointNotFoundException;

    internal static PictureFormatException Missing(Exception cause) => new("Reading JPEG needs the library libjpeg-turbo, which was not found. Install it " +
        "(Debian and Ubuntu: apt install libturbojpeg0; Fedora: turbojpeg; macOS: brew install jpeg-turbo), or convert the picture to PNG.", 0, cause);

    private static Picture Decode(TurboJpeg.Decompressor library, ReadOnlySpan<byte> file, long maxPixels)
    {
        int width = 0, height = 0, sampling = 0, code = -1;
        int failed = TurboJpeg.ReadHeader(library, file, new CULong((nuint)file.Length), ref width, ref height, ref sampling, ref code);
        var space = (TurboJpeg.Space)code;
        // The call also fails for a sampling it has no name for, after it has read the header; decompressing does not need the name.
        if (failed != 0 && (width < 1 || height < 1 || space is < TurboJpeg.Space.Rgb or > TurboJpeg.Space.Ycck))
            throw Bad(library);
        long count = (long)width * height;
        if (count > maxPixels) throw PictureDecoder.TooLarge("JPEG", width, height, maxPixels, 0);
        if (count > FreePixels && count > file.Length * MaxPixelsPerByte)
            throw new PictureFormatException($"JPEG: {file.Length} bytes cannot hold a picture of {width} x {height}. The file is cut off or its header " +
                "lies: export it again.", 0);

        (TurboJpeg.Format format, int channels) = space switch
        {
            TurboJpeg.Space.Grey => (TurboJpeg.Format.Grey, 1),
            TurboJpeg.Space.Cmyk or TurboJpeg.Space.Ycck => (TurboJpeg.Format.Cmyk, 4),
            _ => (TurboJpeg.Format.Rgb, 3),
        };
        if (count * channels > Array.MaxLength) throw PictureDecoder.TooLarge("JPEG", width, height, Array.MaxLength / channels, 0);
        byte[] pixels = new byte[count * channels];
        // The library reports an error that follows a warning as a warning too: only if the message is still the first one did it come through.
        if (Decompress(library, file, pixels, (width, height, channels), format, TurboJpeg.StopOnWarning) is { } flaw
            && (!TurboJpeg.OnlyWarned(library) || flaw.Contains(CutOff) || Decompress(library, file, pixels, (width, height, channels), format, 0) != flaw))
        {
            throw Bad(library);
        }
        return channels == 4 ? FromCmyk(pixels, width, height) : new(pixels, width, height, channels);
    }

    // What went wrong, or null.
    private static string? Decompress(
        TurboJpeg.Decompressor library, ReadOnlySpan<byte> file, byte[] pixels, (int Width, int Height, int Channels) size, TurboJpeg.Format format,
        int flags) =>
        TurboJpeg.Decompress(library, file, new CULong((nuint)file.Length), pixels, size.Width, size.Width * size.Channels, size.Height, format,
            flags | TurboJpeg.AccurateDct | TurboJpeg.LimitScans) == 0 ? null : TurboJpeg.Message(library);

    // Samples are 255 - ink. Products over 255 are rounded as Pillow rounds them.
    private static Picture FromCmyk(byte[] cmyk, int width, int height)
    {
        byte[] rgb = new byte[Picture.Size(width, height, 3)];
        for (int i = 0, o = 0; o < rgb.Length; i += 4, o += 3)
        {
            int white = cmyk[i + 3];
            for (int c = 0; c < 3; c++) rgb[o + c] = (byte)(white - Picture.MultiplyOver255(255 - cmyk[i + c], white));
        }
        return new(rgb, width, height, 3);
    }

    private static PictureFormatException Bad(TurboJpeg.Decompressor library)
    {
        string message = TurboJpeg.Message(library);
        string advice = message.Contains(CutOff) ? "The file is cut off: copy or download it again." : "The file is damaged or of a rare kind: export it " +
            "again.";
        return new($"JPEG: {message.TrimEnd('.')}. {advice}", 0);
    }
}
