namespace Vitrine.Data;

/// <summary>A split whose images come with the truth about where the object of the class is.</summary>
/// <param name="Data">The images and their classes.</param>
/// <param name="TrainMasks">[N, 1, H, W], Bool: true where the object covers at least half of the pixel; broadcasts over the channels of the image.</param>
/// <param name="TestMasks">The same for the test images.</param>
public sealed record MaskedSplit(DataSplit Data, Tensor TrainMasks, Tensor TestMasks);

/// <summary>Colour scenes with one shape on a cluttered background, and the mask of the shape: where an explanation of the class ought to point.</summary>
/// <remarks>
/// A scene is a gradient between two colours under a texture (smooth noise, stripes, squares or grain), a few curved strokes that belong to no class, and
/// over them one shape of random colour, size, place and angle, anti-aliased. The colours say nothing about the class, and the shape's colour always
/// stands off from the background around it.
/// Scene i depends only on (seed, training or test, size, i): the same bytes on every platform, for every number of threads.
/// </remarks>
public static class Shapes
{
    private const int TextureCells = 6;

    /// <summary>The classes: circle, square, triangle, star, cross, ring, crescent, arrow.</summary>
    public static IReadOnlyList<string> Names => ShapeOutlines.Names;

    /// <summary>Draws a training and a test set; they share no scene, and the classes are equally frequent in both.</summary>
    /// <param name="train">The number of training scenes, at least 1.</param>
    /// <param name="test">The number of test scenes, at least 1.</param>
    /// <param name="seed">Which sets: the same seed, the same bytes.</param>
    /// <param name="size">Height and width of a scene in pixels: 16 to 512.</param>
    /// <returns>Scenes [N, 3, size, size] in 0..1 (red, green, blue), multiples of 1/255, with the mask of the shape in each.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1 or too large for one array, or the size is out of range.</exception>
    public static MaskedSplit Generate(int train = 8_000, int test = 2_000, int seed = 0, int size = 32)
    {
        RandomSource random = new((ulong)seed);
        (Dataset learn, Tensor learnMasks) = Draw(train, random.Derive("shapes for training"), size);
        (Dataset judge, Tensor judgeMasks) = Draw(test, random.Derive("shapes for testing"), size);
        return new MaskedSplit(new DataSplit(learn, judge), learnMasks, judgeMasks);
    }

    internal static (Dataset Scenes, Tensor Masks) Draw(int count, ulong stream, int size, int threads = -1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 16);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, 512);
        int area = size * size, classes = ShapeOutlines.Names.Length;
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Array.MaxLength / (3 * area));
        float[] pixels = new float[count * 3 * area];
        bool[] masks = new bool[count * area];
        long[] labels = new long[count];
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
        {
            labels[i] = ClassOrder.Of(stream, i, classes);
            Draw(Draws.Example(stream, i), (int)labels[i], size, pixels.AsSpan(i * 3 * area, 3 * area), masks.AsSpan(i * area, area));
        });
        Dataset scenes = new(Tensor.From(pixels, [count, 3, size, size]), Tensor.From(labels, [count]), ShapeOutlines.Names);
        return (scenes, Tensor.From(masks, [count, 1, size, size]));
    }

    private static void Draw(RandomSource random, int shape, int size, Span<float> canvas, Span<bool> mask)
    {
        float[] layer = new float[size * size];
        Background(random, size, canvas);
        int strokes = 2 + random.NextInt(4);
        for (int i = 0; i < strokes; i++)
        {
            Array.Clear(layer);
            Stroke(random, size, layer);
            Colour ink = Colour.Random(random);
            Over(canvas, layer, ink, ink);
        }
        Shape(random, shape, size, canvas, layer);
        for (int i = 0; i < mask.Length; i++) mask[i] = layer[i] >= 0.5f;

        float noise = random.Between(0, 0.03f);
        foreach (ref float value in canvas)
            value = (int)((255 * Math.Clamp(value + (noise * random.Bell()), 0, 1)) + 0.5f) / 255f;
    }

    /// <summary>Fills a canvas [3, size, size] with a gradient between two colours under a texture.</summary>
    internal static void Background(RandomSource random, int size, Span<float> canvas)
    {
        Colour from = Colour.Random(random), to = Colour.Random(random);
        (float sin, float cos) = Trigonometry.SinCos(random.Between(0, 2 * MathF.PI));
        int texture = random.NextInt(5);
        float strength = random.Between(0.15f, 0.5f), period = random.Between(0.12f, 0.3f) * size, phase = random.NextFloat();
        (float tilt, float straight) = Trigonometry.SinCos(random.Between(0, 2 * MathF.PI));
        Span<float> storage = stackalloc float[2 * (TextureCells + 3) * (TextureCells + 3)];
        ElasticField field = new(random, storage, size, TextureCells, 1);
        int area = size * size;
        for (int i = 0; i < area; i++)
        {
            float x = (i % size) + 0.5f, y = (i / size) + 0.5f;
            float gradient = 0.5f + (((cos * (x - (size / 2f))) + (sin * (y - (size / 2f)))) / (1.5f * size));
            float u = (((straight * x) + (tilt * y)) / period) + phase, v = ((straight * y) - (tilt * x)) / period;
            float pattern = texture switch
            {
                0 => 2 * field.At(x, y).X,
                1 => (4 * Math.Abs(u - MathF.Floor(u) - 0.5f)) - 1,
                2 => (((int)MathF.Floor(u) + (int)MathF.Floor(v)) & 1) == 0 ? 0.5f : -0.5f,
                3 => 0.6f * random.Bell(),
                _ => 0,
            };
            Blend(canvas, area, i, from, to, Math.Clamp(gradient + (strength * pattern), 0, 1), 1);
        }
    }

    // A quadratic Bezier curve, thin beside the shapes.
    private static void Stroke(RandomSource random, int size, float[] layer)
    {
        const int Steps = 8;
        float ax = size * random.NextFloat(), ay = size * random.NextFloat();
        float bx = ax + (0.3f * size * random.Bell()), by = ay + (0.3f * size * random.Bell());
        float cx = bx + (0.3f * size * random.Bell()), cy = by + (0.3f * size * random.Bell());
        float radius = random.Between(0.012f, 0.035f) * size;
        float x = ax, y = ay;
        for (int s = 1; s <= Steps; s++)
        {
            float t = s / (float)Steps, r = 1 - t;
            float nextX = (r * r * ax) + (2 * r * t * bx) + (t * t * cx), nextY = (r * r * ay) + (2 * r * t * by) + (t * t * cy);
            Pen.Segment(layer, size, size, x, y, radius, nextX, nextY, radius, 1);
            (x, y) = (nextX, nextY);
        }
    }

    private static void Shape(RandomSource random, int shape, int size, Span<float> canvas, float[] layer)
    {
        float scale = random.Between(0.2f, 0.36f) * size;
        float cx = random.Between(scale + 1, size - scale - 1), cy = random.Between(scale + 1, size - scale - 1);
        (float sin, float cos) = Trigonometry.SinCos(random.Between(0, 2 * MathF.PI));
        Outline(shape, size, cx, cy, scale, sin, cos, layer);
        Colour ink = Standing(random, Mean(canvas, layer));
        Over(canvas, layer, ink, ink.Towards(Colour.Random(random), 0.15f));
    }

    /// <summary>How much of each pixel a shape covers, anti-aliased.</summary>
    /// <param name="shape">Its number in <see cref="Names"/>.</param>
    /// <param name="size">Height and width of the layer in pixels.</param>
    /// <param name="cx">Its centre, in pixels.</param>
    /// <param name="cy">Its centre.</param>
    /// <param name="scale">About how far it reaches from there, in pixels.</param>
    /// <param name="sin">The sine of its angle.</param>
    /// <param name="cos">The cosine.</param>
    /// <param name="layer">Receives the cover, 0 to 1, row by row.</param>
    internal static void Outline(int shape, int size, float cx, float cy, float scale, float sin, float cos, float[] layer)
    {
        Array.Clear(layer);
        for (int i = 0; i < layer.Length; i++)
        {
            float x = (i % size) + 0.5f - cx, y = (i / size) + 0.5f - cy;
            if (Math.Max(Math.Abs(x), Math.Abs(y)) > scale + 1) continue;
            float distance = scale * ShapeOutlines.Distance(shape, ((cos * x) + (sin * y)) / scale, ((cos * y) - (sin * x)) / scale);
            layer[i] = Math.Clamp(0.5f - distance, 0, 1);
        }
    }

    // A colour well away from the one it will stand on; the farthest of a few where luck is against it.
    private static Colour Standing(RandomSource random, Colour ground)
    {
        Colour best = default;
        float most = -1;
        for (int i = 0; i < 12 && most < 0.6f; i++)
        {
            Colour colour = Colour.Random(random);
            float distance = colour.Distance(ground);
            if (distance > most) (best, most) = (colour, distance);
        }
        return best;
    }

    private static Colour Mean(ReadOnlySpan<float> canvas, float[] weights)
    {
        float r = 0, g = 0, b = 0, total = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            r += weights[i] * canvas[i];
            g += weights[i] * canvas[weights.Length + i];
            b += weights[i] * canvas[(2 * weights.Length) + i];
            total += weights[i];
        }
        return new(r / total, g / total, b / total);
    }

    /// <summary>Lays a colour, shaded from the first row to the last, over the canvas wherever the layer covers it.</summary>
    internal static void Over(Span<float> canvas, float[] layer, Colour top, Colour bottom)
    {
        for (int i = 0; i < layer.Length; i++)
        {
            if (layer[i] > 0) Blend(canvas, layer.Length, i, top, bottom, i / (float)layer.Length, layer[i]);
        }
    }

    private static void Blend(Span<float> canvas, int area, int at, Colour from, Colour to, float mix, float cover)
    {
        Colour colour = from.Towards(to, mix);
        canvas[at] += cover * (colour.R - canvas[at]);
        canvas[area + at] += cover * (colour.G - canvas[area + at]);
        canvas[(2 * area) + at] += cover * (colour.B - canvas[(2 * area) + at]);
    }

    /// <summary>Red, green and blue, each 0 to 1.</summary>
    internal readonly record struct Colour(float R, float G, float B)
    {
        public static Colour Random(RandomSource random) => new(random.NextFloat(), random.NextFloat(), random.NextFloat());

        public Colour Towards(Colour other, float share) =>
            new(R + (share * (other.R - R)), G + (share * (other.G - G)), B + (share * (other.B - B)));

        public float Distance(Colour other) =>
            MathF.Sqrt(((R - other.R) * (R - other.R)) + ((G - other.G) * (G - other.G)) + ((B - other.B) * (B - other.B)));
    }
}
