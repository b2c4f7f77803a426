using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Vitrine;

/// <summary>A file that is not a sound safetensors file; the message says which, where and what is wrong.</summary>
public sealed class SafeTensorsException : IOException
{
    /// <summary>Creates the exception.</summary>
    public SafeTensorsException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>
/// The safetensors format: an 8-byte little-endian header length, a JSON header (name to dtype, shape, offsets; <c>__metadata__</c>), raw little-endian data.
/// Reads F64, F32, F16, BF16 (as Float32), I64, I32, I16, I8, U8 (as Int64) and BOOL; writes F32, I64 and BOOL.
/// </summary>
public static class SafeTensors
{
    private const int LargestHeader = 100_000_000; // The format's own limit.

    /// <summary>Reads every tensor of a file.</summary>
    /// <exception cref="SafeTensorsException">The file is truncated or malformed.</exception>
    public static IReadOnlyDictionary<string, Tensor> Load(string path) => Load(path, out _);

    /// <summary>Reads every tensor of a file, and its metadata.</summary>
    /// <exception cref="SafeTensorsException">The file is truncated or malformed.</exception>
    public static IReadOnlyDictionary<string, Tensor> Load(string path, out IReadOnlyDictionary<string, string> metadata)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return Read(stream, path, out metadata);
    }

    /// <summary>Reads every tensor of a seekable stream; <paramref name="name"/> stands for it in errors.</summary>
    /// <exception cref="SafeTensorsException">The stream is truncated or malformed.</exception>
    public static IReadOnlyDictionary<string, Tensor> Read(Stream stream, string name, out IReadOnlyDictionary<string, string> metadata)
    {
        long length = stream.Length;
        Span<byte> prefix = stackalloc byte[8];
        if (length < 8) throw new SafeTensorsException($"{name} has {length} bytes: too short for a safetensors file, which starts with an 8-byte header length.");
        stream.ReadExactly(prefix);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > LargestHeader || (long)headerLength > length - 8)
        {
            throw new SafeTensorsException($"{name} announces a header of {headerLength} bytes but has {length - 8} left: it is truncated, or not a safetensors file.");
        }
        byte[] header = new byte[headerLength];
        stream.ReadExactly(header);
        try
        {
            using JsonDocument document = JsonDocument.Parse(header);
            return Entries(document.RootElement, stream, 8 + (long)headerLength, length, name, out metadata);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or ArgumentException or OverflowException)
        {
            throw new SafeTensorsException($"{name} has a malformed safetensors header: {e.Message}", e);
        }
    }

    /// <summary>Writes tensors and metadata to a file, atomically: a reader sees the old file or the whole new one.</summary>
    public static void Save(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        string temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}.tmp");
        try
        {
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                Write(stream, tensors, metadata);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

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
                offset += Bytes(tensor).Length;
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
        foreach (Tensor tensor in tensors.Values) stream.Write(Bytes(tensor));
    }

    private static Dictionary<string, Tensor> Entries(
        JsonElement root, Stream stream, long dataStart, long length, string file, out IReadOnlyDictionary<string, string> metadata)
    {
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
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
            long expected = (long)shape.Count * ElementBytes(dtype, entry.Name, file);
            if (start < 0 || end - start != expected)
            {
                throw new SafeTensorsException($"{file}: tensor {entry.Name} of type {dtype} and shape {shape} takes {expected} bytes, but its offsets are {start} to {end}.");
            }
            if (end > length - dataStart)
            {
                throw new SafeTensorsException($"{file}: tensor {entry.Name} ends at byte {dataStart + end}, beyond the file's {length}: the file is truncated; fetch it again.");
            }
            stream.Position = dataStart + start;
            byte[] raw = new byte[expected];
            stream.ReadExactly(raw);
            if (!tensors.TryAdd(entry.Name, Decode(raw, dtype, shape))) throw new SafeTensorsException($"{file} names the tensor {entry.Name} twice.");
        }
        metadata = notes;
        return tensors;
    }

    private static int ElementBytes(string dtype, string name, string file) => dtype switch
    {
        "F64" or "I64" => 8,
        "F32" or "I32" => 4,
        "F16" or "BF16" or "I16" => 2,
        "I8" or "U8" or "BOOL" => 1,
        _ => throw new SafeTensorsException(string.Create(CultureInfo.InvariantCulture, $"{file}: tensor {name} has the type {dtype}, which Vitrine does not read (F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL).")),
    };

    private static Tensor Decode(byte[] raw, string dtype, Shape shape) => dtype switch
    {
        "F32" => Tensor.From(MemoryMarshal.Cast<byte, float>(raw), shape),
        "F64" => Floats<double>(raw, shape, v => (float)v),
        "F16" => Floats<Half>(raw, shape, v => (float)v),
        "BF16" => Floats<ushort>(raw, shape, v => BitConverter.Int32BitsToSingle(v << 16)),
        "I64" => Tensor.From(MemoryMarshal.Cast<byte, long>(raw), shape),
        "I32" => Longs<int>(raw, shape, v => v),
        "I16" => Longs<short>(raw, shape, v => v),
        "I8" => Longs<sbyte>(raw, shape, v => v),
        "U8" => Longs<byte>(raw, shape, v => v),
        _ => Tensor.From(raw.Select(b => b != 0).ToArray(), shape),
    };

    private static Tensor Floats<T>(byte[] raw, Shape shape, Func<T, float> convert)
        where T : unmanaged
    {
        float[] elements = new float[shape.Count];
        ReadOnlySpan<T> from = MemoryMarshal.Cast<byte, T>(raw);
        for (int i = 0; i < elements.Length; i++) elements[i] = convert(from[i]);
        return Tensor.From(elements, shape);
    }

    private static Tensor Longs<T>(byte[] raw, Shape shape, Func<T, long> convert)
        where T : unmanaged
    {
        long[] elements = new long[shape.Count];
        ReadOnlySpan<T> from = MemoryMarshal.Cast<byte, T>(raw);
        for (int i = 0; i < elements.Length; i++) elements[i] = convert(from[i]);
        return Tensor.From(elements, shape);
    }

    private static ReadOnlySpan<byte> Bytes(Tensor tensor) => tensor.DType switch
    {
        DType.Float32 => MemoryMarshal.AsBytes(tensor.Floats),
        DType.Int64 => MemoryMarshal.AsBytes(tensor.Longs),
        _ => MemoryMarshal.AsBytes(tensor.Bools),
    };
}
