namespace Vitrine.Insight;

/// <summary>The real examples that excite the units of a layer most: what made inputs are compared with.</summary>
/// <param name="Values">For each unit, the largest activation; minus infinity where there were no examples.</param>
/// <param name="Examples">For each unit, the number of the example that has it; of equals the first.</param>
public sealed record BestExamples(IReadOnlyList<float> Values, IReadOnlyList<int> Examples)
{
    /// <summary>Looks through examples batch by batch.</summary>
    /// <param name="model">The network.</param>
    /// <param name="layer">The layer; empty for the network's output.</param>
    /// <param name="batches">The examples, [B, ...] a batch, as the network takes them.</param>
    /// <param name="value">What the activation of a channel is.</param>
    /// <param name="cancel">Ends the work between two batches.</param>
    /// <exception cref="ArgumentException">There is no such layer, it has no units, or there are no examples.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was signalled.</exception>
    public static BestExamples Of(Module model, string layer, IEnumerable<Tensor> batches, UnitValue value = UnitValue.Mean, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(batches);
        float[]? best = null;
        int[] where = [];
        int seen = 0;
        foreach (Tensor batch in batches)
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = MemoryScope.Open();
            Tensor units = Units.Of(PartialPass.Of(model, batch, [layer], recording: false)[layer], value); // [B, C]
            int channels = units.Shape[1];
            if (best is null)
            {
                best = new float[channels];
                Array.Fill(best, float.NegativeInfinity);
                where = new int[channels];
            }
            ReadOnlySpan<float> values = units.Floats;
            for (int i = 0; i < values.Length; i++)
            {
                if (!(values[i] > best[i % channels])) continue;
                best[i % channels] = values[i];
                where[i % channels] = seen + i / channels;
            }
            seen += batch.Shape[0];
        }
        return best is null ? throw new ArgumentException("There are no examples to look through.", nameof(batches)) : new BestExamples(best, where);
    }
}
