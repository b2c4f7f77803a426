namespace Vitrine;

/// <summary>AdaGrad (Duchi, Hazan, Singer 2011), as PyTorch has it: the gradient over the root of the sum of its squares.</summary>
/// <param name="learningRate">The step size.</param>
/// <param name="rateDecay">The step size is divided by 1 + this times the number of steps before.</param>
/// <param name="weightDecay">Added to the gradient, times the weight (L2).</param>
/// <param name="initialSum">What the sum of squares starts from.</param>
/// <param name="epsilon">Added to the root.</param>
public sealed class AdaGrad(double learningRate = 1e-2, double rateDecay = 0, double weightDecay = 0, double initialSum = 0, double epsilon = 1e-10)
    : Optimizer((float)learningRate)
{
    /// <inheritdoc/>
    protected override int SlotCount => 1;

    private protected override void Update(Span<float> values, ReadOnlySpan<float> gradient, Tensor[] slots, long step)
    {
        Span<float> sums = slots[0].MutableFloats;
        if (step == 1) sums.Fill((float)initialSum);
        float rate = (float)(LearningRate / (1 + (step - 1) * rateDecay)), decay = (float)weightDecay, small = (float)epsilon;
        for (int i = 0; i < values.Length; i++)
        {
            float g = gradient[i] + decay * values[i];
            sums[i] += g * g;
            values[i] -= rate * g / (MathF.Sqrt(sums[i]) + small);
        }
    }
}
