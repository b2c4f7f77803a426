using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;

namespace Vitrine.Render.Tests;

public class PngTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 1, 3)]
    [InlineData(1, 7, 4)]
    [InlineData(33, 17, 1)]
    [InlineData(64, 48, 3)]
    [InlineData(31, 9, 4)]
    public void What_is_written_is_read(int width, int height, int channels)
    {
        Random random = new(width + (1000 * channels));
        byte[] pixels = new byte[width * height * channels];
        foreach (bool smooth in (bool[])[false, true])
        {
            for (int i = 0; i < pixels.Length; i++) pixels[i] = smooth ? (byte)(i / 3) : (byte)random.Next(256);
            Picture again = PngDecoder.Decode(new Picture(width, height, channels, pixels).ToPng());
            Assert.Equal((width, height, channels), (again.Width, again.Height, again.Channels));
            Assert.Equal(pixels, again.Pixels.ToArray());
        }
    }

    [Fact]
    public void Filters_make_smooth_pictures_small()
    {
        byte[] pixels = new byte[256 * 256];
        for (int y = 0; y < 256; y++)
            for (int x = 0; x < 256; x++)
                pixels[(y * 256) + x] = (byte)(x + y);
        Assert.True(new Picture(256, 256, 1, pixels).ToPng().Length < 2000);
    }

    [Fact]
    public void Known_checksum() => Assert.Equal(0xCBF43926u, PngFormat.Crc("123456789"u8)); // the check value of CRC-32 in every catalogue

    [Fact]
    public void A_header_that_lies_allocates_nothing()
    {
        byte[] file = PictureOf(8, 8).ToPng();
        foreach ((uint width, uint height) in ((uint, uint)[])[(0x7FFFFFFF, 0x7FFFFFFF), (10_000, 9_000), (0, 5), (0x80000000, 1), (1, 90_000_000)])
        {
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(16), width);
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(20), height);
            RepairChecksums(file);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Throws<PictureFormatException>(() => PngDecoder.Decode(file));
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000);
        }
    }

    [Fact]
    public void The_limit_on_pixels_is_the_callers()
    {
        byte[] file = PictureOf(20, 10).ToPng();
        Assert.Equal(20, PngDecoder.Decode(file, 200).Width);
        PictureFormatException error = Assert.Throws<PictureFormatException>(() => PngDecoder.Decode(file, 199));
        Assert.Contains("199", error.Message);
        Assert.Contains("IHDR", error.Message);
    }

    [Fact]
    public void Errors_say_what_where_and_what_to_do()
    {
        byte[] file = PictureOf(8, 8).ToPng();
        PictureFormatException none = Assert.Throws<PictureFormatException>(() => PngDecoder.Decode("GIF89a..."u8));
        Assert.Contains("not a PNG", none.Message);
        PictureFormatException cut = Assert.Throws<PictureFormatException>(() => PngDecoder.Decode(file.AsSpan(0, file.Length - 12)));
        Assert.Contains("IEND", cut.Message);
        Assert.Equal(file.Length - 12, cut.Offset);
        file[45] ^= 1;
        PictureFormatException broken = Assert.Throws<PictureFormatException>(() => PngDecoder.Decode(file));
        Assert.Contains("IDAT at byte 33", broken.Message);
        Assert.Contains("checksum", broken.Message);
    }

    [Fact]
    public void A_compressed_stream_with_a_preset_dictionary_is_refused()
    {
        byte[] file = PictureOf(8, 8).ToPng();
        (file[41], file[42]) = (0x78, 0xBB); // FDICT set, header check valid
        RepairChecksums(file);
        Assert.Contains("zlib", Assert.Throws<PictureFormatException>(() => PngDecoder.Decode(file)).Message);
    }

    [Fact]
    public void Damaged_files_give_one_kind_of_error_and_never_hang()
    {
        string[] fixtures = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Fixtures"), "*.png");
        List<byte[]> seeds = [.. fixtures.Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];
        seeds.Add(PictureOf(60, 40).ToPng());
        Random random = new(20260101);
        int decoded = 0, refused = 0;
        for (int round = 0; round < 20_000; round++)
        {
            // Damage outside, and damage inside the compressed rows, which no checksum stops.
            byte[] seed = seeds[random.Next(seeds.Count)];
            byte[] file = round % 2 == 0 ? Mutate(seed, random) : MutateInside(seed, random);
            // Most files get valid checksums again, or nothing behind the checksum would ever be tried.
            if (random.Next(8) != 0) RepairChecksums(file);
            long before = GC.GetAllocatedBytesForCurrentThread();
            long start = Stopwatch.GetTimestamp();
            try
            {
                PngDecoder.Decode(file);
                decoded++;
            }
            catch (PictureFormatException)
            {
                refused++;
            }
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000_000, $"round {round} allocated too much");
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10), $"round {round} took too long");
        }
        // Both ways must have been walked for the test to mean anything.
        Assert.True(decoded > 500 && refused > 3000, $"{decoded} decoded, {refused} refused");
    }

    private static Picture PictureOf(int width, int height)
    {
        byte[] pixels = new byte[width * height * 3];
        new Random(1).NextBytes(pixels);
        return new(width, height, 3, pixels);
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        List<byte> file = [.. seed];
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            int at = random.Next(Math.Min(8, file.Count - 1), file.Count); // the signature is tried elsewhere
            switch (random.Next(7))
            {
                case 0: file[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: file[at] = (byte)random.Next(256); break;
                case 2: file.RemoveRange(at, Math.Min(file.Count - at, random.Next(1, 40))); break;
                case 3: file.InsertRange(at, Enumerable.Range(0, random.Next(1, 20)).Select(_ => (byte)random.Next(256)).ToArray()); break;
                case 4: file[Math.Min(16 + random.Next(13), file.Count - 1)] = (byte)random.Next(random.Next(2) == 0 ? 20 : 256); break; // the header
                case 5: file.InsertRange(Math.Min(8, file.Count), file.Skip(8).Take(random.Next(12, 60)).ToArray()); break;
                default: file.RemoveRange(at, file.Count - at); break;
            }
            if (file.Count == 0) return [];
        }
        return [.. file];
    }

    private static byte[] MutateInside(byte[] seed, Random random)
    {
        using MemoryStream packed = new(), rows = new(), file = new();
        file.Write(seed, 0, 8);
        for (int at = 8; at < seed.Length;)
        {
            int length = 12 + (int)BinaryPrimitives.ReadUInt32BigEndian(seed.AsSpan(at));
            if (seed[at + 4] == 'I' && seed[at + 5] == 'D') packed.Write(seed, at + 8, length - 12);
            else if (seed[at + 4] != 'I' || seed[at + 5] != 'E') file.Write(seed, at, length);
            at += length;
        }
        packed.Position = 0;
        using (ZLibStream zlib = new(packed, CompressionMode.Decompress, leaveOpen: true)) zlib.CopyTo(rows);
        byte[] raw = rows.ToArray();
        for (int n = random.Next(1, 4); n > 0; n--) raw[random.Next(raw.Length)] = (byte)random.Next(random.Next(2) == 0 ? 6 : 256);
        packed.SetLength(0);
        int kept = random.Next(4) == 0 ? random.Next(raw.Length) : raw.Length;
        using (ZLibStream zlib = new(packed, CompressionLevel.Fastest, leaveOpen: true)) zlib.Write(raw, 0, kept);
        byte[] head = new byte[8];
        BinaryPrimitives.WriteInt32BigEndian(head, (int)packed.Length);
        "IDAT"u8.CopyTo(head.AsSpan(4));
        file.Write(head);
        packed.WriteTo(file);
        file.Write(new byte[8]); // the checksum, repaired later, and the length of IEND
        file.Write("IEND"u8);
        file.Write(new byte[4]);
        byte[] result = file.ToArray();
        // Sometimes the header changes its mind about colour, depth, interlacing or size.
        if (random.Next(3) == 0) result[16 + random.Next(13)] = (byte)random.Next(20);
        return result;
    }

    private static void RepairChecksums(byte[] file)
    {
        for (int at = 8; at + 12 <= file.Length;)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at));
            if (length > file.Length - at - 12) return;
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(at + 8 + (int)length), PngFormat.Crc(file.AsSpan(at + 4, (int)length + 4)));
            at += 12 + (int)length;
        }
    }
}
