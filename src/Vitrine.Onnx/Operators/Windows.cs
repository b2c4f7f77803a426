namespace Vitrine.Onnx;

/// <summary>How windows move over the axes after the first two: what convolutions and pools of the format have in common.</summary>
internal sealed class Windows
{
    private Windows(int[] kernel, int[] strides, int[] dilations, int[] before, int[] after)
    {
        (Kernel, Strides, Dilations, Before, After) = (kernel, strides, dilations, before, after);
    }

    public int[] Kernel { get; }

    public int[] Strides { get; }

    public int[] Dilations { get; }

    /// <summary>What is added at the start of each axis.</summary>
    public int[] Before { get; }

    /// <summary>What is added at the end of each axis.</summary>
    public int[] After { get; }

    public int Axes => Kernel.Length;

    /// <summary>Whether as much is added at the end of each axis as at its start.</summary>
    public bool IsSymmetric => Before.AsSpan().SequenceEqual(After);

    /// <summary>The windows over x [N, C, ...], padding by <c>auto_pad</c> or <c>pads</c>.</summary>
    public static Windows Over(Shape x, int[] kernel, int[]? strides, int[]? dilations, string autoPad, int[]? pads)
    {
        int axes = x.Rank - 2;
        if (axes < 1 || kernel.Length != axes) throw new ArgumentException($"a window of {kernel.Length} axes does not fit {x}");
        strides ??= Ones(axes);
        dilations ??= Ones(axes);
        int[] before = new int[axes], after = new int[axes];
        if (strides.Length != axes || dilations.Length != axes || (pads is not null && pads.Length != 2 * axes))
        {
            throw new ArgumentException($"strides, dilations and pads do not fit {axes} axes");
        }
        for (int i = 0; i < axes; i++)
        {
            if (strides[i] < 1 || dilations[i] < 1 || kernel[i] < 1)
            {
                throw new ArgumentException($"kernel {kernel[i]}, stride {strides[i]} and dilation {dilations[i]} must be positive");
            }
            switch (autoPad)
            {
                case "SAME_UPPER" or "SAME_LOWER":
                    int extent = x[i + 2], count = (extent + strides[i] - 1) / strides[i];
                    int total = Math.Max(0, checked((count - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1) - extent);
                    before[i] = autoPad == "SAME_UPPER" ? total / 2 : total - total / 2; // what is odd goes to the end, or to the start
                    after[i] = total - before[i];
                    break;
                case "NOTSET":
                    (before[i], after[i]) = pads is null ? (0, 0) : (pads[i], pads[axes + i]);
                    if (before[i] < 0 || after[i] < 0) throw new ArgumentException($"pads [{string.Join(", ", pads!)}] are negative");
                    break;
                case "VALID": break;
                default: throw new ArgumentException($"auto_pad is NOTSET, SAME_UPPER, SAME_LOWER or VALID, not {autoPad}");
            }
        }
        return new Windows(kernel, strides, dilations, before, after);
    }

    /// <summary>
    /// How many positions the windows have on an axis of x. With <paramref name="ceil"/> a last one that reaches over the end counts, if it begins inside.
    /// </summary>
    public int Count(Shape x, int axis, bool ceil)
    {
        int size = x[axis + 2] + Before[axis] + After[axis], reach = (Kernel[axis] - 1) * Dilations[axis] + 1, room = size - reach;
        if (room < 0 && !ceil) throw new ArgumentException($"a window of {Kernel[axis]} (dilation {Dilations[axis]}) does not fit into {size}");
        int count = (ceil ? (room + Strides[axis] - 1) / Strides[axis] : room / Strides[axis]) + 1;
        return ceil && (count - 1) * Strides[axis] >= x[axis + 2] + Before[axis] ? count - 1 : count;
    }

    /// <summary>The pads as the engine has them, none for the first two axes, with more at the end as asked for.</summary>
    public (int Before, int After)[] Pads(int[]? more = null) => [(0, 0), (0, 0), .. Before.Select((b, i) => (b, After[i] + (more?[i] ?? 0)))];

    public static int[] Ones(int count) => [.. Enumerable.Repeat(1, count)];
}
