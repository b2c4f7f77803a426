namespace Vitrine.Insight;

/// <summary>What a network loses without one head.</summary>
/// <param name="Scope">The attention; see <see cref="AttentionMap.Scope"/>.</param>
/// <param name="Head">The number of the head, from 0.</param>
/// <param name="Score">The score without it.</param>
/// <param name="Loss">The score with all heads less the score without this one: large for a head that is needed.</param>
public sealed record HeadScore(string Scope, int Head, double Score, double Loss);

/// <summary>
/// Ablates every head of attention, one at a time (Michel, Levy and Neubig 2019, "Are sixteen heads really better than one?"): its weights become zero, so that
/// nothing of it reaches the projection after it.
/// </summary>
public static class HeadImportance
{
    /// <summary>Scores the network with all heads, and without each.</summary>
    /// <param name="network">The network; it is not changed.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="score">From the network's outputs to a number, larger for better: accuracy, or minus the loss.</param>
    /// <param name="cancel">Ends the work.</param>
    /// <returns>The score with all heads, and a row for each head.</returns>
    public static (double Whole, IReadOnlyList<HeadScore> Heads) Of(
        Module network, Tensor[] inputs, Func<Tensor[], double> score, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(score);
        IReadOnlyList<AttentionMap> maps = AttentionMap.Of(network, inputs);
        double whole = Scored(new Run(fused: false));
        var heads = new List<HeadScore>();
        foreach (AttentionMap map in maps)
            for (int head = 0; head < map.Heads; head++)
            {
                cancel.ThrowIfCancellationRequested();
                double without = Scored(Without(map, head));
                heads.Add(new HeadScore(map.Scope, head, without, whole - without));
            }
        return (whole, heads);

        double Scored(Run run)
        {
            using var scope = MemoryScope.Open();
            return score(network.Call(run, inputs));
        }
    }

    /// <summary>A run in which one head's weights are zero.</summary>
    /// <param name="map">The attention.</param>
    /// <param name="head">The number of the head, from 0.</param>
    public static Run Without(AttentionMap map, int head)
    {
        ArgumentNullException.ThrowIfNull(map);
        if ((uint)head >= (uint)map.Heads) throw new ArgumentOutOfRangeException(nameof(head), head, $"{map.Scope} has {map.Heads} heads.");
        float[] kept = new float[map.Weights.Shape[0] * map.Heads];
        for (int i = 0; i < kept.Length; i++) kept[i] = i % map.Heads == head ? 0 : 1;
        // [N, heads, 1, 1], in the shape that the network itself has for the weights.
        Tensor mask = map.Own.Rank == 4 ? Tensor.From(kept, [map.Weights.Shape[0], map.Heads, 1, 1])
            : map.Own.Rank == 3 ? Tensor.From(kept, [kept.Length, 1, 1])
            : Tensor.From(kept, [1, 1]);
        return new Run(fused: false).Edit(map.Scope, weights => weights * mask);
    }
}
