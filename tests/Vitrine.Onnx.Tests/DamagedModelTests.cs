using System.Diagnostics;
using Google.Protobuf;
using Vitrine.Onnx.Proto;
using Vitrine.Tests;

namespace Vitrine.Onnx.Tests;

/// <summary>Models that are damaged at random: each is refused with an error of its own kind, or runs.</summary>
public sealed class DamagedModelTests
{
    private static readonly OnnxOptions Small = new() { LargestTensor = 1 << 16, MostIterations = 200 };

    [Fact]
    public void DamagedModelsAreRefusedOrRun() => Mutations.Survive<OnnxException>([.. Models().Select(m => m.Bytes())], OpenAndRun, bytesPerByte: 64);

    /// <summary>
    /// Sound files that say something senseless: other operators, inputs from later nodes or of the wrong graph, extreme and negative numbers, attributes of
    /// other types, graphs inside of themselves, data that lie elsewhere. Flipped bits seldom get so far.
    /// </summary>
    [Fact]
    public void SenselessModelsAreRefusedOrRun()
    {
        ModelProto[] models = [.. Models().Select(m => m.Model)];
        int refused = 0, count = Mutations.Count;
        for (int seed = 0; seed < count; seed++)
        {
            byte[] bytes = Senseless(models[seed % models.Length], new Random(seed)).ToByteArray();
            long before = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
            try
            {
                OpenAndRun(bytes);
            }
            catch (OnnxException)
            {
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"Change {seed}: {e}");
            }
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(5), $"Change {seed} took {Stopwatch.GetElapsedTime(start)}.");
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < 64 << 20, $"Change {seed} took {allocated} bytes of memory.");
        }
        Assert.InRange(refused, count / 4, count - 1);
        TestContext.Current.TestOutputHelper?.WriteLine($"{count} senseless models: {count - refused} ran, {refused} refused.");
    }

    private static ModelProto Senseless(ModelProto model, Random random)
    {
        ModelProto copy = model.Clone();
        string[] values = [.. copy.Graph.Node.SelectMany(n => n.Output).Concat(copy.Graph.Initializer.Select(i => i.Name)), "", "nowhere"];
        string[] operators = [.. Registry.Names];
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            GraphProto[] graphs = [.. Protos.Graphs(copy.Graph)];
            GraphProto graph = graphs[random.Next(graphs.Length)];
            if (graph.Node.Count == 0) continue;
            NodeProto node = graph.Node[random.Next(graph.Node.Count)];
            switch (random.Next(14))
            {
                case 0 when node.Input.Count > 0: node.Input[random.Next(node.Input.Count)] = values[random.Next(values.Length)]; break;
                case 1 when node.Output.Count > 0: node.Output[random.Next(node.Output.Count)] = values[random.Next(values.Length)]; break;
                case 2: node.OpType = operators[random.Next(operators.Length)]; break;
                case 3: node.Input.Add(values[random.Next(values.Length)]); break;
                case 4 when node.Input.Count > 0: node.Input.RemoveAt(random.Next(node.Input.Count)); break;
                case 5: graph.Node.Remove(node); break;
                case 6: graph.Node.Insert(0, node.Clone()); break;
                case 7: node.Attribute.Add(ModelWriter.Attribute("body", graph.Clone())); break;
                case 8 when node.Attribute.Count > 0: Spoil(node.Attribute[random.Next(node.Attribute.Count)], random); break;
                case 9 when node.Attribute.Count > 0:
                    node.Attribute[random.Next(node.Attribute.Count)].Type = (AttributeProto.Types.AttributeType)random.Next(16);
                    break;
                case 10 when graph.Initializer.Count > 0: Spoil(graph.Initializer[random.Next(graph.Initializer.Count)], random); break;
                case 11 when graph.Input.Count > 0:
                    graph.Input[random.Next(graph.Input.Count)].Type = ModelWriter.Info("i", (ElementType)random.Next(20), random.Next(-2, 9), "n").Type;
                    break;
                case 12 when graph.Output.Count > 0: graph.Output.RemoveAt(random.Next(graph.Output.Count)); break;
                case 13: copy.OpsetImport[0].Version = random.Next(30); break;
            }
        }
        return copy;
    }

    private static void Spoil(AttributeProto attribute, Random random)
    {
        attribute.I = Extreme(random);
        attribute.F = Extreme(random);
        for (int i = 0; i < attribute.Ints.Count; i++) if (random.Next(2) == 0) attribute.Ints[i] = Extreme(random);
        if (random.Next(4) == 0) attribute.Ints.Add(Extreme(random));
        attribute.S = ByteString.CopyFromUtf8("SAME_LOWER");
    }

    private static void Spoil(TensorProto tensor, Random random)
    {
        switch (random.Next(5))
        {
            case 0 when tensor.Dims.Count > 0: tensor.Dims[random.Next(tensor.Dims.Count)] = Extreme(random); break;
            case 1: tensor.DataType = random.Next(25); break;
            case 2: tensor.RawData = tensor.RawData.Length > 8 ? ByteString.CopyFrom(tensor.RawData.Span[..^8]) : ByteString.Empty; break;
            case 3 when tensor.RawData.Length >= 8:
                tensor.RawData = ByteString.CopyFrom([.. BitConverter.GetBytes(Extreme(random)), .. tensor.RawData.Span[8..]]);
                break;
            default:
                tensor.DataLocation = TensorProto.Types.DataLocation.External;
                tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "../../etc/passwd" });
                break;
        }
    }

    private static long Extreme(Random random) => random.Next(8) switch
    {
        0 => 0,
        1 => -1,
        2 => random.Next(-5, 6),
        3 => random.Next(0, 300),
        4 => int.MaxValue,
        5 => int.MinValue,
        6 => long.MaxValue,
        _ => random.NextInt64(),
    };

    /// <summary>Opens a model and runs it on zeros, where it says what it takes.</summary>
    private static void OpenAndRun(byte[] bytes)
    {
        OnnxModule net = OnnxModel.Open(new MemoryStream(bytes), Small);
        var inputs = new List<Tensor>();
        foreach (OnnxPort port in net.Inputs)
        {
            if (port.Shape is null || port.Shape.Aggregate(1L, (n, e) => n > 1 << 20 ? n : n * (e.Size ?? 2)) > 1 << 12) return;
            Shape shape = Shape.Create([.. port.Shape.Select(e => e.Size ?? 2)]);
            inputs.Add(Tensor.Zeros(shape).Cast(port.DType));
        }
        using var scope = MemoryScope.Open();
        net.Call(new Run(), [.. inputs]);
    }

    private static IEnumerable<ModelWriter> Models()
    {
        yield return ModelWriter.SmallNetwork();
        yield return new ModelWriter().Input("x", "t", 2, 3).Output("y", "t", 1, 2, 2).Random("w", 1, 1, 8, 3).Random("r", 2, 1, 8, 2)
            .Do("LSTM x w r -> y", ("hidden_size", 2), ("activations", new[] { "Sigmoid", "Tanh", "Tanh" }));
        yield return new ModelWriter().Input("x", "n", 3, 8, 8).Output("y").Add(ModelWriter.Longs("sizes", 2, 3, 16, 12))
            .Add(ModelWriter.Longs("pads", 0, 0, 1, 1, 0, 0, 1, 1))
            .Add(ModelWriter.Longs("repeats", 1, 2, 1, 1)).Do("Resize x _ _ sizes -> a", ("mode", "linear")).Do("Pad a pads -> b", ("mode", "reflect"))
            .Do("Tile b repeats -> c")
            .Do("AveragePool c -> d", ("kernel_shape", new[] { 3, 3 }), ("pads", new[] { 1, 1, 1, 1 })).Do("Transpose d -> e", ("perm", new[] { 0, 2, 3, 1 }))
            .Do("ReduceMean e -> f", ("axes", new[] { 1, 2 }))
            .Do("Softmax f -> y");
        yield return Looping();
    }

    private static ModelWriter Looping()
    {
        var body = new GraphProto { Name = "body" };
        body.Input.AddRange([ModelWriter.Info("i", ElementType.Int64), ModelWriter.Info("go", ElementType.Bool), ModelWriter.Info("v", ElementType.Float, 1)]);
        body.Node.AddRange([ModelWriter.Node("Add v x -> w"), ModelWriter.Node("Identity go -> on"), ModelWriter.Node("Identity w -> out")]);
        body.Output.AddRange([ModelWriter.Info("on", ElementType.Bool), ModelWriter.Info("w", ElementType.Float, 1),
            ModelWriter.Info("out", ElementType.Float, 1)]);
        return new ModelWriter().Input("x", 1).Output("y", 3, 1).Add(ModelWriter.Longs("times", 3)).Do("Loop times _ x -> last y", ("body", body));
    }
}
