namespace Vitrine.Insight;

/// <summary>How little it takes to fool a network, for each example.</summary>
/// <param name="Sizes">
/// The smallest size found for each example: 0 where the network errs without an attack, infinity where nothing tried fooled it.
/// </param>
public sealed record MinimalPerturbation(IReadOnlyList<double> Sizes)
{
    /// <summary>The middle one, or the mean of the two in the middle; infinity when fewer than half were fooled; NaN of none.</summary>
    public double Median
    {
        get
        {
            double[] sorted = [.. Sizes.Order()];
            return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        }
    }

    /// <summary>The share of examples that were fooled by a change of at most this size, in [0, 1].</summary>
    public double FooledWithin(double size) => Sizes.Count == 0 ? double.NaN : Sizes.Count(s => s <= size) / (double)Sizes.Count;

    /// <summary>
    /// Bisection over epsilon: for each example the smallest epsilon, to within a part of the largest, at which an attack of that size fools the network.
    /// Supposes that a larger change of the same attack fools at least as well.
    /// </summary>
    /// <param name="model">A network whose output is logits [N, classes].</param>
    /// <param name="data">The examples.</param>
    /// <param name="attack">From an epsilon to the attack of that size, untargeted.</param>
    /// <param name="largest">The largest epsilon that is tried.</param>
    /// <param name="halvings">How often the interval is halved: the result is a multiple of largest / 2^halvings.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    public static MinimalPerturbation Bisect(
        Module model, Dataset data, Func<float, IAttack> attack, float largest, int halvings = 8, IProgress<double>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(attack);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(largest);
        ArgumentOutOfRangeException.ThrowIfLessThan(halvings, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(halvings, 20);
        int whole = 1 << halvings;
        double[] sizes = new double[data.Count];
        for (int start = 0; start < data.Count; start += AttackMeasure.Batch)
        {
            using var scope = MemoryScope.Open();
            (Tensor inputs, int[] labels) = AttackMeasure.Stretch(data, start, Math.Min(AttackMeasure.Batch, data.Count - start));
            int[] clean = AttackBatch.Predict(model, inputs), low = new int[labels.Length], high = new int[labels.Length];
            int[] right = [.. Enumerable.Range(0, labels.Length).Where(i => clean[i] == labels[i])];
            bool[] strongest = Fooled(right, whole);
            for (int k = 0; k < right.Length; k++) high[right[k]] = strongest[k] ? whole : int.MaxValue;
            for (int halving = 0; halving < halvings; halving++)
            {
                // Examples whose interval has the same middle are attacked together.
                int[] open = [.. right.Where(i => high[i] != int.MaxValue)];
                foreach (IGrouping<int, int> group in open.GroupBy(i => (low[i] + high[i]) / 2).OrderBy(g => g.Key))
                {
                    int[] examples = [.. group];
                    bool[] fooled = Fooled(examples, group.Key);
                    for (int k = 0; k < examples.Length; k++)
                    {
                        if (fooled[k]) high[examples[k]] = group.Key;
                        else low[examples[k]] = group.Key;
                    }
                }
            }
            for (int i = 0; i < labels.Length; i++) sizes[start + i] = high[i] == int.MaxValue ? double.PositiveInfinity : (double)largest * high[i] / whole;
            progress?.Report((double)(start + labels.Length) / data.Count);

            bool[] Fooled(int[] examples, int part)
            {
                if (examples.Length == 0) return [];
                using var inner = MemoryScope.Open();
                Tensor x = inputs.IndexSelect(0, Tensor.From([.. examples.Select(i => (long)i)], [examples.Length]));
                int[] own = [.. examples.Select(i => labels[i])];
                int[] found = AttackBatch.Predict(model, attack((float)((double)largest * part / whole)).Perturb(model, x, own, null, cancel));
                return [.. found.Select((c, i) => c != own[i])];
            }
        }
        return new MinimalPerturbation(sizes);
    }

    /// <summary>The sizes of the changes of an attack that looks for small ones by itself: <see cref="DeepFool"/>, <see cref="CarliniWagner"/>.</summary>
    /// <param name="examples">What became of the examples.</param>
    /// <param name="norm">In which norm sizes are measured.</param>
    public static MinimalPerturbation Of(IReadOnlyList<AttackedExample> examples, AttackNorm norm = AttackNorm.Two)
    {
        ArgumentNullException.ThrowIfNull(examples);
        return new([.. examples.Select(e => !e.Succeeded ? double.PositiveInfinity : norm == AttackNorm.Two ? e.Length : e.Largest)]);
    }
}
