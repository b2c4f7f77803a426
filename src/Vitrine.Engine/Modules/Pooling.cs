using Vitrine.Ops;

namespace Vitrine;

/// <summary>Pooling layers in every form: they have no parameters, only a place in the network.</summary>
public static class Pooling
{
    /// <summary>The maximum of each window of [N, C, L].</summary>
    public static Module Max1d(Weights weights, int kernel, int? stride = null, int padding = 0, int dilation = 1, bool ceilMode = false) =>
        new Function(weights, x => x.MaxPool1d(kernel, stride, padding, dilation, ceilMode));

    /// <summary>The maximum of each window of [N, C, H, W].</summary>
    public static Module Max2d(Weights weights, int kernel, int? stride = null, int padding = 0, int dilation = 1, bool ceilMode = false) =>
        new Layer(weights, new MaxPool2dOp(PoolGeometry.Square(kernel, stride, padding, ceilMode, dilation: dilation)));

    /// <summary>The maximum of each window of [N, C, D, H, W].</summary>
    public static Module Max3d(Weights weights, int kernel, int? stride = null, int padding = 0, bool ceilMode = false) =>
        new Function(weights, x => x.MaxPool3d(PoolGeometry.Square(kernel, stride, padding, ceilMode), (kernel, stride ?? kernel, padding)));

    /// <summary>The mean of each window of [N, C, L].</summary>
    public static Module Avg1d(Weights weights, int kernel, int? stride = null, int padding = 0, bool ceilMode = false, bool countPadding = true) =>
        new Function(weights, x => x.AvgPool1d(kernel, stride, padding, ceilMode, countPadding));

    /// <summary>The mean of each window of [N, C, H, W].</summary>
    public static Module Avg2d(Weights weights, int kernel, int? stride = null, int padding = 0, bool ceilMode = false, bool countPadding = true) =>
        Layer.AvgPool2d(weights, kernel, stride, padding, ceilMode, countPadding);

    /// <summary>The mean of each window of [N, C, D, H, W].</summary>
    public static Module Avg3d(Weights weights, int kernel, int? stride = null, int padding = 0, bool ceilMode = false, bool countPadding = true) =>
        new Function(weights, x => x.AvgPool3d(PoolGeometry.Square(kernel, stride, padding, ceilMode, countPadding), (kernel, stride ?? kernel, padding)));

    /// <summary>The p-norm of each window of [N, C, L].</summary>
    public static Module Lp1d(Weights weights, float p, int kernel, int? stride = null, bool ceilMode = false) =>
        new Function(weights, x => (x.Abs().Pow(p).AvgPool1d(kernel, stride, 0, ceilMode) * kernel).Pow(1 / p));

    /// <summary>The p-norm of each window of [N, C, H, W].</summary>
    public static Module Lp2d(Weights weights, float p, int kernel, int? stride = null, bool ceilMode = false) =>
        new Function(weights, x => (x.Abs().Pow(p).AvgPool2d(kernel, stride, 0, ceilMode) * (kernel * kernel)).Pow(1 / p));

    /// <summary>Maxima of windows that divide the last axis as evenly as possible: [N, C, L] to [N, C, size].</summary>
    public static Module AdaptiveMax1d(Weights weights, int size) => new Function(weights, x => x.AdaptiveMaxPool1d(size));

    /// <summary>Maxima of windows that divide the last two axes as evenly as possible: [N, C, H, W] to [N, C, height, width].</summary>
    public static Module AdaptiveMax2d(Weights weights, int height, int width) => new Layer(weights, new AdaptiveMaxPool2dOp(height, width));

    /// <summary>Maxima of windows that divide the last three axes as evenly as possible: [N, C, D, H, W] to [N, C, depth, height, width].</summary>
    public static Module AdaptiveMax3d(Weights weights, int depth, int height, int width) => new Function(weights, x =>
    {
        (int n, int c, int d) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        Tensor planes = x.Reshape(n * c, d, x.Shape[3], x.Shape[4]).AdaptiveMaxPool2d(height, width); // [N C, D, height, width]
        return planes.Reshape(n, c, d, height * width).AdaptiveMaxPool2d(depth, height * width).Reshape(n, c, depth, height, width);
    });

    /// <summary>Means of windows that divide the last axis as evenly as possible: [N, C, L] to [N, C, size].</summary>
    public static Module AdaptiveAvg1d(Weights weights, int size) => new Function(weights, x => x.AdaptiveAvgPool1d(size));

    /// <summary>Means of windows that divide the last two axes as evenly as possible: [N, C, H, W] to [N, C, height, width].</summary>
    public static Module AdaptiveAvg2d(Weights weights, int height, int width) => new Function(weights, x => x.AdaptiveAvgPool2d(height, width));

    /// <summary>Means of windows that divide the last three axes as evenly as possible: [N, C, D, H, W] to [N, C, depth, height, width].</summary>
    public static Module AdaptiveAvg3d(Weights weights, int depth, int height, int width) =>
        new Function(weights, x => x.AdaptiveAvgPool([depth, height, width]));

    /// <summary>The mean of everything after the channels: [N, C, ...] to [N, C].</summary>
    public static Module GlobalAvg(Weights weights) => new Function(weights, x => x.Mean([.. Enumerable.Range(2, x.Rank - 2)]));

    /// <summary>The maximum of everything after the channels: [N, C, ...] to [N, C].</summary>
    public static Module GlobalMax(Weights weights) => new Function(weights, x => x.Max([.. Enumerable.Range(2, x.Rank - 2)]));
}
