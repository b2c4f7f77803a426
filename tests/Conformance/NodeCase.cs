using Vitrine.Onnx;
using Vitrine.Onnx.Proto;

namespace Vitrine.Conformance;

/// <summary>One case of ONNX's operator tests: a model of one operator, its inputs, and the outputs it should give.</summary>
internal static class NodeCase
{
    private const double Relative = 1e-3;
    private const double Absolute = 1e-7;

    public static string[] Folders(string folder) =>
        [.. Directory.EnumerateDirectories(folder).Where(f => File.Exists(Path.Combine(f, "model.onnx"))).Order(StringComparer.Ordinal)];

    /// <summary>Runs a case. Whatever goes wrong in it is a failure of that case.</summary>
    public static (Outcome Outcome, string Finding) Run(string folder)
    {
        if (NodeSkipped.Reason(Path.GetFileName(folder)) is { } reason) return (Outcome.Skipped, reason);
        using var scope = MemoryScope.Open();
        try
        {
            string file = Path.Combine(folder, "model.onnx");
            GraphProto graph = ModelProto.Parser.ParseFrom(File.ReadAllBytes(file)).Graph;
            OnnxModule model = OnnxModel.Open(file);
            var reader = new TensorReader(null, 1 << 20);
            string data = Path.Combine(folder, "test_data_set_0");
            Value[] inputs = [.. graph.Input.Select((info, i) => Read(Path.Combine(data, $"input_{i}.pb"), info.Type, reader))];
            Value[] expected = [.. graph.Output.Select((info, i) => Read(Path.Combine(data, $"output_{i}.pb"), info.Type, reader))];
            // As it is written, and on the short way of an inference.
            foreach (bool fused in new[] { false, true })
            {
                Value[] actual = model.Evaluate(new Run(fused: fused), inputs);
                for (int i = 0; i < expected.Length; i++)
                {
                    if (Difference(actual[i], expected[i]) is { } difference) return (Outcome.Failed, $"output {graph.Output[i].Name}: {difference}");
                }
            }
            return (Outcome.Passed, "");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return (Outcome.Failed, $"{e.GetType().Name}: {e.Message}");
        }
    }

    private static string? Difference(Value actual, Value expected)
    {
        if (expected.Items is not null)
        {
            if (actual.Items?.Count != expected.Items.Count) return $"{actual}, should be {expected}";
            return expected.Items.Select((e, i) => Difference(actual.Items[i], e)).FirstOrDefault(d => d is not null);
        }
        if (!expected.IsTensor) return actual.IsTensor ? $"{actual}, should be nothing" : null;
        if (actual.Type != expected.Type) return $"the type is {ElementTypes.Name(actual.Type)}, should be {ElementTypes.Name(expected.Type)}";
        if (actual.Tensor.Shape != expected.Tensor.Shape) return $"the shape is {actual.Tensor.Shape}, should be {expected.Tensor.Shape}";
        return Comparison.Difference(actual.Tensor, expected.Tensor, Absolute, Relative);
    }

    private static Value Read(string path, TypeProto type, TensorReader reader)
    {
        byte[] bytes = File.ReadAllBytes(path);
        return type.ValueCase switch
        {
            TypeProto.ValueOneofCase.SequenceType => List(SequenceProto.Parser.ParseFrom(bytes), reader),
            TypeProto.ValueOneofCase.OptionalType => Maybe(OptionalProto.Parser.ParseFrom(bytes), reader),
            _ => Tensor(TensorProto.Parser.ParseFrom(bytes), type.TensorType.ElemType, reader),
        };
    }

    private static Value Tensor(TensorProto proto, int type, TensorReader reader)
    {
        // NumPy has no bfloat16: the suite stores the bits as integers of 16 bits.
        if (type == (int)ElementType.BFloat16 && proto.DataType == (int)ElementType.UInt16) proto.DataType = type;
        return reader.Read(proto);
    }

    private static Value List(SequenceProto proto, TensorReader reader) => Value.List([.. proto.TensorValues.Select(reader.Read)]);

    private static Value Maybe(OptionalProto proto, TensorReader reader) => proto switch
    {
        { TensorValue: not null } => reader.Read(proto.TensorValue),
        { SequenceValue: not null } => List(proto.SequenceValue, reader),
        _ => Value.Nothing,
    };
}
