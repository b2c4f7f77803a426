namespace Vitrine.Insight.Tests;

/// <summary>Methods that look at a picture through masks.</summary>
public sealed class MaskTests
{
    private static Tensor White(int size) => Tensor.Ones([1, 1, size, size]);

    [Fact]
    public void RiseOfAConstantIsTheConstant()
    {
        var constant = new Function(x => x.Flatten().Slice(1, 0, 1) * 0 + 3);
        Assert.All(new Rise(200).Explain(constant, White(28), Target.Class(0)).Values.ToArray(), v => Assert.Equal(3, v, 1e-4f));
    }

    [Fact]
    public void RiseOfAPixelIsHighAtThePixelAndTheShareOfOpenCellsFarFromIt()
    {
        // Far from a pixel its mask is independent of the pixel's: the mean answer is the probability that the pixel is seen.
        var pixel = new Function(x => x.Flatten().Slice(1, 10 * 28 + 8, 10 * 28 + 9));
        float[] map = new Rise(4000, seen: 0.3).Explain(pixel, White(28), Target.Class(0)).Values.ToArray();
        int top = Array.IndexOf(map, map.Max());
        Assert.True(Math.Abs(top / 28 - 10) <= 1 && Math.Abs(top % 28 - 8) <= 1, $"The maximum is at ({top / 28}, {top % 28}).");
        Assert.InRange(map[10 * 28 + 8], 0.45f, 1);
        for (int i = 0; i < map.Length; i++)
        {
            if (Math.Abs(i / 28 - 10) > 10 || Math.Abs(i % 28 - 8) > 10) Assert.Equal(0.3f, map[i], 0.05f);
        }
    }

    [Fact]
    public void RiseSeesTheBaselineWhereMasksAreClosed()
    {
        var mean = new Function(x => x.Flatten().Mean([1], keepDims: true));
        Assert.All(new Rise(50, baseline: Baseline.Constant(1)).Explain(mean, White(14), Target.Class(0)).Values.ToArray(), v => Assert.Equal(1, v, 1e-5f));
    }

    [Fact]
    public void ExtremalMaskHasItsAreaAndLiesOnWhatMatters()
    {
        const double area = 0.15;
        // A net of bright points on black; only how bright those are in a tenth of the picture counts, and blur makes them less so.
        float[] picture = new float[32 * 32];
        for (int i = 0; i < picture.Length; i++) picture[i] = i / 32 % 4 == 1 && i % 32 % 4 == 1 ? 1 : 0;
        Tensor points = Tensor.From(picture, [1, 1, 32, 32]);
        var corner = new Function(x => (x * points).Slice(2, 16, 26).Slice(3, 4, 14).Flatten().Sum([1], keepDims: true));
        float[] mask = new ExtremalPerturbation([area], steps: 400).Explain(corner, points, Target.Class(0)).Values.ToArray();
        Assert.All(mask, m => Assert.InRange(m, 0, 1));
        Assert.Equal(area, mask.Average(), 0.05);
        double inside = Enumerable.Range(0, mask.Length).Where(i => i / 32 is >= 12 and < 30 && i % 32 < 18).Sum(i => mask[i]);
        Assert.True(inside > 0.9 * mask.Sum(), $"{inside / mask.Sum():P0} of the mask lies on what matters and the margin a smooth mask needs.");
    }

    [Fact]
    public void ExtremalMasksOfALayer()
    {
        Attribution found = new ExtremalPerturbation([0.2], steps: 5).Explain(LeNetGoldenTests.Net(), LeNetGoldenTests.Input, Target.Top, "pool1");
        Assert.Equal(found.Of.Shape, found.Values.Shape);
    }

    [Fact]
    public void CancelledAscentStops()
    {
        using var source = new CancellationTokenSource();
        var seen = new ProbeTests.Seen(source.Cancel);
        Assert.Throws<OperationCanceledException>(() => new ExtremalPerturbation().Explain(LeNetGoldenTests.Net(), LeNetGoldenTests.Input, Target.Top, null,
            seen, source.Token));
        Assert.Single(seen.Values);
    }

    [Fact]
    public void TableModelFindsTheColumnThatDecides()
    {
        // The answer is 1 where column 1 is above its median, whatever the others hold.
        Tensor training = new RandomSource(2).Normal([400, 4]);
        float[] sorted = [.. Enumerable.Range(0, 400).Select(r => training[r, 1]).Order()];
        float median = (sorted[199] + sorted[200]) / 2;
        var step = new Function(x => x.Slice(1, 1, 2).Greater(Tensor.Scalar(median)).Cast(DType.Float32));
        Tensor rows = Tensor.From([0, 5, 0, 0, 0, -5, 0, 0f], [2, 4]);
        IReadOnlyList<LocalModel> found = new LimeTable(training, ridge: 0).Fit(step, rows, Target.Class(0));
        // In the top quarter the answer is 1; in the others together it is 1 in one of three.
        Assert.Equal(2 / 3.0, found[0].Weights[1], 0.05);
        Assert.Equal(-2 / 3.0, found[1].Weights[1], 0.05);
        foreach (int other in (int[])[0, 2, 3]) Assert.Equal(0, found[0].Weights[other], 0.05);
        Assert.InRange(found[0].R2, 0.2, 0.6);
        Assert.Throws<ArgumentException>(() => new LimeTable(training).Explain(new Function(x => x), Tensor.Ones([1, 3]), Target.Class(0)));
    }
}
