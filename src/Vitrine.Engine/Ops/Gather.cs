using Vitrine.Ops;

namespace Vitrine.Ops
{
    /// <summary>Whole slices of an axis, chosen by index; an embedding is this on axis 0. Inputs: x, index (Int64, any shape, non-negative).</summary>
    /// <param name="axis">The axis, non-negative; the index's axes take its place.</param>
    public sealed class IndexSelectOp(int axis) : Op
    {
        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Routing | OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            (int outer, int n, int inner) = inputs[0].Shape.Around(axis);
            ReadOnlySpan<int> dims = inputs[0].Shape.Dims;
            return inputs[0].Device.IndexSelect(inputs[0], inputs[1], outer, n, inner, [.. dims[..axis], .. inputs[1].Shape.Dims, .. dims[(axis + 1)..]]);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => input == 1 ? null : new AddOp(axis, node.Inputs[0].Shape).Apply(grad, node.Inputs[1]);

        /// <summary>The adjoint: slices are added where they came from.</summary>
        private sealed class AddOp(int axis, Shape shape) : Op
        {
            public override string Name => "IndexAdd";

            public override OpTraits Traits => OpTraits.Linear;

            public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
            {
                (int outer, int n, int inner) = shape.Around(axis);
                return inputs[0].Device.IndexAdd(inputs[0], inputs[1], outer, n, inner, shape);
            }

            public override Tensor? Backward(Node node, Tensor grad, int input) => input == 1 ? null : new IndexSelectOp(axis).Apply(grad, node.Inputs[1]);
        }
    }

    /// <summary>One element along an axis for each index. Inputs: x, index (Int64, x's shape but along the axis, non-negative).</summary>
    /// <param name="axis">The axis, non-negative.</param>
    public sealed class GatherOp(int axis) : Op
    {
        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Routing | OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Tensor x = inputs[0], index = inputs[1];
            if (index.Rank != x.Rank || index.Shape.With(axis, 0) != x.Shape.With(axis, 0)) throw new ArgumentException($"the index must have the shape of x but along axis {axis}");
            (int outer, int n, int inner) = x.Shape.Around(axis);
            return x.Device.Gather(x, index, outer, n, inner);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => input == 1 ? null : new ScatterAddOp(axis, node.Inputs[0].Shape).Apply(grad, node.Inputs[1]);
    }

    /// <summary>Zeros to which elements are added along an axis at the places that an index names. Inputs: values, index (Int64, of the values' shape).</summary>
    /// <param name="axis">The axis, non-negative.</param>
    /// <param name="shape">The result's shape.</param>
    public sealed class ScatterAddOp(int axis, Shape shape) : Op
    {
        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            (int outer, int n, int inner) = shape.Around(axis);
            return inputs[0].Device.ScatterAdd(inputs[0], inputs[1], outer, n, inner, shape);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => input == 1 ? null : new GatherOp(axis).Apply(grad, node.Inputs[1]);
    }
}

namespace Vitrine
{
    public static partial class TensorOps
    {
        /// <summary>Whole slices of an axis, chosen by index (Int64, any shape); the index's axes take the axis's place.</summary>
        /// <exception cref="ArgumentException">An index is outside the axis.</exception>
        public static Tensor IndexSelect(this Tensor x, int axis, Tensor index) => new IndexSelectOp(x.Shape.Axis(axis)).Apply(x, index);

        /// <summary>Rows of a table [V, D] for token numbers (Int64, any shape): [..., D].</summary>
        /// <exception cref="ArgumentException">A token number is outside the table.</exception>
        public static Tensor Embedding(this Tensor table, Tensor tokens) => table.IndexSelect(0, tokens);

        /// <summary>One element along an axis for each index; the index has this shape but along the axis.</summary>
        /// <exception cref="ArgumentException">An index is outside the axis, or the shapes do not fit.</exception>
        public static Tensor Gather(this Tensor x, int axis, Tensor index) => new GatherOp(x.Shape.Axis(axis)).Apply(x, index);
    }
}
