namespace Vitrine;

/// <summary>AdaMax (Kingma and Ba 2015, section 7), as PyTorch has it: Adam with a decaying maximum in place of the mean of squares.</summary>
/// <param name="learningRate">The step size.</param>
/// <param name="beta1">The decay of the mean of gradients.</param>
/// <param name="beta2">The decay of the maximum.</param>
/// <param name="epsilon">Added to the size of each gradient.</param>
/// <param name="weightDecay">Added to the gradient, times the weight (L2).</param>
public sealed class AdaMax(double learningRate = 2e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0)
    : Optimizer((float)learningRate)
{
    /// <inheritdoc/>
    protected override int SlotCount => 2;

    private protected override void Update(Span<float> values, ReadOnlySpan<float> gradient, Tensor[] slots, long step)
    {
        Span<float> means = slots[0].MutableFloats, largest = slots[1].MutableFloats;
        float rate = (float)(LearningRate / (1 - Math.Pow(beta1, step)));
        float keep1 = (float)beta1, rest1 = (float)(1 - beta1), keep2 = (float)beta2, small = (float)epsilon, decay = (float)weightDecay;
        for (int i = 0; i < values.Length; i++)
        {
            float g = gradient[i] + decay * values[i];
            means[i] = keep1 * means[i] + rest1 * g;
            largest[i] = MathF.Max(keep2 * largest[i], MathF.Abs(g) + small);
            values[i] -= rate * means[i] / largest[i];
        }
    }
}
