namespace Vitrine.Insight;

/// <summary>
/// KernelSHAP (Lundberg and Lee 2017, "A unified approach to interpreting model predictions"): Shapley values as the solution of a weighted least-squares
/// problem over coalitions, under the constraint that they sum to what the full answer has over the baseline's. With all coalitions it is exact. Small and
/// large coalitions, which weigh most, are taken all while the samples last; the rest is drawn in pairs with their complements. Every element of a feature gets
/// the feature's value.
/// </summary>
/// <param name="features">What counts as one feature; null for at most 49 blocks.</param>
/// <param name="baseline">The values of a feature that is absent; null for zeros.</param>
/// <param name="samples">How many coalitions are asked for; 0 for 2048 and two for each feature, as the paper's package has it.</param>
/// <param name="keep">How many features may have a value, chosen by least-angle regression; 0 for all.</param>
/// <param name="seed">Where the random numbers start.</param>
public sealed class KernelShap(Features? features = null, Baseline? baseline = null, int samples = 0, int keep = 0, ulong seed = 0) : IAttribution
{
    private readonly int _samples = samples >= 0
        ? samples
        : throw new ArgumentOutOfRangeException(nameof(samples), samples, "The number of coalitions is not negative.");
    private readonly int _keep = keep >= 0 ? keep : throw new ArgumentOutOfRangeException(nameof(keep), keep, "The number of features is not negative.");

    /// <inheritdoc/>
    public string Name => "kernel shap";

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        Probes probes = Probes.On(model, input, target, wrt, progress, cancel);
        var game = new Coalitions(probes, features ?? Features.Blocks(49), baseline ?? Baseline.Zeros);
        int examples = probes.Examples;
        var designs = Enumerable.Range(0, examples).Select(game.Count).Distinct().ToDictionary(count => count, Design);
        float[] worth = game.Worth(1 + designs.Values.Max(d => d.Count), (round, n, present) =>
        {
            if (round == 0) present.Clear();
            else if (round <= designs[present.Length].Count) designs[present.Length][round - 1].Present.CopyTo(present);
        });
        double[][] values = new double[examples][];
        for (int n = 0; n < examples; n++)
        {
            List<Sample> design = designs[game.Count(n)];
            double none = worth[n], all = probes.Score.Floats[n];
            values[n] = Solve(design, [.. design.Select((_, round) => worth[(round + 1) * examples + n] - none)], all - none, game.Count(n));
        }
        return game.Paint(Name, values);
    }

    private double[] Solve(List<Sample> design, double[] gains, double total, int count)
    {
        double[] values = new double[count];
        double[] weights = [.. design.Select(s => s.Weight)];
        int[] used = _keep == 0 || _keep >= count || design.Count == 0 ? [.. Enumerable.Range(0, count)] : Select(design, gains, weights, total);
        if (used.Length == 0) return values;
        // The constraint takes one feature out: its value is what the others leave.
        int last = used[^1];
        int[] others = used[..^1];
        double[][] x = [.. design.Select(s => others.Select(f => (double)(Bit(s, f) - Bit(s, last))).ToArray())];
        double[] y = [.. design.Select((s, i) => gains[i] - Bit(s, last) * total)];
        double[] found = others.Length == 0 ? [] : LeastSquares.Fit(x, y, weights);
        for (int i = 0; i < others.Length; i++) values[others[i]] = found[i];
        values[last] = total - found.Sum();
        return values;
    }

    /// <summary>
    /// Each coalition stands for itself and, seen from the full one, for its complement; weighed by size, so that the constraint is in the data.
    /// </summary>
    private int[] Select(List<Sample> design, double[] gains, double[] weights, double total)
    {
        int count = design[0].Present.Length;
        double[] sizes = [.. design.Select(s => (double)s.Present.Count(p => p))];
        double[][] x =
        [
            .. design.Select(s => s.Present.Select(p => p ? 1.0 : 0).ToArray()),
            .. design.Select(s => s.Present.Select(p => p ? 0 : -1.0).ToArray()),
        ];
        double[] y = [.. gains, .. gains.Select(g => g - total)];
        double[] w = [.. weights.Select((v, i) => v * (count - sizes[i])), .. weights.Select((v, i) => v * sizes[i])];
        return LeastSquares.FirstColumns(x, y, w, _keep);
    }

    /// <summary>The coalitions to ask about, neither empty nor full, and their weights.</summary>
    private List<Sample> Design(int count)
    {
        var design = new List<Sample>();
        if (count < 2) return design;
        long left = _samples == 0 ? 2048 + 2L * count : _samples;
        int half = count / 2;
        // What the kernel gives to all coalitions of a size and to those of the complementary size: (n - 1) / (s (n - s)) each.
        double[] mass = [.. Enumerable.Range(1, half).Select(s => (2 * s == count ? 1 : 2) * (count - 1.0) / ((double)s * (count - s)))];
        double sum = mass.Sum();
        for (int i = 0; i < half; i++) mass[i] /= sum;

        int size = 1;
        for (double open = 1; size <= half; size++)
        {
            int twins = 2 * size == count ? 1 : 2;
            double coalitions = twins * Choose(count, size);
            // Left over mass says how many of the samples would fall on this size; when they would meet every coalition, each is taken once. Where there is
            // room for all that remain, all are.
            double remaining = Math.Pow(2, count) - 2 - design.Count;
            if (left < remaining && left * mass[size - 1] / open < coalitions * (1 - 1e-8)) break;
            foreach (bool[] present in Of(count, size))
            {
                design.Add(new Sample(present) { Weight = mass[size - 1] / coalitions });
                if (twins == 2) design.Add(new Sample([.. present.Select(p => !p)]) { Weight = mass[size - 1] / coalitions });
            }
            left -= (long)coalitions;
            open -= mass[size - 1];
        }
        if (size <= half && left > 0) Draw(design, count, size, left, mass);
        return design;
    }

    /// <summary>
    /// Draws from the sizes that were not taken whole: a coalition and its complement, with probability by the kernel; one met again weighs more.
    /// </summary>
    private void Draw(List<Sample> design, int count, int smallest, long left, double[] mass)
    {
        var random = new RandomSource(seed);
        var met = new Dictionary<string, Sample>(StringComparer.Ordinal);
        double open = mass[(smallest - 1)..].Sum();
        int whole = design.Count;
        for (long draws = 4 * left; left > 0 && draws > 0; draws--)
        {
            double at = random.NextFloat() * open;
            int size = smallest;
            while (size < mass.Length && at >= mass[size - 1]) at -= mass[size++ - 1];
            bool[] present = new bool[count];
            foreach (int f in random.Permutation(count)[..size]) present[f] = true;
            foreach (bool[] coalition in (bool[][])[present, [.. present.Select(p => !p)]])
            {
                string key = string.Create(count, coalition, static (text, c) =>
                {
                    for (int i = 0; i < c.Length; i++) text[i] = c[i] ? '1' : '0';
                });
                if (!met.TryGetValue(key, out Sample? sample))
                {
                    if (left == 0) continue;
                    met.Add(key, sample = new Sample(coalition));
                    design.Add(sample);
                    left--;
                }
                sample.Weight++;
            }
        }
        double drawn = design.Skip(whole).Sum(s => s.Weight);
        foreach (Sample sample in design.Skip(whole)) sample.Weight *= open / drawn;
    }

    /// <summary>All coalitions of a size, in lexicographic order.</summary>
    private static IEnumerable<bool[]> Of(int count, int size)
    {
        int[] members = [.. Enumerable.Range(0, size)];
        while (true)
        {
            bool[] present = new bool[count];
            foreach (int f in members) present[f] = true;
            yield return present;
            int at = size - 1;
            while (at >= 0 && members[at] == count - size + at) at--;
            if (at < 0) yield break;
            members[at]++;
            for (int i = at + 1; i < size; i++) members[i] = members[i - 1] + 1;
        }
    }

    private static double Choose(int n, int k)
    {
        double choices = 1;
        for (int i = 1; i <= k; i++) choices = choices * (n - k + i) / i;
        return choices;
    }

    private static int Bit(Sample sample, int feature) => sample.Present[feature] ? 1 : 0;

    private sealed class Sample(bool[] present)
    {
        public bool[] Present => present;

        public double Weight { get; set; }
    }
}
