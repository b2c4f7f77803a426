using System.Text.Json;
using System.Text.Json.Serialization;
using Vitrine.Insight;
using Vitrine.Onnx;

namespace Vitrine.Experiments;

/// <summary>One input or output of a network.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The type of its elements, as the file names it.</param>
/// <param name="Shape">Its extents in words, an open one by its name; null where the file leaves the rank open.</param>
public sealed record PortDescription(string Name, string Type, IReadOnlyList<string>? Shape);

/// <summary>One layer of a network, or one tensor of a file of weights.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its operators, or the type of the tensor's elements.</param>
/// <param name="Shape">The shape of its result, or of the tensor.</param>
/// <param name="Parameters">How many trainable numbers it has, or how many elements.</param>
/// <param name="MultiplyAdds">Multiplications with their additions, in convolutions and matrix products.</param>
public sealed record LayerDescription(string Name, string Type, IReadOnlyList<int> Shape, long Parameters, long MultiplyAdds);

/// <summary>An attribution method and whether it can explain a network.</summary>
/// <param name="Name">The name in its paper.</param>
/// <param name="Paper">Authors, year and title.</param>
/// <param name="Applies">Whether it can.</param>
/// <param name="Reason">Why not; or null.</param>
public sealed record MethodDescription(string Name, string Paper, bool Applies, string? Reason);

/// <summary>What is in a file of a network, or of weights.</summary>
/// <param name="File">The file.</param>
/// <param name="Kind"><c>onnx</c> or <c>tensors</c>.</param>
/// <param name="Producer">What wrote it, where the file says so.</param>
/// <param name="Inputs">What the network takes.</param>
/// <param name="Outputs">What it gives.</param>
/// <param name="Layers">Layers in the order of computation, or tensors in the order of the file.</param>
/// <param name="Parameters">All trainable numbers, or all elements.</param>
/// <param name="MultiplyAdds">The sum over the layers.</param>
/// <param name="RunOn">The shapes of the inputs that shapes and costs were found with.</param>
/// <param name="Methods">Which attribution methods apply.</param>
/// <param name="Metadata">Notes in the file.</param>
public sealed record ModelDescription(
    string File,
    string Kind,
    string Producer,
    IReadOnlyList<PortDescription> Inputs,
    IReadOnlyList<PortDescription> Outputs,
    IReadOnlyList<LayerDescription> Layers,
    long Parameters,
    long MultiplyAdds,
    IReadOnlyList<IReadOnlyList<int>> RunOn,
    IReadOnlyList<MethodDescription> Methods,
    IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>The extent that is taken for an open axis, other than the batch, unless another one is asked for: pictures, and everything else.</summary>
    private const int OpenSide = 224, OpenLength = 16;

    /// <summary>Opens a file and looks at it. A network is run once, on one example of random numbers.</summary>
    /// <param name="path">ONNX, safetensors, npz, npy or a state dictionary of PyTorch.</param>
    /// <param name="size">The extent of every axis that the file leaves open, apart from the batch; null for 224 in pictures and 16 elsewhere.</param>
    /// <param name="warn">Told what the file asks for that may not be as its author meant it; or null.</param>
    /// <exception cref="IOException">The file cannot be read or is not sound.</exception>
    public static ModelDescription Of(string path, int? size = null, Action<string>? warn = null)
    {
        if (!ModelFile.IsOnnx(path))
        {
            IReadOnlyDictionary<string, Tensor> tensors = ModelFile.Tensors(path, out IReadOnlyDictionary<string, string> notes);
            LayerDescription[] rows = [.. tensors.Select(t => new LayerDescription(t.Key, $"{t.Value.DType}", t.Value.Shape.Dims.ToArray(), t.Value.Count, 0))];
            return new(path, "tensors", "", [], [], rows, rows.Sum(r => r.Parameters), 0, [], [], notes);
        }
        OnnxModule network = ModelFile.OpenOnnx(path, warn);
        Tensor[] inputs = [.. network.Inputs.Select((port, i) => Example(port, size, (ulong)i))];
        LayerDescription[] layers =
        [
            .. Network.Layers(network, inputs).Select(r => new LayerDescription(r.Scope, r.Type, r.Output.Dims.ToArray(), r.Parameters, r.MultiplyAdds)),
        ];
        return new(path, "onnx", network.Producer, [.. network.Inputs.Select(Port)], [.. network.Outputs.Select(Port)], layers,
            network.Parameters.Sum(p => (long)p.Value.Count), layers.Sum(l => l.MultiplyAdds), [.. inputs.Select(i => i.Shape.Dims.ToArray())],
            Applicable(network, inputs), network.Metadata);
    }

    /// <summary>The description as one JSON object.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, DescriptionJson.Default.ModelDescription);

    private static PortDescription Port(OnnxPort port) => new(port.Name, port.Type, port.Shape is null ? null : [.. port.Shape.Select(e => $"{e}")]);

    private static Tensor Example(OnnxPort port, int? size, ulong seed)
    {
        int rank = port.Shape?.Count ?? 0;
        Shape shape = Shape.Create([.. Enumerable.Range(0, rank).Select(axis =>
            port.Shape![axis].Size ?? (axis == 0 ? 1 : size ?? (rank == 4 ? axis == 1 ? 3 : OpenSide : OpenLength)))]);
        return port.DType switch
        {
            DType.Float32 => new RandomSource(seed).Uniform(shape, 0, 1),
            var other => Tensor.Zeros(shape).Cast(other),
        };
    }

    private static MethodDescription[] Applicable(OnnxModule network, Tensor[] inputs)
    {
        string? general = inputs.Length != 1 ? "it explains networks of one input"
            : inputs[0].DType != DType.Float32 ? "the input holds integers; a layer of numbers, such as an embedding, can be explained instead"
            : network.Outputs.Count != 1 ? "it explains networks of one output"
            : null;
        // Every method by gradients alone goes the way that the plain gradient goes; one with rules of its own is tried, for only that finds an operator
        // without one.
        string? noGradient = general ?? Trial(new Gradient(), network, inputs[0]);
        string? layer = general is null
            ? Network.Activations(network, inputs[0]).LastOrDefault(a => a.Value is { Rank: 4, DType: DType.Float32 } v && v.Shape[2] > 1).Key
            : null;
        return [.. Insight.Methods.All.Select(m => Described(m, WhyNot(m)))];

        static MethodDescription Described(Method method, string? reason) => new(method.Name, method.Paper, reason is null, reason);

        string? WhyNot(Method method)
        {
            if (general is not null) return general;
            if (method.Needs.HasFlag(Needs.Picture) && inputs[0].Rank != 4) return "it explains pictures [N, C, H, W]";
            if (method.Needs.HasFlag(Needs.FeatureMaps) && layer is null) return "it needs a layer of feature maps";
            if (method.Needs.HasFlag(Needs.Gradients) && noGradient is not null) return noGradient;
            return method.Needs.HasFlag(Needs.Rules) ? Trial(method.Create(new MethodOptions(layer)), network, inputs[0]) : null;
        }
    }

    private static string? Trial(IAttribution method, OnnxModule network, Tensor input)
    {
        try
        {
            method.Explain(network, input, Target.Top);
            return null;
        }
        catch (Exception e) when (e is NotSupportedException or ArgumentException or InvalidOperationException or IOException)
        {
            return e.Message;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ModelDescription))]
internal sealed partial class DescriptionJson : JsonSerializerContext;
