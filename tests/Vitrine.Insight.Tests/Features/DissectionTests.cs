namespace Vitrine.Insight.Tests;

public sealed class DissectionTests
{
    // Pictures whose channels are the units: what a unit marks is in the test's hand.
    private static readonly Function Identity = new(x => x);

    [Fact]
    public void AUnitThatIsTheConceptAgreesFully()
    {
        const int n = 6, side = 8;
        var random = new RandomSource(4);
        float[] pictures = new float[n * 3 * side * side];
        long[] concepts = new long[n * side * side];
        Array.Fill(concepts, -1);
        for (int i = 0; i < n; i++)
        {
            int kind = i % 2;
            for (int y = 2; y < 4; y++)
            {
                for (int x = i; x < i + 2; x++)
                {
                    concepts[(i * side + y) * side + x] = kind;
                    pictures[((i * 3 + kind) * side + y) * side + x] = 1 + random.NextFloat(); // unit 0 marks concept 0, unit 1 concept 1
                }
            }
            for (int p = 0; p < side * side; p++) pictures[(i * 3 + 2) * side * side + p] = random.NextFloat(); // unit 2 marks nothing in particular
        }
        double share = 12.0 / (n * side * side); // as many places as each concept has
        DissectedLayer found = Assert.Single(Dissection.Of(Identity, Tensor.From(pictures, [n, 3, side, side]), Tensor.From(concepts, [n, side, side]), 2,
            [""], share, batchSize: 4));
        Assert.Equal([1, 0], found.Agreement[0]);
        Assert.Equal([0, 1], found.Agreement[1]);
        Assert.True(found.Agreement[2].Max() < 0.3);
        Assert.Equal(1, found.Best(1));
        Assert.Equal([0, 1], found.Detectors(0.3));
    }

    [Fact]
    public void EqualsTheFormulaWithSortedActivations()
    {
        const int n = 7, units = 3, low = 4, side = 8;
        var random = new RandomSource(9);
        Tensor pictures = random.Normal([n, units, side, side]);
        Tensor concepts = Tensor.From([.. Enumerable.Range(0, n * side * side).Select(_ => (long)random.NextInt(4) - 1)], [n, side, side]);
        var pooled = new Function(x => x.AvgPool2d(PoolGeometry.Square(2)));
        const double share = 0.1;
        DissectedLayer found = Dissection.Of(pooled, pictures, concepts, 3, [""], share, batchSize: 3)[0];
        Tensor maps = pooled.Predict(pictures), enlarged = maps.Interpolate([side, side], Interpolation.Linear);
        for (int u = 0; u < units; u++)
        {
            float[] all = [.. Enumerable.Range(0, n).SelectMany(i => maps.Floats.Slice((i * units + u) * low * low, low * low).ToArray()).OrderDescending()];
            float threshold = all[(int)(share * all.Length)];
            Assert.Equal(threshold, found.Thresholds[u]);
            for (int c = 0; c < 3; c++)
            {
                int both = 0, either = 0;
                for (int i = 0; i < n * side * side; i++)
                {
                    (int example, int place) = Math.DivRem(i, side * side);
                    bool active = enlarged.Floats[(example * units + u) * side * side + place] > threshold, there = concepts.Longs[i] == c;
                    both += active && there ? 1 : 0;
                    either += active || there ? 1 : 0;
                }
                Assert.Equal((double)both / either, found.Agreement[u][c], 1e-12);
            }
        }
    }

    [Fact]
    public void ConceptsMayOverlapAndChanceIsAgreementWithThoseOfOtherPictures()
    {
        const int n = 5, side = 6, area = side * side;
        var random = new RandomSource(3);
        Tensor pictures = random.Normal([n, 2, side, side]);
        bool[] marks = [.. Enumerable.Range(0, n * 3 * area).Select(_ => random.NextInt(3) == 0)];
        DissectedLayer found = Dissection.Of(Identity, n, (start, count) => pictures.Slice(0, start, start + count),
            i => Tensor.From(marks[(i * 3 * area)..((i + 1) * 3 * area)], [3, side, side]), [""], 0.2, batchSize: 2, seed: 8)[0];
        // Of all ways to give every picture the concepts of another, each used once, one explains every number of chance.
        int[][] exchanges = [.. Permutations([.. Enumerable.Range(0, n)]).Where(p => p.Select((to, from) => to != from).All(other => other))];
        Assert.Contains(exchanges, p => Enumerable.Range(0, 2).All(u => Enumerable.Range(0, 3).All(c => Math.Abs(Iou(u, c, p) - found.Chance[u][c]) < 1e-12)));
        for (int u = 0; u < 2; u++)
        {
            for (int c = 0; c < 3; c++) Assert.Equal(Iou(u, c, [.. Enumerable.Range(0, n)]), found.Agreement[u][c], 1e-12);
        }
        Assert.Equal(Enumerable.Range(0, 2).Where(u => found.Chance[u].Max() > 0.1), found.DetectorsByChance(0.1));

        double Iou(int unit, int concept, int[] of)
        {
            int both = 0, active = 0, marked = 0;
            for (int i = 0; i < n; i++)
            {
                for (int p = 0; p < area; p++)
                {
                    bool on = pictures.Floats[(i * 2 + unit) * area + p] > found.Thresholds[unit], there = marks[(of[i] * 3 + concept) * area + p];
                    active += on ? 1 : 0;
                    marked += there ? 1 : 0;
                    both += on && there ? 1 : 0;
                }
            }
            return (double)both / (active + marked - both);
        }

        static IEnumerable<int[]> Permutations(int[] of) => of.Length == 0 ? [[]]
            : of.SelectMany((first, i) => Permutations([.. of[..i], .. of[(i + 1)..]]).Select(rest => (int[])[first, .. rest]));
    }

    [Fact]
    public void WhatHasNoPlacesIsRefused()
    {
        Tensor pictures = Tensor.Ones([2, 1, 4, 4]), concepts = Tensor.From(new long[32], [2, 4, 4]);
        Assert.Throws<ArgumentException>(() => Dissection.Of(new Function(x => x.Flatten()), pictures, concepts, 1, [""]));
        Assert.Throws<ArgumentException>(() => Dissection.Of(Identity, pictures, concepts, 0, [""]));
        Assert.Throws<ArgumentException>(() => Dissection.Of(Identity, pictures, concepts.Reshape(2, 16), 1, [""]));
        Assert.Contains("two or more", Assert.Throws<ArgumentException>(() =>
            Dissection.Of(Identity, pictures.Slice(0, 0, 1), Tensor.From(new long[16], [1, 4, 4]), 1, [""])).Message, StringComparison.Ordinal);
    }
}
