namespace Vitrine.Insight.Tests;

public sealed class LimeTests
{
    [Fact]
    public void LinearFunctionIsItsOwnLocalModel()
    {
        // What an element adds to the answer of a linear function is its weight times its distance from the baseline, wherever one looks.
        var linear = new Function(v => v.Slice(1, 0, 1) * 2 + v.Slice(1, 1, 2) * -3 + v.Slice(1, 2, 3) * 0 + 5);
        Tensor x = Tensor.From([1f, 2, 3, 4, -1, 0], [2, 3]);
        IReadOnlyList<LocalModel> found = new Lime(Features.Each, Baseline.Constant(1), ridge: 0).Fit(linear, x, Target.Class(0));
        for (int n = 0; n < 2; n++)
        {
            Assert.Equal(2 * (x[n, 0] - 1), found[n].Weights[0], 1e-4);
            Assert.Equal(-3 * (x[n, 1] - 1), found[n].Weights[1], 1e-4);
            Assert.Equal(0, found[n].Weights[2], 1e-4);
            Assert.Equal(4, found[n].Intercept, 1e-4);
            Assert.Equal(1, found[n].R2, 1e-6);
        }
    }

    [Fact]
    public void FitIsReported()
    {
        // An exclusive or is what no linear model explains.
        var xor = new Function(v => (v.Slice(1, 0, 1) - v.Slice(1, 1, 2)).Abs());
        LocalModel found = new Lime(Features.Each, kernelWidth: 25, samples: 4000).Fit(xor, Tensor.Ones([1, 2]), Target.Class(0))[0];
        Assert.InRange(found.R2, 0, 0.01);
    }

    [Fact]
    public void RidgeShrinksTheWeights()
    {
        var linear = new Function(v => v.Sum([1], keepDims: true));
        double free = new Lime(Features.Each, ridge: 0).Fit(linear, Tensor.Ones([1, 4]), Target.Class(0))[0].Weights[0];
        double held = new Lime(Features.Each, ridge: 100).Fit(linear, Tensor.Ones([1, 4]), Target.Class(0))[0].Weights[0];
        Assert.Equal(1, free, 1e-4);
        Assert.InRange(held, 0.01, 0.9);
    }

    [Fact]
    public void SuperpixelsFollowEdges()
    {
        // Four flat quarters: every superpixel lies in one of them.
        float[] picture = new float[32 * 32];
        for (int i = 0; i < picture.Length; i++) picture[i] = (i / 32 < 16 ? 0 : 1) + (i % 32 < 16 ? 0 : 2);
        int[] pieces = Slic.Segment(picture, 1, 32, 32, 16);
        Assert.InRange(pieces.Max() + 1, 8, 24);
        Assert.All(pieces.Zip(picture).GroupBy(p => p.First), piece => Assert.Single(piece.Select(p => p.Second).Distinct()));
    }

    [Fact]
    public void SuperpixelsAreConnectedAndNumberedFromZero()
    {
        Tensor noise = new RandomSource(5).Uniform([3, 40, 56]);
        int[] pieces = Slic.Segment(noise.Floats, 3, 40, 56, 30);
        int count = pieces.Max() + 1;
        Assert.Equal(Enumerable.Range(0, count), pieces.Distinct().Order());
        Assert.Equal(count, Components(pieces, 40, 56));
    }

    [Theory]
    [InlineData(1, 1, 5)]
    [InlineData(1, 9, 3)]
    [InlineData(7, 2, 1)]
    [InlineData(3, 3, 100)]
    public void SmallPicturesHaveSuperpixelsToo(int height, int width, int count) =>
        Assert.All(Slic.Segment(new float[height * width], 1, height, width, count), p => Assert.InRange(p, 0, height * width - 1));

    [Fact]
    public void NoNumbersAreRefused() => Assert.Throws<ArgumentException>(() => Slic.Segment([1, float.NaN, 3, 4], 1, 2, 2, 2));

    private static int Components(int[] pieces, int height, int width)
    {
        bool[] seen = new bool[pieces.Length];
        int count = 0;
        for (int start = 0; start < pieces.Length; start++)
        {
            if (seen[start]) continue;
            count++;
            var pending = new Stack<int>([start]);
            while (pending.TryPop(out int at))
            {
                if (seen[at]) continue;
                seen[at] = true;
                foreach ((int dy, int dx) in ((int, int)[])[(0, 1), (0, -1), (1, 0), (-1, 0)])
                {
                    int y = at / width + dy, x = at % width + dx;
                    if (y >= 0 && y < height && x >= 0 && x < width && pieces[y * width + x] == pieces[at]) pending.Push(y * width + x);
                }
            }
        }
        return count;
    }
}
