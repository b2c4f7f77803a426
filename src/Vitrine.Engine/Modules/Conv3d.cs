namespace Vitrine;

/// <summary>
/// Cross-correlation in three dimensions, [N, C, D, H, W] to [N, O, OD, OH, OW]. Parameters <c>weight</c> [O, C/groups, KD, KH, KW], <c>bias</c> [O].
/// </summary>
public sealed class Conv3d : Module
{
    private readonly ConvGeometry3d _geometry;

    /// <summary>Creates the layer with a window that is the same in all directions.</summary>
    public Conv3d(Weights weights, int inChannels, int outChannels, int kernel, int stride = 1, int padding = 0, int dilation = 1, int groups = 1,
        bool bias = true)
        : this(weights, inChannels, outChannels, (kernel, kernel, kernel), ConvGeometry3d.Cube(stride, padding, dilation, groups), bias)
    {
    }

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="inChannels">Channels of x.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="kernel">The size of the window.</param>
    /// <param name="geometry">Stride, padding, dilation, groups.</param>
    /// <param name="bias">Whether there is a bias.</param>
    public Conv3d(Weights weights, int inChannels, int outChannels, (int D, int H, int W) kernel, ConvGeometry3d geometry, bool bias = true)
        : base(weights)
    {
        _geometry = geometry;
        int channels = inChannels / geometry.Groups, fanIn = channels * kernel.D * kernel.H * kernel.W;
        Weight = weights.Parameter("weight", [outChannels, channels, kernel.D, kernel.H, kernel.W], Init.Uniform(fanIn));
        Bias = bias ? weights.Parameter("bias", [outChannels], Init.Uniform(fanIn)) : null;
    }

    /// <summary>[O, C/groups, KD, KH, KW].</summary>
    public Parameter Weight { get; }

    /// <summary>[O], or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => x.Conv3d(Weight, Bias, _geometry);
}
