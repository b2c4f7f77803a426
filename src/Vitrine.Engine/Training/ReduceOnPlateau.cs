namespace Vitrine;

/// <summary>Lowers the learning rate when the validation loss has stopped falling: PyTorch's <c>ReduceLROnPlateau</c> with relative thresholds.</summary>
/// <param name="Factor">What the learning rate is multiplied by, in (0, 1).</param>
/// <param name="Patience">How many passes in a row without improvement are borne; the one after them lowers the rate.</param>
/// <param name="Threshold">A loss is an improvement when it is below the best by more than this part of it.</param>
/// <param name="Cooldown">How many passes after a reduction do not count.</param>
/// <param name="Least">The smallest part of the original rate.</param>
public sealed record ReduceOnPlateau(double Factor = 0.1, int Patience = 10, double Threshold = 1e-4, int Cooldown = 0, double Least = 0)
{
    /// <summary>Takes note of the loss after a pass.</summary>
    internal void Observe(PlateauState state, double loss)
    {
        if (loss < state.Best * (1 - Threshold))
        {
            state.Best = loss;
            state.Bad = 0;
        }
        else
        {
            state.Bad++;
        }
        if (state.Cooldown > 0)
        {
            state.Cooldown--;
            state.Bad = 0;
        }
        if (state.Bad <= Patience) return;
        state.Rate = Math.Max(state.Rate * Factor, Least);
        state.Cooldown = Cooldown;
        state.Bad = 0;
    }
}

/// <summary>What <see cref="ReduceOnPlateau"/> remembers between passes; part of a checkpoint.</summary>
internal sealed class PlateauState
{
    public double Best { get; set; } = double.PositiveInfinity;

    public int Bad { get; set; }

    public int Cooldown { get; set; }

    /// <summary>The part of the original learning rate that is left.</summary>
    public double Rate { get; set; } = 1;
}
