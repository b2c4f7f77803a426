using Vitrine.Ops;

namespace Vitrine.Ops
{
    /// <summary>The product of matrices in the last two axes, leading axes broadcast; either may be read transposed.</summary>
    /// <param name="transposeA">Read the first matrix transposed.</param>
    /// <param name="transposeB">Read the second matrix transposed.</param>
    public sealed class MatMulOp(bool transposeA = false, bool transposeB = false) : Op
    {
        private static readonly MatMulOp[] All = [new(false, false), new(false, true), new(true, false), new(true, true)];

        /// <summary>The operator of these attributes; there are only four.</summary>
        public static MatMulOp Of(bool transposeA = false, bool transposeB = false) => All[(transposeA ? 2 : 0) + (transposeB ? 1 : 0)];

        /// <summary>Whether the first matrix is read transposed.</summary>
        public bool TransposeA => transposeA;

        /// <summary>Whether the second matrix is read transposed.</summary>
        public bool TransposeB => transposeB;

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Bilinear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Tensor a = inputs[0], b = inputs[1];
            if (a.Rank < 2 || b.Rank < 2) throw new ArgumentException("both factors need at least two axes");
            int m = a.Shape[transposeA ? -1 : -2], k = a.Shape[transposeA ? -2 : -1], n = b.Shape[transposeB ? -2 : -1];
            if (k != b.Shape[transposeB ? -1 : -2]) throw new ArgumentException($"the inner extents differ: {k} and {b.Shape[transposeB ? -1 : -2]}");
            Shape leading = Shape.Broadcast([.. a.Shape.Dims[..^2]], [.. b.Shape.Dims[..^2]]);
            return a.Device.MatMul(a, b, transposeA, transposeB, [.. leading.Dims, m, n]);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input)
        {
            Tensor a = node.Inputs[0], b = node.Inputs[1];
            Tensor product = (input, transposeA, transposeB) switch
            {
                (0, false, _) => Of(false, !transposeB).Apply(grad, b),
                (0, true, _) => Of(transposeB, true).Apply(b, grad),
                (_, _, false) => Of(!transposeA, false).Apply(a, grad),
                (_, _, true) => Of(true, transposeA).Apply(grad, a),
            };
            return product.SumTo(node.Inputs[input].Shape);
        }
    }

    /// <summary>x W^T + b over the last axis. Inputs: x [..., in], weight [out, in] and optionally bias [out].</summary>
    public sealed class LinearOp : Op
    {
        private static readonly SumOp BiasGradient = new([0], keepDims: false);

        /// <summary>The operator; it has no attributes.</summary>
        public static LinearOp Instance { get; } = new();

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            (Shape shape, Tensor? bias) = Fit(inputs);
            return inputs[0].Device.Linear(inputs[0], inputs[1], bias, shape);
        }

        /// <summary>The result's shape and the bias, of inputs that fit together.</summary>
        /// <exception cref="ArgumentException">They do not.</exception>
        internal static (Shape Shape, Tensor? Bias) Fit(ReadOnlySpan<Tensor> inputs)
        {
            Tensor x = inputs[0], weight = inputs[1];
            if (weight.Rank != 2 || x.Rank < 1 || x.Shape[-1] != weight.Shape[1]) throw new ArgumentException("x [..., in] and weight [out, in] do not fit");
            Tensor? bias = inputs.Length > 2 ? inputs[2] : null;
            if (bias is not null && bias.Count != weight.Shape[0]) throw new ArgumentException("the bias needs one element for each output");
            return (x.Shape.With(-1, weight.Shape[0]), bias);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => Gradient(node, grad, input);

        /// <summary>The gradient with respect to one input, from the gradient with respect to x W^T + b.</summary>
        internal static Tensor Gradient(Node node, Tensor grad, int input)
        {
            Tensor x = node.Inputs[0], weight = node.Inputs[1];
            if (input == 0) return MatMulOp.Of().Apply(Rows(grad), weight).Reshape(x.Shape);
            return input == 1 ? MatMulOp.Of(transposeA: true).Apply(Rows(grad), Rows(x)) : BiasGradient.Apply(Rows(grad));
        }

        /// <summary>All leading axes as one.</summary>
        private static Tensor Rows(Tensor x)
        {
            if (x.Rank == 2) return x;
            // Not the number of elements over the last extent: that may be 0, and there are rows all the same.
            int rows = 1;
            foreach (int extent in x.Shape.Dims[..^1]) rows *= extent;
            return x.Reshape(rows, x.Shape[-1]);
        }
    }
}

namespace Vitrine
{
    public static partial class TensorOps
    {
        /// <summary>
        /// The product of matrices in the last two axes, leading axes broadcast. A vector on the left is a row, on the right a column, as in PyTorch and NumPy.
        /// </summary>
        public static Tensor MatMul(this Tensor a, Tensor b)
        {
            if (a.Rank == 1) return b.Rank == 1 ? a.Unsqueeze(0).MatMul(b.Unsqueeze(1)).Reshape(Shape.Scalar) : a.Unsqueeze(0).MatMul(b).Squeeze(-2);
            return b.Rank == 1 ? a.MatMul(b.Unsqueeze(1)).Squeeze(-1) : MatMulOp.Of().Apply(a, b);
        }

        /// <summary>x W^T + b over the last axis: x [..., in], weight [out, in], bias [out].</summary>
        public static Tensor Linear(this Tensor x, Tensor weight, Tensor? bias = null) =>
            bias is null ? LinearOp.Instance.Apply(x, weight) : LinearOp.Instance.Apply(x, weight, bias);
    }
}
