using Vitrine.Ops;

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
/// [C]; where it tracks, buffers <c>running_mean</c>, <c>running_var</c> [C] and <c>num_batches_tracked</c>, as PyTorch has them.
/// </summary>
public sealed class InstanceNorm : Module
{
    private readonly float _epsilon, _momentum;
    private readonly Tensor _scale, _shift;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="channels">C.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="affine">Whether there are a weight and a bias; PyTorch's default is none.</param>
    /// <param name="tracking">
    /// Whether running statistics, the means over images of their means and unbiased variances, are updated in training and used outside of it.
    /// </param>
    /// <param name="momentum">How much of a batch's statistics enters the running ones.</param>
    public InstanceNorm(Weights weights, int channels, float epsilon = 1e-5f, bool affine = false, bool tracking = false, float momentum = 0.1f)
        : base(weights)
    {
        (_epsilon, _momentum) = (epsilon, momentum);
        Weight = affine ? weights.Parameter("weight", [channels], Init.Ones) : null;
        Bias = affine ? weights.Parameter("bias", [channels], Init.Zeros) : null;
        (_scale, _shift) = MemoryScope.Outside(() => (Tensor.Ones([channels]), Tensor.Zeros([channels])));
        if (!tracking) return;
        RunningMean = weights.Buffer("running_mean", [channels], Init.Zeros);
        RunningVariance = weights.Buffer("running_var", [channels], Init.Ones);
        BatchesTracked = weights.Buffer("num_batches_tracked", [], Init.Zeros);
    }

    /// <summary>The scale of each channel, or null.</summary>
    public Parameter? Weight { get; }

    /// <summary>The shift of each channel, or null.</summary>
    public Parameter? Bias { get; }

    /// <summary>The running mean of each channel, or null.</summary>
    public Parameter? RunningMean { get; }

    /// <summary>The running unbiased variance of each channel, or null.</summary>
    public Parameter? RunningVariance { get; }

    /// <summary>Saved with the running statistics; stays as it is, as in PyTorch. Null where nothing is tracked.</summary>
    public Parameter? BatchesTracked { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        if (RunningMean is null || RunningVariance is null) return x.InstanceNorm(Weight, Bias, _epsilon);
        if (!run.Training) return new BatchNormOp(_epsilon).Apply(x, (Tensor?)Weight ?? _scale, (Tensor?)Bias ?? _shift, RunningMean, RunningVariance);
        Tensor y = x.InstanceNorm(Weight, Bias, _epsilon);
        int images = x.Shape[0], channels = x.Shape[1], count = images * channels == 0 ? 0 : x.Count / (images * channels);
        if (count < 2) throw new ArgumentException($"InstanceNorm in {Path}: one value a channel, as in {x.Shape}, has no variance to track.");
        ReadOnlySpan<float> statistics = y.Saved!.Floats; // [2, N C]: mean, inverse deviation
        Span<float> means = RunningMean.Value.MutableFloats, variances = RunningVariance.Value.MutableFloats;
        for (int c = 0; c < channels; c++)
        {
            double mean = 0, variance = 0;
            for (int at = c; at < images * channels; at += channels)
            {
                mean += statistics[at] / images;
                variance += (Math.Pow(statistics[images * channels + at], -2) - _epsilon) / images;
            }
            means[c] += _momentum * ((float)mean - means[c]);
            variances[c] += _momentum * ((float)(variance * count / (count - 1)) - variances[c]);
        }
        return y;
    }
}

/// <summary>Division by the root mean square over the last axes (Zhang and Sennrich 2019). Parameter <c>weight</c> of the extents of these axes.</summary>
public sealed class RmsNorm : Module
{
    private readonly Shape _axes;
    private readonly float _epsilon;
    private readonly RmsNormOp _joined;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameter comes from.</param>
    /// <param name="axes">The extents of the axes that are normalised together, the last of x.</param>
    /// <param name="epsilon">Added to the mean square; the distance from 1 to the next number unless given, as in PyTorch.</param>
    /// <param name="affine">Whether there is a weight.</param>
    public RmsNorm(Weights weights, Shape axes, float epsilon = 1.1920929e-7f, bool affine = true)
        : base(weights)
    {
        (_axes, _epsilon) = (axes, epsilon);
        _joined = new RmsNormOp(axes.Rank, epsilon);
        Weight = affine ? weights.Parameter("weight", axes, Init.Ones) : null;
    }

    /// <summary>The scale of each element, or null.</summary>
    public Parameter? Weight { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        if (x.Rank < _axes.Rank || !x.Shape.Dims[^_axes.Rank..].SequenceEqual(_axes.Dims))
        {
            throw new ArgumentException($"RmsNorm in {Path}: {x.Shape} does not end in {_axes}.");
        }
        if (!run.Joins) return x.RmsNorm(_axes.Rank, Weight, _epsilon);
        return Weight is null ? _joined.Apply(x) : _joined.Apply(x, Weight);
    }
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
    private readonly LocalResponseNormOp _joined = new(size, alpha, beta, k);

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => run.Joins ? _joined.Apply(x) : x.LocalResponseNorm(size, alpha, beta, k);
}
