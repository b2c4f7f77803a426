namespace Vitrine;

/// <summary>Cross-correlation in one dimension, [N, C, L] to [N, O, OL]. Parameters <c>weight</c> [O, C/groups, K] and <c>bias</c> [O].</summary>
public sealed class Conv1d : Module
{
    private readonly int _stride, _padding, _dilation, _groups;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="inChannels">Channels of x.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="kernel">The length of the window.</param>
    /// <param name="stride">The step between windows.</param>
    /// <param name="padding">Zeros at both ends.</param>
    /// <param name="dilation">The distance between the elements of a window.</param>
    /// <param name="groups">Into how many independent groups the channels fall.</param>
    /// <param name="bias">Whether there is a bias.</param>
    public Conv1d(
        Weights weights, int inChannels, int outChannels, int kernel, int stride = 1, int padding = 0, int dilation = 1, int groups = 1, bool bias = true)
        : base(weights)
    {
        (_stride, _padding, _dilation, _groups) = (stride, padding, dilation, groups);
        int fanIn = inChannels / groups * kernel;
        Weight = weights.Parameter("weight", [outChannels, inChannels / groups, kernel], Init.Uniform(fanIn));
        Bias = bias ? weights.Parameter("bias", [outChannels], Init.Uniform(fanIn)) : null;
    }

    /// <summary>[O, C/groups, K].</summary>
    public Parameter Weight { get; }

    /// <summary>[O], or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => x.Conv1d(Weight, Bias, _stride, _padding, _dilation, _groups);
}

/// <summary>Transposed convolution in one dimension, [N, C, L] to [N, O, OL]. Parameters <c>weight</c> [C, O/groups, K] and <c>bias</c> [O].</summary>
public sealed class ConvTranspose1d : Module
{
    private readonly int _stride, _padding, _outputPadding, _dilation, _groups;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="inChannels">Channels of x.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="kernel">The length of the window.</param>
    /// <param name="stride">How far apart the windows of neighbouring inputs lie.</param>
    /// <param name="padding">What is cut off at both ends.</param>
    /// <param name="outputPadding">What is added at the end; below the stride.</param>
    /// <param name="groups">Into how many independent groups the channels fall.</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <param name="dilation">The distance between the elements of a window.</param>
    public ConvTranspose1d(
        Weights weights, int inChannels, int outChannels, int kernel, int stride = 1, int padding = 0, int outputPadding = 0, int groups = 1, bool bias = true,
        int dilation = 1)
        : base(weights)
    {
        (_stride, _padding, _outputPadding, _dilation, _groups) = (stride, padding, outputPadding, dilation, groups);
        int fanIn = outChannels / groups * kernel;
        Weight = weights.Parameter("weight", [inChannels, outChannels / groups, kernel], Init.Uniform(fanIn));
        Bias = bias ? weights.Parameter("bias", [outChannels], Init.Uniform(fanIn)) : null;
    }

    /// <summary>[C, O/groups, K].</summary>
    public Parameter Weight { get; }

    /// <summary>[O], or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => x.ConvTranspose1d(Weight, Bias, _stride, _padding, _outputPadding, _dilation, _groups);
}
