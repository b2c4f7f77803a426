using Vitrine.Ops;
using static Vitrine.Onnx.Messages;

namespace Vitrine.Onnx;

/// <content>Products, convolutions, pooling and normalisation.</content>
internal static partial class Translations
{
    private static string MatMul(GraphWriter g)
    {
        var op = (MatMulOp)g.Own.Op;
        return g.Add("MatMul", [Turned(0, op.TransposeA), Turned(1, op.TransposeB)]);

        string Turned(int i, bool transposed)
        {
            if (!transposed) return g.Input(i);
            int rank = g.Own.Inputs[i].Rank;
            return g.Transpose(g.Input(i), [.. Enumerable.Range(0, rank - 2), rank - 1, rank - 2]);
        }
    }

    private static string Linear(GraphWriter g)
    {
        string[] inputs = g.Inputs();
        if (g.Own.Inputs[0].Rank == 2) return g.Add("Gemm", inputs, Attribute("transB", 1));
        string product = g.Add("MatMul", [inputs[0], g.Transpose(inputs[1], 1, 0)]);
        return inputs.Length > 2 ? g.Add("Add", [product, inputs[2]]) : product;
    }

    private static string Convolution(GraphWriter g)
    {
        ConvGeometry c = ((Conv2dOp)g.Own.Op).Geometry;
        Shape weight = g.Own.Inputs[1].Shape;
        if (Line(g, 0) is { } line && Line(g, 1) is { } kernel)
        {
            return g.Lifted(g.Add(
                "Conv", g.Own.Inputs.Count > 2 ? [line, kernel, g.Input(2)] : [line, kernel], Attribute("kernel_shape", [weight[3]]),
                Attribute("strides", [c.Stride.W]), Attribute("pads", [c.Padding.W, c.Padding.W]), Attribute("dilations", [c.Dilation.W]),
                Attribute("group", c.Groups)));
        }
        return g.Add(
            "Conv", g.Inputs(), Attribute("kernel_shape", [weight[2], weight[3]]), Attribute("strides", [c.Stride.H, c.Stride.W]),
            Attribute("pads", [c.Padding.H, c.Padding.W, c.Padding.H, c.Padding.W]), Attribute("dilations", [c.Dilation.H, c.Dilation.W]),
            Attribute("group", c.Groups));
    }

    private static string TransposedConvolution(GraphWriter g)
    {
        ConvGeometry c = ((ConvTranspose2dOp)g.Own.Op).Geometry;
        Shape x = g.Own.Inputs[0].Shape, weight = g.Own.Inputs[1].Shape, y = g.Own.Output.Shape;
        int restH = y[2] - ((x[2] - 1) * c.Stride.H - 2 * c.Padding.H + c.Dilation.H * (weight[2] - 1) + 1);
        int restW = y[3] - ((x[3] - 1) * c.Stride.W - 2 * c.Padding.W + c.Dilation.W * (weight[3] - 1) + 1);
        return g.Add(
            "ConvTranspose", g.Inputs(), Attribute("kernel_shape", [weight[2], weight[3]]), Attribute("strides", [c.Stride.H, c.Stride.W]),
            Attribute("pads", [c.Padding.H, c.Padding.W, c.Padding.H, c.Padding.W]), Attribute("dilations", [c.Dilation.H, c.Dilation.W]),
            Attribute("group", c.Groups),
            Attribute("output_padding", [restH, restW]));
    }

    private static string MaxPool(GraphWriter g)
    {
        PoolGeometry p = ((MaxPool2dOp)g.Own.Op).Geometry;
        return Pool(g, "MaxPool", p, explicitPads: false, Attribute("dilations", [p.Dilation.H, p.Dilation.W]));
    }

    private static string AvgPool(GraphWriter g)
    {
        PoolGeometry p = ((AvgPool2dOp)g.Own.Op).Geometry;
        if (p.Divisor == 0) return Pool(g, "AveragePool", p, explicitPads: false, Attribute("count_include_pad", p.CountPadding ? 1 : 0));
        string mean = Pool(g, "AveragePool", p, explicitPads: true, Attribute("count_include_pad", 1));
        return g.Add("Mul", [mean, g.Constant(p.Kernel.H * p.Kernel.W / (float)p.Divisor)]);
    }

    /// <summary>The line [N, C, L] that the engine takes for an image of height 1 in this input; null for any other image.</summary>
    private static string? Line(GraphWriter g, int input)
    {
        Tensor x = g.Own.Inputs[input];
        bool isLine = x is { Rank: 4, Source.Op: ReshapeOp } && x.Shape[2] == 1 && x.Source.Inputs[0].Shape == x.Shape.Without(2);
        return isLine ? g.Name(x.Source!.Inputs[0], g.Other.Inputs[input].Source!.Inputs[0]) : null;
    }

    /// <summary>A pooling over the last two axes, of [N, C, H, W] or [C, H, W].</summary>
    private static string Pool(GraphWriter g, string type, PoolGeometry p, bool explicitPads, Proto.AttributeProto attribute)
    {
        Shape x = g.Own.Inputs[0].Shape, y = g.Own.Output.Shape;
        (int endH, bool droppedH) = End(x[-2], y[-2], p.Kernel.H, p.Stride.H, p.Padding.H, p.Dilation.H);
        (int endW, bool droppedW) = End(x[-1], y[-1], p.Kernel.W, p.Stride.W, p.Padding.W, p.Dilation.W);
        // Readers differ in whether a last window that would see padding alone counts; padding that just suffices leaves no doubt.
        explicitPads |= droppedH || droppedW;
        int[] pads = explicitPads ? [p.Padding.H, p.Padding.W, endH, endW] : [p.Padding.H, p.Padding.W, p.Padding.H, p.Padding.W];
        if (p.Kernel.H == 1 && p.Stride.H == 1 && p.Padding.H == 0 && Line(g, 0) is { } line)
        {
            if (attribute.Name == "dilations") attribute = Attribute("dilations", [p.Dilation.W]);
            return g.Lifted(g.Add(
                type, [line], Attribute("kernel_shape", [p.Kernel.W]), Attribute("strides", [p.Stride.W]), Attribute("pads", [pads[1], pads[3]]),
                Attribute("ceil_mode", p.CeilMode && !explicitPads ? 1L : 0), attribute));
        }
        string input = g.Input(0);
        if (x.Rank == 3) input = g.Add("Unsqueeze", [input, g.Integers(0)]);
        string pooled = g.Add(
            type, [input], Attribute("kernel_shape", [p.Kernel.H, p.Kernel.W]), Attribute("strides", [p.Stride.H, p.Stride.W]), Attribute("pads", pads),
            Attribute("ceil_mode", p.CeilMode && !explicitPads ? 1 : 0), attribute);
        return x.Rank == 3 ? g.Add("Squeeze", [pooled, g.Integers(0)]) : pooled;

        (int Pads, bool Dropped) End(int size, int result, int kernel, int stride, int padding, int dilation)
        {
            int reach = (kernel - 1) * dilation + 1, room = size + 2 * padding - reach;
            return (Math.Max(0, (result - 1) * stride + reach - size - padding), p.CeilMode && (room + stride - 1) / stride + 1 != result);
        }
    }

    /// <summary>Maxima over windows of several lengths: each is filled up with its own first position.</summary>
    private static string AdaptiveMaxPool(GraphWriter g)
    {
        Shape x = g.Own.Inputs[0].Shape, y = g.Own.Output.Shape;
        if (x[-2] % y[-2] == 0 && x[-1] % y[-1] == 0)
        {
            (int, int) kernel = (x[-2] / y[-2], x[-1] / y[-1]);
            return Pool(g, "MaxPool", new PoolGeometry(kernel, kernel, (0, 0)), explicitPads: false, Attribute("dilations", [1, 1]));
        }
        string value = g.Input(0);
        for (int axis = x.Rank - 2; axis < x.Rank; axis++)
        {
            (int from, int to) = (x[axis], y[axis]);
            int taps = Enumerable.Range(0, to).Max(i => End(i) - Start(i));
            long[] index = [.. Enumerable.Range(0, to * taps).Select(i => (long)Start(i / taps) + (i % taps < End(i / taps) - Start(i / taps) ? i % taps : 0))];
            string windows = g.Add("Gather", [value, g.Constant(Vitrine.Tensor.From(index, [to, taps]))], Attribute("axis", axis));
            value = g.OperatorSet >= 18
                ? g.Add("ReduceMax", [windows, g.Integers(axis + 1)], Attribute("keepdims", 0))
                : g.Add("ReduceMax", [windows], Attribute("axes", [axis + 1]), Attribute("keepdims", 0));

            int Start(int i) => (int)((long)i * from / to);

            int End(int i) => (int)(((i + 1L) * from + to - 1) / to);
        }
        return value;
    }

    private static string LayerNorm(GraphWriter g)
    {
        var op = (LayerNormOp)g.Own.Op;
        Shape axes = [.. g.Own.Output.Shape.Dims[^op.Axes..]];
        string weight = g.Own.Inputs.Count > 1 ? g.Input(1) : g.Constant(Vitrine.Tensor.Ones(axes));
        string bias = g.Own.Inputs.Count > 2 ? g.Input(2) : "";
        return g.Add("LayerNormalization", [g.Input(0), weight, bias], Attribute("axis", -op.Axes), Attribute("epsilon", op.Epsilon));
    }

    private static string GroupNorm(GraphWriter g)
    {
        var op = (GroupNormOp)g.Own.Op;
        int channels = g.Own.Output.Shape[1];
        string weight = g.Own.Inputs.Count > 1 ? g.Input(1) : g.Constant(Vitrine.Tensor.Ones([channels]));
        string bias = g.Own.Inputs.Count > 2 ? g.Input(2) : g.Constant(Vitrine.Tensor.Zeros([channels]));
        return op.Groups == 0
            ? g.Add("InstanceNormalization", [g.Input(0), weight, bias], Attribute("epsilon", op.Epsilon))
            : g.Add("GroupNormalization", [g.Input(0), weight, bias], Attribute("num_groups", op.Groups), Attribute("epsilon", op.Epsilon));
    }
}
