namespace Vitrine.Insight;

/// <summary>Whether the numbers of an explanation say what the answer does when the input changes.</summary>
public static class Faithfulness
{
    /// <summary>
    /// What is missing from completeness (Sundararajan, Taly, Yan 2017, "Axiomatic attribution for deep networks"): the sum of the values less what the answer
    /// has over the baseline's; 0 where the explanation accounts for all of it.
    /// </summary>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...].</param>
    /// <param name="explanation">The explanation of the input, or of a layer.</param>
    /// <param name="baseline">What it compares with; null for zeros.</param>
    /// <param name="wrt">The layer that is attributed to, if it is one.</param>
    /// <returns>For each example the gap, in units of the answer.</returns>
    public static float[] CompletenessGap(Module model, Tensor input, Attribution explanation, Baseline? baseline = null, string? wrt = null)
    {
        Probes probes = Probes.On(model, input, explanation.Target, wrt, progress: null, CancellationToken.None);
        Fitting(probes, explanation.Values);
        float[] other = (baseline ?? Baseline.Zeros).For(probes.Of).ToArray();
        float[] at = probes.Ask(1, (_, n, values) => other.AsSpan(n * values.Length, values.Length).CopyTo(values));
        float[] gaps = new float[at.Length];
        for (int n = 0; n < gaps.Length; n++)
        {
            double sum = 0;
            foreach (float value in explanation.Values.Floats.Slice(n * probes.Size, probes.Size)) sum += value;
            gaps[n] = (float)(sum - ((double)probes.Score.Floats[n] - at[n]));
        }
        return gaps;
    }

    /// <summary>
    /// Infidelity (Yeh, Hsieh, Suggala, Inouye, Ravikumar 2019, "On the (in)fidelity and sensitivity of explanations"): the mean square of what the explanation
    /// says the answer loses under a perturbation, less what it loses. The perturbations are normal noise.
    /// </summary>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...].</param>
    /// <param name="values">The explanation, of the input's shape: the change of the answer per unit of change of each element (a gradient, not gradient times
    /// input).</param>
    /// <param name="target">What is asked.</param>
    /// <param name="deviation">Of the noise, in units of the input.</param>
    /// <param name="samples">How many perturbations are averaged.</param>
    /// <param name="scaled">
    /// Whether the values are first multiplied by the number that makes the error smallest, and the error then divided by that of an explanation of zeros: 0
    /// for a perfect explanation up to scale, 1 for one that says nothing.
    /// </param>
    /// <param name="seed">Where the random numbers start.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <returns>One number for each example.</returns>
    /// <exception cref="ArgumentException">The explanation has another shape than the input.</exception>
    public static double[] Infidelity(
        Module model, Tensor input, Tensor values, Target target, double deviation = 0.1, int samples = 100, bool scaled = false, ulong seed = 0,
        CancellationToken cancel = default)
    {
        return Infidelity(model, input, values, target, samples, scaled, cancel, (sample, _, changed, map) =>
        {
            // Every example meets the same noise, alone or in a batch.
            var random = new RandomSource(new RandomSource(seed).Derive((ulong)sample));
            double claim = 0;
            for (int i = 0; i < changed.Length; i++)
            {
                float noise = (float)deviation * random.NextNormal();
                changed[i] -= noise;
                claim += (double)noise * map[i];
            }
            return claim;
        });
    }

    /// <summary>
    /// Infidelity whose perturbations remove what they touch: random subsets of the elements take the baseline's values. The explanation is read as what each
    /// element contributes, so that what it says a subset takes away is the sum of the subset's values.
    /// </summary>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...].</param>
    /// <param name="values">The explanation, of the input's shape: the contribution of each element.</param>
    /// <param name="target">What is asked.</param>
    /// <param name="features">What is removed together; null for at most 49 blocks.</param>
    /// <param name="share">The probability that a feature is removed.</param>
    /// <param name="baseline">What takes its place; null for zeros.</param>
    /// <param name="samples">How many subsets are averaged.</param>
    /// <param name="scaled">As for noise.</param>
    /// <param name="seed">Where the random numbers start.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <returns>One number for each example.</returns>
    /// <exception cref="ArgumentException">The explanation has another shape than the input.</exception>
    public static double[] RemovalInfidelity(
        Module model, Tensor input, Tensor values, Target target, Features? features = null, double share = 0.3, Baseline? baseline = null, int samples = 100,
        bool scaled = false, ulong seed = 0, CancellationToken cancel = default)
    {
        Tensor numbers = (input.DType == DType.Float32 ? input : input.Cast(DType.Float32)).Detach(); // tokens as numbers, as the probes have them
        float[] other = (baseline ?? Baseline.Zeros).For(numbers).ToArray();
        Features parts = features ?? Features.Blocks(49);
        int[][] labels = [.. Enumerable.Range(0, numbers.Shape[0]).Select(n => parts.Labels(numbers.Slice(0, n, n + 1).Squeeze(0)))];
        return Infidelity(model, input, values, target, samples, scaled, cancel, (sample, n, changed, map) =>
        {
            var random = new RandomSource(new RandomSource(seed).Derive((ulong)sample));
            bool[] removed = new bool[labels[n].Max() + 1];
            for (int f = 0; f < removed.Length; f++) removed[f] = random.NextFloat() < share;
            double claim = 0;
            for (int i = 0; i < changed.Length; i++)
            {
                if (!removed[labels[n][i]]) continue;
                changed[i] = other[n * changed.Length + i];
                claim += map[i];
            }
            return claim;
        });
    }

    /// <summary>Changes an example and returns what the explanation says its answer loses by it.</summary>
    private delegate double Claim(int sample, int example, Span<float> changed, ReadOnlySpan<float> map);

    private static double[] Infidelity(
        Module model, Tensor input, Tensor values, Target target, int samples, bool scaled, CancellationToken cancel, Claim change)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        Probes probes = Probes.On(model, input, target, wrt: null, progress: null, cancel);
        Fitting(probes, values);
        int examples = probes.Examples, size = probes.Size;
        double[] claims = new double[samples * examples];
        float[] answers = probes.Ask(samples, (sample, n, changed) =>
            claims[sample * examples + n] = change(sample, n, changed, values.Floats.Slice(n * size, size)));
        double[] result = new double[examples];
        for (int n = 0; n < examples; n++)
        {
            double together = 0, square = 0, changes = 0, error = 0;
            for (int s = 0; s < samples; s++)
            {
                double lost = (double)probes.Score.Floats[n] - answers[s * examples + n], claim = claims[s * examples + n];
                together += lost * claim;
                square += claim * claim;
                changes += lost * lost;
                error += (claim - lost) * (claim - lost);
            }
            // The least error over all scales is what the correlation leaves.
            result[n] = !scaled ? error / samples : changes > 0 && square > 0 ? 1 - together * together / (square * changes) : 1;
        }
        return result;
    }

    private static void Fitting(Probes probes, Tensor values)
    {
        if (values.Shape != probes.Of.Shape)
        {
            throw new ArgumentException($"The explanation has shape {values.Shape}; what it explains has {probes.Of.Shape}.", nameof(values));
        }
    }
}
