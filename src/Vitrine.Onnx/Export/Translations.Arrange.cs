using Vitrine.Ops;
using static Vitrine.Onnx.Messages;

namespace Vitrine.Onnx;

/// <content>Operators that arrange, choose and resample.</content>
internal static partial class Translations
{
    private static string Reshape(GraphWriter g)
    {
        Shape own = g.Own.Output.Shape, other = g.Other.Output.Shape, from = g.Own.Inputs[0].Shape, otherFrom = g.Other.Inputs[0].Shape;
        string x = g.Input(0);
        if (g.View(g.Own.Inputs[0], own) is { } view) return view;
        if (own.Rank == 2 && from.Rank > 2 && own[0] == from[0] && other[0] == otherFrom[0]) return g.Add("Flatten", [x], Attribute("axis", 1));
        // 0 stands for the input's own extent, -1 for what is left over: so one list serves every batch.
        long[] target = new long[own.Rank];
        bool open = false, plain = !own.Dims.Contains(0);
        for (int i = 0; i < own.Rank && plain; i++)
        {
            if (own[i] == other[i]) target[i] = own[i];
            else if (i < from.Rank && own[i] == from[i] && other[i] == otherFrom[i]) target[i] = 0;
            else if (open) plain = false;
            else (target[i], open) = (-1, true);
        }
        return plain ? g.Add("Reshape", [x, g.Integers(target)]) : g.Add("Reshape", [x, g.Extents(own, other)], Attribute("allowzero", 1));
    }

    private static string Permute(GraphWriter g) => g.Transpose(g.Input(0), [.. ((PermuteOp)g.Own.Op).Order.Select(g.Own.Output.Shape.Axis)]);

    private static string Slice(GraphWriter g)
    {
        var op = (SliceOp)g.Own.Op;
        Tensor x = g.Own.Inputs[0];
        if (g.Part(x, op.Axis, op.Start, op.Count) is { } part) return part;
        // A start or an end behind the last position there is serves every extent.
        long start = op.Step < 0 && op.Start == x.Shape[op.Axis] - 1 ? long.MaxValue : op.Start, end = op.Start + (long)op.Count * op.Step;
        if (end >= x.Shape[op.Axis]) end = long.MaxValue;
        else if (op.Step < 0 && end < 0) end = long.MinValue;
        return g.Add("Slice", [g.Input(0), g.Integers(start), g.Integers(end), g.Integers(op.Axis), g.Integers(op.Step)]);
    }

    private static string Pad(GraphWriter g)
    {
        var op = (PadOp)g.Own.Op;
        string pads = g.Integers([.. op.Pads.Select(p => (long)p.Before), .. op.Pads.Select(p => (long)p.After)]);
        return g.Add("Pad", [g.Input(0), pads, g.Constant(op.Value)]);
    }

    private static string ScatterAdd(GraphWriter g)
    {
        string zeros = g.Add("ConstantOfShape", [g.Extents(g.Own.Output.Shape, g.Other.Output.Shape)]);
        return g.Add("ScatterElements", [zeros, g.Input(1), g.Input(0)], Attribute("axis", ((ScatterAddOp)g.Own.Op).Axis), Attribute("reduction", "add"));
    }

    /// <summary>Whole slices, added where an index says: the index, one position a slice, is stretched over the slices.</summary>
    private static string IndexAdd(GraphWriter g)
    {
        int axis = ((IndexSelectOp.PutOp)g.Own.Op).Axis, count = g.Own.Inputs[1].Count;
        Shape own = g.Own.Output.Shape.With(axis, count), other = g.Other.Output.Shape.With(axis, count);
        string shape = g.Extents(own, other), values = g.Add("Reshape", [g.Input(0), shape]);
        long[] alone = [.. Enumerable.Range(0, own.Rank).Select(i => i == axis ? (long)count : 1)];
        string index = g.Add("Expand", [g.Add("Reshape", [g.Input(1), g.Integers(alone)]), shape]);
        string zeros = g.Add("ConstantOfShape", [g.Extents(g.Own.Output.Shape, g.Other.Output.Shape)]);
        return g.Add("ScatterElements", [zeros, index, values], Attribute("axis", axis), Attribute("reduction", "add"));
    }

    /// <summary>The positions that each result reads, times their weights, added up.</summary>
    private static string Resample(GraphWriter g)
    {
        var op = (ResampleOp)g.Own.Op;
        int to = op.Index.Count / op.Taps;
        long[] index = [.. op.Index.Select(i => (long)i)];
        bool chosen = op.Taps == 1 && op.Weights.All(w => w == 1);
        string taken = g.Add("Gather", [g.Input(0), g.Constant(Vitrine.Tensor.From(index, chosen ? [to] : [to, op.Taps]))], Attribute("axis", op.Axis));
        if (chosen) return taken;
        Shape weights = [to, op.Taps, .. Enumerable.Repeat(1, g.Own.Output.Rank - op.Axis - 1)];
        string weighted = g.Add("Mul", [taken, g.Constant(Vitrine.Tensor.From([.. op.Weights], weights))]);
        return g.Add("ReduceSum", [weighted, g.Integers(op.Axis + 1)], Attribute("keepdims", 0));
    }

    private static string GridSample(GraphWriter g)
    {
        GridSampling sampling = ((GridSampleOp)g.Own.Op).Sampling;
        bool renamed = g.OperatorSet >= 20; // for images of any rank
        string mode = sampling.Mode switch
        {
            GridMode.Nearest => "nearest",
            GridMode.Bilinear => renamed ? "linear" : "bilinear",
            _ => renamed ? "cubic" : "bicubic",
        };
        string padding = sampling.Padding switch { GridPadding.Zeros => "zeros", GridPadding.Border => "border", _ => "reflection" };
        return g.Add(
            "GridSample", g.Inputs(), Attribute("mode", mode), Attribute("padding_mode", padding), Attribute("align_corners", sampling.AlignCorners ? 1 : 0));
    }
}
