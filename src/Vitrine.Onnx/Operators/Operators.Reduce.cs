namespace Vitrine.Onnx;

/// <content>Reductions, softmax, sorting.</content>
internal static partial class Operators
{
    // Until operator set 13 (sums) or 18 (the others) axes were an attribute, then an input.

    [Onnx(1, Name = "ReduceSum")]
    private static Value SumByAttribute(Value data, int[]? axes = null, int keepdims = 1) => Sum(data, axes, keepdims);

    [Onnx(13)]
    private static Value ReduceSum(Value data, Tensor? axes = null, int keepdims = 1, int noopWithEmptyAxes = 0) =>
        Reduced(data, axes, keepdims, noopWithEmptyAxes, Sum);

    [Onnx(1, Name = "ReduceMean")]
    private static Value MeanByAttribute(Value data, int[]? axes = null, int keepdims = 1) => Mean(data, axes, keepdims);

    [Onnx(18)]
    private static Value ReduceMean(Value data, Tensor? axes = null, int keepdims = 1, int noopWithEmptyAxes = 0) =>
        Reduced(data, axes, keepdims, noopWithEmptyAxes, Mean);

    [Onnx(1, Name = "ReduceMax")]
    private static Value MaxByAttribute(Value data, int[]? axes = null, int keepdims = 1) => Max(data, axes, keepdims);

    [Onnx(18)]
    private static Value ReduceMax(Value data, Tensor? axes = null, int keepdims = 1, int noopWithEmptyAxes = 0) =>
        Reduced(data, axes, keepdims, noopWithEmptyAxes, Max);

    [Onnx(1, Name = "ReduceMin")]
    private static Value MinByAttribute(Value data, int[]? axes = null, int keepdims = 1) => Min(data, axes, keepdims);

    [Onnx(18)]
    private static Value ReduceMin(Value data, Tensor? axes = null, int keepdims = 1, int noopWithEmptyAxes = 0) =>
        Reduced(data, axes, keepdims, noopWithEmptyAxes, Min);

    [Onnx(1, Name = "ReduceProd")]
    private static Value ProductByAttribute(Value data, int[]? axes = null, int keepdims = 1) => Product(data, axes, keepdims);

    [Onnx(18)]
    private static Value ReduceProd(Value data, Tensor? axes = null, int keepdims = 1, int noopWithEmptyAxes = 0) =>
        Reduced(data, axes, keepdims, noopWithEmptyAxes, Product);

    [Onnx(1, Name = "ReduceL1")]
    private static Value L1ByAttribute(Value data, int[]? axes = null, int keepdims = 1) => L1(data, axes, keepdims);

    [Onnx(18)]
    private static Value ReduceL1(Value data, Tensor? axes = null, int keepdims = 1, int noopWithEmptyAxes = 0) =>
        Reduced(data, axes, keepdims, noopWithEmptyAxes, L1);

    [Onnx(1, Name = "ReduceL2")]
    private static Value L2ByAttribute(Value data, int[]? axes = null, int keepdims = 1) => L2(data, axes, keepdims);

    [Onnx(18)]
    private static Value ReduceL2(Value data, Tensor? axes = null, int keepdims = 1, int noopWithEmptyAxes = 0) =>
        Reduced(data, axes, keepdims, noopWithEmptyAxes, L2);

    [Onnx(1, Name = "ReduceLogSum")]
    private static Value LogSumByAttribute(Value data, int[]? axes = null, int keepdims = 1) => LogSum(data, axes, keepdims);

    [Onnx(18)]
    private static Value ReduceLogSum(Value data, Tensor? axes = null, int keepdims = 1, int noopWithEmptyAxes = 0) =>
        Reduced(data, axes, keepdims, noopWithEmptyAxes, LogSum);

    [Onnx(1, Name = "ReduceLogSumExp")]
    private static Value LogSumExpByAttribute(Value data, int[]? axes = null, int keepdims = 1) => LogSumExp(data, axes, keepdims);

    [Onnx(18)]
    private static Value ReduceLogSumExp(Value data, Tensor? axes = null, int keepdims = 1, int noopWithEmptyAxes = 0) =>
        Reduced(data, axes, keepdims, noopWithEmptyAxes, LogSumExp);

    [Onnx(1, Name = "ReduceSumSquare")]
    private static Value SumSquareByAttribute(Value data, int[]? axes = null, int keepdims = 1) => SumSquare(data, axes, keepdims);

    [Onnx(18)]
    private static Value ReduceSumSquare(Value data, Tensor? axes = null, int keepdims = 1, int noopWithEmptyAxes = 0) =>
        Reduced(data, axes, keepdims, noopWithEmptyAxes, SumSquare);

    [Onnx(1)]
    private static Value ArgMax(Value data, int axis = 0, int keepdims = 1, int selectLastIndex = 0) =>
        ArgExtreme(data, axis, keepdims, selectLastIndex, largest: true);

    [Onnx(1)]
    private static Value ArgMin(Value data, int axis = 0, int keepdims = 1, int selectLastIndex = 0) =>
        ArgExtreme(data, axis, keepdims, selectLastIndex, largest: false);

    /// <summary>Over all axes from one on, as if they were joined.</summary>
    [Onnx(1, Name = "Softmax")]
    private static Tensor SoftmaxOfRows(Tensor input, int axis = 1) => Rows(input, axis, x => x.Softmax(1));

    [Onnx(13)]
    private static Tensor Softmax(Tensor input, int axis = -1) => input.Softmax(axis);

    /// <summary>Over all axes from one on, as if they were joined.</summary>
    [Onnx(1, Name = "LogSoftmax")]
    private static Tensor LogSoftmaxOfRows(Tensor input, int axis = 1) => Rows(input, axis, x => x.LogSoftmax(1));

    [Onnx(13)]
    private static Tensor LogSoftmax(Tensor input, int axis = -1) => input.LogSoftmax(axis);

    /// <summary>Over all axes from one on, as if they were joined.</summary>
    [Onnx(1, Name = "Hardmax")]
    private static Tensor HardmaxOfRows(Tensor input, int axis = 1) => Rows(input, axis, x => Hardmax(x, 1));

    [Onnx(13)]
    private static Tensor Hardmax(Tensor input, int axis = -1)
    {
        int along = input.Shape.Axis(axis);
        Tensor hot = input.Detach().ArgMax(along).OneHot(input.Shape[along]); // [..., n], the axis at the end
        return hot.Permute([.. Enumerable.Range(0, along), input.Rank - 1, .. Enumerable.Range(along, input.Rank - 1 - along)]);
    }

    [Onnx(11)]
    private static Value CumSum(Value x, Tensor axis, int exclusive = 0, int reverse = 0)
    {
        int along = x.Tensor.Shape.Axis((int)Integers.Single(axis));
        if (x.Tensor.DType == DType.Int64) return x.With(CumulateIntegers(x.Tensor, along, exclusive != 0, reverse != 0));
        Tensor y = x.Tensor.CumSum(along, reverse != 0);
        return x.With(exclusive != 0 ? y - x.Tensor : y);
    }

    [Onnx(1, Name = "TopK")]
    private static Value[] TopKByAttribute(Value x, int k, int axis = -1) => TopK(x, k, axis, largest: true);

    [Onnx(10)]
    private static Value[] TopK(Value x, Tensor k, int axis = -1, int largest = 1, int sorted = 1)
    {
        _ = sorted; // sorted is one of the orders that unsorted allows
        return TopK(x, checked((int)Integers.Single(k)), axis, largest != 0);
    }

    [Onnx(11)]
    private static Value[] Unique(Value x, int axis = int.MinValue, int sorted = 1)
    {
        Tensor t = axis == int.MinValue ? x.Tensor.Reshape(x.Tensor.Count) : x.Tensor;
        int along = axis == int.MinValue ? 0 : t.Shape.Axis(axis), count = t.Shape[along];
        // The parts along the axis as rows, compared element by element.
        Tensor rows = t.Permute([along, .. Enumerable.Range(0, t.Rank).Where(a => a != along)]);
        int width = count == 0 ? 0 : rows.Count / count;
        float[] floats = rows.DType == DType.Int64 ? [] : rows.Cast(DType.Float32).ToArray();
        long[] longs = rows.DType == DType.Int64 ? rows.Longs.ToArray() : [];
        int[] order = [.. Enumerable.Range(0, count)];
        Array.Sort(order, (a, b) => Compare(a, b) is var c && c != 0 ? c : a - b);
        var groups = new List<List<int>>();
        foreach (int i in order)
        {
            if (groups.Count > 0 && Compare(groups[^1][0], i) == 0) groups[^1].Add(i);
            else groups.Add([i]);
        }
        if (sorted == 0) groups.Sort((a, b) => a[0] - b[0]); // by first appearance
        long[] first = [.. groups.Select(g => (long)g[0])], counts = [.. groups.Select(g => (long)g.Count)], inverse = new long[count];
        for (int g = 0; g < groups.Count; g++) foreach (int i in groups[g]) inverse[i] = g;
        Tensor at = Tensor.From(first, [first.Length]);
        return [x.With(t.IndexSelect(along, at)), Value.Of(at), Value.Of(Tensor.From(inverse, [count])), Value.Of(Tensor.From(counts, [counts.Length]))];

        int Compare(int a, int b) => longs.Length > 0
            ? longs.AsSpan(a * width, width).SequenceCompareTo(longs.AsSpan(b * width, width))
            : floats.AsSpan(a * width, width).SequenceCompareTo(floats.AsSpan(b * width, width));
    }

    [Onnx(1)]
    private static Tensor LpNormalization(Tensor input, int axis = -1, int p = 2)
    {
        Tensor norm = input.Norm([axis], p, keepDims: true);
        // A vector of zeros stays one.
        return input / (norm + norm.EqualTo(Tensor.Scalar(0)).Cast(DType.Float32));
    }

    private static Value Reduced(Value data, Tensor? axes, int keepdims, int noop, Func<Value, int[]?, int, Value> reduce)
    {
        int[] along = axes is null ? [] : Integers.Ints(axes);
        return along.Length == 0 && noop != 0 ? data : reduce(data, along.Length == 0 ? null : along, keepdims);
    }

    private static Value Sum(Value data, int[]? axes, int keepdims) => data.Tensor.DType == DType.Int64
        ? data.With(Integers.Reduce(data.Tensor, axes, keepdims != 0, 0, (a, b) => ElementTypes.Wrap(a + b, data.Type)))
        : data.With(data.Tensor.Sum(axes, keepdims != 0));

    private static Value Mean(Value data, int[]? axes, int keepdims) => Floating(data, x => x.Mean(axes, keepdims != 0));

    private static Value Max(Value data, int[]? axes, int keepdims) => data.Tensor.DType == DType.Float32
        ? data.With(data.Tensor.Max(axes, keepdims != 0))
        : data.With(Integers.Reduce(data.Tensor.Cast(DType.Int64), axes, keepdims != 0, ElementTypes.Range(data.Type).Least, Math.Max).Cast(data.Tensor.DType));

    private static Value Min(Value data, int[]? axes, int keepdims) => data.Tensor.DType == DType.Float32
        ? data.With(data.Tensor.Min(axes, keepdims != 0))
        : data.With(Integers.Reduce(data.Tensor.Cast(DType.Int64), axes, keepdims != 0, ElementTypes.Range(data.Type).Greatest,
            Math.Min).Cast(data.Tensor.DType));

    private static Value Product(Value data, int[]? axes, int keepdims) => data.Tensor.DType == DType.Int64
        ? data.With(Integers.Reduce(data.Tensor, axes, keepdims != 0, 1, (a, b) => ElementTypes.Wrap(a * b, data.Type)))
        : data.With(data.Tensor.Product(axes, keepdims != 0));

    private static Value L1(Value data, int[]? axes, int keepdims) => Floating(data, x => x.Norm(axes, 1, keepdims != 0));

    private static Value L2(Value data, int[]? axes, int keepdims) => Floating(data, x => x.Norm(axes, 2, keepdims != 0));

    private static Value LogSum(Value data, int[]? axes, int keepdims) => Floating(data, x => x.Sum(axes, keepdims != 0).Log());

    private static Value LogSumExp(Value data, int[]? axes, int keepdims) => Floating(data, x => x.LogSumExp(axes, keepdims != 0));

    private static Value SumSquare(Value data, int[]? axes, int keepdims) => Floating(data, x => x.Square().Sum(axes, keepdims != 0));

    /// <summary>A function of floats, on integers by way of them.</summary>
    private static Value Floating(Value x, Func<Tensor, Tensor> function) => x.With(function(x.Tensor.Cast(DType.Float32)).Cast(x.Tensor.DType));

    private static Value ArgExtreme(Value data, int axis, int keepdims, int selectLastIndex, bool largest)
    {
        Tensor x = data.Tensor.Cast(DType.Float32).Detach();
        int along = x.Shape.Axis(axis);
        if (selectLastIndex != 0) x = x.Slice(along, null, null, -1);
        Tensor found = largest ? x.ArgMax(along) : x.ArgMin(along);
        if (selectLastIndex != 0) found = Integers.Map(found, i => x.Shape[along] - 1 - i);
        return Value.Of(keepdims != 0 ? found.Unsqueeze(along) : found);
    }

    private static Value[] TopK(Value x, int k, int axis, bool largest)
    {
        Tensor t = x.Tensor.Cast(DType.Float32);
        (Tensor values, Tensor indices) = t.TopK(k, t.Shape.Axis(axis), largest);
        return [x.With(x.Tensor.DType == DType.Float32 ? values : Take(x.Tensor, indices, t.Shape.Axis(axis))), Value.Of(indices)];
    }

    private static Tensor Rows(Tensor x, int axis, Func<Tensor, Tensor> function)
    {
        int from = axis == x.Rank ? axis : x.Shape.Axis(axis);
        return function(x.Reshape(Product(x.Shape.Dims[..from]), Product(x.Shape.Dims[from..]))).Reshape(x.Shape);
    }

    private static Tensor CumulateIntegers(Tensor x, int axis, bool exclusive, bool reverse)
    {
        long[] y = x.Longs.ToArray();
        (int outer, int n, int inner) = x.Shape.Around(axis);
        for (int o = 0; o < outer; o++)
        {
            for (int j = 0; j < inner; j++)
            {
                long sum = 0;
                for (int i = 0; i < n; i++)
                {
                    int at = (o * n + (reverse ? n - 1 - i : i)) * inner + j;
                    long value = y[at];
                    y[at] = exclusive ? sum : sum + value;
                    sum += value;
                }
            }
        }
        return Tensor.From(y, x.Shape);
    }
}
