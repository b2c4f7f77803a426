namespace Vitrine.Engine.Tests.Cpu;

public sealed class PoolTests
{
    [Theory]
    [InlineData(2, 2)]
    [InlineData(5, 7)]
    [InlineData(10, 10)]
    [InlineData(14, 14)]
    [InlineData(28, 28)]
    [InlineData(9, 67)]
    public void HalvingEqualsTheDefinition(int height, int width)
    {
        // Few different values, so that ties are common: the first maximum in reading order wins.
        float[] values = new RandomSource(1).Uniform([3, 2, height, width]).ToArray().Select(v => MathF.Floor(v * 4)).ToArray();
        values[1] = float.NaN;
        Tensor x = Tensor.From(values, [3, 2, height, width]).Watch(), y = x.MaxPool2d(2);
        Tensor seed = new RandomSource(2).Uniform(y.Shape), gradient = Autograd.Backward(y, seed, [x])[0];
        float[] expected = new float[x.Count];
        for (int plane = 0; plane < 6; plane++)
        {
            for (int h = 0; h < height / 2; h++)
            {
                for (int w = 0; w < width / 2; w++)
                {
                    int[] window = [.. new[] { (0, 0), (0, 1), (1, 0), (1, 1) }.Select(d => (plane * height + 2 * h + d.Item1) * width + 2 * w + d.Item2)];
                    int best = window.Any(i => float.IsNaN(values[i])) ? window.First(i => float.IsNaN(values[i])) : window.MaxBy(i => values[i]);
                    int at = (plane * (height / 2) + h) * (width / 2) + w;
                    Assert.Equal(values[best], y.Floats[at]);
                    expected[best] += seed.Floats[at];
                }
            }
        }
        Assert.Equal(expected, gradient.ToArray());
    }
}
