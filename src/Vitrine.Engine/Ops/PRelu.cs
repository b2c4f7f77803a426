using Vitrine.Ops;

namespace Vitrine.Ops
{
    /// <summary>x where x > 0, else slope x, with learned slopes (He et al. 2015). Inputs: x, slope (broadcasting to x).</summary>
    public sealed class PReluOp : Op
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static PReluOp Instance { get; } = new();

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Elementwise;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Tensor x = inputs[0], slope = inputs[1];
            if (Shape.Broadcast(x.Shape, slope.Shape) != x.Shape) throw new ArgumentException("the slopes must broadcast to x");
            Tensor positive = x.Device.Apply(Unary.Relu, x), negative = x.Device.Apply(Binary.Subtract, x, positive, x.Shape);
            return x.Device.Apply(Binary.Add, positive, x.Device.Apply(Binary.Multiply, negative, slope, x.Shape), x.Shape);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input)
        {
            Tensor x = node.Inputs[0], slope = node.Inputs[1], isPositive = x.Greater(Tensor.Scalar(0));
            return input == 0 ? isPositive.Where(grad, grad * slope) : (grad * -(-x).Relu()).SumTo(slope.Shape);
        }
    }
}

namespace Vitrine
{
    public static partial class TensorOps
    {
        /// <summary>x where x > 0, else slope x.</summary>
        /// <param name="x">[N, C, ...].</param>
        /// <param name="slope">One element, or [C], or anything that broadcasts to x.</param>
        public static Tensor PRelu(this Tensor x, Tensor slope)
        {
            bool perChannel = slope.Rank == 1 && slope.Count > 1 && x.Rank >= 2 && x.Shape[1] == slope.Count;
            return PReluOp.Instance.Apply(x, perChannel ? slope.Reshape(Shape.Create([.. Enumerable.Repeat(1, x.Rank)]).With(1, slope.Count)) : slope);
        }
    }
}
