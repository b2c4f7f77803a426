using System.Numerics;

namespace Vitrine;

/// <summary>
/// A stream of random numbers that is a function of a seed and a position, so that it can be saved, resumed and drawn from by any number of threads with
/// the same result. The generator is SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
/// </summary>
public sealed class RandomSource
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    /// <summary>Starts the stream of a seed at its beginning.</summary>
    public RandomSource(ulong seed) => Seed = seed;

    /// <summary>The seed of the stream.</summary>
    public ulong Seed { get; }

    /// <summary>How many draws were made; with <see cref="Seed"/> the whole state of the stream.</summary>
    public ulong Position { get; set; }

    /// <summary>A seed for an independent stream, from this stream's seed and a name, whatever was drawn before.</summary>
    public ulong Derive(string name)
    {
        // FNV-1a: a fixed hash, where string.GetHashCode changes with every process.
        ulong hash = 14695981039346656037;
        foreach (char c in name) hash = (hash ^ c) * 1099511628211;
        return Mix(Seed ^ Mix(hash));
    }

    /// <summary>A seed for the independent stream of a number.</summary>
    public ulong Derive(ulong number) => Mix(Mix(Seed) ^ (number * Golden + 1));

    /// <summary>64 random bits.</summary>
    public ulong NextBits() => Mix(Mix(Seed) + (++Position) * Golden);

    /// <summary>A uniform number in [0, 1), of 24 bits.</summary>
    public float NextFloat() => (NextBits() >> 40) * (1f / (1 << 24));

    /// <summary>A uniform integer in [0, <paramref name="bound"/>).</summary>
    public int NextInt(int bound) => (int)(((UInt128)NextBits() * (ulong)bound) >> 64);

    /// <summary>A standard normal number (Box and Muller 1958).</summary>
    public float NextNormal()
    {
        double u = ((NextBits() >> 11) + 1) * (1.0 / (1L << 53)), v = (NextBits() >> 11) * (1.0 / (1L << 53));
        return (float)(Math.Sqrt(-2 * Math.Log(u)) * Math.Cos(2 * Math.PI * v));
    }

    /// <summary>The numbers 0 to <paramref name="count"/> - 1 in random order (Fisher and Yates).</summary>
    public int[] Permutation(int count)
    {
        int[] order = new int[count];
        for (int i = 0; i < count; i++) order[i] = i;
        for (int i = count - 1; i > 0; i--)
        {
            int j = NextInt(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    /// <summary>A tensor of uniform numbers in [0, 1).</summary>
    public Tensor Uniform(Shape shape) => Cpu.CpuDevice.Instance.Uniform(shape, NextBits());

    /// <summary>A tensor of uniform numbers in [low, high).</summary>
    public Tensor Uniform(Shape shape, float low, float high)
    {
        Tensor tensor = Uniform(shape);
        foreach (ref float value in tensor.MutableFloats) value = low + (high - low) * value;
        return tensor;
    }

    /// <summary>A tensor of normal numbers.</summary>
    public Tensor Normal(Shape shape, float mean = 0, float deviation = 1)
    {
        Tensor tensor = Tensor.Uninitialized(shape);
        foreach (ref float value in tensor.MutableFloats) value = mean + deviation * NextNormal();
        return tensor;
    }

    /// <summary>The uniform numbers in [0, 1) of a key from a position on; each depends on the key and its position alone.</summary>
    internal static void Uniform(ulong key, long first, Span<float> numbers)
    {
        int i = 0, half = Vector<ulong>.Count;
        ulong at = key + (ulong)(first + 1) * Golden;
        Vector<ulong> low = new Vector<ulong>(at) + Vector<ulong>.Indices * Golden;
        for (; i <= numbers.Length - 2 * half; i += 2 * half)
        {
            Vector<ulong> high = low + new Vector<ulong>((ulong)half * Golden);
            // 24 bits fit a signed integer, which converts to a float in one instruction, and exactly.
            Vector<uint> bits = Vector.Narrow(Vector.ShiftRightLogical(Mix(low), 40), Vector.ShiftRightLogical(Mix(high), 40));
            (Vector.ConvertToSingle(Vector.AsVectorInt32(bits)) * (1f / (1 << 24))).CopyTo(numbers[i..]);
            low = high + new Vector<ulong>((ulong)half * Golden);
        }
        for (; i < numbers.Length; i++) numbers[i] = (Mix(at + (ulong)i * Golden) >> 40) * (1f / (1 << 24));
    }

    private static Vector<ulong> Mix(Vector<ulong> z)
    {
        z = (z ^ Vector.ShiftRightLogical(z, 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ Vector.ShiftRightLogical(z, 27)) * 0x94D049BB133111EB;
        return z ^ Vector.ShiftRightLogical(z, 31);
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
