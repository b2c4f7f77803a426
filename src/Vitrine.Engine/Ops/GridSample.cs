using Vitrine.Ops;

namespace Vitrine
{
    /// <summary>How <see cref="TensorOps.GridSample"/> reads between positions.</summary>
    public enum GridMode
    {
        /// <summary>Linear between the four positions around.</summary>
        Bilinear,

        /// <summary>The nearest position, halves to even.</summary>
        Nearest,

        /// <summary>Cubic over sixteen positions, with a = -0.75.</summary>
        Bicubic,
    }

    /// <summary>What <see cref="TensorOps.GridSample"/> reads outside the image.</summary>
    public enum GridPadding
    {
        /// <summary>Zeros.</summary>
        Zeros,

        /// <summary>The nearest position of the border.</summary>
        Border,

        /// <summary>The image, mirrored at its border.</summary>
        Reflection,
    }

    /// <summary>How a grid is read.</summary>
    /// <param name="Mode">How to read between positions.</param>
    /// <param name="Padding">What is outside the image.</param>
    /// <param name="AlignCorners">Whether -1 and 1 are the centres of the first and last positions, or their outer edges.</param>
    public readonly record struct GridSampling(GridMode Mode = GridMode.Bilinear, GridPadding Padding = GridPadding.Zeros, bool AlignCorners = false);
}

namespace Vitrine.Ops
{
    /// <summary>
    /// Reads images at given places (Jaderberg et al. 2015, spatial transformer networks). Inputs: x [N, C, H, W], grid [N, OH, OW, 2] of (x, y) in [-1, 1];
    /// result [N, C, OH, OW].
    /// </summary>
    /// <param name="sampling">How the grid is read.</param>
    public sealed class GridSampleOp(GridSampling sampling) : Op
    {
        /// <summary>How the grid is read.</summary>
        public GridSampling Sampling => sampling;

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Tensor x = inputs[0], grid = inputs[1];
            if (x.Rank != 4 || grid.Rank != 4 || grid.Shape[3] != 2 || grid.Shape[0] != x.Shape[0])
            {
                throw new ArgumentException("x is [N, C, H, W], the grid [N, OH, OW, 2]");
            }
            return x.Device.GridSample(sampling, x, grid);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => input == 0
            ? new PutOp(sampling, node.Inputs[0].Shape).Apply(grad, node.Inputs[1])
            : new PlaceOp(sampling).Apply(grad, node.Inputs[0], node.Inputs[1]);

        /// <summary>The adjoint in x.</summary>
        private sealed class PutOp(GridSampling sampling, Shape shape) : Op
        {
            public override string Name => "GridSamplePut";

            public override OpTraits Traits => OpTraits.Linear;

            public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].Device.GridSampleInput(sampling, inputs[0], inputs[1], shape);

            public override Tensor? Backward(Node node, Tensor grad, int input) => input == 0
                ? new GridSampleOp(sampling).Apply(grad, node.Inputs[1])
                : new PlaceOp(sampling).Apply(node.Inputs[0], grad, node.Inputs[1]);
        }

        /// <summary>The gradient with respect to the places. Inputs: gradient, x, grid.</summary>
        private sealed class PlaceOp(GridSampling sampling) : Op
        {
            public override string Name => "GridSamplePlaces";

            public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].Device.GridSampleGrid(sampling, inputs[0], inputs[1], inputs[2]);

            public override Tensor? Backward(Node node, Tensor grad, int input) =>
                throw new NotSupportedException("the gradient of grid sampling with respect to the grid has no gradient of its own");
        }
    }
}

namespace Vitrine
{
    public static partial class TensorOps
    {
        /// <summary>Reads images [N, C, H, W] at the places of a grid [N, OH, OW, 2] of (x, y) in [-1, 1]: [N, C, OH, OW].</summary>
        public static Tensor GridSample(this Tensor x, Tensor grid, GridSampling sampling = default) => new GridSampleOp(sampling).Apply(x, grid);

        /// <summary>The grid of an affine map, for <see cref="GridSample"/>: where each place of the result lies in the image.</summary>
        /// <param name="theta">[N, 2, 3].</param>
        /// <param name="height">The height of the result.</param>
        /// <param name="width">The width of the result.</param>
        /// <param name="alignCorners">Whether -1 and 1 are the centres of the first and last positions, or their outer edges.</param>
        /// <returns>[N, height, width, 2].</returns>
        public static Tensor AffineGrid(this Tensor theta, int height, int width, bool alignCorners = false)
        {
            if (theta.Rank != 3 || theta.Shape[1] != 2 || theta.Shape[2] != 3)
            {
                throw new ArgumentException($"AffineGrid: the maps are [N, 2, 3], not {theta.Shape}.");
            }
            float[] places = new float[height * width * 3];
            for (int i = 0; i < height * width; i++)
            {
                places[3 * i] = At(i % width, width);
                places[3 * i + 1] = At(i / width, height);
                places[3 * i + 2] = 1;
            }
            Tensor grid = new MatMulOp(transposeB: true).Apply(Tensor.From(places, [1, height * width, 3]), theta); // [N, H W, 2]
            return grid.Reshape(theta.Shape[0], height, width, 2);

            float At(int i, int n) => alignCorners ? (n > 1 ? -1 + 2f * i / (n - 1) : 0) : (2 * i + 1f) / n - 1;
        }
    }
}
