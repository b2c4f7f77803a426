namespace Vitrine;

// Pooling over one and three axes, as pooling over two.
public static partial class TensorOps
{
    /// <summary>The maximum of each window over the last axis: [N, C, L] or [C, L].</summary>
    public static Tensor MaxPool1d(this Tensor x, int kernel, int? stride = null, int padding = 0, int dilation = 1, bool ceilMode = false) =>
        x.Unsqueeze(-2).MaxPool2d(new PoolGeometry((1, kernel), (1, stride ?? kernel), (0, padding), ceilMode) { Dilation = (1, dilation) }).Squeeze(-2);

    /// <summary>The mean of each window over the last axis: [N, C, L] or [C, L].</summary>
    public static Tensor AvgPool1d(this Tensor x, int kernel, int? stride = null, int padding = 0, bool ceilMode = false, bool countPadding = true) =>
        x.Unsqueeze(-2).AvgPool2d(new PoolGeometry((1, kernel), (1, stride ?? kernel), (0, padding), ceilMode, countPadding)).Squeeze(-2);

    /// <summary>The maximum of each window over the last three axes of [N, C, D, H, W]; a maximum over planes, then over depth.</summary>
    /// <param name="x">[N, C, D, H, W].</param>
    /// <param name="plane">The window in each plane.</param>
    /// <param name="depth">The window along the depth: kernel, stride, padding.</param>
    public static Tensor MaxPool3d(this Tensor x, PoolGeometry plane, (int Kernel, int Stride, int Padding) depth) =>
        Depthwise(x, y => y.MaxPool2d(plane), y => y.MaxPool2d(AlongDepth(plane, depth)));

    /// <summary>The mean of each window over the last three axes of [N, C, D, H, W]; a mean over planes, then over depth.</summary>
    /// <param name="x">[N, C, D, H, W].</param>
    /// <param name="plane">The window in each plane.</param>
    /// <param name="depth">The window along the depth: kernel, stride, padding.</param>
    public static Tensor AvgPool3d(this Tensor x, PoolGeometry plane, (int Kernel, int Stride, int Padding) depth) =>
        Depthwise(x, y => y.AvgPool2d(plane), y => y.AvgPool2d(AlongDepth(plane, depth)));

    private static PoolGeometry AlongDepth(PoolGeometry plane, (int Kernel, int Stride, int Padding) depth) =>
        new((depth.Kernel, 1), (depth.Stride, 1), (depth.Padding, 0), plane.CeilMode, plane.CountPadding);

    private static Tensor Depthwise(Tensor x, Func<Tensor, Tensor> planes, Func<Tensor, Tensor> depths)
    {
        if (x.Rank != 5) throw new ArgumentException($"Pooling over three axes wants [N, C, D, H, W], not {x.Shape}.");
        int n = x.Shape[0], c = x.Shape[1], d = x.Shape[2];
        Tensor y = planes(x.Reshape(n * c, d, x.Shape[3], x.Shape[4])); // [N C, D, OH, OW]
        int h = y.Shape[2], w = y.Shape[3];
        y = depths(y.Reshape(n, c, d, h * w)); // [N, C, OD, OH OW]
        return y.Reshape(n, c, y.Shape[2], h, w);
    }
}
