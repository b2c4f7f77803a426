using Vitrine.Ops;

namespace Vitrine.Ops
{
    /// <summary>A reduction over some axes; no axes means all.</summary>
    public abstract class ReduceOp : Op
    {
        private readonly int[] _axes;

        private protected ReduceOp(ReadOnlySpan<int> axes, bool keepDims)
        {
            _axes = axes.ToArray();
            KeepDims = keepDims;
        }

        /// <summary>The axes that are reduced, as given; none means all.</summary>
        public IReadOnlyList<int> Axes => _axes;

        /// <summary>Whether reduced axes stay, with extent 1.</summary>
        public bool KeepDims { get; }

        internal abstract Reduction Kind { get; }

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Tensor x = inputs[0];
            Span<bool> reduced = stackalloc bool[x.Rank];
            Mark(x.Shape, reduced);
            if (!reduced.Contains(true)) return x.Alias(x.Shape);
            Shape shape = Kept(x.Shape, reduced, KeepDims);
            // One adjacent run of axes at a time, from the innermost.
            Span<int> extents = stackalloc int[x.Rank];
            x.Shape.Dims.CopyTo(extents);
            Tensor y = x;
            for (int axis = x.Rank - 1; axis >= 0; axis--)
            {
                if (!reduced[axis]) continue;
                int last = axis;
                while (axis > 0 && reduced[axis - 1]) axis--;
                int outer = Product(extents[..axis]), middle = Product(extents[axis..(last + 1)]), inner = Product(extents[(last + 1)..]);
                extents[axis..(last + 1)].Fill(1);
                bool done = !reduced[..axis].Contains(true);
                y = y.Device.Reduce(Kind, y, outer, middle, inner, done ? shape : Shape.Create(extents));
            }
            return y;
        }

        /// <summary>The result's shape as if the reduced axes had been kept.</summary>
        protected Shape Kept(Shape shape)
        {
            Span<bool> reduced = stackalloc bool[shape.Rank];
            Mark(shape, reduced);
            return Kept(shape, reduced, keepDims: true);
        }

        private static Shape Kept(Shape shape, ReadOnlySpan<bool> reduced, bool keepDims)
        {
            Span<int> dims = stackalloc int[shape.Rank];
            int rank = 0;
            for (int i = 0; i < shape.Rank; i++)
            {
                if (!reduced[i]) dims[rank++] = shape[i];
                else if (keepDims) dims[rank++] = 1;
            }
            return Shape.Create(dims[..rank]);
        }

        private static int Product(ReadOnlySpan<int> extents)
        {
            int product = 1;
            foreach (int extent in extents) product *= extent;
            return product;
        }

        private protected void Mark(Shape shape, Span<bool> reduced)
        {
            reduced.Fill(_axes.Length == 0);
            foreach (int axis in _axes) reduced[shape.Axis(axis)] = true;
        }
    }

    /// <summary>The sum over axes.</summary>
    /// <param name="axes">The axes; none for all.</param>
    /// <param name="keepDims">Whether reduced axes stay, with extent 1.</param>
    public sealed class SumOp(ReadOnlySpan<int> axes, bool keepDims) : ReduceOp(axes, keepDims)
    {
        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Linear;

        internal override Reduction Kind => Reduction.Sum;

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => grad.Reshape(Kept(node.Inputs[0].Shape)).Expand(node.Inputs[0].Shape);
    }

    /// <summary>The product over axes.</summary>
    /// <param name="axes">The axes; none for all.</param>
    /// <param name="keepDims">Whether reduced axes stay, with extent 1.</param>
    public sealed class ProductOp(ReadOnlySpan<int> axes, bool keepDims) : ReduceOp(axes, keepDims)
    {
        internal override Reduction Kind => Reduction.Product;

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input)
        {
            Tensor x = node.Inputs[0];
            Shape kept = Kept(x.Shape);
            return x.Floats.Contains(0f) ? Others(x) * grad.Reshape(kept) : (grad * node.Output).Reshape(kept) / x;
        }

        /// <summary>
        /// For each factor the product of the others, which division does not give beside a zero: running products from both ends, whose reach doubles with
        /// every step. Made of operators, so that it can be differentiated again.
        /// </summary>
        private Tensor Others(Tensor x)
        {
            bool[] reduced = new bool[x.Rank];
            Mark(x.Shape, reduced);
            int[] order = [.. Enumerable.Range(0, x.Rank).OrderBy(axis => reduced[axis])], back = [.. Enumerable.Range(0, x.Rank).OrderBy(axis => order[axis])];
            Tensor moved = x.Permute(order);
            int outer = Kept(x.Shape).Count, n = x.Count / outer;
            Tensor before = moved.Reshape(outer, n), after = before;
            for (int reach = 1; reach < n; reach *= 2)
            {
                before *= TensorOps.Concat(1, Tensor.Ones([outer, reach]), before.Slice(1, 0, n - reach));
                after *= TensorOps.Concat(1, after.Slice(1, reach), Tensor.Ones([outer, reach]));
            }
            Tensor none = Tensor.Ones([outer, 1]);
            Tensor others = TensorOps.Concat(1, none, before.Slice(1, 0, n - 1)) * TensorOps.Concat(1, after.Slice(1, 1), none);
            return others.Reshape(moved.Shape).Permute(back);
        }
    }

    /// <summary>The extreme over axes; equal extremes share the gradient, as PyTorch's amax and amin have it.</summary>
    /// <param name="largest">The maximum, else the minimum.</param>
    /// <param name="axes">The axes; none for all.</param>
    /// <param name="keepDims">Whether reduced axes stay, with extent 1.</param>
    public sealed class ExtremeOp(bool largest, ReadOnlySpan<int> axes, bool keepDims) : ReduceOp(axes, keepDims)
    {
        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Routing;

        /// <summary>Whether this is the maximum.</summary>
        public bool Largest => largest;

        internal override Reduction Kind => largest ? Reduction.Maximum : Reduction.Minimum;

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input)
        {
            Tensor x = node.Inputs[0];
            Shape kept = Kept(x.Shape);
            Tensor chosen = x.Detach().EqualTo(node.Output.Detach().Reshape(kept)).Cast(DType.Float32);
            return chosen / chosen.SumTo(kept) * grad.Reshape(kept);
        }
    }
}

namespace Vitrine
{
    public static partial class TensorOps
    {
        /// <summary>The sum over all elements, a scalar.</summary>
        public static Tensor Sum(this Tensor x) => x.Sum([]);

        /// <summary>The sum over axes; none for all.</summary>
        public static Tensor Sum(this Tensor x, ReadOnlySpan<int> axes, bool keepDims = false) => new SumOp(axes, keepDims).Apply(x);

        /// <summary>The mean over all elements, a scalar.</summary>
        public static Tensor Mean(this Tensor x) => x.Mean([]);

        /// <summary>The mean over axes; none for all.</summary>
        public static Tensor Mean(this Tensor x, ReadOnlySpan<int> axes, bool keepDims = false)
        {
            Tensor sum = x.Sum(axes, keepDims);
            return sum * (sum.Count / (float)x.Count);
        }

        /// <summary>The variance over axes (none for all), the sum of squares divided by the number less <paramref name="correction"/> (1: unbiased).</summary>
        public static Tensor Var(this Tensor x, ReadOnlySpan<int> axes, int correction = 1, bool keepDims = false)
        {
            Tensor deviation = x - x.Mean(axes, keepDims: true), sum = deviation.Square().Sum(axes, keepDims);
            return sum * (1f / (x.Count / Math.Max(1, sum.Count) - correction));
        }

        /// <summary>The standard deviation over axes; see <see cref="Var"/>.</summary>
        public static Tensor Std(this Tensor x, ReadOnlySpan<int> axes, int correction = 1, bool keepDims = false) =>
            SafeSqrt(x.Var(axes, correction, keepDims));

        /// <summary>The product over axes; none for all.</summary>
        public static Tensor Product(this Tensor x, ReadOnlySpan<int> axes, bool keepDims = false) => new ProductOp(axes, keepDims).Apply(x);

        /// <summary>The maximum over axes; none for all.</summary>
        public static Tensor Max(this Tensor x, ReadOnlySpan<int> axes, bool keepDims = false) => new ExtremeOp(true, axes, keepDims).Apply(x);

        /// <summary>The minimum over axes; none for all.</summary>
        public static Tensor Min(this Tensor x, ReadOnlySpan<int> axes, bool keepDims = false) => new ExtremeOp(false, axes, keepDims).Apply(x);

        /// <summary>The p-norm over axes (none for all): the p-th root of the sum of |x|^p.</summary>
        public static Tensor Norm(this Tensor x, ReadOnlySpan<int> axes, float p = 2, bool keepDims = false) => p switch
        {
            2 => SafeSqrt(x.Square().Sum(axes, keepDims)),
            0 => x.NotEqualTo(Tensor.Scalar(0)).Cast(DType.Float32).Sum(axes, keepDims),
            1 => x.Abs().Sum(axes, keepDims),
            float.PositiveInfinity => x.Abs().Max(axes, keepDims),
            float.NegativeInfinity => x.Abs().Min(axes, keepDims),
            _ => x.Abs().Pow(p).Sum(axes, keepDims).Pow(1 / p),
        };

        /// <summary>log(sum(e^x)) over axes (none for all), without overflow.</summary>
        public static Tensor LogSumExp(this Tensor x, ReadOnlySpan<int> axes, bool keepDims = false)
        {
            Tensor max = x.Detach().Max(axes, keepDims: true);
            max = max.Greater(Tensor.Scalar(float.NegativeInfinity)).Where(max, Tensor.Scalar(0)); // else -inf - -inf
            Tensor sum = (x - max).Exp().Sum(axes, keepDims: true).Log() + max;
            return keepDims ? sum : sum.Reshape(x.Detach().Max(axes).Shape);
        }

        /// <summary>The first position of the largest element along an axis; integers.</summary>
        public static Tensor ArgMax(this Tensor x, int axis = -1) => ArgExtreme(x, axis, largest: true);

        /// <summary>The first position of the smallest element along an axis; integers.</summary>
        public static Tensor ArgMin(this Tensor x, int axis = -1) => ArgExtreme(x, axis, largest: false);

        /// <summary>Sums over the axes along which <paramref name="shape"/> was broadcast to this tensor's shape.</summary>
        public static Tensor SumTo(this Tensor x, Shape shape)
        {
            if (x.Shape == shape) return x;
            int extra = x.Rank - shape.Rank;
            var axes = new List<int>();
            for (int i = 0; i < x.Rank; i++)
            {
                if (i < extra || (shape[i - extra] == 1 && x.Shape[i] != 1)) axes.Add(i);
            }
            return axes.Count == 0 ? x.Reshape(shape) : x.Sum([.. axes], keepDims: true).Reshape(shape);
        }

        /// <summary>A shape as [outer, along the axis, inner].</summary>
        internal static (int Outer, int N, int Inner) Around(this Shape shape, int axis)
        {
            axis = shape.Axis(axis);
            int outer = 1, inner = 1;
            for (int i = 0; i < axis; i++) outer *= shape[i];
            for (int i = axis + 1; i < shape.Rank; i++) inner *= shape[i];
            return (outer, shape[axis], inner);
        }

        /// <summary>The square root of sums of squares; where they are 0 its derivative counts as 0, as in PyTorch's norm and std.</summary>
        private static Tensor SafeSqrt(Tensor squares)
        {
            if (!squares.Floats.Contains(0f)) return squares.Sqrt();
            Tensor none = squares.EqualTo(Tensor.Scalar(0)).Cast(DType.Float32);
            return (squares + none).Sqrt() * (1f - none);
        }

        private static Tensor ArgExtreme(Tensor x, int axis, bool largest)
        {
            (int outer, int n, int inner) = x.Shape.Around(axis);
            return x.Device.ArgReduce(largest, x, outer, n, inner, x.Shape.Without(axis));
        }
    }
}
