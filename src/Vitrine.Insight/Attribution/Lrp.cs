using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>How relevance passes an addition of two activations, such as a shortcut's.</summary>
public enum LrpAddition
{
    /// <summary>In proportion to what each adds: relevance is conserved.</summary>
    Proportional,

    /// <summary>All of it to each, as a gradient does.</summary>
    Gradient,
}

/// <summary>
/// Layer-wise relevance propagation (Bach et al. 2015, "On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance propagation"):
/// the score itself is shared out from result to input, layer by layer, with a rule for each linear layer.
/// </summary>
/// <remarks>
/// Between linear layers: activation functions, normalisation and operators on one activation and a constant pass relevance on as it is; a maximum passes it to
/// the element that was chosen; means, sums and other linear operators without weights share it out in proportion. A product of two activations gives all of it
/// to the signal and none to the gate (sigmoid, softmax, a normaliser; Arras et al. 2017, "Explaining recurrent neural network predictions in sentiment
/// analysis"), half to each where neither or both are gates; a quotient all to the numerator. A matrix product of two activations gives half to each and
/// softmax x (R - p sum(R)) (Achtibat et al. 2024, "AttnLRP"). Any other operator is refused.
/// </remarks>
/// <param name="composite">Which rule each linear layer gets; epsilon everywhere unless given.</param>
/// <param name="additions">How relevance passes an addition of two activations.</param>
public sealed class Lrp(LrpComposite? composite = null, LrpAddition additions = LrpAddition.Proportional) : IAttribution
{
    private readonly LrpComposite _composite = composite ?? LrpComposite.Epsilon;

    /// <inheritdoc/>
    public string Name => _composite.Name;

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        cancel.ThrowIfCancellationRequested();
        using var scope = MemoryScope.Open();
        Recorded run = Recorded.Of(model, input, target, wrt);
        Tensor values = run.Back(new LrpWalk(run, _composite, additions).Rules, seed: run.Score.Detach());
        return new Attribution(Name, target, scope.Keep(values), scope.Keep(run.Wrt), scope.Keep(run.Score), scope.Keep(run.Output));
    }
}

/// <summary>The rules of one explanation by relevance: what the walker carries is relevance in place of gradients.</summary>
internal sealed class LrpWalk
{
    private readonly Graph _graph;
    private readonly Dictionary<Node, LinearLayer> _layers;
    private readonly HashSet<Node> _folded;
    private readonly LrpComposite _composite;
    private readonly LrpAddition _additions;

    public LrpWalk(Recorded run, LrpComposite composite, LrpAddition additions)
    {
        _graph = new Graph(run.Score, run.Input, run.Wrt);
        (_layers, _folded) = LinearLayer.Of(_graph);
        (_composite, _additions) = (composite, additions);
    }

    public BackwardRule? Rules(Node node)
    {
        if (_folded.Contains(node)) return Pass;
        if (_layers.TryGetValue(node, out LinearLayer? layer)) return (_, relevance, _, _) => _composite.RuleOf(layer)(layer, relevance);
        bool constant = _graph.Constant(node) is not null;
        return node.Op switch
        {
            AddOp or SubtractOp => constant ? Pass : _additions == LrpAddition.Gradient ? Own : Addition,
            MultiplyOp => constant ? Pass : Product,
            DivideOp when _graph.Varies(node.Inputs[0]) => static (n, relevance, input, _) => input == 0 ? relevance.SumTo(n.Inputs[0].Shape) : null,
            MatMulOp => Uniform,
            SoftmaxOp { Name: "Softmax" } => Softmax,
            RowNormOp or BatchNormOp or PReluOp => FirstOnly,
            ReluOp or LeakyReluOp or EluOp or SeluOp or GeluOp or GeluTanhOp or SiluOp or MishOp or SigmoidOp or TanhOp => Pass,
            SoftplusOp or SoftsignOp or HardSigmoidOp or HardSwishOp or ClampOp or AffineOp => Pass,
            MaxPool2dOp or AdaptiveMaxPool2dOp or ExtremeOp or MaximumOp or MinimumOp => Own,
            LinearOp or Conv2dOp or ConvTranspose2dOp or UnaryOp => Unsupported, // weights that vary; functions that are no activation
            _ when node.Op.Traits.HasFlag(OpTraits.Reshaping) || node.Op.Traits.HasFlag(OpTraits.Routing) => Own,
            _ when node.Op.Traits.HasFlag(OpTraits.Linear) => Proportional,
            _ => Unsupported,
        };
    }

    private static Tensor? Pass(Node node, Tensor relevance, int input, Node? reference) => relevance.SumTo(node.Inputs[input].Shape);

    private static Tensor? Own(Node node, Tensor relevance, int input, Node? reference) => node.Op.Backward(node, relevance, input);

    private static Tensor? FirstOnly(Node node, Tensor relevance, int input, Node? reference) => input == 0
        ? relevance
        : Unsupported(node, relevance, input, reference);

    private static Tensor? Unsupported(Node node, Tensor relevance, int input, Node? reference) => throw new NotSupportedException(
        $"layer-wise relevance propagation has no rule for {node.Op.Name}{(node.Scope is null ? "" : $" in {node.Scope}")}; explain a later layer");

    /// <summary>To each term in proportion to what it adds.</summary>
    private static Tensor? Addition(Node node, Tensor relevance, int input, Node? reference)
    {
        Tensor share = relevance / LrpRules.Stable(node.Output, LrpRules.Stabilizer), term = node.Inputs[input];
        return ((node.Op is SubtractOp && input == 1 ? -term : term) * share).SumTo(term.Shape);
    }

    /// <summary>In proportion to what each element adds.</summary>
    private static Tensor? Proportional(Node node, Tensor relevance, int input, Node? reference) =>
        input == 0
            ? node.Inputs[0] * node.Op.Backward(node, relevance / LrpRules.Stable(node.Output, LrpRules.Stabilizer), 0)!
            : Unsupported(node, relevance, input, reference);

    /// <summary>Half to each factor, there in proportion to what each element adds.</summary>
    private static Tensor? Uniform(Node node, Tensor relevance, int input, Node? reference) =>
        node.Inputs[input] * node.Op.Backward(node, relevance / LrpRules.Stable(node.Output, LrpRules.Stabilizer), input)! * 0.5f;

    private static Tensor? Softmax(Node node, Tensor relevance, int input, Node? reference)
    {
        Tensor x = node.Inputs[0], p = node.Output, zero = Tensor.Scalar(0);
        Tensor open = p.Greater(zero).Where(x, zero); // what a mask has shut is minus infinity
        return open * (relevance - p * relevance.Sum([((SoftmaxOp)node.Op).Axis], keepDims: true));
    }

    private Tensor? Product(Node node, Tensor relevance, int input, Node? reference)
    {
        bool mine = IsGate(node.Inputs[input], shifted: false), other = IsGate(node.Inputs[1 - input], shifted: false);
        if (mine != other) return mine ? null : relevance.SumTo(node.Inputs[input].Shape);
        return (relevance * 0.5f).SumTo(node.Inputs[input].Shape);
    }

    /// <summary>
    /// Whether a tensor is a factor that scales a signal: squashed to a positive range or a normaliser, perhaps rearranged, scaled or shifted since.
    /// </summary>
    private bool IsGate(Tensor tensor, bool shifted)
    {
        while (tensor.Source is { } node && _graph.Varies(tensor))
        {
            switch (node.Op)
            {
                case SigmoidOp or HardSigmoidOp or SoftmaxOp or ErfOp or RsqrtOp or ReciprocalOp:
                    return true;
                case TanhOp:
                    return shifted; // 1 + tanh, as GELU has it; tanh itself is a signal
                case AffineOp affine:
                    shifted |= affine.Shift != 0;
                    break;
                case AddOp or MultiplyOp when _graph.Constant(node) is not null:
                    shifted |= node.Op is AddOp;
                    break;
                case not null when node.Op.Traits.HasFlag(OpTraits.Reshaping) && node.Inputs.Count == 1:
                    break;
                default:
                    return false;
            }
            tensor = node.Inputs.First(_graph.Varies);
        }
        return false;
    }
}
