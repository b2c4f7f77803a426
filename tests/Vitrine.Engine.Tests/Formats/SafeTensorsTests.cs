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
        byte[] file = [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. BitConverter.GetBytes((Half)1.5), .. BitConverter.GetBytes((Half)(-2)),
            0x40, 0x40];
        IReadOnlyDictionary<string, Tensor> tensors = SafeTensors.Read(new MemoryStream(file), "file", out _);
        Assert.Equal([1.5f, -2f], tensors["h"].ToArray());
        Assert.Equal([3f], tensors["b"].ToArray());
    }

    [Fact]
    public void EveryOtherTypeIsConverted()
    {
        byte[] header = Encoding.UTF8.GetBytes("""
            {"d":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},"u":{"dtype":"U64","shape":[1],"data_offsets":[16,24]},
            "i":{"dtype":"I32","shape":[1],"data_offsets":[24,28]},"w":{"dtype":"U16","shape":[1],"data_offsets":[28,30]},
            "c":{"dtype":"I8","shape":[1],"data_offsets":[30,31]},"y":{"dtype":"U8","shape":[1],"data_offsets":[31,32]},"t":{"dtype":"BOOL","shape":[1],"data_offsets":[32,33]}}
            """);
        byte[] file = [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. BitConverter.GetBytes(1e300), .. BitConverter.GetBytes(0.1),
            .. BitConverter.GetBytes(7UL),
            .. BitConverter.GetBytes(-5), 0xFF, 0xFF, 0xFF, 0xFF, 1];
        IReadOnlyDictionary<string, Tensor> tensors = SafeTensors.Read(new MemoryStream(file), "file", out _);
        Assert.Equal([float.PositiveInfinity, 0.1f], tensors["d"].ToArray());
        Assert.Equal([7L, -5, 65535, -1, 255], ((string[])["u", "i", "w", "c", "y"]).Select(n => tensors[n].Longs[0]));
        Assert.True(tensors["t"].Bools[0]);
        file[8 + header.Length + 23] = 0x80;
        Assert.Throws<TensorFileException>(() => SafeTensors.Read(new MemoryStream(file), "file", out _));
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
