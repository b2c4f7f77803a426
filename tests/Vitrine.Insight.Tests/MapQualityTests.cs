namespace Vitrine.Insight.Tests;

public sealed class MapQualityTests
{
    // scikit-learn 1.2.1, trustworthiness(points, map, n_neighbors=k) and with the two exchanged.
    [Theory]
    [InlineData(3, 0.5343434343434343, 0.617979797979798)]
    [InlineData(5, 0.5516666666666667, 0.572051282051282)]
    [InlineData(12, 0.5841700133868808, 0.5972556894243641)]
    public void TrustworthinessAndContinuityEqualScikitLearn(int k, double trustworthiness, double continuity)
    {
        (Tensor points, Tensor map) = ProjectionData.Formula();
        Assert.Equal(trustworthiness, MapQuality.Trustworthiness(points, map, k), 1e-9);
        Assert.Equal(continuity, MapQuality.Continuity(points, map, k), 1e-9);
    }

    [Fact]
    public void TrustworthinessEqualsTheDefinition()
    {
        (Tensor points, _) = ProjectionData.Blobs(70, 6, 3);
        Tensor map = points.Slice(1, 2, 4);
        const int k = 7, n = 70;
        double beyond = 0;
        for (int i = 0; i < n; i++)
        {
            int[] near = Ranked(points, i), inMap = Ranked(map, i);
            beyond += inMap.Take(k).Sum(j => Math.Max(0, Array.IndexOf(near, j) + 1 - k));
        }
        Assert.Equal(1 - 2.0 / (n * k * (2 * n - 3 * k - 1)) * beyond, MapQuality.Trustworthiness(points, map, k), 1e-12);
        Assert.Equal(1, MapQuality.Trustworthiness(points, points, k));

        static int[] Ranked(Tensor t, int i) =>
            [.. Enumerable.Range(0, n).Where(j => j != i).OrderBy(j => Enumerable.Range(0, t.Shape[1]).Sum(d => Math.Pow(t[i, d] - t[j, d], 2)))];
    }

    [Fact]
    public void HitCountsNeighboursOfTheSameLabel()
    {
        // On a line: 0 1 2 are of class 0, 3.1 4.3 of class 2; nobody is of class 1. With two neighbours each.
        Tensor line = Tensor.From([0, 1, 2, 3.1f, 4.3f], [5, 1]);
        NeighbourhoodHit hit = MapQuality.Hit(line, [0, 0, 0, 2, 2], 2);
        // 0: {1, 2}, 1: {0, 2}, 2: {1, 3.1}, 3.1: {2, 4.3}, 4.3: {3.1, 2}.
        Assert.Equal(2.5 / 3, hit.PerClass[0], 1e-12);
        Assert.True(double.IsNaN(hit.PerClass[1]));
        Assert.Equal(0.5, hit.PerClass[2], 1e-12);
        Assert.Equal(3.5 / 5, hit.Total, 1e-12);
    }

    [Fact]
    public void WrongLabelsAreSuspected()
    {
        (Tensor points, int[] labels) = ProjectionData.Blobs(200, 10, 4);
        int[] wrong = [3, 50, 101];
        foreach (int i in wrong) labels[i] = (labels[i] + 1) % 4;
        Tensor map = Pca.Fit(points, 3).Project(points);
        IReadOnlyList<VisualOutlier> found = VisualOutlier.SuspectedLabels(points, map, labels);
        Assert.Equal(wrong, found.Select(o => o.Index).Order());
        Assert.All(found, o => Assert.Equal((labels[o.Index] + 3) % 4, o.Surrounding));
        // A map that mixes everything up brings no suspicion upon the data.
        Assert.Empty(VisualOutlier.SuspectedLabels(points, new RandomSource(3).Normal([200, 2]), labels, share: 0.9));
    }

    [Fact]
    public void BadInputIsNamed()
    {
        (Tensor points, Tensor map) = ProjectionData.Formula();
        Assert.Throws<ArgumentException>(() => MapQuality.Trustworthiness(points, map, 30));
        Assert.Throws<ArgumentException>(() => MapQuality.Trustworthiness(points, map.Slice(0, 0, 59)));
        Assert.Throws<ArgumentException>(() => MapQuality.Hit(map, [1, 2]));
        Assert.Throws<ArgumentException>(() => MapQuality.Hit(map, [.. Enumerable.Repeat(-1, 60)]));
    }
}
