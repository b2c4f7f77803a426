namespace Vitrine.Engine.Tests.Formats;

/// <summary>Files that PyTorch 1.13 wrote, in the zip format and the one before it.</summary>
public sealed class PyTorchFileTests
{
    private static readonly Shape BaseShape = [4, 6];

    private static readonly double[] Base = Fixture.Values(BaseShape, "f4");

    [Theory]
    [InlineData("zip")]
    [InlineData("legacy")]
    public void Every_type_is_read(string format)
    {
        IReadOnlyDictionary<string, Tensor> tensors = Read($"pt/types.{format}.pt");
        Assert.Equal(["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"], tensors.Keys);
        foreach ((string type, Tensor tensor) in tensors)
        {
            Assert.Equal(type switch { "bool" => DType.Bool, _ when type.Contains("int") => DType.Int64, _ => DType.Float32 }, tensor.DType);
            Assert.Equal([2, 3], tensor.Shape.Dims.ToArray());
            Assert.Equal(Fixture.Values([2, 3], type), Fixture.Elements(tensor));
        }
    }

    [Theory]
    [InlineData("zip")]
    [InlineData("legacy")]
    public void Views_of_one_storage_are_read_by_their_strides(string format)
    {
        IReadOnlyDictionary<string, Tensor> t = Read($"pt/views.{format}.pt");
        Is(t["base"], [4, 6], (r, c) => At(r, c));
        Is(t["same"], [4, 6], (r, c) => At(r, c));
        Is(t["transposed"], [6, 4], (r, c) => At(c, r));
        Is(t["column"], [4], (r, _) => At(r, 2));
        Is(t["block"], [2, 3], (r, c) => At(r + 1, c + 2));
        Is(t["steps"], [2, 2], (r, c) => At(2 * r, 3 * c));
        Is(t["expanded"], [3, 2], (_, _) => At(0, 0));
        Is(t["scalar"], [], (_, _) => At(2, 3));
        Is(t["empty"], [0, 6], (_, _) => 0);
        Is(t["parameter"], [6], (c, _) => At(2, c));

        static double At(int row, int column) => Base[(row * 6) + column];
        static void Is(Tensor tensor, Shape shape, Func<int, int, double> element)
        {
            Assert.Equal(shape.Dims.ToArray(), tensor.Shape.Dims.ToArray());
            int columns = shape.Rank < 2 ? 1 : shape[1];
            Assert.Equal([.. Enumerable.Range(0, shape.Count).Select(i => element(i / columns, i % columns))], Fixture.Elements(tensor));
        }
    }

    [Theory]
    [InlineData("zip")]
    [InlineData("legacy")]
    public void Nested_tensors_are_named_by_their_way(string format)
    {
        Assert.Equal(["layers.0.w", "layers.1.w", "pair.0"], Read($"pt/nested.{format}.pt").Keys);
        Assert.Equal(Base, Fixture.Elements(Read($"pt/single.{format}.pt")["tensor"]));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Later_protocols_of_pickle_are_read(int protocol) => Assert.Equal(Base, Fixture.Elements(Read($"pt/base.protocol{protocol}.pt")["base"]));

    [Theory]
    [InlineData("zip")]
    [InlineData("legacy")]
    public void A_state_dictionary_of_PyTorch_fills_a_network(string format)
    {
        string path = Path.GetTempFileName();
        File.WriteAllBytes(path, Fixture.Files[$"pt/checkpoint.{format}.pt"]);
        try
        {
            Weights weights = Weights.Load(path);
            Weights features = weights.In("features");
            var network = new Sequential(
                weights,
                new Conv2d(features.In("0"), 2, 4, kernel: 3, padding: 1),
                new BatchNorm(features.In("1"), 4),
                Layer.Relu(features.In("2")),
                new Flatten(weights.In("flatten")),
                new Linear(weights.In("head"), 4 * 5 * 5, 3));
            Assert.Empty(weights.Unused);
            IReadOnlyDictionary<string, Tensor> answers = Read($"pt/answers.{format}.pt");
            Tensor output = network.Predict(answers["input"]);
            for (int i = 0; i < output.Count; i++) Assert.Equal(answers["output"].Floats[i], output.Floats[i], 1e-5f);
        }
        finally
        {
            File.Delete(path);
        }
        Assert.Equal(["features.0.weight", "features.0.bias", "features.1.weight", "features.1.bias", "features.1.running_mean", "features.1.running_var",
            "features.1.num_batches_tracked", "head.weight", "head.bias"], Read($"pt/state.{format}.pt").Keys);
    }

    [Theory]
    [InlineData("refused/module.pt", "__main__.Net")]
    [InlineData("refused/sparse.pt", "torch._utils._rebuild_sparse_tensor")]
    [InlineData("refused/scalar.pt", "numpy.core.multiarray.scalar")]
    [InlineData("refused/evil.pt", "print")]
    [InlineData("refused/plain.pickle.pt", "not one that torch.save wrote")]
    [InlineData("refused/script.pt", "TorchScript")]
    public void What_would_need_code_is_refused_by_name(string name, string said)
    {
        Assert.Contains(said, Assert.Throws<TensorFileException>(() => Read(name)).Message);
    }

    /// <summary>Lists of twice the same list, sixty deep: a few hundred bytes that describe 2^60 tensors.</summary>
    [Fact]
    public void A_small_pickle_cannot_describe_an_enormous_tree()
    {
        List<byte> pickle = [0x80, 2, (byte)']', (byte)'q', 0];
        for (byte i = 1; i <= 60; i++) pickle.AddRange([(byte)']', (byte)'(', (byte)'h', (byte)(i - 1), (byte)'h', (byte)(i - 1), (byte)'e', (byte)'q', i]);
        pickle.Add((byte)'.');
        using MemoryStream zip = new();
        using (var archive = new System.IO.Compression.ZipArchive(zip, System.IO.Compression.ZipArchiveMode.Create, leaveOpen: true))
        using (Stream entry = archive.CreateEntry("a/data.pkl").Open())
            entry.Write([.. pickle]);
        zip.Position = 0;
        Assert.Contains("beyond reason", Assert.Throws<TensorFileException>(() => PyTorchFile.Read(zip, "file")).Message);
    }

    private static IReadOnlyDictionary<string, Tensor> Read(string name) => PyTorchFile.Read(new MemoryStream(Fixture.Files[name]), name);
}
