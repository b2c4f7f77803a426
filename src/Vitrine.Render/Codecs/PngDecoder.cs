using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Vitrine.Render;

/// <summary>
/// Reads PNG files: grey, RGB, palette, grey + alpha and RGBA, 1 to 16 bits a sample, plain or interlaced (Adam7), with tRNS transparency.
/// 16-bit samples are rounded to 8; an eXIf orientation is applied. Colour profiles and gamma are not applied: the samples are taken as sRGB.
/// </summary>
/// <remarks>Every checksum is checked, and memory is bounded by the size of the file and by a limit on pixels, whatever the header claims.</remarks>
public static class PngDecoder
{
    // Deflate cannot do better than 258 bytes from 2 bits: a header that claims more than 1032 times its data is lying.
    private const long MaxDeflateRatio = 1032;

    /// <summary>Whether the bytes start as a PNG file does.</summary>
    /// <param name="file">The beginning of a file.</param>
    public static bool IsPng(ReadOnlySpan<byte> file) => file.StartsWith(PngFormat.Signature);

    /// <summary>
    /// Decodes a PNG file. The result is grey, RGB or RGBA: palettes become RGB, and anything with transparency becomes RGBA.
    /// </summary>
    /// <param name="file">The whole file.</param>
    /// <param name="maxPixels">Refuse pictures of more pixels than this.</param>
    /// <exception cref="PictureFormatException">The file is no PNG, is damaged or truncated, breaks the specification, or is too large.</exception>
    public static Picture Decode(ReadOnlySpan<byte> file, long maxPixels = PictureDecoder.DefaultMaxPixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxPixels, 1);
        if (!IsPng(file))
            throw new PictureFormatException($"This is not a PNG file: it starts with {Start(file)} and not with the eight bytes of a PNG. Convert it to " +
                "PNG first.", 0);
        return new Reader(maxPixels).Read(file);
    }

    private static string Start(ReadOnlySpan<byte> file) => file.IsEmpty ? "nothing (it is empty)" : Convert.ToHexString(file[..Math.Min(8, file.Length)]);

    private sealed class Reader(long maxPixels)
    {
        private int _width, _height, _depth, _color, _samples;
        private bool _interlaced;
        private byte[]? _palette; // RGB triples
        private byte[]? _paletteAlpha;
        private int[]? _transparent; // the one colour that is transparent, as raw samples
        private long _dataOffset;
        private int _orientation = 1;

        private int BitsPerPixel => _depth * _samples;

        private int Channels
        {
            get
            {
                if (_color >= 4 || _transparent is not null || _paletteAlpha is not null) return 4;
                return _color == 0 ? 1 : 3;
            }
        }

        public Picture Read(ReadOnlySpan<byte> file)
        {
            using MemoryStream data = new();
            int at = PngFormat.Signature.Length;
            bool headerSeen = false, dataSeen = false, dataClosed = false, ended = false;
            while (!ended)
            {
                if (file.Length - at < 12)
                    throw Bad(at, "header", $"the file ends here, before its IEND chunk ({file.Length} bytes in all). It is cut off: copy or download it " +
                        "again.");
                uint length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
                ReadOnlySpan<byte> type = file.Slice(at + 4, 4);
                string name = Name(type);
                if (length > file.Length - at - 12)
                    throw Bad(at, name, $"it claims {length} bytes, but only {file.Length - at - 12} are left. The file is cut off or damaged: copy or " +
                        "download it again.");
                ReadOnlySpan<byte> body = file.Slice(at + 8, (int)length);
                uint expected = BinaryPrimitives.ReadUInt32BigEndian(file[(at + 8 + (int)length)..]);
                uint actual = PngFormat.Crc(file.Slice(at + 4, (int)length + 4));
                if (expected != actual)
                    throw Bad(at, name, $"its checksum is {actual:X8} and should be {expected:X8}. The file is damaged: copy or download it again.");
                if (!headerSeen && !type.SequenceEqual("IHDR"u8)) throw Bad(at, name, "the first chunk must be IHDR. Export the picture again.");

                bool isData = type.SequenceEqual("IDAT"u8);
                if (isData && dataClosed) throw Bad(at, name, "the IDAT chunks are not in one run. Export the picture again.");
                dataClosed |= dataSeen && !isData;
                if (isData)
                {
                    if (_color == 3 && _palette is null) throw Bad(at, name, "a palette picture needs a PLTE chunk before its data. Export the picture again.");
                    if (!dataSeen) _dataOffset = at;
                    dataSeen = true;
                    data.Write(body);
                }
                else if (type.SequenceEqual("IHDR"u8))
                {
                    if (headerSeen) throw Bad(at, name, "there is a second header. Export the picture again.");
                    headerSeen = true;
                    ReadHeader(body, at);
                }
                else if (type.SequenceEqual("PLTE"u8)) ReadPalette(body, at, dataSeen);
                else if (type.SequenceEqual("tRNS"u8)) ReadTransparency(body, at, dataSeen);
                else if (type.SequenceEqual("eXIf"u8)) _orientation = Exif.Orientation(body);
                else if (type.SequenceEqual("IEND"u8)) ended = true;
                else if ((type[0] & 0x20) == 0) throw Bad(at, name, "this chunk is critical and unknown here. Export the picture as plain PNG.");
                at += 12 + (int)length;
            }
            if (!dataSeen) throw Bad(at, "IEND", "the picture has no IDAT chunk, that is, no pixels. Export it again.");
            return Pixels(data).Upright(_orientation);
        }

        private void ReadHeader(ReadOnlySpan<byte> body, long at)
        {
            if (body.Length != 13) throw Bad(at, "IHDR", $"a header has 13 bytes, not {body.Length}. Export the picture again.");
            uint width = BinaryPrimitives.ReadUInt32BigEndian(body);
            uint height = BinaryPrimitives.ReadUInt32BigEndian(body[4..]);
            if (width is 0 or > int.MaxValue || height is 0 or > int.MaxValue)
                throw Bad(at, "IHDR", $"a size of {width} x {height} is not allowed. The file is damaged: export the picture again.");
            if ((ulong)width * height > (ulong)maxPixels)
                throw Bad(at, "IHDR", $"{width} x {height} pixels are more than the limit of {maxPixels}. Make the picture smaller, or raise maxPixels if " +
                    "you trust the file.");
            (_width, _height) = ((int)width, (int)height);
            (_depth, _color) = (body[8], body[9]);
            (_samples, bool depthFits) = _color switch
            {
                0 => (1, _depth is 1 or 2 or 4 or 8 or 16),
                2 => (3, _depth is 8 or 16),
                3 => (1, _depth is 1 or 2 or 4 or 8),
                4 => (2, _depth is 8 or 16),
                6 => (4, _depth is 8 or 16),
                _ => (0, false),
            };
            if (!depthFits) throw Bad(at, "IHDR", $"colour type {_color} with {_depth} bits a sample does not exist in PNG. Export the picture again.");
            if (body[10] != 0 || body[11] != 0)
                throw Bad(at, "IHDR", $"compression {body[10]} and filter {body[11]} are unknown; PNG has only 0. Export the picture again.");
            if (body[12] > 1) throw Bad(at, "IHDR", $"interlace method {body[12]} is unknown; PNG has 0 and 1. Export the picture again.");
            _interlaced = body[12] == 1;
        }

        private void ReadPalette(ReadOnlySpan<byte> body, long at, bool late)
        {
            if (late) throw Bad(at, "PLTE", "the palette comes after the data. Export the picture again.");
            if (_palette is not null) throw Bad(at, "PLTE", "there is a second palette. Export the picture again.");
            if (_color is 0 or 4) throw Bad(at, "PLTE", "a grey picture has no palette. Export the picture again.");
            int most = _color == 3 ? 1 << _depth : 256;
            if (body.Length % 3 != 0 || body.Length == 0 || body.Length / 3 > most)
                throw Bad(at, "PLTE", $"a palette here has 1 to {most} colours of 3 bytes, but this one has {body.Length} bytes. Export the picture again.");
            _palette = body.ToArray();
        }

        private void ReadTransparency(ReadOnlySpan<byte> body, long at, bool late)
        {
            if (late) throw Bad(at, "tRNS", "the transparency comes after the data. Export the picture again.");
            if (_transparent is not null || _paletteAlpha is not null) throw Bad(at, "tRNS", "there is a second tRNS chunk. Export the picture again.");
            switch (_color)
            {
                case 3 when _palette is null:
                    throw Bad(at, "tRNS", "the transparency comes before the palette. Export the picture again.");
                case 3 when body.Length > _palette.Length / 3:
                    throw Bad(at, "tRNS", $"there are {body.Length} alphas for {_palette.Length / 3} colours. Export the picture again.");
                case 3:
                    _paletteAlpha = body.ToArray();
                    break;
                case 0 or 2 when body.Length == 2 * _samples:
                    _transparent = new int[_samples];
                    // Only the low bits count (specification, 11.3.2.1).
                    for (int i = 0; i < _samples; i++) _transparent[i] = BinaryPrimitives.ReadUInt16BigEndian(body[(2 * i)..]) & ((1 << _depth) - 1);
                    break;
                case 0 or 2:
                    throw Bad(at, "tRNS", $"{2 * _samples} bytes were expected, not {body.Length}. Export the picture again.");
                default:
                    throw Bad(at, "tRNS", "a picture with an alpha channel has no tRNS chunk. Export the picture again.");
            }
        }

        private Picture Pixels(MemoryStream data)
        {
            long raw = 0;
            foreach (Pass pass in Passes()) raw += pass.Height * (1 + RowBytes(pass.Width));
            if (raw > (data.Length * MaxDeflateRatio) + MaxDeflateRatio)
                throw Bad(_dataOffset, "IDAT", $"{data.Length} bytes of data cannot hold a picture of {_width} x {_height}. The file is cut off or its " +
                    "header lies: export it again.");
            if ((long)_width * _height * Channels > Array.MaxLength)
                throw Bad(_dataOffset, "IDAT", $"a picture of {_width} x {_height} does not fit into memory here. Make it smaller.");
            CheckZlibHeader(data.GetBuffer().AsSpan(0, (int)data.Length));

            data.Position = 0;
            byte[] output = new byte[(long)_width * _height * Channels];
            using ZLibStream zlib = new(data, CompressionMode.Decompress);
            foreach (Pass pass in Passes()) ReadPass(zlib, pass, output);
            try
            {
                // Asking for one byte more makes zlib verify its own checksum. More data than pixels is harmless, as in libpng.
                _ = zlib.ReadByte();
            }
            catch (Exception e) when (e is InvalidDataException or IOException)
            {
                throw Bad(_dataOffset, "IDAT", "the checksum of the compressed data is wrong. The file is damaged: copy or download it again.", e);
            }
            return new(output, _width, _height, Channels);
        }

        private void CheckZlibHeader(ReadOnlySpan<byte> data)
        {
            if (data.Length < 2 || (data[0] & 15) != 8 || data[0] >> 4 > 7 || ((data[0] << 8) | data[1]) % 31 != 0 || (data[1] & 0x20) != 0)
                throw Bad(_dataOffset, "IDAT", "the compressed data does not start as zlib data does. The file is damaged: copy or download it again.");
        }

        private void ReadPass(ZLibStream zlib, Pass pass, byte[] output)
        {
            int bytes = (int)RowBytes(pass.Width);
            int step = Math.Max(1, BitsPerPixel / 8);
            byte[] row = new byte[bytes + 1];
            byte[] above = new byte[bytes];
            for (int y = 0; y < pass.Height; y++)
            {
                Fill(zlib, row, pass, y);
                Span<byte> line = row.AsSpan(1);
                Unfilter(row[0], line, above, step, y);
                Store(line, pass, y, output);
                line.CopyTo(above);
            }
        }

        private void Fill(ZLibStream zlib, byte[] row, Pass pass, int y)
        {
            Exception? inner = null;
            int got = 0;
            try
            {
                got = zlib.ReadAtLeast(row, row.Length, throwOnEndOfStream: false);
            }
            catch (Exception e) when (e is InvalidDataException or IOException)
            {
                inner = e;
            }
            if (got < row.Length)
            {
                string pictureRow = $"row {pass.Y + (y * pass.StepY)} of {_height}";
                throw Bad(_dataOffset, "IDAT", inner is null
                    ? $"the data ends in {pictureRow}. The file is cut off: copy or download it again."
                    : $"the compressed data is broken in {pictureRow}. The file is damaged: copy or download it again.", inner);
            }
        }

        private void Unfilter(int filter, Span<byte> row, ReadOnlySpan<byte> above, int step, int y)
        {
            switch (filter)
            {
                case 0:
                    break;
                case 1:
                    for (int i = step; i < row.Length; i++) row[i] += row[i - step];
                    break;
                case 2:
                    for (int i = 0; i < row.Length; i++) row[i] += above[i];
                    break;
                case 3:
                    for (int i = 0; i < row.Length; i++) row[i] += (byte)(((i >= step ? row[i - step] : 0) + above[i]) >> 1);
                    break;
                case 4:
                    for (int i = 0; i < row.Length; i++)
                        row[i] += (byte)(i >= step ? PngFormat.Paeth(row[i - step], above[i], above[i - step]) : above[i]);
                    break;
                default:
                    throw Bad(_dataOffset, "IDAT", $"row {y} uses filter {filter}; PNG has 0 to 4. The file is damaged: export it again.");
            }
        }

        private void Store(ReadOnlySpan<byte> line, Pass pass, int y, byte[] output)
        {
            int channels = Channels;
            int top = (1 << _depth) - 1;
            int row = pass.Y + (y * pass.StepY);
            // The common case needs no thought: the row is what is wanted.
            if (_depth == 8 && channels == _samples && !_interlaced && _color != 3)
            {
                line.CopyTo(output.AsSpan(row * line.Length));
                return;
            }
            Span<int> sample = stackalloc int[4];
            for (int x = 0; x < pass.Width; x++)
            {
                for (int s = 0; s < _samples; s++) sample[s] = Sample(line, (x * _samples) + s);
                int column = pass.X + (x * pass.StepX);
                Span<byte> pixel = output.AsSpan(((row * _width) + column) * channels, channels);
                if (_color == 3)
                {
                    int index = sample[0];
                    if (index >= _palette!.Length / 3)
                        throw Bad(_dataOffset, "IDAT", $"the pixel at column {column}, row {row} asks for colour {index} of a palette of " +
                            $"{_palette.Length / 3}. Export the picture again.");
                    _palette.AsSpan(index * 3, 3).CopyTo(pixel);
                    if (channels == 4) pixel[3] = index < _paletteAlpha!.Length ? _paletteAlpha[index] : (byte)255;
                    continue;
                }
                bool grey = _color is 0 or 4;
                for (int c = 0; c < Math.Min(3, channels); c++) pixel[c] = To8(sample[grey ? 0 : c], top);
                if (channels != 4) continue;
                if (_transparent is null) pixel[3] = To8(sample[_samples - 1], top);
                else pixel[3] = sample[.._samples].SequenceEqual(_transparent) ? (byte)0 : (byte)255;
            }
        }

        private int Sample(ReadOnlySpan<byte> line, int index)
        {
            if (_depth == 8) return line[index];
            if (_depth == 16) return (line[2 * index] << 8) | line[(2 * index) + 1];
            int bit = index * _depth;
            return (line[bit >> 3] >> (8 - _depth - (bit & 7))) & ((1 << _depth) - 1);
        }

        // Rounded to nearest, so that 0 stays 0 and the brightest stays 255 (specification, 13.12).
        private static byte To8(int value, int top) => top == 255 ? (byte)value : (byte)(((value * 510L) + top) / (2L * top));

        private long RowBytes(int width) => (((long)width * BitsPerPixel) + 7) / 8;

        // One pass for a plain picture; seven for Adam7 (specification, 8.2), of which small pictures lack some.
        private IEnumerable<Pass> Passes()
        {
            if (!_interlaced)
            {
                yield return new(0, 0, 1, 1, _width, _height);
                yield break;
            }
            (int X, int Y, int StepX, int StepY)[] adam7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
            foreach ((int x, int y, int stepX, int stepY) in adam7)
            {
                int width = (int)(((long)_width - x + stepX - 1) / stepX);
                int height = (int)(((long)_height - y + stepY - 1) / stepY);
                if (width > 0 && height > 0) yield return new(x, y, stepX, stepY, width, height);
            }
        }

        private static string Name(ReadOnlySpan<byte> type)
        {
            foreach (byte b in type)
                if (!char.IsAsciiLetter((char)b)) return "0x" + Convert.ToHexString(type);
            return Encoding.ASCII.GetString(type);
        }

        private static PictureFormatException Bad(long at, string chunk, string what, Exception? inner = null) =>
            new($"PNG, chunk {chunk} at byte {at}: {what}", at, inner);
    }

    private readonly record struct Pass(int X, int Y, int StepX, int StepY, int Width, int Height);
}
