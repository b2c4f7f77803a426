using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>
/// The rules of DeepLIFT (Shrikumar, Greenside, Kundaje 2017). A multiplier takes the place of the gradient: what it gives to the inputs of an operator, times
/// their differences from the reference, is what the output's difference carried.
/// </summary>
public static class DeepLiftRules
{
    // Below this a difference is too small for its quotient; the derivative takes over.
    private const float Tiny = 1e-10f;

    // A smooth function's quotient over a short way is its derivative in the middle, to second order, and loses no digits.
    private const float Short = 1e-3f;

    /// <summary>
    /// The Rescale rule: an elementwise function by the quotient of its differences. Linear operators by gradient; a product or quotient of two activations by
    /// the mean over both orders in which its operands can change (their Shapley values), which is the gradient at the mean of input and reference; maxima and
    /// softmax after Captum (a maximum first rises to the larger of both, where the input's maximum stands, then falls, where the reference's stands; softmax
    /// is rescaled and its mean over the axis taken off). All but softmax share out the whole difference. Anything else is refused.
    /// </summary>
    public static RuleSet Rescale { get; } = static node => node.Op switch
    {
        MultiplyOp or MatMulOp => InTheMiddle,
        DivideOp => Quotient,
        MaximumOp or MinimumOp or PowOp => EitherOrder,
        SubtractOp or AddOp or ConcatOp => Gradient,
        WhereOp => Chosen,
        GatherOp or IndexSelectOp => SameChoice,
        MaxPool2dOp or AdaptiveMaxPool2dOp or ExtremeOp => Maximum,
        SoftmaxOp { Name: "Softmax" } => Softmax,
        PReluOp or ReluOp or LeakyReluOp or ClampOp or AbsOp or HardSigmoidOp => Piecewise,
        AffineOp => Gradient,
        UnaryOp => Smooth,
        PadOp => Gradient,
        _ when node.Op.Traits.HasFlag(OpTraits.Linear) => Linear,
        _ => Unsupported,
    };

    private static readonly BackwardRule Gradient = static (node, grad, input, _) => node.Op.Backward(node, grad, input);

    private static readonly BackwardRule Unsupported = static (node, _, _, _) => throw NoRule(node);

    private static readonly BackwardRule Linear = static (node, grad, input, _) =>
        input == 0
            ? node.Op.Backward(node, grad, 0)
            : throw new NotSupportedException("DeepLIFT has no rule for an operator whose weights depend on what is explained");

    private static readonly BackwardRule Piecewise = static (node, grad, input, reference) =>
        input == 0 ? Quotients(node, grad, reference!, node.Op.Backward(node, grad, 0)!, Tiny) : throw NoRule(node);

    private static readonly BackwardRule Smooth = static (node, grad, _, reference) =>
    {
        Tensor x = node.Inputs[0], start = reference!.Inputs[0];
        Node middle = node.On((x + start) * 0.5f);
        return node.Op.Backward(middle, grad, 0) is { } derivative ? Quotients(node, grad, reference, derivative, Short) : throw NoRule(node);
    };

    private static readonly BackwardRule InTheMiddle = static (node, grad, input, reference) =>
    {
        Node middle = node.On((node.Inputs[0] + reference!.Inputs[0]) * 0.5f, (node.Inputs[1] + reference.Inputs[1]) * 0.5f);
        return node.Op.Backward(middle, grad, input);
    };

    private static readonly BackwardRule Quotient = static (node, grad, input, reference) =>
    {
        Tensor a = node.Inputs[0], b = node.Inputs[1], a0 = reference!.Inputs[0], b0 = reference.Inputs[1];
        // The difference of 1 / b, over that of b, is -1 / (b b0).
        Tensor share = input == 0 ? grad * ((b.Reciprocal() + b0.Reciprocal()) * 0.5f) : -(grad * ((a + a0) * 0.5f) / (b * b0));
        return share.SumTo(node.Inputs[input].Shape);
    };

    private static readonly BackwardRule EitherOrder = static (node, grad, input, reference) =>
    {
        Tensor[] x = [.. node.Inputs], start = [.. reference!.Inputs];
        Tensor[] first = [.. start], last = [.. x]; // this operand changes first, or last
        first[input] = x[input];
        last[input] = start[input];
        Tensor change = (node.On(first).Output - reference.Output + node.Output - node.On(last).Output) * 0.5f;
        Tensor difference = (x[input] - start[input]).Expand(change.Shape);
        Tensor gradient = node.Op.Backward(node, grad, input)!;
        Tensor share = Divide(grad * change, difference, Tensor.Zeros(change.Shape), Tiny).SumTo(x[input].Shape);
        return (x[input] - start[input]).Abs().Less(Tensor.Scalar(Tiny)).Where(gradient, share);
    };

    private static readonly BackwardRule Chosen = static (node, grad, input, reference) => Same(node.Inputs[0].Bools, reference!.Inputs[0].Bools)
        ? node.Op.Backward(node, grad, input)
        : throw new NotSupportedException("DeepLIFT has no rule for a choice that is another one for the reference");

    private static readonly BackwardRule SameChoice = static (node, grad, input, reference) =>
        input == 0 && Same(node.Inputs[1].Longs, reference!.Inputs[1].Longs)
        ? node.Op.Backward(node, grad, 0)
        : throw new NotSupportedException("DeepLIFT has no rule for a choice of positions that is another one for the reference");

    private static readonly BackwardRule Maximum = static (node, grad, _, reference) =>
    {
        Tensor peak = node.Output.Maximum(reference!.Output);
        Tensor rise = node.Op.Backward(node, grad * (peak - reference.Output), 0)!;
        Tensor fall = reference.Op.Backward(reference, grad * (node.Output - peak), 0)!;
        Tensor difference = node.Inputs[0] - reference.Inputs[0];
        return Divide(rise + fall, difference, node.Op.Backward(node, grad, 0)!, Tiny);
    };

    private static readonly BackwardRule Softmax = static (node, grad, _, reference) =>
    {
        Tensor rescaled = Quotients(node, grad, reference!, node.Op.Backward(node, grad, 0)!, Tiny);
        return rescaled - rescaled.Mean([((SoftmaxOp)node.Op).Axis], keepDims: true);
    };

    /// <summary>The gradient times difference out over difference in; what is given where the latter is below the limit.</summary>
    private static Tensor Quotients(Node node, Tensor grad, Node reference, Tensor otherwise, float limit) =>
        Divide(grad * (node.Output - reference.Output), node.Inputs[0] - reference.Inputs[0], otherwise, limit);

    private static Tensor Divide(Tensor a, Tensor b, Tensor otherwise, float limit)
    {
        Tensor wide = b.Abs().GreaterOrEqual(Tensor.Scalar(limit)); // not so the difference of two infinities, which a mask has put there
        return wide.Where(a / wide.Where(b, Tensor.Scalar(1)), otherwise);
    }

    private static bool Same<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b) => a.SequenceEqual(b);

    private static NotSupportedException NoRule(Node node) => new(
        $"DeepLIFT has no rule for {node.Op.Name}{(node.Scope is null ? "" : $" in {node.Scope}")}; give it one of your own, or explain a later layer");
}
