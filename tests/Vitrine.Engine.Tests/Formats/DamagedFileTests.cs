using Vitrine.Tests;

namespace Vitrine.Engine.Tests.Formats;

/// <summary>Damaged files of tensors are read or refused, never more.</summary>
public sealed class DamagedFileTests
{
    // Bytes become integers of eight bytes, in a buffer, an array and a tensor.
    private const long Plain = 64;

    private const long Deflated = 1032 * Plain;

    [Fact]
    public void Safetensors()
    {
        using MemoryStream whole = new();
        SafeTensors.Write(whole, new Dictionary<string, Tensor> { ["a.weight"] = Tensor.Ones([3, 4]), ["n"] = Tensor.Range(3) });
        Mutations.Survive<TensorFileException>([whole.ToArray()], file => SafeTensors.Read(new MemoryStream(file), "file", out _), Plain);
    }

    [Fact]
    public void Arrays() => Mutations.Survive<TensorFileException>(Files("npy/", "shapes/"),
        file => NumPy.ReadArray(new MemoryStream(file), "file", file.Length), Plain);

    [Fact]
    public void Archives() => Mutations.Survive<TensorFileException>(Files("npz/"), file => NumPy.ReadArchive(new MemoryStream(file), "file"), Deflated);

    [Fact]
    public void Zipped_files_of_PyTorch() => Mutations.Survive<TensorFileException>(Files("pt/", only: ".zip.pt"),
        file => PyTorchFile.Read(new MemoryStream(file), "file"), Deflated);

    [Fact]
    public void Older_files_of_PyTorch() => Mutations.Survive<TensorFileException>(Files("pt/", only: ".legacy.pt"),
        file => PyTorchFile.Read(new MemoryStream(file), "file"), 256);

    private static byte[][] Files(string folder, string other = "?", string only = "") =>
        [.. Fixture.Files.Where(f => (f.Key.StartsWith(folder) || f.Key.StartsWith(other)) && f.Key.EndsWith(only)).Select(f => f.Value)];
}
