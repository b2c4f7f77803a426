namespace Vitrine;

/// <summary>
/// Transposed convolution in three dimensions, [N, C, D, H, W] to [N, O, OD, OH, OW]. Parameters <c>weight</c> [C, O/groups, KD, KH, KW], <c>bias</c> [O].
/// </summary>
public sealed class ConvTranspose3d : Module
{
    private readonly ConvGeometry3d _geometry;
    private readonly (int D, int H, int W) _outputPadding;

    /// <summary>Creates the layer with a window that is the same in all directions.</summary>
    public ConvTranspose3d(
        Weights weights, int inChannels, int outChannels, int kernel, int stride = 1, int padding = 0, int outputPadding = 0, int groups = 1, bool bias = true,
        int dilation = 1)
        : this(weights, inChannels, outChannels, (kernel, kernel, kernel), ConvGeometry3d.Cube(stride, padding, dilation, groups),
            (outputPadding, outputPadding, outputPadding), bias)
    {
    }

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="inChannels">Channels of x.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="kernel">The size of the window.</param>
    /// <param name="geometry">Stride, padding, dilation, groups of the convolution that is transposed.</param>
    /// <param name="outputPadding">What is added at the end of each axis of the result; below the stride.</param>
    /// <param name="bias">Whether there is a bias.</param>
    public ConvTranspose3d(
        Weights weights, int inChannels, int outChannels, (int D, int H, int W) kernel, ConvGeometry3d geometry, (int D, int H, int W) outputPadding = default,
        bool bias = true)
        : base(weights)
    {
        (_geometry, _outputPadding) = (geometry, outputPadding);
        int channels = outChannels / geometry.Groups, fanIn = channels * kernel.D * kernel.H * kernel.W;
        Weight = weights.Parameter("weight", [inChannels, channels, kernel.D, kernel.H, kernel.W], Init.Uniform(fanIn));
        Bias = bias ? weights.Parameter("bias", [outChannels], Init.Uniform(fanIn)) : null;
    }

    /// <summary>[C, O/groups, KD, KH, KW].</summary>
    public Parameter Weight { get; }

    /// <summary>[O], or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => x.ConvTranspose3d(Weight, Bias, _geometry, _outputPadding);
}
