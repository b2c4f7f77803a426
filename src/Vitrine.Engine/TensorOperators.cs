using Vitrine.Ops;

namespace Vitrine;

/// <content>Arithmetic in operators.</content>
public sealed partial class Tensor
{
    /// <summary>Elementwise sum, broadcasting.</summary>
    public static Tensor operator +(Tensor a, Tensor b) => AddOp.Instance.Apply(a, b);

    /// <summary>Elementwise difference, broadcasting.</summary>
    public static Tensor operator -(Tensor a, Tensor b) => SubtractOp.Instance.Apply(a, b);

    /// <summary>Elementwise product, broadcasting.</summary>
    public static Tensor operator *(Tensor a, Tensor b) => MultiplyOp.Instance.Apply(a, b);

    /// <summary>Elementwise quotient, broadcasting.</summary>
    public static Tensor operator /(Tensor a, Tensor b) => DivideOp.Instance.Apply(a, b);

    /// <summary>Adds a number to every element.</summary>
    public static Tensor operator +(Tensor a, float b) => new AffineOp(1, b).Apply(a);

    /// <summary>Adds a number to every element.</summary>
    public static Tensor operator +(float a, Tensor b) => b + a;

    /// <summary>Subtracts a number from every element.</summary>
    public static Tensor operator -(Tensor a, float b) => new AffineOp(1, -b).Apply(a);

    /// <summary>Subtracts every element from a number.</summary>
    public static Tensor operator -(float a, Tensor b) => new AffineOp(-1, a).Apply(b);

    /// <summary>Multiplies every element by a number.</summary>
    public static Tensor operator *(Tensor a, float b) => new AffineOp(b, 0).Apply(a);

    /// <summary>Multiplies every element by a number.</summary>
    public static Tensor operator *(float a, Tensor b) => b * a;

    /// <summary>Divides every element by a number.</summary>
    public static Tensor operator /(Tensor a, float b) => new AffineOp(1 / b, 0).Apply(a);

    /// <summary>Divides a number by every element.</summary>
    public static Tensor operator /(float a, Tensor b) => b.Reciprocal() * a;

    /// <summary>Negates every element.</summary>
    public static Tensor operator -(Tensor a) => new AffineOp(-1, 0).Apply(a);
}
