using System.Buffers.Binary;
using System.Numerics;

namespace Vitrine.Render;

/// <summary>
/// Reads Windows bitmaps: 1, 4 and 8 bits with a palette, plain or run-length coded, 16, 24 and 32 bits, bit fields, bottom-up or top-down, headers of every
/// length in use (12 to 124 bytes). Alpha is read where the header names it; colour profiles are not applied.
/// </summary>
public static class BmpDecoder
{
    private const int FileHeader = 14;

    // The best a run can do is 255 pixels from two bytes.
    private const long MaxPixelsPerByte = 128;

    /// <summary>Whether the bytes start as a bitmap file does.</summary>
    /// <param name="file">The beginning of a file.</param>
    public static bool IsBmp(ReadOnlySpan<byte> file) => file.StartsWith("BM"u8);

    /// <summary>Decodes a bitmap to grey (a grey palette), RGB or RGBA.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="maxPixels">Refuse pictures of more pixels than this.</param>
    /// <exception cref="PictureFormatException">The file is no bitmap, is damaged or truncated, holds JPEG or PNG data, or is too large.</exception>
    public static Picture Decode(ReadOnlySpan<byte> file, long maxPixels = PictureDecoder.DefaultMaxPixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxPixels, 1);
        if (!IsBmp(file)) throw new PictureFormatException("This is not a bitmap: it does not start with BM.", 0);
        Header header = ReadHeader(file);
        if (header.Pixels > maxPixels) throw PictureDecoder.TooLarge("BMP", header.Width, header.Height, maxPixels, FileHeader);
        return header.Bits <= 8 ? Indexed(file, header) : Direct(file, header);
    }

    private static Header ReadHeader(ReadOnlySpan<byte> file)
    {
        if (file.Length < FileHeader + 12) throw CutOff(file.Length, "its header");
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(file[FileHeader..]);
        if (size is not (12 or 40 or 52 or 56 or 64 or 108 or 124)) throw Bad(FileHeader, $"a header of {size} bytes is unknown. Export the picture again.");
        if (file.Length < FileHeader + size) throw CutOff(file.Length, "its header");
        uint data = BinaryPrimitives.ReadUInt32LittleEndian(file[10..]);
        ReadOnlySpan<byte> info = file.Slice(FileHeader, (int)size);
        if (size == 12)
        {
            return Checked(new(12, BinaryPrimitives.ReadUInt16LittleEndian(info[4..]), BinaryPrimitives.ReadUInt16LittleEndian(info[6..]), false,
                BinaryPrimitives.ReadUInt16LittleEndian(info[10..]), 0, 0, data, Masks.None));
        }
        int height = BinaryPrimitives.ReadInt32LittleEndian(info[8..]);
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(info[14..]);
        uint compression = BinaryPrimitives.ReadUInt32LittleEndian(info[16..]);
        Masks masks = bits == 16 ? Masks.Rgb555 : bits == 32 ? Masks.Rgb888 : Masks.None;
        if (compression is 3 or 6 && size != 64)
        {
            int colors = compression == 6 || size >= 56 ? 4 : 3;
            if (file.Length < FileHeader + 40 + (4 * colors)) throw CutOff(file.Length, "its bit fields");
            masks = new(Field(file, 0), Field(file, 1), Field(file, 2), colors == 4 ? Field(file, 3) : 0);
        }
        return Checked(new(size, BinaryPrimitives.ReadInt32LittleEndian(info[4..]), Math.Abs((long)height), height < 0, bits, compression,
            BinaryPrimitives.ReadUInt32LittleEndian(info[32..]), data, masks));

        static uint Field(ReadOnlySpan<byte> file, int index) => BinaryPrimitives.ReadUInt32LittleEndian(file[(FileHeader + 40 + (4 * index))..]);
    }

    private static Header Checked(Header header)
    {
        if (header.Width < 1 || header.Height < 1 || header.Height > int.MaxValue)
            throw Bad(FileHeader, $"a size of {header.Width} x {header.Height} is not allowed. The file is damaged: export it again.");
        bool known = header.Compression switch
        {
            0 => header.Bits is 1 or 4 or 8 or 16 or 24 or 32,
            1 => header.Bits == 8,
            2 => header.Bits == 4,
            3 or 6 => header.Bits is 16 or 32 && header.Size != 64,
            _ => false,
        };
        if (!known) throw Bad(FileHeader, $"{header.Bits} bits with compression {header.Compression} are not supported. Export the picture as a plain " +
            "24-bit bitmap or PNG.");
        if (header.Compression is 1 or 2 && header.TopDown) throw Bad(FileHeader, "a run-length coded bitmap cannot be top-down. Export the picture again.");
        foreach (uint mask in (uint[])[header.Masks.Red, header.Masks.Green, header.Masks.Blue, header.Masks.Alpha])
        {
            // A field of more than 16 bits in one place, or in several places, is no sample.
            if (mask != 0 && mask >> BitOperations.TrailingZeroCount(mask) is var field && (field > 0xFFFF || !BitOperations.IsPow2(field + 1)))
                throw Bad(FileHeader + 40, $"the bit field {mask:X8} is no run of 1 to 16 bits. Export the picture again.");
        }
        return header;
    }

    private static Picture Indexed(ReadOnlySpan<byte> file, Header header)
    {
        int start = FileHeader + (int)header.Size, entry = header.Size == 12 ? 3 : 4;
        long colors = header.Colors == 0 ? 1 << header.Bits : Math.Min(header.Colors, 1 << header.Bits);
        if (file.Length < start + (colors * entry)) throw CutOff(file.Length, "its palette");
        ReadOnlySpan<byte> palette = file.Slice(start, (int)colors * entry);
        byte[] indices = header.Compression == 0 ? Unpack(file, header) : Runs(file, header);

        bool grey = true;
        for (int i = 0; i < palette.Length; i += entry) grey &= palette[i] == palette[i + 1] && palette[i] == palette[i + 2];
        int channels = grey ? 1 : 3;
        byte[] pixels = new byte[Picture.Size((int)header.Width, (int)header.Height, channels)];
        for (int i = 0; i < indices.Length; i++)
        {
            int color = indices[i] * entry;
            if (color >= palette.Length)
                throw Bad((int)header.Data, $"the pixel at column {i % header.Width}, row {i / header.Width} asks for colour {indices[i]} of a palette of " +
                    $"{colors}. Export the picture again.");
            for (int c = 0; c < channels; c++) pixels[(i * channels) + c] = palette[color + 2 - c]; // Blue stands first.
        }
        return new(pixels, (int)header.Width, (int)header.Height, channels);
    }

    private static byte[] Unpack(ReadOnlySpan<byte> file, Header header)
    {
        int stride = Stride(file, header);
        byte[] indices = new byte[header.Pixels];
        int mask = (1 << header.Bits) - 1;
        for (int y = 0, i = 0; y < header.Height; y++)
        {
            ReadOnlySpan<byte> row = Row(file, header, stride, y);
            for (int x = 0; x < header.Width; x++, i++)
            {
                int bit = x * header.Bits;
                indices[i] = (byte)(row[bit >> 3] >> (8 - header.Bits - (bit & 7)) & mask);
            }
        }
        return indices;
    }

    // A pair is a count and a colour; the count 0 escapes: end of line, end of picture, a jump, or so many colours one by one. What nothing draws has colour 0.
    private static byte[] Runs(ReadOnlySpan<byte> file, Header header)
    {
        if (header.Pixels > MaxPixelsPerByte * file.Length)
            throw Bad(FileHeader, $"{file.Length} bytes cannot hold a picture of {header.Width} x {header.Height}. The file is cut off or its header lies: " +
                "export it again.");
        byte[] indices = new byte[header.Pixels];
        long x = 0, y = 0;
        int at = (int)Math.Min(header.Data, file.Length);
        while (at + 1 < file.Length)
        {
            int count = file[at], value = file[at + 1];
            at += 2;
            if (count > 0)
            {
                for (int i = 0; i < count; i++) Put(header.Bits == 8 ? value : (i & 1) == 0 ? value >> 4 : value & 15);
                continue;
            }
            switch (value)
            {
                case 0:
                    (x, y) = (0, y + 1);
                    break;
                case 1:
                    return indices;
                case 2:
                    if (at + 2 > file.Length) throw CutOff(file.Length, "its runs");
                    (x, y) = (x + file[at], y + file[at + 1]);
                    at += 2;
                    break;
                default:
                    int bytes = header.Bits == 8 ? value : (value + 1) / 2;
                    if (at + bytes > file.Length) throw CutOff(file.Length, "its runs");
                    for (int i = 0; i < value; i++) Put(header.Bits == 8 ? file[at + i] : (i & 1) == 0 ? file[at + (i / 2)] >> 4 : file[at + (i / 2)] & 15);
                    at += bytes + (bytes & 1); // Words are aligned.
                    break;
            }
        }
        // The mark of the end may be missing when everything is drawn.
        return y >= header.Height || (y == header.Height - 1 && x >= header.Width) ? indices : throw CutOff(file.Length, "its runs");

        void Put(int color)
        {
            if (x < header.Width && y < header.Height) indices[((header.Height - 1 - y) * header.Width) + x] = (byte)color;
            x++;
        }
    }

    private static Picture Direct(ReadOnlySpan<byte> file, Header header)
    {
        int stride = Stride(file, header), step = header.Bits / 8;
        int channels = header.Masks.Alpha != 0 ? 4 : 3;
        byte[] pixels = new byte[Picture.Size((int)header.Width, (int)header.Height, channels)];
        for (int y = 0, o = 0; y < header.Height; y++)
        {
            ReadOnlySpan<byte> row = Row(file, header, stride, y);
            for (int i = 0; i < header.Width * step; i += step, o += channels)
            {
                if (step == 3)
                {
                    (pixels[o], pixels[o + 1], pixels[o + 2]) = (row[i + 2], row[i + 1], row[i]);
                    continue;
                }
                uint value = step == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(row[i..]) : BinaryPrimitives.ReadUInt32LittleEndian(row[i..]);
                (pixels[o], pixels[o + 1], pixels[o + 2]) = (To8(value, header.Masks.Red), To8(value, header.Masks.Green), To8(value, header.Masks.Blue));
                if (channels == 4) pixels[o + 3] = To8(value, header.Masks.Alpha);
            }
        }
        return new(pixels, (int)header.Width, (int)header.Height, channels);
    }

    // Rounded down, as Pillow has it.
    private static byte To8(uint value, uint mask)
    {
        if (mask == 0) return 0;
        int shift = BitOperations.TrailingZeroCount(mask);
        return (byte)(((value & mask) >> shift) * 255 / (mask >> shift));
    }

    // Rows are padded to four bytes. All rows have to be there before anything is allocated.
    private static int Stride(ReadOnlySpan<byte> file, Header header)
    {
        long stride = ((header.Width * header.Bits) + 31) / 32 * 4;
        if ((Int128)header.Data + ((Int128)stride * header.Height) > file.Length) throw CutOff(file.Length, $"its {header.Height} rows of {stride} bytes");
        return (int)stride;
    }

    private static ReadOnlySpan<byte> Row(ReadOnlySpan<byte> file, Header header, int stride, int y) =>
        file.Slice((int)(header.Data + (stride * (header.TopDown ? y : header.Height - 1 - y))), stride);

    private static PictureFormatException CutOff(int length, string what) =>
        Bad(length, $"the file ends within {what}. It is cut off or its header lies: copy or download it again.");

    private static PictureFormatException Bad(int at, string what) => new($"BMP, byte {at}: {what}", at);

    private sealed record Header(uint Size, long Width, long Height, bool TopDown, int Bits, uint Compression, uint Colors, uint Data, Masks Masks)
    {
        public long Pixels => Width * Height;
    }

    private readonly record struct Masks(uint Red, uint Green, uint Blue, uint Alpha)
    {
        public static Masks None => default;

        public static Masks Rgb555 => new(0x7C00, 0x3E0, 0x1F, 0);

        public static Masks Rgb888 => new(0xFF0000, 0xFF00, 0xFF, 0);
    }
}
