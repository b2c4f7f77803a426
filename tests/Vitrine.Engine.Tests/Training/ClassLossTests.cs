namespace Vitrine.Engine.Tests.Training;

/// <summary>Losses of classes and of label sequences against their definitions, written out.</summary>
public sealed class ClassLossTests
{
    public static TheoryData<bool, float, bool> Variants =>
        [.. from w in (bool[])[false, true] from s in (float[])[0, 0.2f] from i in (bool[])[false, true] select (w, s, i)];

    [Theory]
    [MemberData(nameof(Variants))]
    public void CrossEntropyWithWeightsSmoothingAndIgnoredTargets(bool weighted, float smoothing, bool ignoring)
    {
        const int n = 5, classes = 4;
        Tensor logits = new RandomSource(3).Normal([n, classes]);
        long[] target = [2, 0, ignoring ? -100 : 1, 3, 3];
        float[] weight = weighted ? [0.5f, 1, 2, 0.25f] : [1, 1, 1, 1];
        double[] each = new double[n];
        double weights = 0;
        for (int i = 0; i < n; i++)
        {
            if (target[i] < 0) continue;
            double log = Math.Log(Enumerable.Range(0, classes).Sum(c => Math.Exp(logits[i, c])));
            weights += weight[target[i]];
            each[i] = (1 - smoothing) * weight[target[i]] * (log - logits[i, (int)target[i]]);
            for (int c = 0; c < classes; c++) each[i] += smoothing / classes * weight[c] * (log - logits[i, c]);
        }
        Tensor? w = weighted ? Tensor.From(weight) : null;
        Tensor y = Tensor.From(target, [n]);
        float[] actual = Loss.CrossEntropy(logits, y, w, smoothing, reduction: LossReduction.None).ToArray();
        for (int i = 0; i < n; i++) Assert.Equal(each[i], actual[i], 1e-5);
        Assert.Equal(each.Sum(), Loss.CrossEntropy(logits, y, w, smoothing, reduction: LossReduction.Sum).Item(), 1e-4);
        Assert.Equal(each.Sum() / weights, Loss.CrossEntropy(logits, y, w, smoothing).Item(), 1e-5);
        if (smoothing == 0) Assert.Equal(each.Sum() / weights, Loss.Nll(logits.LogSoftmax(1), y, w).Item(), 1e-5);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1, 2)]
    [InlineData(1, 1)]
    [InlineData(2, 1, 2)]
    [InlineData(2, 2, 2)]
    [InlineData]
    public void CtcIsTheSumOverAllAlignments(params int[] labels)
    {
        const int steps = 5, classes = 3;
        Tensor logP = new RandomSource(8).Normal([steps, 1, classes]).LogSoftmax(-1);
        double probability = 0;
        for (int path = 0; path < Math.Pow(classes, steps); path++)
        {
            int[] alignment = [.. Enumerable.Range(0, steps).Select(t => path / (int)Math.Pow(classes, t) % classes)];
            // What an alignment says: repeats are one, blanks are none.
            int[] said = [.. alignment.Where((c, t) => c != 0 && (t == 0 || alignment[t - 1] != c))];
            if (said.SequenceEqual(labels)) probability += Math.Exp(alignment.Select((c, t) => (double)logP[t, 0, c]).Sum());
        }
        Tensor targets = Tensor.From([.. labels.Select(l => (long)l)], [1, labels.Length]);
        Tensor loss = Loss.Ctc(logP, targets, Tensor.From([(long)steps], [1]), Tensor.From([(long)labels.Length], [1]), reduction: LossReduction.Sum);
        Assert.Equal(-Math.Log(probability), loss.Item(), 1e-4);
    }
}
