using System.Runtime.InteropServices;
using Parallel = Vitrine.Cpu.Parallel;

namespace Vitrine.Engine.Tests.Cpu;

/// <summary>Unmanaged test data: random numbers, results, and what they are compared with.</summary>
internal sealed unsafe class Native : IDisposable
{
    public Native(int count)
    {
        Count = count;
        Pointer = (float*)NativeMemory.Alloc((nuint)Math.Max(1, count), sizeof(float));
        new Span<float>(Pointer, count).Fill(float.NaN);
    }

    public float* Pointer { get; }

    public int Count { get; }

    public Span<float> Span => new(Pointer, Count);

    public static Native Normal(int count, int seed)
    {
        Random random = new(seed);
        Native result = new(count);
        for (int i = 0; i < count; i++)
            result.Pointer[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return result;
    }

    /// <summary>Fails unless every number is within 1e-5 + 1e-4 |expected|, where 1e-5 grows with the size, sqrt(terms), that sums of many unit-normal products
    /// have.</summary>
    public void ShouldBe(double[] expected, double terms, string what)
    {
        Assert.Equal(expected.Length, Count);
        double slack = 1e-5 * Math.Max(1, Math.Sqrt(terms) / 2);
        for (int i = 0; i < Count; i++)
        {
            double error = Math.Abs(Pointer[i] - expected[i]);
            if (!(error <= slack + 1e-4 * Math.Abs(expected[i]))) Assert.Fail($"{what}: element {i} is {Pointer[i]}, should be {expected[i]}");
        }
    }

    public void Dispose() => NativeMemory.Free(Pointer);

    /// <summary>Runs with one thread, then with two and with three, and fails unless all give the same bytes.</summary>
    public static void SameOnAnyThreads(Native result, Action run)
    {
        int before = Parallel.Threads;
        try
        {
            Parallel.Threads = 1;
            run();
            float[] one = result.Span.ToArray();
            for (int threads = 2; threads <= 3; threads++)
            {
                result.Span.Fill(float.NaN);
                Parallel.Threads = threads;
                run();
                Assert.True(MemoryMarshal.AsBytes<float>(one).SequenceEqual(MemoryMarshal.AsBytes(result.Span)), "the result depends on the number of threads");
            }
        }
        finally
        {
            Parallel.Threads = before;
        }
    }
}
