namespace Vitrine.Insight;

/// <summary>
/// Feature permutation (Breiman 2001, "Random forests"; Fisher, Rudin, Dominici 2019, "All models are wrong, but many are useful"): one feature at a time
/// changes places between the examples of the batch, and each example's value is what its answer loses. The mean over the batch is the feature's importance.
/// </summary>
/// <param name="features">What counts as one feature; null for each element. It is cut the same way for all examples.</param>
/// <param name="permutations">How many permutations of the batch are averaged.</param>
/// <param name="seed">Where their random numbers start.</param>
public sealed class FeaturePermutation(Features? features = null, int permutations = 1, ulong seed = 0) : IAttribution
{
    private readonly int _permutations = permutations >= 1
        ? permutations
        : throw new ArgumentOutOfRangeException(nameof(permutations), permutations, "At least one permutation is needed.");

    /// <inheritdoc/>
    public string Name => "feature permutation";

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There is a single example: nothing can change places.</exception>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        Probes probes = Probes.On(model, input, target, wrt, progress, cancel);
        int examples = probes.Examples, size = probes.Size;
        if (examples < 2)
        {
            throw new ArgumentException("Feature permutation exchanges values between the examples of a batch; give it two or more.", nameof(input));
        }
        int[] labels = (features ?? Features.Each).Labels(Tensor.From(probes.Example(0), probes.Of.Shape.Without(0)));
        int count = labels.Max() + 1;
        var seeds = new RandomSource(seed);
        int[][] sources = [.. Enumerable.Range(0, count * _permutations).Select(i => Moved(new RandomSource(seeds.Derive((ulong)i)), examples))];
        float[] scores = probes.Ask(sources.Length, (probe, n, values) =>
        {
            ReadOnlySpan<float> source = probes.Example(sources[probe][n]);
            for (int i = 0; i < size; i++)
            {
                if (labels[i] == probe / _permutations) values[i] = source[i];
            }
        });
        float[] lost = new float[examples * size];
        for (int n = 0; n < examples; n++)
        {
            double[] sums = new double[count];
            for (int probe = 0; probe < sources.Length; probe++) sums[probe / _permutations] += (double)probes.Score.Floats[n] - scores[probe * examples + n];
            for (int i = 0; i < size; i++) lost[n * size + i] = (float)(sums[labels[i]] / _permutations);
        }
        return probes.Attribution(Name, lost);
    }

    /// <summary>A permutation that moves something.</summary>
    private static int[] Moved(RandomSource random, int count)
    {
        while (true)
        {
            int[] order = random.Permutation(count);
            if (order.Where((from, to) => from != to).Any()) return order;
        }
    }
}
