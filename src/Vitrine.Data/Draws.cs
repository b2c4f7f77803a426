namespace Vitrine.Data;

/// <summary>What the generators draw from a <see cref="RandomSource"/>; only additions and multiplications, so that every platform draws the same.</summary>
internal static class Draws
{
    /// <summary>The random numbers of one example: a stretch of 2^32 draws of the stream, whoever asks for it and in whatever order.</summary>
    public static RandomSource Example(ulong stream, int index) => new(stream) { Position = (ulong)index << 32 };

    /// <summary>Uniform between two values.</summary>
    public static float Between(this RandomSource random, float low, float high) => low + ((high - low) * random.NextFloat());

    /// <summary>True with the given probability.</summary>
    public static bool Chance(this RandomSource random, float probability) => random.NextFloat() < probability;

    /// <summary>Bell-shaped with mean 0 and standard deviation 1, within 3.47: the sum of four uniforms (Irwin-Hall), which needs no logarithm.</summary>
    public static float Bell(this RandomSource random)
    {
        ulong bits = random.NextBits();
        int sum = (int)(bits & 0xFFFF) + (int)((bits >> 16) & 0xFFFF) + (int)((bits >> 32) & 0xFFFF) + (int)(bits >> 48);
        return (sum - 131_070) * (1.7320508f / 65_536f);
    }
}
