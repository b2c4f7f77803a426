using Vitrine.Ops;

namespace Vitrine.Onnx;

/// <content>Resizing and reading at places of a grid.</content>
internal static partial class Operators
{
    [Onnx(7, Name = "Upsample")]
    private static Tensor UpsampleByAttribute(Call call, Tensor x, float[] scales, string mode = "nearest") => Resize(call, x, scales, mode);

    [Onnx(9)]
    private static Tensor Upsample(Call call, Tensor x, Tensor scales, string mode = "nearest") => Resize(call, x, scales.ToArray(), mode);

    [Onnx(10, Name = "Resize")]
    private static Tensor ResizeByScales(Call call, Tensor x, Tensor scales, string mode = "nearest") => Resize(call, x, scales.ToArray(), mode);

    [Onnx(11)]
    private static Value Resize(
        Call call, Value x, Tensor? roi = null, Tensor? scales = null, Tensor? sizes = null, int antialias = 0, int[]? axes = null,
        string coordinateTransformationMode = "half_pixel", float cubicCoeffA = -0.75f, int excludeOutside = 0, float extrapolationValue = 0,
        string keepAspectRatioPolicy = "stretch", string mode = "nearest", string nearestMode = "round_prefer_floor")
    {
        Tensor t = x.Tensor.Cast(DType.Float32);
        int[] along = axes is null ? [.. Enumerable.Range(0, t.Rank)] : [.. axes.Select(t.Shape.Axis)];
        double[] factors = new double[along.Length];
        int[] targets = new int[along.Length];
        if (sizes is { Count: > 0 })
        {
            int[] wanted = Integers.Ints(sizes);
            if (wanted.Length != along.Length) throw new ArgumentException($"{wanted.Length} sizes do not fit {along.Length} axes");
            double[] ratios = [.. wanted.Select((s, i) => (double)s / t.Shape[along[i]])];
            double one = keepAspectRatioPolicy == "not_larger" ? ratios.Min() : ratios.Max();
            for (int i = 0; i < along.Length; i++)
            {
                bool stretch = keepAspectRatioPolicy == "stretch";
                factors[i] = stretch ? ratios[i] : one;
                targets[i] = stretch ? wanted[i] : (int)Math.Floor(one * t.Shape[along[i]] + 0.5);
            }
        }
        else
        {
            if (scales is null || scales.Count != along.Length) throw new ArgumentException($"there are scales or sizes, one for each of {along.Length} axes");
            for (int i = 0; i < along.Length; i++)
            {
                factors[i] = scales.Floats[i];
                targets[i] = (int)Math.Clamp(Math.Floor(factors[i] * t.Shape[along[i]]), -1, int.MaxValue);
            }
        }
        for (int i = along.Length - 1; i >= 0; i--)
        {
            int axis = along[i], from = t.Shape[axis], to = targets[i];
            if (to < 0 || from < 1 || !(factors[i] > 0)) throw new ArgumentException($"axis {axis} of {t.Shape} cannot be resized by {factors[i]}");
            call.Room([.. t.Shape.With(axis, 1).Dims.ToArray().Select(e => (long)e), to]);
            if (from == to && factors[i] == 1 && coordinateTransformationMode != "tf_crop_and_resize") continue;
            (double Start, double End) region = coordinateTransformationMode == "tf_crop_and_resize"
                ? (roi?.Floats[i] ?? throw new ArgumentException("cropping needs its region"), roi.Floats[along.Length + i])
                : (0, 1);
            var table = new ResizeTable(from, to, factors[i], coordinateTransformationMode, region, mode, nearestMode, cubicCoeffA, excludeOutside != 0,
                antialias != 0);
            t = table.Resample(axis).Apply(t);
            if (table.Outside.Contains(true)) t = Tensor.From(table.Outside, Along(t.Rank, axis, to)).Where(Tensor.Scalar(extrapolationValue), t);
        }
        return x.With(t.Cast(x.Tensor.DType));
    }

    [Onnx(16)]
    private static Tensor GridSample(Tensor x, Tensor grid, int alignCorners = 0, string mode = "bilinear", string paddingMode = "zeros") =>
        x.GridSample(grid, new GridSampling(
        mode switch
        {
            "bilinear" or "linear" => GridMode.Bilinear,
            "nearest" => GridMode.Nearest,
            "bicubic" or "cubic" => GridMode.Bicubic,
            _ => throw new ArgumentException($"mode is linear, nearest or cubic, not {mode}"),
        },
        paddingMode switch
        {
            "zeros" => GridPadding.Zeros,
            "border" => GridPadding.Border,
            "reflection" => GridPadding.Reflection,
            _ => throw new ArgumentException($"padding_mode is zeros, border or reflection, not {paddingMode}"),
        },
        alignCorners != 0));

    /// <summary>The places that an affine map of the picture reads: theta [N, 2, 3] to [N, H, W, 2], or [N, 3, 4] to [N, D, H, W, 3].</summary>
    [Onnx(20)]
    private static Tensor AffineGrid(Call call, Tensor theta, Tensor size, int alignCorners = 0)
    {
        int[] sizes = Integers.Ints(size)[2..];
        int axes = sizes.Length;
        if (axes is not (2 or 3) || theta.Rank != 3 || theta.Shape[1] != axes || theta.Shape[2] != axes + 1)
        {
            throw new ArgumentException($"maps {theta.Shape} do not fit a size of {axes + 2} axes");
        }
        int places = call.Room([.. sizes.Select(s => (long)s)]);
        float[] ends = new float[call.Room(places, axes + 1)];
        for (int i = 0; i < places; i++)
        {
            int rest = i;
            for (int a = axes - 1; a >= 0; a--)
            {
                int at = rest % sizes[a], n = sizes[a];
                rest /= n;
                // The last axis comes first: x, y, z.
                ends[i * (axes + 1) + axes - 1 - a] = alignCorners != 0 ? (n > 1 ? 2f * at / (n - 1) - 1 : 0) : (2f * at + 1) / n - 1;
            }
            ends[i * (axes + 1) + axes] = 1;
        }
        Tensor grid = Vitrine.Ops.MatMulOp.Of(transposeB: true).Apply(Tensor.From(ends, [1, places, axes + 1]), theta); // [N, places, axes]
        return grid.Reshape(Vitrine.Shape.Create([theta.Shape[0], .. sizes, axes]));
    }

    /// <summary>Resizing as the operator sets before 11 have it: from the first position on.</summary>
    private static Tensor Resize(Call call, Tensor x, float[] scales, string mode) => Resize(
        call, Value.Of(x), scales: Tensor.From(scales), coordinateTransformationMode: "asymmetric", mode: mode == "bilinear"
            ? "linear"
            : mode, nearestMode: "floor").Tensor;

    private static Shape Along(int rank, int axis, int extent) => Vitrine.Shape.Create(Windows.Ones(rank)).With(axis, extent);
}

/// <summary>Which positions of an axis each position of the resized one is made of.</summary>
internal sealed class ResizeTable
{
    private readonly int _from;
    private readonly int _taps;
    private readonly int[] _index;
    private readonly float[] _weights;

    public ResizeTable(
        int from, int to, double scale, string transformation, (double Start, double End) region, string mode, string nearestMode, double cubic,
        bool excludeOutside, bool antialias)
    {
        double shrink = antialias ? Math.Min(scale, 1) : 1;
        int reach = mode switch
        {
            "nearest" => 0,
            "linear" => (int)Math.Ceiling(1 / shrink),
            "cubic" => (int)Math.Ceiling(2 / shrink),
            _ => throw new ArgumentException($"mode is nearest, linear or cubic, not {mode}"),
        };
        if (reach > from + 2) reach = from + 2; // beyond, everything is the border
        _from = from;
        _taps = mode == "nearest" ? 1 : 2 * reach;
        _index = new int[checked(to * _taps)];
        _weights = new float[_index.Length];
        Outside = new bool[to];
        double[] weights = new double[_taps];
        for (int i = 0; i < to; i++)
        {
            double place = Place(i, from, to, scale, transformation, region);
            Outside[i] = transformation == "tf_crop_and_resize" && (place < 0 || place > from - 1);
            if (mode == "nearest")
            {
                _index[i] = (int)Math.Clamp(Nearest(place, nearestMode), 0, from - 1);
                _weights[i] = 1;
                continue;
            }
            int first = (int)Math.Floor(place) - reach + 1;
            for (int t = 0; t < _taps; t++)
            {
                double distance = Math.Abs(place - (first + t)) * shrink;
                weights[t] = mode == "linear" ? Math.Max(0, 1 - distance) : TensorOps.Keys(distance, cubic);
                if (excludeOutside && (first + t < 0 || first + t >= from)) weights[t] = 0;
            }
            double sum = antialias || excludeOutside ? weights.Sum() : 1;
            for (int t = 0; t < _taps; t++)
            {
                _index[i * _taps + t] = Math.Clamp(first + t, 0, from - 1);
                _weights[i * _taps + t] = (float)(weights[t] / sum);
            }
        }
    }

    /// <summary>Which positions lie beyond the input and take a value of their own.</summary>
    public bool[] Outside { get; }

    public ResampleOp Resample(int axis) => new(axis, _from, _taps, _index, _weights);

    private static double Place(int i, int from, int to, double scale, string transformation, (double Start, double End) region) => transformation switch
    {
        "half_pixel" => (i + 0.5) / scale - 0.5,
        "pytorch_half_pixel" => to > 1 ? (i + 0.5) / scale - 0.5 : 0,
        "half_pixel_symmetric" => from / 2.0 * (1 - to / (scale * from)) + (i + 0.5) / scale - 0.5,
        "align_corners" => to > 1 ? i * (from - 1) / (scale * from - 1) : 0,
        "asymmetric" => i / scale,
        "tf_half_pixel_for_nn" => (i + 0.5) / scale,
        "tf_crop_and_resize" => to > 1
            ? region.Start * (from - 1) + i * (region.End - region.Start) * (from - 1) / (to - 1)
            : 0.5 * (region.Start + region.End) * (from - 1),
        _ => throw new ArgumentException($"there is no coordinate_transformation_mode {transformation}"),
    };

    private static double Nearest(double place, string mode) => mode switch
    {
        "round_prefer_floor" => Math.Ceiling(place - 0.5),
        "round_prefer_ceil" => Math.Floor(place + 0.5),
        "floor" => Math.Floor(place),
        "ceil" => Math.Ceiling(place),
        _ => throw new ArgumentException($"there is no nearest_mode {mode}"),
    };
}
