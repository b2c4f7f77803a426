using System.Runtime.InteropServices;
using Google.Protobuf;
using Vitrine.Onnx.Proto;

namespace Vitrine.Onnx.Tests;

/// <summary>Writes small models, sound ones and others.</summary>
internal sealed class ModelWriter
{
    public ModelWriter(int opset = 17)
    {
        Model = new ModelProto { IrVersion = 8, Graph = new GraphProto { Name = "test" } };
        Model.OpsetImport.Add(new OperatorSetIdProto { Version = opset });
    }

    public ModelProto Model { get; }

    public GraphProto Graph => Model.Graph;

    public static ValueInfoProto Info(string name, ElementType type, params object[] extents)
    {
        var shape = new TensorShapeProto();
        foreach (object extent in extents)
        {
            shape.Dim.Add(
                extent is int size
                    ? new TensorShapeProto.Types.Dimension { DimValue = size }
                    : new TensorShapeProto.Types.Dimension { DimParam = (string)extent });
        }
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = shape } } };
    }

    public static TensorProto Floats(string name, int[] dims, params float[] values)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)ElementType.Float, RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<float>(values)) };
        tensor.Dims.AddRange(dims.Select(d => (long)d));
        return tensor;
    }

    public static TensorProto Longs(string name, params long[] values)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)ElementType.Int64, RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<long>(values)) };
        tensor.Dims.Add(values.Length);
        return tensor;
    }

    /// <summary>A node: <c>"Conv x w -> y"</c>; an underscore stands for an input or output that is left out.</summary>
    public static NodeProto Node(string line, params (string Name, object Value)[] attributes)
    {
        string[] sides = line.Split(" -> "), left = sides[0].Split(' ');
        var node = new NodeProto { OpType = left[0] };
        node.Input.AddRange(left[1..].Select(n => n == "_" ? "" : n));
        node.Output.AddRange(sides[1].Split(' ').Select(n => n == "_" ? "" : n));
        foreach ((string name, object value) in attributes) node.Attribute.Add(Attribute(name, value));
        return node;
    }

    public static AttributeProto Attribute(string name, object value)
    {
        var attribute = new AttributeProto { Name = name };
        switch (value)
        {
            case int i: (attribute.Type, attribute.I) = (AttributeProto.Types.AttributeType.Int, i); break;
            case float f: (attribute.Type, attribute.F) = (AttributeProto.Types.AttributeType.Float, f); break;
            case string s: (attribute.Type, attribute.S) = (AttributeProto.Types.AttributeType.String, ByteString.CopyFromUtf8(s)); break;
            case TensorProto t: (attribute.Type, attribute.T) = (AttributeProto.Types.AttributeType.Tensor, t); break;
            case GraphProto g: (attribute.Type, attribute.G) = (AttributeProto.Types.AttributeType.Graph, g); break;
            case int[] all:
                attribute.Type = AttributeProto.Types.AttributeType.Ints;
                attribute.Ints.AddRange(all.Select(v => (long)v));
                break;
            case string[] all:
                attribute.Type = AttributeProto.Types.AttributeType.Strings;
                attribute.Strings.AddRange(all.Select(ByteString.CopyFromUtf8));
                break;
            default: throw new ArgumentException($"no attribute of {value.GetType()}");
        }
        return attribute;
    }

    public ModelWriter Input(string name, params object[] extents) => Input(name, ElementType.Float, extents);

    public ModelWriter Input(string name, ElementType type, params object[] extents)
    {
        Graph.Input.Add(Info(name, type, extents));
        return this;
    }

    public ModelWriter Output(string name, params object[] extents)
    {
        Graph.Output.Add(Info(name, ElementType.Float, extents));
        return this;
    }

    public ModelWriter Weight(string name, int[] dims, params float[] values)
    {
        Graph.Initializer.Add(Floats(name, dims, values));
        return this;
    }

    /// <summary>A weight of random numbers from a seed.</summary>
    public ModelWriter Random(string name, ulong seed, params int[] dims) =>
        Weight(name, dims, new RandomSource(seed).Normal(Shape.Create(dims), 0, 0.5f).ToArray());

    public ModelWriter Add(TensorProto initializer)
    {
        Graph.Initializer.Add(initializer);
        return this;
    }

    /// <summary>Adds a node; see <see cref="Node"/>. A name goes in front, before a colon.</summary>
    public ModelWriter Do(string line, params (string Name, object Value)[] attributes)
    {
        string[] parts = line.Split(": ");
        NodeProto node = Node(parts[^1], attributes);
        if (parts.Length > 1) node.Name = parts[0];
        Graph.Node.Add(node);
        return this;
    }

    public byte[] Bytes() => Model.ToByteArray();

    public OnnxModule Open(OnnxOptions? options = null) => OnnxModel.Open(new MemoryStream(Bytes()), options);

    /// <summary>The message with which the model is refused.</summary>
    public string Refused() => Assert.Throws<OnnxException>(() => Open()).Message;

    /// <summary>
    /// A small convolutional network: convolutions with batch normalisation and ReLU, a residual sum, a pool, a reshape by the batch's size, a dense layer.
    /// </summary>
    public static ModelWriter SmallNetwork() => new ModelWriter()
        .Input("x", "batch", 2, 8, 8).Output("y", "batch", 3)
        .Random("c1.weight", 1, 4, 2, 3, 3).Random("c1.bias", 2, 4)
        .Weight("bn.weight", [4], 0.5f, 1.5f, -1, 2).Random("bn.bias", 3, 4).Random("bn.running_mean", 4, 4).Weight("bn.running_var", [4], 0.5f, 1, 2, 4)
        .Random("c2.weight", 5, 4, 4, 3, 3).Random("fc.weight", 6, 3, 64).Random("fc.bias", 7, 3).Add(Longs("zero", 0)).Add(Longs("axis", 0))
        .Add(Longs("rest", -1))
        .Do("/c1/Conv: Conv x c1.weight c1.bias -> /c1/Conv_output_0", ("pads", new[] { 1, 1, 1, 1 }))
        .Do("/bn/BatchNormalization: BatchNormalization /c1/Conv_output_0 bn.weight bn.bias bn.running_mean bn.running_var -> /bn/BatchNormalization_output_0")
        .Do("/relu/Relu: Relu /bn/BatchNormalization_output_0 -> /relu/Relu_output_0")
        .Do("/c2/Conv: Conv /relu/Relu_output_0 c2.weight -> /c2/Conv_output_0", ("auto_pad", "SAME_UPPER"))
        .Do("/Add: Add /c2/Conv_output_0 /relu/Relu_output_0 -> /Add_output_0")
        .Do("/relu2/Relu: Relu /Add_output_0 -> /relu2/Relu_output_0")
        .Do("/pool/MaxPool: MaxPool /relu2/Relu_output_0 -> /pool/MaxPool_output_0", ("kernel_shape", new[] { 2, 2 }), ("strides", new[] { 2, 2 }))
        .Do("Shape /pool/MaxPool_output_0 -> shape")
        .Do("Gather shape zero -> batch_size")
        .Do("Concat batch_size rest -> flat_shape", ("axis", 0))
        .Do("/Reshape: Reshape /pool/MaxPool_output_0 flat_shape -> /Reshape_output_0")
        .Do("/fc/Gemm: Gemm /Reshape_output_0 fc.weight fc.bias -> y", ("transB", 1));
}
