using System.Text;

namespace Vitrine.Engine.Tests.Formats;

public sealed class SafeTensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vitrine").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void RoundTripKeepsTypesShapesAndBits()
    {
        string path = Path.Combine(_folder, "a.safetensors");
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            ["f"] = Tensor.From([1.5f, float.NaN, float.NegativeInfinity, -0f], [2, 2]),
            ["i"] = Tensor.From([long.MinValue, 3], [2]),
            ["b"] = Tensor.From([true, false, true], [3, 1]),
            ["scalar"] = Tensor.Scalar(4),
            ["empty"] = Tensor.Zeros([0, 5]),
        };
        SafeTensors.Save(path, tensors, new Dictionary<string, string>(StringComparer.Ordinal) { ["why"] = "to see \"quotes\"" });
        IReadOnlyDictionary<string, Tensor> back = SafeTensors.Load(path, out IReadOnlyDictionary<string, string> metadata);
        Assert.Equal("to see \"quotes\"", metadata["why"]);
        Assert.Equal(tensors.Count, back.Count);
        Assert.Equal(tensors["f"].ToArray(), back["f"].ToArray());
        Assert.Equal([2, 2], back["f"].Shape.Dims.ToArray());
        Assert.Equal(tensors["i"].Longs.ToArray(), back["i"].Longs.ToArray());
        Assert.Equal(tensors["b"].Bools.ToArray(), back["b"].Bools.ToArray());
        Assert.Equal(0, back["scalar"].Rank);
        Assert.Equal([0, 5], back["empty"].Shape.Dims.ToArray());
    }

    [Fact]
    public void HalfPrecisionIsWidened()
    {
        byte[] header = Encoding.UTF8.GetBytes("""{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]}}""");
        byte[] file = [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. BitConverter.GetBytes((Half)1.5), .. BitConverter.GetBytes((Half)(-2)), 0x40, 0x40];
        IReadOnlyDictionary<string, Tensor> tensors = SafeTensors.Read(new MemoryStream(file), "file", out _);
        Assert.Equal([1.5f, -2f], tensors["h"].ToArray());
        Assert.Equal([3f], tensors["b"].ToArray());
    }

    [Fact]
    public void TruncatedFileSaysSo()
    {
        string path = Path.Combine(_folder, "a.safetensors");
        SafeTensors.Save(path, new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["weight"] = Tensor.Ones([10]) });
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^5]);
        var error = Assert.Throws<TensorFileException>(() => SafeTensors.Load(path));
        Assert.Contains("weight", error.Message, StringComparison.Ordinal);
        Assert.Contains("truncated", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DamagedFilesGiveOneKindOfError()
    {
        using var whole = new MemoryStream();
        SafeTensors.Write(whole, new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["a.weight"] = Tensor.Ones([3, 4]), ["n"] = Tensor.Range(3) });
        byte[] bytes = whole.ToArray();
        var random = new RandomSource(7);
        for (int round = 0; round < 10_000; round++)
        {
            byte[] damaged = [.. bytes];
            for (int flips = 1 + random.NextInt(4); flips > 0; flips--) damaged[random.NextInt(damaged.Length)] ^= (byte)(1 << random.NextInt(8));
            if (random.NextInt(4) == 0) damaged = damaged[..random.NextInt(damaged.Length)];
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                SafeTensors.Read(new MemoryStream(damaged), "file", out _);
            }
            catch (TensorFileException)
            {
                // The only error there may be.
            }
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000);
        }
    }

    [Fact]
    public void FailedSaveLeavesTheOldFileAndNothingElse()
    {
        string path = Path.Combine(_folder, "a.safetensors");
        SafeTensors.Save(path, new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["a"] = Tensor.Ones([2]) });
        byte[] before = File.ReadAllBytes(path);
        Tensor gone;
        using (MemoryScope.Open()) gone = Tensor.Zeros([100]);
        Assert.Throws<InvalidOperationException>(() => SafeTensors.Save(path, new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["a"] = gone }));
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(_folder));
    }
}
