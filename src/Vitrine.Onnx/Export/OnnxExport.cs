using System.Reflection;
using Google.Protobuf;
using Vitrine.Onnx.Proto;

namespace Vitrine.Onnx;

/// <summary>Writes networks as ONNX files.</summary>
/// <remarks>
/// <para>
/// The network is run on an example, recorded, and its operators are written down: what it does with this example is what the file does. It is run twice, on
/// batches of two and of three examples, so that what depends on the batch is known and the file takes batches of any size; other extents are the example's.
/// What a network computes outside of operators, and so cannot be written, is found by the same comparison and is an error.
/// </para>
/// <para>
/// Weights keep their names. The result of each module call carries the call's scope (<c>features.3</c>, <c>layer1.0.relu#2</c>; the innermost, where several
/// calls give the same), so that taps and layers of explanations are asked for by the same names in the file; other values and the nodes are named as PyTorch's
/// exporter names them, <c>/features.3/Conv</c>. The operator set is the oldest from 17 on that has what the network needs. A recurrent layer becomes one LSTM,
/// GRU or RNN for each direction, with its weights in the format's order of gates, which their names say.
/// </para>
/// </remarks>
public static class OnnxExport
{
    /// <summary>Writes a network of one input and one output, atomically.</summary>
    /// <param name="module">The network; it is run as in inference.</param>
    /// <param name="example">An input as the network takes it, with numbers as they are usual: [N, ...].</param>
    /// <param name="path">The file.</param>
    /// <param name="options">Names and the batch; null for the usual.</param>
    /// <exception cref="OnnxException">
    /// The network uses operators that cannot be exported (all are named), or depends on its input or batch in a way that cannot be written.
    /// </exception>
    public static void Save(Module module, Tensor example, string path, OnnxExportOptions? options = null) =>
        Save(Model(module, [example], single: true, options), path);

    /// <summary>Writes a network of several inputs or outputs, atomically.</summary>
    /// <param name="module">The network; it is run as in inference, called with an array.</param>
    /// <param name="examples">Inputs as the network takes them.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">Names and the batch; null for the usual.</param>
    /// <exception cref="OnnxException">
    /// The network uses operators that cannot be exported (all are named), or depends on its inputs or batch in a way that cannot be written.
    /// </exception>
    public static void Save(Module module, IReadOnlyList<Tensor> examples, string path, OnnxExportOptions? options = null) =>
        Save(Model(module, examples, single: false, options), path);

    /// <summary>Writes a network of one input and one output to a stream. See <see cref="Save(Module, Tensor, string, OnnxExportOptions?)"/>.</summary>
    public static void Write(Module module, Tensor example, Stream stream, OnnxExportOptions? options = null) =>
        Write(Model(module, [example], single: true, options), stream);

    /// <summary>
    /// Writes a network of several inputs or outputs to a stream. See <see cref="Save(Module, IReadOnlyList{Tensor}, string, OnnxExportOptions?)"/>.
    /// </summary>
    public static void Write(Module module, IReadOnlyList<Tensor> examples, Stream stream, OnnxExportOptions? options = null) =>
        Write(Model(module, examples, single: false, options), stream);

    private static void Save(ModelProto model, string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        string temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}.tmp");
        try
        {
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                Write(model, stream);
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

    private static void Write(ModelProto model, Stream stream)
    {
        using var coded = new CodedOutputStream(stream, 1 << 18, leaveOpen: true);
        model.WriteTo(coded);
    }

    private static ModelProto Model(Module module, IReadOnlyList<Tensor> examples, bool single, OnnxExportOptions? options)
    {
        options ??= new OnnxExportOptions();
        if (examples.Count == 0) throw new ArgumentException("A network is exported with an example of each input; none is given.", nameof(examples));
        int[] axes = Axes(examples, options);
        Batch batch = options.FixedBatch || Array.TrueForAll(axes, a => a < 0) ? new Batch(1, 1, "") : new Batch(2, 3, options.Batch);
        Pass own = Record(batch.Own, varied: false);
        CheckOperators(own);
        Pass other = Record(batch.Other, varied: true);
        CheckPaths(own, other);
        return Model(module, own, other, batch, axes, options);

        Pass Record(int count, bool varied)
        {
            try
            {
                return Pass.Of(module, [.. examples.Select((x, i) => Example(x, axes[i], count, varied))], single);
            }
            catch (ArgumentException e) when (batch.Name.Length > 0)
            {
                string shapes = string.Join(", ", examples.Select((x, i) => axes[i] < 0 ? x.Shape : x.Shape.With(axes[i], count)));
                throw new OnnxException(
                    $"The network was tried on {count} examples, inputs of {shapes}, and failed: {e.Message} Say with " +
                    $"{nameof(OnnxExportOptions)}.{nameof(OnnxExportOptions.BatchAxes)} which axis of each input runs over the examples, or set " +
                    $"{nameof(OnnxExportOptions.FixedBatch)}.", e);
            }
        }
    }

    private static ModelProto Model(Module module, Pass own, Pass other, Batch batch, int[] axes, OnnxExportOptions options)
    {
        string[] inputs = Names(options.InputNames, "input", axes.Length), outputs = Names(options.OutputNames, "output", own.Outputs.Count);
        var weights = new Dictionary<Tensor, string>(ReferenceEqualityComparer.Instance);
        foreach (Parameter parameter in module.Parameters.Concat(module.Buffers)) weights.Add(parameter.Value, parameter.Name);
        var taken = new HashSet<string>(weights.Values, StringComparer.Ordinal);
        foreach (string name in inputs.Concat(outputs))
        {
            if (!taken.Add(name)) throw new ArgumentException($"There are two inputs, outputs or weights of the name {name}.", nameof(options));
        }
        int operatorSet = own.Nodes.Max(n => (int?)Translations.Find(n.Op)!.Value.Since) ?? Translations.Oldest;
        (string, int)[] ports = [.. inputs.Select((name, i) => (name, axes[i]))];
        var writer = new GraphWriter(own, other, batch, ports, outputs, weights, operatorSet);
        CheckSame(writer, new GraphWriter(other, own, batch.Swapped, ports, outputs, weights, operatorSet));

        long bytes = writer.Weights.Values.Sum(w => 4L * w.Count);
        if (bytes > int.MaxValue - (1 << 24)) throw new OnnxException($"The network has {bytes} bytes of weights, but one ONNX file holds at most 2 GB.");
        var graph = new GraphProto { Name = module.Path.Length > 0 ? module.Path : module.GetType().Name };
        graph.Node.Add(writer.Nodes.Select(n => n.Proto));
        foreach ((string name, Tensor weight) in writer.Weights) graph.Initializer.Add(Messages.Tensor(weight, name));
        for (int i = 0; i < inputs.Length; i++) graph.Input.Add(Messages.Port(inputs[i], own.Inputs[i], other.Inputs[i], batch));
        for (int i = 0; i < outputs.Length; i++) graph.Output.Add(Messages.Port(outputs[i], own.Outputs[i], other.Outputs[i], batch));
        var model = new ModelProto
        {
            IrVersion = operatorSet switch { <= 18 => 8, <= 20 => 9, _ => 10 },
            ProducerName = "Vitrine",
            ProducerVersion = typeof(OnnxExport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "",
            Graph = graph,
        };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = operatorSet });
        foreach ((string key, string value) in options.Metadata ?? new Dictionary<string, string>())
        {
            model.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
        }
        return model;
    }

    /// <summary>The axis of the batch of each input, or -1.</summary>
    private static int[] Axes(IReadOnlyList<Tensor> examples, OnnxExportOptions options)
    {
        if (options.FixedBatch) return [.. examples.Select(_ => -1)];
        if (options.BatchAxes is null) return [.. examples.Select(x => x.Rank > 0 && x.Shape[0] > 0 ? 0 : -1)];
        if (options.BatchAxes.Count != examples.Count)
        {
            throw new ArgumentException($"The axis of the batch is given for {options.BatchAxes.Count} of {examples.Count} inputs.", nameof(options));
        }
        return [.. options.BatchAxes.Select((axis, i) => axis < examples[i].Rank && (axis < 0 || examples[i].Shape[axis] > 0)
            ? axis
            : throw new ArgumentException($"Input {i} of shape {examples[i].Shape} has no examples on axis {axis}.", nameof(options)))];
    }

    /// <summary>A batch of as many examples, from what is given. Varied, so that what was computed from them and kept as a constant is found out.</summary>
    private static Tensor Example(Tensor x, int axis, int count, bool varied)
    {
        x = x.Detach();
        if (axis >= 0)
        {
            int n = x.Shape[axis];
            x = x.IndexSelect(axis, Tensor.From([.. Enumerable.Range(varied ? 1 : 0, count).Select(i => (long)(i % n))], [count]));
        }
        return varied && x.DType == DType.Float32 ? x * 0.5f : x;
    }

    private static string[] Names(IReadOnlyList<string>? given, string name, int count)
    {
        if (given is null) return count == 1 ? [name] : [.. Enumerable.Range(0, count).Select(i => $"{name}_{i}")];
        return given.Count == count && !given.Any(string.IsNullOrEmpty)
            ? [.. given]
            : throw new ArgumentException($"The network has {count} {name}s, but {given.Count} names are given ({string.Join(", ", given)}).");
    }

    /// <summary>Names every operator that cannot be written, and where it was applied, before anything is written.</summary>
    private static void CheckOperators(Pass pass)
    {
        IEnumerable<Node> unknown = pass.Nodes.Where(n => Translations.Find(n.Op) is null);
        string[] missing = [.. unknown.GroupBy(n => n.Op.Name, StringComparer.Ordinal).Select(g => $"{g.Key} ({Places(g)})")];
        if (missing.Length == 0) return;
        string count = missing.Length == 1 ? "an operator" : $"{missing.Length} operators";
        throw new OnnxException($"The network uses {count} that cannot be exported: {string.Join("; ", missing)}.");

        static string Places(IEnumerable<Node> nodes) =>
            string.Join(", ", nodes.Select(n => string.IsNullOrEmpty(n.Scope) ? "outside of modules" : n.Scope).Distinct(StringComparer.Ordinal).Take(5));
    }

    private static void CheckPaths(Pass own, Pass other)
    {
        int count = Math.Min(own.Nodes.Count, other.Nodes.Count);
        for (int i = 0; i < count; i++)
        {
            (Node a, Node b) = (own.Nodes[i], other.Nodes[i]);
            if (a.Op.GetType() != b.Op.GetType() || a.Scope != b.Scope || a.Inputs.Count != b.Inputs.Count)
            {
                throw GraphWriter.Depends(a, $"for another batch {GraphWriter.Where(b)} stands in its place");
            }
        }
        if (own.Nodes.Count != other.Nodes.Count || own.Outputs.Count != other.Outputs.Count)
        {
            throw new OnnxException(
                $"The network applies {own.Nodes.Count} operators to one batch and {other.Nodes.Count} to another; one that decides " +
                "by its input what to do cannot be exported.");
        }
    }

    /// <summary>Both runs must have been written alike: what differs depends on the input.</summary>
    private static void CheckSame(GraphWriter own, GraphWriter other)
    {
        for (int i = 0; i < Math.Min(own.Nodes.Count, other.Nodes.Count); i++)
        {
            (NodeProto a, Node? source) = own.Nodes[i];
            if (a.Equals(other.Nodes[i].Proto)) continue;
            string what = a.OpType == "Constant" ? "it uses numbers that were not the same for two inputs" : "its attributes were not the same for two batches";
            throw GraphWriter.Depends(source, what);
        }
        if (own.Nodes.Count != other.Nodes.Count) throw GraphWriter.Depends(own.Nodes[^1].Source, "two inputs gave graphs of different sizes");
    }
}
