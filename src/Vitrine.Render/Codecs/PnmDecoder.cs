namespace Vitrine.Render;

/// <summary>
/// Reads the portable maps of Netpbm: PBM (P1, P4: black and white), PGM (P2, P5: grey) and PPM (P3, P6: RGB), as text and binary, up to 16 bits a sample.
/// Samples are scaled so that the file's brightest value is 255. Of a file with several pictures the first is read.
/// </summary>
public static class PnmDecoder
{
    /// <summary>Whether the bytes start as a portable map does.</summary>
    /// <param name="file">The beginning of a file.</param>
    public static bool IsPnm(ReadOnlySpan<byte> file) =>
        file.Length >= 3 && file[0] == 'P' && file[1] is >= (byte)'1' and <= (byte)'6' && (IsSpace(file[2]) || file[2] == '#');

    /// <summary>Decodes a portable map to grey or RGB.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="maxPixels">Refuse pictures of more pixels than this.</param>
    /// <exception cref="PictureFormatException">The file is no portable map, is damaged or truncated, or is too large.</exception>
    public static Picture Decode(ReadOnlySpan<byte> file, long maxPixels = PictureDecoder.DefaultMaxPixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxPixels, 1);
        if (!IsPnm(file)) throw new PictureFormatException("This is not a portable map: it does not start with P1 to P6.", 0);
        int kind = file[1] - '0';
        var reader = new Reader(file, 2);
        int width = reader.Number("width", int.MaxValue), height = reader.Number("height", int.MaxValue);
        int top = kind is 1 or 4 ? 1 : reader.Number("maximum", 65535);
        if (width < 1 || height < 1 || top < 1) throw Bad(2, $"a size of {width} x {height} with the maximum {top} is not allowed. Export the picture again.");
        if ((long)width * height > maxPixels) throw PictureDecoder.TooLarge($"P{kind}", width, height, maxPixels, 2);

        int channels = kind is 3 or 6 ? 3 : 1;
        long samples = (long)width * height * channels;
        long rowBytes = kind == 4 ? ((long)width + 7) / 8 : (long)width * channels * (top > 255 ? 2 : 1);
        // As text, numbers are separated by a byte at least; P1 needs no separation.
        long needed = kind switch { 1 => samples, 2 or 3 => (2 * samples) - 1, _ => rowBytes * height };
        if (kind >= 4) reader.At++; // The one white space between the header and the samples.
        if (needed > file.Length - reader.At)
            throw Bad(reader.At, $"a picture of {width} x {height} needs {needed} bytes from here on, but {Math.Max(0, file.Length - reader.At)} are left. " +
                "The file is cut off: copy or download it again.");

        byte[] pixels = new byte[Picture.Size(width, height, channels)];
        if (kind == 4)
        {
            for (int y = 0, i = 0; y < height; y++)
                for (int x = 0; x < width; x++)
                    pixels[i++] = (file[(int)(reader.At + (y * rowBytes) + (x >> 3))] >> (7 - (x & 7)) & 1) == 1 ? (byte)0 : (byte)255;
            return new(pixels, width, height, channels);
        }
        for (int i = 0; i < pixels.Length; i++)
        {
            int value = kind switch
            {
                1 => 1 - reader.Bit(),
                2 or 3 => reader.Number("sample", top),
                _ => top > 255 ? (file[reader.At++] << 8) | file[reader.At++] : file[reader.At++],
            };
            pixels[i] = top == 255 ? (byte)value : (byte)Math.Min(255, Math.Round((double)value / top * 255));
        }
        return new(pixels, width, height, channels);
    }

    private static bool IsSpace(byte b) => b is (byte)' ' or (>= 9 and <= 13);

    private static PictureFormatException Bad(int at, string what) => new($"Portable map, byte {at}: {what}", at);

    private ref struct Reader(ReadOnlySpan<byte> file, int at)
    {
        private readonly ReadOnlySpan<byte> _file = file;

        public int At = at;

        public int Number(string what, int most)
        {
            Skip();
            int start = At;
            long value = 0;
            while (At < _file.Length && _file[At] is >= (byte)'0' and <= (byte)'9' && value <= most) value = (value * 10) + _file[At++] - '0';
            if (At == start) throw Bad(At, $"a number was expected ({what}), but {Found()}. The file is damaged: copy or " +
                "download it again.");
            return value <= most ? (int)value : throw Bad(start, $"the {what} is above {most}. Export the picture again.");
        }

        public int Bit()
        {
            Skip();
            if (At >= _file.Length || _file[At] is not ((byte)'0' or (byte)'1')) throw Bad(At,
                $"0 or 1 was expected, but {Found()}. The file is damaged: copy or download it again.");
            return _file[At++] - '0';
        }

        private readonly string Found() => At >= _file.Length ? "the file ends here" : $"the byte {_file[At]:X2} was found";

        // White space and comments, which run from # to the end of the line.
        private void Skip()
        {
            while (At < _file.Length && (IsSpace(_file[At]) || _file[At] == '#'))
            {
                if (_file[At] == '#')
                {
                    while (At < _file.Length && _file[At] is not ((byte)'\n' or (byte)'\r')) At++;
                }
                else At++;
            }
        }
    }
}
