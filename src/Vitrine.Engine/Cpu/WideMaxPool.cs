using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vitrine.Cpu;

/// <summary>
/// Maxima of windows of any size with a horizontal step of one or two, a vector of neighbouring windows at a time. The plane is first copied into a larger one
/// that is surrounded by minus infinity, so that no window needs to ask where the border is.
/// </summary>
internal static unsafe class WideMaxPool
{
    /// <summary>Whether the processor and the window allow it.</summary>
    public static bool Fits(in Window w) => Avx2.IsSupported && w.StrideW <= 2;

    /// <summary>Pools one plane.</summary>
    /// <param name="w">The window.</param>
    /// <param name="x">The plane, <paramref name="height"/> rows of <paramref name="width"/>.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="y">Receives the maxima.</param>
    /// <param name="positions">Receives where in the plane each stands: the first in reading order, or the last NaN.</param>
    public static void Plane(in Window w, float* x, int height, int width, float* y, int* positions)
    {
        int lanes = Avx512F.IsSupported ? 16 : 8;
        int vectors = (w.OutW + lanes - 1) / lanes;
        int rows = Math.Max((w.OutH - 1) * w.StrideH + (w.KernelH - 1) * w.DilationH + 1, height + w.PadH);
        int columns = Math.Max((vectors * lanes - 1) * w.StrideW + (w.KernelW - 1) * w.DilationW + 2, width + w.PadW) + lanes;
        float* padded = Scratch.Get(ScratchUse.Image, (long)rows * columns + 2L * vectors * lanes);
        new Span<float>(padded, rows * columns).Fill(float.NegativeInfinity);
        for (int h = 0; h < height; h++) new ReadOnlySpan<float>(x + h * width, width).CopyTo(new Span<float>(padded + (h + w.PadH) * columns + w.PadW, width));

        // Whole vectors go to a row of scratch; what belongs to the result is copied from there.
        float* best = padded + (long)rows * columns;
        int* at = (int*)best + vectors * lanes;
        for (int oh = 0; oh < w.OutH; oh++)
        {
            int top = oh * w.StrideH - w.PadH;
            float* from = padded + (top + w.PadH) * columns;
            for (int v = 0; v < vectors; v++)
            {
                if (Avx512F.IsSupported) Sixteen(w, from, columns, top, width, v * 16, best + v * 16, at + v * 16);
                else Eight(w, from, columns, top, width, v * 8, best + v * 8, at + v * 8);
            }
            new ReadOnlySpan<float>(best, w.OutW).CopyTo(new Span<float>(y + oh * w.OutW, w.OutW));
            new ReadOnlySpan<int>(at, w.OutW).CopyTo(new Span<int>(positions + oh * w.OutW, w.OutW));
        }
    }

    private static void Sixteen(in Window w, float* from, int columns, int top, int width, int first, float* y, int* positions)
    {
        Vector512<int> step = Vector512.CreateSequence(0, w.StrideW), left = step + Vector512.Create(first * w.StrideW - w.PadW);
        Vector512<int> even = Vector512.CreateSequence(0, 2);
        // A window of minus infinities points at its first element, which must lie inside the plane.
        Vector512<int> at = Vector512.Max(left, Vector512<int>.Zero) + Vector512.Create(Math.Max(top, 0) * width);
        Vector512<float> best = Vector512.Create(float.NegativeInfinity);
        for (int kh = 0; kh < w.KernelH; kh++)
        {
            float* row = from + kh * w.DilationH * columns + first * w.StrideW;
            Vector512<int> place = left + Vector512.Create((top + kh * w.DilationH) * width);
            for (int kw = 0; kw < w.KernelW; kw++)
            {
                float* p = row + kw * w.DilationW;
                Vector512<float> value = w.StrideW == 1 ? Vector512.Load(p) : Avx512F.PermuteVar16x32x2(Vector512.Load(p), even, Vector512.Load(p + 16));
                Vector512<float> better = Vector512.GreaterThan(value, best) | ~Vector512.Equals(value, value);
                best = Vector512.ConditionalSelect(better, value, best);
                at = Vector512.ConditionalSelect(better.AsInt32(), place + Vector512.Create(kw * w.DilationW), at);
            }
        }
        best.Store(y);
        at.Store(positions);
    }

    private static void Eight(in Window w, float* from, int columns, int top, int width, int first, float* y, int* positions)
    {
        Vector256<int> step = Vector256.CreateSequence(0, w.StrideW), left = step + Vector256.Create(first * w.StrideW - w.PadW);
        Vector256<int> order = Vector256.Create(0, 1, 4, 5, 2, 3, 6, 7);
        Vector256<int> at = Vector256.Max(left, Vector256<int>.Zero) + Vector256.Create(Math.Max(top, 0) * width);
        Vector256<float> best = Vector256.Create(float.NegativeInfinity);
        for (int kh = 0; kh < w.KernelH; kh++)
        {
            float* row = from + kh * w.DilationH * columns + first * w.StrideW;
            Vector256<int> place = left + Vector256.Create((top + kh * w.DilationH) * width);
            for (int kw = 0; kw < w.KernelW; kw++)
            {
                float* p = row + kw * w.DilationW;
                Vector256<float> value = w.StrideW == 1
                    ? Vector256.Load(p)
                    : Avx2.PermuteVar8x32(Avx.Shuffle(Vector256.Load(p), Vector256.Load(p + 8), 0b10_00_10_00), order);
                Vector256<float> better = Vector256.GreaterThan(value, best) | ~Vector256.Equals(value, value);
                best = Vector256.ConditionalSelect(better, value, best);
                at = Vector256.ConditionalSelect(better.AsInt32(), place + Vector256.Create(kw * w.DilationW), at);
            }
        }
        best.Store(y);
        at.Store(positions);
    }
}
