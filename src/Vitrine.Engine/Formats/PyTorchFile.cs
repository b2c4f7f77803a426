using System.Buffers.Binary;
using System.IO.Compression;
using System.Numerics;

namespace Vitrine;

/// <summary>
/// Reads PyTorch's .pt and .pth files that hold tensors: state dictionaries and checkpoints around them, in the zip format (since PyTorch 1.6) and the one
/// before it. No code of the file is run: a file that needs a class of its own, such as a whole pickled module, is refused by that class's name.
/// </summary>
public static class PyTorchFile
{
    // As integers PyTorch writes them at the start of the format before zip.
    private const int LegacyProtocol = 1001;

    // A file may hold one storage under several names, as tied weights are; no honest one comes to many times its size.
    private const long MaxGrowth = 64;

    private const int MaxDepth = 64;

    private static readonly BigInteger LegacyMagic = BigInteger.Parse("119547037146038801333356");

    // Under one of these a checkpoint keeps the weights, beside the epoch and the optimizer's state.
    private static readonly string[] CustomaryKeys = ["state_dict", "model_state_dict", "model"];

    /// <summary>
    /// Reads every tensor of a file by name. Of a checkpoint without tensors of its own, those under <c>state_dict</c>, <c>model_state_dict</c> or <c>model</c>
    /// are taken; otherwise the names of nested dictionaries and lists are joined by dots. Numbers and text are passed over.
    /// </summary>
    /// <exception cref="TensorFileException">
    /// The file is truncated or malformed, or needs classes that Vitrine does not know; the message names the first.
    /// </exception>
    public static IReadOnlyDictionary<string, Tensor> Load(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return Read(stream, path);
    }

    /// <summary>Reads every tensor of a seekable stream; <paramref name="name"/> stands for it in errors.</summary>
    /// <exception cref="TensorFileException">
    /// The stream is truncated or malformed, or needs classes that Vitrine does not know; the message names the first.
    /// </exception>
    public static IReadOnlyDictionary<string, Tensor> Read(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Span<byte> start = stackalloc byte[4];
        int got = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        return got >= 2 && start.StartsWith("PK"u8) ? TensorArchive.Read(stream, name, zip => ReadZip(zip, stream.Length, name)) : ReadLegacy(stream, name);
    }

    /// <summary>Whether a zip's entry is the pickle of a PyTorch file: <c>data.pkl</c>, in one folder of any name.</summary>
    internal static bool IsPickle(ZipArchiveEntry entry) => entry.Name == "data.pkl" && entry.FullName.Count(c => c == '/') <= 1;

    private static Dictionary<string, Tensor> ReadZip(ZipArchive zip, long length, string name)
    {
        ZipArchiveEntry pickle = zip.Entries.FirstOrDefault(IsPickle) ?? throw new TensorFileException($"{name} is a zip file without data.pkl: no file of " +
            "PyTorch.");
        string folder = pickle.FullName[..^"data.pkl".Length];
        if (zip.GetEntry(folder + "constants.pkl") is not null)
            throw new TensorFileException($"{name} is a TorchScript program, which Vitrine does not run: export the model to ONNX, or save its state_dict().");
        if (zip.GetEntry(folder + "byteorder") is { } order && !Content(order, name).AsSpan().SequenceEqual("little"u8))
            throw new TensorFileException($"{name} was written on a big-endian machine, which Vitrine does not read: load and save it again on another one.");
        byte[] code = Content(pickle, name);
        object? root = new Unpickler(code, name).Read();
        return Named(root, code.Length, name, new Storages(name, length, storage =>
        {
            ZipArchiveEntry entry = zip.GetEntry($"{folder}data/{storage.Key}") ?? throw new TensorFileException($"{name} has no storage {storage.Key}: it " +
                "is damaged.");
            return Content(entry, name);
        }));
    }

    private static byte[] Content(ZipArchiveEntry entry, string name)
    {
        if (entry.Length > TensorArchive.Bound(entry)) throw new TensorFileException($"{name}: {entry.FullName} claims more bytes than it can have: the " +
            "file is damaged.");
        byte[] bytes = new byte[entry.Length];
        using Stream stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }

    // Five pickles (a magic number, the version, the writer's machine, the object, the keys of its storages), then for each key a count and the elements.
    private static Dictionary<string, Tensor> ReadLegacy(Stream stream, string name)
    {
        if (stream.Length > Array.MaxLength) throw new TensorFileException($"{name} is larger than 2 GiB and of the format before PyTorch 1.6: load and " +
            "save it again with a newer one.");
        byte[] file = new byte[stream.Length];
        stream.ReadExactly(file);
        if (file.Length > 262 && file.AsSpan(257, 5).SequenceEqual("ustar"u8))
            throw new TensorFileException($"{name} is of the tar format of PyTorch before 0.2: load and save it again with a newer one.");
        var pickle = new Unpickler(file, name);
        if (pickle.Read() is not BigInteger magic || magic != LegacyMagic) throw new TensorFileException($"{name} is a pickle, but not one that torch.save " +
            "wrote.");
        if (pickle.Read() is not long and not LegacyProtocol) throw new TensorFileException($"{name} is of an unknown version of PyTorch's format.");
        if (pickle.Read() is not PickledDictionary machine || machine.Items.Any(i => i.Key is "little_endian" && i.Value is false))
            throw new TensorFileException($"{name} was written on a big-endian machine, which Vitrine does not read: load and save it again on another one.");
        int from = pickle.At;
        object? root = pickle.Read();
        int codeLength = pickle.At - from;
        if (pickle.Read() is not List<object?> keys) throw new TensorFileException($"{name} has no list of its storages: it is damaged.");

        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        List<PickledTensor> tensors = [];
        Walk(root, "", codeLength, name, (_, t) => tensors.Add(t));
        var types = tensors.GroupBy(t => t.Storage.Key, t => t.Storage.Type, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.First(),
            StringComparer.Ordinal);
        long at = pickle.At;
        foreach (object? key in keys)
        {
            if (key is not string text || !types.TryGetValue(text, out ElementType type)) throw new TensorFileException($"{name} lists a storage that no " +
                "tensor uses: it is damaged.");
            long left = file.Length - at - 8;
            long count = left < 0 ? -1 : BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan((int)at));
            if (count < 0 || count > left / RawElements.Bytes(type)) throw new TensorFileException($"{name} ends within storage {text}: it is truncated; " +
                "copy it again.");
            places[text] = (int)at + 8;
            at += 8 + (count * RawElements.Bytes(type));
        }
        return Named(root, codeLength, name, new Storages(name, file.Length, storage =>
        {
            if (!places.TryGetValue(storage.Key, out int place)) throw new TensorFileException($"{name} has no storage {storage.Key}: it is damaged.");
            return file.AsMemory(place);
        }));
    }

    private static Dictionary<string, Tensor> Named(object? root, int codeLength, string name, Storages storages)
    {
        if (root is PickledDictionary checkpoint && !checkpoint.Items.Any(i => i.Value is PickledTensor))
        {
            root = CustomaryKeys.Select(k => checkpoint.Items.FirstOrDefault(i => i.Key is string key && key == k).Value)
                .FirstOrDefault(v => v is PickledDictionary) ?? root;
        }
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        Walk(root, "", codeLength, name, (key, tensor) =>
        {
            if (!tensors.TryAdd(key, storages.Materialize(tensor, key))) throw new TensorFileException($"{name} names the tensor {key} twice.");
        });
        return tensors.Count > 0 ? tensors : throw new TensorFileException($"{name} holds no tensors.");
    }

    // A pickle may refer to one object many times over, so that a small file describes an enormous tree; an honest one has no more nodes than bytes.
    private static void Walk(object? root, string path, int nodes, string file, Action<string, PickledTensor> found)
    {
        Go(root, path, 0);

        void Go(object? value, string at, int depth)
        {
            if (--nodes < 0 || depth > MaxDepth) throw new TensorFileException($"{file} nests its contents beyond reason: it is damaged.");
            switch (value)
            {
                case PickledTensor tensor:
                    found(at.Length == 0 ? "tensor" : at, tensor);
                    break;
                case PickledDictionary dictionary:
                    foreach ((object? key, object? item) in dictionary.Items)
                    {
                        if (key is string or long) Go(item, Join(at, $"{key}"), depth + 1);
                    }
                    break;
                case List<object?> list:
                    for (int i = 0; i < list.Count; i++) Go(list[i], Join(at, $"{i}"), depth + 1);
                    break;
                case PickledTuple tuple:
                    for (int i = 0; i < tuple.Items.Length; i++) Go(tuple.Items[i], Join(at, $"{i}"), depth + 1);
                    break;
            }
        }

        static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
    }

    /// <summary>The storages of a file, each fetched once, and the tensors that view them.</summary>
    private sealed class Storages(string file, long length, Func<PickledStorage, ReadOnlyMemory<byte>> fetch)
    {
        private readonly Dictionary<string, ReadOnlyMemory<byte>> _raw = new(StringComparer.Ordinal);

        private long _budget = (MaxGrowth * length) + (1 << 16);

        public Tensor Materialize(PickledTensor tensor, string name)
        {
            PickledStorage storage = tensor.Storage;
            Shape shape = ShapeOf(tensor, name);
            int bytes = RawElements.Bytes(storage.Type);
            _budget -= (long)shape.Count * Math.Max(bytes, RawElements.DecodedBytes(storage.Type));
            if (_budget < 0) throw new TensorFileException($"{file}: up to {name}, its tensors take more than {MaxGrowth} times the file: it is damaged, " +
                "or holds views of one number.");
            if (!_raw.TryGetValue(storage.Key, out ReadOnlyMemory<byte> raw)) _raw[storage.Key] = raw = fetch(storage);
            if ((Int128)storage.Count * bytes > raw.Length) throw new TensorFileException($"{file}: storage {storage.Key} of {name} is shorter than it " +
                "should be: the file is truncated.");

            bool contiguous = true;
            long step = 1, last = tensor.Offset;
            for (int axis = shape.Rank - 1; axis >= 0; axis--)
            {
                contiguous &= tensor.Stride[axis] == step || shape[axis] <= 1;
                step *= shape[axis];
            }
            for (int axis = 0; axis < shape.Rank && shape.Count > 0; axis++)
            {
                Int128 reach = last + ((Int128)(shape[axis] - 1) * tensor.Stride[axis]);
                if (reach >= storage.Count) throw Outside(name);
                last = (long)reach;
            }
            if (shape.Count > 0 && last >= storage.Count) throw Outside(name);
            if (contiguous) return RawElements.Decode(raw.Span.Slice((int)(shape.Count == 0 ? 0 : tensor.Offset * bytes), shape.Count * bytes), storage.Type,
                shape);
            return RawElements.Decode(Gathered(raw.Span, tensor, shape, bytes), storage.Type, shape);
        }

        private Shape ShapeOf(PickledTensor tensor, string name)
        {
            if (tensor.Size.Length != tensor.Stride.Length || tensor.Offset < 0 || tensor.Stride.Any(s => s < 0)
                || tensor.Size.Any(s => s is < 0 or > int.MaxValue)) throw Outside(name);
            try
            {
                return Shape.Create([.. tensor.Size.Select(s => (int)s)]);
            }
            catch (ArgumentException e)
            {
                throw new TensorFileException($"{file}: {name}: {e.Message}", e);
            }
        }

        // Elements in row-major order of the shape, wherever the strides say they lie.
        private static byte[] Gathered(ReadOnlySpan<byte> raw, PickledTensor tensor, Shape shape, int bytes)
        {
            byte[] result = new byte[(long)shape.Count * bytes];
            int[] index = new int[shape.Rank];
            long from = tensor.Offset;
            for (int to = 0; to < result.Length; to += bytes)
            {
                raw.Slice((int)(from * bytes), bytes).CopyTo(result.AsSpan(to));
                for (int axis = shape.Rank - 1; axis >= 0; axis--)
                {
                    from += tensor.Stride[axis];
                    if (++index[axis] < shape[axis]) break;
                    from -= tensor.Stride[axis] * shape[axis];
                    index[axis] = 0;
                }
            }
            return result;
        }

        private TensorFileException Outside(string name) => new($"{file}: {name} reaches outside its storage or has an impossible shape: the file is damaged.");
    }
}
