using Vitrine.Ops;

namespace Vitrine;

/// <summary>
/// Batch normalisation of every axis but the second (Ioffe and Szegedy 2015), for [N, C], [N, C, L] and [N, C, H, W]. Parameters <c>weight</c>, <c>bias</c>;
/// buffers <c>running_mean</c>, <c>running_var</c>, <c>num_batches_tracked</c>. In training the running statistics are updated as the module is called.
/// </summary>
public sealed class BatchNorm : Module
{
    private readonly BatchNormTrainOp _train;
    private readonly BatchNormOp _infer;
    private readonly float _momentum;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="channels">The extent of the second axis.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="momentum">How much of a batch's statistics enters the running ones.</param>
    public BatchNorm(Weights weights, int channels, float epsilon = 1e-5f, float momentum = 0.1f)
        : base(weights)
    {
        _train = new BatchNormTrainOp(epsilon);
        _infer = new BatchNormOp(epsilon);
        _momentum = momentum;
        Weight = weights.Parameter("weight", [channels], Init.Ones);
        Bias = weights.Parameter("bias", [channels], Init.Zeros);
        RunningMean = weights.Buffer("running_mean", [channels], Init.Zeros);
        RunningVariance = weights.Buffer("running_var", [channels], Init.Ones);
        BatchesTracked = weights.Buffer("num_batches_tracked", [], Init.Zeros);
    }

    /// <summary>The scale of each channel.</summary>
    public Parameter Weight { get; }

    /// <summary>The shift of each channel.</summary>
    public Parameter Bias { get; }

    /// <summary>The running mean of each channel.</summary>
    public Parameter RunningMean { get; }

    /// <summary>The running unbiased variance of each channel.</summary>
    public Parameter RunningVariance { get; }

    /// <summary>How many batches entered the running statistics.</summary>
    public Parameter BatchesTracked { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        if (!run.Training) return _infer.Apply(x, Weight, Bias, RunningMean, RunningVariance);
        Tensor y = _train.Apply(x, Weight, Bias);
        ReadOnlySpan<float> moments = y.Saved!.Saved!.Floats;
        int channels = x.Shape[1], count = x.Count / channels;
        Span<float> mean = RunningMean.Value.MutableFloats, variance = RunningVariance.Value.MutableFloats;
        float unbiased = count / (count - 1f);
        for (int c = 0; c < channels; c++)
        {
            mean[c] += _momentum * (moments[c] - mean[c]);
            variance[c] += _momentum * (moments[channels + c] * unbiased - variance[c]);
        }
        BatchesTracked.Value.MutableFloats[0]++;
        return y;
    }
}
