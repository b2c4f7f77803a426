using Vitrine.Onnx.Proto;

namespace Vitrine.Onnx;

/// <summary>
/// A network that came from an ONNX file. It calls Vitrine's own operators, so recording, rules, taps and edits work on it: a node's scope is its name in the
/// file, and every value can be tapped and edited by its own name. Initializers of floats are its parameters; those of batch statistics are its buffers.
/// </summary>
/// <remarks>
/// The training flag of a run changes nothing: the file says what its nodes do. In the body of a loop a node's scope is <c>name</c> in the first iteration,
/// then <c>name#2</c>; a value's name stands for all iterations, and its tap keeps the last.
/// </remarks>
public sealed class OnnxModule : Module
{
    private const string Sequence = "sequence";
    private readonly Graph _graph;
    private readonly OnnxOptions _options;

    internal OnnxModule(Weights weights, Graph graph, ModelProto model, OnnxOptions options)
        : base(weights)
    {
        _graph = graph;
        _options = options;
        Dictionary<string, ValueInfoProto> inputs = model.Graph.Input.GroupBy(i => i.Name, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.First(), StringComparer.Ordinal);
        Inputs = [.. graph.Inputs.Select(i => Port(inputs[i.Name]))];
        Outputs = [.. model.Graph.Output.Select(Port)];
        Values = [.. graph.Nodes.SelectMany(n => n.Names).Where(n => n.Length > 0)];
        Layers = OnnxLayer.Of(graph, Parameters.Select(p => p.Name).ToHashSet(StringComparer.Ordinal));
        Metadata = model.MetadataProps.GroupBy(m => m.Key, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Last().Value, StringComparer.Ordinal);
        Producer = $"{model.ProducerName} {model.ProducerVersion}".Trim();
    }

    /// <summary>What the network takes, in the order of a call.</summary>
    public IReadOnlyList<OnnxPort> Inputs { get; }

    /// <summary>What the network gives, in the order of a call.</summary>
    public IReadOnlyList<OnnxPort> Outputs { get; }

    /// <summary>The names of the values that nodes compute, in the order of computation: each can be tapped, edited and attributed to.</summary>
    public IReadOnlyList<string> Values { get; }

    /// <summary>
    /// The layers that have trainable weights, in the order of computation, each with the names of its parameters: what fine-tuning freezes and slows down.
    /// Weights inside of loops and branches belong to none.
    /// </summary>
    public IReadOnlyList<OnnxLayer> Layers { get; }

    /// <summary>Notes in the file.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>What wrote the file: <c>pytorch 2.4.0</c>; empty where it does not say.</summary>
    public string Producer { get; }

    /// <summary>How many steps a run takes that asks for nothing but the answer.</summary>
    internal int Steps => _graph.Shortcut?.Steps ?? _graph.Nodes.Count;

    /// <summary>The outputs for values of any kind, sequences included.</summary>
    internal Value[] Evaluate(Run run, ReadOnlySpan<Value> inputs)
    {
        int before = MemoryScope.Limit(_options.LargestTensor);
        try
        {
            return Interpreter.Evaluate(_graph, run, inputs, null, _options);
        }
        finally
        {
            MemoryScope.Limit(before);
        }
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor input)
    {
        if (Outputs.Count != 1)
        {
            throw new NotSupportedException(
                $"This network gives {Outputs.Count} outputs ({string.Join(", ", Outputs.Select(o => o.Name))}); call it with an array.");
        }
        return Forward(run, [input])[0];
    }

    /// <inheritdoc/>
    protected override Tensor[] Forward(Run run, Tensor[] inputs)
    {
        if (inputs.Length != Inputs.Count)
        {
            throw new OnnxException($"The network takes {Inputs.Count} inputs ({string.Join("; ", Inputs)}), not {inputs.Length}.");
        }
        var values = new Value[inputs.Length];
        var symbols = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < values.Length; i++) values[i] = Given(Inputs[i], inputs[i], symbols);
        Value[] outputs = Evaluate(run, values);
        CheckBatch(inputs, outputs);
        return [.. outputs.Select((o, i) => o.IsTensor ? o.Tensor : throw new OnnxException($"The output {Outputs[i].Name} is {o}, not a tensor."))];
    }

    /// <summary>An input with the type the file gives it, its shape checked.</summary>
    private static Value Given(OnnxPort port, Tensor tensor, Dictionary<string, int> symbols)
    {
        if (port.Type == Sequence) throw new OnnxException($"The input {port.Name} is a sequence or an optional value; Vitrine takes tensors.");
        if (tensor.DType != port.DType) throw new OnnxException($"The input {port} takes {port.DType}, not {tensor.DType}.");
        if (port.Shape is not null)
        {
            if (port.Shape.Count != tensor.Rank) throw new OnnxException($"The input {port} has {port.Shape.Count} axes, not those of {tensor.Shape}.");
            for (int i = 0; i < tensor.Rank; i++)
            {
                // A batch of another size than the file was exported with is tried: most graphs permit it.
                if (i > 0 && port.Shape[i].Size is { } size && size != tensor.Shape[i])
                {
                    throw new OnnxException($"The input {port} has {size} positions on axis {i}, not those of {tensor.Shape}.");
                }
                string symbol = port.Shape[i].Symbol;
                if (symbol.Length == 0 || symbols.TryAdd(symbol, tensor.Shape[i]) || symbols[symbol] == tensor.Shape[i]) continue;
                throw new OnnxException($"The input {port} has shape {tensor.Shape}, but {symbol} is {symbols[symbol]} already.");
            }
        }
        ElementType type = Enum.Parse<ElementType>(port.Type, ignoreCase: true);
        return Value.Of(tensor, type);
    }

    /// <summary>
    /// Where a file fixes the size of the batch and another was given, the outputs must have followed it: otherwise the graph mixed the examples.
    /// </summary>
    private void CheckBatch(Tensor[] inputs, Value[] outputs)
    {
        if (inputs.Length == 0 || Inputs[0].Shape is not { Count: > 0 } shape || shape[0].Size is not { } exported || inputs[0].Shape[0] == exported) return;
        for (int i = 0; i < outputs.Length; i++)
        {
            if (Outputs[i].Shape is not { Count: > 0 } given || given[0].Size != exported || !outputs[i].IsTensor) continue;
            if (outputs[i].Tensor.Rank > 0 && outputs[i].Tensor.Shape[0] == inputs[0].Shape[0]) continue;
            throw new OnnxException(
                $"The file was exported for batches of {exported}, and its output {Outputs[i].Name} does not follow a batch of {inputs[0].Shape[0]}; export " +
                $"it with a symbolic batch.");
        }
    }

    private static OnnxPort Port(ValueInfoProto info)
    {
        // A file may leave out what its outputs are.
        if (info.Type is null || info.Type.ValueCase == TypeProto.ValueOneofCase.None)
        {
            return new OnnxPort(info.Name, ElementTypes.Name(ElementType.Float), DType.Float32, null);
        }
        if (info.Type.ValueCase != TypeProto.ValueOneofCase.TensorType) return new OnnxPort(info.Name, Sequence, DType.Float32, null);
        var type = (ElementType)info.Type.TensorType.ElemType;
        if (ElementTypes.DTypeOf(type) is not { } dtype)
        {
            throw new OnnxException(
                $"{info.Name} holds elements of {ElementTypes.Name(type)}, which Vitrine does not have (floats of 16, 32 and 64 bits, bfloat16, integers, " +
                $"bool).");
        }
        OnnxExtent[]? shape = info.Type.TensorType.Shape is null ? null : [.. info.Type.TensorType.Shape.Dim.Select(Extent)];
        return new OnnxPort(info.Name, ElementTypes.Name(type), dtype, shape);

        // Some exporters write a symbolic extent as 0 or -1.
        static OnnxExtent Extent(TensorShapeProto.Types.Dimension d) =>
            d.ValueCase == TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue && d.DimValue is > 0 and <= int.MaxValue
                ? new OnnxExtent((int)d.DimValue, "")
                : new OnnxExtent(null, d.DimParam);
    }
}
