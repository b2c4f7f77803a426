namespace Vitrine.Data;

/// <summary>Grey digits drawn by a simulated pen: a data set of handwriting that needs no files.</summary>
/// <remarks>
/// Each image takes one of several skeletons of its digit, moves its control points, sends a smooth curve through them, bends it with an elastic field
/// (Simard, Steinkraus and Platt, ICDAR 2003), slants, turns, scales and places it, and draws it with a round pen of varying width, sometimes with a
/// gap, a blur, a weaker ink or a noisy ground. Ink is bright on dark, as in MNIST.
/// Image i depends only on (seed, training or test, i): the same bytes on every platform, for every number of threads, and a larger set starts with the
/// images of a smaller one.
/// </remarks>
public static class Digits
{
    /// <summary>Height and width of an image in pixels.</summary>
    public const int Side = 28;

    private const int MaxPoints = 256;
    private const int ElasticCells = 4;

    // How wild the hand is; chosen so that with 10,000 training images a linear classifier is left behind (softmax regression: 87 to 89%)
    // while a small convolutional network is not (LeNet-5 after 3 epochs: 98.3 to 99.2%).
    private const float PointJitter = 0.017f;
    private const float ElasticStrength = 0.85f;
    private const float SlantSpread = 0.14f;
    private const float TurnSpread = 0.07f;
    private const float LowHeight = 16.5f;
    private const float HighHeight = 20.5f;
    private const float LowAspect = 0.68f;
    private const float HighAspect = 0.82f;
    private const float ShiftSpread = 2.1f;
    private const float Pressure = 0.18f;
    private const float Margin = 0.7f;

    /// <summary>Draws a training and a test set; they share no image, and the ten classes are equally frequent in both.</summary>
    /// <param name="train">The number of training images, at least 1.</param>
    /// <param name="test">The number of test images, at least 1.</param>
    /// <param name="seed">Which sets: the same seed, the same bytes.</param>
    /// <returns>Images [N, 1, 28, 28] in 0..1, multiples of 1/255; classes "0" to "9".</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1, or too large for one array.</exception>
    public static DataSplit Generate(int train = 10_000, int test = 2_000, int seed = 0)
    {
        RandomSource random = new((ulong)seed);
        return new DataSplit(Draw(train, random.Derive("digits for training")), Draw(test, random.Derive("digits for testing")));
    }

    internal static Dataset Draw(int count, ulong stream, int threads = -1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Array.MaxLength / (Side * Side));
        float[] pixels = new float[count * Side * Side];
        long[] labels = new long[count];
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
        {
            labels[i] = ClassOrder.Of(stream, i, 10);
            Draw(Draws.Example(stream, i), (int)labels[i], pixels.AsSpan(i * Side * Side, Side * Side));
        });
        return new Dataset(Tensor.From(pixels, [count, 1, Side, Side]), Tensor.From(labels, [count]), Mnist.DigitNames);
    }

    private static void Draw(RandomSource random, int digit, Span<float> canvas)
    {
        float[][][] variants = DigitSkeletons.Variants[digit];
        float[][] strokes = variants[random.NextInt(variants.Length)];
        Span<float> field = stackalloc float[2 * (ElasticCells + 3) * (ElasticCells + 3)];
        ElasticField elastic = new(random, field, Side, ElasticCells, ElasticStrength);

        // 1. The pen's path in pixels. breaks[i] says that no ink joins point i to point i + 1.
        Span<float> xs = stackalloc float[MaxPoints], ys = stackalloc float[MaxPoints], radii = stackalloc float[MaxPoints];
        Span<bool> breaks = stackalloc bool[MaxPoints];
        float height = random.Between(LowHeight, HighHeight);
        float width = height * random.Between(LowAspect, HighAspect);
        float slant = (SlantSpread * random.Bell()) - 0.08f;
        (float sin, float cos) = Trigonometry.SinCos(TurnSpread * random.Bell());
        float radius = random.Between(1f, 1.7f);
        int points = 0;
        foreach (float[] stroke in strokes)
        {
            int start = points;
            points = Path(random, stroke, xs, ys, radii, radius, points);
            breaks[points - 1] = true;
            if (random.Chance(0.04f) && points - start > 14) breaks[start + 4 + random.NextInt(points - start - 8)] = true;
        }
        float left = float.MaxValue, right = float.MinValue, top = float.MaxValue, bottom = float.MinValue;
        for (int i = 0; i < points; i++)
        {
            float y = (ys[i] - 0.5f) * height;
            float x = ((xs[i] - 0.5f) * width) - (slant * y);
            (x, y) = ((cos * x) - (sin * y) + (Side / 2f), (sin * x) + (cos * y) + (Side / 2f));
            (float dx, float dy) = elastic.At(x, y);
            xs[i] = x += dx;
            ys[i] = y += dy;
            left = Math.Min(left, x);
            right = Math.Max(right, x);
            top = Math.Min(top, y);
            bottom = Math.Max(bottom, y);
        }

        // 2. Place the middle of its box near the middle of the image, the ink wholly inside.
        float room = Margin + ((1 + Pressure) * radius);
        float shiftX = Place(left - room, right + room, random.Bell()), shiftY = Place(top - room, bottom + room, random.Bell());

        // 3. Draw.
        float edge = random.Between(0.7f, 1.3f);
        for (int i = 0; i + 1 < points; i++)
        {
            if (breaks[i]) continue;
            Pen.Segment(canvas, Side, Side, xs[i] + shiftX, ys[i] + shiftY, radii[i], xs[i + 1] + shiftX, ys[i + 1] + shiftY, radii[i + 1], edge);
        }
        Finish(random, canvas);
    }

    // A Catmull-Rom curve through jittered control points, in units of the digit's box. Returns the number of points so far.
    private static int Path(RandomSource random, float[] stroke, Span<float> xs, Span<float> ys, Span<float> radii, float radius, int points)
    {
        const int Steps = 6;
        int count = stroke.Length / 2;
        Span<float> px = stackalloc float[count], py = stackalloc float[count], pr = stackalloc float[count];
        for (int i = 0; i < count; i++)
        {
            bool corner = i > 0 && stroke[2 * i] == stroke[(2 * i) - 2] && stroke[(2 * i) + 1] == stroke[(2 * i) - 1];
            px[i] = corner ? px[i - 1] : (stroke[2 * i] / 100) + (1.3f * PointJitter * random.Bell());
            py[i] = corner ? py[i - 1] : (stroke[(2 * i) + 1] / 100) + (PointJitter * random.Bell());
            pr[i] = corner ? pr[i - 1] : radius * random.Between(1 - Pressure, 1 + Pressure);
        }
        for (int i = 0; i + 1 < count; i++)
        {
            if (px[i] == px[i + 1] && py[i] == py[i + 1]) continue;
            int before = Math.Max(0, i - 1), after = Math.Min(count - 1, i + 2);
            for (int s = i == 0 || Same(px, py, i - 1, i) ? 0 : 1; s <= Steps; s++)
            {
                float t = s / (float)Steps;
                xs[points] = Curve(px[before], px[i], px[i + 1], px[after], t);
                ys[points] = Curve(py[before], py[i], py[i + 1], py[after], t);
                radii[points++] = pr[i] + (t * (pr[i + 1] - pr[i]));
            }
        }
        return points;
    }

    private static bool Same(Span<float> x, Span<float> y, int i, int j) => x[i] == x[j] && y[i] == y[j];

    private static float Curve(float a, float b, float c, float d, float t) =>
        b + (0.5f * t * (c - a + (t * ((2 * a) - (5 * b) + (4 * c) - d + (t * ((3 * (b - c)) + d - a))))));

    private static float Place(float low, float high, float bell)
    {
        float shift = ((Side - low - high) / 2) + (ShiftSpread * bell);
        float least = -low, most = Side - high;
        return least <= most ? Math.Clamp(shift, least, most) : (least + most) / 2;
    }

    // Blur, ink, noise, and rounding to the 256 greys a file could hold.
    private static void Finish(RandomSource random, Span<float> canvas)
    {
        if (random.Chance(0.25f)) Blur(canvas, random.Between(0.2f, 1f));
        float ink = random.Between(0.92f, 1f);
        float noise = random.Chance(0.15f) ? random.Between(0.01f, 0.06f) : 0;
        for (int i = 0; i < canvas.Length; i++)
        {
            float value = ink * canvas[i];
            if (noise > 0) value += noise * random.Bell();
            canvas[i] = (int)((255 * Math.Clamp(value, 0, 1)) + 0.5f) / 255f;
        }
    }

    // A mixture of the image and its 3 x 3 binomial blur.
    private static void Blur(Span<float> canvas, float share)
    {
        Span<float> rows = stackalloc float[Side * Side];
        for (int i = 0; i < canvas.Length; i++)
        {
            int x = i % Side;
            rows[i] = ((x > 0 ? canvas[i - 1] : 0) + (2 * canvas[i]) + (x < Side - 1 ? canvas[i + 1] : 0)) / 4;
        }
        for (int i = 0; i < canvas.Length; i++)
        {
            float blurred = ((i >= Side ? rows[i - Side] : 0) + (2 * rows[i]) + (i < canvas.Length - Side ? rows[i + Side] : 0)) / 4;
            canvas[i] += share * (blurred - canvas[i]);
        }
    }
}
