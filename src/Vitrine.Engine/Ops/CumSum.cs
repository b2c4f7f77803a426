using Vitrine.Ops;

namespace Vitrine.Ops
{
    /// <summary>Running sums along an axis.</summary>
    /// <param name="axis">The axis; negative from the end.</param>
    /// <param name="reverse">Whether to start at the end.</param>
    public sealed class CumSumOp(int axis, bool reverse = false) : Op
    {
        /// <summary>The axis; negative from the end.</summary>
        public int Axis => axis;

        /// <summary>Whether sums start at the end.</summary>
        public bool Reverse => reverse;

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            (int outer, int n, int inner) = inputs[0].Shape.Around(axis);
            return inputs[0].Device.CumSum(inputs[0], outer, n, inner, reverse);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => new CumSumOp(axis, !reverse).Apply(grad);
    }
}

namespace Vitrine
{
    public static partial class TensorOps
    {
        /// <summary>Running sums along an axis, from its start or from its end.</summary>
        public static Tensor CumSum(this Tensor x, int axis, bool reverse = false) => new CumSumOp(axis, reverse).Apply(x);
    }
}
