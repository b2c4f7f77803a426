namespace Vitrine.Data;

/// <summary>
/// The exclusive-or of two tetrominoes (after Clark, Wilming, Haufe 2024, "XAI-TRIS"): every picture shows a T and an L, each brighter or darker than the
/// noise. The class says whether their signs agree, so neither shape alone says anything.
/// </summary>
public static class Tetrominoes
{
    private const int Size = 8;
    private const float Noise = 0.7f;

    // Row and column of the four squares of each shape.
    private static readonly (int Row, int Column)[] T = [(1, 1), (1, 2), (1, 3), (2, 2)];
    private static readonly (int Row, int Column)[] L = [(4, 5), (5, 5), (6, 5), (6, 6)];

    /// <summary>The classes.</summary>
    public static IReadOnlyList<string> Names { get; } = ["same sign", "opposite signs"];

    /// <summary>Draws a training and a test set.</summary>
    /// <param name="train">The number of training pictures, at least 1.</param>
    /// <param name="test">The number of test pictures, at least 1.</param>
    /// <param name="seed">Which sets: the same seed, the same bytes.</param>
    /// <returns>Pictures [N, 1, 8, 8], noise of mean 0 and deviation 0.7 with shapes of +1 or -1 added, and masks that are true on both shapes.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1 or too large for one array.</exception>
    public static MaskedSplit Generate(int train = 4_000, int test = 1_000, int seed = 0) =>
        PlantedSplit.Generate("tetrominoes", train, test, seed, [1, Size, Size], [1, Size, Size], Names, Draw);

    private static void Draw(RandomSource random, int label, Span<float> picture, Span<bool> mask)
    {
        foreach (ref float value in picture) value = Noise * random.Bell();
        float first = random.Chance(0.5f) ? 1 : -1, second = label == 0 ? first : -first;
        foreach ((int row, int column) in T) Add(picture, mask, row, column, first);
        foreach ((int row, int column) in L) Add(picture, mask, row, column, second);
    }

    private static void Add(Span<float> picture, Span<bool> mask, int row, int column, float value)
    {
        picture[(row * Size) + column] += value;
        mask[(row * Size) + column] = true;
    }
}
