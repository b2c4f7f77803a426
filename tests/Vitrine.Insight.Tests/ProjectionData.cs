namespace Vitrine.Insight.Tests;

/// <summary>Points for tests of projections.</summary>
internal static class ProjectionData
{
    /// <summary>Gaussian clouds of deviation 1 whose centres are about <paramref name="apart"/> times a normal number in each dimension.</summary>
    public static (Tensor Points, int[] Labels) Blobs(int count, int dimensions, int clusters, float apart = 6, ulong seed = 1)
    {
        var random = new RandomSource(seed);
        float[] centres = random.Normal([clusters, dimensions], 0, apart).ToArray(), points = random.Normal([count, dimensions]).ToArray();
        int[] labels = new int[count];
        for (int i = 0; i < count; i++)
        {
            labels[i] = i % clusters;
            for (int d = 0; d < dimensions; d++) points[i * dimensions + d] += centres[labels[i] * dimensions + d];
        }
        return (Tensor.From(points, [count, dimensions]), labels);
    }

    /// <summary>60 points of 7 numbers, and a map of them, from formulas that another program can repeat.</summary>
    public static (Tensor Points, Tensor Map) Formula()
    {
        float[] points = new float[60 * 7], map = new float[60 * 2];
        for (int i = 0; i < 60; i++)
        {
            for (int j = 0; j < 7; j++) points[i * 7 + j] = (float)(Math.Sin(0.7 * i * (j + 1) + 0.3 * j) * (1 + j) + i % 3 * 2.0 * Math.Cos(j));
            map[2 * i] = (float)(Math.Sin(1.3 * i) * 5 + i % 3 * 4);
            map[2 * i + 1] = (float)(Math.Cos(0.9 * i) * 3);
        }
        return (Tensor.From(points, [60, 7]), Tensor.From(map, [60, 2]));
    }

    /// <summary>|a - b| / |b| of all elements.</summary>
    public static double Error(Tensor a, Tensor b)
    {
        double error = 0, size = 0;
        for (int i = 0; i < b.Count; i++)
        {
            error += Math.Pow(a.Floats[i] - b.Floats[i], 2);
            size += Math.Pow(b.Floats[i], 2);
        }
        return Math.Sqrt(error / size);
    }
}
