using Vitrine.Cpu;

namespace Vitrine.Engine.Tests;

/// <summary>Random numbers are those of SplitMix64, wherever they are drawn.</summary>
public sealed class RandomSourceTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(40_003)] // several chunks
    public void UniformNumbersAreThoseOfTheFormula(int count)
    {
        float[] drawn = new RandomSource(11).Uniform([count]).ToArray();
        ulong key = new RandomSource(11).NextBits();
        for (int i = 0; i < count; i++) Assert.Equal(Formula(key, i), drawn[i]);
    }

    [Fact]
    public void FromAnyPositionOn()
    {
        float[] drawn = new float[45];
        RandomSource.Uniform(ulong.MaxValue - 3, 5_000_000_017, drawn);
        for (int i = 0; i < drawn.Length; i++) Assert.Equal(Formula(ulong.MaxValue - 3, 5_000_000_017 + i), drawn[i]);
        Assert.True(CpuDevice.Instance.Uniform([10_000], 3).ToArray().Average() is > 0.49f and < 0.51f);
    }

    private static float Formula(ulong key, long index)
    {
        ulong z = unchecked(key + (ulong)(index + 1) * 0x9E3779B97F4A7C15);
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return ((z ^ (z >> 31)) >> 40) / 16777216f;
    }
}
