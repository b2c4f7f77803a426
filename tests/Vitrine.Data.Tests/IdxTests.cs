using System.IO.Compression;

namespace Vitrine.Data.Tests;

public sealed class IdxTests : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData(false, new[] { 5 })]
    [InlineData(true, new[] { 5 })]
    [InlineData(false, new[] { 3, 4, 5 })]
    [InlineData(true, new[] { 3, 4, 5 })]
    [InlineData(true, new[] { 2, 3, 4, 5 })]
    [InlineData(false, new[] { 300, 28, 28 })]
    [InlineData(true, new[] { 300, 28, 28 })]
    public void WhatIsWrittenIsRead(bool gzip, int[] dimensions)
    {
        byte[] values = Noise(dimensions.Aggregate((a, b) => a * b), 1);
        // The name says the opposite of the content: only the content counts.
        string path = _temp.File(gzip ? "file" : "file.gz");
        Idx.Write(path, new IdxArray(dimensions, values), gzip);
        IdxArray read = Idx.Read(path);
        Assert.Equal(dimensions, read.Dimensions);
        Assert.Equal(values, read.Values);
    }

    [Fact]
    public void TheFormatIsThePublishedOne()
    {
        // From the table of the MNIST page: magic 2049 for labels, then the count, then the bytes, all big-endian.
        string path = _temp.Write("labels", [0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]);
        IdxArray read = Idx.Read(path);
        Assert.Equal([3], read.Dimensions);
        Assert.Equal([7, 8, 9], read.Values);
        Idx.Write(_temp.File("again"), read);
        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(_temp.File("again")));
    }

    [Theory]
    [InlineData(new byte[] { }, "ends inside its header", 0)]
    [InlineData(new byte[] { 0, 0, 8 }, "ends inside its header", 3)]
    [InlineData(new byte[] { 0, 0, 8, 1, 0, 0 }, "ends inside its header", 6)]
    [InlineData(new byte[] { 1, 0, 8, 1, 0, 0, 0, 1, 5 }, "not an IDX file", 0)]
    [InlineData(new byte[] { 0x50, 0x4B, 3, 4, 0, 0, 0, 1, 5 }, "not an IDX file", 0)]
    [InlineData(new byte[] { 0, 0, 0x0D, 1, 0, 0, 0, 1, 5, 5, 5, 5 }, "32-bit floats", 2)]
    [InlineData(new byte[] { 0, 0, 0x42, 1, 0, 0, 0, 1, 5 }, "unknown type 0x42", 2)]
    [InlineData(new byte[] { 0, 0, 8, 0, 5 }, "0 dimensions", 3)]
    [InlineData(new byte[] { 0, 0, 8, 200, 0, 0, 0, 1, 5 }, "200 dimensions", 3)]
    [InlineData(new byte[] { 0, 0, 8, 1, 0, 0, 0, 0 }, "Dimension 0 is 0", 4)]
    [InlineData(new byte[] { 0, 0, 8, 1, 0xFF, 0xFF, 0xFF, 0xFF, 5 }, "Dimension 0 is 4294967295", 4)]
    [InlineData(new byte[] { 0, 0, 8, 2, 0, 1, 0, 0, 0, 1, 0, 0, 5 }, "Dimension 1 is 65536", 8)]
    [InlineData(new byte[] { 0, 0, 8, 1, 0, 0, 0, 3, 7, 8 }, "announces 3 elements [3] and 2 are there", 10)]
    [InlineData(new byte[] { 0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9, 10 }, "goes on", 11)]
    public void WhatIsWrongIsSaidWithItsPlace(byte[] content, string what, long offset)
    {
        foreach (bool gzip in new[] { false, true })
        {
            // An empty gzip file has no header of its own either; that it says the same is luck nobody relies on.
            string path = _temp.Write("bad", gzip ? Gzip(content) : content);
            DataException error = Assert.Throws<DataException>(() => Idx.Read(path));
            Assert.Contains(what, error.Message);
            Assert.Contains(path, error.Message);
            Assert.Equal(offset, error.Offset);
            Assert.Equal(path, error.FilePath);
        }
    }

    [Fact]
    public void AHeaderThatLiesDoesNotTakeMemory()
    {
        // 2 GB announced, 9 bytes there: in a gzip file nothing but reading can tell.
        string path = _temp.Write("liar", Gzip([0, 0, 8, 1, 0x7F, 0xFF, 0xFF, 0x00, 5]));
        long before = GC.GetAllocatedBytesForCurrentThread();
        DataException error = Assert.Throws<DataException>(() => Idx.Read(path));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
        Assert.Contains("truncated", error.Message);
    }

    [Fact]
    public void DamagedGzipIsSaid()
    {
        byte[] content = Gzip([0, 0, 8, 1, 0, 0, 4, 0, .. Noise(1024, 2)]);
        content[content.Length / 2] ^= 0x55;
        string path = _temp.Write("damaged.gz", content);
        Assert.Throws<DataException>(() => Idx.Read(path));
    }

    [Fact]
    public void MissingFilesAndFoldersAreSaid()
    {
        Assert.Contains("does not exist", Assert.Throws<DataException>(() => Idx.Read(_temp.File("none"))).Message);
        Assert.Contains("does not exist", Assert.Throws<DataException>(() => Idx.Read(_temp.File("no/such"))).Message);
        Assert.Contains("folder", Assert.Throws<DataException>(() => Idx.Read(_temp.Path)).Message);
        Assert.Throws<DataException>(() => Idx.Write(_temp.File("no/such"), new IdxArray([1], [1])));
    }

    [Fact]
    public void ForbiddenFilesAreSaid()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Unix permissions.");
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "The administrator may read everything.");
        string path = _temp.Write("secret", [0, 0, 8, 1, 0, 0, 0, 1, 5]);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.None);
        Assert.Contains("permission", Assert.Throws<DataException>(() => Idx.Read(path)).Message);
    }

    [Fact]
    public void WriteRefusesWhatCannotBeRead()
    {
        Assert.Throws<ArgumentException>(() => Idx.Write(_temp.File("a"), new IdxArray([2, 2], [1, 2, 3])));
        Assert.Throws<ArgumentException>(() => Idx.Write(_temp.File("a"), new IdxArray([0], [])));
        Assert.Throws<ArgumentException>(() => Idx.Write(_temp.File("a"), new IdxArray([], [1])));
        Assert.Throws<ArgumentException>(() => Idx.Write(_temp.File("a"), new IdxArray([1, 1, 1, 1, 1], [1])));
        Assert.False(File.Exists(_temp.File("a")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnyDamageIsADataExceptionOrReadsWhole(bool gzip)
    {
        byte[] plain = [0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, .. Noise(120, 3)];
        byte[] good = gzip ? Gzip(plain) : plain;
        RandomSource random = new(5);
        for (int round = 0; round < 3_000; round++)
        {
            byte[] bad = [.. good];
            for (int changes = random.NextInt(3); changes >= 0; changes--)
            {
                // Half of the damage goes to the header, where it matters.
                int at = random.NextInt(random.NextInt(2) == 0 ? 20 : bad.Length);
                bad[at] = (byte)random.NextInt(256);
            }
            if (random.NextInt(3) == 0) bad = bad[..random.NextInt(bad.Length)];
            if (random.NextInt(5) == 0) bad = [.. bad, .. Noise(random.NextInt(9), round)];
            string path = _temp.Write("fuzz", bad);
            try
            {
                IdxArray read = Idx.Read(path);
                Assert.Equal(read.Values.Length, read.Dimensions.Aggregate((a, b) => a * b));
            }
            catch (DataException e)
            {
                Assert.Contains(path, e.Message);
            }
        }
    }

    [Fact]
    public void ImagesAndLabelsAreJoined()
    {
        Pair([2, 2, 3], [0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6], [2], [1, 0]);
        Dataset set = Mnist.Read(_temp.File("images"), _temp.File("labels"), ["a", "b"]);
        Assert.Equal("[2, 1, 2, 3]", set.Inputs.Shape.ToString());
        Assert.Equal([0, 0.2f, 0.4f, 0.6f, 0.8f, 1], set.Inputs.ToArray()[..6]);
        Assert.Equal([1L, 0L], set.Labels.Longs.ToArray());
        Assert.Equal(["a", "b"], set.Classes);
    }

    [Fact]
    public void ImagesAndLabelsThatDoNotBelongTogetherAreRefused()
    {
        Pair([2, 1, 1], [1, 2], [3], [0, 0, 0]);
        Assert.Contains("2 images and 3 labels", Refused().Message);
        Pair([2, 1, 1], [1, 2], [2], [0, 2]);
        Assert.Contains("Label 1 is 2", Refused().Message);
        Assert.Equal(9, Refused().Offset);
        Pair([2], [1, 2], [2], [0, 1]);
        Assert.Contains("three dimensions", Refused().Message);
        Pair([2, 1, 1], [1, 2], [2, 1, 1], [0, 1]);
        Assert.Contains("one dimension", Refused().Message);
    }

    private DataException Refused() => Assert.Throws<DataException>(() => Mnist.Read(_temp.File("images"), _temp.File("labels"), ["a", "b"]));

    private void Pair(int[] imageSizes, byte[] images, int[] labelSizes, byte[] labels)
    {
        Idx.Write(_temp.File("images"), new IdxArray(imageSizes, images), gzip: true);
        Idx.Write(_temp.File("labels"), new IdxArray(labelSizes, labels));
    }

    private static byte[] Noise(int count, int seed)
    {
        RandomSource random = new((ulong)seed);
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) bytes[i] = (byte)random.NextBits();
        return bytes;
    }

    private static byte[] Gzip(byte[] content)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(content);
        // The gzip writer leaves an empty file for empty content.
        return packed.ToArray();
    }
}
