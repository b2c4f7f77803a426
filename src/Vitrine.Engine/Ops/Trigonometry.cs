using Vitrine.Ops;

namespace Vitrine.Ops
{
    /// <summary>The tangent, radians.</summary>
    public sealed class TanOp : UnaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static TanOp Instance { get; } = new();

        internal override Unary Kind => Unary.Tan;

        /// <inheritdoc/>
        protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * (y.Square() + 1f);
    }

    /// <summary>The arc sine, in [-pi/2, pi/2].</summary>
    public sealed class AsinOp : UnaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static AsinOp Instance { get; } = new();

        internal override Unary Kind => Unary.Asin;

        /// <inheritdoc/>
        protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * (1f - x.Square()).Rsqrt();
    }

    /// <summary>The arc cosine, in [0, pi].</summary>
    public sealed class AcosOp : UnaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static AcosOp Instance { get; } = new();

        internal override Unary Kind => Unary.Acos;

        /// <inheritdoc/>
        protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => -(grad * (1f - x.Square()).Rsqrt());
    }

    /// <summary>The arc tangent, in (-pi/2, pi/2).</summary>
    public sealed class AtanOp : UnaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static AtanOp Instance { get; } = new();

        internal override Unary Kind => Unary.Atan;

        /// <inheritdoc/>
        protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad / (x.Square() + 1f);
    }

    /// <summary>The hyperbolic sine.</summary>
    public sealed class SinhOp : UnaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static SinhOp Instance { get; } = new();

        internal override Unary Kind => Unary.Sinh;

        /// <inheritdoc/>
        protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * x.Cosh();
    }

    /// <summary>The hyperbolic cosine.</summary>
    public sealed class CoshOp : UnaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static CoshOp Instance { get; } = new();

        internal override Unary Kind => Unary.Cosh;

        /// <inheritdoc/>
        protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * x.Sinh();
    }

    /// <summary>The inverse of the hyperbolic sine.</summary>
    public sealed class AsinhOp : UnaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static AsinhOp Instance { get; } = new();

        internal override Unary Kind => Unary.Asinh;

        /// <inheritdoc/>
        protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * (x.Square() + 1f).Rsqrt();
    }

    /// <summary>The inverse of the hyperbolic cosine, not negative; for x of 1 and more.</summary>
    public sealed class AcoshOp : UnaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static AcoshOp Instance { get; } = new();

        internal override Unary Kind => Unary.Acosh;

        /// <inheritdoc/>
        protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad * (x.Square() - 1f).Rsqrt();
    }

    /// <summary>The inverse of the hyperbolic tangent; for x between -1 and 1.</summary>
    public sealed class AtanhOp : UnaryOp
    {
        /// <summary>The operator; it has no attributes.</summary>
        public static AtanhOp Instance { get; } = new();

        internal override Unary Kind => Unary.Atanh;

        /// <inheritdoc/>
        protected override Tensor? Derivative(Tensor grad, Tensor x, Tensor y) => grad / (1f - x.Square());
    }
}

namespace Vitrine
{
    public static partial class TensorOps
    {
        /// <summary>The tangent, radians, elementwise.</summary>
        public static Tensor Tan(this Tensor x) => TanOp.Instance.Apply(x);

        /// <summary>The arc sine, in [-pi/2, pi/2], elementwise.</summary>
        public static Tensor Asin(this Tensor x) => AsinOp.Instance.Apply(x);

        /// <summary>The arc cosine, in [0, pi], elementwise.</summary>
        public static Tensor Acos(this Tensor x) => AcosOp.Instance.Apply(x);

        /// <summary>The arc tangent, in (-pi/2, pi/2), elementwise.</summary>
        public static Tensor Atan(this Tensor x) => AtanOp.Instance.Apply(x);

        /// <summary>The hyperbolic sine, elementwise.</summary>
        public static Tensor Sinh(this Tensor x) => SinhOp.Instance.Apply(x);

        /// <summary>The hyperbolic cosine, elementwise.</summary>
        public static Tensor Cosh(this Tensor x) => CoshOp.Instance.Apply(x);

        /// <summary>The inverse of the hyperbolic sine, elementwise.</summary>
        public static Tensor Asinh(this Tensor x) => AsinhOp.Instance.Apply(x);

        /// <summary>The inverse of the hyperbolic cosine, not negative, elementwise.</summary>
        public static Tensor Acosh(this Tensor x) => AcoshOp.Instance.Apply(x);

        /// <summary>The inverse of the hyperbolic tangent, elementwise.</summary>
        public static Tensor Atanh(this Tensor x) => AtanhOp.Instance.Apply(x);
    }
}
