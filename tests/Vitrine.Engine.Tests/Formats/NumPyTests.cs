using System.Text;

namespace Vitrine.Engine.Tests.Formats;

/// <summary>NumPy's files: what NumPy wrote is read, and what is written is what NumPy writes.</summary>
public sealed class NumPyTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vitrine").FullName;

    public static TheoryData<string> Arrays() => [.. Fixture.Files.Keys.Where(k => k.StartsWith("npy/"))];

    public static TheoryData<string> Shapes() => [.. Fixture.Files.Keys.Where(k => k.StartsWith("shapes/"))];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Arrays))]
    public void Every_type_order_and_version_is_read(string name)
    {
        string type = Path.GetFileName(name)[..2];
        Tensor tensor = Read(Fixture.Files[name]);
        Assert.Equal([2, 3, 4], tensor.Shape.Dims.ToArray());
        Assert.Equal(type[0] switch { 'f' or 'v' => DType.Float32, 'b' => DType.Bool, _ => DType.Int64 }, tensor.DType);
        Assert.Equal(Fixture.Values([2, 3, 4], type), Fixture.Elements(tensor));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void What_is_written_is_what_NumPy_writes(string name)
    {
        Tensor tensor = Read(Fixture.Files[name]);
        using MemoryStream stream = new();
        NumPy.WriteArray(stream, tensor);
        Assert.Equal(Fixture.Files[name], stream.ToArray());
    }

    [Theory]
    [InlineData("npz/stored.npz")]
    [InlineData("npz/deflated.npz")]
    public void Archives_are_read(string name)
    {
        IReadOnlyDictionary<string, Tensor> tensors = TensorFile.Load(Write("a.bin", Fixture.Files[name]));
        Assert.Equal(["layer.weight", "layer.bias", "steps"], tensors.Keys);
        Assert.Equal(Fixture.Values([4, 3], "f4"), Fixture.Elements(tensors["layer.weight"]));
        Assert.Equal(Fixture.Values([4], "f4"), Fixture.Elements(tensors["layer.bias"]));
        Assert.Equal(0, tensors["steps"].Rank);
        Assert.Equal(-3, tensors["steps"].Longs[0]);
    }

    [Fact]
    public void Archives_go_round_and_have_the_same_bytes()
    {
        var tensors = new Dictionary<string, Tensor>
        {
            ["a.weight"] = Tensor.From([1.5f, float.NaN, -0f, float.PositiveInfinity], [2, 2]),
            ["n"] = Tensor.From([long.MinValue, 3], [2]),
            ["b"] = Tensor.From([true, false], [2, 1]),
            ["scalar"] = Tensor.Scalar(4),
            ["empty"] = Tensor.Zeros([0, 5]),
        };
        string first = Path.Combine(_folder, "a.npz"), second = Path.Combine(_folder, "b.npz");
        TensorFile.Save(first, tensors);
        TensorFile.Save(second, tensors);
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(second));
        IReadOnlyDictionary<string, Tensor> back = TensorFile.Load(first);
        Assert.Equal(tensors.Keys, back.Keys);
        foreach ((string name, Tensor tensor) in tensors)
        {
            Assert.Equal((tensor.DType, tensor.Shape), (back[name].DType, back[name].Shape));
            Assert.Equal(Fixture.Elements(tensor), Fixture.Elements(back[name]));
        }
        NumPy.SaveArray(Path.Combine(_folder, "one.npy"), tensors["n"]);
        Assert.Equal(["one"], TensorFile.Load(Path.Combine(_folder, "one.npy")).Keys);
    }

    [Theory]
    [InlineData("refused/object.npy", "Python objects")]
    [InlineData("refused/complex.npy", "<c8")]
    [InlineData("refused/structured.npy", "structured")]
    public void What_is_not_read_is_refused_by_name(string name, string said) =>
        Assert.Contains(said, Assert.Throws<TensorFileException>(() => Read(Fixture.Files[name])).Message);

    [Theory]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (100000, 100000), }")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, ), }")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, ), }")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, ), }")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, }")]
    [InlineData("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }")]
    [InlineData("{'descr': '<f4' 'fortran_order': False, 'shape': (1,), }")]
    [InlineData("{'descr': '<f4")]
    [InlineData("{")]
    [InlineData("")]
    public void A_header_that_lies_or_is_broken_is_one_kind_of_error(string header)
    {
        byte[] file = [.. NumPy.Magic, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), 1, 2, 3, 4];
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<TensorFileException>(() => Read(file));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000);
    }

    [Fact]
    public void Only_known_endings_are_written() =>
        Assert.Contains(".safetensors or .npz", Assert.Throws<ArgumentException>(() => TensorFile.Save("a.pt", new Dictionary<string, Tensor>())).Message);

    private static Tensor Read(byte[] file) => NumPy.ReadArray(new MemoryStream(file), "file", file.Length);

    private string Write(string name, byte[] file)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, file);
        return path;
    }
}
