using Vitrine.Ops;

namespace Vitrine.Onnx;

// Every function below is an operator of the format (see OnnxAttribute): its first parameters are the inputs, the others the attributes with the format's
// defaults.

/// <content>Operators of one element at a time, with broadcasting.</content>
internal static partial class Operators
{
    [Onnx(6)]
    private static Value Abs(Value x) =>
        x.Tensor.DType == DType.Float32 ? x.With(x.Tensor.Abs()) : x.With(Integers.Map(x.Tensor, v => ElementTypes.Wrap(v < 0 ? -v : v, x.Type)));

    [Onnx(6)]
    private static Value Neg(Value x) =>
        x.Tensor.DType == DType.Float32 ? x.With(-x.Tensor) : x.With(Integers.Map(x.Tensor, v => ElementTypes.Wrap(-v, x.Type)));

    [Onnx(9)]
    private static Value Sign(Value x) => x.Tensor.DType == DType.Float32 ? x.With(x.Tensor.Sign()) : x.With(Integers.Map(x.Tensor, v => Math.Sign(v)));

    [Onnx(6)]
    private static Tensor Ceil(Tensor x) => x.Ceiling();

    [Onnx(6)]
    private static Tensor Floor(Tensor x) => x.Floor();

    [Onnx(11)]
    private static Tensor Round(Tensor x) => x.Round();

    [Onnx(6)]
    private static Tensor Exp(Tensor x) => x.Exp();

    [Onnx(6)]
    private static Tensor Log(Tensor x) => x.Log();

    [Onnx(6)]
    private static Tensor Sqrt(Tensor x) => x.Sqrt();

    [Onnx(6)]
    private static Tensor Reciprocal(Tensor x) => x.Reciprocal();

    [Onnx(7)]
    private static Tensor Sin(Tensor x) => x.Sin();

    [Onnx(7)]
    private static Tensor Cos(Tensor x) => x.Cos();

    [Onnx(7)]
    private static Tensor Tan(Tensor x) => x.Tan();

    [Onnx(7)]
    private static Tensor Asin(Tensor x) => x.Asin();

    [Onnx(7)]
    private static Tensor Acos(Tensor x) => x.Acos();

    [Onnx(7)]
    private static Tensor Atan(Tensor x) => x.Atan();

    [Onnx(9)]
    private static Tensor Sinh(Tensor x) => x.Sinh();

    [Onnx(9)]
    private static Tensor Cosh(Tensor x) => x.Cosh();

    [Onnx(9)]
    private static Tensor Asinh(Tensor x) => x.Asinh();

    [Onnx(9)]
    private static Tensor Acosh(Tensor x) => x.Acosh();

    [Onnx(9)]
    private static Tensor Atanh(Tensor x) => x.Atanh();

    [Onnx(6)]
    private static Tensor Tanh(Tensor x) => x.Tanh();

    [Onnx(6)]
    private static Tensor Sigmoid(Tensor x) => x.Sigmoid();

    [Onnx(9)]
    private static Tensor Erf(Tensor x) => x.Erf();

    [Onnx(6)]
    private static Value Relu(Value x) => x.Tensor.DType == DType.Float32 ? x.With(x.Tensor.Relu()) : x.With(Integers.Map(x.Tensor, v => Math.Max(v, 0)));

    [Onnx(6)]
    private static Tensor LeakyRelu(Tensor x, float alpha = 0.01f) => x.LeakyRelu(alpha);

    [Onnx(7)]
    private static Tensor PRelu(Tensor x, Tensor slope) => PReluOp.Instance.Apply(x, slope);

    [Onnx(6)]
    private static Tensor Elu(Tensor x, float alpha = 1) => x.Elu(alpha);

    [Onnx(12)]
    private static Tensor Celu(Tensor x, float alpha = 1) => (x * (1 / alpha)).Elu() * alpha;

    [Onnx(6)]
    private static Tensor Selu(Tensor x, float alpha = 1.67326319217681884765625f, float gamma = 1.05070102214813232421875f) => x.Elu(alpha) * gamma;

    [Onnx(20)]
    private static Tensor Gelu(Tensor x, string approximate = "none") => approximate switch
    {
        "none" => x.Gelu(),
        "tanh" => x.GeluTanh(),
        _ => throw new ArgumentException($"approximate is none or tanh, not {approximate}"),
    };

    [Onnx(6)]
    private static Tensor HardSigmoid(Tensor x, float alpha = 0.2f, float beta = 0.5f) => (x * alpha + beta).Clamp(0, 1);

    [Onnx(14)]
    private static Tensor HardSwish(Tensor x) => x.HardSwish();

    [Onnx(18)]
    private static Tensor Mish(Tensor x) => x.Mish();

    [Onnx(24)]
    private static Tensor Swish(Tensor x, float alpha = 1) => alpha == 1 ? x.Silu() : x * (x * alpha).Sigmoid();

    [Onnx(1)]
    private static Tensor Softplus(Tensor x) => x.Softplus();

    [Onnx(1)]
    private static Tensor Softsign(Tensor x) => x.Softsign();

    [Onnx(10)]
    private static Tensor ThresholdedRelu(Tensor x, float alpha = 1) => x * x.Greater(Tensor.Scalar(alpha)).Cast(DType.Float32);

    [Onnx(9)]
    private static Value Shrink(Value x, float bias = 0, float lambd = 0.5f)
    {
        Tensor f = x.Tensor.Cast(DType.Float32);
        Tensor below = f.Less(Tensor.Scalar(-lambd)).Cast(DType.Float32), above = f.Greater(Tensor.Scalar(lambd)).Cast(DType.Float32);
        Tensor y = below * (f + bias) + above * (f - bias);
        return x.With(y.Cast(x.Tensor.DType));
    }

    /// <summary>Limits that are attributes.</summary>
    [Onnx(6, Name = "Clip")]
    private static Tensor ClipByAttributes(Tensor x, float min = float.NegativeInfinity, float max = float.PositiveInfinity) => x.Clamp(min, max);

    [Onnx(11)]
    private static Value Clip(Value x, Tensor? min = null, Tensor? max = null)
    {
        if (x.Tensor.DType == DType.Float32)
        {
            float least = min is null ? float.NegativeInfinity : min.Item(), greatest = max is null ? float.PositiveInfinity : max.Item();
            // Where the limits cross, the upper one holds.
            return x.With(x.Tensor.Clamp(Math.Min(least, greatest), greatest));
        }
        long low = min is null ? long.MinValue : Integers.Single(min), high = max is null ? long.MaxValue : Integers.Single(max);
        return x.With(Integers.Map(x.Tensor, v => Math.Min(Math.Max(v, low), high)));
    }

    [Onnx(7)]
    private static Value Add(Value a, Value b) => Arithmetic(a, b, static (x, y) => x + y, static (x, y) => x + y);

    [Onnx(7)]
    private static Value Sub(Value a, Value b) => Arithmetic(a, b, static (x, y) => x - y, static (x, y) => x - y);

    [Onnx(7)]
    private static Value Mul(Value a, Value b) => Arithmetic(a, b, static (x, y) => x * y, static (x, y) => x * y);

    [Onnx(7)]
    private static Value Div(Value a, Value b) => Arithmetic(a, b, static (x, y) => x / y, static (x, y) => y == -1 ? -x : x / y);

    [Onnx(7)]
    private static Value Pow(Value x, Value y)
    {
        // The result has the type of the base, whatever the exponent's.
        if (x.Tensor.DType == DType.Int64 && y.Tensor.DType == DType.Int64)
        {
            return x.With(Integers.Map(x.Tensor, y.Tensor, (a, b) => ElementTypes.Wrap(Power(a, b), x.Type)));
        }
        Tensor exponent = y.Tensor.Cast(DType.Float32), basis = x.Tensor.Cast(DType.Float32);
        Tensor power = exponent is { Count: 1, IsRecorded: false } && exponent.Rank <= basis.Rank ? basis.Pow(exponent.Item()) : basis.Pow(exponent);
        return x.With(power.Cast(x.Tensor.DType));

        static long Power(long a, long b)
        {
            if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
            long power = 1;
            for (; b > 0; b >>= 1, a *= a) if ((b & 1) != 0) power *= a;
            return power;
        }
    }

    [Onnx(10)]
    private static Value Mod(Value a, Value b, int fmod = 0)
    {
        if (a.Tensor.DType == DType.Int64)
        {
            return Integers.Binary(a, b, fmod != 0 ? static (x, y) => y == -1 ? 0 : x % y : static (x, y) => y == -1 ? 0 : (x % y + y) % y);
        }
        if (fmod == 0) throw new ArgumentException("floats need fmod = 1");
        Tensor quotient = (a.Tensor / b.Tensor).Detach();
        Tensor whole = quotient.Abs().Floor() * quotient.Sign(); // towards zero
        return a.With(a.Tensor - whole * b.Tensor);
    }

    [Onnx(6)]
    private static Value Max(params Value?[] data) => Fold(data, (x, y) => Arithmetic(x, y, static (a, b) => a.Maximum(b), static (a, b) => Math.Max(a, b)));

    [Onnx(6)]
    private static Value Min(params Value?[] data) => Fold(data, (x, y) => Arithmetic(x, y, static (a, b) => a.Minimum(b), static (a, b) => Math.Min(a, b)));

    [Onnx(6)]
    private static Value Sum(params Value?[] data) => Fold(data, Add);

    [Onnx(6)]
    private static Value Mean(params Value?[] data)
    {
        Value sum = Fold(data, Add);
        return sum.With(sum.Tensor * (1f / data.Length));
    }

    [Onnx(11)]
    private static Value BitShift(Value x, Value y, string direction)
    {
        int bits = ElementTypes.Bits(x.Type);
        return direction switch
        {
            "LEFT" => Integers.Binary(x, y, (a, b) => (ulong)b >= (ulong)bits ? 0 : a << (int)b),
            "RIGHT" => Integers.Binary(x, y, (a, b) => (ulong)b >= (ulong)bits ? 0 : (long)((ulong)a >> (int)b)),
            _ => throw new ArgumentException($"direction is LEFT or RIGHT, not {direction}"),
        };
    }

    [Onnx(18)]
    private static Value BitwiseAnd(Value a, Value b) => Integers.Binary(a, b, static (x, y) => x & y);

    [Onnx(18)]
    private static Value BitwiseOr(Value a, Value b) => Integers.Binary(a, b, static (x, y) => x | y);

    [Onnx(18)]
    private static Value BitwiseXor(Value a, Value b) => Integers.Binary(a, b, static (x, y) => x ^ y);

    [Onnx(18)]
    private static Value BitwiseNot(Value x) => x.With(Integers.Map(x.Tensor, v => ElementTypes.Wrap(~v, x.Type)));

    [Onnx(7)]
    private static Tensor And(Tensor a, Tensor b) => Integers.Map(a, b, static (x, y) => x && y);

    [Onnx(7)]
    private static Tensor Or(Tensor a, Tensor b) => Integers.Map(a, b, static (x, y) => x || y);

    [Onnx(7)]
    private static Tensor Xor(Tensor a, Tensor b) => Integers.Map(a, b, static (x, y) => x != y);

    [Onnx(1)]
    private static Tensor Not(Tensor x) => Integers.Map(x, x, static (a, _) => !a);

    [Onnx(7)]
    private static Value Equal(Value a, Value b) => Compare(a, b, TensorOps.EqualTo);

    [Onnx(7)]
    private static Value Greater(Value a, Value b) => Compare(a, b, TensorOps.Greater);

    [Onnx(12)]
    private static Value GreaterOrEqual(Value a, Value b) => Compare(a, b, TensorOps.GreaterOrEqual);

    [Onnx(7)]
    private static Value Less(Value a, Value b) => Compare(a, b, TensorOps.Less);

    [Onnx(12)]
    private static Value LessOrEqual(Value a, Value b) => Compare(a, b, TensorOps.LessOrEqual);

    [Onnx(9)]
    private static Tensor IsNaN(Tensor x) => x.NotEqualTo(x);

    [Onnx(10)]
    private static Tensor IsInf(Tensor x, int detectNegative = 1, int detectPositive = 1)
    {
        Tensor negative = x.EqualTo(Tensor.Scalar(float.NegativeInfinity)), positive = x.EqualTo(Tensor.Scalar(float.PositiveInfinity));
        return Integers.Map(negative, positive, (n, p) => (n && detectNegative != 0) || (p && detectPositive != 0));
    }

    [Onnx(9)]
    private static Value Where(Tensor condition, Value x, Value y)
    {
        if (x.Tensor.DType == DType.Float32) return x.With(condition.Where(x.Tensor, y.Tensor));
        Shape shape = Vitrine.Shape.Broadcast(condition.Shape, Vitrine.Shape.Broadcast(x.Tensor.Shape, y.Tensor.Shape));
        bool[] chosen = condition.Expand(shape).Bools.ToArray();
        if (x.Tensor.DType == DType.Bool)
        {
            bool[] t = x.Tensor.Expand(shape).Bools.ToArray(), f = y.Tensor.Expand(shape).Bools.ToArray();
            return x.With(Tensor.From([.. chosen.Select((c, i) => c ? t[i] : f[i])], shape));
        }
        long[] a = x.Tensor.Expand(shape).Longs.ToArray(), b = y.Tensor.Expand(shape).Longs.ToArray();
        return x.With(Tensor.From([.. chosen.Select((c, i) => c ? a[i] : b[i])], shape));
    }

    /// <summary>The nearest value of a type: floats lose their fraction, integers their highest bits, narrow floats their last digits.</summary>
    [Onnx(6)]
    private static Value Cast(Value input, int to, int saturate = 1, string roundMode = "up")
    {
        _ = saturate; // floats of 8 bits alone, which are not read
        _ = roundMode;
        return As(input, (ElementType)to);
    }

    [Onnx(15)]
    private static Value CastLike(Value input, Value targetType, int saturate = 1, string roundMode = "up")
    {
        _ = saturate;
        _ = roundMode;
        return As(input, targetType.Type);
    }

    internal static Value As(Value x, ElementType type)
    {
        DType dtype = ElementTypes.DTypeOf(type) ?? throw new ArgumentException($"Vitrine has no elements of {ElementTypes.Name(type)}");
        Tensor y = x.Tensor.Cast(dtype);
        if (dtype == DType.Int64 && ElementTypes.Bits(type) < 64 && type != x.Type) y = Integers.Map(y, v => ElementTypes.Wrap(v, type));
        // Rounding to a narrow float has no derivative of its own; the gradient passes as if there were none.
        if (dtype == DType.Float32 && type != x.Type && type is ElementType.Float16 or ElementType.BFloat16)
        {
            Tensor narrow = Narrow(y.Detach(), type);
            y = y.IsRecorded ? y + (narrow - y.Detach()) : narrow;
        }
        return Value.Of(y, type);
    }

    private static Tensor Narrow(Tensor x, ElementType type)
    {
        float[] y = x.ToArray();
        for (int i = 0; i < y.Length; i++) y[i] = type == ElementType.Float16 ? (float)(Half)y[i] : Brain(y[i]);
        return Tensor.From(y, x.Shape);

        // To the nearest of 16 bits, halves to even.
        static float Brain(float v)
        {
            uint bits = BitConverter.SingleToUInt32Bits(v);
            return float.IsNaN(v) ? v : BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
        }
    }

    private static Value Arithmetic(Value a, Value b, Func<Tensor, Tensor, Tensor> floats, Func<long, long, long> integers) =>
        a.Tensor.DType == DType.Float32 && b.Tensor.DType == DType.Float32 ? a.With(floats(a.Tensor, b.Tensor)) : Integers.Binary(a, b, integers);

    private static Value Compare(Value a, Value b, Func<Tensor, Tensor, Tensor> compare)
    {
        if (a.Tensor.DType != DType.Bool) return Value.Of(compare(a.Tensor, b.Tensor));
        return Value.Of(compare(a.Tensor.Cast(DType.Int64), b.Tensor.Cast(DType.Int64)));
    }

    private static Value Fold(Value?[] data, Func<Value, Value, Value> function)
    {
        Value? all = null;
        foreach (Value? value in data) if (value is not null) all = all is null ? value : function(all, value);
        return all ?? throw new ArgumentException("there is no operand");
    }
}
