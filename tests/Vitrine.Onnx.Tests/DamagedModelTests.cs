using Vitrine.Onnx.Proto;
using Vitrine.Tests;

namespace Vitrine.Onnx.Tests;

/// <summary>Models that are damaged at random: each is refused with an error of its own kind, or runs.</summary>
public sealed class DamagedModelTests
{
    private static readonly OnnxOptions Small = new() { LargestTensor = 1 << 16, LongestLoop = 200 };

    [Fact]
    public void DamagedModelsAreRefusedOrRun() => Mutations.Survive<OnnxException>([.. Models().Select(m => m.Bytes())], OpenAndRun, bytesPerByte: 64);

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
        yield return new ModelWriter().Input("x", "n", 3, 8, 8).Output("y").Add(ModelWriter.Longs("sizes", 2, 3, 16, 12)).Add(ModelWriter.Longs("pads", 0, 0, 1, 1, 0, 0, 1, 1))
            .Add(ModelWriter.Longs("repeats", 1, 2, 1, 1)).Do("Resize x _ _ sizes -> a", ("mode", "linear")).Do("Pad a pads -> b", ("mode", "reflect")).Do("Tile b repeats -> c")
            .Do("AveragePool c -> d", ("kernel_shape", new[] { 3, 3 }), ("pads", new[] { 1, 1, 1, 1 })).Do("Transpose d -> e", ("perm", new[] { 0, 2, 3, 1 })).Do("ReduceMean e -> f", ("axes", new[] { 1, 2 }))
            .Do("Softmax f -> y");
        yield return Looping();
    }

    private static ModelWriter Looping()
    {
        var body = new GraphProto { Name = "body" };
        body.Input.AddRange([ModelWriter.Info("i", ElementType.Int64), ModelWriter.Info("go", ElementType.Bool), ModelWriter.Info("v", ElementType.Float, 1)]);
        body.Node.AddRange([ModelWriter.Node("Add v x -> w"), ModelWriter.Node("Identity go -> on"), ModelWriter.Node("Identity w -> out")]);
        body.Output.AddRange([ModelWriter.Info("on", ElementType.Bool), ModelWriter.Info("w", ElementType.Float, 1), ModelWriter.Info("out", ElementType.Float, 1)]);
        return new ModelWriter().Input("x", 1).Output("y", 3, 1).Add(ModelWriter.Longs("times", 3)).Do("Loop times _ x -> last y", ("body", body));
    }
}
