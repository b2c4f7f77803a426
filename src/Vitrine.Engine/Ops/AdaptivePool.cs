using Vitrine.Ops;

namespace Vitrine.Ops
{
    /// <summary>
    /// The maximum of each of outH x outW windows that divide the last two axes as evenly as possible; window j of n over a length l reaches from
    /// floor(j l / n) to ceil((j + 1) l / n). The first maximum wins.
    /// </summary>
    /// <param name="outH">The height of the result.</param>
    /// <param name="outW">The width of the result.</param>
    public sealed class AdaptiveMaxPool2dOp(int outH, int outW) : Op
    {
        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Routing;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Shape shape = inputs[0].Shape;
            if (shape.Rank is not (3 or 4) || shape[-1] == 0 || shape[-2] == 0)
            {
                throw new ArgumentException("pooling wants [N, C, H, W] or [C, H, W] with something in each plane");
            }
            if (outH < 1 || outW < 1) throw new ArgumentException($"the result cannot be {outH} x {outW}");
            return inputs[0].Device.AdaptiveMaxPool(inputs[0], shape.With(-2, outH).With(-1, outW));
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => new MaxPool2dOp.PutOp(node.Output.Saved!, node.Inputs[0].Shape).Apply(grad);
    }
}

namespace Vitrine
{
    public static partial class TensorOps
    {
        /// <summary>The mean of each of outH x outW windows that divide the last two axes as evenly as possible: [..., H, W] to [..., outH, outW].</summary>
        public static Tensor AdaptiveAvgPool2d(this Tensor x, int outH, int outW)
        {
            if (x.Rank is not (3 or 4)) throw new ArgumentException($"AdaptiveAvgPool2d: pooling wants [N, C, H, W] or [C, H, W], not {x.Shape}.");
            return x.AdaptiveAvgPool([outH, outW]);
        }

        /// <summary>The mean of each of <paramref name="size"/> windows that divide the axis as evenly as possible: [..., L] to [..., size].</summary>
        public static Tensor AdaptiveAvgPool1d(this Tensor x, int size) => x.AdaptiveAvgPool([size]);

        /// <summary>Means over windows that divide the last axes as evenly as possible.</summary>
        /// <param name="x">At least as many axes as sizes.</param>
        /// <param name="sizes">The new extents of the last axes.</param>
        /// <exception cref="ArgumentException">There are more sizes than axes, or an extent is not positive.</exception>
        public static Tensor AdaptiveAvgPool(this Tensor x, ReadOnlySpan<int> sizes)
        {
            if (sizes.Length > x.Rank) throw new ArgumentException($"AdaptiveAvgPool: shape {x.Shape} has no {sizes.Length} axes.");
            int first = x.Rank - sizes.Length;
            for (int i = 0; i < sizes.Length; i++)
            {
                if (sizes[i] < 1 || x.Shape[first + i] < 1)
                {
                    throw new ArgumentException($"AdaptiveAvgPool: axis {first + i} of {x.Shape} cannot be divided into {sizes[i]} windows.");
                }
            }
            // Where the windows are all alike this is an ordinary pooling, which is one operator and one pass.
            if (sizes.Length == 2 && x.Rank is (3 or 4) && x.Shape[-2] % sizes[0] == 0 && x.Shape[-1] % sizes[1] == 0)
            {
                (int, int) kernel = (x.Shape[-2] / sizes[0], x.Shape[-1] / sizes[1]);
                return x.AvgPool2d(new PoolGeometry(kernel, kernel, (0, 0)));
            }
            for (int i = sizes.Length - 1; i >= 0; i--) x = Windows(first + i, x.Shape[first + i], sizes[i]).Apply(x);
            return x;
        }

        /// <summary>The maximum of each of outH x outW windows that divide the last two axes as evenly as possible: [..., H, W] to [..., outH, outW].</summary>
        public static Tensor AdaptiveMaxPool2d(this Tensor x, int outH, int outW) => new AdaptiveMaxPool2dOp(outH, outW).Apply(x);

        /// <summary>
        /// The maximum of each of <paramref name="size"/> windows that divide the last axis as evenly as possible: [..., C, L] to [..., C, size].
        /// </summary>
        public static Tensor AdaptiveMaxPool1d(this Tensor x, int size) => x.Unsqueeze(-2).AdaptiveMaxPool2d(1, size).Squeeze(-2);

        private static ResampleOp Windows(int axis, int from, int to)
        {
            int taps = 1;
            for (int i = 0; i < to; i++) taps = Math.Max(taps, End(i) - Start(i));
            int[] index = new int[to * taps];
            float[] weights = new float[to * taps];
            for (int i = 0; i < to; i++)
            {
                int start = Start(i), length = End(i) - start;
                for (int t = 0; t < length; t++)
                {
                    index[i * taps + t] = start + t;
                    weights[i * taps + t] = 1f / length;
                }
            }
            return new ResampleOp(axis, from, taps, index, weights);

            int Start(int i) => (int)((long)i * from / to);

            int End(int i) => (int)(((i + 1L) * from + to - 1) / to);
        }
    }
}
