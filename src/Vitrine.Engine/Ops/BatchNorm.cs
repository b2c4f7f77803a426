namespace Vitrine.Ops;

/// <summary>
/// Batch normalisation over every axis but the second (Ioffe and Szegedy 2015), with the statistics of the batch.
/// Inputs: x [N, C, ...], weight [C], bias [C]. The result's <c>Saved</c> holds [2, C] mean and inverse deviation and, in turn, mean and biased variance.
/// </summary>
/// <param name="epsilon">Added to the variance.</param>
public sealed class BatchNormTrainOp(float epsilon) : Op
{
    /// <inheritdoc/>
    public override string Name => "BatchNorm";

    /// <inheritdoc/>
    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        Tensor x = inputs[0];
        if (x.Rank < 2 || inputs[1].Count != x.Shape[1] || inputs[2].Count != x.Shape[1])
        {
            throw new ArgumentException("x is [N, C, ...], weight and bias are [C]");
        }
        if (x.Count == x.Shape[1]) throw new ArgumentException("one value a channel has no variance: train with larger batches");
        Tensor moments = x.Device.ChannelMoments(x), statistics = BatchNormOp.Statistics(moments, epsilon);
        statistics.Saved = moments;
        Tensor y = x.Device.BatchNorm(x, statistics, inputs[1], inputs[2]);
        y.Saved = statistics;
        return y;
    }

    /// <inheritdoc/>
    public override Tensor? Backward(Node node, Tensor grad, int input)
    {
        Tensor x = node.Inputs[0], weight = node.Inputs[1], statistics = node.Output.Saved!;
        int[] others = [.. Enumerable.Range(0, x.Rank).Where(i => i != 1)];
        if (input == 2) return grad.Sum(others).Reshape(node.Inputs[2].Shape);
        // The fused gradient is no operator of x that could be differentiated again, so a recorded pass composes it.
        if (!Recording.Off) return Composed(grad, x, weight, others, input);
        Tensor sums = x.Device.BatchNormSums(grad, x, statistics); // rows: the gradient; the gradient times the normalised x
        return input == 0 ? x.Device.BatchNormGrad(grad, x, statistics, weight, sums) : sums.Slice(0, 1, 2).Reshape(weight.Shape);
    }

    /// <inheritdoc/>
    public override void BackwardAll(Node node, Tensor grad, ReadOnlySpan<bool> wanted, Span<Tensor?> grads)
    {
        if (!Recording.Off || !(wanted[0] || wanted[1]))
        {
            base.BackwardAll(node, grad, wanted, grads);
            return;
        }
        // One pass over x serves all three gradients.
        Tensor x = node.Inputs[0], weight = node.Inputs[1], statistics = node.Output.Saved!;
        Tensor sums = x.Device.BatchNormSums(grad, x, statistics);
        if (wanted[0]) grads[0] = x.Device.BatchNormGrad(grad, x, statistics, weight, sums);
        if (wanted[1]) grads[1] = sums.Slice(0, 1, 2).Reshape(weight.Shape);
        if (wanted[2]) grads[2] = sums.Slice(0, 0, 1).Reshape(node.Inputs[2].Shape);
    }

    /// <summary>The gradient with respect to x or the weight as operators of x, so that it can be differentiated again.</summary>
    private Tensor Composed(Tensor grad, Tensor x, Tensor weight, int[] others, int input)
    {
        Tensor centred = x - x.Mean(others, keepDims: true);
        Tensor inverse = (centred.Square().Mean(others, keepDims: true) + epsilon).Rsqrt(), normalised = centred * inverse;
        if (input == 1) return (grad * normalised).Sum(others).Reshape(weight.Shape);
        Tensor g = grad - grad.Mean(others, keepDims: true) - normalised * (grad * normalised).Mean(others, keepDims: true);
        return g * (weight.Reshape(inverse.Shape) * inverse);
    }
}

/// <summary>Batch normalisation with given statistics: a channel's own scale and shift. Inputs: x [N, C, ...], weight, bias, mean, variance [C].</summary>
/// <param name="epsilon">Added to the variance.</param>
public sealed class BatchNormOp(float epsilon) : Op
{
    /// <summary>Added to the variance.</summary>
    public float Epsilon => epsilon;

    /// <inheritdoc/>
    public override OpTraits Traits => OpTraits.Linear;

    /// <inheritdoc/>
    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        Tensor x = inputs[0];
        if (x.Rank < 2) throw new ArgumentException("x is [N, C, ...]");
        for (int i = 1; i < 5; i++)
        {
            if (inputs[i].Count != x.Shape[1]) throw new ArgumentException("weight, bias, mean and variance are [C]");
        }
        return x.Device.BatchNorm(x, Statistics(inputs[3], inputs[4], epsilon), inputs[1], inputs[2]);
    }

    /// <inheritdoc/>
    public override Tensor? Backward(Node node, Tensor grad, int input)
    {
        Tensor x = node.Inputs[0], weight = node.Inputs[1];
        Shape perChannel = Shape.Create([.. Enumerable.Repeat(1, x.Rank)]).With(1, x.Shape[1]);
        int[] others = [.. Enumerable.Range(0, x.Rank).Where(i => i != 1)];
        Tensor inverse = (node.Inputs[4] + epsilon).Rsqrt();
        return input switch
        {
            0 => grad * (weight * inverse).Reshape(perChannel),
            1 => (grad * (x - node.Inputs[3].Reshape(perChannel))).Sum(others) * inverse,
            2 => grad.Sum(others),
            3 => -(grad.Sum(others) * weight * inverse),
            _ => (grad * (x - node.Inputs[3].Reshape(perChannel))).Sum(others) * weight * inverse * inverse * inverse * -0.5f,
        };
    }

    /// <summary>[2, C] of mean and inverse deviation, from [2, C] of mean and variance.</summary>
    internal static Tensor Statistics(Tensor moments, float epsilon)
    {
        int channels = moments.Shape[1];
        Tensor statistics = Tensor.Uninitialized(moments.Shape);
        Fill(statistics.MutableFloats, moments.Floats[..channels], moments.Floats[channels..], epsilon);
        return statistics;
    }

    private static Tensor Statistics(Tensor mean, Tensor variance, float epsilon)
    {
        Tensor statistics = Tensor.Uninitialized([2, mean.Count]);
        Fill(statistics.MutableFloats, mean.Floats, variance.Floats, epsilon);
        return statistics;
    }

    private static void Fill(Span<float> statistics, ReadOnlySpan<float> mean, ReadOnlySpan<float> variance, float epsilon)
    {
        mean.CopyTo(statistics);
        for (int i = 0; i < variance.Length; i++) statistics[mean.Length + i] = (float)(1 / Math.Sqrt(variance[i] + (double)epsilon));
    }
}
