using System.Buffers.Binary;
using System.IO.Compression;

namespace Vitrine.Data;

/// <summary>An array of unsigned bytes read from an IDX file, in row-major order.</summary>
/// <param name="Dimensions">The sizes, outermost first: [N] for labels, [N, H, W] for grey images. Each is at least 1.</param>
/// <param name="Values">The elements; as many as the product of the dimensions.</param>
public sealed record IdxArray(int[] Dimensions, byte[] Values);

/// <summary>Reads and writes IDX files, the format of MNIST and its descendants.</summary>
/// <remarks>
/// An IDX file is a big-endian magic number (two zero bytes, the element type, the number of dimensions), one 32-bit size for each
/// dimension, then the elements. Only unsigned bytes (type 0x08) are read: nothing published for images uses another type.
/// LeCun, Cortes and Burges, "The MNIST database of handwritten digits", 1998.
/// </remarks>
public static class Idx
{
    private const int UnsignedByte = 0x08;
    private const int MaxRank = 4;
    private const int FirstBuffer = 1 << 16;
    private const string Damaged = "Delete it and fetch it again with 'vitrine data get'.";

    /// <summary>Reads a file, gzipped or not: the content decides, not the name.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The array. Memory is taken only as data really arrives, whatever the header claims.</returns>
    /// <exception cref="DataException">The file is missing, forbidden, not IDX, of another element type, shorter or longer than its header says,
    /// or claims sizes that cannot be.</exception>
    public static IdxArray Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            Span<byte> start = stackalloc byte[2];
            int got = file.ReadAtLeast(start, 2, throwOnEndOfStream: false);
            file.Position = 0;
            if (got == 2 && start[0] == 0x1F && start[1] == 0x8B)
            {
                using GZipStream content = new(file, CompressionMode.Decompress);
                return Read(content, path, length: null);
            }
            return Read(file, path, file.Length);
        }
        catch (InvalidDataException e)
        {
            throw new DataException("The gzip data is damaged.", Damaged, path, inner: e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw DataException.From(e, path);
        }
    }

    /// <summary>Writes a file, replacing what is there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="array">What to write.</param>
    /// <param name="gzip">Whether to compress it.</param>
    /// <exception cref="ArgumentException">The dimensions and the number of values do not agree, or a dimension is below 1, or there are none or
    /// more than 4.</exception>
    /// <exception cref="DataException">The file cannot be written.</exception>
    public static void Write(string path, IdxArray array, bool gzip = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(array);
        long count = 1;
        foreach (int size in array.Dimensions)
        {
            if (size < 1) throw new ArgumentException($"A dimension is {size}; each must be at least 1.");
            count *= size;
        }
        if (array.Dimensions.Length is 0 or > MaxRank || count != array.Values.Length)
            throw new ArgumentException($"{Text(array.Dimensions)} does not describe {array.Values.Length} values in 1 to {MaxRank} dimensions.");

        byte[] header = new byte[4 + (4 * array.Dimensions.Length)];
        header[2] = UnsignedByte;
        header[3] = (byte)array.Dimensions.Length;
        for (int i = 0; i < array.Dimensions.Length; i++) BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 + (4 * i)), array.Dimensions[i]);
        try
        {
            using FileStream file = new(path, FileMode.Create, FileAccess.Write);
            using Stream content = gzip ? new GZipStream(file, CompressionLevel.Optimal) : file;
            content.Write(header);
            content.Write(array.Values);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DataException.From(e, path);
        }
    }

    private static IdxArray Read(Stream content, string path, long? length)
    {
        Span<byte> four = stackalloc byte[4];
        ReadHeader(content, four, path, 0);
        if (four[0] != 0 || four[1] != 0)
            throw new DataException($"This is not an IDX file: it starts with 0x{Convert.ToHexString(four)} where 0x0000 08 and a number of dimensions belong.",
                "Check that this is the right file.", path, 0);
        if (four[2] != UnsignedByte)
            throw new DataException($"The elements are {TypeName(four[2])}; only unsigned bytes (0x08) are read.", "Convert the file to unsigned bytes.",
                path, 2);
        int rank = four[3];
        if (rank is 0 or > MaxRank)
            throw new DataException($"The header claims {rank} dimensions; 1 to {MaxRank} can be read.", "Check that this is the right file.", path, 3);

        int[] dimensions = new int[rank];
        long count = 1;
        int offset = 4;
        for (int i = 0; i < rank; i++, offset += 4)
        {
            ReadHeader(content, four, path, offset);
            uint size = BinaryPrimitives.ReadUInt32BigEndian(four);
            // size is at most 2^31 here and count at most Array.MaxLength, so the product cannot overflow.
            if (size == 0 || size > Array.MaxLength || (count *= size) > Array.MaxLength)
                throw new DataException($"Dimension {i} is {size}, which cannot be.", Damaged, path, offset);
            dimensions[i] = (int)size;
        }
        if (length is { } bytes && bytes != offset + count)
        {
            throw bytes < offset + count
                ? Truncated(bytes - offset, dimensions, count, path, bytes)
                : new DataException($"The file goes on for {bytes - offset - count} bytes after its {count} elements {Text(dimensions)}.",
                    Damaged, path, offset + count);
        }
        return new IdxArray(dimensions, ReadValues(content, dimensions, (int)count, path, offset));
    }

    // A header may lie about its sizes, so the buffer grows with the data that arrives: at most twice what the file holds is ever allocated.
    private static byte[] ReadValues(Stream content, int[] dimensions, int count, string path, int offset)
    {
        byte[] values = new byte[Math.Min(count, FirstBuffer)];
        int have = 0;
        while (true)
        {
            int got = content.ReadAtLeast(values.AsSpan(have), values.Length - have, throwOnEndOfStream: false);
            have += got;
            if (have < values.Length) throw Truncated(have, dimensions, count, path, offset + have);
            if (have == count) break;
            Array.Resize(ref values, (int)Math.Min(count, 2L * values.Length));
        }
        // Also makes the gzip reader see the end of its stream, where the checksum is.
        Span<byte> beyond = stackalloc byte[1];
        if (content.Read(beyond) != 0)
            throw new DataException($"The file goes on after its {count} elements {Text(dimensions)}.", Damaged, path, offset + (long)count);
        return values;
    }

    private static void ReadHeader(Stream content, Span<byte> four, string path, int offset)
    {
        int got = content.ReadAtLeast(four, 4, throwOnEndOfStream: false);
        if (got < 4) throw new DataException("The file ends inside its header.", Damaged, path, offset + got);
    }

    private static DataException Truncated(long have, int[] dimensions, long count, string path, long offset) =>
        new($"The file is truncated: its header announces {count} elements {Text(dimensions)} and {have} are there.", Damaged, path, offset);

    private static string Text(int[] dimensions) => $"[{string.Join(" x ", dimensions)}]";

    private static string TypeName(byte code) => code switch
    {
        0x09 => "signed bytes (0x09)",
        0x0B => "16-bit integers (0x0B)",
        0x0C => "32-bit integers (0x0C)",
        0x0D => "32-bit floats (0x0D)",
        0x0E => "64-bit floats (0x0E)",
        _ => $"of unknown type 0x{code:X2}",
    };
}
