using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vitrine.Bench;

/// <summary>
/// <c>peak</c>: how many multiply-adds of float32 the processor makes when it does nothing else: operands in registers, the widest vectors there are.
/// </summary>
internal static class Peak
{
    // Enough independent sums for two units of a latency of up to six cycles; with two operands they fit the registers of AVX-512 and, but for one, of AVX2.
    private const int Sums = 14;
    private const int Turns = 1_000_000;
    private const int Looks = 15;

    /// <summary>Prints the rate on one thread and on two.</summary>
    public static void Print()
    {
        Console.WriteLine($"vectors of {Width()} bits, float32, multiply-add counted as two operations");
        for (int threads = 1; threads <= 2; threads++)
        {
            string label = threads == 1 ? "1 thread:" : $"{threads} threads:";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{label,-10} {Gflops(threads),8:0.0} GFLOP/s"));
        }
    }

    /// <summary>The best rate of several looks, in GFLOP/s: a neighbour on the machine can only lower it.</summary>
    /// <param name="threads">How many threads compute at the same time.</param>
    public static double Gflops(int threads)
    {
        double best = 0;
        using var start = new Barrier(threads + 1);
        using var end = new Barrier(threads + 1);
        var workers = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            workers[i] = new Thread(() =>
            {
                for (int look = 0; look < Looks; look++)
                {
                    start.SignalAndWait();
                    Compute();
                    end.SignalAndWait();
                }
            });
            workers[i].Start();
        }
        for (int look = 0; look < Looks; look++)
        {
            long from = Stopwatch.GetTimestamp(); // before the workers can start: a late clock would flatter
            start.SignalAndWait();
            end.SignalAndWait();
            best = Math.Max(best, 2.0 * Sums * Turns * (Width() / 32) * threads / Stopwatch.GetElapsedTime(from).TotalSeconds / 1e9);
        }
        foreach (Thread worker in workers) worker.Join();
        return best;
    }

    private static int Width() => Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    private static float Compute()
    {
        if (Vector512.IsHardwareAccelerated) return Vector512.Sum(Loop<Vector512<float>, Wide512>());
        return Vector256.IsHardwareAccelerated ? Vector256.Sum(Loop<Vector256<float>, Wide256>()) : Vector128.Sum(Loop<Vector128<float>, Wide128>());
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T Loop<T, TWide>()
        where TWide : struct, IWide<T>
    {
        // Every sum converges to 2: no overflow, and nothing denormal, which some processors are slow with.
        T half = TWide.Fill(0.5f), one = TWide.Fill(1);
        T s0 = one, s1 = one, s2 = one, s3 = one, s4 = one, s5 = one, s6 = one, s7 = one, s8 = one, s9 = one, s10 = one, s11 = one, s12 = one, s13 = one;
        for (int i = 0; i < Turns; i++)
        {
            s0 = TWide.MultiplyAdd(s0, half, one);
            s1 = TWide.MultiplyAdd(s1, half, one);
            s2 = TWide.MultiplyAdd(s2, half, one);
            s3 = TWide.MultiplyAdd(s3, half, one);
            s4 = TWide.MultiplyAdd(s4, half, one);
            s5 = TWide.MultiplyAdd(s5, half, one);
            s6 = TWide.MultiplyAdd(s6, half, one);
            s7 = TWide.MultiplyAdd(s7, half, one);
            s8 = TWide.MultiplyAdd(s8, half, one);
            s9 = TWide.MultiplyAdd(s9, half, one);
            s10 = TWide.MultiplyAdd(s10, half, one);
            s11 = TWide.MultiplyAdd(s11, half, one);
            s12 = TWide.MultiplyAdd(s12, half, one);
            s13 = TWide.MultiplyAdd(s13, half, one);
        }
        // All sums must be used, or the compiler would leave them out.
        T left = TWide.MultiplyAdd(TWide.MultiplyAdd(TWide.MultiplyAdd(s0, s1, s2), s3, s4), s5, s6);
        return TWide.MultiplyAdd(TWide.MultiplyAdd(TWide.MultiplyAdd(TWide.MultiplyAdd(left, s7, s8), s9, s10), s11, s12), s13, one);
    }

    /// <summary>A vector of one width, so that one text serves all.</summary>
    private interface IWide<T>
    {
        static abstract T Fill(float value);

        static abstract T MultiplyAdd(T a, T b, T c);
    }

    private readonly struct Wide512 : IWide<Vector512<float>>
    {
        public static Vector512<float> Fill(float value) => Vector512.Create(value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);
    }

    private readonly struct Wide256 : IWide<Vector256<float>>
    {
        public static Vector256<float> Fill(float value) => Vector256.Create(value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);
    }

    private readonly struct Wide128 : IWide<Vector128<float>>
    {
        public static Vector128<float> Fill(float value) => Vector128.Create(value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.FusedMultiplyAdd(a, b, c);
    }
}
