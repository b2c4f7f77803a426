namespace Vitrine.Insight.Tests;

/// <summary>What a map takes, measured when no other test allocates.</summary>
[Collection(Alone.Name)]
public sealed class TsneMemoryTests
{
    /// <summary>The estimate is no less than what is held after a step.</summary>
    [Theory]
    [InlineData(TsneMethod.Exact, 600)]
    [InlineData(TsneMethod.BarnesHut, 3000)]
    public void MemoryIsEstimated(TsneMethod method, int n)
    {
        (Tensor points, _) = ProjectionData.Blobs(n, 30, 5);
        var settings = new TsneSettings { Method = method };
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var tsne = new Tsne(points, settings);
        tsne.Step();
        long held = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(tsne);
        Assert.InRange(held, 1, Tsne.EstimateBytes(n, 30, settings));
    }
}
