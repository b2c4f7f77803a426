namespace Vitrine;

/// <summary>Rectified Adam (Liu et al. 2020), as PyTorch has it: plain momentum until the mean of squares has seen enough gradients.</summary>
/// <param name="learningRate">The step size.</param>
/// <param name="beta1">The decay of the mean of gradients.</param>
/// <param name="beta2">The decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the denominator.</param>
/// <param name="weightDecay">Added to the gradient, times the weight (L2).</param>
public sealed class RAdam(double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0)
    : Optimizer((float)learningRate)
{
    /// <inheritdoc/>
    protected override int SlotCount => 2;

    private protected override void Update(Span<float> values, ReadOnlySpan<float> gradient, Tensor[] slots, long step)
    {
        Span<float> means = slots[0].MutableFloats, squares = slots[1].MutableFloats;
        // rho: how many gradients the mean of squares amounts to.
        double left = Math.Pow(beta2, step), most = 2 / (1 - beta2) - 1, rho = most - 2 * step * left / (1 - left);
        bool rectified = rho > 5;
        double rate = LearningRate / (1 - Math.Pow(beta1, step));
        if (rectified) rate *= Math.Sqrt(1 - left) * Math.Sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho));
        float size = (float)rate, keep1 = (float)beta1, rest1 = (float)(1 - beta1), keep2 = (float)beta2, rest2 = (float)(1 - beta2);
        float small = (float)epsilon, decay = (float)weightDecay;
        for (int i = 0; i < values.Length; i++)
        {
            float g = gradient[i] + decay * values[i];
            means[i] = keep1 * means[i] + rest1 * g;
            squares[i] = keep2 * squares[i] + rest2 * g * g;
            values[i] -= size * (rectified ? means[i] / (MathF.Sqrt(squares[i]) + small) : means[i]);
        }
    }
}
