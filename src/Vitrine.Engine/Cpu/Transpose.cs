using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vitrine.Cpu;

/// <summary>Copies of small matrices, as they stand or transposed; the work of packing.</summary>
internal static unsafe class Transpose
{
    /// <summary>target[c * targetRow + r] = source[r * sourceRow + c] for r below <paramref name="rows"/> and c below <paramref name="cols"/>.</summary>
    public static void Run(float* source, nint sourceRow, int rows, int cols, float* target, nint targetRow)
    {
        int r = 0;
        if (Avx512F.IsSupported && Vector512.IsHardwareAccelerated)
        {
            for (; r < rows; r += 16)
            {
                int high = Math.Min(16, rows - r);
                for (int c = 0; c < cols; c += 16)
                    Block16(source + r * sourceRow + c, sourceRow, high, Math.Min(16, cols - c), target + c * targetRow + r, targetRow);
            }
            return;
        }
        if (Avx.IsSupported)
        {
            for (; r + 8 <= rows; r += 8)
            {
                int c = 0;
                for (; c + 8 <= cols; c += 8) Block8(source + r * sourceRow + c, sourceRow, target + c * targetRow + r, targetRow);
                Plain(source + r * sourceRow + c, sourceRow, 8, cols - c, target + c * targetRow + r, targetRow);
            }
        }
        Plain(source + r * sourceRow, sourceRow, rows - r, cols, target + r, targetRow);
    }

    /// <summary>target[r * targetRow + c] = source[r * sourceRow + c].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(float* source, nint sourceRow, int rows, int cols, float* target, nint targetRow)
    {
        if (Vector512.IsHardwareAccelerated && Avx512F.IsSupported && cols <= 32)
        {
            Vector512<float> zero = Vector512<float>.Zero;
            Vector512<float> mask0 = Mask(Math.Min(cols, 16)), mask1 = Mask(cols - 16);
            if (cols == 32)
            {
                for (int r = 0; r < rows; r++, source += sourceRow, target += targetRow)
                {
                    Vector512.Load(source).Store(target);
                    Vector512.Load(source + 16).Store(target + 16);
                }
            }
            else
            {
                for (int r = 0; r < rows; r++, source += sourceRow, target += targetRow)
                {
                    Avx512F.MaskStore(target, mask0, Avx512F.MaskLoad(source, mask0, zero));
                    if (cols > 16) Avx512F.MaskStore(target + 16, mask1, Avx512F.MaskLoad(source + 16, mask1, zero));
                }
            }
            return;
        }
        for (int r = 0; r < rows; r++) new ReadOnlySpan<float>(source + r * sourceRow, cols).CopyTo(new Span<float>(target + r * targetRow, cols));
    }

    private static Vector512<float> Mask(int count) => Vector512.GreaterThan(Vector512.Create((float)count), Vector512.CreateSequence(0f, 1f));

    private static void Plain(float* source, nint sourceRow, int rows, int cols, float* target, nint targetRow)
    {
        for (int c = 0; c < cols; c++)
        {
            float* s = source + c, t = target + c * targetRow;
            for (int r = 0; r < rows; r++)
            {
                t[r] = *s;
                s += sourceRow;
            }
        }
    }

    private static void Block8(float* s, nint n, float* t, nint m)
    {
        Vector256<float> a0 = Vector256.Load(s), a1 = Vector256.Load(s + n), a2 = Vector256.Load(s + 2 * n), a3 = Vector256.Load(s + 3 * n);
        Vector256<float> a4 = Vector256.Load(s + 4 * n), a5 = Vector256.Load(s + 5 * n), a6 = Vector256.Load(s + 6 * n), a7 = Vector256.Load(s + 7 * n);
        Vector256<float> b0 = Avx.UnpackLow(a0, a1), b1 = Avx.UnpackHigh(a0, a1), b2 = Avx.UnpackLow(a2, a3), b3 = Avx.UnpackHigh(a2, a3);
        Vector256<float> b4 = Avx.UnpackLow(a4, a5), b5 = Avx.UnpackHigh(a4, a5), b6 = Avx.UnpackLow(a6, a7), b7 = Avx.UnpackHigh(a6, a7);
        a0 = Avx.Shuffle(b0, b2, 0x44);
        a1 = Avx.Shuffle(b0, b2, 0xEE);
        a2 = Avx.Shuffle(b1, b3, 0x44);
        a3 = Avx.Shuffle(b1, b3, 0xEE);
        a4 = Avx.Shuffle(b4, b6, 0x44);
        a5 = Avx.Shuffle(b4, b6, 0xEE);
        a6 = Avx.Shuffle(b5, b7, 0x44);
        a7 = Avx.Shuffle(b5, b7, 0xEE);
        Avx.Permute2x128(a0, a4, 0x20).Store(t);
        Avx.Permute2x128(a1, a5, 0x20).Store(t + m);
        Avx.Permute2x128(a2, a6, 0x20).Store(t + 2 * m);
        Avx.Permute2x128(a3, a7, 0x20).Store(t + 3 * m);
        Avx.Permute2x128(a0, a4, 0x31).Store(t + 4 * m);
        Avx.Permute2x128(a1, a5, 0x31).Store(t + 5 * m);
        Avx.Permute2x128(a2, a6, 0x31).Store(t + 6 * m);
        Avx.Permute2x128(a3, a7, 0x31).Store(t + 7 * m);
    }

    // Up to 16 by 16: rows that are not there are read as zero, and only what is asked for is written.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block16(float* s, nint n, int rows, int cols, float* t, nint m)
    {
        Vector512<float> a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15;
        Vector512<float> zero = Vector512<float>.Zero;
        if (rows == 16 && cols == 16)
        {
            a0 = Vector512.Load(s);
            a1 = Vector512.Load(s + n);
            a2 = Vector512.Load(s + 2 * n);
            a3 = Vector512.Load(s + 3 * n);
            a4 = Vector512.Load(s + 4 * n);
            a5 = Vector512.Load(s + 5 * n);
            a6 = Vector512.Load(s + 6 * n);
            a7 = Vector512.Load(s + 7 * n);
            a8 = Vector512.Load(s + 8 * n);
            a9 = Vector512.Load(s + 9 * n);
            a10 = Vector512.Load(s + 10 * n);
            a11 = Vector512.Load(s + 11 * n);
            a12 = Vector512.Load(s + 12 * n);
            a13 = Vector512.Load(s + 13 * n);
            a14 = Vector512.Load(s + 14 * n);
            a15 = Vector512.Load(s + 15 * n);
        }
        else
        {
            Vector512<float> read = Mask(cols);
            a0 = Avx512F.MaskLoad(s, read, zero);
            a1 = rows <= 1 ? zero : Avx512F.MaskLoad(s + n, read, zero);
            a2 = rows <= 2 ? zero : Avx512F.MaskLoad(s + 2 * n, read, zero);
            a3 = rows <= 3 ? zero : Avx512F.MaskLoad(s + 3 * n, read, zero);
            a4 = rows <= 4 ? zero : Avx512F.MaskLoad(s + 4 * n, read, zero);
            a5 = rows <= 5 ? zero : Avx512F.MaskLoad(s + 5 * n, read, zero);
            a6 = rows <= 6 ? zero : Avx512F.MaskLoad(s + 6 * n, read, zero);
            a7 = rows <= 7 ? zero : Avx512F.MaskLoad(s + 7 * n, read, zero);
            a8 = rows <= 8 ? zero : Avx512F.MaskLoad(s + 8 * n, read, zero);
            a9 = rows <= 9 ? zero : Avx512F.MaskLoad(s + 9 * n, read, zero);
            a10 = rows <= 10 ? zero : Avx512F.MaskLoad(s + 10 * n, read, zero);
            a11 = rows <= 11 ? zero : Avx512F.MaskLoad(s + 11 * n, read, zero);
            a12 = rows <= 12 ? zero : Avx512F.MaskLoad(s + 12 * n, read, zero);
            a13 = rows <= 13 ? zero : Avx512F.MaskLoad(s + 13 * n, read, zero);
            a14 = rows <= 14 ? zero : Avx512F.MaskLoad(s + 14 * n, read, zero);
            a15 = rows <= 15 ? zero : Avx512F.MaskLoad(s + 15 * n, read, zero);
        }
        Vector512<float> b0 = Avx512F.UnpackLow(a0, a1), b1 = Avx512F.UnpackHigh(a0, a1);
        Vector512<float> b2 = Avx512F.UnpackLow(a2, a3), b3 = Avx512F.UnpackHigh(a2, a3);
        Vector512<float> b4 = Avx512F.UnpackLow(a4, a5), b5 = Avx512F.UnpackHigh(a4, a5);
        Vector512<float> b6 = Avx512F.UnpackLow(a6, a7), b7 = Avx512F.UnpackHigh(a6, a7);
        Vector512<float> b8 = Avx512F.UnpackLow(a8, a9), b9 = Avx512F.UnpackHigh(a8, a9);
        Vector512<float> b10 = Avx512F.UnpackLow(a10, a11), b11 = Avx512F.UnpackHigh(a10, a11);
        Vector512<float> b12 = Avx512F.UnpackLow(a12, a13), b13 = Avx512F.UnpackHigh(a12, a13);
        Vector512<float> b14 = Avx512F.UnpackLow(a14, a15), b15 = Avx512F.UnpackHigh(a14, a15);
        a0 = Avx512F.Shuffle(b0, b2, 0x44);
        a1 = Avx512F.Shuffle(b0, b2, 0xEE);
        a2 = Avx512F.Shuffle(b1, b3, 0x44);
        a3 = Avx512F.Shuffle(b1, b3, 0xEE);
        a4 = Avx512F.Shuffle(b4, b6, 0x44);
        a5 = Avx512F.Shuffle(b4, b6, 0xEE);
        a6 = Avx512F.Shuffle(b5, b7, 0x44);
        a7 = Avx512F.Shuffle(b5, b7, 0xEE);
        a8 = Avx512F.Shuffle(b8, b10, 0x44);
        a9 = Avx512F.Shuffle(b8, b10, 0xEE);
        a10 = Avx512F.Shuffle(b9, b11, 0x44);
        a11 = Avx512F.Shuffle(b9, b11, 0xEE);
        a12 = Avx512F.Shuffle(b12, b14, 0x44);
        a13 = Avx512F.Shuffle(b12, b14, 0xEE);
        a14 = Avx512F.Shuffle(b13, b15, 0x44);
        a15 = Avx512F.Shuffle(b13, b15, 0xEE);
        b0 = Avx512F.Shuffle4x128(a0, a4, 0x88);
        b4 = Avx512F.Shuffle4x128(a0, a4, 0xDD);
        b8 = Avx512F.Shuffle4x128(a8, a12, 0x88);
        b12 = Avx512F.Shuffle4x128(a8, a12, 0xDD);
        b1 = Avx512F.Shuffle4x128(a1, a5, 0x88);
        b5 = Avx512F.Shuffle4x128(a1, a5, 0xDD);
        b9 = Avx512F.Shuffle4x128(a9, a13, 0x88);
        b13 = Avx512F.Shuffle4x128(a9, a13, 0xDD);
        b2 = Avx512F.Shuffle4x128(a2, a6, 0x88);
        b6 = Avx512F.Shuffle4x128(a2, a6, 0xDD);
        b10 = Avx512F.Shuffle4x128(a10, a14, 0x88);
        b14 = Avx512F.Shuffle4x128(a10, a14, 0xDD);
        b3 = Avx512F.Shuffle4x128(a3, a7, 0x88);
        b7 = Avx512F.Shuffle4x128(a3, a7, 0xDD);
        b11 = Avx512F.Shuffle4x128(a11, a15, 0x88);
        b15 = Avx512F.Shuffle4x128(a11, a15, 0xDD);
        a0 = Avx512F.Shuffle4x128(b0, b8, 0x88);
        a8 = Avx512F.Shuffle4x128(b0, b8, 0xDD);
        a4 = Avx512F.Shuffle4x128(b4, b12, 0x88);
        a12 = Avx512F.Shuffle4x128(b4, b12, 0xDD);
        a1 = Avx512F.Shuffle4x128(b1, b9, 0x88);
        a9 = Avx512F.Shuffle4x128(b1, b9, 0xDD);
        a5 = Avx512F.Shuffle4x128(b5, b13, 0x88);
        a13 = Avx512F.Shuffle4x128(b5, b13, 0xDD);
        a2 = Avx512F.Shuffle4x128(b2, b10, 0x88);
        a10 = Avx512F.Shuffle4x128(b2, b10, 0xDD);
        a6 = Avx512F.Shuffle4x128(b6, b14, 0x88);
        a14 = Avx512F.Shuffle4x128(b6, b14, 0xDD);
        a3 = Avx512F.Shuffle4x128(b3, b11, 0x88);
        a11 = Avx512F.Shuffle4x128(b3, b11, 0xDD);
        a7 = Avx512F.Shuffle4x128(b7, b15, 0x88);
        a15 = Avx512F.Shuffle4x128(b7, b15, 0xDD);
        if (rows == 16)
        {
            a0.Store(t);
            if (cols > 1) a1.Store(t + m);
            if (cols > 2) a2.Store(t + 2 * m);
            if (cols > 3) a3.Store(t + 3 * m);
            if (cols > 4) a4.Store(t + 4 * m);
            if (cols > 5) a5.Store(t + 5 * m);
            if (cols > 6) a6.Store(t + 6 * m);
            if (cols > 7) a7.Store(t + 7 * m);
            if (cols > 8) a8.Store(t + 8 * m);
            if (cols > 9) a9.Store(t + 9 * m);
            if (cols > 10) a10.Store(t + 10 * m);
            if (cols > 11) a11.Store(t + 11 * m);
            if (cols > 12) a12.Store(t + 12 * m);
            if (cols > 13) a13.Store(t + 13 * m);
            if (cols > 14) a14.Store(t + 14 * m);
            if (cols > 15) a15.Store(t + 15 * m);
        }
        else
        {
            Vector512<float> written = Mask(rows);
            Avx512F.MaskStore(t, written, a0);
            if (cols > 1) Avx512F.MaskStore(t + m, written, a1);
            if (cols > 2) Avx512F.MaskStore(t + 2 * m, written, a2);
            if (cols > 3) Avx512F.MaskStore(t + 3 * m, written, a3);
            if (cols > 4) Avx512F.MaskStore(t + 4 * m, written, a4);
            if (cols > 5) Avx512F.MaskStore(t + 5 * m, written, a5);
            if (cols > 6) Avx512F.MaskStore(t + 6 * m, written, a6);
            if (cols > 7) Avx512F.MaskStore(t + 7 * m, written, a7);
            if (cols > 8) Avx512F.MaskStore(t + 8 * m, written, a8);
            if (cols > 9) Avx512F.MaskStore(t + 9 * m, written, a9);
            if (cols > 10) Avx512F.MaskStore(t + 10 * m, written, a10);
            if (cols > 11) Avx512F.MaskStore(t + 11 * m, written, a11);
            if (cols > 12) Avx512F.MaskStore(t + 12 * m, written, a12);
            if (cols > 13) Avx512F.MaskStore(t + 13 * m, written, a13);
            if (cols > 14) Avx512F.MaskStore(t + 14 * m, written, a14);
            if (cols > 15) Avx512F.MaskStore(t + 15 * m, written, a15);
        }
    }
}
