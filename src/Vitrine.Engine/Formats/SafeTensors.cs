using System.Buffers.Binary;
using System.Text.Json;

namespace Vitrine;

/// <summary>
/// The safetensors format: an 8-byte little-endian header length, a JSON header (name to dtype, shape, offsets; <c>__metadata__</c>), raw little-endian data.
/// Reads F64, F32, F16, BF16 (as Float32), I64, I32, I16, I8, U64, U32, U16, U8 (as Int64) and BOOL; writes F32, I64 and BOOL.
/// </summary>
public static class SafeTensors
{
    internal const int LargestHeader = 100_000_000; // The format's own limit.

    /// <summary>Reads every tensor of a file.</summary>
    /// <exception cref="TensorFileException">The file is truncated or malformed.</exception>
    public static IReadOnlyDictionary<string, Tensor> Load(string path) => Load(path, out _);

    /// <summary>Reads every tensor of a file, and its metadata.</summary>
    /// <exception cref="TensorFileException">The file is truncated or malformed.</exception>
    public static IReadOnlyDictionary<string, Tensor> Load(string path, out IReadOnlyDictionary<string, string> metadata)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return Read(stream, path, out metadata);
    }

    /// <summary>Reads every tensor of a seekable stream; <paramref name="name"/> stands for it in errors.</summary>
    /// <exception cref="TensorFileException">The stream is truncated or malformed.</exception>
    public static IReadOnlyDictionary<string, Tensor> Read(Stream stream, string name, out IReadOnlyDictionary<string, string> metadata)
    {
        long length = stream.Length;
        Span<byte> prefix = stackalloc byte[8];
        if (length < 8) throw new TensorFileException($"{name} has {length} bytes: too short for a safetensors file, which starts with an 8-byte header " +
            "length.");
        stream.ReadExactly(prefix);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > LargestHeader || (long)headerLength > length - 8)
        {
            throw new TensorFileException($"{name} announces a header of {headerLength} bytes but has {length - 8} left: it is truncated, or not a " +
                "safetensors file.");
        }
        byte[] header = new byte[headerLength];
        stream.ReadExactly(header);
        try
        {
            using JsonDocument document = JsonDocument.Parse(header);
            return Entries(document.RootElement, stream, 8 + (long)headerLength, length, name, out metadata);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or ArgumentException
            or OverflowException)
        {
            throw new TensorFileException($"{name} has a malformed safetensors header: {e.Message}", e);
        }
    }

    /// <summary>Writes tensors and metadata to a file, atomically: a reader sees the old file or the whole new one.</summary>
    public static void Save(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        AtomicFile.Write(path, stream => Write(stream, tensors, metadata));

    /// <summary>Writes tensors and metadata to a stream.</summary>
    public static void Write(Stream stream, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is not null)
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata) json.WriteString(key, value);
                json.WriteEndObject();
            }
            long offset = 0;
            foreach ((string name, Tensor tensor) in tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", tensor.DType switch { DType.Float32 => "F32", DType.Int64 => "I64", _ => "BOOL" });
                json.WriteStartArray("shape");
                foreach (int extent in tensor.Shape) json.WriteNumberValue(extent);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                offset += RawElements.Of(tensor).Length;
                json.WriteNumberValue(offset);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        // The data starts at a multiple of eight, as the format's own writers have it; spaces are allowed after the header.
        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)buffer.Length);
        stream.Write(prefix);
        buffer.WriteTo(stream);
        foreach (Tensor tensor in tensors.Values) stream.Write(RawElements.Of(tensor));
    }

    private static Dictionary<string, Tensor> Entries(
        JsonElement root, Stream stream, long dataStart, long length, string file, out IReadOnlyDictionary<string, string> metadata)
    {
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        long total = 0;
        var notes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonProperty entry in root.EnumerateObject())
        {
            if (entry.NameEquals("__metadata__"))
            {
                foreach (JsonProperty note in entry.Value.EnumerateObject()) notes[note.Name] = note.Value.GetString() ?? "";
                continue;
            }
            string dtype = entry.Value.GetProperty("dtype").GetString() ?? "";
            int[] dims = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32())];
            JsonElement offsets = entry.Value.GetProperty("data_offsets");
            long start = offsets[0].GetInt64(), end = offsets[1].GetInt64();
            Shape shape = Shape.Create(dims);
            ElementType type = Type(dtype, entry.Name, file);
            long expected = (long)shape.Count * RawElements.Bytes(type);
            if (start < 0 || end - start != expected)
            {
                throw new TensorFileException($"{file}: tensor {entry.Name} of type {dtype} and shape {shape} takes {expected} bytes, but its offsets are " +
                    $"{start} to {end}.");
            }
            if (end > length - dataStart)
            {
                throw new TensorFileException($"{file}: tensor {entry.Name} ends at byte {dataStart + end}, beyond the file's {length}: the file is " +
                    "truncated; fetch it again.");
            }
            // The format forbids overlaps, by which a small file could ask for much memory.
            total += expected;
            if (total > length - dataStart) throw new TensorFileException($"{file}: its tensors overlap: together they are larger than the file.");
            stream.Position = dataStart + start;
            byte[] raw = new byte[expected];
            stream.ReadExactly(raw);
            if (!tensors.TryAdd(entry.Name, RawElements.Decode(raw, type, shape))) throw new TensorFileException($"{file} names the tensor {entry.Name} " +
                "twice.");
        }
        metadata = notes;
        return tensors;
    }

    private static ElementType Type(string dtype, string name, string file) => dtype switch
    {
        "F64" => ElementType.Float64,
        "F32" => ElementType.Float32,
        "F16" => ElementType.Float16,
        "BF16" => ElementType.BFloat16,
        "I64" => ElementType.Int64,
        "I32" => ElementType.Int32,
        "I16" => ElementType.Int16,
        "I8" => ElementType.Int8,
        "U64" => ElementType.UInt64,
        "U32" => ElementType.UInt32,
        "U16" => ElementType.UInt16,
        "U8" => ElementType.UInt8,
        "BOOL" => ElementType.Bool,
        _ => throw new TensorFileException($"{file}: tensor {name} has the type {dtype}, which Vitrine does not read; it reads floats of 16 to 64 bits, " +
            "integers and BOOL."),
    };
}
