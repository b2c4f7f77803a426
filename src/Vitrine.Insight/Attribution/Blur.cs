namespace Vitrine.Insight;

/// <summary>Gaussian blur of the last two axes; edges are continued by their last value.</summary>
internal static class Blur
{
    /// <summary>A blurred copy; none at all for a deviation of 0.</summary>
    /// <param name="values">Of at least two axes.</param>
    /// <param name="deviation">In elements.</param>
    public static Tensor Gaussian(Tensor values, double deviation)
    {
        if (deviation <= 0) return values;
        int reach = (int)Math.Ceiling(3 * deviation), height = values.Shape[-2], width = values.Shape[-1];
        double[] kernel = [.. Enumerable.Range(-reach, 2 * reach + 1).Select(i => Math.Exp(-0.5 * i * i / (deviation * deviation)))];
        double sum = kernel.Sum();
        for (int i = 0; i < kernel.Length; i++) kernel[i] /= sum;
        float[] source = values.ToArray(), rows = new float[source.Length], both = new float[source.Length];
        for (int at = 0; at < source.Length; at++)
        {
            int x = at % width, row = at - x;
            double mean = 0;
            for (int k = -reach; k <= reach; k++) mean += kernel[k + reach] * source[row + Math.Clamp(x + k, 0, width - 1)];
            rows[at] = (float)mean;
        }
        for (int at = 0; at < source.Length; at++)
        {
            int y = at / width % height, column = at - y * width;
            double mean = 0;
            for (int k = -reach; k <= reach; k++) mean += kernel[k + reach] * rows[column + Math.Clamp(y + k, 0, height - 1) * width];
            both[at] = (float)mean;
        }
        return Tensor.From(both, values.Shape);
    }
}
