using Vitrine.Cpu;
using Vitrine.Ops;

namespace Vitrine
{
    /// <summary>How a two-dimensional window moves: (vertical, horizontal) pairs.</summary>
    /// <param name="Stride">The step between windows.</param>
    /// <param name="Padding">Zeros around the image.</param>
    /// <param name="Dilation">The distance between the elements of a window.</param>
    /// <param name="Groups">Into how many independent groups the channels fall.</param>
    public readonly record struct ConvGeometry((int H, int W) Stride, (int H, int W) Padding, (int H, int W) Dilation, int Groups = 1)
    {
        /// <summary>The same step, padding and dilation in both directions.</summary>
        public static ConvGeometry Square(int stride = 1, int padding = 0, int dilation = 1, int groups = 1) =>
            new((stride, stride), (padding, padding), (dilation, dilation), groups);

        internal ConvShape Fit(Shape x, Shape weight)
        {
            if (x.Rank != 4 || weight.Rank != 4) throw new ArgumentException("x [N, C, H, W] and weight [O, C/groups, KH, KW] need four axes each");
            if (Groups < 1 || x[1] != weight[1] * Groups || weight[0] % Groups != 0)
            {
                throw new ArgumentException($"x has {x[1]} channels, the weight {weight[0]} outputs of {weight[1]} channels, in {Groups} groups");
            }
            int outH = Extent(x[2], weight[2], Stride.H, Padding.H, Dilation.H), outW = Extent(x[3], weight[3], Stride.W, Padding.W, Dilation.W);
            return new ConvShape(
                x[0], x[1], x[2], x[3], weight[0], weight[2], weight[3], Stride.H, Stride.W, Padding.H, Padding.W, Dilation.H, Dilation.W, Groups, outH, outW);
        }

        private static int Extent(int size, int kernel, int stride, int padding, int dilation)
        {
            if (stride < 1 || dilation < 1 || padding < 0)
            {
                throw new ArgumentException($"stride {stride} and dilation {dilation} must be positive, padding {padding} not negative");
            }
            int room = size + 2 * padding - dilation * (kernel - 1) - 1;
            if (room < 0) throw new ArgumentException($"a kernel of {kernel} (dilation {dilation}) does not fit into {size} with padding {padding}");
            return room / stride + 1;
        }
    }
}

namespace Vitrine.Ops
{
    /// <summary>Cross-correlation in two dimensions. Inputs: x [N, C, H, W], weight [O, C/groups, KH, KW] and optionally bias [O].</summary>
    /// <param name="geometry">Stride, padding, dilation, groups.</param>
    public sealed class Conv2dOp(ConvGeometry geometry) : Op
    {
        private static readonly SumOp BiasGradient = new([0, 2, 3], keepDims: false);

        /// <summary>Stride, padding, dilation, groups.</summary>
        public ConvGeometry Geometry => geometry;

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => Convolve(geometry, inputs, relu: false);

        internal static Tensor Convolve(ConvGeometry geometry, ReadOnlySpan<Tensor> inputs, bool relu)
        {
            Tensor? bias = inputs.Length > 2 ? inputs[2] : null;
            ConvShape shape = geometry.Fit(inputs[0].Shape, inputs[1].Shape);
            if (bias is not null && bias.Count != shape.O) throw new ArgumentException("the bias needs one element for each output channel");
            return inputs[0].Device.Conv2d(shape, inputs[0], inputs[1], bias, relu);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => Gradient(geometry, node, grad, input);

        /// <summary>The gradient with respect to one input, from the gradient with respect to the convolution.</summary>
        internal static Tensor Gradient(ConvGeometry geometry, Node node, Tensor grad, int input)
        {
            Tensor x = node.Inputs[0], weight = node.Inputs[1];
            return input switch
            {
                0 => new ConvTranspose2dOp(geometry, x.Shape[2], x.Shape[3]).Apply(grad, weight),
                1 => new Conv2dWeightOp(geometry, weight.Shape).Apply(grad, x),
                _ => BiasGradient.Apply(grad),
            };
        }
    }

    /// <summary>max(convolution, 0) in one pass: the same numbers as the two operators one after the other give. Inputs as <see cref="Conv2dOp"/>.</summary>
    internal sealed class Conv2dReluOp(ConvGeometry geometry) : FusedOp
    {
        private readonly Conv2dOp _convolution = new(geometry);

        public override string Name => "FusedConv2d";

        public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => Conv2dOp.Convolve(geometry, inputs, relu: true);

        public override Tensor Compose(ReadOnlySpan<Tensor> inputs) => _convolution.Apply(inputs).Relu();

        private protected override void Kernel(Node node, Tensor grad, ReadOnlySpan<bool> wanted, Span<Tensor?> grads)
        {
            // What came out is positive exactly where what went into the ReLU was.
            Tensor inner = ReluGradOp.Instance.Apply(grad, node.Output);
            for (int i = 0; i < wanted.Length; i++) if (wanted[i]) grads[i] = Conv2dOp.Gradient(geometry, node, inner, i);
        }
    }

    /// <summary>
    /// The transpose of <see cref="Conv2dOp"/>, which is also its gradient with respect to x. Inputs: x [N, C, H, W], weight [C, O/groups, KH, KW]; result [N,
    /// O, height, width].
    /// </summary>
    /// <param name="geometry">Stride, padding, dilation, groups of the convolution that is transposed.</param>
    /// <param name="height">The height of the result: several fit one input when the stride is over 1.</param>
    /// <param name="width">The width of the result.</param>
    public sealed class ConvTranspose2dOp(ConvGeometry geometry, int height, int width) : Op
    {
        /// <summary>Stride, padding, dilation, groups of the convolution that is transposed.</summary>
        public ConvGeometry Geometry => geometry;

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Tensor x = inputs[0], weight = inputs[1];
            if (x.Rank != 4 || weight.Rank != 4) throw new ArgumentException("x [N, C, H, W] and weight [C, O/groups, KH, KW] need four axes each");
            ConvShape shape = geometry.Fit([x.Shape[0], weight.Shape[1] * geometry.Groups, height, width], weight.Shape);
            if (shape.O != x.Shape[1] || shape.OH != x.Shape[2] || shape.OW != x.Shape[3])
            {
                throw new ArgumentException($"a convolution of {height} x {width} gives [{shape.O}, {shape.OH}, {shape.OW}], not x");
            }
            return x.Device.Conv2dInput(shape, x, weight);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => input == 0
            ? new Conv2dOp(geometry).Apply(grad, node.Inputs[1])
            : new Conv2dWeightOp(geometry, node.Inputs[1].Shape).Apply(node.Inputs[0], grad);
    }

    /// <summary>The gradient of <see cref="Conv2dOp"/> with respect to its weight. Inputs: the gradient [N, O, OH, OW], x [N, C, H, W].</summary>
    /// <param name="geometry">Stride, padding, dilation, groups.</param>
    /// <param name="weight">The weight's shape.</param>
    public sealed class Conv2dWeightOp(ConvGeometry geometry, Shape weight) : Op
    {
        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Bilinear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs) =>
            inputs[0].Device.Conv2dWeight(geometry.Fit(inputs[1].Shape, weight), inputs[0], inputs[1]);

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input)
        {
            Tensor x = node.Inputs[1];
            return input == 0 ? new Conv2dOp(geometry).Apply(x, grad) : new ConvTranspose2dOp(geometry, x.Shape[2], x.Shape[3]).Apply(node.Inputs[0], grad);
        }
    }
}

namespace Vitrine
{
    public static partial class TensorOps
    {
        /// <summary>Cross-correlation: x [N, C, H, W], weight [O, C/groups, KH, KW], bias [O].</summary>
        public static Tensor Conv2d(this Tensor x, Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0, int dilation = 1, int groups = 1) =>
            x.Conv2d(weight, bias, ConvGeometry.Square(stride, padding, dilation, groups));

        /// <summary>Cross-correlation: x [N, C, H, W], weight [O, C/groups, KH, KW], bias [O].</summary>
        public static Tensor Conv2d(this Tensor x, Tensor weight, Tensor? bias, ConvGeometry geometry) =>
            bias is null ? new Conv2dOp(geometry).Apply(x, weight) : new Conv2dOp(geometry).Apply(x, weight, bias);

        /// <summary>Transposed convolution: x [N, C, H, W], weight [C, O/groups, KH, KW], bias [O].</summary>
        /// <param name="x">The input.</param>
        /// <param name="weight">The kernel.</param>
        /// <param name="bias">Added to each output channel, or null.</param>
        /// <param name="geometry">Stride, padding, dilation and groups of the convolution that is transposed.</param>
        /// <param name="outputPadding">Rows and columns to add at the end: which of the fitting output sizes is meant; below the stride.</param>
        public static Tensor ConvTranspose2d(this Tensor x, Tensor weight, Tensor? bias, ConvGeometry geometry, (int H, int W) outputPadding = default)
        {
            int height = (x.Shape[2] - 1) * geometry.Stride.H - 2 * geometry.Padding.H + geometry.Dilation.H * (weight.Shape[2] - 1) + outputPadding.H + 1;
            int width = (x.Shape[3] - 1) * geometry.Stride.W - 2 * geometry.Padding.W + geometry.Dilation.W * (weight.Shape[3] - 1) + outputPadding.W + 1;
            Tensor y = new ConvTranspose2dOp(geometry, height, width).Apply(x, weight);
            return bias is null ? y : y + bias.Reshape(1, bias.Count, 1, 1);
        }
    }
}
