using System.IO.Compression;

namespace Vitrine.Data.Tests;

/// <summary>The binary layout of CIFAR-10.</summary>
public sealed class Cifar10Tests
{
    private const int Record = 3073;

    [Theory]
    [InlineData(".bin")]
    [InlineData(".bin.gz")]
    public void Planes_become_channels(string ending)
    {
        using TempFolder folder = new();
        string path = Path.Combine(folder.Path, $"data_batch_1{ending}");
        Write(path, Records(3));
        Dataset read = Cifar10.Read(path);
        Assert.Equal([3, 3, 32, 32], read.Inputs.Shape.Dims.ToArray());
        Assert.Equal([0L, 1, 2], read.Labels.Longs.ToArray());
        // Byte p of record i is (i + p) mod 251, the label not counted.
        Assert.Equal(((1 + 1024 + 33) % 251) / 255f, read.Inputs.Floats[3072 + 1024 + 33]);
    }

    [Fact]
    public void Batches_follow_each_other_and_tests_lie_beside_them()
    {
        using TempFolder folder = new();
        string home = Directory.CreateDirectory(Path.Combine(folder.Path, "cifar10")).FullName;
        Write(Path.Combine(home, "data_batch_1.bin.gz"), Records(2));
        Write(Path.Combine(home, "data_batch_2.bin"), Records(3));
        Assert.Contains("test_batch", Assert.Throws<DataException>(() => Cifar10.Load(folder.Path)).Message);
        Write(Path.Combine(home, "test_batch_first1000.bin.gz"), Records(1));
        DataSplit split = Cifar10.Load(folder.Path);
        Assert.Equal((5, 1), (split.Train.Count, split.Test.Count));
    }

    [Theory]
    [InlineData(Record + 100, 0, "ends inside a picture")]
    [InlineData(Record, 10, "label is 10")]
    public void What_is_cut_off_or_of_another_kind_is_refused(int bytes, byte label, string said)
    {
        using TempFolder folder = new();
        string path = Path.Combine(folder.Path, "data_batch_1.bin");
        byte[] all = new byte[bytes];
        all[0] = label;
        Write(path, all);
        Assert.Contains(said, Assert.Throws<DataException>(() => Cifar10.Read(path)).Message);
    }

    [Fact]
    public void What_is_no_gzip_is_refused()
    {
        using TempFolder folder = new();
        string path = Path.Combine(folder.Path, "data_batch_1.bin.gz");
        File.WriteAllBytes(path, Records(1));
        Assert.Contains("decompressed", Assert.Throws<DataException>(() => Cifar10.Read(path)).Message);
    }

    private static byte[] Records(int count)
    {
        byte[] all = new byte[count * Record];
        for (int i = 0; i < count; i++)
        {
            all[i * Record] = (byte)i;
            for (int p = 0; p < Record - 1; p++) all[(i * Record) + 1 + p] = (byte)((i + p) % 251);
        }
        return all;
    }

    private static void Write(string path, byte[] content)
    {
        using FileStream file = File.Create(path);
        if (!path.EndsWith(".gz", StringComparison.Ordinal))
        {
            file.Write(content);
            return;
        }
        using var gzip = new GZipStream(file, CompressionLevel.Fastest);
        gzip.Write(content);
    }
}
