using System.IO.Compression;

namespace Vitrine;

/// <summary>Files of named tensors, of every kind Vitrine knows: safetensors, NumPy's .npy and .npz, PyTorch's state dictionaries.</summary>
public static class TensorFile
{
    /// <summary>Reads every tensor of a file. Its first bytes tell the kind, not its name.</summary>
    /// <param name="path">The file. The one array of an .npy file is named as the file is, without its ending.</param>
    /// <exception cref="TensorFileException">The file is truncated, malformed or of another kind.</exception>
    public static IReadOnlyDictionary<string, Tensor> Load(string path) => Load(path, out _);

    /// <summary>Reads every tensor of a file, and its metadata, which only safetensors has.</summary>
    /// <param name="path">The file.</param>
    /// <param name="metadata">Notes by name; empty for other kinds.</param>
    /// <exception cref="TensorFileException">The file is truncated, malformed or of another kind.</exception>
    public static IReadOnlyDictionary<string, Tensor> Load(string path, out IReadOnlyDictionary<string, string> metadata)
    {
        metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        switch (KindOf(path))
        {
            case Kind.NumPyArray:
                return new Dictionary<string, Tensor>(StringComparer.Ordinal) { [Path.GetFileNameWithoutExtension(path)] = NumPy.LoadArray(path) };
            case Kind.NumPyArchive:
                return NumPy.LoadArchive(path);
            case Kind.PyTorch:
                return PyTorchFile.Load(path);
            default:
                return SafeTensors.Load(path, out metadata);
        }
    }

    /// <summary>Writes tensors to a file whose ending names the kind: .safetensors or .npz; atomically.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="metadata">Notes by name, which only safetensors keeps.</param>
    /// <exception cref="ArgumentException">The ending names no kind that is written, or a name cannot be written.</exception>
    public static void Save(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        switch (Path.GetExtension(path).ToLowerInvariant())
        {
            case ".safetensors":
                SafeTensors.Save(path, tensors, metadata);
                break;
            case ".npz":
                NumPy.SaveArchive(path, tensors);
                break;
            default:
                throw new ArgumentException($"Tensors are written as safetensors or npz: give '{path}' the ending .safetensors or .npz.", nameof(path));
        }
    }

    private static Kind KindOf(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        Span<byte> buffer = stackalloc byte[8];
        ReadOnlySpan<byte> start = buffer[..stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
        if (start.StartsWith(NumPy.Magic)) return Kind.NumPyArray;
        if (start.StartsWith("PK"u8))
        {
            stream.Position = 0;
            return TensorArchive.Read(stream, path, zip => zip.Entries.Any(PyTorchFile.IsPickle)) ? Kind.PyTorch : Kind.NumPyArchive;
        }
        // A pickle of protocol 2 to 5; as the length of a safetensors header the same bytes would mean 640 bytes at least, followed by '{'.
        return start.Length >= 2 && start[0] == 0x80 && start[1] is >= 2 and <= 5
            && (start.Length < 8 || BitConverter.ToUInt64(start) > SafeTensors.LargestHeader)
            ? Kind.PyTorch
            : Kind.SafeTensors;
    }

    private enum Kind
    {
        SafeTensors,
        NumPyArray,
        NumPyArchive,
        PyTorch,
    }
}

/// <summary>Zip files that hold tensors, with the limits that keep a small file from asking for much memory.</summary>
internal static class TensorArchive
{
    // Deflate cannot do better than 258 bytes from 2 bits.
    private const long MaxDeflateRatio = 1032;

    /// <summary>Opens a zip file and reads from it; what the library says about damage becomes a <see cref="TensorFileException"/>.</summary>
    public static T Read<T>(Stream stream, string file, Func<ZipArchive, T> read)
    {
        try
        {
            using ZipArchive zip = new(stream, ZipArchiveMode.Read, leaveOpen: true);
            if (zip.Entries.Sum(e => e.CompressedLength) > stream.Length) throw new TensorFileException($"{file}: its entries overlap: together they are " +
                "larger than the file.");
            return read(zip);
        }
        catch (Exception e) when (
            e is not TensorFileException && e is IOException or InvalidDataException or ArgumentException or NotSupportedException or OverflowException)
        {
            throw new TensorFileException($"{file} is a damaged zip file: {e.Message} Copy or download it again.", e);
        }
    }

    /// <summary>The most bytes that an entry can hold.</summary>
    public static long Bound(ZipArchiveEntry entry) =>
        Math.Min(entry.Length, entry.CompressedLength >= entry.Length ? entry.CompressedLength : (entry.CompressedLength + 1) * MaxDeflateRatio);
}
