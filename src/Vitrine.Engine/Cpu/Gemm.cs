using System.Numerics;

namespace Vitrine.Cpu;

/// <summary>Products of row-major matrices.</summary>
/// <remarks>
/// Sums over k are cut in blocks of a fixed length that are added in order, and every element of C is computed by one thread: the result
/// does not depend on the number of threads.
/// </remarks>
internal static unsafe class Gemm
{
    // A panel of B of this length (times Tile.Width) stays in the first-level cache while panels of A stream past it.
    private const int KBlock = 320;

    // Up to this many rows of A, products with rows of B cost less than turning B round.
    private const int MostDots = 3;

    private const int MBlock = 3840;
    private const int NBlock = 4096;

    // Columns of C that a row product keeps in the first-level cache while rows of B stream past.
    private const int RowColumns = 1024;

    // Multiply-adds that are worth handing to another thread.
    private const long ChunkWork = 128 * 1024;

    /// <summary>
    /// C[m,n] = op(A)[m,k] · op(B)[k,n], plus what C holds when <paramref name="accumulate"/>, plus <paramref name="columnBias"/>[n] when it is
    /// not null. Row strides are those of the matrices as stored. Each part of C that is done passes through <paramref name="chain"/> while it is in the cache.
    /// </summary>
    public static void Run(
        bool transA, bool transB, int m, int n, int k, float* a, int lda, float* b, int ldb, float* c, int ldc, bool accumulate, float* columnBias = null,
        Chained chain = default)
    {
        if (m <= 0 || n <= 0) return;
        if (n == 1 && transB)
        {
            // One row of B, stored: its elements are one column, one after another.
            transB = false;
            ldb = 1;
        }
        Product product = new()
        {
            M = m,
            N = n,
            K = Math.Max(k, 0),
            A = a,
            ARow = transA ? 1 : lda,
            AStep = transA ? lda : 1,
            B = b,
            Ldb = ldb,
            TransB = transB,
            C = c,
            Ldc = ldc,
            Accumulate = accumulate,
            ColumnBias = columnBias,
            Chain = chain,
        };
        if (k > 0 && !transB && m <= MostDots && n >= 256 && (long)n * k > 32 * 1024)
        {
            Parallel.For((n + RowColumns - 1) / RowColumns, (int)Math.Max(1, ChunkWork / ((long)m * k * RowColumns)), &RowBody, &product);
        }
        else if (k > 0 && transB && m <= MostDots && !transA) Parallel.For(n, (int)Math.Max(1, ChunkWork / ((long)m * k)), &DotBody, &product);
        else
        {
            // Tiles have a ReLU of their own.
            product.Relu = chain.Count == 1 && chain.Steps[0].Kind == Unary.Relu && chain.Y == c;
            if (product.Relu) product.Chain.Count = 0;
            if (k <= 0 || !transB && ((long)n * k <= 32 * 1024 || m <= Tile.MaxRows || n == 1)) Direct(&product);
            else Blocked(&product);
        }
    }

    /// <summary><paramref name="batch"/> products of one shape; strides are elements from one matrix to the next, 0 for a shared operand.</summary>
    public static void Batched(
        int batch, bool transA, bool transB, int m, int n, int k, float* a, int lda, long strideA, float* b, int ldb, long strideB,
        float* c, int ldc, long strideC, bool accumulate)
    {
        BatchContext context = new()
        {
            TransA = transA,
            TransB = transB,
            M = m,
            N = n,
            K = k,
            A = a,
            Lda = lda,
            StrideA = strideA,
            B = b,
            Ldb = ldb,
            StrideB = strideB,
            C = c,
            Ldc = ldc,
            StrideC = strideC,
            Accumulate = accumulate,
        };
        long work = (long)m * n * Math.Max(k, 1);
        // Large products share their own work; small ones are shared out whole.
        if (work >= 64 * ChunkWork || batch == 1) BatchBody(&context, 0, batch);
        else Parallel.For(batch, (int)Math.Max(1, ChunkWork / Math.Max(work, 1)), &BatchBody, &context);
    }

    private static void BatchBody(void* pointer, int start, int end)
    {
        BatchContext* x = (BatchContext*)pointer;
        for (int i = start; i < end; i++)
        {
            Run(
                x->TransA, x->TransB, x->M, x->N, x->K, x->A + i * x->StrideA, x->Lda, x->B + i * x->StrideB, x->Ldb, x->C + i * x->StrideC, x->Ldc,
                x->Accumulate);
        }
    }

    // Nothing is packed: B is small enough to stay in the cache as it is.
    private static void Direct(Product* x)
    {
        int rows = Tile.PanelRows(x->M);
        long work = (long)rows * x->N * Math.Max(x->K, 1);
        int panels = (x->M + rows - 1) / rows;
        if (panels > 1) Parallel.For(panels, (int)Math.Max(1, ChunkWork / work), &DirectBody, x);
        else Parallel.For((x->N + Tile.Width - 1) / Tile.Width, (int)Math.Max(1, ChunkWork * (x->N / Tile.Width + 1) / work), &DirectColumnsBody, x);
    }

    private static void DirectColumnsBody(void* pointer, int start, int end)
    {
        Product part = *(Product*)pointer;
        int first = start * Tile.Width;
        part.N = Math.Min(part.N, end * Tile.Width) - first;
        part.B += first;
        part.C += first;
        if (part.ColumnBias != null) part.ColumnBias += first;
        part.Chain.Y += first;
        DirectBody(&part, 0, 1);
    }

    /// <summary>Few rows of A times a large B: B is read once, row after row, and all that matters is that it is read in order.</summary>
    private static void RowBody(void* pointer, int start, int end)
    {
        Product* x = (Product*)pointer;
        for (int block = start; block < end; block++)
        {
            int first = block * RowColumns, n = Math.Min(RowColumns, x->N - first);
            for (int i = 0; i < x->M; i++)
            {
                float* c = x->C + (nint)i * x->Ldc + first, a = x->A + i * x->ARow;
                if (x->ColumnBias != null && x->Accumulate)
                    System.Numerics.Tensors.TensorPrimitives.Add(
                        new ReadOnlySpan<float>(c, n), new ReadOnlySpan<float>(x->ColumnBias + first, n), new Span<float>(c, n));
                else if (x->ColumnBias != null) new ReadOnlySpan<float>(x->ColumnBias + first, n).CopyTo(new Span<float>(c, n));
                else if (!x->Accumulate) new Span<float>(c, n).Clear();
            }
            int p = 0;
            for (; p <= x->K - 4; p += 4)
            {
                float* b = x->B + (nint)p * x->Ldb + first;
                for (int i = 0; i < x->M; i++) AddFourRows(x->C + (nint)i * x->Ldc + first, x->A + i * x->ARow + (nint)p * x->AStep, x->AStep, b, x->Ldb, n);
            }
            for (; p < x->K; p++)
            {
                float* b = x->B + (nint)p * x->Ldb + first;
                for (int i = 0; i < x->M; i++)
                {
                    float* c = x->C + (nint)i * x->Ldc + first;
                    float a = x->A[i * x->ARow + (nint)p * x->AStep];
                    for (int j = 0; j < n; j++) c[j] = MathF.FusedMultiplyAdd(a, b[j], c[j]);
                }
            }
            Finish(x, 0, x->M, first, first + n);
        }
    }

    private static void AddFourRows(float* c, float* a, nint step, float* b, nint ldb, int n)
    {
        float* b1 = b + ldb, b2 = b1 + ldb, b3 = b2 + ldb;
        float a0 = a[0], a1 = a[step], a2 = a[2 * step], a3 = a[3 * step];
        Vector<float> v0 = new(a0), v1 = new(a1), v2 = new(a2), v3 = new(a3);
        int j = 0;
        for (; j <= n - Vector<float>.Count; j += Vector<float>.Count)
        {
            Vector<float> sum = Vector.FusedMultiplyAdd(v0, Vector.Load(b + j), Vector.Load(c + j));
            sum = Vector.FusedMultiplyAdd(v1, Vector.Load(b1 + j), sum);
            sum = Vector.FusedMultiplyAdd(v2, Vector.Load(b2 + j), sum);
            Vector.FusedMultiplyAdd(v3, Vector.Load(b3 + j), sum).Store(c + j);
        }
        for (; j < n; j++)
        {
            float sum = MathF.FusedMultiplyAdd(a1, b1[j], MathF.FusedMultiplyAdd(a0, b[j], c[j]));
            c[j] = MathF.FusedMultiplyAdd(a3, b3[j], MathF.FusedMultiplyAdd(a2, b2[j], sum));
        }
    }

    private static void DotBody(void* pointer, int start, int end)
    {
        Product* x = (Product*)pointer;
        for (int j = start; j < end; j++)
        {
            ReadOnlySpan<float> row = new(x->B + (nint)j * x->Ldb, x->K);
            for (int i = 0; i < x->M; i++)
            {
                float* c = x->C + (nint)i * x->Ldc + j;
                float sum = System.Numerics.Tensors.TensorPrimitives.Dot(new ReadOnlySpan<float>(x->A + i * x->ARow, x->K), row);
                *c = (x->Accumulate ? *c : 0) + (x->ColumnBias == null ? 0 : x->ColumnBias[j]) + sum;
            }
        }
        Finish(x, 0, x->M, start, end);
    }

    private static void DirectBody(void* pointer, int start, int end)
    {
        Product* x = (Product*)pointer;
        int rows = Tile.PanelRows(x->M), width = Tile.Width;
        Tile t = new()
        {
            K = x->K,
            ARow = x->ARow,
            AStep = x->AStep,
            BStep = x->Ldb,
            CRow = x->Ldc,
            Accumulate = x->Accumulate,
            Relu = x->Relu,
        };
        for (int j = 0; j < x->N; j += width)
        {
            t.Cols = Math.Min(width, x->N - j);
            t.B = x->B + j;
            t.ColumnBias = x->ColumnBias == null ? null : x->ColumnBias + j;
            for (int panel = start; panel < end; panel++)
            {
                int i = panel * rows;
                t.Rows = Math.Min(rows, x->M - i);
                t.A = x->A + i * x->ARow;
                t.C = x->C + (nint)i * x->Ldc + j;
                Tile.Run(&t);
            }
        }
        Finish(x, start * rows, Math.Min(end * rows, x->M), 0, x->N);
    }

    /// <summary>Sends a part of C through the chain, where there is one.</summary>
    private static void Finish(Product* x, int fromRow, int toRow, int fromColumn, int toColumn)
    {
        if (x->Chain.Count == 0) return;
        int rows = toRow - fromRow, columns = toColumn - fromColumn;
        // Rows that follow one another without a gap are one stretch.
        if (columns == x->Ldc) (rows, columns) = (1, rows * columns);
        for (int i = 0; i < rows; i++)
        {
            nint at = (nint)(fromRow + i) * x->Ldc + fromColumn;
            CpuDevice.ApplyChain(x->Chain.Steps, x->Chain.Count, x->C + at, x->Chain.Y + at, columns);
        }
    }

    private static void Blocked(Product* x)
    {
        int rows = Tile.MaxRows, width = Tile.Width;
        for (int j = 0; j < x->N; j += NBlock)
        {
            for (int p = 0; p < x->K; p += KBlock)
            {
                for (int i = 0; i < x->M; i += MBlock)
                {
                    BlockContext block = new()
                    {
                        X = x,
                        I = i,
                        J = j,
                        P = p,
                        M = Math.Min(MBlock, x->M - i),
                        N = Math.Min(NBlock, x->N - j),
                        K = Math.Min(KBlock, x->K - p),
                    };
                    block.APanels = (block.M + rows - 1) / rows;
                    block.BPanels = (block.N + width - 1) / width;
                    block.PackedA = Scratch.Get(ScratchUse.PackedA, (long)block.APanels * rows * block.K);
                    block.PackedB = Scratch.Get(ScratchUse.PackedB, (long)block.BPanels * width * block.K);
                    // B stays packed while the blocks of A pass.
                    int panels = block.APanels + (i == 0 ? block.BPanels : 0);
                    Parallel.For(panels, Math.Max(1, 16384 / (width * block.K)), &PackBody, &block);

                    // Chunks of several panels in each direction, small enough to be shared out evenly.
                    block.ChunkRows = Math.Min(block.APanels, 16);
                    block.ChunkCols = Math.Min(block.BPanels, 4);
                    long tile = (long)rows * width * block.K;
                    while (block.ChunkRows > 1 && block.ChunkRows * block.ChunkCols * tile > ChunkWork && Chunks(&block) < 16)
                        block.ChunkRows = (block.ChunkRows + 1) / 2;
                    while (block.ChunkCols > 1 && block.ChunkRows * block.ChunkCols * tile > ChunkWork && Chunks(&block) < 16)
                        block.ChunkCols = (block.ChunkCols + 1) / 2;
                    Parallel.For(Chunks(&block), 1, &BlockBody, &block);
                }
            }
        }
    }

    private static int Chunks(BlockContext* b) => ((b->APanels + b->ChunkRows - 1) / b->ChunkRows) * ((b->BPanels + b->ChunkCols - 1) / b->ChunkCols);

    private static void PackBody(void* pointer, int start, int end)
    {
        BlockContext* b = (BlockContext*)pointer;
        Product* x = b->X;
        int rows = Tile.MaxRows, width = Tile.Width;
        for (int panel = start; panel < end; panel++)
        {
            if (panel < b->APanels)
            {
                int i = panel * rows, count = Math.Min(rows, b->M - i);
                float* source = x->A + (b->I + i) * x->ARow + b->P * x->AStep;
                float* target = b->PackedA + (nint)i * b->K;
                if (x->AStep == 1) Transpose.Run(source, x->ARow, count, b->K, target, rows);
                else Transpose.Copy(source, x->AStep, b->K, count, target, rows);
            }
            else
            {
                int j = (panel - b->APanels) * width, count = Math.Min(width, b->N - j);
                float* target = b->PackedB + (nint)j * b->K;
                if (x->TransB) Transpose.Run(x->B + (nint)(b->J + j) * x->Ldb + b->P, x->Ldb, count, b->K, target, width);
                else Transpose.Copy(x->B + (nint)b->P * x->Ldb + b->J + j, x->Ldb, b->K, count, target, width);
            }
        }
    }

    private static void BlockBody(void* pointer, int start, int end)
    {
        BlockContext* b = (BlockContext*)pointer;
        Product* x = b->X;
        int rows = Tile.MaxRows, width = Tile.Width;
        int down = (b->APanels + b->ChunkRows - 1) / b->ChunkRows;
        bool last = b->P + b->K == x->K;
        Tile t = new() { K = b->K, ARow = 1, AStep = rows, BStep = width, CRow = x->Ldc, Accumulate = x->Accumulate || b->P > 0, Relu = last && x->Relu };
        for (int chunk = start; chunk < end; chunk++)
        {
            int rowPanel = chunk % down * b->ChunkRows, colPanel = chunk / down * b->ChunkCols;
            int rowEnd = Math.Min(b->APanels, rowPanel + b->ChunkRows), colEnd = Math.Min(b->BPanels, colPanel + b->ChunkCols);
            for (int jp = colPanel; jp < colEnd; jp++)
            {
                int j = jp * width;
                t.Cols = Math.Min(width, b->N - j);
                t.B = b->PackedB + (nint)j * b->K;
                t.ColumnBias = last && x->ColumnBias != null ? x->ColumnBias + b->J + j : null;
                for (int ip = rowPanel; ip < rowEnd; ip++)
                {
                    int i = ip * rows;
                    t.Rows = Math.Min(rows, b->M - i);
                    t.A = b->PackedA + (nint)i * b->K;
                    t.C = x->C + (nint)(b->I + i) * x->Ldc + b->J + j;
                    Tile.Run(&t);
                }
            }
            if (last) Finish(x, b->I + rowPanel * rows, b->I + Math.Min(b->M, rowEnd * rows), b->J + colPanel * width, b->J + Math.Min(b->N, colEnd * width));
        }
    }

    /// <summary>Unary functions that C passes through on its way to Y, a matrix of the same shape and row stride, or C itself.</summary>
    internal struct Chained
    {
        public ChainStep* Steps;
        public int Count;
        public float* Y;
    }

    private struct Product
    {
        public int M, N, K;
        public float* A;
        public nint ARow, AStep;
        public float* B;
        public int Ldb;
        public bool TransB;
        public float* C;
        public int Ldc;
        public bool Accumulate;
        public float* ColumnBias;
        public bool Relu;
        public Chained Chain;
    }

    private struct BlockContext
    {
        public Product* X;
        public int I, J, P, M, N, K, APanels, BPanels, ChunkRows, ChunkCols;
        public float* PackedA, PackedB;
    }

    private struct BatchContext
    {
        public bool TransA, TransB, Accumulate;
        public int M, N, K, Lda, Ldb, Ldc;
        public float* A, B, C;
        public long StrideA, StrideB, StrideC;
    }
}
