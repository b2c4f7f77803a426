namespace Vitrine.Insight.Tests;

public sealed class UmapTests
{
    // scipy.optimize.curve_fit, as umap-learn uses it; its authors quote the first.
    [Theory]
    [InlineData(0.1, 1.0, 1.5769, 0.8951)]
    [InlineData(0.0, 1.0, 1.9328, 0.7905)]
    [InlineData(0.5, 1.0, 0.5830, 1.3342)]
    [InlineData(0.3, 2.0, 0.3795, 0.9488)]
    public void CurveIsTheNearestToTheWantedOne(double minDist, double spread, double a, double b)
    {
        (double foundA, double foundB) = Umap.Curve(minDist, spread);
        Assert.Equal(a, foundA, 2e-4);
        Assert.Equal(b, foundB, 2e-4);
    }

    [Fact]
    public void MembershipsSumToTheLogarithmOfTheirNumber()
    {
        (Tensor points, _) = ProjectionData.Blobs(120, 6, 3);
        Rows rows = Rows.Of(points, "points");
        foreach (int k in new[] { 3, 5, 15 })
        {
            float[] member = FuzzyNeighbours.Directed(NeighbourGraph.Exact(rows, rows, k));
            for (int i = 0; i < 120; i++)
            {
                Assert.Equal(1f, member[i * k]); // the nearest
                Assert.Equal(Math.Log2(k), member.Skip(i * k).Take(k).Sum(), 1e-4);
            }
        }
    }

    [Fact]
    public void TiesAreTheFuzzyUnionOfBothDirections()
    {
        (Tensor points, _) = ProjectionData.Blobs(50, 4, 2);
        Rows rows = Rows.Of(points, "points");
        NeighbourGraph graph = NeighbourGraph.Exact(rows, rows, 6);
        float[] member = FuzzyNeighbours.Directed(graph);
        double[,] directed = new double[50, 50];
        for (int i = 0; i < 50; i++)
        {
            for (int c = 0; c < 6; c++) directed[i, graph[i][c]] = member[i * 6 + c];
        }
        FuzzyNeighbours ties = FuzzyNeighbours.Of(graph);
        double[,] joined = new double[50, 50];
        for (int i = 0; i < 50; i++)
        {
            for (int at = ties.Start[i]; at < ties.Start[i + 1]; at++) joined[i, ties.Column[at]] = ties.Value[at];
        }
        for (int i = 0; i < 50; i++)
        {
            for (int j = 0; j < 50; j++) Assert.Equal(directed[i, j] + directed[j, i] - directed[i, j] * directed[j, i], joined[i, j], 1e-6);
        }
    }

    [Fact]
    public void ClustersStayApart()
    {
        (Tensor points, int[] labels) = ProjectionData.Blobs(600, 20, 5);
        var umap = new Umap(points, new UmapSettings { Epochs = 200 });
        var told = new List<int>();
        Tensor map = umap.Run(new Told(p => told.Add(p.Epoch)), TestContext.Current.CancellationToken);
        Assert.Equal([600, 2], map.Shape);
        Assert.All(map.ToArray(), v => Assert.True(float.IsFinite(v)));
        Assert.True(MapQuality.Hit(map, labels).Total > 0.99);
        // Within a cluster of noise in 20 dimensions there is little to preserve; who is in which cluster decides.
        Assert.True(MapQuality.Trustworthiness(points, map) > 0.85);
        Assert.Equal([25, 50, 75, 100, 125, 150, 175, 200], told);
        (Tensor again, int[] others) = ProjectionData.Blobs(600, 20, 5);
        Tensor embedded = umap.Embed(again.Slice(0, 0, 50));
        Assert.Equal(1.0, MapQuality.Hit(TensorOps.Concat(0, map, embedded), [.. labels, .. others.Take(50)]).Total, 0.01);
        Assert.Equal(embedded.Slice(0, 7, 8).ToArray(), umap.Embed(again.Slice(0, 7, 8)).ToArray());
    }

    [Fact]
    public void ALineStaysALine()
    {
        // A curve in ten dimensions: the order along it must survive.
        float[] all = new float[300 * 10];
        for (int i = 0; i < 300; i++)
        {
            for (int d = 0; d < 10; d++) all[i * 10 + d] = MathF.Sin(i / 300f * (1 + d) + d);
        }
        Tensor points = Tensor.From(all, [300, 10]), map = new Umap(points, new UmapSettings { Epochs = 300 }).Run(null, TestContext.Current.CancellationToken);
        Assert.True(MapQuality.Trustworthiness(points, map) > 0.99);
        Assert.True(MapQuality.Continuity(points, map) > 0.98);
    }

    [Fact]
    public void CopiesOfPointsAreNoTrouble()
    {
        Tensor points = Tensor.From([.. Enumerable.Range(0, 80).Select(i => (float)(i / 8))], [40, 2]);
        Tensor map = new Umap(points, new UmapSettings { Neighbours = 5, Epochs = 50 }).Run(null, TestContext.Current.CancellationToken);
        Assert.All(map.ToArray(), v => Assert.True(float.IsFinite(v)));
        map = new Umap(Tensor.Ones([12, 3]), new UmapSettings { Neighbours = 4, Epochs = 10 }).Run(null, TestContext.Current.CancellationToken);
        Assert.All(map.ToArray(), v => Assert.True(float.IsFinite(v)));
    }

    [Fact]
    public void ItStopsBetweenEpochsAndGoesOn()
    {
        (Tensor points, _) = ProjectionData.Blobs(100, 5, 2);
        var settings = new UmapSettings { Epochs = 60 };
        Tensor whole = new Umap(points, settings).Run(null, TestContext.Current.CancellationToken);
        using var cancel = new CancellationTokenSource();
        var umap = new Umap(points, settings);
        Assert.Throws<OperationCanceledException>(() => umap.Run(new Told(_ => cancel.Cancel()), cancel.Token));
        Assert.Equal(25, umap.Epoch);
        Assert.Equal(whole.ToArray(), umap.Run(null, TestContext.Current.CancellationToken).ToArray());
    }

    [Fact]
    public void WhatMakesNoSenseIsRefused()
    {
        (Tensor points, _) = ProjectionData.Blobs(30, 3, 2);
        Assert.Throws<ArgumentException>(() => new Umap(points, new UmapSettings { Neighbours = 30 }));
        Assert.Throws<ArgumentException>(() => new Umap(points, new UmapSettings { MinDist = 2 }));
        Assert.Throws<ArgumentException>(() => new Umap(points, new UmapSettings { LearningRate = double.NaN }));
        Assert.Throws<ArgumentException>(() => new Umap(points, start: Tensor.Zeros([29, 2])));
        Assert.Throws<ArgumentException>(() => new Umap(points).Embed(Tensor.Zeros([2, 4])));
    }

    private sealed class Told(Action<UmapProgress> tell) : IProgress<UmapProgress>
    {
        public void Report(UmapProgress value) => tell(value);
    }
}
