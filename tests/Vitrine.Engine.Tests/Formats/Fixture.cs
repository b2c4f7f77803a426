using System.IO.Compression;

namespace Vitrine.Engine.Tests.Formats;

/// <summary>Files that NumPy and PyTorch wrote: Fixtures/reference.py makes them.</summary>
internal static class Fixture
{
    public static IReadOnlyDictionary<string, byte[]> Files { get; } = Unzip();

    /// <summary>Element i of every array of the fixtures, before it is halved (floating point), shifted (unsigned) or compared with 0 (bool).</summary>
    public static int Value(int i) => (i * 7 % 13) - 3;

    /// <summary>The elements of the array of a shape and a type of NumPy's or PyTorch's name.</summary>
    public static double[] Values(Shape shape, string type) => [.. Enumerable.Range(0, shape.Count).Select(i => type switch
    {
        _ when type.StartsWith('b') && !type.StartsWith("bf") => Value(i) > 0 ? 1 : 0,
        _ when type.StartsWith('u') => Value(i) + 3,
        _ when type.StartsWith('i') => Value(i),
        _ => Value(i) * 0.5,
    })];

    /// <summary>The elements of a tensor of any type.</summary>
    public static double[] Elements(Tensor tensor) => tensor.DType switch
    {
        DType.Float32 => [.. tensor.Floats.ToArray().Select(v => (double)v)],
        DType.Int64 => [.. tensor.Longs.ToArray().Select(v => (double)v)],
        _ => [.. tensor.Bools.ToArray().Select(v => v ? 1.0 : 0)],
    };

    private static Dictionary<string, byte[]> Unzip()
    {
        using ZipArchive archive = ZipFile.OpenRead(Path.Combine(AppContext.BaseDirectory, "Formats", "Fixtures", "arrays.zip"));
        return archive.Entries.ToDictionary(e => e.FullName, e =>
        {
            using Stream stream = e.Open();
            using MemoryStream copy = new();
            stream.CopyTo(copy);
            return copy.ToArray();
        });
    }
}
