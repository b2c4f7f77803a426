using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vitrine.Cpu;

/// <summary>The register tile with 512-bit vectors: up to 12 rows of two vectors, 24 sums in registers.</summary>
/// <remarks>
/// One text for every height: the row count, the number of vectors and whether the last vector is partial are type arguments, so that the
/// compiler drops the branches and variables a height does not use. Four row pointers (or two) and two multiples of the row stride reach
/// all rows of A, packed or not, without more address registers than there are.
/// </remarks>
internal static unsafe class TileAvx512
{
    public static void Run(Tile* t)
    {
        if (t->OffsetsA != null) Columns<N2>(t);
        else if (t->OffsetsB != null) Columns<N1>(t);
        else Columns<N0>(t);
    }

    private static void Columns<TIndexed>(Tile* t)
        where TIndexed : struct, ICount
    {
        bool full = (t->Cols & 15) == 0;
        if (t->Paired)
        {
            if (full) Height<N2, N0, TIndexed>(t);
            else Height<N2, N2, TIndexed>(t);
        }
        else if (t->Cols > 16)
        {
            if (full) Height<N2, N0, TIndexed>(t);
            else Height<N2, N1, TIndexed>(t);
        }
        else
        {
            if (full) Height<N1, N0, TIndexed>(t);
            else Height<N1, N1, TIndexed>(t);
        }
    }

    private static void Height<TVectors, TMasked, TIndexed>(Tile* t)
        where TVectors : struct, ICount
        where TMasked : struct, ICount
        where TIndexed : struct, ICount
    {
        switch (t->Rows)
        {
            case 1: Kernel<N1, TVectors, TMasked, TIndexed>(t); break;
            case 2: Kernel<N2, TVectors, TMasked, TIndexed>(t); break;
            case 3: Kernel<N3, TVectors, TMasked, TIndexed>(t); break;
            case 4: Kernel<N4, TVectors, TMasked, TIndexed>(t); break;
            case 5: Kernel<N5, TVectors, TMasked, TIndexed>(t); break;
            case 6: Kernel<N6, TVectors, TMasked, TIndexed>(t); break;
            case 7: Kernel<N7, TVectors, TMasked, TIndexed>(t); break;
            case 8: Kernel<N8, TVectors, TMasked, TIndexed>(t); break;
            case 9: Kernel<N9, TVectors, TMasked, TIndexed>(t); break;
            case 10: Kernel<N10, TVectors, TMasked, TIndexed>(t); break;
            case 11: Kernel<N11, TVectors, TMasked, TIndexed>(t); break;
            case 12: Kernel<N12, TVectors, TMasked, TIndexed>(t); break;
            default: throw new InvalidOperationException("A register tile cannot have " + t->Rows + " rows.");
        }
    }

    // TMasked counts the vectors that are partial, from the last; TIndexed is 1 when rows of B and 2 when steps of A are found by a table.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Kernel<TRows, TVectors, TMasked, TIndexed>(Tile* t)
        where TRows : struct, ICount
        where TVectors : struct, ICount
        where TMasked : struct, ICount
        where TIndexed : struct, ICount
    {
        Vector512<float> mask = default;
        if (TMasked.Value > 0) mask = Vector512.GreaterThan(Vector512.Create((float)(t->Cols & 15)), Vector512.CreateSequence(0f, 1f));
        byte* a0 = (byte*)t->A;
        nint row = t->ARow * sizeof(float);
        byte* a3 = a0 + 3 * row;
        byte* a6 = a0 + 6 * row;
        byte* a9 = a0 + 9 * row;
        nint step = t->AStep * sizeof(float);
        float* b = t->B;
        nint bStep = t->BStep, second = t->SecondB, k = t->K;
        nint* offsets = TIndexed.Value == 1 ? t->OffsetsB : t->OffsetsA;
        byte* start = a0;
        float* bStart = b;
        if (TIndexed.Value == 0 && k >= 64)
        {
            // By the time the sums are done, the lines they go to are here.
            float* line = t->C;
            for (int i = 0; i < TRows.Value; i++, line += t->CRow)
            {
                Sse.Prefetch0(line);
                if (TVectors.Value == 2) Sse.Prefetch0(line + t->SecondC);
            }
        }
        Vector512<float> c0x0 = Vector512<float>.Zero, c0x1 = Vector512<float>.Zero;
        Vector512<float> c1x0 = Vector512<float>.Zero, c1x1 = Vector512<float>.Zero;
        Vector512<float> c2x0 = Vector512<float>.Zero, c2x1 = Vector512<float>.Zero;
        Vector512<float> c3x0 = Vector512<float>.Zero, c3x1 = Vector512<float>.Zero;
        Vector512<float> c4x0 = Vector512<float>.Zero, c4x1 = Vector512<float>.Zero;
        Vector512<float> c5x0 = Vector512<float>.Zero, c5x1 = Vector512<float>.Zero;
        Vector512<float> c6x0 = Vector512<float>.Zero, c6x1 = Vector512<float>.Zero;
        Vector512<float> c7x0 = Vector512<float>.Zero, c7x1 = Vector512<float>.Zero;
        Vector512<float> c8x0 = Vector512<float>.Zero, c8x1 = Vector512<float>.Zero;
        Vector512<float> c9x0 = Vector512<float>.Zero, c9x1 = Vector512<float>.Zero;
        Vector512<float> c10x0 = Vector512<float>.Zero, c10x1 = Vector512<float>.Zero;
        Vector512<float> c11x0 = Vector512<float>.Zero, c11x1 = Vector512<float>.Zero;
        Vector512<float> b1 = default;
        for (nint p = 0; p < k; p++)
        {
            if (TIndexed.Value == 1) b = bStart + offsets[p];
            if (TIndexed.Value == 2)
            {
                a0 = start + offsets[p] * sizeof(float);
                if (TRows.Value > 3) a3 = a0 + 3 * row;
                if (TRows.Value > 6) a6 = a0 + 6 * row;
                if (TRows.Value > 9) a9 = a0 + 9 * row;
            }
            Vector512<float> b0 = TVectors.Value == TMasked.Value ? Avx512F.MaskLoad(b, mask, Vector512<float>.Zero) : Vector512.Load(b);
            if (TVectors.Value == 2) b1 = TMasked.Value > 0 ? Avx512F.MaskLoad(b + second, mask, Vector512<float>.Zero) : Vector512.Load(b + second);
            if (TIndexed.Value != 1) b += bStep;
            Vector512<float> x;
            x = Vector512.Create(*(float*)a0);
            c0x0 = Avx512F.FusedMultiplyAdd(x, b0, c0x0);
            if (TVectors.Value == 2) c0x1 = Avx512F.FusedMultiplyAdd(x, b1, c0x1);
            if (TRows.Value > 1)
            {
                x = Vector512.Create(*(float*)(a0 + row));
                c1x0 = Avx512F.FusedMultiplyAdd(x, b0, c1x0);
                if (TVectors.Value == 2) c1x1 = Avx512F.FusedMultiplyAdd(x, b1, c1x1);
            }
            if (TRows.Value > 2)
            {
                x = Vector512.Create(*(float*)(a0 + 2 * row));
                c2x0 = Avx512F.FusedMultiplyAdd(x, b0, c2x0);
                if (TVectors.Value == 2) c2x1 = Avx512F.FusedMultiplyAdd(x, b1, c2x1);
            }
            if (TRows.Value > 3)
            {
                x = Vector512.Create(*(float*)a3);
                c3x0 = Avx512F.FusedMultiplyAdd(x, b0, c3x0);
                if (TVectors.Value == 2) c3x1 = Avx512F.FusedMultiplyAdd(x, b1, c3x1);
            }
            if (TRows.Value > 4)
            {
                x = Vector512.Create(*(float*)(a3 + row));
                c4x0 = Avx512F.FusedMultiplyAdd(x, b0, c4x0);
                if (TVectors.Value == 2) c4x1 = Avx512F.FusedMultiplyAdd(x, b1, c4x1);
            }
            if (TRows.Value > 5)
            {
                x = Vector512.Create(*(float*)(a3 + 2 * row));
                c5x0 = Avx512F.FusedMultiplyAdd(x, b0, c5x0);
                if (TVectors.Value == 2) c5x1 = Avx512F.FusedMultiplyAdd(x, b1, c5x1);
            }
            if (TRows.Value > 6)
            {
                x = Vector512.Create(*(float*)a6);
                c6x0 = Avx512F.FusedMultiplyAdd(x, b0, c6x0);
                if (TVectors.Value == 2) c6x1 = Avx512F.FusedMultiplyAdd(x, b1, c6x1);
            }
            if (TRows.Value > 7)
            {
                x = Vector512.Create(*(float*)(a6 + row));
                c7x0 = Avx512F.FusedMultiplyAdd(x, b0, c7x0);
                if (TVectors.Value == 2) c7x1 = Avx512F.FusedMultiplyAdd(x, b1, c7x1);
            }
            if (TRows.Value > 8)
            {
                x = Vector512.Create(*(float*)(a6 + 2 * row));
                c8x0 = Avx512F.FusedMultiplyAdd(x, b0, c8x0);
                if (TVectors.Value == 2) c8x1 = Avx512F.FusedMultiplyAdd(x, b1, c8x1);
            }
            if (TRows.Value > 9)
            {
                x = Vector512.Create(*(float*)a9);
                c9x0 = Avx512F.FusedMultiplyAdd(x, b0, c9x0);
                if (TVectors.Value == 2) c9x1 = Avx512F.FusedMultiplyAdd(x, b1, c9x1);
            }
            if (TRows.Value > 10)
            {
                x = Vector512.Create(*(float*)(a9 + row));
                c10x0 = Avx512F.FusedMultiplyAdd(x, b0, c10x0);
                if (TVectors.Value == 2) c10x1 = Avx512F.FusedMultiplyAdd(x, b1, c10x1);
            }
            if (TRows.Value > 11)
            {
                x = Vector512.Create(*(float*)(a9 + 2 * row));
                c11x0 = Avx512F.FusedMultiplyAdd(x, b0, c11x0);
                if (TVectors.Value == 2) c11x1 = Avx512F.FusedMultiplyAdd(x, b1, c11x1);
            }
            if (TIndexed.Value != 2) a0 += step;
            if (TIndexed.Value != 2 && TRows.Value > 3) a3 += step;
            if (TIndexed.Value != 2 && TRows.Value > 6) a6 += step;
            if (TIndexed.Value != 2 && TRows.Value > 9) a9 += step;
        }
        float* c = t->C;
        nint cRow = t->CRow;
        Store<TVectors, TMasked>(t, 0, c, c0x0, c0x1, mask);
        if (TRows.Value > 1)
            Store<TVectors, TMasked>(t, 1, c + cRow, c1x0, c1x1, mask);
        if (TRows.Value > 2)
            Store<TVectors, TMasked>(t, 2, c + 2 * cRow, c2x0, c2x1, mask);
        if (TRows.Value > 3)
            Store<TVectors, TMasked>(t, 3, c + 3 * cRow, c3x0, c3x1, mask);
        if (TRows.Value > 4)
            Store<TVectors, TMasked>(t, 4, c + 4 * cRow, c4x0, c4x1, mask);
        if (TRows.Value > 5)
            Store<TVectors, TMasked>(t, 5, c + 5 * cRow, c5x0, c5x1, mask);
        if (TRows.Value > 6)
            Store<TVectors, TMasked>(t, 6, c + 6 * cRow, c6x0, c6x1, mask);
        if (TRows.Value > 7)
            Store<TVectors, TMasked>(t, 7, c + 7 * cRow, c7x0, c7x1, mask);
        if (TRows.Value > 8)
            Store<TVectors, TMasked>(t, 8, c + 8 * cRow, c8x0, c8x1, mask);
        if (TRows.Value > 9)
            Store<TVectors, TMasked>(t, 9, c + 9 * cRow, c9x0, c9x1, mask);
        if (TRows.Value > 10)
            Store<TVectors, TMasked>(t, 10, c + 10 * cRow, c10x0, c10x1, mask);
        if (TRows.Value > 11)
            Store<TVectors, TMasked>(t, 11, c + 11 * cRow, c11x0, c11x1, mask);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TVectors, TMasked>(Tile* t, int i, float* c, Vector512<float> x0, Vector512<float> x1, Vector512<float> mask)
        where TVectors : struct, ICount
        where TMasked : struct, ICount
    {
        bool part0 = TVectors.Value == TMasked.Value, part1 = TMasked.Value > 0;
        float* d = c + t->SecondC;
        if (t->Accumulate)
        {
            x0 += part0 ? Avx512F.MaskLoad(c, mask, Vector512<float>.Zero) : Vector512.Load(c);
            if (TVectors.Value == 2) x1 += part1 ? Avx512F.MaskLoad(d, mask, Vector512<float>.Zero) : Vector512.Load(d);
        }
        if (t->ColumnBias != null)
        {
            float* bias = t->ColumnBias;
            x0 += part0 ? Avx512F.MaskLoad(bias, mask, Vector512<float>.Zero) : Vector512.Load(bias);
            if (TVectors.Value == 2) x1 += part1 ? Avx512F.MaskLoad(bias + 16, mask, Vector512<float>.Zero) : Vector512.Load(bias + 16);
        }
        if (t->RowBias != null)
        {
            Vector512<float> bias = Vector512.Create(t->RowBias[i]);
            x0 += bias;
            x1 += bias;
        }
        if (t->Relu)
        {
            x0 = Vector512.Max(x0, Vector512<float>.Zero);
            x1 = Vector512.Max(x1, Vector512<float>.Zero);
        }
        if (part0) Avx512F.MaskStore(c, mask, x0);
        else x0.Store(c);
        if (TVectors.Value == 1) return;
        if (part1) Avx512F.MaskStore(d, mask, x1);
        else x1.Store(d);
    }
}
