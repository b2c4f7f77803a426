using Vitrine.Ops;

namespace Vitrine
{
    /// <summary>How a pooling window moves: (vertical, horizontal) pairs.</summary>
    /// <param name="Kernel">The size of the window.</param>
    /// <param name="Stride">The step between windows.</param>
    /// <param name="Padding">What surrounds the image: minus infinity for maxima, zeros for means.</param>
    /// <param name="CeilMode">Whether a last window that reaches over the end counts.</param>
    /// <param name="CountPadding">Whether a mean divides by the window's size even where it covers padding.</param>
    public readonly record struct PoolGeometry(
        (int H, int W) Kernel, (int H, int W) Stride, (int H, int W) Padding, bool CeilMode = false, bool CountPadding = true)
    {
        /// <summary>The distance between the elements of a window, 1 unless given; for maxima only.</summary>
        public (int H, int W) Dilation { get; init; } = (1, 1);

        /// <summary>What a mean divides by, whatever its window covers; 0 for the number of elements.</summary>
        public int Divisor { get; init; }

        /// <summary>A square window; the stride is the kernel's size unless given.</summary>
        public static PoolGeometry Square(int kernel, int? stride = null, int padding = 0, bool ceilMode = false, bool countPadding = true, int dilation = 1) =>
            new((kernel, kernel), (stride ?? kernel, stride ?? kernel), (padding, padding), ceilMode, countPadding) { Dilation = (dilation, dilation) };

        internal Window Fit(Shape x)
        {
            if (x.Rank is not (3 or 4)) throw new ArgumentException("pooling wants [N, C, H, W] or [C, H, W]");
            if (Dilation.H < 1 || Dilation.W < 1) throw new ArgumentException($"dilation {Dilation} must be positive");
            (int H, int W) reach = ((Kernel.H - 1) * Dilation.H + 1, (Kernel.W - 1) * Dilation.W + 1);
            if (Padding.H * 2 > reach.H || Padding.W * 2 > reach.W) throw new ArgumentException($"padding {Padding} is more than half of the kernel {Kernel}");
            return new Window(
                Kernel.H, Kernel.W, Stride.H, Stride.W, Padding.H, Padding.W,
                Extent(x[-2], reach.H, Stride.H, Padding.H), Extent(x[-1], reach.W, Stride.W, Padding.W), CountPadding, Dilation.H, Dilation.W, Divisor);
        }

        private int Extent(int size, int kernel, int stride, int padding)
        {
            if (kernel < 1 || stride < 1 || padding < 0)
            {
                throw new ArgumentException($"kernel {kernel} and stride {stride} must be positive, padding {padding} not negative");
            }
            int room = size + 2 * padding - kernel;
            if (room < 0 && !CeilMode) throw new ArgumentException($"a window of {kernel} does not fit into {size} with padding {padding}");
            int count = (CeilMode ? (room + stride - 1) / stride : room / stride) + 1;
            // A window that starts beyond the image and its leading padding would see nothing (PyTorch drops it).
            return CeilMode && (count - 1) * stride >= size + padding ? count - 1 : count;
        }
    }
}

namespace Vitrine.Ops
{
    /// <summary>The maximum of each window over the last two axes; the first maximum wins.</summary>
    /// <param name="geometry">Kernel, stride, padding.</param>
    public sealed class MaxPool2dOp(PoolGeometry geometry) : Op
    {
        /// <summary>Kernel, stride, padding.</summary>
        public PoolGeometry Geometry => geometry;

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Routing;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Window window = geometry.Fit(inputs[0].Shape);
            return inputs[0].Device.MaxPool(window, inputs[0], inputs[0].Shape.With(-2, window.OutH).With(-1, window.OutW));
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => new PutOp(node.Output.Saved!, node.Inputs[0].Shape).Apply(grad);

        /// <summary>Puts values where maxima stood; values that meet add up.</summary>
        internal sealed class PutOp(Tensor positions, Shape shape) : Op
        {
            public override string Name => "MaxPoolPut";

            public override OpTraits Traits => OpTraits.Linear;

            public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].Device.MaxPoolGrad(inputs[0], positions, shape);

            public override Tensor? Backward(Node node, Tensor grad, int input) => new ReadOp(positions, shape).Apply(grad);
        }

        /// <summary>Reads values where maxima stood.</summary>
        internal sealed class ReadOp(Tensor positions, Shape shape) : Op
        {
            public override string Name => "MaxPoolRead";

            public override OpTraits Traits => OpTraits.Linear;

            public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].Device.MaxPoolRead(inputs[0], positions, positions.Shape);

            public override Tensor? Backward(Node node, Tensor grad, int input) => new PutOp(positions, shape).Apply(grad);
        }
    }

    /// <summary>The mean of each window over the last two axes.</summary>
    /// <param name="geometry">Kernel, stride, padding.</param>
    public sealed class AvgPool2dOp(PoolGeometry geometry) : Op
    {
        /// <summary>Kernel, stride, padding.</summary>
        public PoolGeometry Geometry => geometry;

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            if (geometry.Dilation != (1, 1)) throw new ArgumentException($"a mean has no dilation, but it is {geometry.Dilation}");
            Window window = geometry.Fit(inputs[0].Shape);
            return inputs[0].Device.AvgPool(window, inputs[0], inputs[0].Shape.With(-2, window.OutH).With(-1, window.OutW));
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => new SpreadOp(this, node.Inputs[0].Shape).Apply(grad);

        /// <summary>The adjoint: each value spread evenly over its window.</summary>
        private sealed class SpreadOp(AvgPool2dOp pool, Shape shape) : Op
        {
            public override string Name => "AvgPoolSpread";

            public override OpTraits Traits => OpTraits.Linear;

            public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].Device.AvgPoolGrad(pool.Geometry.Fit(shape), inputs[0], shape);

            public override Tensor? Backward(Node node, Tensor grad, int input) => pool.Apply(grad);
        }
    }
}

namespace Vitrine
{
    public static partial class TensorOps
    {
        /// <summary>The maximum of each window over the last two axes.</summary>
        public static Tensor MaxPool2d(this Tensor x, int kernel, int? stride = null, int padding = 0, bool ceilMode = false) =>
            x.MaxPool2d(PoolGeometry.Square(kernel, stride, padding, ceilMode));

        /// <summary>The maximum of each window over the last two axes.</summary>
        public static Tensor MaxPool2d(this Tensor x, PoolGeometry geometry) => new MaxPool2dOp(geometry).Apply(x);

        /// <summary>The maximum of each window over the last two axes, and its position in its plane (row times width plus column, Int64).</summary>
        public static (Tensor Values, Tensor Indices) MaxPool2dIndices(this Tensor x, PoolGeometry geometry)
        {
            Tensor y = x.MaxPool2d(geometry);
            ReadOnlySpan<int> positions = System.Runtime.InteropServices.MemoryMarshal.Cast<float, int>(y.Saved!.Floats);
            long[] indices = new long[positions.Length];
            for (int i = 0; i < indices.Length; i++) indices[i] = positions[i];
            return (y, Tensor.From(indices, y.Shape));
        }

        /// <summary>The mean of each window over the last two axes.</summary>
        public static Tensor AvgPool2d(this Tensor x, int kernel, int? stride = null, int padding = 0, bool ceilMode = false, bool countPadding = true) =>
            x.AvgPool2d(PoolGeometry.Square(kernel, stride, padding, ceilMode, countPadding));

        /// <summary>The mean of each window over the last two axes.</summary>
        public static Tensor AvgPool2d(this Tensor x, PoolGeometry geometry) => new AvgPool2dOp(geometry).Apply(x);
    }
}
