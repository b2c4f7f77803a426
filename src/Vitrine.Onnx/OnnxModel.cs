using Google.Protobuf;
using Vitrine.Onnx.Proto;

namespace Vitrine.Onnx;

/// <summary>Opens ONNX files.</summary>
public static class OnnxModel
{
    private const long NewestIr = 13;

    /// <summary>Opens a model. Data it keeps in other files are read from its own folder.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Limits and warnings; null for the usual.</param>
    /// <returns>The network as a module: its weights are parameters, its values can be tapped and edited by name, every explanation works on it.</returns>
    /// <exception cref="OnnxException">The file is not a sound ONNX model, or needs an operator that Vitrine lacks; all that are missing are named.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static OnnxModule Open(string path, OnnxOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Open(Read(path), path, Path.GetDirectoryName(Path.GetFullPath(path)), options);
    }

    /// <summary>Opens a model that keeps all its data in one stream, read to its end.</summary>
    /// <param name="stream">The model.</param>
    /// <param name="options">Limits and warnings; null for the usual.</param>
    /// <exception cref="OnnxException">The stream is not a sound ONNX model, or needs an operator that Vitrine lacks; all that are missing are
    /// named.</exception>
    public static OnnxModule Open(Stream stream, OnnxOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var buffer = new MemoryStream();
        stream.CopyTo(buffer);
        return Open(buffer.ToArray(), "The stream", null, options);
    }

    /// <summary>
    /// Opens a classifier for other classes than those it was trained for: its last layer has fresh weights for them, everything before it is as in the file,
    /// and a softmax at its end is left out, so that it gives logits.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="classes">How many classes, 2 or more.</param>
    /// <param name="seed">Where the draw of the fresh weights starts.</param>
    /// <param name="options">Limits and warnings; null for the usual.</param>
    /// <exception cref="OnnxException">
    /// As for <see cref="Open(string, OnnxOptions?)"/>; or the last layer is none that can be replaced: a Gemm, a MatMul (with an Add or without) or a
    /// convolution without groups, with weights of its own, behind which only activations, pooling, reshaping and dropout stand. The message says what was
    /// found.
    /// </exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static OnnxModule OpenFor(string path, int classes, ulong seed, OnnxOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Open(Read(path), path, Path.GetDirectoryName(Path.GetFullPath(path)), options, (graph, reader) =>
            OnnxHead.Replace(graph, classes, seed, reader));
    }

    private static OnnxModule Open(
        byte[] bytes, string file, string? folder, OnnxOptions? options, Action<GraphProto, Func<TensorProto, Tensor>>? change = null)
    {
        options ??= new OnnxOptions();
        try
        {
            ModelProto model = Parse(bytes);
            if (model.IrVersion > NewestIr)
            {
                options.Warn?.Invoke($"{file} is of format version {model.IrVersion}; Vitrine knows {NewestIr}. What is new in it is not seen.");
            }
            // Weights and constants must outlive whatever scope the caller has open.
            return MemoryScope.Outside(() => Build(model, file, folder, options, change));
        }
        catch (OnnxException e)
        {
            throw new OnnxException($"{file}: {e.Message}", e);
        }
    }

    private static byte[] Read(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        if (stream.Length > Array.MaxLength)
        {
            throw new OnnxException($"{path} has {stream.Length} bytes; a model of over 2 GB keeps its weights in files of their own (external data).");
        }
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static ModelProto Parse(byte[] bytes)
    {
        ModelProto model;
        try
        {
            model = ModelProto.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new OnnxException($"it is truncated or not an ONNX model ({e.Message})", e);
        }
        if (model.IrVersion < 1) throw new OnnxException("it is not an ONNX model: it has no format version (ir_version).");
        return model.Graph is null ? throw new OnnxException("it is an ONNX file without a graph.") : model;
    }

    private static OnnxModule Build(
        ModelProto model, string file, string? folder, OnnxOptions options, Action<GraphProto, Func<TensorProto, Tensor>>? change)
    {
        var sets = new OperatorSets(model);
        Functions.Inline(model, sets);
        CheckOperators(model.Graph, sets);
        foreach (string warning in sets.Warnings(model.Graph)) options.Warn?.Invoke($"{file}: {warning}");
        if (change is not null)
        {
            var reader = new TensorReader(folder, options.LargestTensor);
            change(model.Graph, tensor => reader.Read(tensor).Tensor);
        }
        var compiler = new Compiler(model.Graph, sets, folder, options);
        Graph graph = compiler.Compile(model.Graph);
        return new OnnxModule(compiler.Weights, graph, model, options);
    }

    /// <summary>Names every operator that is missing, and where it stands, before anything runs.</summary>
    private static void CheckOperators(GraphProto main, OperatorSets sets)
    {
        var missing = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (GraphProto graph in Protos.Graphs(main))
        {
            for (int i = 0; i < graph.Node.Count; i++)
            {
                NodeProto node = graph.Node[i];
                if (sets.Find(node) is not null) continue;
                string name = OperatorSets.DomainOf(node) is { Length: > 0 } domain ? $"{domain}.{node.OpType}" : node.OpType;
                if (!missing.TryGetValue(name, out List<string>? places)) missing.Add(name, places = []);
                places.Add(node.Name.Length > 0 ? node.Name : $"node {i} of {graph.Name}");
            }
        }
        if (missing.Count == 0) return;
        IEnumerable<string> parts = missing.Select(
            m => $"{m.Key} (at {string.Join(", ", m.Value.Take(5))}{(m.Value.Count > 5 ? $" and {m.Value.Count - 5} more" : "")})");
        throw new OnnxException(
            $"Vitrine lacks {(missing.Count == 1 ? "an operator" : $"{missing.Count} operators")} of this model (operator set {sets.Version}): " +
            $"{string.Join("; ", parts)}.{(sets.Version < 7 ? " It reads operator set 7 and later in full; export the model again with a newer one." : "")}");
    }
}
