namespace Vitrine.Insight.Tests;

public sealed class OcclusionTests
{
    [Theory]
    [InlineData(4, 3, 2, 1)]
    [InlineData(7, 7, 7, 7)]
    [InlineData(28, 5, 1, 4)]
    public void EqualsALoopOverWindows(int height, int width, int down, int right)
    {
        var net = LeNetGoldenTests.Net();
        Tensor x = LeNetGoldenTests.Input.Slice(0, 1, 2);
        float whole = net.Predict(x)[0, 3];
        double[] lost = new double[784];
        int[] covered = new int[784];
        for (int y0 = 0, y1 = -1; y1 < 28; y0 += down)
        {
            y1 = y0 + height;
            for (int x0 = 0, x1 = -1; x1 < 28; x0 += right)
            {
                x1 = x0 + width;
                float[] picture = x.ToArray();
                Under(i => picture[i] = 0.25f, y0, x0);
                double loss = whole - net.Predict(Tensor.From(picture, x.Shape))[0, 3];
                Under(i => { lost[i] += loss; covered[i]++; }, y0, x0);
            }
        }
        float[] found = new Occlusion([1, height, width], [1, down, right], Baseline.Constant(0.25f)).Explain(net, x, Target.Class(3)).Values.ToArray();
        for (int i = 0; i < 784; i++) Assert.Equal(lost[i] / covered[i], found[i], 2e-5);

        void Under(Action<int> each, int top, int left)
        {
            for (int v = top; v < Math.Min(28, top + height); v++)
            {
                for (int u = left; u < Math.Min(28, left + width); u++) each(v * 28 + u);
            }
        }
    }

    [Fact]
    public void PermutationExchangesWithinTheBatch()
    {
        // Of two examples there is one permutation that moves anything: they swap.
        Tensor x = Tensor.From([1f, 10, 4, 30], [2, 2]);
        var sum = new Function(v => v.Sum([1], keepDims: true));
        Assert.Equal([-3, -20, 3, 20], new FeaturePermutation(permutations: 3).Explain(sum, x, Target.Class(0)).Values.ToArray());
    }
}
