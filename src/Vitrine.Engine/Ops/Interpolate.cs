using Vitrine.Ops;

namespace Vitrine.Ops
{
    /// <summary>Along an axis, each position of the result is a weighted sum of a few positions of the input: resizing, adaptive means.</summary>
    public sealed class ResampleOp : Op
    {
        private readonly int[] _index;
        private readonly float[] _weights;
        private readonly int _from;

        /// <summary>Makes the operator from its table.</summary>
        /// <param name="axis">The axis, non-negative.</param>
        /// <param name="from">The extent of the axis of the input.</param>
        /// <param name="taps">How many positions each result reads; tables are filled up with weights 0.</param>
        /// <param name="index">[extent of the result, taps]: the positions.</param>
        /// <param name="weights">[extent of the result, taps]: their weights.</param>
        /// <exception cref="ArgumentException">The tables do not fit one another, or a position is outside the axis.</exception>
        public ResampleOp(int axis, int from, int taps, int[] index, float[] weights)
        {
            if (taps < 1 || index.Length != weights.Length || index.Length % taps != 0)
            {
                throw new ArgumentException($"{index.Length} positions and {weights.Length} weights are no table of {taps} taps");
            }
            if (index.Any(i => (uint)i >= (uint)from)) throw new ArgumentException($"a position is outside [0, {from})");
            (Axis, _from, Taps, _index, _weights) = (axis, from, taps, index, weights);
        }

        /// <summary>The axis, non-negative.</summary>
        public int Axis { get; }

        /// <summary>How many positions each result reads.</summary>
        public int Taps { get; }

        /// <summary>[extent of the result, taps]: the positions.</summary>
        public IReadOnlyList<int> Index => _index;

        /// <summary>[extent of the result, taps]: their weights.</summary>
        public IReadOnlyList<float> Weights => _weights;

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => Run(inputs[0], _from, _index.Length / Taps, adjoint: false);

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => new AdjointOp(this).Apply(grad);

        private Tensor Run(Tensor x, int from, int to, bool adjoint)
        {
            if (x.Shape[Axis] != from) throw new ArgumentException($"axis {Axis} should have {from} positions");
            (int outer, _, int inner) = x.Shape.Around(Axis);
            return x.Device.Resample(x, _index, _weights, Taps, outer, _from, inner, x.Shape.With(Axis, to), adjoint);
        }

        private sealed class AdjointOp(ResampleOp forward) : Op
        {
            public override string Name => "ResampleAdjoint";

            public override OpTraits Traits => OpTraits.Linear;

            public override Tensor Forward(ReadOnlySpan<Tensor> inputs) =>
                forward.Run(inputs[0], forward._index.Length / forward.Taps, forward._from, adjoint: true);

            public override Tensor? Backward(Node node, Tensor grad, int input) => forward.Apply(grad);
        }
    }
}

namespace Vitrine
{
    /// <summary>How <see cref="TensorOps.Interpolate"/> finds values between positions.</summary>
    public enum Interpolation
    {
        /// <summary>The position at or before the place; PyTorch's <c>nearest</c>.</summary>
        Nearest,

        /// <summary>The nearest position; PyTorch's <c>nearest-exact</c>.</summary>
        NearestExact,

        /// <summary>Linear between two positions of each axis: linear, bilinear, trilinear.</summary>
        Linear,

        /// <summary>Cubic over four positions of each axis, with a = -0.75 (Keys 1981).</summary>
        Cubic,

        /// <summary>The mean of what a result covers; as <see cref="TensorOps.AdaptiveAvgPool(Tensor, ReadOnlySpan{int})"/>.</summary>
        Area,
    }

    public static partial class TensorOps
    {
        /// <summary>Resizes the axes after the first two, each on its own.</summary>
        /// <param name="x">[N, C, ...].</param>
        /// <param name="size">The new extents of the axes after the first two.</param>
        /// <param name="mode">How values between positions are found.</param>
        /// <param name="alignCorners">Whether first and last positions meet, or (half-pixel) the borders.</param>
        /// <param name="scales">
        /// New over old extent as it was asked for, when places shall follow it and not the rounded size; null for the sizes' own ratio.
        /// </param>
        /// <exception cref="ArgumentException">There is not one size for each axis, or an extent is not positive.</exception>
        public static Tensor Interpolate(
            this Tensor x, ReadOnlySpan<int> size, Interpolation mode = Interpolation.Nearest, bool alignCorners = false, ReadOnlySpan<double> scales = default)
        {
            if (x.Rank < 3 || size.Length != x.Rank - 2)
            {
                throw new ArgumentException($"Interpolate: shape {x.Shape} has {x.Rank - 2} axes to resize, not {size.Length}.");
            }
            if (mode == Interpolation.Area) return x.AdaptiveAvgPool(size);
            for (int i = size.Length - 1; i >= 0; i--)
            {
                int from = x.Shape[i + 2], to = size[i];
                if (from < 1 || to < 1) throw new ArgumentException($"Interpolate: axis {i + 2} of {x.Shape} cannot be resized to {to}.");
                double step = alignCorners && mode is (Interpolation.Linear or Interpolation.Cubic) ? (to > 1 ? (from - 1.0) / (to - 1) : 0)
                    : scales.Length > i && scales[i] > 0 ? 1 / scales[i] : (double)from / to;
                x = Places(i + 2, from, to, mode, alignCorners, step).Apply(x);
            }
            return x;
        }

        private static ResampleOp Places(int axis, int from, int to, Interpolation mode, bool alignCorners, double step)
        {
            int taps = mode switch { Interpolation.Linear => 2, Interpolation.Cubic => 4, _ => 1 };
            int[] index = new int[to * taps];
            float[] weights = new float[to * taps];
            for (int i = 0; i < to; i++)
            {
                Span<int> at = index.AsSpan(i * taps, taps);
                Span<float> weight = weights.AsSpan(i * taps, taps);
                double place = alignCorners ? i * step : (i + 0.5) * step - 0.5;
                switch (mode)
                {
                    case Interpolation.Nearest:
                        at[0] = Math.Min((int)Math.Floor(i * step), from - 1);
                        weight[0] = 1;
                        break;
                    case Interpolation.NearestExact:
                        at[0] = Math.Min((int)Math.Floor((i + 0.5) * step), from - 1);
                        weight[0] = 1;
                        break;
                    case Interpolation.Linear:
                        place = Math.Max(place, 0);
                        at[0] = Math.Min((int)place, from - 1);
                        at[1] = Math.Min(at[0] + 1, from - 1);
                        weight[1] = (float)Math.Min(place - at[0], 1);
                        weight[0] = 1 - weight[1];
                        break;
                    default:
                        int first = (int)Math.Floor(place);
                        for (int t = 0; t < 4; t++)
                        {
                            at[t] = Math.Clamp(first - 1 + t, 0, from - 1);
                            weight[t] = (float)Keys(Math.Abs(place - (first - 1 + t)), -0.75);
                        }
                        break;
                }
            }
            return new ResampleOp(axis, from, taps, index, weights);
        }

        /// <summary>The cubic convolution kernel (Keys 1981) at a distance.</summary>
        internal static double Keys(double d, double a) => d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
    }
}
