namespace Vitrine.Insight;

/// <summary>
/// Remove and debias (Rong, Leemann, Borisov, Kasneci, Kasneci 2022, "A consistent and efficient evaluation strategy for attribution methods"): as deletion,
/// but what is removed is guessed from its surroundings, so that a hole in the picture does not itself tell the network anything.
/// </summary>
public static class Road
{
    /// <summary>The shares of pixels that the paper removes.</summary>
    internal static readonly double[] Usual = [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9];

    /// <summary>The answers when shares of the most important (or least important) pixels are removed.</summary>
    /// <param name="model">The network.</param>
    /// <param name="input">Pictures [N, C, H, W].</param>
    /// <param name="map">The explanation, one channel: [N, 1, H, W].</param>
    /// <param name="target">What is asked; the class is that of the whole input.</param>
    /// <param name="shares">The shares of the pixels that are removed, each in [0, 1); null for 10, 20, 30, 40, 50, 70 and 90 in a hundred.</param>
    /// <param name="leastFirst">Remove the least important first, where a good explanation makes the answer stay.</param>
    /// <param name="noise">The deviation of the normal noise that is added to what is guessed.</param>
    /// <param name="seed">Where its random numbers start.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <returns>For each example an answer for each share.</returns>
    /// <exception cref="ArgumentException">The input is no picture, the map has another shape, or a share is not in [0, 1).</exception>
    public static float[][] Curve(
        Module model, Tensor input, Tensor map, Target target, IReadOnlyList<double>? shares = null, bool leastFirst = false, double noise = 0.01,
        ulong seed = 0, CancellationToken cancel = default)
    {
        IReadOnlyList<double> removed = shares ?? Usual;
        Probes probes = Probes.On(model, input, target, wrt: null, progress: null, cancel);
        Shape shape = probes.Of.Shape;
        if (shape.Rank != 4 || map.Shape != shape.With(1, 1))
        {
            throw new ArgumentException($"ROAD takes pictures [N, C, H, W] and a map of one channel; these have shapes {shape} and {map.Shape}.", nameof(map));
        }
        if (removed.Any(s => s is not (>= 0 and < 1)))
        {
            throw new ArgumentException("Shares lie in [0, 1): what is removed is guessed from what is left.", nameof(shares));
        }
        int examples = shape[0], channels = shape[1], plane = shape[2] * shape[3];
        int[][] order = PixelCurves.Orders(probes, map);
        if (leastFirst)
        {
            foreach (int[] o in order) Array.Reverse(o);
        }
        float[] answers = probes.Ask(removed.Count, (round, n, values) =>
        {
            bool[] missing = new bool[plane];
            foreach (int pixel in order[n].AsSpan(0, (int)(plane * removed[round]))) missing[pixel] = true;
            var random = new RandomSource(new RandomSource(seed).Derive((ulong)round));
            for (int c = 0; c < channels; c++)
            {
                Span<float> channel = values.Slice(c * plane, plane);
                Impute(channel, missing, shape[2], shape[3]);
                for (int i = 0; i < plane; i++)
                {
                    if (missing[i]) channel[i] += (float)noise * random.NextNormal();
                }
            }
        });
        return [.. Enumerable.Range(0, examples).Select(n => Enumerable.Range(0, removed.Count).Select(round => answers[round * examples + n]).ToArray())];
    }

    /// <summary>
    /// Makes every missing pixel the mean of its eight neighbours, the four nearest counting double: a linear system with as many unknowns as there are missing
    /// pixels, symmetric and positive definite, solved by conjugate gradients (Hestenes and Stiefel 1952).
    /// </summary>
    internal static void Impute(Span<float> picture, bool[] missing, int height, int width)
    {
        int[] unknown = [.. Enumerable.Range(0, missing.Length).Where(i => missing[i])];
        if (unknown.Length == 0) return;
        double[] x = new double[missing.Length], residual = new double[missing.Length], image = new double[missing.Length];
        double mean = 0;
        for (int i = 0; i < x.Length; i++)
        {
            if (missing[i]) continue;
            x[i] = picture[i];
            mean += x[i] / (missing.Length - unknown.Length);
        }
        foreach (int i in unknown) x[i] = mean;
        foreach (int i in unknown) residual[i] = -Lack(x, i, height, width);
        double[] direction = [.. residual];
        double error = Dot(residual, residual, unknown), enough = 1e-14 * Math.Max(error, double.Epsilon);
        for (int round = 0; round < 2 * unknown.Length && error > enough; round++)
        {
            foreach (int i in unknown) image[i] = Lack(direction, i, height, width);
            double step = error / Dot(direction, image, unknown);
            foreach (int i in unknown)
            {
                x[i] += step * direction[i];
                residual[i] -= step * image[i];
            }
            double next = Dot(residual, residual, unknown);
            foreach (int i in unknown) direction[i] = residual[i] + next / error * direction[i];
            error = next;
        }
        foreach (int i in unknown) picture[i] = (float)x[i];
    }

    /// <summary>The pixel times the weight of its neighbours, less its neighbours: zero where it is their mean.</summary>
    private static double Lack(double[] values, int at, int height, int width)
    {
        int y = at / width, x = at % width;
        double lack = 0;
        for (int v = Math.Max(0, y - 1); v <= Math.Min(height - 1, y + 1); v++)
        {
            for (int u = Math.Max(0, x - 1); u <= Math.Min(width - 1, x + 1); u++)
            {
                if (v == y && u == x) continue;
                double weight = v == y || u == x ? 1 / 6.0 : 1 / 12.0;
                lack += weight * (values[at] - values[v * width + u]);
            }
        }
        return lack;
    }

    private static double Dot(double[] a, double[] b, int[] at)
    {
        double sum = 0;
        foreach (int i in at) sum += a[i] * b[i];
        return sum;
    }
}
