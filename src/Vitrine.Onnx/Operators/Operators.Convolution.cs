using Vitrine.Ops;

namespace Vitrine.Onnx;

/// <content>Products and convolutions.</content>
internal static partial class Operators
{
    [Onnx(1)]
    private static Value MatMul(Value a, Value b)
    {
        if (a.Tensor.DType == DType.Float32) return a.With(a.Tensor.MatMul(b.Tensor));
        return a.With(Integers.Map(Product(a.Tensor, b.Tensor), v => ElementTypes.Wrap(v, a.Type)));
    }

    [Onnx(7)]
    private static Value Gemm(Value a, Value b, Tensor? c = null, float alpha = 1, float beta = 1, int transA = 0, int transB = 0)
    {
        Tensor x = a.Tensor.Cast(DType.Float32), w = b.Tensor.Cast(DType.Float32), bias = c?.Cast(DType.Float32)!;
        // x W^T + b is one operator of the engine, and what rules know as a layer.
        if (transA == 0 && transB != 0 && alpha == 1 && (c is null || (beta == 1 && c.Count == w.Shape[0] && c.Rank == 1)))
        {
            return a.With(x.Linear(w, bias).Cast(a.Tensor.DType));
        }
        Tensor y = MatMulOp.Of(transA != 0, transB != 0).Apply(x, w);
        if (alpha != 1) y *= alpha;
        if (c is not null && beta != 0) y += beta == 1 ? bias : bias * beta;
        return a.With(y.Cast(a.Tensor.DType));
    }

    [Onnx(12)]
    private static Tensor Einsum(string equation, params Tensor[] inputs) => TensorOps.Einsum(equation, inputs);

    [Onnx(11)]
    private static Tensor Det(Tensor x)
    {
        int n = x.Shape[-1];
        if (x.Rank < 2 || x.Shape[-2] != n) throw new ArgumentException("determinants are of square matrices");
        Shape leading = [.. x.Shape.Dims[..^2]];
        var parts = new List<Tensor>();
        foreach (Tensor matrix in x.Reshape(leading.Count, n, n).Split(Windows.Ones(leading.Count), 0)) parts.Add(Determinant(matrix.Reshape(n, n)).Reshape(1));
        return TensorOps.Concat(0, [.. parts]).Reshape(leading);
    }

    [Onnx(1)]
    private static Tensor Conv(
        Tensor x, Tensor w, Tensor? b = null, string autoPad = "NOTSET", int[]? dilations = null, int group = 1, int[]? kernelShape = null, int[]? pads = null,
        int[]? strides = null)
    {
        (Tensor input, Windows windows) = ConvWindows(x, w, autoPad, dilations, kernelShape, pads, strides);
        int[] p = windows.Before, s = windows.Strides, d = windows.Dilations;
        if (!windows.IsSymmetric) p = new int[windows.Axes];
        return windows.Axes switch
        {
            1 => input.Conv1d(w, b, s[0], p[0], d[0], group),
            2 => input.Conv2d(w, b, new ConvGeometry((s[0], s[1]), (p[0], p[1]), (d[0], d[1]), group)),
            3 => input.Conv3d(w, b, new ConvGeometry3d((s[0], s[1], s[2]), (p[0], p[1], p[2]), (d[0], d[1], d[2]), group)),
            _ => throw new NotSupportedException($"a convolution over {windows.Axes} axes; Vitrine has those over one, two and three"),
        };
    }

    /// <summary>A convolution of a node with other weights than its own, and its ReLU.</summary>
    internal static Tensor Conv(Tensor x, Patched patched, Bound node)
    {
        string autoPad = node.Attribute("auto_pad", "NOTSET");
        int[]? dilations = node.Attribute<int[]?>("dilations", null), kernel = node.Attribute<int[]?>("kernel_shape", null),
            pads = node.Attribute<int[]?>("pads", null);
        int[]? strides = node.Attribute<int[]?>("strides", null);
        int group = node.Attribute("group", 1);
        if (x.Rank != 4 || !patched.Relu)
        {
            Tensor y = Conv(x, patched.Weight, patched.Bias, autoPad, dilations, group, kernel, pads, strides);
            return patched.Relu ? y.Relu() : y;
        }
        (Tensor input, Windows windows) = ConvWindows(x, patched.Weight, autoPad, dilations, kernel, pads, strides);
        int[] p = windows.IsSymmetric ? windows.Before : [0, 0], s = windows.Strides, d = windows.Dilations;
        var geometry = new ConvGeometry((s[0], s[1]), (p[0], p[1]), (d[0], d[1]), group);
        return input.Device.Conv2d(geometry.Fit(input.Shape, patched.Weight.Shape), input, patched.Weight, patched.Bias, relu: true);
    }

    /// <summary>The input, padded where its ends differ, and the windows of a convolution.</summary>
    internal static (Tensor Input, Windows Windows) ConvWindows(Tensor x, Tensor w, string autoPad, int[]? dilations, int[]? kernelShape, int[]? pads,
        int[]? strides)
    {
        if (w.Rank != x.Rank || x.Rank < 3)
        {
            throw new ArgumentException($"x [N, C, ...] and the weight [O, C/group, ...] have as many axes, not {x.Shape} and {w.Shape}");
        }
        int[] kernel = w.Shape.Dims[2..].ToArray();
        if (kernelShape is not null && !kernelShape.AsSpan().SequenceEqual(kernel))
        {
            throw new ArgumentException($"kernel_shape [{string.Join(", ", kernelShape)}] is not that of the weight {w.Shape}");
        }
        var windows = Windows.Over(x.Shape, kernel, strides, dilations, autoPad, pads);
        return (windows.IsSymmetric ? x : x.Pad(windows.Pads()), windows);
    }

    [Onnx(1)]
    private static Tensor ConvTranspose(
        Tensor x, Tensor w, Tensor? b = null, string autoPad = "NOTSET", int[]? dilations = null, int group = 1, int[]? kernelShape = null,
        int[]? outputPadding = null,
        int[]? outputShape = null, int[]? pads = null, int[]? strides = null)
    {
        _ = kernelShape; // is that of the weight
        int axes = x.Rank - 2;
        if (axes is < 1 or > 3 || w.Rank != x.Rank)
        {
            throw new ArgumentException($"x [N, C, ...] and the weight [C, O/group, ...] have three to five axes, not {x.Shape} and {w.Shape}");
        }
        int[] s = strides ?? Windows.Ones(axes), d = dilations ?? Windows.Ones(axes), more = outputPadding ?? new int[axes];
        int[] before = new int[axes], sizes = new int[axes];
        for (int i = 0; i < axes; i++)
        {
            int full = checked(s[i] * (x.Shape[i + 2] - 1) + (w.Shape[i + 2] - 1) * d[i] + 1 + more[i]);
            int total = pads is null ? 0 : pads[i] + pads[axes + i];
            before[i] = pads is null ? 0 : pads[i];
            if (outputShape is not null || autoPad is "SAME_UPPER" or "SAME_LOWER")
            {
                sizes[i] = outputShape is not null ? outputShape[outputShape.Length - axes + i] : x.Shape[i + 2] * s[i];
                total = Math.Max(0, full - sizes[i]); // a larger output has zeros at its end
                before[i] = autoPad == "SAME_UPPER" ? total / 2 : total - total / 2;
            }
            else
            {
                sizes[i] = full - total;
            }
        }
        // The whole result, of which the pads then cut off their part.
        Tensor y = axes switch
        {
            1 => x.ConvTranspose1d(w, b, s[0], 0, more[0], d[0], group),
            2 => x.ConvTranspose2d(w, b, new ConvGeometry((s[0], s[1]), (0, 0), (d[0], d[1]), group), (more[0], more[1])),
            _ => x.ConvTranspose3d(w, b, new ConvGeometry3d((s[0], s[1], s[2]), (0, 0, 0), (d[0], d[1], d[2]), group), (more[0], more[1], more[2])),
        };
        var cut = new (int Before, int After)[x.Rank];
        for (int i = 0; i < axes; i++) cut[i + 2] = (-before[i], sizes[i] + before[i] - y.Shape[i + 2]);
        if (cut.All(c => c == (0, 0))) return y;
        if (b is null || cut.All(c => c.Before <= 0 && c.After <= 0)) return y.Pad(cut);
        // What lies beyond every window has the bias all the same.
        throw new NotSupportedException("a transposed convolution with a bias whose output is larger than what its windows reach");
    }

    /// <summary>The determinant of [n, n] by elimination; the largest element of each column, chosen by value, is the pivot.</summary>
    private static Tensor Determinant(Tensor a)
    {
        Tensor product = Tensor.Scalar(1);
        for (int n = a.Shape[0]; n > 0; n--)
        {
            int pivot = (int)a.Detach().Slice(1, 0, 1).Reshape(n).Abs().ArgMax(0).Longs[0];
            Tensor row = a.Slice(0, pivot, pivot + 1); // [1, n]
            Tensor first = row.Slice(1, 0, 1); // [1, 1]
            product *= (pivot % 2 == 0 ? first : -first).Reshape(Vitrine.Shape.Scalar);
            if (n == 1 || first.Detach().Item() == 0) return product;
            long[] others = [.. Enumerable.Range(0, n).Where(i => i != pivot).Select(i => (long)i)];
            Tensor rest = a.IndexSelect(0, Tensor.From(others, [n - 1]));
            a = rest.Slice(1, 1, n) - rest.Slice(1, 0, 1) / first * row.Slice(1, 1, n);
        }
        return product;
    }

    /// <summary>The product of integer matrices, leading axes broadcast.</summary>
    private static Tensor Product(Tensor a, Tensor b)
    {
        if (a.Rank == 1) return b.Rank == 1 ? Product(a.Unsqueeze(0), b.Unsqueeze(1)).Reshape(Vitrine.Shape.Scalar) : Product(a.Unsqueeze(0), b).Squeeze(-2);
        if (b.Rank == 1) return Product(a, b.Unsqueeze(1)).Squeeze(-1);
        int m = a.Shape[-2], k = a.Shape[-1], n = b.Shape[-1];
        if (b.Shape[-2] != k) throw new ArgumentException($"the inner extents differ: {k} and {b.Shape[-2]}");
        Shape leading = Vitrine.Shape.Broadcast([.. a.Shape.Dims[..^2]], [.. b.Shape.Dims[..^2]]);
        ReadOnlySpan<long> x = a.Expand([.. leading.Dims, m, k]).Longs, y = b.Expand([.. leading.Dims, k, n]).Longs;
        Shape shape = [.. leading.Dims, m, n];
        long[] z = new long[shape.Count];
        for (int i = 0; i < z.Length; i++)
        {
            int batch = i / (m * n), row = i / n % m, column = i % n;
            for (int j = 0; j < k; j++) z[i] += x[(batch * m + row) * k + j] * y[(batch * k + j) * n + column];
        }
        return Tensor.From(z, shape);
    }
}
