using Vitrine.Ops;

namespace Vitrine.Ops
{
    /// <summary>Whole slices of an axis, chosen by index; an embedding is this on axis 0. Inputs: x, index (Int64, any shape, non-negative).</summary>
    /// <param name="axis">The axis, non-negative; the index's axes take its place.</param>
    public sealed class IndexSelectOp(int axis) : Op
    {
        /// <summary>The axis, non-negative.</summary>
        public int Axis => axis;

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
        public override Tensor? Backward(Node node, Tensor grad, int input) =>
            input == 1 ? null : new PutOp(axis, node.Inputs[0].Shape).Apply(grad, node.Inputs[1]);

        /// <summary>The adjoint: slices are added where they came from.</summary>
        internal sealed class PutOp(int axis, Shape shape) : Op
        {
            public int Axis => axis;

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
        /// <summary>The axis, non-negative.</summary>
        public int Axis => axis;

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Routing | OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Tensor x = inputs[0], index = inputs[1];
            if (index.Rank != x.Rank || index.Shape.With(axis, 0) != x.Shape.With(axis, 0))
            {
                throw new ArgumentException($"the index must have the shape of x but along axis {axis}");
            }
            (int outer, int n, int inner) = x.Shape.Around(axis);
            return x.Device.Gather(x, index, outer, n, inner);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) =>
            input == 1 ? null : new ScatterAddOp(axis, node.Inputs[0].Shape).Apply(grad, node.Inputs[1]);
    }

    /// <summary>
    /// Zeros to which elements are added along an axis at the places that an index names. Inputs: values, index (Int64, of the values' shape).
    /// </summary>
    /// <param name="axis">The axis, non-negative.</param>
    /// <param name="shape">The result's shape.</param>
    public sealed class ScatterAddOp(int axis, Shape shape) : Op
    {
        /// <summary>The axis, non-negative.</summary>
        public int Axis => axis;

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            if (inputs[1].Shape != inputs[0].Shape || inputs[0].Shape.With(axis, 0) != shape.With(axis, 0))
            {
                throw new ArgumentException($"values and index must have one shape, that of the result {shape} but along axis {axis}");
            }
            (int outer, int n, int inner) = shape.Around(axis);
            return inputs[0].Device.ScatterAdd(inputs[0], inputs[1], outer, n, inner, shape);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => input == 1 ? null : new GatherOp(axis).Apply(grad, node.Inputs[1]);
    }

    /// <summary>
    /// A tensor with elements replaced along an axis at the places that an index names; of values that meet the last stays.
    /// Inputs: x, values, index (Int64, of the values' shape: x's but along the axis).
    /// </summary>
    /// <param name="axis">The axis, non-negative.</param>
    public sealed class ScatterOp(int axis) : Op
    {
        /// <summary>The axis, non-negative.</summary>
        public int Axis => axis;

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Routing | OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Tensor x = inputs[0];
            if (inputs[2].Shape != inputs[1].Shape || inputs[1].Rank != x.Rank || inputs[1].Shape.With(axis, 0) != x.Shape.With(axis, 0))
            {
                throw new ArgumentException($"values and index must have one shape, that of x but along axis {axis}");
            }
            (int outer, int n, int inner) = x.Shape.Around(axis);
            return x.Device.ScatterPut(x, inputs[1], inputs[2], outer, n, inner);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => input switch
        {
            0 => Apply(grad, Tensor.Zeros(node.Inputs[1].Shape), node.Inputs[2]),
            1 => new GatherOp(axis).Apply(grad, node.Inputs[2]),
            _ => null,
        };
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

        /// <summary><see cref="Embedding(Tensor, Tensor)"/> through which the row of one token, the padding, gets no gradient.</summary>
        /// <exception cref="ArgumentException">A token number is outside the table.</exception>
        public static Tensor Embedding(this Tensor table, Tensor tokens, long padding)
        {
            Tensor rows = table.IndexSelect(0, tokens);
            return tokens.EqualTo(Tensor.From([padding], Shape.Scalar)).Unsqueeze(-1).Where(rows.Detach(), rows);
        }

        /// <summary>One element along an axis for each index; the index has this shape but along the axis, or is shorter along other axes.</summary>
        /// <exception cref="ArgumentException">An index is outside the axis, or the shapes do not fit.</exception>
        public static Tensor Gather(this Tensor x, int axis, Tensor index)
        {
            axis = x.Shape.Axis(axis);
            for (int i = 0; i < x.Rank && index.Rank == x.Rank; i++)
            {
                if (i != axis && index.Shape[i] < x.Shape[i]) x = x.Slice(i, 0, index.Shape[i]);
            }
            return new GatherOp(axis).Apply(x, index);
        }

        /// <summary>
        /// This tensor with values added along an axis at the places that an index (Int64, of the values' shape) names; repeated places add up.
        /// </summary>
        /// <exception cref="ArgumentException">An index is outside the axis, or the shapes do not fit.</exception>
        public static Tensor ScatterAdd(this Tensor x, int axis, Tensor index, Tensor values) =>
            x + new ScatterAddOp(x.Shape.Axis(axis), x.Shape).Apply(values, index);

        /// <summary>
        /// This tensor with elements replaced along an axis at the places that an index (Int64, of the values' shape) names; of values that meet the last
        /// stays.
        /// </summary>
        /// <exception cref="ArgumentException">An index is outside the axis, or the shapes do not fit.</exception>
        public static Tensor Scatter(this Tensor x, int axis, Tensor index, Tensor values) => new ScatterOp(x.Shape.Axis(axis)).Apply(x, values, index);

        /// <summary>Ones where an index says, else zeros: [...] (Int64) to [..., classes] (Float32).</summary>
        /// <exception cref="ArgumentException">An index is outside the classes.</exception>
        public static Tensor OneHot(this Tensor index, int classes)
        {
            Tensor at = index.Unsqueeze(-1), zeros = Tensor.Zeros([.. index.Shape.Dims, classes]);
            return new ScatterOp(zeros.Rank - 1).Apply(zeros, Tensor.Ones(at.Shape), at);
        }
    }
}
