using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>Which elements of an operator's inputs can influence given elements of its result.</summary>
/// <remarks>
/// By geometry alone: a weight of zero or a rectifier that is shut does not count. Operators that are not on this page count as reading all of their inputs
/// for every element, and say so.
/// </remarks>
internal static class OperatorReach
{
    /// <summary>Marks what elements of a result read in one input.</summary>
    /// <param name="node">The application of the operator.</param>
    /// <param name="input">Which of its inputs; one that varies with the network's input.</param>
    /// <param name="varies">Whether each input varies: an operator whose places are computed from the input can read everywhere.</param>
    /// <param name="still">For each input the elements that stay as they are (<see cref="FixedElements"/>), or null.</param>
    /// <param name="result">Elements of the result.</param>
    /// <param name="reads">Receives the elements of the input.</param>
    /// <returns>Whether the geometry is known; where it is not, every element of the input is marked.</returns>
    public static bool Back(Node node, int input, ReadOnlySpan<bool> varies, bool[]?[] still, Marks result, Marks reads)
    {
        bool known = Known(node, input, varies, still, result, reads);
        if (!known) reads.AddAll();
        return known;
    }

    private static bool Known(Node node, int input, ReadOnlySpan<bool> varies, bool[]?[] still, Marks result, Marks reads)
    {
        Shape x = node.Inputs[input].Shape, y = node.Output.Shape;
        switch (node.Op)
        {
            case Conv2dOp op when input == 0:
                Convolution(op.Geometry, node.Inputs[1].Shape, x, y, result, reads);
                return true;
            case ConvTranspose2dOp op when input == 0:
                TransposedConvolution(op.Geometry, node.Inputs[1].Shape, x, y, result, reads);
                return true;
            case MaxPool2dOp op:
                Pool(op.Geometry, x, y, result, reads);
                return true;
            case AvgPool2dOp op:
                Pool(op.Geometry, x, y, result, reads);
                return true;
            case AdaptiveMaxPool2dOp:
                AdaptivePool(x, y, result, reads);
                return true;
            case LinearOp when input == 0:
                Lanes(result, reads, y[-1], x[-1]);
                return true;
            case MatMulOp op:
                MatrixProduct(op, node, input, still[1 - input], result, reads);
                return true;
            case ReshapeOp:
                foreach (int i in result.Items) reads.Add(i);
                return true;
            case ExpandOp:
                Broadcast(x, y, result, reads);
                return true;
            case PermuteOp op:
                Permuted(op, x, y, result, reads);
                return true;
            case SliceOp op:
                Along(op.Axis, x, y, result, reads, at => op.Start + at * op.Step);
                return true;
            case ConcatOp op:
                int before = 0;
                for (int i = 0; i < input; i++) before += node.Inputs[i].Shape[op.Axis];
                Along(op.Axis, x, y, result, reads, at => at - before);
                return true;
            case PadOp op:
                Padded(op, x, y, result, reads);
                return true;
            case ResampleOp op:
                Resampled(op, x, y, result, reads);
                return true;
            case WhereOp when input > 0 && !varies[0]:
                Chosen(node, input, result, reads);
                return true;
            case IndexSelectOp op:
                Selected(op.Axis, node, input, varies[1], result, reads);
                return true;
            case GatherOp op:
                Gathered(op.Axis, node, input, varies[1], result, reads);
                return true;
            case ReduceOp op:
                Reduced(op, x, y, result, reads);
                return true;
            case SoftmaxOp op:
                Spread(x, Mask(x, [op.Axis]), result, reads);
                return true;
            case CumSumOp op:
                Running(op, x, result, reads);
                return true;
            case LayerNormOp op when input == 0:
                Spread(x, Mask(x, [.. Enumerable.Range(x.Rank - op.Axes, op.Axes)]), result, reads);
                return true;
            case GroupNormOp op when input == 0:
                int group = x.Count / (x[0] * (op.Groups == 0 ? x[1] : op.Groups));
                Lanes(result, reads, group, group);
                return true;
            case BatchNormOp when input == 0:
                foreach (int i in result.Items) reads.Add(i);
                return true;
            case { } op when op.Traits.HasFlag(OpTraits.Elementwise) && Fits(x, y):
                Broadcast(x, y, result, reads);
                return true;
            default:
                return false;
        }
    }

    // [N, O, OH, OW] from [N, C, H, W]: every channel of the group, under the window.
    private static void Convolution(ConvGeometry g, Shape weight, Shape x, Shape y, Marks result, Marks reads) =>
        Places(g, x, y, result, reads, (row, column, plane, places) => Window(
            row * g.Stride.H - g.Padding.H, column * g.Stride.W - g.Padding.W, weight[2], weight[3], g.Dilation, x[2], x[3], plane, places));

    // The convolution's windows the other way round: [N, O, H, W] from [N, C, OH, OW].
    private static void TransposedConvolution(ConvGeometry g, Shape weight, Shape x, Shape y, Marks result, Marks reads)
    {
        Places(g, x, y, result, reads, (row, column, plane, places) =>
        {
            for (int ky = 0; ky < weight[2]; ky++)
            {
                if (!Source(row + g.Padding.H - ky * g.Dilation.H, g.Stride.H, x[2], out int top)) continue;
                for (int kx = 0; kx < weight[3]; kx++)
                {
                    if (Source(column + g.Padding.W - kx * g.Dilation.W, g.Stride.W, x[3], out int left)) places.Add(plane + top * x[3] + left);
                }
            }
        });

        static bool Source(int reach, int stride, int size, out int at)
        {
            at = reach / stride;
            return reach >= 0 && reach % stride == 0 && at < size;
        }
    }

    // All output channels of a group see the same places of every input channel of the group, so each place of a group is asked for once.
    private static void Places(ConvGeometry g, Shape x, Shape y, Marks result, Marks reads, Action<int, int, int, Marks> seen)
    {
        int outputs = y[1] / g.Groups, channels = x[1] / g.Groups, area = x[2] * x[3];
        var windows = new Marks(y[0] * g.Groups * y[2] * y[3]);
        var places = new Marks(x[0] * g.Groups * area);
        foreach (int i in result.Items)
        {
            (int plane, int at) = Math.DivRem(i, y[2] * y[3]);
            (int n, int o) = Math.DivRem(plane, y[1]);
            int group = n * g.Groups + o / outputs;
            if (windows.Add(group * y[2] * y[3] + at)) seen(at / y[3], at % y[3], group * area, places);
        }
        Channels(places, area, channels, reads);
    }

    // From places in each group of channels to the channels themselves.
    private static void Channels(Marks places, int area, int channels, Marks reads)
    {
        foreach (int place in places.Items)
        {
            (int group, int at) = Math.DivRem(place, area);
            for (int c = 0; c < channels; c++) reads.Add((group * channels + c) * area + at);
        }
    }

    private static void Pool(PoolGeometry g, Shape x, Shape y, Marks result, Marks reads)
    {
        foreach (int i in result.Items)
        {
            (int plane, int at) = Math.DivRem(i, y[-2] * y[-1]);
            int top = at / y[-1] * g.Stride.H - g.Padding.H, left = at % y[-1] * g.Stride.W - g.Padding.W;
            Window(top, left, g.Kernel.H, g.Kernel.W, g.Dilation, x[-2], x[-1], plane * x[-2] * x[-1], reads);
        }
    }

    private static void Window(int top, int left, int height, int width, (int H, int W) dilation, int h, int w, int start, Marks reads)
    {
        for (int ky = 0; ky < height; ky++)
        {
            int row = top + ky * dilation.H;
            if ((uint)row >= (uint)h) continue;
            for (int kx = 0; kx < width; kx++)
            {
                int column = left + kx * dilation.W;
                if ((uint)column < (uint)w) reads.Add(start + row * w + column);
            }
        }
    }

    private static void AdaptivePool(Shape x, Shape y, Marks result, Marks reads)
    {
        foreach (int i in result.Items)
        {
            (int plane, int at) = Math.DivRem(i, y[-2] * y[-1]);
            (int top, int bottom) = Part(at / y[-1], y[-2], x[-2]);
            (int left, int right) = Part(at % y[-1], y[-1], x[-1]);
            Window(top, left, bottom - top, right - left, (1, 1), x[-2], x[-1], plane * x[-2] * x[-1], reads);
        }

        static (int Start, int End) Part(int part, int parts, int of) => ((int)((long)part * of / parts), (int)(((part + 1L) * of + parts - 1) / parts));
    }

    // Rows and columns of factors whose leading axes broadcast. What meets a zero that stays zero (a position that a mask forbids) is not read.
    private static void MatrixProduct(MatMulOp op, Node node, int input, bool[]? otherStays, Marks result, Marks reads)
    {
        Shape y = node.Output.Shape, x = node.Inputs[input].Shape;
        Tensor other = node.Inputs[1 - input];
        bool first = input == 0;
        int m = y[-2], n = y[-1];
        Shape leading = [.. y.Dims[..^2]], own = [.. x.Dims[..^2]], others = [.. other.Shape.Dims[..^2]];
        var (length, step, lane) = Lane(x, first, first ? op.TransposeA : op.TransposeB);
        var (_, otherStep, otherLane) = Lane(other.Shape, !first, first ? op.TransposeB : op.TransposeA);
        var lanes = new Marks(x.Count);
        foreach (int i in result.Items)
        {
            (int batch, int at) = Math.DivRem(i, m * n);
            (int mine, int its) = first ? (at / n, at % n) : (at % n, at / n);
            int start = Stretched(batch, own, leading) * x[-2] * x[-1] + mine * lane;
            if (otherStays is null && !lanes.Add(start)) continue;
            int opposite = Stretched(batch, others, leading) * other.Shape[-2] * other.Shape[-1] + its * otherLane;
            for (int k = 0; k < length; k++)
            {
                int met = opposite + k * otherStep;
                if (otherStays is null || !otherStays[met] || other.Floats[met] != 0) reads.Add(start + k * step);
            }
        }

        // How long the lanes of a factor are that are multiplied, how far apart their elements lie, and how far apart the lanes.
        static (int Length, int Step, int Lane) Lane(Shape factor, bool first, bool transposed) =>
            first != transposed ? (factor[-1], 1, factor[-1]) : (factor[-2], factor[-1], 1);
    }

    // Of two values, the one that a condition takes; the condition does not depend on the network's input.
    private static void Chosen(Node node, int input, Marks result, Marks reads)
    {
        Shape x = node.Inputs[input].Shape, y = node.Output.Shape;
        Tensor condition = node.Inputs[0];
        foreach (int i in result.Items)
        {
            if (condition.Bools[Stretched(i, condition.Shape, y)] == (input == 1)) reads.Add(Stretched(i, x, y));
        }
    }

    private static void Permuted(PermuteOp op, Shape x, Shape y, Marks result, Marks reads)
    {
        int[] own = Strides(x), steps = [.. op.Order.Select(axis => own[x.Axis(axis)])];
        foreach (int i in result.Items)
        {
            int rest = i, at = 0;
            for (int axis = y.Rank - 1; axis >= 0; axis--)
            {
                (rest, int c) = Math.DivRem(rest, y[axis]);
                at += c * steps[axis];
            }
            reads.Add(at);
        }
    }

    // One axis is addressed in another way, the others stay.
    private static void Along(int axis, Shape x, Shape y, Marks result, Marks reads, Func<int, int> place)
    {
        (_, int to, int inner) = Around(y, axis);
        int from = x[axis];
        foreach (int i in result.Items)
        {
            (int outer, int rest) = Math.DivRem(i, to * inner);
            int at = place(rest / inner);
            if ((uint)at < (uint)from) reads.Add((outer * from + at) * inner + rest % inner);
        }
    }

    private static void Padded(PadOp op, Shape x, Shape y, Marks result, Marks reads)
    {
        int[] steps = Strides(x);
        foreach (int i in result.Items)
        {
            int rest = i, at = 0;
            bool inside = true;
            for (int axis = y.Rank - 1; axis >= 0; axis--)
            {
                (rest, int c) = Math.DivRem(rest, y[axis]);
                c -= op.Pads[axis].Before;
                inside &= (uint)c < (uint)x[axis];
                at += c * steps[axis];
            }
            if (inside) reads.Add(at);
        }
    }

    private static void Resampled(ResampleOp op, Shape x, Shape y, Marks result, Marks reads)
    {
        (_, int to, int inner) = Around(y, op.Axis);
        int from = x[op.Axis];
        foreach (int i in result.Items)
        {
            (int outer, int rest) = Math.DivRem(i, to * inner);
            for (int t = rest / inner * op.Taps; t < (rest / inner + 1) * op.Taps; t++)
            {
                if (op.Weights[t] != 0) reads.Add((outer * from + op.Index[t]) * inner + rest % inner);
            }
        }
    }

    // [outer, index..., inner] from [outer, n, inner].
    private static void Selected(int axis, Node node, int input, bool anywhere, Marks result, Marks reads)
    {
        (Shape x, Tensor index) = (node.Inputs[0].Shape, node.Inputs[1]);
        (_, int n, int inner) = Around(x, axis);
        foreach (int i in result.Items)
        {
            (int outer, int rest) = Math.DivRem(i, index.Count * inner);
            int which = rest / inner;
            if (input == 1) reads.Add(which);
            else if (anywhere) for (int at = 0; at < n; at++) reads.Add((outer * n + at) * inner + rest % inner);
            else reads.Add((outer * n + (int)index.Longs[which]) * inner + rest % inner);
        }
    }

    private static void Gathered(int axis, Node node, int input, bool anywhere, Marks result, Marks reads)
    {
        (Shape x, Tensor index) = (node.Inputs[0].Shape, node.Inputs[1]);
        (_, int n, int inner) = Around(x, axis);
        int to = index.Shape[axis];
        foreach (int i in result.Items)
        {
            (int outer, int rest) = Math.DivRem(i, to * inner);
            if (input == 1) reads.Add(i);
            else if (anywhere) for (int at = 0; at < n; at++) reads.Add((outer * n + at) * inner + rest % inner);
            else reads.Add((outer * n + (int)index.Longs[i]) * inner + rest % inner);
        }
    }

    private static void Reduced(ReduceOp op, Shape x, Shape y, Marks result, Marks reads)
    {
        bool[] reduced = op.Axes.Count == 0 ? Mask(x, [.. Enumerable.Range(0, x.Rank)]) : Mask(x, op.Axes);
        int[] steps = Strides(x), offsets = Offsets(x, reduced);
        foreach (int i in result.Items)
        {
            int rest = i, at = 0;
            for (int axis = x.Rank - 1; axis >= 0; axis--)
            {
                if (reduced[axis]) continue;
                (rest, int c) = Math.DivRem(rest, x[axis]);
                at += c * steps[axis];
            }
            foreach (int offset in offsets) reads.Add(at + offset);
        }
    }

    // Every element along some axes counts for every other.
    private static void Spread(Shape x, bool[] along, Marks result, Marks reads)
    {
        int[] steps = Strides(x), offsets = Offsets(x, along);
        var firsts = new Marks(x.Count);
        foreach (int i in result.Items)
        {
            int rest = i, at = i;
            for (int axis = x.Rank - 1; axis >= 0; axis--)
            {
                (rest, int c) = Math.DivRem(rest, x[axis]);
                if (along[axis]) at -= c * steps[axis];
            }
            if (!firsts.Add(at)) continue;
            foreach (int offset in offsets) reads.Add(at + offset);
        }
    }

    private static void Running(CumSumOp op, Shape x, Marks result, Marks reads)
    {
        (_, int n, int inner) = Around(x, op.Axis);
        foreach (int i in result.Items)
        {
            int at = i / inner % n, start = i - at * inner;
            for (int k = op.Reverse ? at : 0; k < (op.Reverse ? n : at + 1); k++) reads.Add(start + k * inner);
        }
    }

    // Stretches of the result, each of which reads a stretch of the input as a whole.
    private static void Lanes(Marks result, Marks reads, int width, int length)
    {
        var lanes = new Marks(reads.Size / length);
        foreach (int i in result.Items)
        {
            int lane = i / width;
            if (!lanes.Add(lane)) continue;
            for (int k = 0; k < length; k++) reads.Add(lane * length + k);
        }
    }

    private static void Broadcast(Shape x, Shape y, Marks result, Marks reads)
    {
        foreach (int i in result.Items) reads.Add(x == y ? i : Stretched(i, x, y));
    }

    // The element of x that stands at an element of the shape y to which x is stretched.
    internal static int Stretched(int i, Shape x, Shape y)
    {
        int at = 0, step = 1;
        for (int axis = 1; axis <= x.Rank; axis++)
        {
            (i, int c) = Math.DivRem(i, y[-axis]);
            if (x[-axis] > 1) at += c * step;
            step *= x[-axis];
        }
        return at;
    }

    private static bool Fits(Shape x, Shape y)
    {
        if (x.Rank > y.Rank) return false;
        for (int axis = 1; axis <= x.Rank; axis++) if (x[-axis] != 1 && x[-axis] != y[-axis]) return false;
        return true;
    }

    private static bool[] Mask(Shape x, IReadOnlyList<int> axes)
    {
        bool[] mask = new bool[x.Rank];
        foreach (int axis in axes) mask[x.Axis(axis)] = true;
        return mask;
    }

    // Where the elements along some axes lie, seen from the first.
    private static int[] Offsets(Shape x, bool[] along)
    {
        int[] steps = Strides(x), offsets = [0];
        for (int axis = 0; axis < x.Rank; axis++)
        {
            if (!along[axis]) continue;
            int step = steps[axis], extent = x[axis];
            offsets = [.. offsets.SelectMany(o => Enumerable.Range(0, extent).Select(c => o + c * step))];
        }
        return offsets;
    }

    private static int[] Strides(Shape x)
    {
        int[] strides = new int[x.Rank];
        int step = 1;
        for (int axis = x.Rank - 1; axis >= 0; axis--)
        {
            strides[axis] = step;
            step *= x[axis];
        }
        return strides;
    }

    private static (int Outer, int N, int Inner) Around(Shape x, int axis)
    {
        axis = x.Axis(axis);
        int outer = 1, inner = 1;
        for (int i = 0; i < axis; i++) outer *= x[i];
        for (int i = axis + 1; i < x.Rank; i++) inner *= x[i];
        return (outer, x[axis], inner);
    }
}
