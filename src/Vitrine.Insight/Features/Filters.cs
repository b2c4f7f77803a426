using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>The weights of a layer, as pictures to be drawn.</summary>
/// <param name="Scope">The module call that uses them.</param>
/// <param name="Weights">[O, C, KH, KW] of a convolution; [O, ...] of a dense layer, in the shape of what it reads where that is known.</param>
/// <param name="SeesInput">Whether the layer reads the network's input itself, so that three channels are colours.</param>
/// <param name="Dense">Whether they are a dense layer's: templates of a whole input each, rather than filters that slide.</param>
public sealed record LayerFilters(string Scope, Tensor Weights, bool SeesInput, bool Dense);

/// <summary>The weights of convolutions and dense layers, as pictures to be drawn.</summary>
public static class Filters
{
    /// <summary>The first convolution of a network: the filters that look at the input itself, [O, C, KH, KW].</summary>
    /// <exception cref="ArgumentException">The network has no parameter of four axes.</exception>
    public static Parameter First(Module model) => model.Parameters.FirstOrDefault(p => p.Value.Rank == 4)
        ?? throw new ArgumentException($"{model.GetType().Name} has no convolution: none of its parameters has four axes.");

    /// <summary>The filters of every convolution and the templates of every dense layer, in the order of computation, from one recorded run.</summary>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...], of which the first example is used.</param>
    /// <remarks>
    /// A dense layer that reads a flattened feature map has weights [O, C, H, W]. A transposed convolution's weights [C, O / groups, KH, KW] are turned to
    /// [O, C / groups, KH, KW] where it has one group; with several it is left out. Weights that are computed from the input, as in attention, are none.
    /// </remarks>
    public static IReadOnlyList<LayerFilters> Of(Module model, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(input);
        Tensor example = input.Detach().Slice(0, 0, 1);
        Tensor watched = example.DType == DType.Float32 ? example.Watch() : example;
        Tensor output = model.Call(new Run(recording: true, fused: false), watched);
        var graph = new Graph(output, watched);
        var found = new List<LayerFilters>();
        foreach (Node node in Autograd.Ancestors(output))
        {
            if (node.Inputs.Count < 2 || graph.Varies(node.Inputs[1])) continue;
            Tensor weight = node.Inputs[1].Detach();
            bool sees = Plain(node.Inputs[0], watched);
            string scope = node.Scope ?? "";
            switch (node.Op)
            {
                case Conv2dOp when graph.Varies(node.Inputs[0]):
                    found.Add(new LayerFilters(scope, weight, sees, Dense: false));
                    break;
                case ConvTranspose2dOp { Geometry.Groups: 1 } when graph.Varies(node.Inputs[0]):
                    found.Add(new LayerFilters(scope, weight.Permute(1, 0, 2, 3), false, Dense: false));
                    break;
                case LinearOp when graph.Varies(node.Inputs[0]):
                    found.Add(new LayerFilters(scope, Unflattened(node.Inputs[0], weight), sees, Dense: true));
                    break;
                case MatMulOp { TransposeA: false } op when weight.Rank == 2 && graph.Varies(node.Inputs[0]):
                    found.Add(new LayerFilters(scope, Unflattened(node.Inputs[0], op.TransposeB ? weight : weight.Permute(1, 0)), sees, Dense: true));
                    break;
            }
        }
        return found;
    }

    // Behind reshapes alone.
    private static bool Plain(Tensor x, Tensor input)
    {
        while (x.Source is { Op: ReshapeOp } node) x = node.Inputs[0];
        return ReferenceEquals(x, input);
    }

    private static Tensor Unflattened(Tensor x, Tensor weight)
    {
        while (x.Source is { Op: ReshapeOp } node) x = node.Inputs[0];
        return x.Rank > 2 && x.Shape[0] == 1 && x.Count == weight.Shape[1] ? weight.Reshape(x.Shape.With(0, weight.Shape[0])) : weight;
    }
}
