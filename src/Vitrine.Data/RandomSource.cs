namespace Vitrine.Data;

/// <summary>A stream of random numbers that depends only on (seed, stream, index): the same on every platform and for every number of threads.</summary>
/// <remarks>
/// xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018) with its state filled by splitmix64 (Steele, Lea and
/// Flood, "Fast splittable pseudorandom number generators", 2014). System.Random promises no sequence across versions, so it will not do here.
/// </remarks>
internal struct RandomSource
{
    private ulong _a, _b, _c, _d;

    public RandomSource(long seed, uint stream, long index)
    {
        // The key is mixed after each part, so that neighbouring seeds, streams and indices share nothing.
        ulong key = Mix((ulong)seed + 0x9E3779B97F4A7C15UL);
        key = Mix(key ^ (stream + 0x9E3779B97F4A7C15UL));
        key = Mix(key ^ ((ulong)index + 0x9E3779B97F4A7C15UL));
        _a = Mix(key += 0x9E3779B97F4A7C15UL);
        _b = Mix(key += 0x9E3779B97F4A7C15UL);
        _c = Mix(key += 0x9E3779B97F4A7C15UL);
        _d = Mix(key + 0x9E3779B97F4A7C15UL);
    }

    public ulong Next()
    {
        ulong result = ulong.RotateLeft(_b * 5, 7) * 9;
        ulong t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = ulong.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>Uniform in [0, 1), a multiple of 2^-24.</summary>
    public float Unit() => (Next() >> 40) * (1f / (1 << 24));

    /// <summary>Uniform between two values.</summary>
    public float Between(float low, float high) => low + ((high - low) * Unit());

    /// <summary>Bell-shaped with mean 0 and standard deviation 1, within 3.47: the sum of four uniforms (Irwin-Hall), which needs no logarithm.</summary>
    public float Bell()
    {
        ulong bits = Next();
        int sum = (int)(bits & 0xFFFF) + (int)((bits >> 16) & 0xFFFF) + (int)((bits >> 32) & 0xFFFF) + (int)(bits >> 48);
        return (sum - 131_070) * (1.7320508f / 65_536f);
    }

    /// <summary>Uniform in 0 .. <paramref name="count"/> - 1; the bias of the multiplication is below 2^-32.</summary>
    public int Below(int count) => (int)((Next() >> 32) * (ulong)count >> 32);

    public bool Chance(float probability) => Unit() < probability;

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
