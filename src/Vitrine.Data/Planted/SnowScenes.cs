namespace Vitrine.Data;

/// <summary>
/// A planted confound, after the wolf and the husky of Ribeiro, Singh, Guestrin 2016, "Why should I trust you?": in the pictures to learn from every wolf
/// stands on snow and every husky on grass. A network that is right there may have looked at the ground alone, and an honest explanation says so.
/// </summary>
public static class SnowScenes
{
    private const int Size = 32;
    private const int Area = Size * Size;

    /// <summary>The classes: they differ in the ears alone, pointed or hanging.</summary>
    public static IReadOnlyList<string> Names { get; } = ["wolf", "husky"];

    /// <summary>Draws a training and a test set in which the ground gives the class away.</summary>
    /// <param name="train">The number of training scenes, at least 1.</param>
    /// <param name="test">The number of test scenes, at least 1.</param>
    /// <param name="seed">Which sets: the same seed, the same bytes.</param>
    /// <returns>Scenes [N, 3, 32, 32] in 0..1 (red, green, blue) and masks [N, 1, 32, 32] that are true on the ground, where the animal does not hide
    /// it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1 or too large for one array.</exception>
    public static MaskedSplit Generate(int train = 2_000, int test = 400, int seed = 0) => Scenes("snow scenes", train, test, seed, confounded: true);

    /// <summary>The same animals on a ground that says nothing: what the network is worth without the confound.</summary>
    /// <param name="count">The number of scenes, at least 1.</param>
    /// <param name="seed">Which scenes.</param>
    /// <returns>Scenes [N, 3, 32, 32] with their classes.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1 or too large for one array.</exception>
    public static Dataset Fair(int count = 400, int seed = 0) => Scenes("fair scenes", 1, count, seed, confounded: false).Data.Test;

    private static MaskedSplit Scenes(string name, int train, int test, int seed, bool confounded) => PlantedSplit.Generate(
        name, train, test, seed, [3, Size, Size], [1, Size, Size], Names, (random, label, picture, mask) => Draw(random, label, confounded, picture, mask));

    private static void Draw(RandomSource random, int label, bool confounded, Span<float> picture, Span<bool> mask)
    {
        bool snow = confounded ? label == 0 : random.Chance(0.5f);
        int horizon = 14 + random.NextInt(5);
        float light = random.Between(0.75f, 1);
        for (int i = 0; i < Area; i++)
        {
            bool ground = i / Size >= horizon;
            float grain = 0.08f * random.Bell();
            (float r, float g, float b) = (ground, snow) switch
            {
                (false, _) => (0.55f, 0.68f, 0.82f),
                (_, true) => (0.92f, 0.94f, 0.97f),
                _ => (0.28f, 0.5f, 0.2f),
            };
            (picture[i], picture[Area + i], picture[(2 * Area) + i]) = ((light * r) + grain, (light * g) + grain, (light * b) + grain);
            mask[i] = ground;
        }
        Span<float> animal = stackalloc float[Area];
        Animal(random, pointed: label == 0, horizon, animal);
        float grey = random.Between(0.25f, 0.5f);
        for (int i = 0; i < Area; i++)
        {
            float shade = grey + (0.05f * random.Bell());
            for (int c = 0; c < 3; c++)
            {
                ref float value = ref picture[(c * Area) + i];
                value = (int)((255 * Math.Clamp(value + (animal[i] * (shade - value)), 0, 1)) + 0.5f) / 255f;
            }
            if (animal[i] >= 0.5f) mask[i] = false;
        }
    }

    // Body, legs, tail, head and two ears, from the side; looks left or right.
    private static void Animal(RandomSource random, bool pointed, int horizon, Span<float> ink)
    {
        float scale = random.Between(0.85f, 1.15f), x = random.Between(12, 20), y = horizon + random.Between(2, 6), way = random.Chance(0.5f) ? 1 : -1;
        Limb(ink, -5, 0, 2.6f, 4, 0, 2.4f); // body
        Limb(ink, -5, 1, 1, -5.5f, 7, 0.8f);
        Limb(ink, -3, 1, 1, -3, 7, 0.8f);
        Limb(ink, 3, 1, 1, 3, 7, 0.8f);
        Limb(ink, 5, 1, 1, 5.5f, 7, 0.8f);
        Limb(ink, -6.5f, -1, 0.9f, -9, -3, 0.6f); // tail
        Limb(ink, 5, -3, 2, 8.5f, -2.5f, 1.1f); // head and muzzle
        if (pointed)
        {
            Limb(ink, 4.2f, -4.5f, 0.9f, 3.8f, -7.5f, 0.2f);
            Limb(ink, 6, -4.5f, 0.9f, 6, -7.5f, 0.2f);
        }
        else
        {
            Limb(ink, 4, -4.2f, 0.9f, 2.6f, -2.2f, 0.9f);
            Limb(ink, 6, -4.4f, 0.7f, 7.2f, -4.4f, 0.7f);
        }

        void Limb(Span<float> canvas, float x0, float y0, float r0, float x1, float y1, float r1) => Pen.Segment(
            canvas, Size, Size, x + (way * scale * x0), y + (scale * y0), scale * r0, x + (way * scale * x1), y + (scale * y1), scale * r1, 1);
    }
}
