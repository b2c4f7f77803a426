using Vitrine.Ops;

namespace Vitrine;

/// <summary>Cross-correlation in two dimensions. Parameters <c>weight</c> [O, C/groups, KH, KW] and <c>bias</c> [O].</summary>
public sealed class Conv2d : Module
{
    private readonly Conv2dOp _op;

    /// <summary>Creates the layer.</summary>
    public Conv2d(Weights weights, int inChannels, int outChannels, int kernel, int stride = 1, int padding = 0, int dilation = 1, int groups = 1,
        bool bias = true)
        : this(weights, inChannels, outChannels, (kernel, kernel), ConvGeometry.Square(stride, padding, dilation, groups), bias)
    {
    }

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="inChannels">Channels of x.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="kernel">The size of the window.</param>
    /// <param name="geometry">Stride, padding, dilation, groups.</param>
    /// <param name="bias">Whether there is a bias.</param>
    public Conv2d(Weights weights, int inChannels, int outChannels, (int H, int W) kernel, ConvGeometry geometry, bool bias = true)
        : base(weights)
    {
        int fanIn = inChannels / geometry.Groups * kernel.H * kernel.W;
        Weight = weights.Parameter("weight", [outChannels, inChannels / geometry.Groups, kernel.H, kernel.W], Init.Uniform(fanIn));
        Bias = bias ? weights.Parameter("bias", [outChannels], Init.Uniform(fanIn)) : null;
        _op = new Conv2dOp(geometry);
        WithRelu = new Conv2dReluOp(geometry);
    }

    /// <summary>[O, C/groups, KH, KW].</summary>
    public Parameter Weight { get; }

    /// <summary>[O], or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => Bias is null ? _op.Apply(x, Weight) : _op.Apply(x, Weight, Bias); // [N, C, H, W] -> [N, O, OH, OW]

    /// <summary>The convolution and a ReLU after it as one operator.</summary>
    internal Conv2dReluOp WithRelu { get; }

    /// <summary>The layer and the ReLU after it as one operator, for a run that <see cref="Run.Joins"/>.</summary>
    internal Tensor Call(Run run, Tensor x, Conv2dReluOp joined)
    {
        using Run.Entered entered = run.Enter(this);
        return Bias is null ? joined.Apply(x, Weight) : joined.Apply(x, Weight, Bias);
    }
}
