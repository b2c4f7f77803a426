using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>What each bias of a network adds to the target's score.</summary>
/// <param name="Scope">The module call the bias acts in; null outside of modules.</param>
/// <param name="Operator">The operator it is part of.</param>
/// <param name="Values">The bias times the target's gradient where it acts, of the shape of the operator's result.</param>
public sealed record BiasGradient(string? Scope, string Operator, Tensor Values);

/// <summary>
/// FullGrad (Srinivas, Fleuret 2019, "Full-gradient representation for neural network visualization"): the score of a network of ReLUs is the input times its
/// gradient plus every bias times its own; the map adds up what of this can be laid over the picture, each part as absolute values brought to [0, 1] and
/// enlarged. The values have one channel: [N, 1, H, W].
/// </summary>
/// <param name="enlarge">How maps are enlarged to the picture.</param>
public sealed class FullGrad(Interpolation enlarge = Interpolation.Linear) : IAttribution
{
    /// <inheritdoc/>
    public string Name => "fullgrad";

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        if (wrt is not null) throw new ArgumentException($"{Name} attributes to the input, not to {wrt}.", nameof(wrt));
        cancel.ThrowIfCancellationRequested();
        using var scope = MemoryScope.Open();
        Recorded run = Recorded.Of(model, input, target, null);
        (Tensor inputPart, List<BiasGradient> biases) = Decompose(run);
        Tensor map = Overlay(inputPart, input);
        foreach (BiasGradient bias in biases)
        {
            if (bias.Values.Rank == 4 && bias.Values.Shape[2] * bias.Values.Shape[3] > 1) map += Overlay(bias.Values, input);
        }
        return new Attribution(Name, target, scope.Keep(map), input, scope.Keep(run.Score), scope.Keep(run.Output));
    }

    /// <summary>
    /// The full gradient itself: the input times its gradient, and what every bias adds. In a network of ReLUs, maxima, means and linear operators everything
    /// together sums to the score.
    /// </summary>
    /// <exception cref="ArgumentException">There is no such class or neuron.</exception>
    public static (Tensor Input, IReadOnlyList<BiasGradient> Biases) Decompose(Module model, Tensor input, Target target)
    {
        using var scope = MemoryScope.Open();
        (Tensor values, List<BiasGradient> biases) = Decompose(Recorded.Of(model, input, target, null));
        return (scope.Keep(values), [.. biases.Select(b => b with { Values = scope.Keep(b.Values) })]);
    }

    private static (Tensor Input, List<BiasGradient> Biases) Decompose(Recorded run)
    {
        var graph = new Graph(run.Score, run.Wrt);
        var biases = new List<BiasGradient>();
        Node? seen = null;
        Tensor gradient = run.Back(node => !graph.Varies(node.Output) ? null : (n, grad, input, _) =>
        {
            if (!ReferenceEquals(n, seen) && Bias(n, graph) is { } bias) biases.Add(new BiasGradient(n.Scope, n.Op.Name, grad * bias));
            seen = n; // a node of several inputs is asked for each of them
            return n.Op.Backward(n, grad, input);
        });
        return (gradient * run.Wrt, biases);
    }

    /// <summary>What an operator gives for an input of zeros, broadcasting to its result; null for nothing.</summary>
    private static Tensor? Bias(Node node, Graph graph) => node.Op switch
    {
        AffineOp affine => affine.Shift == 0 ? null : Tensor.Scalar(affine.Shift),
        AddOp => graph.Constant(node),
        SubtractOp => graph.Constant(node) is { } constant ? (ReferenceEquals(constant, node.Inputs[0]) ? constant : -constant) : null,
        BatchNormOp or LinearOp or Conv2dOp when node.Inputs.Count > 2 => node.On([Tensor.Zeros(node.Inputs[0].Shape), .. node.Inputs.Skip(1)]).Output,
        _ => null,
    };

    private Tensor Overlay(Tensor part, Tensor input)
    {
        Tensor values = part.Abs();
        Tensor low = values.Min([1, 2, 3], keepDims: true), range = values.Max([1, 2, 3], keepDims: true) - low;
        Tensor scaled = (values - low) / range.EqualTo(Tensor.Scalar(0)).Where(Tensor.Scalar(1), range);
        return FeatureMaps.Enlarge(scaled, input, enlarge).Sum([1], keepDims: true);
    }
}
