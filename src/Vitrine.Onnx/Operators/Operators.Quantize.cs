namespace Vitrine.Onnx;

/// <content>Quantised values. They are computed as the numbers they stand for, and rounded where the format rounds.</content>
internal static partial class Operators
{
    [Onnx(10)]
    private static Value QuantizeLinear(
        Value x, Tensor yScale, Value? yZeroPoint = null, int axis = 1, int saturate = 1, int blockSize = 0, int outputDtype = 0, int precision = 0)
    {
        _ = saturate; // floats of 8 bits alone, which are not read
        _ = precision;
        ElementType type = yZeroPoint?.Type ?? (outputDtype == 0 ? ElementType.UInt8 : (ElementType)outputDtype);
        Tensor real = x.Tensor.Cast(DType.Float32);
        Tensor scale = Spread(yScale, real.Shape, axis, blockSize);
        Tensor? zero = yZeroPoint is null ? null : Spread(yZeroPoint.Tensor.Cast(DType.Float32), real.Shape, axis, blockSize);
        Value quantised = Quantised(real.Detach() / scale, zero, type);
        return real.IsRecorded ? quantised.From(real) : quantised;
    }

    [Onnx(10)]
    private static Tensor DequantizeLinear(Value x, Tensor xScale, Value? xZeroPoint = null, int axis = 1, int blockSize = 0, int outputDtype = 0)
    {
        _ = outputDtype;
        Tensor scale = Spread(xScale, x.Tensor.Shape, axis, blockSize);
        Tensor y = Dequantised(x, scale, xZeroPoint is null ? null : Spread(xZeroPoint.Tensor.Cast(DType.Float32), x.Tensor.Shape, axis, blockSize));
        if (x.Real is null) return y;
        // What was rounded between the two has no derivative; the gradient passes as if it had not been, but where the value left the range.
        Tensor steps = (x.Real.Detach() - y.Detach()).Abs(), inside = steps.LessOrEqual(scale * 0.501f).Cast(DType.Float32);
        return x.Real * inside + (y - x.Real * inside).Detach();
    }

    [Onnx(11)]
    private static Value[] DynamicQuantizeLinear(Tensor x)
    {
        float least = Math.Min(0, x.Min([]).Item()), greatest = Math.Max(0, x.Max([]).Item()), scale = (greatest - least) / 255;
        float zero = scale == 0 ? 0 : Math.Clamp(MathF.Round(-least / scale), 0, 255); // halves to even
        Value y = Quantised(scale == 0 ? x.Detach() * 0 : x.Detach() / scale, Tensor.Scalar(zero), ElementType.UInt8);
        return [y, Value.Of(Tensor.Scalar(scale)), Value.Of(Tensor.From([(long)zero], Vitrine.Shape.Scalar), ElementType.UInt8)];
    }

    [Onnx(10, Name = "QLinearConv")]
    private static Value QuantisedConv(
        Value x, Tensor xScale, Tensor xZeroPoint, Value w, Tensor wScale, Tensor wZeroPoint, Tensor yScale, Value yZeroPoint, Tensor? b = null,
        string autoPad = "NOTSET",
        int[]? dilations = null, int group = 1, int[]? kernelShape = null, int[]? pads = null, int[]? strides = null)
    {
        // Scales of the weight are one, or one an output channel.
        Tensor input = x.Tensor.Cast(DType.Float32) - xZeroPoint.Cast(DType.Float32);
        Tensor weight = w.Tensor.Cast(DType.Float32) - Spread(wZeroPoint.Cast(DType.Float32), w.Tensor.Shape, 0, 0);
        Tensor sum = Conv(input, weight, b?.Cast(DType.Float32), autoPad, dilations, group, kernelShape, pads, strides);
        Tensor scale = xScale * Spread(wScale, sum.Shape, 1, 0) / yScale;
        return Quantised(sum * scale, yZeroPoint.Tensor.Cast(DType.Float32), yZeroPoint.Type);
    }

    [Onnx(10, Name = "QLinearMatMul")]
    private static Value QuantisedMatMul(Value a, Tensor aScale, Tensor aZeroPoint, Value b, Tensor bScale, Tensor bZeroPoint, Tensor yScale, Value yZeroPoint)
    {
        Tensor x = Rows(a.Tensor.Cast(DType.Float32), aZeroPoint.Cast(DType.Float32)), y = b.Tensor.Cast(DType.Float32) - bZeroPoint.Cast(DType.Float32);
        Tensor scale = (aScale.Rank == 1 && aScale.Count > 1 ? aScale.Unsqueeze(1) : aScale) * bScale / yScale;
        return Quantised(x.MatMul(y) * scale, yZeroPoint.Tensor.Cast(DType.Float32), yZeroPoint.Type);

        // A zero point for each row.
        static Tensor Rows(Tensor t, Tensor zero) => t - (zero.Rank == 1 && zero.Count > 1 ? zero.Unsqueeze(1) : zero);
    }

    [Onnx(10)]
    private static Value ConvInteger(
        Value x, Value w, Tensor? xZeroPoint = null, Tensor? wZeroPoint = null, string autoPad = "NOTSET", int[]? dilations = null, int group = 1,
        int[]? kernelShape = null,
        int[]? pads = null, int[]? strides = null)
    {
        Tensor input = x.Tensor.Cast(DType.Float32), weight = w.Tensor.Cast(DType.Float32);
        if (xZeroPoint is not null) input -= xZeroPoint.Cast(DType.Float32);
        if (wZeroPoint is not null) weight -= Spread(wZeroPoint.Cast(DType.Float32), weight.Shape, 0, 0);
        Tensor sum = Conv(input, weight, null, autoPad, dilations, group, kernelShape, pads, strides);
        return Value.Of(Integers.Map(sum.Round().Cast(DType.Int64), v => v), ElementType.Int32);
    }

    [Onnx(10)]
    private static Value MatMulInteger(Value a, Value b, Tensor? aZeroPoint = null, Tensor? bZeroPoint = null)
    {
        Tensor x = a.Tensor, y = b.Tensor;
        if (aZeroPoint is not null)
        {
            x = Integers.Map(x, aZeroPoint.Rank == 1 && aZeroPoint.Count > 1 ? aZeroPoint.Unsqueeze(1) : aZeroPoint, static (v, z) => v - z);
        }
        if (bZeroPoint is not null) y = Integers.Map(y, bZeroPoint, static (v, z) => v - z);
        return Value.Of(Product(x, y), ElementType.Int32);
    }

    /// <summary>Numbers in steps of the scale, rounded (halves to even), moved to the zero point and kept in the range of the type.</summary>
    private static Value Quantised(Tensor steps, Tensor? zero, ElementType type)
    {
        (long least, long greatest) = ElementTypes.Range(type);
        Tensor moved = zero is null ? steps.Round() : steps.Round() + zero;
        return Value.Of(moved.Clamp(least, greatest).Cast(DType.Int64), type);
    }

    private static Tensor Dequantised(Value x, Tensor scale, Tensor? zero)
    {
        Tensor real = x.Tensor.Cast(DType.Float32);
        return (zero is null ? real : real - zero) * scale;
    }

    /// <summary>A scale or zero point so that it broadcasts: one for all, one for each position of an axis, or one for each block along it.</summary>
    private static Tensor Spread(Tensor t, Shape x, int axis, int blockSize)
    {
        if (t.Count == 1) return t.Reshape(Vitrine.Shape.Scalar);
        int along = x.Axis(axis);
        if (blockSize > 0)
        {
            if (t.Rank != x.Rank || (long)t.Shape[along] * blockSize < x[along])
            {
                throw new ArgumentException($"blocks of {blockSize} and scales {t.Shape} do not fit {x}");
            }
            long[] blocks = [.. Enumerable.Range(0, x[along]).Select(i => (long)(i / blockSize))];
            return t.IndexSelect(along, Tensor.From(blocks, [blocks.Length]));
        }
        if (t.Count != x[along]) throw new ArgumentException($"{t.Count} scales do not fit axis {along} of {x}");
        return t.Reshape(Along(x.Rank, along, t.Count));
    }
}
