namespace Vitrine.Insight;

/// <summary>
/// LIME for tables (Ribeiro, Singh, Guestrin 2016, "Why should I trust you?"): columns are cut at the quartiles of training data, neighbours of a row are drawn
/// from the columns' own distributions, and a linear model of which columns stay in the row's quarter is fitted to the answers. A column's value is what
/// staying in its quarter adds.
/// </summary>
public sealed class LimeTable : IAttribution
{
    private readonly Column[] _columns;
    private readonly int _samples;
    private readonly double _width;
    private readonly double _ridge;
    private readonly ulong _seed;

    /// <summary>Learns the columns.</summary>
    /// <param name="training">Rows [N, columns] of the kind that is to be explained.</param>
    /// <param name="samples">How many neighbours are drawn; the paper's package takes 5000.</param>
    /// <param name="kernelWidth">How fast a neighbour's weight falls with its distance; 0 for three quarters of the root of the number of columns, as the
    /// package has it.</param>
    /// <param name="ridge">How much large weights cost.</param>
    /// <param name="seed">Where the random numbers start.</param>
    /// <exception cref="ArgumentException">The training data are no table, or hold what is no number.</exception>
    public LimeTable(Tensor training, int samples = 5000, double kernelWidth = 0, double ridge = 1, ulong seed = 0)
    {
        if (training.Rank != 2 || training.Count == 0)
        {
            throw new ArgumentException($"A table is [rows, columns], with at least one of each; this has shape {training.Shape}.", nameof(training));
        }
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 2);
        ArgumentOutOfRangeException.ThrowIfNegative(kernelWidth);
        ArgumentOutOfRangeException.ThrowIfNegative(ridge);
        int rows = training.Shape[0], columns = training.Shape[1];
        float[] values = training.ToArray();
        _columns = new Column[columns];
        for (int c = 0; c < columns; c++)
        {
            float[] sorted = [.. Enumerable.Range(0, rows).Select(r => values[r * columns + c]).Order()];
            if (!sorted.All(float.IsFinite))
            {
                throw new ArgumentException($"Column {c} holds a value that is not finite; LIME needs its quartiles.", nameof(training));
            }
            _columns[c] = new Column(sorted);
        }
        _samples = samples;
        _width = kernelWidth > 0 ? kernelWidth : 0.75 * Math.Sqrt(columns);
        _ridge = ridge;
        _seed = seed;
    }

    /// <inheritdoc/>
    public string Name => "lime for tables";

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The input has not the training data's columns.</exception>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        Probes probes = Probes.On(model, input, target, wrt, progress, cancel);
        LocalModel[] fitted = Local(probes);
        return probes.Attribution(Name, [.. fitted.SelectMany(f => f.Weights.Select(w => (float)w))]) with { LocalFit = [.. fitted.Select(f => f.R2)] };
    }

    /// <summary>The local model of each row.</summary>
    /// <inheritdoc cref="IAttribution.Explain"/>
    public IReadOnlyList<LocalModel> Fit(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default) =>
        Local(Probes.On(model, input, target, wrt, progress, cancel));

    private LocalModel[] Local(Probes probes)
    {
        int columns = _columns.Length, examples = probes.Examples;
        if (probes.Of.Rank != 2 || probes.Size != columns)
        {
            throw new ArgumentException($"What is explained has shape {probes.Of.Shape}; the training data have {columns} columns.");
        }
        float[] scores = probes.Ask(_samples, (round, n, values) =>
        {
            if (round > 0) Neighbour(round).CopyTo(values); // round 0 is the row itself
        });
        var fitted = new LocalModel[examples];
        for (int n = 0; n < examples; n++)
        {
            float[] row = probes.Example(n).ToArray();
            double[][] same = new double[_samples][];
            double[] near = new double[_samples], answers = new double[_samples];
            for (int round = 0; round < _samples; round++)
            {
                float[] neighbour = round == 0 ? row : Neighbour(round);
                same[round] = [.. neighbour.Select((v, c) => _columns[c].Quarter(v) == _columns[c].Quarter(row[c]) ? 1.0 : 0)];
                double distance = same[round].Count(s => s == 0); // the squared Euclidean distance of the two patterns
                near[round] = Math.Sqrt(Math.Exp(-distance / (_width * _width)));
                answers[round] = scores[round * examples + n];
            }
            (double[] weights, double intercept, double r2) = Lime.Linear(same, answers, near, _ridge);
            fitted[n] = new LocalModel([.. Enumerable.Range(0, columns)], weights, intercept, r2);
        }
        return fitted;
    }

    private float[] Neighbour(int round)
    {
        var random = new RandomSource(new RandomSource(_seed).Derive((ulong)round));
        return [.. _columns.Select(c => c.Draw(random))];
    }

    /// <summary>A column: its values in order and the limits of their quarters.</summary>
    private sealed class Column(float[] sorted)
    {
        private readonly float[] _limits = [.. new[] { At(sorted, 0.25), At(sorted, 0.5), At(sorted, 0.75) }.Distinct()];

        /// <summary>A value belongs to the first quarter whose limit it does not exceed.</summary>
        public int Quarter(float value) => _limits.Count(limit => value > limit);

        /// <summary>A value of the training data: of a quarter as often as the quarter occurs, and as it is distributed there.</summary>
        public float Draw(RandomSource random) => sorted[random.NextInt(sorted.Length)];

        private static float At(float[] sorted, double share)
        {
            double place = share * (sorted.Length - 1);
            int low = (int)place;
            return low + 1 < sorted.Length ? (float)(sorted[low] + (place - low) * ((double)sorted[low + 1] - sorted[low])) : sorted[low];
        }
    }
}
