namespace Vitrine.Onnx;

/// <content>Pools and normalisation.</content>
internal static partial class Operators
{
    [Onnx(1)]
    private static Value[] MaxPool(
        Call call, Value x, int[] kernelShape, string autoPad = "NOTSET", int ceilMode = 0, int[]? dilations = null, int[]? pads = null, int storageOrder = 0,
        int[]? strides = null)
    {
        var windows = Windows.Over(x.Tensor.Shape, kernelShape, strides, dilations, autoPad, pads);
        Tensor input = x.Tensor.Cast(DType.Float32); // 8-bit integers too
        bool indices = call.Wants(1);
        if (windows.Axes == 3 && !indices) return [x.With(MaxPool3d(input, windows, ceilMode != 0).Cast(x.Tensor.DType))];
        if (windows.Axes > 2) throw new NotSupportedException($"a pool with indices over {windows.Axes} axes");
        // One axis as a plane of height 1.
        bool line = windows.Axes == 1;
        if (line) input = input.Unsqueeze(2);
        int h = line ? 1 : x.Tensor.Shape[2], w = x.Tensor.Shape[-1];
        (int H, int W) kernel = Pair(windows.Kernel, line, 1), stride = Pair(windows.Strides, line, 1), dilation = Pair(windows.Dilations, line, 1),
            before = Pair(windows.Before, line, 0);
        (int H, int W) pad = before;
        bool own = !indices && windows.IsSymmetric && 2 * pad.H <= (kernel.H - 1) * dilation.H + 1 && 2 * pad.W <= (kernel.W - 1) * dilation.W + 1;
        if (!own)
        {
            // The engine pads both ends alike; otherwise minus infinity is put around, as far as the last window reaches.
            int[] more = Reach(x.Tensor.Shape, windows, ceilMode != 0);
            (int H, int W) end = Pair([.. windows.After.Select((a, i) => a + more[i])], line, 0);
            input = input.Pad([(0, 0), (0, 0), (before.H, end.H), (before.W, end.W)], Padding.Constant, float.NegativeInfinity);
            pad = (0, 0);
        }
        var geometry = new PoolGeometry(kernel, stride, pad, own && ceilMode != 0) { Dilation = dilation };
        if (!indices) return [x.With(Line(input.MaxPool2d(geometry)).Cast(x.Tensor.DType))];
        (Tensor y, Tensor at) = input.MaxPool2dIndices(geometry);
        // From a place in the padded plane to a place among all elements.
        int width = input.Shape[3], plane = y.Shape[2] * y.Shape[3];
        long[] places = at.Longs.ToArray();
        for (int i = 0; i < places.Length; i++)
        {
            long row = places[i] / width - before.H, column = places[i] % width - before.W;
            places[i] = (long)(i / plane) * h * w + (storageOrder == 0 ? row * w + column : column * h + row);
        }
        return [x.With(Line(y).Cast(x.Tensor.DType)), Value.Of(Line(Tensor.From(places, y.Shape)))];

        Tensor Line(Tensor t) => line ? t.Squeeze(2) : t;
    }

    [Onnx(1)]
    private static Tensor AveragePool(
        Tensor x, int[] kernelShape, string autoPad = "NOTSET", int ceilMode = 0, int countIncludePad = 0, int[]? dilations = null, int[]? pads = null,
        int[]? strides = null)
    {
        var windows = Windows.Over(x.Shape, kernelShape, strides, dilations, autoPad, pads);
        if (windows.Axes > 3) throw new NotSupportedException($"a pool over {windows.Axes} axes");
        bool narrow = windows.Before.Zip(windows.Kernel).All(p => 2 * p.First <= p.Second);
        if (windows.Dilations.All(d => d == 1) && windows.IsSymmetric && windows.Axes < 3 && narrow)
        {
            bool line = windows.Axes == 1;
            var geometry = new PoolGeometry(Pair(windows.Kernel, line, 1), Pair(windows.Strides, line, 1), Pair(windows.Before, line, 0), ceilMode != 0,
                countIncludePad != 0);
            return line ? x.Unsqueeze(2).AvgPool2d(geometry).Squeeze(2) : x.AvgPool2d(geometry);
        }
        // Axis by axis: the sum of each window's elements, and how many of them count.
        int[] more = Reach(x.Shape, windows, ceilMode != 0);
        Tensor sum = x.Pad(windows.Pads(more));
        for (int i = 0; i < windows.Axes; i++)
        {
            int extent = sum.Shape[i + 2], step = windows.Strides[i], dilation = windows.Dilations[i], taps = windows.Kernel[i];
            int count = (extent - (taps - 1) * dilation - 1) / step + 1, size = x.Shape[i + 2];
            int[] index = new int[count * taps];
            float[] weights = new float[count * taps];
            for (int o = 0; o < count; o++)
            {
                int counted = 0;
                for (int t = 0; t < taps; t++)
                {
                    int at = o * step + t * dilation, inside = at - windows.Before[i];
                    index[o * taps + t] = at;
                    // What the rounding up added never counts; padding does where it is asked for.
                    if (countIncludePad != 0 ? at < size + windows.Before[i] + windows.After[i] : inside >= 0 && inside < size) counted++;
                }
                for (int t = 0; t < taps; t++) weights[o * taps + t] = 1f / Math.Max(1, counted);
            }
            sum = new Vitrine.Ops.ResampleOp(i + 2, extent, taps, index, weights).Apply(sum);
        }
        return sum;
    }

    [Onnx(2)]
    private static Tensor LpPool(
        Tensor x, int[] kernelShape, string autoPad = "NOTSET", int ceilMode = 0, int[]? dilations = null, int p = 2, int[]? pads = null, int[]? strides = null)
    {
        Tensor mean = AveragePool(x.Abs().Pow(p), kernelShape, autoPad, ceilMode, 1, dilations, pads, strides);
        return (mean * Product(kernelShape)).Pow(1f / p);
    }

    [Onnx(1)]
    private static Tensor GlobalAveragePool(Tensor x) => x.Rank == 4 ? x.AdaptiveAvgPool2d(1, 1) : x.Mean([.. Enumerable.Range(2, x.Rank - 2)], keepDims: true);

    [Onnx(1)]
    private static Tensor GlobalMaxPool(Tensor x) => x.Rank == 4 ? x.AdaptiveMaxPool2d(1, 1) : x.Max([.. Enumerable.Range(2, x.Rank - 2)], keepDims: true);

    [Onnx(2)]
    private static Tensor GlobalLpPool(Tensor x, int p = 2) => x.Norm([.. Enumerable.Range(2, x.Rank - 2)], p, keepDims: true);

    [Onnx(9)]
    private static Tensor MaxUnpool(Call call, Tensor x, Tensor i, Tensor? outputShape = null, int[]? kernelShape = null, int[]? pads = null,
        int[]? strides = null)
    {
        if (kernelShape is null || x.Rank is not (3 or 4)) throw new NotSupportedException("unpooling needs its kernel, over one or two axes");
        int axes = x.Rank - 2;
        int[] s = strides ?? Windows.Ones(axes), p = pads ?? new int[2 * axes];
        int[] size = [.. Enumerable.Range(0, axes).Select(a => (x.Shape[a + 2] - 1) * s[a] - p[a] - p[axes + a] + kernelShape[a])];
        // Places count over the unpooled size, whatever larger output is asked for: they are laid out in that one.
        Shape shape = outputShape is null ? [x.Shape[0], x.Shape[1], .. size] : Vitrine.Shape.Create(Integers.Ints(outputShape));
        call.Room([.. shape.Dims.ToArray().Select(e => (long)e)]);
        Tensor zeros = Tensor.Zeros([shape.Count]);
        return zeros.Scatter(0, i.Reshape(i.Count), x.Reshape(x.Count)).Reshape(shape);
    }

    [Onnx(7)]
    private static Tensor[] BatchNormalization(
        Call call, Tensor x, Tensor scale, Tensor b, Tensor inputMean, Tensor inputVar, float epsilon = 1e-5f, float momentum = 0.9f, int spatial = 1,
        int trainingMode = 0)
    {
        if (spatial != 1) throw new NotSupportedException("batch normalisation with statistics of each position (spatial = 0)");
        if (trainingMode == 0) return [new Vitrine.Ops.BatchNormOp(epsilon).Apply(x, scale, b, inputMean, inputVar)];
        int[] others = [.. Enumerable.Range(0, x.Rank).Where(a => a != 1)];
        Tensor y = new Vitrine.Ops.BatchNormTrainOp(epsilon).Apply(x, scale, b);
        if (!call.Wants(1) && !call.Wants(2)) return [y];
        Tensor mean = x.Mean(others), variance = x.Var(others, correction: 0);
        return [y, inputMean * momentum + mean * (1 - momentum), inputVar * momentum + variance * (1 - momentum)];
    }

    [Onnx(6)]
    private static Tensor InstanceNormalization(Tensor input, Tensor scale, Tensor b, float epsilon = 1e-5f) => input.InstanceNorm(scale, b, epsilon);

    [Onnx(17)]
    private static Tensor[] LayerNormalization(Call call, Tensor x, Tensor scale, Tensor? b = null, int axis = -1, float epsilon = 1e-5f, int stashType = 1)
    {
        _ = stashType; // of the working memory, which is 32 bits here
        int first = x.Shape.Axis(axis);
        int[] axes = [.. Enumerable.Range(first, x.Rank - first)];
        Shape normalised = [.. x.Shape.Dims[first..]];
        bool fits = scale.Count == normalised.Count && (b is null || b.Count == normalised.Count);
        Tensor y = fits ? x.LayerNorm(axes.Length, scale, b, epsilon) : x.LayerNorm(axes.Length, null, null, epsilon) * scale;
        if (!fits && b is not null) y += b;
        if (!call.Wants(1) && !call.Wants(2)) return [y];
        return [y, x.Mean(axes, keepDims: true), (x.Var(axes, 0, keepDims: true) + epsilon).Rsqrt()];
    }

    [Onnx(23, Name = "RMSNormalization")]
    private static Tensor RootMeanSquareNormalization(Tensor x, Tensor scale, int axis = -1, float epsilon = 1e-5f, int stashType = 1)
    {
        _ = stashType;
        return x.RmsNorm(x.Rank - x.Shape.Axis(axis), null, epsilon) * scale;
    }

    /// <summary>With a scale and bias for each group.</summary>
    [Onnx(18, Name = "GroupNormalization")]
    private static Tensor GroupNormalizationOfGroups(Tensor x, Tensor scale, Tensor bias, int numGroups, float epsilon = 1e-5f)
    {
        int each = x.Shape[1] / Math.Max(1, numGroups);
        return x.GroupNorm(numGroups, Channels(scale), Channels(bias), epsilon);

        Tensor Channels(Tensor t) => t.Unsqueeze(1).Expand([t.Count, each]).Reshape(t.Count * each);
    }

    [Onnx(21)]
    private static Tensor GroupNormalization(Tensor x, Tensor scale, Tensor bias, int numGroups, float epsilon = 1e-5f, int stashType = 1)
    {
        _ = stashType;
        return x.GroupNorm(numGroups, scale, bias, epsilon);
    }

    [Onnx(9)]
    private static Tensor MeanVarianceNormalization(Tensor x, int[]? axes = null)
    {
        int[] along = axes ?? [0, 2, 3];
        Tensor centred = x - x.Mean(along, keepDims: true);
        return centred / (centred.Square().Mean(along, keepDims: true).Sqrt() + 1e-9f);
    }

    [Onnx(1, Name = "LRN")]
    private static Tensor LocalResponseNormalization(Tensor x, int size, float alpha = 0.0001f, float beta = 0.75f, float bias = 1)
    {
        if (size % 2 == 1) return x.LocalResponseNorm(size, alpha, beta, bias);
        // An even window reaches further to the later channels, the engine's to the earlier ones.
        int n = x.Shape[0], c = x.Shape[1], inner = x.Count / Math.Max(1, n * c);
        Tensor squares = x.Square().Reshape(n, 1, c, inner).Pad([(0, 0), (0, 0), ((size - 1) / 2, size / 2), (0, 0)]);
        Tensor mean = squares.AvgPool2d(new PoolGeometry((size, 1), (1, 1), (0, 0))).Reshape(x.Shape);
        return x / (mean * alpha + bias).Pow(beta);
    }

    [Onnx(7, Name = "Dropout")]
    private static Value[] DropoutByAttribute(Value data, float ratio = 0.5f)
    {
        _ = ratio; // of training alone
        return [data, Value.Of(Filled(data.Tensor.Shape, true))];
    }

    [Onnx(12, Volatile = true)]
    private static Value[] Dropout(Call call, Value data, Tensor? ratio = null, Tensor? trainingMode = null, int seed = 0)
    {
        _ = seed; // the run's own
        float p = ratio?.Item() ?? 0.5f;
        if (trainingMode is null || !trainingMode.Bools[0] || p == 0) return [data, Value.Of(Filled(data.Tensor.Shape, true))];
        Tensor kept = call.Run.Random.Uniform(data.Tensor.Shape).GreaterOrEqual(Tensor.Scalar(p));
        return [data.With(data.Tensor * (kept.Cast(DType.Float32) * (1 / (1 - p)))), Value.Of(kept)];
    }

    private static Tensor Filled(Shape shape, bool value)
    {
        bool[] elements = new bool[shape.Count];
        Array.Fill(elements, value);
        return Tensor.From(elements, shape);
    }

    /// <summary>The maximum of windows over three axes: over planes, then over the depth.</summary>
    private static Tensor MaxPool3d(Tensor x, Windows windows, bool ceil)
    {
        int[] more = Reach(x.Shape, windows, ceil);
        Tensor padded = x.Pad(windows.Pads(more), Padding.Constant, float.NegativeInfinity);
        int n = padded.Shape[0], c = padded.Shape[1], d = padded.Shape[2];
        int[] k = windows.Kernel, s = windows.Strides, l = windows.Dilations;
        Tensor y = padded.Reshape(n * c, d, padded.Shape[3], padded.Shape[4])
            .MaxPool2d(new PoolGeometry((k[1], k[2]), (s[1], s[2]), (0, 0)) { Dilation = (l[1], l[2]) });
        int h = y.Shape[2], w = y.Shape[3];
        y = y.Reshape(n, c, d, h * w).MaxPool2d(new PoolGeometry((k[0], 1), (s[0], 1), (0, 0)) { Dilation = (l[0], 1) });
        return y.Reshape(n, c, y.Shape[2], h, w);
    }

    /// <summary>How far beyond the padding the last window of each axis reaches; where it stops short, less is padded.</summary>
    private static int[] Reach(Shape x, Windows windows, bool ceil)
    {
        int[] more = new int[windows.Axes];
        for (int i = 0; i < more.Length; i++)
        {
            int end = (windows.Count(x, i, ceil) - 1) * windows.Strides[i] + (windows.Kernel[i] - 1) * windows.Dilations[i] + 1;
            more[i] = end - (x[i + 2] + windows.Before[i] + windows.After[i]);
        }
        return more;
    }

    private static (int H, int W) Pair(int[] of, bool line, int height) => line ? (height, of[0]) : (of[0], of[1]);
}
