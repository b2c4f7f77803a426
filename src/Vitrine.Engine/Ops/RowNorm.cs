using Vitrine.Ops;

namespace Vitrine.Ops
{
    /// <summary>
    /// Normalisation of parts of each example by their own mean and deviation. Inputs: x and optionally weight, or weight and bias.
    /// The result's <c>Saved</c> holds [2, rows] mean and inverse deviation.
    /// </summary>
    public abstract class RowNormOp : Op
    {
        private protected RowNormOp(float epsilon) => Epsilon = epsilon;

        /// <summary>Added to the variance.</summary>
        public float Epsilon { get; }

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Tensor x = inputs[0];
            NormRows rows = Rows(x.Shape);
            for (int i = 1; i < inputs.Length; i++)
            {
                if (inputs[i].Count != rows.G * rows.P) throw new ArgumentException($"weight and bias need {rows.G * rows.P} elements");
            }
            return x.Device.RowNorm(rows, x, inputs.Length > 1 ? inputs[1] : null, inputs.Length > 2 ? inputs[2] : null, Epsilon);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input)
        {
            Tensor x = node.Inputs[0];
            Tensor? weight = node.Inputs.Count > 1 ? node.Inputs[1] : null;
            NormRows rows = Rows(x.Shape);
            Shape view = [rows.N, rows.G, rows.P, rows.Q], affine = [1, rows.G, rows.P, 1];
            // The fused gradients are no operators of x that could be differentiated again, so a recorded pass composes them.
            if (Recording.Off)
            {
                if (input == 0) return x.Device.RowNormGrad(rows, grad, x, node.Output.Saved!, weight);
                Tensor sums = x.Device.RowNormSums(rows, grad, x, node.Output.Saved!); // rows: the gradient; the gradient times the normalised x
                return sums.Slice(0, 2 - input, 3 - input).Reshape(node.Inputs[input].Shape);
            }
            Tensor g = grad.Reshape(view);
            if (input == 2) return g.Sum([0, 3]).Reshape(node.Inputs[2].Shape);
            Tensor centred = x.Reshape(view);
            centred -= centred.Mean([2, 3], keepDims: true);
            Tensor inverse = (centred.Square().Mean([2, 3], keepDims: true) + Epsilon).Rsqrt(), normalised = centred * inverse;
            if (input == 1) return (g * normalised).Sum([0, 3]).Reshape(node.Inputs[1].Shape);
            if (weight is not null) g *= weight.Reshape(affine);
            Tensor gx = (g - g.Mean([2, 3], keepDims: true) - normalised * (g * normalised).Mean([2, 3], keepDims: true)) * inverse;
            return gx.Reshape(x.Shape);
        }

        /// <inheritdoc/>
        public override void BackwardAll(Node node, Tensor grad, ReadOnlySpan<bool> wanted, Span<Tensor?> grads)
        {
            // Weight and bias share one pass over gradient and input, where nothing has to be recorded.
            bool affine = Recording.Off && wanted.Length > 1 && wanted[1..].Contains(true);
            if (affine)
            {
                Tensor x = node.Inputs[0];
                NormRows rows = Rows(x.Shape);
                Tensor sums = x.Device.RowNormSums(rows, grad, x, node.Output.Saved!); // [2, G P]: the weight's gradient is the second
                for (int i = 1; i < wanted.Length; i++) if (wanted[i]) grads[i] = sums.Alias(node.Inputs[i].Shape, (2 - i) * rows.G * rows.P);
            }
            base.BackwardAll(node, grad, affine ? wanted[..1] : wanted, grads);
        }

        internal abstract NormRows Rows(Shape x);
    }

    /// <summary>Layer normalisation over the last axes (Ba, Kiros, Hinton 2016). Weight and bias have the extents of these axes.</summary>
    /// <param name="axes">How many axes are normalised together.</param>
    /// <param name="epsilon">Added to the variance.</param>
    public sealed class LayerNormOp(int axes, float epsilon) : RowNormOp(epsilon)
    {
        /// <summary>How many axes are normalised together.</summary>
        public int Axes => axes;

        internal override NormRows Rows(Shape x) => Last(x, axes);

        /// <summary>Rows of the last axes.</summary>
        internal static NormRows Last(Shape x, int axes, bool centred = true)
        {
            if (axes < 1 || axes > x.Rank) throw new ArgumentException($"there are no {axes} axes to normalise");
            int length = 1;
            foreach (int extent in x.Dims[^axes..]) length *= extent;
            int rows = 1;
            foreach (int extent in x.Dims[..^axes]) rows *= extent;
            return new NormRows(rows, 1, length, 1, centred);
        }
    }

    /// <summary>Group normalisation of [N, C, ...] (Wu and He 2018); as many groups as channels is instance normalisation. Weight and bias are [C].</summary>
    /// <param name="groups">Into how many groups the channels fall; 0 for one a channel.</param>
    /// <param name="epsilon">Added to the variance.</param>
    public sealed class GroupNormOp(int groups, float epsilon) : RowNormOp(epsilon)
    {
        /// <summary>Into how many groups the channels fall; 0 for one a channel.</summary>
        public int Groups => groups;

        internal override NormRows Rows(Shape x)
        {
            if (x.Rank < 2) throw new ArgumentException("x is [N, C, ...]");
            int channels = x[1], g = groups == 0 ? channels : groups;
            if (g < 0 || (g == 0) != (channels == 0) || (g > 0 && channels % g != 0))
            {
                throw new ArgumentException($"{channels} channels do not divide into {g} groups");
            }
            int inner = 1;
            foreach (int extent in x.Dims[2..]) inner *= extent;
            return new NormRows(x[0], g, g == 0 ? 0 : channels / g, inner);
        }
    }
}

namespace Vitrine
{
    public static partial class TensorOps
    {
        /// <summary>Layer normalisation over the last axes: zero mean and unit (biased) variance, then weight and bias.</summary>
        /// <param name="x">[..., the normalised axes].</param>
        /// <param name="axes">How many axes are normalised together.</param>
        /// <param name="weight">Of the extents of these axes, or null.</param>
        /// <param name="bias">Of the extents of these axes, or null.</param>
        /// <param name="epsilon">Added to the variance.</param>
        public static Tensor LayerNorm(this Tensor x, int axes = 1, Tensor? weight = null, Tensor? bias = null, float epsilon = 1e-5f) =>
            Normalize(new LayerNormOp(axes, epsilon), x, weight, bias);

        /// <summary>Group normalisation of [N, C, ...]; weight and bias are [C] or null.</summary>
        public static Tensor GroupNorm(this Tensor x, int groups, Tensor? weight = null, Tensor? bias = null, float epsilon = 1e-5f)
        {
            if (groups < 1) throw new ArgumentException($"GroupNorm: the channels of {x.Shape} do not divide into {groups} groups.");
            return Normalize(new GroupNormOp(groups, epsilon), x, weight, bias);
        }

        /// <summary>Instance normalisation of [N, C, ...] (Ulyanov et al. 2016); weight and bias are [C] or null.</summary>
        public static Tensor InstanceNorm(this Tensor x, Tensor? weight = null, Tensor? bias = null, float epsilon = 1e-5f) =>
            Normalize(new GroupNormOp(0, epsilon), x, weight, bias);

        /// <summary>Division by the root mean square over the last axes (Zhang and Sennrich 2019), then the weight.</summary>
        /// <param name="x">[..., the normalised axes].</param>
        /// <param name="axes">How many axes are normalised together.</param>
        /// <param name="weight">Of the extents of these axes, or null.</param>
        /// <param name="epsilon">Added to the mean square.</param>
        public static Tensor RmsNorm(this Tensor x, int axes = 1, Tensor? weight = null, float epsilon = 1.1920929e-7f)
        {
            if (axes < 1 || axes > x.Rank) throw new ArgumentException($"RmsNorm: {x.Shape} has no {axes} axes to normalise.");
            Tensor y = x * (x.Square().Mean([.. Enumerable.Range(-axes, axes)], keepDims: true) + epsilon).Rsqrt();
            return weight is null ? y : y * weight;
        }

        /// <summary>
        /// Each element divided by (k + alpha / size times the sum of squares over neighbouring channels) to the power beta (Krizhevsky et al. 2012).
        /// </summary>
        /// <param name="x">[N, C, ...].</param>
        /// <param name="size">How many neighbouring channels.</param>
        /// <param name="alpha">The weight of the squares.</param>
        /// <param name="beta">The exponent.</param>
        /// <param name="k">What the denominator starts from.</param>
        public static Tensor LocalResponseNorm(this Tensor x, int size, float alpha = 1e-4f, float beta = 0.75f, float k = 1)
        {
            if (x.Rank < 3 || size < 1)
            {
                throw new ArgumentException($"LocalResponseNorm: x is [N, C, ...], not {x.Shape}, and the size {size} must be positive.");
            }
            int channels = x.Shape[1], inner = x.Shape[0] * channels == 0 ? 0 : x.Count / (x.Shape[0] * channels);
            Tensor squares = x.Square().Reshape(x.Shape[0], 1, channels, inner).Pad([(0, 0), (0, 0), (size / 2, (size - 1) / 2), (0, 0)]);
            Tensor mean = squares.AvgPool2d(new PoolGeometry((size, 1), (1, 1), (0, 0))).Reshape(x.Shape);
            return x / (mean * alpha + k).Pow(beta);
        }

        private static Tensor Normalize(RowNormOp op, Tensor x, Tensor? weight, Tensor? bias) => (weight, bias) switch
        {
            (null, null) => op.Apply(x),
            (not null, null) => op.Apply(x, weight),
            _ => op.Apply(x, weight ?? Tensor.Ones(bias!.Shape), bias!),
        };
    }
}
