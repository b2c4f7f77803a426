using System.IO.Compression;

namespace Vitrine.Data;

/// <summary>CIFAR-10: colour pictures of 32 x 32 in ten classes.</summary>
/// <remarks>
/// Krizhevsky, "Learning multiple layers of features from tiny images", 2009. The binary layout of its publication: a byte for the class, then 1,024 bytes each
/// of red, green and blue, row by row.
/// </remarks>
public static class Cifar10
{
    private const int Side = 32;
    private const int Record = 1 + (3 * Side * Side);

    /// <summary>The classes, in the order of their labels.</summary>
    public static IReadOnlyList<string> Names { get; } = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    /// <summary>Loads what is on this machine: every <c>data_batch_*.bin</c> in the folder <c>cifar10</c>, and its <c>test_batch*.bin</c>, each also with
    /// <c>.gz</c>.</summary>
    /// <param name="root">The data folder asked for explicitly, or null: see <see cref="DataFolder"/>.</param>
    /// <returns>Pictures [N, 3, 32, 32] in 0..1 (red, green, blue).</returns>
    /// <exception cref="DataException">The files are not there (the message says where they were looked for) or are damaged.</exception>
    public static DataSplit Load(string? root = null)
    {
        string first = DataFolder.Find("cifar10", ["data_batch_1.bin.gz"], root)[0];
        string folder = Path.GetDirectoryName(first)!;
        string[] Files(string pattern) =>
            [.. new[] { pattern, pattern + ".gz" }.SelectMany(p => Directory.EnumerateFiles(folder, p)).Order(StringComparer.Ordinal)];
        string[] test = Files("test_batch*.bin");
        if (test.Length == 0) throw new DataException("CIFAR-10 lacks its test_batch.bin.", "Put it beside the data_batch files.", folder);
        return new DataSplit(Read(Files("data_batch_*.bin")), Read(test));
    }

    /// <summary>Reads files of the binary layout, one after the other.</summary>
    /// <param name="files">The files; those that end in <c>.gz</c> are decompressed.</param>
    /// <exception cref="DataException">A file cannot be read, is cut off, or holds a label above 9.</exception>
    public static Dataset Read(params IReadOnlyList<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        var pixels = new List<float[]>();
        var labels = new List<long>();
        foreach (string file in files) Read(file, pixels, labels);
        float[] all = new float[pixels.Count * (Record - 1)];
        for (int i = 0; i < pixels.Count; i++) pixels[i].CopyTo(all, i * (Record - 1));
        return new Dataset(Tensor.From(all, [pixels.Count, 3, Side, Side]), Tensor.From([.. labels], [labels.Count]), Names);
    }

    private static void Read(string file, List<float[]> pixels, List<long> labels)
    {
        try
        {
            using Stream packed = File.OpenRead(file);
            using Stream stream = file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(packed, CompressionMode.Decompress) : packed;
            byte[] record = new byte[Record];
            for (long at = 0; ; at += Record)
            {
                int read = stream.ReadAtLeast(record, Record, throwOnEndOfStream: false);
                if (read == 0) break;
                if (read < Record) throw new DataException($"The file ends inside a picture: {read} of {Record} bytes.", "Fetch it again.", file, at);
                if (record[0] >= Names.Count)
                    throw new DataException($"The label is {record[0]}; CIFAR-10 has classes 0 to 9.",
                        "Check that this is a file of CIFAR-10's binary version.", file, at);
                labels.Add(record[0]);
                float[] picture = new float[Record - 1];
                for (int i = 0; i < picture.Length; i++) picture[i] = record[i + 1] / 255f;
                pixels.Add(picture);
            }
        }
        catch (InvalidDataException e)
        {
            throw new DataException($"The file cannot be decompressed: {e.Message}", "Fetch it again.", file, inner: e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DataException.From(e, file);
        }
    }
}
