using Google.Protobuf.Collections;
using Vitrine.Onnx.Proto;
using Kind = Vitrine.Onnx.Proto.AttributeProto.Types.AttributeType;

namespace Vitrine.Onnx;

/// <summary>
/// A classifier from a file with a last layer for other classes: its weights are drawn anew, everything before it is as in the file. A softmax at the end is
/// left out, so that the network gives logits, as losses want them.
/// </summary>
/// <remarks>
/// The last layer is found by walking back from the output over activations, pooling, reshaping and dropout to a Gemm, a MatMul (with an Add behind it or not)
/// or a convolution without groups, whose weights are stored in the file and used nowhere else. Whatever else stands there is an error that names it.
/// </remarks>
internal sealed class OnnxHead
{
    private static readonly HashSet<string> Passing = new(StringComparer.Ordinal)
    {
        "Identity", "Dropout", "Relu", "LeakyRelu", "GlobalAveragePool", "GlobalMaxPool", "AveragePool", "MaxPool", "ReduceMean", "ReduceMax", "Flatten",
        "Squeeze", "Unsqueeze", "Reshape",
    };

    private readonly GraphProto _graph;
    private readonly Func<TensorProto, Tensor> _read;

    private OnnxHead(GraphProto graph, Func<TensorProto, Tensor> read) => (_graph, _read) = (graph, read);

    /// <summary>Replaces the last layer of a graph for a number of classes.</summary>
    /// <param name="graph">The graph; it is changed.</param>
    /// <param name="classes">How many classes the new layer tells apart.</param>
    /// <param name="seed">Where the draw of its weights starts.</param>
    /// <param name="read">Reads the elements of an initializer.</param>
    /// <exception cref="OnnxException">There is no such layer; the message says what stands in its place.</exception>
    internal static void Replace(GraphProto graph, int classes, ulong seed, Func<TensorProto, Tensor> read) => new OnnxHead(graph, read).Replace(classes, seed);

    private void Replace(int classes, ulong seed)
    {
        if (classes < 2) throw new ArgumentOutOfRangeException(nameof(classes), classes, "A classifier tells two classes or more apart.");
        if (_graph.Output.Count != 1) throw new OnnxException($"the network gives {_graph.Output.Count} outputs; a classifier gives one.");
        DropSoftmax();
        var behind = new List<NodeProto>(); // what stands between the layer and the output, backwards
        string value = _graph.Output[0].Name;
        NodeProto node = Maker(value);
        while (Passing.Contains(node.OpType))
        {
            behind.Add(node);
            value = node.Input[0];
            node = Maker(value);
        }
        NodeProto? sum = null;
        if (node.OpType == "Add" && node.Input.Count == 2)
        {
            (sum, int bias) = (node, Weight(node.Input[1]) is not null ? 1 : 0);
            value = node.Input[1 - bias];
            node = Maker(value);
            if (Weight(sum.Input[bias]) is null || node.OpType is not ("MatMul" or "Gemm" or "Conv"))
                throw Odd(sum, "the last layer should be a product with weights; a sum of two computed values has none to replace");
        }
        int old = node.OpType switch
        {
            "Gemm" when Flag(node, "transA") == 0 => Draw(node, 1, axis: Flag(node, "transB") == 1 ? 0 : 1, classes, seed),
            "MatMul" => Draw(node, 1, axis: 1, classes, seed),
            "Conv" when Flag(node, "group", 1) == 1 => Draw(node, 1, axis: 0, classes, seed),
            _ => throw Odd(node, "the last layer should be a Gemm, a MatMul or a convolution without groups whose weights are stored in the file"),
        };
        if (node.OpType != "MatMul" && node.Input.Count > 2 && node.Input[2].Length > 0) Clear(node, 2, old, classes);
        if (sum is not null) Clear(sum, Weight(sum.Input[1]) is not null ? 1 : 0, old, classes);
        foreach (NodeProto reshape in behind.Where(n => n.OpType == "Reshape")) Reshape(reshape, old, classes);
        // What the file says of shapes no longer holds.
        _graph.ValueInfo.Clear();
        foreach (TensorShapeProto.Types.Dimension extent in _graph.Output[0].Type?.TensorType?.Shape?.Dim ?? [])
        {
            if (extent.DimValue == old) extent.DimValue = classes;
        }
    }

    // Softmax, or its logarithm, is the loss's business. The value before it takes over the output's name.
    private void DropSoftmax()
    {
        string output = _graph.Output[0].Name;
        NodeProto last = Maker(output);
        if (last.OpType is not ("Softmax" or "LogSoftmax")) return;
        string before = last.Input[0];
        _graph.Node.Remove(last);
        foreach (NodeProto node in _graph.Node)
        {
            Rename(node.Input);
            Rename(node.Output);
        }

        void Rename(RepeatedField<string> names)
        {
            for (int i = 0; i < names.Count; i++) if (names[i] == before) names[i] = output;
        }
    }

    /// <summary>Fresh weights, uniform between -1/sqrt(fanIn) and its negative, as a new layer of PyTorch has them.</summary>
    /// <returns>How many classes there were.</returns>
    private int Draw(NodeProto node, int input, int axis, int classes, ulong seed)
    {
        TensorProto weight = Own(node, input);
        int[] dims = [.. weight.Dims.Select(d => (int)d)];
        if (dims.Length < 2) throw Odd(node, $"its weights have {dims.Length} axes");
        int old = dims[axis];
        dims[axis] = classes;
        Shape shape = Shape.Create(dims);
        Put(weight, Init.Uniform(shape.Count / classes).Draw(shape, new RandomSource(new RandomSource(seed).Derive(weight.Name))));
        return old;
    }

    /// <summary>A bias of zeros, one a class.</summary>
    private void Clear(NodeProto node, int input, int old, int classes)
    {
        TensorProto bias = Own(node, input);
        int[] dims = [.. bias.Dims.Select(d => (int)d)];
        if (dims.Aggregate(1, (a, b) => a * b) is var count && count != 1 && count != old)
            throw Odd(node, $"its bias has {count} elements for {old} classes");
        Put(bias, Tensor.Zeros(Shape.Create([.. dims.Select(d => d == old ? classes : d)])));
    }

    private void Reshape(NodeProto node, int old, int classes)
    {
        TensorProto? shape = Weight(node.Input[1]) ?? Constant(node.Input[1]);
        if (shape is null) return; // computed from the value's own shape
        Tensor extents = _read(shape);
        if (extents.DType != DType.Int64 || !extents.Longs.Contains(old)) return;
        long[] changed = [.. extents.Longs.ToArray().Select(e => e == old ? classes : e)];
        // Its own copy: another node may read the same constant.
        string name = $"{node.Output[0]}/classes";
        _graph.Initializer.Add(Messages.Tensor(Tensor.From(changed, extents.Shape), name));
        node.Input[1] = name;
    }

    private TensorProto Own(NodeProto node, int input)
    {
        string name = input < node.Input.Count ? node.Input[input] : "";
        TensorProto weight = Weight(name) ?? throw Odd(node, $"its input {name} is not stored in the file as weights, so it cannot be replaced");
        int uses = Protos.Graphs(_graph).SelectMany(g => g.Node).Sum(n => n.Input.Count(i => i == name));
        return uses == 1 ? weight : throw Odd(node, $"its weights {name} are used {uses} times in the network; replacing them would change other layers");
    }

    private static void Put(TensorProto proto, Tensor tensor)
    {
        TensorProto made = Messages.Tensor(tensor, proto.Name);
        proto.Dims.Clear();
        proto.FloatData.Clear();
        proto.DoubleData.Clear();
        proto.Int32Data.Clear();
        proto.ExternalData.Clear();
        proto.DataLocation = TensorProto.Types.DataLocation.Default;
        proto.Dims.Add(made.Dims);
        proto.DataType = made.DataType;
        proto.RawData = made.RawData;
    }

    private NodeProto Maker(string value) => _graph.Node.FirstOrDefault(n => n.Output.Contains(value))
        ?? throw new OnnxException($"the output {value} is an input or a stored tensor: there is no last layer.");

    private TensorProto? Weight(string name) => _graph.Initializer.FirstOrDefault(t => t.Name == name);

    private TensorProto? Constant(string name) =>
        _graph.Node.FirstOrDefault(n => n.OpType == "Constant" && n.Output.Contains(name))?.Attribute.FirstOrDefault(a => a.Name == "value")?.T;

    private static long Flag(NodeProto node, string name, long otherwise = 0) =>
        node.Attribute.FirstOrDefault(a => a.Name == name) is { Type: Kind.Int } attribute ? attribute.I : otherwise;

    private static OnnxException Odd(NodeProto node, string why) =>
        new($"the last layer cannot be replaced: at {(node.Name.Length > 0 ? node.Name : node.Output[0])} ({node.OpType}) {why}.");
}
