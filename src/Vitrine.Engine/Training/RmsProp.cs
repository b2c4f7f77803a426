namespace Vitrine;

/// <summary>RMSprop (Tieleman and Hinton 2012), as PyTorch has it: the gradient over the root of its mean square.</summary>
/// <param name="learningRate">The step size.</param>
/// <param name="alpha">The decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the root.</param>
/// <param name="weightDecay">Added to the gradient, times the weight (L2).</param>
/// <param name="momentum">How much of the last step is kept, in [0, 1).</param>
/// <param name="centered">Whether the variance of gradients is used in place of their mean square (Graves 2013).</param>
public sealed class RmsProp(
    double learningRate = 1e-2, double alpha = 0.99, double epsilon = 1e-8, double weightDecay = 0, double momentum = 0, bool centered = false)
    : Optimizer((float)learningRate)
{
    /// <inheritdoc/>
    protected override int SlotCount => 1 + (momentum > 0 ? 1 : 0) + (centered ? 1 : 0);

    private protected override void Update(Span<float> values, ReadOnlySpan<float> gradient, Tensor[] slots, long step)
    {
        Span<float> squares = slots[0].MutableFloats;
        Span<float> velocity = momentum > 0 ? slots[1].MutableFloats : default, means = centered ? slots[^1].MutableFloats : default;
        float a = (float)alpha, rest = (float)(1 - alpha), decay = (float)weightDecay, keep = (float)momentum, small = (float)epsilon, rate = LearningRate;
        for (int i = 0; i < values.Length; i++)
        {
            float g = gradient[i] + decay * values[i];
            float square = squares[i] = a * squares[i] + rest * g * g;
            if (centered)
            {
                float mean = means[i] += rest * (g - means[i]);
                square -= mean * mean;
            }
            float move = g / (MathF.Sqrt(MathF.Max(square, 0)) + small);
            if (momentum > 0) move = velocity[i] = keep * velocity[i] + move;
            values[i] -= rate * move;
        }
    }
}
