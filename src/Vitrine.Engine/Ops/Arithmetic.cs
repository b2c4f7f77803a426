using Vitrine.Ops;

namespace Vitrine.Ops
{
    /// <summary>An elementwise operator of two inputs, with broadcasting.</summary>
    public abstract class BinaryOp : Op
    {
        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Elementwise;

        internal abstract Binary Kind { get; }

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs) =>
            inputs[0].Device.Apply(Kind, inputs[0], inputs[1], Shape.Broadcast(inputs[0].Shape, inputs[1].Shape));

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) =>
            Derivative(grad, node.Inputs[0], node.Inputs[1], node.Output, input).SumTo(node.Inputs[input].Shape);

        /// <summary>The gradient with respect to one operand, before broadcast axes are summed up.</summary>
        protected abstract Tensor Derivative(Tensor grad, Tensor a, Tensor b, Tensor y, int input);
    }

    /// <summary>a + b.</summary>
    public sealed class AddOp : BinaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static AddOp Instance { get; } = new();

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Elementwise | OpTraits.Linear;

        internal override Binary Kind => Binary.Add;

        /// <inheritdoc/>
        protected override Tensor Derivative(Tensor grad, Tensor a, Tensor b, Tensor y, int input) => grad;
    }

    /// <summary>a - b.</summary>
    public sealed class SubtractOp : BinaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static SubtractOp Instance { get; } = new();

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Elementwise | OpTraits.Linear;

        internal override Binary Kind => Binary.Subtract;

        /// <inheritdoc/>
        protected override Tensor Derivative(Tensor grad, Tensor a, Tensor b, Tensor y, int input) => input == 0 ? grad : -grad;
    }

    /// <summary>a b.</summary>
    public sealed class MultiplyOp : BinaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static MultiplyOp Instance { get; } = new();

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Elementwise | OpTraits.Bilinear;

        internal override Binary Kind => Binary.Multiply;

        /// <inheritdoc/>
        protected override Tensor Derivative(Tensor grad, Tensor a, Tensor b, Tensor y, int input) => grad * (input == 0 ? b : a);
    }

    /// <summary>a / b.</summary>
    public sealed class DivideOp : BinaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static DivideOp Instance { get; } = new();

        internal override Binary Kind => Binary.Divide;

        /// <inheritdoc/>
        protected override Tensor Derivative(Tensor grad, Tensor a, Tensor b, Tensor y, int input) => input == 0 ? grad / b : -(grad * y / b);
    }

    /// <summary>a to the power b.</summary>
    public sealed class PowOp : BinaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static PowOp Instance { get; } = new();

        internal override Binary Kind => Binary.Power;

        /// <inheritdoc/>
        protected override Tensor Derivative(Tensor grad, Tensor a, Tensor b, Tensor y, int input) =>
            input == 0
                ? b.NotEqualTo(Tensor.Scalar(0)).Where(grad * b * a.Pow(b - 1f), Tensor.Scalar(0)) // not 0 times infinity where a is 0
                : a.NotEqualTo(Tensor.Scalar(0)).Where(grad * y * a.Log(), Tensor.Scalar(0));
    }

    /// <summary>The larger of a and b; where they are equal, each gets half of the gradient, as in PyTorch.</summary>
    public sealed class MaximumOp : BinaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static MaximumOp Instance { get; } = new();

        internal override Binary Kind => Binary.Maximum;

        /// <inheritdoc/>
        protected override Tensor Derivative(Tensor grad, Tensor a, Tensor b, Tensor y, int input) => input == 0 ? Share(grad, a, b) : Share(grad, b, a);

        /// <summary>The gradient's share of the operand that is expected to be the larger.</summary>
        internal static Tensor Share(Tensor grad, Tensor larger, Tensor smaller) =>
            grad * ((larger.Greater(smaller).Cast(DType.Float32) + larger.GreaterOrEqual(smaller).Cast(DType.Float32)) * 0.5f);
    }

    /// <summary>The smaller of a and b; where they are equal, each gets half of the gradient, as in PyTorch.</summary>
    public sealed class MinimumOp : BinaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static MinimumOp Instance { get; } = new();

        internal override Binary Kind => Binary.Minimum;

        /// <inheritdoc/>
        protected override Tensor Derivative(Tensor grad, Tensor a, Tensor b, Tensor y, int input) =>
            input == 0 ? MaximumOp.Share(grad, b, a) : MaximumOp.Share(grad, a, b);
    }

    /// <summary>A comparison; the result is of type Bool and carries no gradient.</summary>
    internal sealed class CompareOp(Comparison kind) : Op
    {
        public Comparison Kind => kind;

        public override OpTraits Traits => OpTraits.Elementwise;

        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            if (inputs[0].DType != inputs[1].DType || inputs[0].DType == DType.Bool)
            {
                throw new ArgumentException("a comparison takes two tensors of floats or two of integers");
            }
            return inputs[0].Device.Compare(kind, inputs[0], inputs[1], Shape.Broadcast(inputs[0].Shape, inputs[1].Shape));
        }

        public override Tensor? Backward(Node node, Tensor grad, int input) => null;
    }

    /// <summary>Another element type; no gradient flows through.</summary>
    internal sealed class CastOp(DType dtype) : Op
    {
        public DType DType => dtype;

        public override OpTraits Traits => OpTraits.Elementwise;

        public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].Device.Cast(inputs[0], dtype);

        public override Tensor? Backward(Node node, Tensor grad, int input) => inputIsFloat(node) && dtype == DType.Float32 ? grad : null;

        private static bool inputIsFloat(Node node) => node.Inputs[0].DType == DType.Float32;
    }

    /// <summary>a where the condition holds, else b, with broadcasting. Inputs: condition (Bool), a, b.</summary>
    public sealed class WhereOp : Op
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static WhereOp Instance { get; } = new();

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Elementwise | OpTraits.Routing;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Shape shape = Shape.Broadcast(inputs[0].Shape, Shape.Broadcast(inputs[1].Shape, inputs[2].Shape));
            return inputs[0].Device.Where(inputs[0].Expand(shape), Wide(inputs[1]), Wide(inputs[2]), shape);

            Tensor Wide(Tensor x) => x.Count == 1 ? x : x.Expand(shape);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input)
        {
            if (input == 0) return null;
            Tensor zero = Tensor.Zeros(Shape.Scalar), condition = node.Inputs[0];
            return (input == 1 ? Apply(condition, grad, zero) : Apply(condition, zero, grad)).SumTo(node.Inputs[input].Shape);
        }
    }
}

namespace Vitrine
{
    public static partial class TensorOps
    {
        /// <summary>a to the power b, elementwise, broadcasting.</summary>
        public static Tensor Pow(this Tensor a, Tensor b) => PowOp.Instance.Apply(a, b);

        /// <summary>The larger, elementwise, broadcasting.</summary>
        public static Tensor Maximum(this Tensor a, Tensor b) => MaximumOp.Instance.Apply(a, b);

        /// <summary>The smaller, elementwise, broadcasting.</summary>
        public static Tensor Minimum(this Tensor a, Tensor b) => MinimumOp.Instance.Apply(a, b);

        /// <summary>Where a = b; Bool.</summary>
        public static Tensor EqualTo(this Tensor a, Tensor b) => new CompareOp(Comparison.Equal).Apply(a, b);

        /// <summary>Where a and b differ; Bool.</summary>
        public static Tensor NotEqualTo(this Tensor a, Tensor b) => new CompareOp(Comparison.NotEqual).Apply(a, b);

        /// <summary>Where a &lt; b; Bool.</summary>
        public static Tensor Less(this Tensor a, Tensor b) => new CompareOp(Comparison.Less).Apply(a, b);

        /// <summary>Where a &lt;= b; Bool.</summary>
        public static Tensor LessOrEqual(this Tensor a, Tensor b) => new CompareOp(Comparison.LessOrEqual).Apply(a, b);

        /// <summary>Where a &gt; b; Bool.</summary>
        public static Tensor Greater(this Tensor a, Tensor b) => new CompareOp(Comparison.Greater).Apply(a, b);

        /// <summary>Where a &gt;= b; Bool.</summary>
        public static Tensor GreaterOrEqual(this Tensor a, Tensor b) => new CompareOp(Comparison.GreaterOrEqual).Apply(a, b);

        /// <summary>Another element type; truth values become 0 and 1, floats lose their fraction.</summary>
        public static Tensor Cast(this Tensor x, DType dtype) => x.DType == dtype ? x : new CastOp(dtype).Apply(x);

        /// <summary><paramref name="a"/> where the condition holds, else <paramref name="b"/>, broadcasting.</summary>
        public static Tensor Where(this Tensor condition, Tensor a, Tensor b) => WhereOp.Instance.Apply(condition, a, b);
    }
}
