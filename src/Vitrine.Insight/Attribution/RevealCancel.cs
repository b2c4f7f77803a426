using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>
/// The RevealCancel rule of DeepLIFT (Shrikumar, Greenside, Kundaje 2017, section 3.5.2): a nonlinear operator behind a linear layer has two multipliers, for
/// what raises and for what lowers its input, each the mean of the operator's change with and without the other.
/// </summary>
/// <remarks>
/// The walker carries one multiplier. A nonlinear operator hands on the Rescale multiplier and leaves a note, for the linear layer in front, of how far each of
/// the two is from it. One object serves one walk.
/// </remarks>
internal sealed class RevealCancel
{
    private readonly Dictionary<Tensor, (Tensor Raise, Tensor Lower)> _notes = new(ReferenceEqualityComparer.Instance);

    /// <summary>The rules of one walk.</summary>
    public BackwardRule? Rules(Node node) => node.Op switch
    {
        UnaryOp and not AffineOp when node.Inputs[0].Source is { } source && IsLayer(source) => Split,
        LinearOp or Conv2dOp => Join,
        _ => DeepLiftRules.Rescale(node),
    };

    private static bool IsLayer(Node node) => node.Op is LinearOp or Conv2dOp;

    private Tensor? Split(Node node, Tensor grad, int input, Node? reference)
    {
        Tensor rescaled = DeepLiftRules.Rescale(node)!(node, grad, input, reference)!;
        Node layer = node.Inputs[0].Source!, start = reference!.Inputs[0].Source!;
        (Tensor raise, Tensor lower) = Parts(layer, layer.Inputs[0] - start.Inputs[0]);
        Tensor x = node.Inputs[0], x0 = reference.Inputs[0], y0 = reference.Output, y = node.Output;
        Tensor raised = Apply(x0 + raise), lowered = Apply(x0 + lower);
        Tensor up = (raised - y0 + y - lowered) * 0.5f, down = (lowered - y0 + y - raised) * 0.5f;
        Note(x, Quotient(grad * up, raise, rescaled) - rescaled, Quotient(grad * down, lower, rescaled) - rescaled);
        return rescaled;

        Tensor Apply(Tensor at) => node.On(at).Output;
    }

    private Tensor? Join(Node node, Tensor grad, int input, Node? reference)
    {
        if (input != 0 || !_notes.TryGetValue(node.Output, out (Tensor Raise, Tensor Lower) note))
        {
            return DeepLiftRules.Rescale(node)!(node, grad, input, reference);
        }
        Tensor difference = node.Inputs[0] - reference!.Inputs[0], weight = node.Inputs[1];
        Node positive = node.On(node.Inputs[0], weight.Relu()), negative = node.On(node.Inputs[0], -(-weight).Relu());
        Tensor raise = grad + note.Raise, lower = grad + note.Lower;
        // A positive difference raises through positive weights and lowers through negative ones; a negative one the other way round; none belongs to both
        // halves.
        Tensor whenPositive = Back(positive, raise) + Back(negative, lower), whenNegative = Back(negative, raise) + Back(positive, lower);
        Tensor zero = Tensor.Scalar(0), half = (whenPositive + whenNegative) * 0.5f;
        return difference.Greater(zero).Where(whenPositive, difference.Less(zero).Where(whenNegative, half));

        static Tensor Back(Node at, Tensor seed) => at.Op.Backward(at, seed, 0)!;
    }

    /// <summary>How far the differences of a layer's input raise its result and how far they lower it.</summary>
    private static (Tensor Raise, Tensor Lower) Parts(Node layer, Tensor difference)
    {
        Tensor positive = layer.Inputs[1].Relu(), negative = -(-layer.Inputs[1]).Relu(), up = difference.Relu(), down = -(-difference).Relu();
        return (layer.On(up, positive).Output + layer.On(down, negative).Output, layer.On(up, negative).Output + layer.On(down, positive).Output);
    }

    private static Tensor Quotient(Tensor a, Tensor b, Tensor otherwise)
    {
        Tensor tiny = b.Abs().Less(Tensor.Scalar(1e-7f));
        return tiny.Where(otherwise, a / tiny.Where(Tensor.Scalar(1), b));
    }

    private void Note(Tensor at, Tensor raise, Tensor lower)
    {
        if (_notes.TryGetValue(at, out (Tensor Raise, Tensor Lower) before)) (raise, lower) = (raise + before.Raise, lower + before.Lower);
        _notes[at] = (raise, lower);
    }
}
