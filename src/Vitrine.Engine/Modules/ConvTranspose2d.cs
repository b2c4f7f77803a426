namespace Vitrine;

/// <summary>Transposed convolution in two dimensions. Parameters <c>weight</c> [C, O/groups, KH, KW] and <c>bias</c> [O].</summary>
public sealed class ConvTranspose2d : Module
{
    private readonly ConvGeometry _geometry;
    private readonly int _outputPadding;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="inChannels">Channels of x.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="kernel">The size of the square window.</param>
    /// <param name="stride">How far apart the windows of neighbouring inputs lie.</param>
    /// <param name="padding">What is cut off around the result.</param>
    /// <param name="outputPadding">What is added at the end of the result; below the stride.</param>
    /// <param name="groups">Into how many independent groups the channels fall.</param>
    /// <param name="bias">Whether there is a bias.</param>
    public ConvTranspose2d(
        Weights weights, int inChannels, int outChannels, int kernel, int stride = 1, int padding = 0, int outputPadding = 0, int groups = 1, bool bias = true)
        : base(weights)
    {
        _geometry = ConvGeometry.Square(stride, padding, 1, groups);
        _outputPadding = outputPadding;
        int fanIn = outChannels / groups * kernel * kernel;
        Weight = weights.Parameter("weight", [inChannels, outChannels / groups, kernel, kernel], Init.Uniform(fanIn));
        Bias = bias ? weights.Parameter("bias", [outChannels], Init.Uniform(fanIn)) : null;
    }

    /// <summary>[C, O/groups, KH, KW].</summary>
    public Parameter Weight { get; }

    /// <summary>[O], or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => x.ConvTranspose2d(Weight, Bias, _geometry, (_outputPadding, _outputPadding));
}
