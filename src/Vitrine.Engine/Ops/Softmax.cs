using Vitrine.Ops;

namespace Vitrine.Ops
{
    /// <summary>Softmax along an axis, or its logarithm.</summary>
    /// <param name="axis">The axis; negative from the end.</param>
    /// <param name="log">Whether to give log-probabilities.</param>
    public sealed class SoftmaxOp(int axis, bool log = false) : Op
    {
        /// <inheritdoc/>
        public override string Name => log ? "LogSoftmax" : "Softmax";

        /// <summary>The axis that sums to one.</summary>
        public int Axis => axis;

        /// <summary>Whether the result is log-probabilities.</summary>
        public bool Log => log;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            (int outer, int n, int inner) = inputs[0].Shape.Around(axis);
            return inputs[0].Device.Softmax(inputs[0], outer, n, inner, log);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => new GradOp(axis, log).Apply(grad, node.Output);

        private sealed class GradOp(int axis, bool log) : Op
        {
            public override string Name => log ? "LogSoftmaxGrad" : "SoftmaxGrad";

            public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
            {
                (int outer, int n, int inner) = inputs[0].Shape.Around(axis);
                return inputs[0].Device.SoftmaxGrad(inputs[0], inputs[1], outer, n, inner, log);
            }

            public override Tensor? Backward(Node node, Tensor grad, int input)
            {
                // softmax: r = y (g - <g, y>); log-softmax: r = g - e^y sum(g). With h the gradient with respect to r:
                Tensor g = node.Inputs[0], y = node.Inputs[1];
                if (log)
                {
                    Tensor p = y.Exp();
                    return input == 0 ? grad - (grad * p).Sum([axis], true) : -(grad * p * g.Sum([axis], true));
                }
                Tensor hy = (grad * y).Sum([axis], true);
                return input == 0 ? y * (grad - hy) : grad * (g - (g * y).Sum([axis], true)) - g * hy;
            }
        }
    }
}

namespace Vitrine
{
    public static partial class TensorOps
    {
        /// <summary>Probabilities along an axis: e^x, divided by its sum.</summary>
        public static Tensor Softmax(this Tensor x, int axis = -1) => new SoftmaxOp(axis).Apply(x);

        /// <summary>The logarithm of <see cref="Softmax"/>, without overflow.</summary>
        public static Tensor LogSoftmax(this Tensor x, int axis = -1) => new SoftmaxOp(axis, log: true).Apply(x);
    }
}
