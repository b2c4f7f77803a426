namespace Vitrine.Data;

/// <summary>Time series of drifting noise with one short pattern somewhere: the pattern is the class, and its window is where an explanation ought to
/// point.</summary>
public static class PlantedWindows
{
    private const int Length = 64;
    private const int Window = 12;

    /// <summary>The classes: a wave that starts upwards, one that starts downwards, two humps.</summary>
    public static IReadOnlyList<string> Names { get; } = ["up, down", "down, up", "two humps"];

    /// <summary>Draws a training and a test set.</summary>
    /// <param name="train">The number of training series, at least 1.</param>
    /// <param name="test">The number of test series, at least 1.</param>
    /// <param name="seed">Which sets: the same seed, the same bytes.</param>
    /// <returns>Series [N, 1, 64] and masks [N, 1, 64] that are true in the window of 12 steps.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1 or too large for one array.</exception>
    public static MaskedSplit Generate(int train = 3_000, int test = 600, int seed = 0) =>
        PlantedSplit.Generate("planted windows", train, test, seed, [1, Length], [1, Length], Names, Draw);

    private static void Draw(RandomSource random, int label, Span<float> series, Span<bool> mask)
    {
        // Noise that remembers: most of the last value and some that is new.
        float value = random.Bell();
        for (int t = 0; t < Length; t++)
        {
            value = (0.7f * value) + (0.3f * random.Bell());
            series[t] = value;
        }
        int start = random.NextInt(Length - Window + 1);
        float height = random.Between(1.2f, 1.8f);
        for (int t = 0; t < Window; t++)
        {
            (float sin, _) = Trigonometry.SinCos(2 * MathF.PI * (t + 0.5f) / Window);
            series[start + t] += height * label switch
            {
                0 => sin,
                1 => -sin,
                _ => Math.Abs(sin),
            };
            mask[start + t] = true;
        }
    }
}
