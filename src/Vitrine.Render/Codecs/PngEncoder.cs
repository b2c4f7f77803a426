using System.Buffers.Binary;
using System.IO.Compression;

namespace Vitrine.Render;

/// <summary>Writes PNG files: 8 bits a sample, not interlaced, grey, RGB or RGBA as the picture is.</summary>
public static class PngEncoder
{
    /// <summary>Encodes a picture. The same picture gives the same bytes on the same runtime.</summary>
    /// <param name="picture">The picture.</param>
    public static byte[] Encode(Picture picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, picture.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], picture.Height);
        header[8] = 8;
        header[9] = picture.Channels switch { 1 => 0, 3 => 2, _ => 6 };

        using MemoryStream file = new();
        file.Write(PngFormat.Signature);
        WriteChunk(file, "IHDR"u8, header);
        using MemoryStream data = new();
        using (ZLibStream zlib = new(data, CompressionLevel.Optimal, leaveOpen: true)) WriteRows(zlib, picture);
        WriteChunk(file, "IDAT"u8, data.GetBuffer().AsSpan(0, (int)data.Length));
        WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static void WriteRows(ZLibStream zlib, Picture picture)
    {
        int step = picture.Channels;
        int stride = picture.Width * step;
        byte[] nothing = new byte[stride];
        byte[] candidate = new byte[stride + 1];
        byte[] best = new byte[stride + 1];
        for (int y = 0; y < picture.Height; y++)
        {
            ReadOnlySpan<byte> row = picture.Pixels.Slice(y * stride, stride);
            ReadOnlySpan<byte> above = y == 0 ? nothing : picture.Pixels.Slice((y - 1) * stride, stride);

            // The minimum-sum heuristic (specification, 12.8): of the five filters the one whose output, read as signed bytes, is smallest in sum.
            long smallest = long.MaxValue;
            for (int filter = 0; filter < 5; filter++)
            {
                long sum = Filter(filter, row, above, step, candidate);
                if (sum >= smallest) continue;
                smallest = sum;
                (candidate, best) = (best, candidate);
            }
            zlib.Write(best);
        }
    }

    private static long Filter(int filter, ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, int step, Span<byte> output)
    {
        output[0] = (byte)filter;
        long sum = 0;
        for (int i = 0; i < row.Length; i++)
        {
            int left = i >= step ? row[i - step] : 0;
            int predicted = filter switch
            {
                0 => 0,
                1 => left,
                2 => above[i],
                3 => (left + above[i]) >> 1,
                _ => PngFormat.Paeth(left, above[i], i >= step ? above[i - step] : 0),
            };
            byte value = (byte)(row[i] - predicted);
            output[i + 1] = value;
            sum += Math.Abs((int)(sbyte)value);
        }
        return sum;
    }

    private static void WriteChunk(MemoryStream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(word, data.Length);
        file.Write(word);
        file.Write(type);
        file.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(word, PngFormat.Crc(data, PngFormat.Crc(type)));
        file.Write(word);
    }
}
