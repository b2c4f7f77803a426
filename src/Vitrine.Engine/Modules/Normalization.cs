namespace Vitrine;

/// <summary>
/// Layer normalisation over the last axes (Ba, Kiros and Hinton 2016). Parameters <c>weight</c> and <c>bias</c> of the extents of these axes.
/// </summary>
public sealed class LayerNorm : Module
{
    private readonly Shape _axes;
    private readonly float _epsilon;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="axes">The extents of the axes that are normalised together, the last of x.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="affine">Whether there are a weight and a bias.</param>
    /// <param name="bias">Whether there is a bias beside the weight.</param>
    public LayerNorm(Weights weights, Shape axes, float epsilon = 1e-5f, bool affine = true, bool bias = true)
        : base(weights)
    {
        (_axes, _epsilon) = (axes, epsilon);
        Weight = affine ? weights.Parameter("weight", axes, Init.Ones) : null;
        Bias = affine && bias ? weights.Parameter("bias", axes, Init.Zeros) : null;
    }

    /// <summary>The scale of each element, or null.</summary>
    public Parameter? Weight { get; }

    /// <summary>The shift of each element, or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        if (x.Rank < _axes.Rank || !x.Shape.Dims[^_axes.Rank..].SequenceEqual(_axes.Dims))
        {
            throw new ArgumentException($"LayerNorm in {Path}: {x.Shape} does not end in {_axes}.");
        }
        return x.LayerNorm(_axes.Rank, Weight, Bias, _epsilon);
    }
}

/// <summary>Group normalisation of [N, C, ...] (Wu and He 2018). Parameters <c>weight</c> and <c>bias</c> [C].</summary>
public sealed class GroupNorm : Module
{
    private readonly int _groups;
    private readonly float _epsilon;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="groups">Into how many groups the channels fall.</param>
    /// <param name="channels">C, a multiple of the groups.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="affine">Whether there are a weight and a bias.</param>
    public GroupNorm(Weights weights, int groups, int channels, float epsilon = 1e-5f, bool affine = true)
        : base(weights)
    {
        if (groups < 1 || channels % groups != 0) throw new ArgumentException($"{channels} channels do not divide into {groups} groups.", nameof(groups));
        (_groups, _epsilon) = (groups, epsilon);
        Weight = affine ? weights.Parameter("weight", [channels], Init.Ones) : null;
        Bias = affine ? weights.Parameter("bias", [channels], Init.Zeros) : null;
    }

    /// <summary>The scale of each channel, or null.</summary>
    public Parameter? Weight { get; }

    /// <summary>The shift of each channel, or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => x.GroupNorm(_groups, Weight, Bias, _epsilon);
}

/// <summary>
/// Instance normalisation of [N, C, ...] (Ulyanov, Vedaldi and Lempitsky 2016), by the statistics of each image. Optional parameters <c>weight</c>, <c>bias</c>
/// [C].
/// </summary>
public sealed class InstanceNorm : Module
{
    private readonly float _epsilon;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="channels">C.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="affine">Whether there are a weight and a bias; PyTorch's default is none.</param>
    public InstanceNorm(Weights weights, int channels, float epsilon = 1e-5f, bool affine = false)
        : base(weights)
    {
        _epsilon = epsilon;
        Weight = affine ? weights.Parameter("weight", [channels], Init.Ones) : null;
        Bias = affine ? weights.Parameter("bias", [channels], Init.Zeros) : null;
    }

    /// <summary>The scale of each channel, or null.</summary>
    public Parameter? Weight { get; }

    /// <summary>The shift of each channel, or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => x.InstanceNorm(Weight, Bias, _epsilon);
}

/// <summary>Division by the root mean square over the last axes (Zhang and Sennrich 2019). Parameter <c>weight</c> of the extents of these axes.</summary>
public sealed class RmsNorm : Module
{
    private readonly Shape _axes;
    private readonly float _epsilon;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameter comes from.</param>
    /// <param name="axes">The extents of the axes that are normalised together, the last of x.</param>
    /// <param name="epsilon">Added to the mean square; the distance from 1 to the next number unless given, as in PyTorch.</param>
    /// <param name="affine">Whether there is a weight.</param>
    public RmsNorm(Weights weights, Shape axes, float epsilon = 1.1920929e-7f, bool affine = true)
        : base(weights)
    {
        (_axes, _epsilon) = (axes, epsilon);
        Weight = affine ? weights.Parameter("weight", axes, Init.Ones) : null;
    }

    /// <summary>The scale of each element, or null.</summary>
    public Parameter? Weight { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => x.RmsNorm(_axes.Rank, Weight, _epsilon);
}

/// <summary>
/// Each element divided by (k + alpha / size times the sum of squares over neighbouring channels) to the power beta, for [N, C, ...] (Krizhevsky, Sutskever
/// and Hinton 2012). No parameters.
/// </summary>
/// <param name="weights">Its place in the network.</param>
/// <param name="size">How many neighbouring channels.</param>
/// <param name="alpha">The weight of the squares.</param>
/// <param name="beta">The exponent.</param>
/// <param name="k">What the denominator starts from.</param>
public sealed class LocalResponseNorm(Weights weights, int size, float alpha = 1e-4f, float beta = 0.75f, float k = 1) : Module(weights)
{
    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => x.LocalResponseNorm(size, alpha, beta, k);
}
