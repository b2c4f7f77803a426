namespace Vitrine.Insight;

/// <summary>How alike two explanations are.</summary>
public static class Similarity
{
    private const int Window = 7;

    /// <summary>Spearman's rank correlation, -1 to 1; 0 where one of the maps is the same everywhere.</summary>
    /// <exception cref="ArgumentException">The maps have different numbers of elements.</exception>
    public static double Spearman(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        if (a.Length != b.Length) throw new ArgumentException($"Maps of {a.Length} and {b.Length} elements cannot be compared.");
        double[] x = Ranks(a), y = Ranks(b);
        double mean = (a.Length + 1) / 2.0, xy = 0, xx = 0, yy = 0;
        for (int i = 0; i < x.Length; i++)
        {
            xy += (x[i] - mean) * (y[i] - mean);
            xx += (x[i] - mean) * (x[i] - mean);
            yy += (y[i] - mean) * (y[i] - mean);
        }
        return xx > 0 && yy > 0 ? xy / Math.Sqrt(xx * yy) : 0;
    }

    /// <summary>
    /// The structural similarity of two pictures (Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment"), 1 for equal ones: means, variances and
    /// covariance in windows of 7 x 7, with the constants 0.01 and 0.03 of the span of both pictures' values.
    /// </summary>
    /// <param name="a">[height, width].</param>
    /// <param name="b">[height, width].</param>
    /// <param name="height">At least 7.</param>
    /// <param name="width">At least 7.</param>
    /// <exception cref="ArgumentException">The pictures are too small or have not as many elements as their extents say.</exception>
    public static double Ssim(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int height, int width)
    {
        if (height < Window || width < Window)
        {
            throw new ArgumentException($"Structural similarity looks through windows of {Window} x {Window}; {height} x {width} is too small.");
        }
        if (a.Length != height * width || b.Length != a.Length)
        {
            throw new ArgumentException($"{a.Length} and {b.Length} values are no two pictures of {height} x {width}.");
        }
        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        for (int i = 0; i < a.Length; i++)
        {
            low = Math.Min(low, Math.Min(a[i], b[i]));
            high = Math.Max(high, Math.Max(a[i], b[i]));
        }
        if (high == low) return 1;
        double c1 = Math.Pow(0.01 * (high - low), 2), c2 = Math.Pow(0.03 * (high - low), 2), sum = 0;
        const int count = Window * Window;
        for (int top = 0; top + Window <= height; top++)
        {
            for (int left = 0; left + Window <= width; left++)
            {
                double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
                for (int at = 0; at < count; at++)
                {
                    int i = (top + at / Window) * width + left + at % Window;
                    double p = a[i], q = b[i];
                    x += p;
                    y += q;
                    xx += p * p;
                    yy += q * q;
                    xy += p * q;
                }
                x /= count;
                y /= count;
                // The unbiased estimates, as a window is a sample.
                double vx = (xx - count * x * x) / (count - 1), vy = (yy - count * y * y) / (count - 1), covariance = (xy - count * x * y) / (count - 1);
                sum += (2 * x * y + c1) * (2 * covariance + c2) / ((x * x + y * y + c1) * (vx + vy + c2));
            }
        }
        return sum / ((height - Window + 1.0) * (width - Window + 1));
    }

    /// <summary>The rank of each element from 1, the smallest first; equal ones share the mean of their ranks.</summary>
    internal static double[] Ranks(ReadOnlySpan<float> map)
    {
        float[] values = map.ToArray();
        int[] order = [.. Enumerable.Range(0, values.Length).OrderBy(i => values[i])];
        double[] ranks = new double[values.Length];
        for (int from = 0; from < order.Length;)
        {
            int to = from;
            while (to < order.Length && values[order[to]] == values[order[from]]) to++;
            if (to == from) to++; // a NaN equals nothing, itself not either
            for (int i = from; i < to; i++) ranks[order[i]] = (from + 1 + to) / 2.0;
            from = to;
        }
        return ranks;
    }
}
