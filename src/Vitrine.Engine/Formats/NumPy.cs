using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Vitrine;

/// <summary>
/// NumPy's formats: .npy, one array (versions 1 to 3), and .npz, a zip file of them. Reads floats of 16 to 64 bits (as Float32), integers (as Int64) and truth
/// values, in C and Fortran order, little and big endian; writes version 1, Float32, Int64 and Bool, in the same bytes as NumPy.
/// </summary>
/// <remarks>
/// The format is described in NumPy's <c>numpy.lib.format</c>. Object arrays would need Python's pickle and are refused, as are structured and complex ones.
/// </remarks>
public static class NumPy
{
    private const int LargestHeader = 1 << 20;

    internal static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads an .npy file.</summary>
    /// <exception cref="TensorFileException">The file is truncated, malformed or of a type Vitrine does not read.</exception>
    public static Tensor LoadArray(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return ReadArray(stream, path, stream.Length);
    }

    /// <summary>Reads every array of an .npz file, stored or deflated.</summary>
    /// <exception cref="TensorFileException">The file is truncated, malformed or of a type Vitrine does not read.</exception>
    public static IReadOnlyDictionary<string, Tensor> LoadArchive(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return ReadArchive(stream, path);
    }

    /// <summary>Reads every array of a seekable stream of an .npz file; <paramref name="name"/> stands for it in errors.</summary>
    /// <exception cref="TensorFileException">The stream is truncated, malformed or of a type Vitrine does not read.</exception>
    public static IReadOnlyDictionary<string, Tensor> ReadArchive(Stream stream, string name) => TensorArchive.Read(stream, name, zip =>
    {
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (ZipArchiveEntry entry in zip.Entries)
        {
            string key = entry.FullName.EndsWith(".npy", StringComparison.Ordinal) ? entry.FullName[..^4] : entry.FullName;
            using Stream content = entry.Open();
            if (!tensors.TryAdd(key, ReadArray(content, $"{name}: {key}", TensorArchive.Bound(entry)))) throw new TensorFileException($"{name} names the " +
                $"array {key} twice.");
        }
        return tensors;
    });

    /// <summary>Reads one array of a stream of an .npy file; <paramref name="name"/> stands for it in errors.</summary>
    /// <param name="stream">The stream, at the start of the file; it need not seek.</param>
    /// <param name="name">What to call it in errors.</param>
    /// <param name="length">The bytes that the stream has at most: no more are believed to be there.</param>
    /// <exception cref="TensorFileException">The stream is truncated, malformed or of a type Vitrine does not read.</exception>
    public static Tensor ReadArray(Stream stream, string name, long length)
    {
        try
        {
            Span<byte> start = stackalloc byte[12];
            stream.ReadExactly(start[..8]);
            if (!start.StartsWith(Magic)) throw new TensorFileException($"{name} is no NumPy array: it does not start with \\x93NUMPY.");
            if (start[6] is < 1 or > 3) throw new TensorFileException($"{name} is of version {start[6]} of NumPy's format; Vitrine reads 1 to 3.");
            int prefix = start[6] == 1 ? 10 : 12;
            stream.ReadExactly(start[8..prefix]);
            uint size = prefix == 10 ? BinaryPrimitives.ReadUInt16LittleEndian(start[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
            if (size > Math.Min(LargestHeader, length - prefix)) throw new TensorFileException($"{name} announces a header of {size} bytes: it is " +
                "truncated or damaged; copy it again.");
            byte[] text = new byte[size];
            stream.ReadExactly(text);
            NumPyHeader header = NumPyHeader.Parse(Encoding.UTF8.GetString(text), name);

            long bytes = (long)header.Shape.Count * RawElements.Bytes(header.Type);
            if (bytes > length - prefix - size)
                throw new TensorFileException($"{name} of shape {header.Shape} takes {bytes} bytes, but {length - prefix - size} are left: it is " +
                    "truncated; copy it again.");
            byte[] raw = new byte[bytes];
            stream.ReadExactly(raw);
            if (header.BigEndian) Reverse(raw, RawElements.Bytes(header.Type));
            if (!header.Fortran) return RawElements.Decode(raw, header.Type, header.Shape);
            Shape transposed = Shape.Create([.. header.Shape.Dims.ToArray().Reverse()]);
            return RawElements.Decode(raw, header.Type, transposed).Permute([.. Enumerable.Range(0, transposed.Rank).Reverse()]).Detach();
        }
        catch (Exception e) when (e is EndOfStreamException or InvalidDataException)
        {
            throw new TensorFileException($"{name} ends early or is damaged: copy it again.", e);
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            throw new TensorFileException($"{name}: {e.Message}", e);
        }
    }

    /// <summary>Writes an .npy file, atomically.</summary>
    public static void SaveArray(string path, Tensor tensor) => AtomicFile.Write(path, stream => WriteArray(stream, tensor));

    /// <summary>Writes an .npz file of stored arrays, atomically. The same tensors give the same bytes.</summary>
    public static void SaveArchive(string path, IReadOnlyDictionary<string, Tensor> tensors) => AtomicFile.Write(path, stream =>
    {
        using ZipArchive zip = new(stream, ZipArchiveMode.Create, leaveOpen: true);
        foreach ((string name, Tensor tensor) in tensors)
        {
            ZipArchiveEntry entry = zip.CreateEntry(name + ".npy", CompressionLevel.NoCompression);
            entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);
            using Stream content = entry.Open();
            WriteArray(content, tensor);
        }
    });

    /// <summary>Writes an array to a stream, as NumPy's version 1 in C order.</summary>
    public static void WriteArray(Stream stream, Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        string type = tensor.DType switch { DType.Float32 => "<f4", DType.Int64 => "<i8", _ => "|b1" };
        string shape = string.Join(", ", tensor.Shape.Dims.ToArray());
        string text = string.Create(CultureInfo.InvariantCulture,
            $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({shape}{(tensor.Rank == 1 ? "," : "")}), }}");
        // The data starts at a multiple of 64.
        int size = ((10 + text.Length + 1 + 63) / 64 * 64) - 10;
        byte[] header = [.. Magic, 1, 0, (byte)size, (byte)(size >> 8), .. Encoding.ASCII.GetBytes(text.PadRight(size - 1)), (byte)'\n'];
        stream.Write(header);
        stream.Write(RawElements.Of(tensor));
    }

    private static void Reverse(byte[] raw, int size)
    {
        for (int i = 0; i < raw.Length; i += size) raw.AsSpan(i, size).Reverse();
    }
}

/// <summary>The header of an .npy file: a Python dictionary of <c>descr</c>, <c>fortran_order</c> and <c>shape</c>.</summary>
internal sealed record NumPyHeader(ElementType Type, bool BigEndian, bool Fortran, Shape Shape)
{
    public static NumPyHeader Parse(string text, string name)
    {
        var reader = new Literal(text, name);
        string? descr = null;
        bool? fortran = null;
        Shape? shape = null;
        reader.Expect('{');
        while (!reader.Take('}'))
        {
            string key = reader.String();
            reader.Expect(':');
            switch (key)
            {
                case "descr" when reader.Next is '[' or '(':
                    throw new TensorFileException($"{name} holds structured elements, which Vitrine does not read: save each field as an array of its own.");
                case "descr":
                    descr = reader.String();
                    break;
                case "fortran_order":
                    fortran = reader.Bool();
                    break;
                case "shape":
                    shape = reader.Tuple();
                    break;
                default:
                    throw reader.Bad($"the unknown key '{key}'");
            }
            if (!reader.Take(',') && reader.Next != '}') throw reader.Bad("a missing comma");
        }
        if (descr is null || fortran is null || shape is null) throw reader.Bad("no descr, fortran_order or shape");
        // The byte order: <, > or, where there is none, |; = is the writer's own, which is little on every machine .NET runs on here.
        string type = descr.Length > 0 && descr[0] is '<' or '>' or '|' or '=' ? descr[1..] : descr;
        return new(TypeOf(type, descr, name), descr.StartsWith('>'), fortran.Value, shape.Value);
    }

    private static ElementType TypeOf(string type, string descr, string name) => type switch
    {
        "f8" => ElementType.Float64,
        "f4" => ElementType.Float32,
        "f2" => ElementType.Float16,
        "i8" => ElementType.Int64,
        "i4" => ElementType.Int32,
        "i2" => ElementType.Int16,
        "i1" => ElementType.Int8,
        "u8" => ElementType.UInt64,
        "u4" => ElementType.UInt32,
        "u2" => ElementType.UInt16,
        "u1" => ElementType.UInt8,
        "b1" => ElementType.Bool,
        ['O', ..] => throw new TensorFileException($"{name} holds Python objects, which only Python can read safely: save it as numbers."),
        _ => throw new TensorFileException($"{name} holds elements of type {descr}, which Vitrine does not read; it reads floats of 16 to 64 bits, " +
            "integers and booleans."),
    };

    private ref struct Literal(string text, string name)
    {
        private int _at;

        public char Next
        {
            get
            {
                while (_at < text.Length && char.IsWhiteSpace(text[_at])) _at++;
                return _at < text.Length ? text[_at] : '\0';
            }
        }

        public bool Take(char c)
        {
            if (Next != c || _at >= text.Length) return false;
            _at++;
            return true;
        }

        public void Expect(char c)
        {
            if (!Take(c)) throw Bad($"no '{c}'");
        }

        public string String()
        {
            char quote = Next;
            int end = quote is '\'' or '"' ? text.IndexOf(quote, _at + 1) : -1;
            if (end < 0) throw Bad("no string");
            string value = text[(_at + 1)..end];
            _at = end + 1;
            return value;
        }

        public bool Bool()
        {
            bool value = Next == 'T';
            string word = value ? "True" : "False";
            if (string.CompareOrdinal(text, _at, word, 0, word.Length) != 0) throw Bad("neither True nor False");
            _at += word.Length;
            return value;
        }

        public Shape Tuple()
        {
            const int most = 64; // NumPy's own limit on axes.
            List<int> dims = [];
            Expect('(');
            while (!Take(')'))
            {
                _ = Next;
                int start = _at;
                while (_at < text.Length && char.IsAsciiDigit(text[_at])) _at++;
                if (dims.Count == most || !int.TryParse(text.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture,
                    out int extent)) throw Bad("an impossible shape");
                dims.Add(extent);
                Take('L'); // Python 2 wrote long integers so.
                if (!Take(',') && Next != ')') throw Bad("an impossible shape");
            }
            return Shape.Create([.. dims]);
        }

        public readonly TensorFileException Bad(string what) => new($"{name} has a malformed NumPy header, with {what} at character {_at}: copy it again.");
    }
}
