using System.Runtime.Intrinsics;

namespace Vitrine.Cpu;

/// <summary>The register tile with 128-bit vectors and no fused multiply-add: 4 rows of 8, and plain loops at the edges.</summary>
internal static unsafe class TilePortable
{
    private const int Rows = 4;
    private const int Width = 8;

    public static void Run(Tile* t)
    {
        if (!Vector128.IsHardwareAccelerated || t->Rows < Rows || t->Cols < Width || t->Paired || t->OffsetsA != null || t->OffsetsB != null) Edge(t);
        else Full(t);
    }

    private static void Full(Tile* t)
    {
        float* a = t->A, b = t->B;
        nint row = t->ARow;
        Vector128<float> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default;
        for (int p = t->K; p > 0; p--)
        {
            Vector128<float> b0 = Vector128.Load(b), b1 = Vector128.Load(b + 4);
            Vector128<float> x = Vector128.Create(a[0]);
            c00 += x * b0;
            c01 += x * b1;
            x = Vector128.Create(a[row]);
            c10 += x * b0;
            c11 += x * b1;
            x = Vector128.Create(a[2 * row]);
            c20 += x * b0;
            c21 += x * b1;
            x = Vector128.Create(a[3 * row]);
            c30 += x * b0;
            c31 += x * b1;
            a += t->AStep;
            b += t->BStep;
        }
        float* sums = stackalloc float[Rows * Width];
        c00.Store(sums);
        c01.Store(sums + 4);
        c10.Store(sums + 8);
        c11.Store(sums + 12);
        c20.Store(sums + 16);
        c21.Store(sums + 20);
        c30.Store(sums + 24);
        c31.Store(sums + 28);
        Store(t, sums);
    }

    private static void Edge(Tile* t)
    {
        float* sums = stackalloc float[Rows * Width];
        new Span<float>(sums, Rows * Width).Clear();
        int runs = t->Paired ? 2 : 1;
        for (int run = 0; run < runs; run++)
        {
            float* shifted = t->B + run * t->SecondB;
            float* target = sums + run * (Width / 2);
            for (int p = 0; p < t->K; p++)
            {
                float* a = t->A + (t->OffsetsA != null ? t->OffsetsA[p] : p * t->AStep);
                float* b = shifted + (t->OffsetsB != null ? t->OffsetsB[p] : p * t->BStep);
                for (int i = 0; i < t->Rows; i++)
                {
                    float x = a[i * t->ARow];
                    for (int j = 0; j < t->Cols; j++) target[i * Width + j] += x * b[j];
                }
            }
        }
        Store(t, sums);
    }

    private static void Store(Tile* t, float* sums)
    {
        int runs = t->Paired ? 2 : 1;
        for (int run = 0; run < runs; run++)
        {
            for (int i = 0; i < t->Rows; i++)
            {
                float* c = t->C + i * t->CRow + run * t->SecondC;
                for (int j = 0; j < t->Cols; j++)
                {
                    float x = sums[i * Width + run * (Width / 2) + j];
                    if (t->Accumulate) x += c[j];
                    if (t->ColumnBias != null) x += t->ColumnBias[j];
                    if (t->RowBias != null) x += t->RowBias[i];
                    c[j] = t->Relu ? Math.Max(x, 0) : x;
                }
            }
        }
    }
}
