using Vitrine.Onnx.Proto;

namespace Vitrine.Onnx;

/// <summary>
/// Writes the nodes of one recorded run, beside another run of the same network on another batch, which tells what depends on the batch.
/// </summary>
internal sealed class GraphWriter
{
    private readonly Pass _own;
    private readonly Pass _other;
    private readonly Batch _batch;
    private readonly (string Input, int Axis)? _batchInput;
    private readonly IReadOnlyDictionary<Tensor, string> _weights;
    private readonly Dictionary<Tensor, string> _values = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Tensor, List<(int Axis, int Start, int Count, string Value)>> _parts = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Tensor, (Shape Shape, string Value)> _views = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, NodeProto> _makers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _taken;
    private readonly List<(NodeProto Proto, Node? Source)> _nodes = [];
    private string? _examples;

    /// <summary>Prepares to write a run.</summary>
    /// <param name="own">The run.</param>
    /// <param name="other">The other run.</param>
    /// <param name="batch">How many examples each had.</param>
    /// <param name="inputs">The names of the inputs, and the axis of the batch of each or -1.</param>
    /// <param name="outputs">The names of the outputs.</param>
    /// <param name="weights">The names of parameters and buffers.</param>
    /// <param name="operatorSet">The operator set of the file.</param>
    public GraphWriter(
        Pass own, Pass other, Batch batch, IReadOnlyList<(string Name, int Axis)> inputs, IReadOnlyList<string> outputs,
        IReadOnlyDictionary<Tensor, string> weights, int operatorSet)
    {
        (_own, _other, _batch, _weights, OperatorSet, Outputs) = (own, other, batch, weights, operatorSet, outputs);
        _taken = new HashSet<string>([.. inputs.Select(i => i.Name), .. outputs, .. weights.Values], StringComparer.Ordinal);
        for (int i = 0; i < inputs.Count; i++)
        {
            _values.Add(own.Inputs[i], inputs[i].Name);
            if (inputs[i].Axis >= 0) _batchInput ??= inputs[i];
        }
        for (int i = 0; i < own.Nodes.Count; i++)
        {
            (Own, Other) = (own.Nodes[i], other.Nodes[i]);
            string value = Translations.Find(Own.Op)!.Value.Write(this);
            _values[Own.Output] = value;
            bool isNew = _makers.ContainsKey(value) && !_names.ContainsKey(value);
            if (isNew && own.Results.TryGetValue(Own.Output, out string? scope)) _names.Add(value, Unique(scope));
        }
        (Own, Other) = (null!, null!);
        Finish();
    }

    /// <summary>The operator set of the file.</summary>
    public int OperatorSet { get; }

    /// <summary>The operator that is being written.</summary>
    public Node Own { get; private set; } = null!;

    /// <summary>The same operator in the other run.</summary>
    public Node Other { get; private set; } = null!;

    /// <summary>What was written, and for which operator of the run.</summary>
    public IReadOnlyList<(NodeProto Proto, Node? Source)> Nodes => _nodes;

    /// <summary>The weights that are used, by name.</summary>
    public Dictionary<string, Tensor> Weights { get; } = new(StringComparer.Ordinal);

    private IReadOnlyList<string> Outputs { get; }

    /// <summary>The name of an input of the operator.</summary>
    public string Input(int i) => Name(Own.Inputs[i], Other.Inputs[i]);

    /// <summary>The names of all inputs of the operator.</summary>
    public string[] Inputs() => [.. Own.Inputs.Select((_, i) => Input(i))];

    /// <summary>The name of a tensor, which is written as a constant where it is neither computed nor a weight.</summary>
    public string Name(Tensor own, Tensor other)
    {
        if (_values.TryGetValue(own, out string? name)) return name;
        if (!_weights.TryGetValue(own, out name)) return _values[own] = Constant(own, other);
        Weights.TryAdd(name, own);
        return name;
    }

    /// <summary>A weight that the format wants arranged in another way, under the name of the network's own with an ending that says how.</summary>
    /// <param name="part">What it is called where it has no name of its own.</param>
    /// <param name="ending">The ending.</param>
    /// <param name="from">The network's own.</param>
    /// <param name="arrange">Arranges it.</param>
    public string Weight(string part, string ending, Tensor from, Func<Tensor, Tensor> arrange)
    {
        if (_own.Live.Contains(from)) throw new OnnxException($"{Where(Own)} has weights that are computed from the input; such a network cannot be exported.");
        string name = $"{_weights.GetValueOrDefault(from, $"{Own.Scope}.{part}")}.{ending}";
        Weights.TryAdd(name, arrange(from.Detach()));
        return name;
    }

    /// <summary>Writes a node with one result. Inputs that are left out are empty.</summary>
    public string Add(string type, string[] inputs, params ReadOnlySpan<AttributeProto> attributes) => Add(type, 1, inputs, attributes)[0];

    /// <summary>Writes a node with several results.</summary>
    public string[] Add(string type, int results, string[] inputs, params ReadOnlySpan<AttributeProto> attributes)
    {
        string scope = Own?.Scope ?? ""; // none for what outputs need once all operators are written
        // The scope of a node that came out of a file is its name there.
        bool isNode = scope.StartsWith('/');
        bool isSame = isNode && scope.EndsWith($"/{type}", StringComparison.Ordinal);
        string name = Unique(isSame ? scope : $"{(isNode || scope.Length == 0 ? "" : "/")}{scope}/{type}");
        var proto = new NodeProto { Name = name, OpType = type };
        proto.Input.Add(inputs.AsSpan(0, Array.FindLastIndex(inputs, i => i.Length > 0) + 1).ToArray());
        for (int i = 0; i < results; i++) proto.Output.Add(Unique($"{name}_output_{i}"));
        foreach (AttributeProto attribute in attributes) proto.Attribute.Add(attribute);
        foreach (string output in proto.Output) _makers.Add(output, proto);
        _nodes.Add((proto, Own));
        return [.. proto.Output];
    }

    /// <summary>Writes a constant. Weights alone are initializers, so that whoever opens the file finds these as its parameters.</summary>
    public string Constant(Tensor value) => Add("Constant", [], Messages.Attribute("value", value));

    /// <summary>Writes a number.</summary>
    public string Constant(float value) => Constant(Tensor.Scalar(value));

    /// <summary>Writes a list of integers: axes, positions.</summary>
    public string Integers(params ReadOnlySpan<long> values) => Constant(Tensor.From(values, [values.Length]));

    /// <summary>Writes a shape: as a constant where it is always the same, else computed from the number of examples.</summary>
    public string Extents(Shape own, Shape other)
    {
        long[] fixedExtents = new long[own.Rank], times = new long[own.Rank];
        for (int i = 0; i < own.Rank; i++)
        {
            if (own[i] == other[i]) fixedExtents[i] = own[i];
            else if (own[i] % _batch.Own == 0 && own[i] / _batch.Own * _batch.Other == other[i]) times[i] = own[i] / _batch.Own;
            else throw Depends($"a shape is {own} for {_batch.Own} examples and {other} for {_batch.Other}");
        }
        if (Array.TrueForAll(times, t => t == 0)) return Integers(fixedExtents);
        (string input, int axis) = _batchInput!.Value;
        _examples ??= Add("Shape", [input], Messages.Attribute("start", axis), Messages.Attribute("end", axis + 1));
        return Add("Add", [Add("Mul", [_examples, Integers(times)]), Integers(fixedExtents)]);
    }

    /// <summary>Writes the axes of a value in another order; what turns back an order is left out.</summary>
    public string Transpose(string value, params int[] order)
    {
        if (_makers.TryGetValue(value, out NodeProto? maker) && maker.OpType == "Transpose")
        {
            int[] before = [.. maker.Attribute[0].Ints.Select(i => (int)i)];
            if (order.Select((axis, i) => before[axis] == i).All(same => same)) return maker.Input[0];
        }
        return Add("Transpose", [value], Messages.Attribute("perm", order));
    }

    /// <summary>Says that a part of the operator's result exists as a value of its own.</summary>
    public void HasPart(int axis, int start, int count, string value)
    {
        if (!_parts.TryGetValue(Own.Output, out var parts)) _parts.Add(Own.Output, parts = []);
        parts.Add((axis, start, count, value));
    }

    /// <summary>The value that holds a part of a tensor, or null.</summary>
    public string? Part(Tensor tensor, int axis, int start, int count) =>
        _parts.TryGetValue(tensor, out var parts) ? parts.FirstOrDefault(p => (p.Axis, p.Start, p.Count) == (axis, start, count)).Value : null;

    /// <summary>Writes the operator's result [N, C, 1, L] from the same elements as [N, C, L], which is what follows where the axis is dropped again.</summary>
    public string Lifted(string line)
    {
        _views.Add(Own.Output, (Own.Output.Shape.Without(2), line));
        return Add("Unsqueeze", [line, Integers(2)]);
    }

    /// <summary>The value that holds a tensor's elements in another shape, or null.</summary>
    public string? View(Tensor tensor, Shape shape) => _views.TryGetValue(tensor, out var view) && view.Shape == shape ? view.Value : null;

    /// <summary>Something does not carry over to other batches or other inputs.</summary>
    public OnnxException Depends(string what) => Depends(Own, what);

    /// <summary>Something does not carry over to other batches or other inputs.</summary>
    public static OnnxException Depends(Node? node, string what) => new(
        $"{Where(node)} does not carry over to other inputs: {what}. What is computed outside of operators (positions of maxima, detached or single " +
        "elements), and what depends on the number of examples other than by a factor, cannot be exported; leave it out of the network, or set " +
        $"{nameof(OnnxExportOptions)}.{nameof(OnnxExportOptions.FixedBatch)}.");

    /// <summary>An operator as errors call it.</summary>
    public static string Where(Node? node) => node is null ? "An output" : $"{node.Op.Name}{(string.IsNullOrEmpty(node.Scope) ? "" : $" in {node.Scope}")}";

    /// <summary>A tensor that does not come from an operator. Where its shape follows the batch, one example's share is stretched.</summary>
    private string Constant(Tensor own, Tensor other)
    {
        if (own.Shape == other.Shape) return Constant(own.Detach());
        if (own.Rank != other.Rank) throw Depends($"a constant is {own.Shape} for {_batch.Own} examples and {other.Shape} for {_batch.Other}");
        Tensor one = own.Detach();
        for (int i = 0; i < own.Rank; i++) if (own.Shape[i] != other.Shape[i]) one = one.Slice(i, 0, 1);
        if (!Messages.Tensor(one.Expand(own.Shape)).Equals(Messages.Tensor(own)))
        {
            throw Depends($"a constant of shape {own.Shape} differs from example to example");
        }
        return Add("Expand", [Constant(one), Extents(own.Shape, other.Shape)]);
    }

    /// <summary>Names the outputs, puts the final names everywhere, and leaves out what no output needs.</summary>
    private void Finish()
    {
        var given = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < Outputs.Count; i++)
        {
            string value = Name(_own.Outputs[i], _other.Outputs[i]);
            // An input, a weight or another output cannot take this name as well.
            if (!_makers.ContainsKey(value) || !given.Add(value)) value = Add("Identity", [value]);
            _names[value] = Outputs[i];
        }
        var needed = new HashSet<string>(Outputs, StringComparer.Ordinal);
        for (int n = _nodes.Count - 1; n >= 0; n--)
        {
            NodeProto proto = _nodes[n].Proto;
            for (int i = 0; i < proto.Output.Count; i++) proto.Output[i] = _names.GetValueOrDefault(proto.Output[i], proto.Output[i]);
            for (int i = 0; i < proto.Input.Count; i++) proto.Input[i] = _names.GetValueOrDefault(proto.Input[i], proto.Input[i]);
            if (!proto.Output.Any(needed.Contains))
            {
                _nodes.RemoveAt(n);
                continue;
            }
            for (int i = 0; i < proto.Output.Count; i++) if (!needed.Contains(proto.Output[i])) proto.Output[i] = "";
            while (proto.Output[^1].Length == 0) proto.Output.RemoveAt(proto.Output.Count - 1);
            needed.UnionWith(proto.Input);
        }
        foreach (string name in Weights.Keys.Where(n => !needed.Contains(n)).ToArray()) Weights.Remove(name);
    }

    private string Unique(string name)
    {
        string unique = name;
        for (int i = 1; !_taken.Add(unique); i++) unique = $"{name}_{i}";
        return unique;
    }
}
