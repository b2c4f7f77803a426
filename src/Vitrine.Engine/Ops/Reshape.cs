using Vitrine.Ops;

namespace Vitrine.Ops
{
    /// <summary>The same elements in another shape; nothing is copied.</summary>
    /// <param name="shape">The new shape, with as many elements.</param>
    public sealed class ReshapeOp(Shape shape) : Op
    {
        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Reshaping | OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].Count == shape.Count
            ? inputs[0].Alias(shape)
            : throw new ArgumentException($"{inputs[0].Count} elements cannot take the shape {shape}, which has {shape.Count}");

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => grad.Reshape(node.Inputs[0].Shape);
    }

    /// <summary>Stretches axes of extent 1, and adds axes in front, by repetition.</summary>
    /// <param name="shape">The new shape; the input's must broadcast to it.</param>
    public sealed class ExpandOp(Shape shape) : Op
    {
        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Reshaping | OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Tensor x = inputs[0];
            if (Shape.Broadcast(x.Shape, shape) != shape) throw new ArgumentException($"shape {x.Shape} does not stretch to {shape}");
            Span<int> own = stackalloc int[x.Rank], strides = stackalloc int[shape.Rank];
            x.Shape.Strides(own);
            for (int i = 0; i < shape.Rank; i++)
            {
                int axis = i - (shape.Rank - x.Rank);
                strides[i] = axis < 0 || x.Shape[axis] == 1 ? 0 : own[axis];
            }
            return x.Device.Strided(x, shape, strides, 0);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => grad.SumTo(node.Inputs[0].Shape);
    }

    /// <summary>The axes in another order.</summary>
    public sealed class PermuteOp : Op
    {
        private readonly int[] _order;

        /// <summary>Axis i of the result is axis <paramref name="order"/>[i] of the input.</summary>
        public PermuteOp(ReadOnlySpan<int> order) => _order = order.ToArray();

        /// <summary>Which axis of the input each axis of the result is; negative from the end.</summary>
        public IReadOnlyList<int> Order => _order;

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Reshaping | OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Tensor x = inputs[0];
            if (_order.Length != x.Rank || _order.Select(x.Shape.Axis).Distinct().Count() != x.Rank)
            {
                throw new ArgumentException($"[{string.Join(", ", _order)}] is not an order of the axes of {x.Shape}");
            }
            Span<int> own = stackalloc int[x.Rank], strides = stackalloc int[x.Rank], dims = stackalloc int[x.Rank];
            x.Shape.Strides(own);
            for (int i = 0; i < x.Rank; i++)
            {
                int axis = x.Shape.Axis(_order[i]);
                strides[i] = own[axis];
                dims[i] = x.Shape[axis];
            }
            return x.Device.Strided(x, Shape.Create(dims), strides, 0);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input)
        {
            Span<int> inverse = stackalloc int[_order.Length];
            for (int i = 0; i < _order.Length; i++) inverse[node.Inputs[0].Shape.Axis(_order[i])] = i;
            return grad.Permute(inverse);
        }
    }
}

namespace Vitrine
{
    public static partial class TensorOps
    {
        /// <summary>The same elements in another shape; one extent may be -1 and is worked out.</summary>
        /// <exception cref="ArgumentException">The number of elements does not fit.</exception>
        public static Tensor Reshape(this Tensor x, params ReadOnlySpan<int> dims)
        {
            int open = dims.IndexOf(-1);
            if (open < 0) return x.Reshape(Shape.Create(dims));
            Span<int> filled = stackalloc int[dims.Length];
            dims.CopyTo(filled);
            filled[open] = 1;
            int rest = Shape.Create(filled).Count;
            if (rest == 0 || x.Count % rest != 0)
            {
                throw new ArgumentException($"Reshape: {x.Count} elements of shape {x.Shape} do not divide into [{string.Join(", ", dims.ToArray())}].");
            }
            filled[open] = x.Count / rest;
            return x.Reshape(Shape.Create(filled));
        }

        /// <summary>The same elements in another shape.</summary>
        /// <exception cref="ArgumentException">The number of elements does not fit.</exception>
        public static Tensor Reshape(this Tensor x, Shape shape) => x.Shape == shape ? x : new ReshapeOp(shape).Apply(x);

        /// <summary>Joins the axes from <paramref name="from"/> on into one.</summary>
        public static Tensor Flatten(this Tensor x, int from = 1)
        {
            if (x.Rank == 0) return x.Reshape(1);
            from = x.Shape.Axis(from);
            int joined = 1;
            for (int i = from; i < x.Rank; i++) joined *= x.Shape[i];
            return x.Reshape(Shape.Create([.. x.Shape.Dims[..from], joined]));
        }

        /// <summary>Puts an axis of extent 1 in front of axis <paramref name="axis"/> (of the result).</summary>
        public static Tensor Unsqueeze(this Tensor x, int axis)
        {
            int at = axis < 0 ? axis + x.Rank + 1 : axis;
            return x.Reshape(Shape.Create([.. x.Shape.Dims[..at], 1, .. x.Shape.Dims[at..]]));
        }

        /// <summary>Drops an axis of extent 1.</summary>
        /// <exception cref="ArgumentException">The axis is longer.</exception>
        public static Tensor Squeeze(this Tensor x, int axis) => x.Shape[axis] == 1
            ? x.Reshape(x.Shape.Without(axis))
            : throw new ArgumentException($"Squeeze: axis {axis} of shape {x.Shape} has more than one position.");

        /// <summary>Stretches axes of extent 1, and adds axes in front, by repetition.</summary>
        public static Tensor Expand(this Tensor x, Shape shape) => x.Shape == shape ? x : new ExpandOp(shape).Apply(x);

        /// <summary>The axes in another order: axis i of the result is axis order[i] of this.</summary>
        public static Tensor Permute(this Tensor x, params ReadOnlySpan<int> order) => new PermuteOp(order).Apply(x);

        /// <summary>Exchanges two axes.</summary>
        public static Tensor Transpose(this Tensor x, int a = -2, int b = -1)
        {
            Span<int> order = stackalloc int[x.Rank];
            for (int i = 0; i < order.Length; i++) order[i] = i;
            a = x.Shape.Axis(a);
            b = x.Shape.Axis(b);
            (order[a], order[b]) = (b, a);
            return x.Permute(order);
        }
    }
}
