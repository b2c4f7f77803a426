using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>Elements of an operator's result that stay the same whatever the network's input is, though others of it do not.</summary>
/// <remarks>
/// They come from masks. A score that a mask replaces by minus infinity, or to which it adds that, has a share of zero after the softmax, and where all
/// others are masked the one that is left has a share of one: the first position of a causal attention reads nothing but its own value. Weights are no masks:
/// a weight that happens to be zero hides nothing.
/// </remarks>
internal static class FixedElements
{
    /// <summary>Finds the elements that stay.</summary>
    /// <param name="node">The application of the operator.</param>
    /// <param name="varies">Whether each input varies with the network's input.</param>
    /// <param name="still">For each input that varies, the elements of it that stay; null where none is known to.</param>
    /// <returns>True where an element stays; null where none is known to.</returns>
    public static bool[]? Of(Node node, bool[] varies, bool[]?[] still)
    {
        Tensor result = node.Output;
        bool[] stays = new bool[result.Count];
        switch (node.Op)
        {
            case WhereOp when !varies[0]:
                for (int i = 0; i < stays.Length; i++) stays[i] = Stays(node.Inputs[0].Bools[At(i, 0)] ? 1 : 2, i);
                break;
            case AddOp when varies.Contains(false) || still[0] is not null || still[1] is not null:
                for (int i = 0; i < stays.Length; i++)
                {
                    bool a = Stays(0, i), b = Stays(1, i);
                    stays[i] = (a && b) || (a && Masked(0, i)) || (b && Masked(1, i));
                }
                break;
            case ReshapeOp when still[0] is { } same:
                return same;
            case SoftmaxOp op when still[0] is not null:
                Shares(op.Axis);
                break;
            default:
                return null;
        }
        return stays.Contains(true) ? stays : null;

        int At(int i, int input) => OperatorReach.Stretched(i, node.Inputs[input].Shape, result.Shape);

        bool Stays(int input, int i) => !varies[input] || (still[input] is { } own && own[At(i, input)]);

        bool Masked(int input, int i) => float.IsNegativeInfinity(node.Inputs[input].Floats[At(i, input)]);

        void Shares(int axis)
        {
            Shape shape = result.Shape;
            axis = shape.Axis(axis);
            int inner = 1, n = shape[axis];
            for (int a = axis + 1; a < shape.Rank; a++) inner *= shape[a];
            for (int lane = 0; lane < stays.Length / n; lane++)
            {
                int start = lane / inner * n * inner + lane % inner;
                int[] open = [.. Enumerable.Range(0, n).Select(k => start + k * inner).Where(i => !(Stays(0, i) && Masked(0, i)))];
                for (int k = 0; k < n; k++) stays[start + k * inner] = true;
                if (open.Length > 1) foreach (int i in open) stays[i] = false;
            }
        }
    }
}
