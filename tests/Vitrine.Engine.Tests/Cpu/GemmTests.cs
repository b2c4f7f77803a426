using Vitrine.Cpu;

namespace Vitrine.Engine.Tests.Cpu;

/// <summary>Products against the definition in double precision.</summary>
[Collection("Parallel.Threads")] // a process-wide setting: not at the same time
public sealed unsafe class GemmTests
{
    private static readonly int[][] Shapes =
    [
        [1, 1, 1], [1, 1, 7], [2, 3, 4], [12, 32, 8], [13, 33, 9], [5, 16, 3], [7, 17, 31], [11, 15, 2], [24, 64, 100], [25, 65, 101], [1, 100, 50], [100, 1, 50],
        [1, 1, 1000], [3, 1, 700], [1, 5, 333], [64, 120, 400], [64, 84, 120], [64, 10, 84], [400, 120, 64], [10, 84, 64], [2, 2, 2049], [129, 130, 131], [6, 784, 25],
        [16, 100, 150], [97, 193, 645], [1, 4100, 40], [300, 300, 1], [0, 5, 5], [5, 0, 5], [5, 6, 0], [1, 1, 0], [4000, 9, 17], [2, 400, 1000], [31, 4, 40], [256, 256, 256],
        [1, 1200, 301], [3, 2047, 70], [2, 257, 1001],
    ];

    public static TheoryData<int, int, int> AllShapes()
    {
        TheoryData<int, int, int> data = [];
        foreach (int[] s in Shapes) data.Add(s[0], s[1], s[2]);
        return data;
    }

    [Theory]
    [MemberData(nameof(AllShapes))]
    public void EqualsTheDefinition(int m, int n, int k)
    {
        for (int flags = 0; flags < 16; flags++) Check((flags & 1) != 0, (flags & 2) != 0, m, n, k, (flags & 4) != 0, (flags & 8) != 0);
    }

    [Theory]
    [InlineData(1, 3, 5, 7)]
    [InlineData(8, 16, 16, 16)]
    [InlineData(5, 13, 37, 29)]
    [InlineData(3, 130, 140, 150)]
    [InlineData(0, 3, 3, 3)]
    [InlineData(4, 2, 3, 0)]
    [InlineData(2, 512, 256, 512)]
    public void BatchedIsManyProducts(int batch, int m, int n, int k)
    {
        for (int flags = 0; flags < 16; flags++)
        {
            bool transA = (flags & 1) != 0, transB = (flags & 2) != 0, shareB = (flags & 4) != 0, accumulate = (flags & 8) != 0;
            int lda = (transA ? m : k) + 1, ldb = (transB ? k : n) + 2, ldc = n + 3;
            int sizeA = (transA ? k : m) * lda, sizeB = (transB ? n : k) * ldb, sizeC = m * ldc;
            using Native a = Native.Normal(batch * sizeA, 1), b = Native.Normal(shareB ? sizeB : batch * sizeB, 2), start = Native.Normal(batch * sizeC, 3);
            using Native c = new(batch * sizeC);
            Native.SameOnAnyThreads(c, () =>
            {
                start.Span.CopyTo(c.Span);
                Gemm.Batched(
                    batch, transA, transB, m, n, k, a.Pointer, lda, sizeA, b.Pointer, ldb, shareB ? 0 : sizeB, c.Pointer, ldc, sizeC, accumulate);
            });
            double[] expected = [.. start.Span.ToArray().Select(v => (double)v)];
            for (int i = 0; i < batch; i++)
                Reference(transA, transB, m, n, k, a.Pointer + i * sizeA, lda, b.Pointer + (shareB ? 0 : i * sizeB), ldb, expected.AsSpan(i * sizeC), ldc, accumulate, null);
            c.ShouldBe(expected, k, $"batch {batch} {m}x{n}x{k} flags {flags}");
        }
    }

    private static void Check(bool transA, bool transB, int m, int n, int k, bool accumulate, bool bias)
    {
        // Rows longer than needed: what lies between must neither be read into results nor written.
        int lda = (transA ? m : k) + 3, ldb = (transB ? k : n) + 5, ldc = n + 2;
        using Native a = Native.Normal((transA ? k : m) * lda, 1), b = Native.Normal((transB ? n : k) * ldb, 2), start = Native.Normal(m * ldc, 3);
        using Native columns = Native.Normal(n, 4), c = new(m * ldc);
        float* columnBias = bias ? columns.Pointer : null;
        Native.SameOnAnyThreads(c, () =>
        {
            start.Span.CopyTo(c.Span);
            Gemm.Run(transA, transB, m, n, k, a.Pointer, lda, b.Pointer, ldb, c.Pointer, ldc, accumulate, bias ? columns.Pointer : null);
        });
        double[] expected = [.. start.Span.ToArray().Select(v => (double)v)];
        Reference(transA, transB, m, n, k, a.Pointer, lda, b.Pointer, ldb, expected, ldc, accumulate, columnBias);
        c.ShouldBe(expected, k, $"{m}x{n}x{k} transA {transA} transB {transB} accumulate {accumulate} bias {bias}");
    }

    private static void Reference(
        bool transA, bool transB, int m, int n, int k, float* a, int lda, float* b, int ldb, Span<double> c, int ldc, bool accumulate, float* bias)
    {
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double sum = accumulate ? c[i * ldc + j] : 0;
                if (bias != null) sum += bias[j];
                for (int p = 0; p < k; p++) sum += (double)a[transA ? p * lda + i : i * lda + p] * b[transB ? j * ldb + p : p * ldb + j];
                c[i * ldc + j] = sum;
            }
        }
    }
}
