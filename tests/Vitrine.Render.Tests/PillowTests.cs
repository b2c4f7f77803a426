using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;

namespace Vitrine.Render.Tests;

/// <summary>Codecs and resizing against Pillow's bytes: Fixtures/pillow.py makes the files.</summary>
public sealed class PillowTests
{
    internal static readonly Dictionary<string, byte[]> Files = Unzip();

    public static TheoryData<string> Pictures() => [.. Files.Keys.Where(k => k.StartsWith("decode/") && !k.EndsWith(".rgb"))];

    public static TheoryData<string> Resized() => [.. Files.Keys.Where(k => k.StartsWith("resize/") && k.Contains('_'))];

    [Theory]
    [MemberData(nameof(Pictures))]
    public void A_file_of_any_kind_reads_as_Pillow_reads_it(string name)
    {
        NeedJpeg(name);
        Picture expected = Raw(name + ".rgb");
        Picture actual = PictureDecoder.Decode(Files[name]).DropAlpha().ToRgb();
        Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
        Assert.Equal(expected.Pixels.ToArray(), actual.Pixels.ToArray());
    }

    [Theory]
    [MemberData(nameof(Resized))]
    public void Resizing_gives_the_bytes_of_Pillow(string name)
    {
        string[] parts = Path.GetFileNameWithoutExtension(name).Split('_');
        Picture expected = Raw(name);
        Picture actual = Raw($"resize/{parts[0]}.rgb").Resize(expected.Width, expected.Height, Enum.Parse<Resampling>(parts[1]));
        Assert.Equal(expected.Pixels.ToArray(), actual.Pixels.ToArray());
    }

    /// <summary>Photographs are not part of the repository; what Pillow makes of them is, as hashes (Fixtures/photos.py).</summary>
    [Fact]
    public void Photographs_read_and_shrink_as_with_Pillow()
    {
        string? data = Environment.GetEnvironmentVariable("VITRINE_DATA");
        Assert.SkipWhen(data is null || !Directory.Exists(Path.Combine(data, "photos")), "needs VITRINE_DATA with photos");
        NeedJpeg();
        foreach (string line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Fixtures", "photos.txt")))
        {
            string[] golden = line.Split(' ');
            Picture photo = Picture.Load(Path.Combine(data!, "photos", golden[0])).DropAlpha().ToRgb();
            using var total = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            total.AppendData(photo.Pixels);
            foreach (Resampling filter in (Resampling[])[Resampling.Box, Resampling.Bilinear, Resampling.Bicubic, Resampling.Lanczos])
                total.AppendData(photo.Resize(200, 150, filter).Pixels);
            Assert.Equal(line, $"{golden[0]} {photo.Width} {photo.Height} {Convert.ToHexStringLower(total.GetHashAndReset())}");
        }
    }

    [Fact]
    public void The_name_of_a_file_does_not_matter()
    {
        NeedJpeg();
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.png");
        File.WriteAllBytes(path, Files["decode/rgb_420_92_baseline.jpg"]);
        try
        {
            Assert.Equal((37, 29, 3), (Picture.Load(path).Width, Picture.Load(path).Height, Picture.Load(path).Channels));
            Assert.Contains("limit of 1000", Assert.Throws<PictureFormatException>(() => Picture.Load(path, maxPixels: 1000)).Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("GIF89a", "GIF")]
    [InlineData("RIFF1234WEBPVP8 ", "WebP")]
    [InlineData("II*\0....", "TIFF")]
    [InlineData("P7\nWIDTH 1", "PAM")]
    [InlineData("hello", "68656C6C6F")]
    public void Other_kinds_are_refused_by_name(string start, string said) =>
        Assert.Contains(said, Assert.Throws<PictureFormatException>(() => PictureDecoder.Decode(System.Text.Encoding.Latin1.GetBytes(start))).Message);

    [Fact]
    public void A_truncated_jpeg_is_refused()
    {
        NeedJpeg();
        byte[] whole = Files["decode/rgb_420_92_baseline.jpg"];
        foreach (double share in (double[])[0.5, 0.9, 0.99])
            Assert.Contains("cut off", Assert.Throws<PictureFormatException>(() => PictureDecoder.Decode(
                whole.AsSpan(0, (int)(whole.Length * share)))).Message);
        Assert.Equal(PictureDecoder.Decode(whole).Pixels.ToArray(), PictureDecoder.Decode([.. whole, 1, 2, 3]).Pixels.ToArray());
    }

    [Theory]
    [InlineData("decode/rgb_420_92_progressive.jpg", 0xC2, 5, 4)] // Height and width in the frame header.
    [InlineData("decode/rgb_420_92_baseline.jpg", 0xC0, 5, 4)]
    public void A_header_that_claims_too_much_is_refused_before_memory_is_taken(string name, int marker, int offset, int length)
    {
        NeedJpeg();
        byte[] file = [.. Files[name]];
        int frame = file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, (byte)marker]);
        file.AsSpan(frame + offset, length).Fill(0xEA); // 60,138 each; libjpeg itself stops at 65,500.
        Assert.Contains("limit", Assert.Throws<PictureFormatException>(() => PictureDecoder.Decode(file)).Message);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("cannot hold", Assert.Throws<PictureFormatException>(() => PictureDecoder.Decode(file, long.MaxValue)).Message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void Runs_of_a_bitmap_may_jump()
    {
        // Pillow 9.4 misreads jumps. 4 x 3 pixels: one of colour 1, then two to the right and one up, one of colour 2, end.
        byte[] file = [.. "BM"u8, 0, 0, 0, 0, 0, 0, 0, 0, 66, 0, 0, 0, 40, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 1, 0, 8, 0, 1, 0, 0, 0, .. new byte[12], 3, 0, 0,
            0, 0, 0, 0, 0,
            5, 5, 5, 0, 6, 6, 6, 0, 7, 7, 7, 0, 1, 1, 0, 2, 2, 1, 1, 2, 0, 1];
        Assert.Equal([5, 5, 5, 5, 5, 5, 5, 7, 6, 5, 5, 5], PictureDecoder.Decode(file).Pixels.ToArray());
    }

    [Fact]
    public void Without_the_library_the_error_names_the_package()
    {
        Assert.Equal(0, TurboJpeg.Find(["libno-such-library.so.0"], typeof(Picture).Assembly, null));
        Assert.Contains("libturbojpeg0", JpegDecoder.Missing(new DllNotFoundException()).Message);
    }

    [Fact]
    public void Alpha_is_dropped_or_laid_on_a_background()
    {
        Picture picture = new(1, 1, 4, [200, 100, 0, 51]);
        Assert.Equal([200, 100, 0], picture.DropAlpha().Pixels.ToArray());
        Assert.Equal([40, 20, 0], picture.ToRgb(Rgb.Black).Pixels.ToArray());
        Assert.Equal([244, 224, 204], picture.ToRgb().Pixels.ToArray());
    }

    [Fact]
    public void The_middle_is_cut_as_torchvision_cuts_it()
    {
        // int(round((height - size) / 2.0)), and Python rounds halves to even.
        Picture picture = new(7, 5, 1, [.. Enumerable.Range(0, 35).Select(i => (byte)i)]);
        Assert.Equal([16, 17, 23, 24], picture.CropCenter(2, 2).Pixels.ToArray()); // Margins 2.5 and 1.5 are both rounded to 2.
    }

    internal static void NeedJpeg(string name = ".jpg") => Assert.SkipWhen(name.EndsWith(".jpg") && !JpegDecoder.IsAvailable,
        "needs libjpeg-turbo (libturbojpeg0)");

    private static Picture Raw(string name)
    {
        byte[] raw = Files[name];
        int Number(int index) => BinaryPrimitives.ReadInt32LittleEndian(raw.AsSpan(4 * index));
        return new(Number(0), Number(1), Number(2), raw.AsSpan(12));
    }

    private static Dictionary<string, byte[]> Unzip()
    {
        using ZipArchive archive = ZipFile.OpenRead(Path.Combine(AppContext.BaseDirectory, "Fixtures", "pillow.zip"));
        return archive.Entries.ToDictionary(e => e.FullName, e =>
        {
            using Stream stream = e.Open();
            using MemoryStream copy = new();
            stream.CopyTo(copy);
            return copy.ToArray();
        });
    }
}
