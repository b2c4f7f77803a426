using System.Numerics.Tensors;

namespace Vitrine.Insight;

/// <summary>How well a unit's value goes with a hypothesis.</summary>
/// <param name="Unit">The number of the unit.</param>
/// <param name="Sign">1 when the unit is high where the hypothesis is, -1 when it is low there.</param>
/// <param name="Auc">
/// The area under the curve: the probability that of two characters, one where the hypothesis holds and one where it does not, the first has the higher value
/// times <paramref name="Sign"/>. 0.5 is chance. A graded hypothesis counts as holding where it is above its median.
/// </param>
/// <param name="Spearman">The rank correlation of value and hypothesis, times <paramref name="Sign"/>, in [-1, 1].</param>
/// <param name="Information">Bits that the value, in <see cref="CellSearch.Bins"/> bins of equally many characters, tells of the hypothesis.</param>
public sealed record UnitScore(int Unit, int Sign, double Auc, double Spearman, double Information);

/// <summary>What a search for a hypothesis among all units found.</summary>
/// <param name="Share">The part of characters where the hypothesis holds (a graded one: is above its median).</param>
/// <param name="Entropy">Bits there are to be told of the hypothesis.</param>
/// <param name="Best">The units that go with it best, by area under the curve, the best first.</param>
/// <param name="NullMedian">The median, over shifted hypotheses, of what the best unit of all reaches.</param>
/// <param name="NullHigh">The 95th percentile of the same.</param>
/// <param name="P">
/// The part of shifted hypotheses, the true one counted among them, for which some unit does as well as the best one does for the true hypothesis. As it
/// compares bests with bests, it already allows for the number of units that were tried.
/// </param>
public sealed record SearchResult(double Share, double Entropy, IReadOnlyList<UnitScore> Best, double NullMedian, double NullHigh, double P);

/// <summary>
/// Searches the units of a recurrent network for hypotheses: every unit is scored against every hypothesis by its area under the curve, and the best are kept.
/// </summary>
/// <remarks>
/// <para>A search over hundreds of units finds something in noise. It is therefore repeated on hypotheses that are shifted along the text, the end joined to
/// the beginning: these have the runs and frequencies of the true one, but nothing to do with what the network read. What the best unit reaches there is what
/// a best unit reaches by chance (a permutation test of the maximum: Westfall and Young 1993, "Resampling-based multiple testing").</para>
/// <para>Report scores from other text than was searched: <see cref="Score"/>.</para>
/// </remarks>
public static class CellSearch
{
    /// <summary>The bins of a unit's values for <see cref="UnitScore.Information"/>.</summary>
    public const int Bins = 16;

    private const int LabelClasses = 8; // of graded hypotheses, for the information

    /// <summary>Searches.</summary>
    /// <param name="values">[units, characters]: the value of every unit after every character.</param>
    /// <param name="labels">For each hypothesis a number for every character.</param>
    /// <param name="keep">How many units to keep for each hypothesis.</param>
    /// <param name="shifts">How often the search is repeated on shifted hypotheses.</param>
    /// <param name="seed">Where the shifts start.</param>
    /// <param name="cancel">Ends the search.</param>
    /// <returns>A result for each hypothesis; null for one that is the same everywhere, of which nothing can be told.</returns>
    /// <exception cref="ArgumentException">The numbers of characters differ.</exception>
    public static IReadOnlyList<SearchResult?> Run(
        Tensor values, IReadOnlyList<float[]> labels, int keep = 5, int shifts = 99, ulong seed = 0, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(labels);
        Check(values, labels);
        int units = values.Shape[0], count = values.Shape[1];
        Prepared?[] prepared = [.. labels.Select(Prepared.Of)];
        // The shifts stay away from the true place, where the runs of a hypothesis still overlap with themselves.
        var random = new RandomSource(seed);
        int[] offsets = [.. Enumerable.Range(0, shifts).Select(_ => count / 10 + random.NextInt(Math.Max(1, count - 2 * (count / 10))))];
        var scores = new UnitScore?[labels.Count, units];
        double[,,] chance = new double[labels.Count, shifts, units];
        Work.Split(units, 4, (from, to) =>
        {
            for (int unit = from; unit < to; unit++)
            {
                cancel.ThrowIfCancellationRequested();
                var ranks = Ranks.Of(values.Floats.Slice(unit * count, count));
                for (int k = 0; k < prepared.Length; k++)
                {
                    if (prepared[k] is not { } hypothesis) continue;
                    scores[k, unit] = hypothesis.Score(unit, ranks, sign: 0);
                    for (int s = 0; s < shifts; s++) chance[k, s, unit] = Math.Abs(hypothesis.Auc(ranks, offsets[s]) - 0.5);
                }
            }
        });
        return [.. prepared.Select((hypothesis, k) => hypothesis is null ? null : Result(hypothesis, k))];

        SearchResult Result(Prepared hypothesis, int k)
        {
            UnitScore[] best = [.. Enumerable.Range(0, units).Select(u => scores[k, u]!).OrderByDescending(s => s.Auc).ThenBy(s => s.Unit).Take(keep)];
            double[] bests = [.. Enumerable.Range(0, shifts).Select(s => 0.5 + Enumerable.Range(0, units).Max(u => chance[k, s, u])).Order()];
            int asGood = bests.Count(b => b >= best[0].Auc);
            return new SearchResult(hypothesis.Share, hypothesis.Entropy, best, Quantile(bests, 0.5), Quantile(bests, 0.95), (1.0 + asGood) / (1 + shifts));
        }
    }

    /// <summary>Scores one unit on text that it was not chosen by.</summary>
    /// <param name="unit">The number of the unit, for the result.</param>
    /// <param name="sign">1 or -1, as the search found; 0 chooses the better one.</param>
    /// <param name="values">The unit's value after every character.</param>
    /// <param name="labels">The hypothesis there.</param>
    /// <returns>The score; null where the hypothesis is the same everywhere.</returns>
    /// <exception cref="ArgumentException">The numbers of characters differ.</exception>
    public static UnitScore? Score(int unit, int sign, ReadOnlySpan<float> values, float[] labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        if (values.Length != labels.Length) throw new ArgumentException($"{values.Length} values do not belong to {labels.Length} labels.");
        return Prepared.Of(labels)?.Score(unit, Ranks.Of(values), sign);
    }

    private static void Check(Tensor values, IReadOnlyList<float[]> labels)
    {
        if (values.Rank != 2 || values.Count == 0) throw new ArgumentException($"Values are [units, characters], not {values.Shape}.", nameof(values));
        foreach (float[] label in labels)
        {
            if (label.Length != values.Shape[1])
                throw new ArgumentException($"{label.Length} labels do not belong to {values.Shape[1]} characters.", nameof(labels));
        }
    }

    private static double Quantile(double[] sorted, double part) => sorted.Length == 0 ? double.NaN : sorted[(int)Math.Ceiling(part * sorted.Length) - 1];

    /// <summary>Numbers in the order of their size, ties in the middle of the places they share, centred: (rank - (n + 1) / 2) / n, in (-1/2, 1/2).</summary>
    private sealed class Ranks
    {
        public required float[] Centred { get; init; }

        public required byte[] Bin { get; init; }

        public required double Variance { get; init; }

        public static Ranks Of(ReadOnlySpan<float> values)
        {
            int n = values.Length;
            float[] keys = values.ToArray(), centred = new float[n];
            int[] order = new int[n];
            for (int i = 0; i < n; i++) order[i] = i;
            Array.Sort(keys, order);
            byte[] bin = new byte[n];
            double squares = 0;
            for (int i = 0; i < n;)
            {
                int end = i + 1;
                while (end < n && keys[end].Equals(keys[i])) end++;
                double middle = ((i + end - 1) / 2.0 - (n - 1) / 2.0) / n; // place i + 1 to end, from 1
                byte part = (byte)Math.Min(Bins - 1, (int)((i + end - 1) / 2.0 * Bins / n));
                for (int j = i; j < end; j++) (centred[order[j]], bin[order[j]]) = ((float)middle, part);
                squares += middle * middle * (end - i);
                i = end;
            }
            return new Ranks { Centred = centred, Bin = bin, Variance = squares };
        }
    }

    /// <summary>A hypothesis made ready: where it holds, and its own ranks.</summary>
    private sealed class Prepared
    {
        private readonly float[] _holds;
        private readonly Ranks _ranks;
        private readonly int[] _classes;
        private readonly double _positives, _negatives;
        private readonly int _classCount;

        private Prepared(float[] holds, double positives, float[] labels)
        {
            _holds = holds;
            (_positives, _negatives) = (positives, holds.Length - positives);
            _ranks = Ranks.Of(labels);
            // The classes of a graded hypothesis: as many characters in each as equal labels allow.
            float[] middles = [.. _ranks.Centred.Select(r => MathF.Floor((r + 0.5f) * LabelClasses))];
            float[] distinct = [.. middles.Distinct().Order()];
            _classes = [.. middles.Select(m => Array.BinarySearch(distinct, m))];
            _classCount = distinct.Length;
            double[] counts = new double[_classCount];
            foreach (int c in _classes) counts[c]++;
            Entropy = counts.Sum(c => c == 0 ? 0 : -c / holds.Length * Math.Log2(c / holds.Length));
        }

        public double Share => _positives / _holds.Length;

        public double Entropy { get; }

        public static Prepared? Of(float[] labels)
        {
            float[] sorted = [.. labels.Order()];
            if (sorted.Length == 0 || sorted[0].Equals(sorted[^1])) return null;
            // Above the median; where the median is already the highest value, above the values below it. Labels of 0 and 1 are told apart either way.
            float median = sorted[(sorted.Length - 1) / 2];
            if (median.Equals(sorted[^1])) median = sorted.Last(v => v < sorted[^1]);
            if (sorted.All(v => v is 0 or 1)) median = 0;
            float[] holds = [.. labels.Select(v => v > median ? 1f : 0f)];
            return new Prepared(holds, holds.Sum(h => (double)h), labels);
        }

        public double Auc(Ranks ranks, int offset)
        {
            // The sum of the ranks where the hypothesis holds is all it takes (Mann and Whitney 1947); what stands before the offset is joined to the end.
            int n = _holds.Length;
            double sum = Dot(ranks.Centred.AsSpan(0, n - offset), _holds.AsSpan(offset)) + Dot(ranks.Centred.AsSpan(n - offset), _holds.AsSpan(0, offset));
            return 0.5 + sum * n / (_positives * _negatives);
        }

        public UnitScore Score(int unit, Ranks ranks, int sign)
        {
            double auc = Auc(ranks, 0);
            if (sign == 0) sign = auc < 0.5 ? -1 : 1;
            double spread = Math.Sqrt(ranks.Variance * _ranks.Variance);
            double spearman = spread == 0 ? 0 : Dot(ranks.Centred, _ranks.Centred) / spread;
            return new UnitScore(unit, sign, sign < 0 ? 1 - auc : auc, sign * spearman, Information(ranks));
        }

        private double Information(Ranks ranks)
        {
            double[,] joint = new double[Bins, _classCount];
            for (int i = 0; i < _classes.Length; i++) joint[ranks.Bin[i], _classes[i]]++;
            double n = _classes.Length, bits = 0;
            double[] rows = new double[Bins], columns = new double[_classCount];
            for (int b = 0; b < Bins; b++)
                for (int c = 0; c < _classCount; c++) (rows[b], columns[c]) = (rows[b] + joint[b, c], columns[c] + joint[b, c]);
            for (int b = 0; b < Bins; b++)
                for (int c = 0; c < _classCount; c++)
                    if (joint[b, c] > 0) bits += joint[b, c] / n * Math.Log2(joint[b, c] * n / (rows[b] * columns[c]));
            return bits;
        }

        // Single precision inside a chunk, double between chunks, as sums over a hundred thousand characters need it.
        private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
        {
            const int chunk = 4096;
            double sum = 0;
            for (int i = 0; i < a.Length; i += chunk)
            {
                int length = Math.Min(chunk, a.Length - i);
                sum += TensorPrimitives.Dot(a.Slice(i, length), b.Slice(i, length));
            }
            return sum;
        }
    }
}
