namespace Vitrine;

/// <summary>AdaDelta (Zeiler 2012), as PyTorch has it: the gradient times the root mean square of past steps over that of gradients.</summary>
/// <param name="learningRate">A factor of each step.</param>
/// <param name="rho">The decay of both means.</param>
/// <param name="epsilon">Added to both means before their root.</param>
/// <param name="weightDecay">Added to the gradient, times the weight (L2).</param>
public sealed class AdaDelta(double learningRate = 1, double rho = 0.9, double epsilon = 1e-6, double weightDecay = 0)
    : Optimizer((float)learningRate)
{
    /// <inheritdoc/>
    protected override int SlotCount => 2;

    private protected override void Update(Span<float> values, ReadOnlySpan<float> gradient, Tensor[] slots, long step)
    {
        Span<float> squares = slots[0].MutableFloats, moves = slots[1].MutableFloats;
        float keep = (float)rho, rest = (float)(1 - rho), small = (float)epsilon, decay = (float)weightDecay, rate = LearningRate;
        for (int i = 0; i < values.Length; i++)
        {
            float g = gradient[i] + decay * values[i];
            squares[i] = keep * squares[i] + rest * g * g;
            float move = MathF.Sqrt(moves[i] + small) / MathF.Sqrt(squares[i] + small) * g;
            moves[i] = keep * moves[i] + rest * move * move;
            values[i] -= rate * move;
        }
    }
}
