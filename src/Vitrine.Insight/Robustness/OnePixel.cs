namespace Vitrine.Insight;

/// <summary>
/// The one-pixel attack (Su, Vargas, Sakurai 2019, "One pixel attack for fooling deep neural networks"): differential evolution over the place and the colour
/// of one pixel, or of a few. Asks the network for answers alone.
/// </summary>
public sealed class OnePixel : IAttack
{
    private const int MostRows = 128;
    private const int MostElements = 1 << 20;

    private readonly int _pixels;
    private readonly int _population;
    private readonly int _generations;
    private readonly double _factor;
    private readonly ValidRange _range;
    private readonly ulong _seed;

    /// <summary>Chooses the effort; what is left out is the paper's.</summary>
    /// <param name="pixels">How many pixels may change.</param>
    /// <param name="population">How many candidates a generation has.</param>
    /// <param name="generations">At most so many generations after the first; an attack that has succeeded ends at once.</param>
    /// <param name="factor">The weight of the difference that makes a new candidate (F).</param>
    /// <param name="targeted">Whether the labels are classes to be reached, not true ones to be left.</param>
    /// <param name="range">The values an element may take, finite; null for 0 to 1.</param>
    /// <param name="seed">Where random numbers start, the same for every example.</param>
    public OnePixel(
        int pixels = 1, int population = 400, int generations = 100, double factor = 0.5, bool targeted = false, ValidRange? range = null, ulong seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pixels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(population, 4);
        ArgumentOutOfRangeException.ThrowIfNegative(generations);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(factor);
        _range = (range ?? ValidRange.Unit).Finite(Name);
        (_pixels, _population, _generations, _factor, _seed) = (pixels, population, generations, factor, seed);
        Targeted = targeted;
    }

    /// <inheritdoc/>
    public string Name => "one pixel";

    /// <inheritdoc/>
    public bool Targeted { get; }

    /// <summary>The changed input: for each example the best candidate, whether it succeeded or not.</summary>
    /// <inheritdoc cref="IAttack.Perturb"/>
    public Tensor Perturb(Module model, Tensor input, IReadOnlyList<int> labels, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        AttackBatch.Check(input, labels);
        if (input.Rank != 4)
            throw new ArgumentException($"An input of shape {input.Shape} has no pixels; it should be [N, channels, height, width].", nameof(input));
        int n = input.Shape[0], size = input.Count / n;
        float[] changed = input.ToArray();
        Shape one = input.Shape.With(0, 1);
        float[] low = _range.Low.Expand(one).ToArray(), high = _range.High.Expand(one).ToArray();
        for (int i = 0; i < n; i++)
        {
            var picture = new Picture(changed.AsSpan(i * size, size).ToArray(), one, low, high);
            double[] best = Evolve(model, picture, labels[i], share => progress?.Report((i + share) / n), cancel);
            picture.Paint(best, changed.AsSpan(i * size, size));
        }
        return Tensor.From(changed, input.Shape);
    }

    private double[] Evolve(Module model, Picture picture, int label, Action<double> progress, CancellationToken cancel)
    {
        var random = new RandomSource(_seed);
        double[][] parents = [.. Enumerable.Range(0, _population).Select(_ => picture.Random(random, _pixels))];
        double[] fitness = Ask(parents);
        for (int generation = 0; generation < _generations && fitness.Max() <= 0; generation++)
        {
            double[][] children = [.. Enumerable.Range(0, _population).Select(_ => Child())];
            double[] grown = Ask(children);
            for (int i = 0; i < _population; i++)
            {
                if (grown[i] >= fitness[i]) (parents[i], fitness[i]) = (children[i], grown[i]);
            }
            progress((generation + 1.0) / _generations);
        }
        return parents[Array.IndexOf(fitness, fitness.Max())];

        // One candidate and the weighted difference of two others; there is no crossover.
        double[] Child()
        {
            int a = random.NextInt(_population), b, c;
            do b = random.NextInt(_population); while (b == a);
            do c = random.NextInt(_population); while (c == a || c == b);
            return [.. parents[a].Select((value, k) => value + _factor * (parents[b][k] - parents[c][k]))];
        }

        // How far the other classes are above the label, or the label above them: above zero is success, and more is better.
        double[] Ask(double[][] candidates)
        {
            double[] above = new double[candidates.Length];
            int together = Math.Clamp(MostElements / picture.Size, 1, MostRows);
            for (int start = 0; start < candidates.Length; start += together)
            {
                cancel.ThrowIfCancellationRequested();
                using var scope = MemoryScope.Open();
                int rows = Math.Min(together, candidates.Length - start);
                float[] values = new float[rows * picture.Size];
                for (int i = 0; i < rows; i++)
                {
                    picture.Values.CopyTo(values.AsSpan(i * picture.Size));
                    picture.Paint(candidates[start + i], values.AsSpan(i * picture.Size, picture.Size));
                }
                int[] labels = [.. Enumerable.Repeat(label, rows)];
                Tensor logits = AttackBatch.Rows(model.Call(new Run(), Tensor.From(values, picture.Shape.With(0, rows))), labels);
                Tensor margin = AttackBatch.Above(logits, labels, strongest: true);
                for (int i = 0; i < rows; i++) above[start + i] = Targeted ? -margin.Floats[i] : margin.Floats[i];
            }
            return above;
        }
    }

    /// <summary>An example and how candidates are painted on it: for each pixel row, column, and a value a channel.</summary>
    private sealed class Picture(float[] values, Shape shape, float[] low, float[] high)
    {
        private readonly int _channels = shape[1], _height = shape[2], _width = shape[3];

        public float[] Values => values;

        public Shape Shape => shape;

        public int Size => values.Length;

        // Places are uniform; values normal around the middle of the range with half of it as deviation, as in the paper (mean 128, deviation 127 of 255).
        public double[] Random(RandomSource random, int pixels)
        {
            double[] candidate = new double[pixels * (2 + _channels)];
            for (int k = 0; k < candidate.Length; k += 2 + _channels)
            {
                candidate[k] = random.NextFloat() * _height;
                candidate[k + 1] = random.NextFloat() * _width;
                int at = Place(candidate, k);
                for (int c = 0; c < _channels; c++)
                {
                    int p = c * _height * _width + at;
                    candidate[k + 2 + c] = (low[p] + high[p]) / 2 + (high[p] - low[p]) / 2 * random.NextNormal();
                }
            }
            return candidate;
        }

        public void Paint(double[] candidate, Span<float> picture)
        {
            for (int k = 0; k < candidate.Length; k += 2 + _channels)
            {
                int at = Place(candidate, k);
                for (int c = 0; c < _channels; c++)
                {
                    int p = c * _height * _width + at;
                    picture[p] = Math.Clamp((float)candidate[k + 2 + c], low[p], high[p]);
                }
            }
        }

        private int Place(double[] candidate, int k) =>
            Math.Clamp((int)Math.Floor(candidate[k]), 0, _height - 1) * _width + Math.Clamp((int)Math.Floor(candidate[k + 1]), 0, _width - 1);
    }
}
