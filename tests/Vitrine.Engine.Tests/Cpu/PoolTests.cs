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

    [Theory]
    [InlineData(7, 7, 3, 1, 1, 1, false)]
    [InlineData(13, 13, 3, 2, 0, 1, true)]
    [InlineData(56, 55, 3, 2, 1, 1, false)]
    [InlineData(28, 28, 3, 1, 1, 1, true)]
    [InlineData(6, 9, 5, 2, 2, 1, false)]
    [InlineData(9, 40, 2, 1, 0, 3, false)]
    [InlineData(3, 3, 3, 2, 1, 1, true)]
    [InlineData(10, 11, 3, 3, 1, 1, false)]
    public void WindowsEqualTheDefinition(int height, int width, int kernel, int stride, int padding, int dilation, bool ceil)
    {
        float[] values = new RandomSource(1).Uniform([2, 3, height, width]).ToArray().Select(v => MathF.Floor(v * 5)).ToArray();
        for (int i = 0; i < height * width; i++) values[i] = float.NegativeInfinity;
        Tensor x = Tensor.From(values, [2, 3, height, width]).Watch();
        Tensor y = x.MaxPool2d(new PoolGeometry((kernel, kernel), (stride, stride), (padding, padding), ceil) { Dilation = (dilation, dilation) });
        Tensor seed = new RandomSource(2).Uniform(y.Shape), gradient = Autograd.Backward(y, seed, [x])[0];
        float[] expected = new float[x.Count];
        int outH = y.Shape[2], outW = y.Shape[3];
        for (int i = 0; i < y.Count; i++)
        {
            int plane = i / (outH * outW), top = i / outW % outH * stride - padding, left = i % outW * stride - padding, best = -1;
            for (int h = top; h < top + kernel * dilation; h += dilation)
            {
                for (int w = left; w < left + kernel * dilation; w += dilation)
                {
                    if (h < 0 || w < 0 || h >= height || w >= width) continue;
                    int at = (plane * height + h) * width + w;
                    if (best < 0 || values[at] > values[best]) best = at;
                }
            }
            Assert.Equal(values[best], y.Floats[i]);
            expected[best] += seed.Floats[i];
        }
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], gradient.Floats[i], 1e-5f);
    }
}
