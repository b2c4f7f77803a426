namespace Vitrine.Data;

/// <summary>
/// Sequences of tokens in which two decide: each class has two words of its own, in either order and anywhere; all others are equally frequent in every class.
/// </summary>
public static class PlantedTokens
{
    private const int Length = 16;
    private const int Classes = 3;

    /// <summary>How many tokens there are; number 0 is padding and never drawn.</summary>
    public const int Vocabulary = 40;

    /// <summary>The classes, by the tokens that decide.</summary>
    public static IReadOnlyList<string> Names { get; } = ["tokens 1 and 2", "tokens 3 and 4", "tokens 5 and 6"];

    /// <summary>Draws a training and a test set.</summary>
    /// <param name="train">The number of training sequences, at least 1.</param>
    /// <param name="test">The number of test sequences, at least 1.</param>
    /// <param name="seed">Which sets: the same seed, the same bytes.</param>
    /// <returns>
    /// Sequences [N, 16] of token numbers, as Float32 because a data set's inputs are (a network casts them back), and masks [N, 16] that are true at the two.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1 or too large for one array.</exception>
    public static MaskedSplit Generate(int train = 3_000, int test = 600, int seed = 0) =>
        PlantedSplit.Generate("planted tokens", train, test, seed, [Length], [Length], Names, Draw);

    private static void Draw(RandomSource random, int label, Span<float> tokens, Span<bool> mask)
    {
        int neutral = 1 + (2 * Classes);
        foreach (ref float token in tokens) token = neutral + random.NextInt(Vocabulary - neutral);
        int first = random.NextInt(Length), second = (first + 1 + random.NextInt(Length - 1)) % Length;
        tokens[first] = 1 + (2 * label);
        tokens[second] = 2 + (2 * label);
        mask[first] = mask[second] = true;
    }
}
