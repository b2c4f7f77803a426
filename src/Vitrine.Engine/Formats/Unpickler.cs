using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Vitrine;

/// <summary>A dictionary of a pickle, in the order of the file. Keys are not hashed: what they may be is the reader's to say.</summary>
internal sealed class PickledDictionary
{
    public List<(object? Key, object? Value)> Items { get; } = [];
}

/// <summary>A tuple of a pickle.</summary>
internal sealed record PickledTuple(object?[] Items);

/// <summary>A storage that a pickle names: the elements lie elsewhere in the file.</summary>
internal sealed record PickledStorage(ElementType Type, string Key, long Count);

/// <summary>A view of a storage, in elements.</summary>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Size, long[] Stride);

/// <summary>
/// Reads the part of Python's pickle that state dictionaries need (protocols 2 to 5) and runs nothing: the only names that mean anything are the ones listed
/// here, and a file that asks for another one is refused by that name.
/// </summary>
internal ref struct Unpickler
{
    private readonly ReadOnlySpan<byte> _data;
    private readonly string _file;
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<uint, object?> _memo = [];

    public Unpickler(ReadOnlySpan<byte> data, string file)
    {
        _data = data;
        _file = file;
    }

    private enum Callable
    {
        OrderedDictionary,
        Tensor,
        Parameter,
        Size,
        Bytes,
    }

    /// <summary>The next byte; after <see cref="Read"/>, the first one behind the pickle.</summary>
    public int At { get; private set; }

    /// <summary>Reads one object: null, bool, long, BigInteger, double, string, byte[], list, tuple, dictionary, storage or tensor.</summary>
    /// <exception cref="TensorFileException">The pickle is damaged, or needs what Vitrine does not read.</exception>
    public object? Read()
    {
        int start = At;
        _stack.Clear();
        _marks.Clear();
        _memo.Clear();
        if (Byte() != 0x80 || Byte() is < 2 or > 5) throw Bad(start, "this is no pickle of protocol 2 to 5");
        while (true)
        {
            int at = At;
            byte code = Byte();
            switch (code)
            {
                case (byte)'.': return Pop();
                case 0x95: Take(8); break; // FRAME: the length of what follows, for readers that fetch ahead.
                case (byte)'(': _marks.Add(_stack.Count); break;
                case (byte)'0': Pop(); break;
                case (byte)'1': PopMark(); break;
                case (byte)'2': _stack.Add(Top()); break;

                case (byte)'N': _stack.Add(null); break;
                case 0x88: _stack.Add(true); break;
                case 0x89: _stack.Add(false); break;
                case (byte)'K': _stack.Add((long)Byte()); break;
                case (byte)'M': _stack.Add((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
                case (byte)'J': _stack.Add((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
                case 0x8a: _stack.Add(Integer(Take(Byte()))); break;
                case (byte)'G': _stack.Add(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;
                case (byte)'X': _stack.Add(Encoding.UTF8.GetString(Take(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))))); break;
                case 0x8c: _stack.Add(Encoding.UTF8.GetString(Take(Byte()))); break;
                case 0x8d: _stack.Add(Encoding.UTF8.GetString(Take(BinaryPrimitives.ReadUInt64LittleEndian(Take(8))))); break;
                case (byte)'U': _stack.Add(Encoding.Latin1.GetString(Take(Byte()))); break; // Python 2's strings.
                case (byte)'T': _stack.Add(Encoding.Latin1.GetString(Take(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))))); break;
                case (byte)'C': _stack.Add(Take(Byte()).ToArray()); break;
                case (byte)'B': _stack.Add(Take(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))).ToArray()); break;

                case (byte)'}': _stack.Add(new PickledDictionary()); break;
                case (byte)']': _stack.Add(new List<object?>()); break;
                case (byte)')': _stack.Add(new PickledTuple([])); break;
                case (byte)'t': _stack.Add(new PickledTuple(PopMark())); break;
                case 0x85: _stack.Add(new PickledTuple([Pop()])); break;
                case 0x86: Tuple(2); break;
                case 0x87: Tuple(3); break;
                case (byte)'a':
                    object? one = Pop();
                    Top<List<object?>>(at).Add(one);
                    break;
                case (byte)'e':
                    object?[] many = PopMark();
                    Top<List<object?>>(at).AddRange(many);
                    break;
                case (byte)'s':
                    object? value = Pop(), key = Pop();
                    Top<PickledDictionary>(at).Items.Add((key, value));
                    break;
                case (byte)'u':
                    object?[] pairs = PopMark();
                    if (pairs.Length % 2 != 0) throw Bad(at, "a dictionary has a key without a value");
                    PickledDictionary dictionary = Top<PickledDictionary>(at);
                    for (int i = 0; i < pairs.Length; i += 2) dictionary.Items.Add((pairs[i], pairs[i + 1]));
                    break;

                case (byte)'q': _memo[Byte()] = Top(); break;
                case (byte)'r': _memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Top(); break;
                case 0x94: _memo[(uint)_memo.Count] = Top(); break;
                case (byte)'h': _stack.Add(Recall(Byte(), at)); break;
                case (byte)'j': _stack.Add(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)), at)); break;

                case (byte)'c': _stack.Add(Known(Line(), Line(), at)); break;
                case 0x93:
                    string name = Pop<string>(at), module = Pop<string>(at);
                    _stack.Add(Known(module, name, at));
                    break;
                case (byte)'R' or 0x81: // A call, and the making of an object, come to the same for the few things known here.
                    PickledTuple arguments = Pop<PickledTuple>(at);
                    _stack.Add(Call(Pop(), arguments.Items, at));
                    break;
                case (byte)'b':
                    // The state of an OrderedDict is its _metadata attribute: versions of modules, which mean nothing here.
                    Pop();
                    Top<PickledDictionary>(at);
                    break;
                case (byte)'Q': _stack.Add(Storage(Pop<PickledTuple>(at).Items, at)); break;
                default: throw Bad(at, $"it uses the instruction 0x{code:X2}, which state dictionaries do not need");
            }
        }
    }

    private object Known(string module, string name, int at) => (module, name) switch
    {
        ("collections", "OrderedDict") => Callable.OrderedDictionary,
        ("torch._utils", "_rebuild_tensor_v2" or "_rebuild_tensor") => Callable.Tensor,
        ("torch._utils", "_rebuild_parameter") => Callable.Parameter,
        ("torch", "Size") => Callable.Size,
        ("_codecs", "encode") => Callable.Bytes,
        ("torch" or "torch.cuda", "DoubleStorage") => ElementType.Float64,
        ("torch" or "torch.cuda", "FloatStorage") => ElementType.Float32,
        ("torch" or "torch.cuda", "HalfStorage") => ElementType.Float16,
        ("torch" or "torch.cuda", "BFloat16Storage") => ElementType.BFloat16,
        ("torch" or "torch.cuda", "LongStorage") => ElementType.Int64,
        ("torch" or "torch.cuda", "IntStorage") => ElementType.Int32,
        ("torch" or "torch.cuda", "ShortStorage") => ElementType.Int16,
        ("torch" or "torch.cuda", "CharStorage") => ElementType.Int8,
        ("torch" or "torch.cuda", "ByteStorage") => ElementType.UInt8,
        ("torch" or "torch.cuda", "BoolStorage") => ElementType.Bool,
        _ => throw new TensorFileException($"{_file} asks for {module}.{name} (byte {at} of its pickle), which Vitrine does not read and will not run. " +
            "Save the weights alone: torch.save(model.state_dict(), FILE)."),
    };

    private readonly object Call(object? callable, object?[] arguments, int at)
    {
        switch (callable)
        {
            case Callable.OrderedDictionary when arguments.Length == 0:
                return new PickledDictionary();
            case Callable.Size when arguments is [PickledTuple size]:
                return size;
            case Callable.Parameter when arguments is [PickledTensor tensor, ..]:
                return tensor;
            case Callable.Bytes when arguments is [string text, string]: // How protocol 2 writes bytes.
                return Encoding.Latin1.GetBytes(text);
            case Callable.Tensor when arguments is [PickledStorage storage, long offset, PickledTuple size, PickledTuple stride, ..]:
                return new PickledTensor(storage, offset, Longs(size, at), Longs(stride, at));
            default:
                throw Bad(at, "a call has arguments it cannot have");
        }
    }

    // ('storage', type, key, place, count) and, in the format before 1.6, a view of it.
    private readonly PickledStorage Storage(object?[] id, int at)
    {
        if (id is not [string and "storage", ElementType type, string or long, _, long count, ..] || count < 0) throw Bad(at,
            "it names a storage in an unknown way");
        if (id.Length > 5 && id[5] is not null) throw Bad(at, "it uses views of storages, which only very old versions of PyTorch wrote: load and save it " +
            "again with a newer one");
        return new(type, Convert.ToString(id[2], CultureInfo.InvariantCulture)!, count);
    }

    private readonly long[] Longs(PickledTuple tuple, int at)
    {
        long[] values = new long[tuple.Items.Length];
        for (int i = 0; i < values.Length; i++) values[i] = tuple.Items[i] is long value ? value : throw Bad(at, "a shape is not made of integers");
        return values;
    }

    private static object Integer(ReadOnlySpan<byte> bytes)
    {
        BigInteger value = new(bytes);
        return value >= long.MinValue && value <= long.MaxValue ? (long)value : value;
    }

    private void Tuple(int count)
    {
        object?[] items = new object?[count];
        for (int i = count - 1; i >= 0; i--) items[i] = Pop();
        _stack.Add(new PickledTuple(items));
    }

    private readonly object? Recall(uint index, int at) => _memo.TryGetValue(index, out object? value) ? value : throw Bad(at,
        $"it refers to memo {index}, which is empty");

    private readonly int Floor => _marks.Count == 0 ? 0 : _marks[^1];

    private readonly object? Top() => _stack.Count > Floor ? _stack[^1] : throw Bad(At, "its stack is empty");

    private readonly T Top<T>(int at) => Top() is T value ? value : throw Bad(at, $"it expects a {Name<T>()} and finds something else");

    private readonly object? Pop()
    {
        object? value = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private readonly T Pop<T>(int at) => Pop() is T value ? value : throw Bad(at, $"it expects a {Name<T>()} and finds something else");

    private readonly object?[] PopMark()
    {
        if (_marks.Count == 0) throw Bad(At, "a mark is missing");
        int from = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        object?[] items = [.. _stack[from..]];
        _stack.RemoveRange(from, _stack.Count - from);
        return items;
    }

    private static string Name<T>() =>
        typeof(T) == typeof(string) ? "string" : typeof(T) == typeof(PickledTuple) ? "tuple" : typeof(T) == typeof(PickledDictionary) ? "dictionary" : "list";

    private byte Byte() => Take(1)[0];

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)(_data.Length - At)) throw Bad(At, "it ends early");
        ReadOnlySpan<byte> taken = _data.Slice(At, (int)count);
        At += (int)count;
        return taken;
    }

    private string Line()
    {
        int length = _data[At..].IndexOf((byte)'\n');
        if (length < 0) throw Bad(At, "it ends early");
        string line = Encoding.UTF8.GetString(Take((ulong)length));
        At++;
        return line;
    }

    private readonly TensorFileException Bad(int at, string what) => new($"{_file}: its pickle is not one of a state dictionary; at byte {at} {what}.");
}
