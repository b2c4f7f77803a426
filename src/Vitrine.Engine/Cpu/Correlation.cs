using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vitrine.Cpu;

/// <summary>
/// Sums of weights times shifted images on a grid of positions: y[n, r, i, j] = Σ_t weight[r, t] · image[n][offset(t) + i · row + j].
/// A forward convolution is one of these; the gradient of the input is one for each remainder of the stride.
/// </summary>
internal unsafe struct Correlation
{
    /// <summary>Columns a chunk unfolds at a time, in tiles.</summary>
    private const int ChunkPanels = 8;

    private const int KBlock = 128;

    /// <summary>The most positions that are unfolded for all chunks at once.</summary>
    private const int MostShared = 512;

    // Multiply-adds that are worth handing to another thread.
    private const long ChunkWork = 192 * 1024;

    /// <summary>The padded images; elements from one image, group and grid row to the next.</summary>
    public float* Image;
    public nint ImageStride, ImageGroup, ImageRow;

    /// <summary>Whether taps are whole planes of the size of the grid, evenly spaced.</summary>
    public bool Pointwise;

    /// <summary>Where in the image the sums' terms begin: one offset a tap.</summary>
    public nint* Offsets;
    public int Taps;

    /// <summary>Weights [Groups][Rows][Taps].</summary>
    public float* Weight;
    public int Rows, Groups;

    /// <summary>The grid of positions of each image.</summary>
    public int N, GridH, GridW;

    /// <summary>The result, and elements from one image, group, row of weights, grid row and grid column to the next.</summary>
    public float* Y;
    public nint YImage, YGroup, YChannel, YRow, YColumn;

    /// <summary>One number a row of every group, or null.</summary>
    public float* Bias;
    public bool Relu;

    private int _group, _panelRows, _rowPanels, _chunkPanels, _panels, _gridRows, _rowChunk;
    private float* _packedA, _packedB;

    /// <summary>Computes it.</summary>
    public void Run()
    {
        long positions = (long)N * GridH * GridW;
        if (positions == 0 || Rows == 0) return;
        fixed (Correlation* x = &this)
        {
            int half = Tile.Width / 2, vectors = (GridW + half - 1) / half;
            _panelRows = Tile.PanelRows(Rows);
            _rowPanels = (Rows + _panelRows - 1) / _panelRows;
            if (Rows <= 2 * Tile.MaxRows && GridW * 10 >= vectors * half * 6 || Groups >= 8 || Taps == 0)
            {
                // Few wide rows of weights across lanes of positions, or few positions across lanes of weights: what wastes fewer lanes.
                double across = vectors * Rows, along = (Rows + half - 1) / half * GridW * 1.1;
                if (Groups < 8 && Taps > 0 && Rows <= Tile.Width && GridW >= 6 && along < 0.9 * across) Turned(x);
                else Direct(x);
                return;
            }
            for (_group = 0; _group < Groups; _group++)
            {
                // Weights too large for the cache pass it once, and the unfolded image, in the third level, several times; else the other way.
                bool heavy = (long)Rows * Taps > 192 * 1024 && positions <= MostShared && positions * 2 <= Rows;
                if (heavy || positions <= 3 * Tile.Width && Rows > Tile.MaxRows) Few(x, (int)positions);
                else Blocked(x, positions);
            }
        }
    }

    // Few rows of weights and wide images: tiles read the image where it is.
    private static void Direct(Correlation* x)
    {
        long rowWork = (long)x->Rows * x->Taps * x->GridW;
        x->_gridRows = (int)Math.Clamp(ChunkWork / Math.Max(1, rowWork), 1, x->GridH);
        x->_gridRows = Math.Min(x->GridH, (x->_gridRows + 1) & ~1);
        int blocks = (x->GridH + x->_gridRows - 1) / x->_gridRows;
        Parallel.For(x->N * x->Groups * blocks, (int)Math.Max(1, ChunkWork / Math.Max(1, rowWork * x->_gridRows)), &DirectBody, x);
    }

    private static void DirectBody(void* context, int start, int end)
    {
        Correlation* x = (Correlation*)context;
        int blocks = (x->GridH + x->_gridRows - 1) / x->_gridRows, width = Tile.Width, half = width / 2;
        bool straight = x->YColumn == 1;
        float* temporary = straight ? null : Scratch.Get(ScratchUse.ChunkC, Tile.MaxRows * width);
        Tile t = new() { K = x->Taps, ARow = x->Taps, AStep = 1, OffsetsB = x->Offsets, CRow = straight ? x->YChannel : width, Relu = x->Relu };
        for (int unit = start; unit < end; unit++)
        {
            int block = unit % blocks, g = unit / blocks % x->Groups, n = unit / blocks / x->Groups;
            int rowEnd = Math.Min(x->GridH, (block + 1) * x->_gridRows);
            float* image = x->Image + n * x->ImageStride + g * x->ImageGroup;
            float* y = x->Y + n * x->YImage + g * x->YGroup;
            float* weight = x->Weight + (nint)g * x->Rows * x->Taps;
            for (int i = block * x->_gridRows; i < rowEnd; i++)
            {
                // The right rest of a row is at most half a tile wide when it is paired with the row below.
                for (int j = 0; j < x->GridW; j += t.Paired ? half : width)
                {
                    int left = x->GridW - j;
                    t.Paired = left <= half && i + 1 < rowEnd && ((i - block * x->_gridRows) & 1) == 0;
                    bool done = left <= half && !t.Paired && ((i - block * x->_gridRows) & 1) == 1;
                    if (done) break;
                    t.Cols = Math.Min(left, t.Paired ? half : width);
                    t.SecondB = t.Paired ? x->ImageRow : half;
                    t.SecondC = t.Paired && straight ? x->YRow : half;
                    t.B = image + i * x->ImageRow + j;
                    for (int r = 0; r < x->Rows; r += x->_panelRows)
                    {
                        t.Rows = Math.Min(x->_panelRows, x->Rows - r);
                        t.A = weight + (nint)r * x->Taps;
                        t.RowBias = x->Bias == null ? null : x->Bias + g * x->Rows + r;
                        float* target = y + r * x->YChannel + i * x->YRow + j * x->YColumn;
                        t.C = straight ? target : temporary;
                        Tile.Run(&t);
                        if (straight) continue;
                        for (int row = 0; row < t.Rows; row++)
                        {
                            float* from = temporary + row * width, to = target + row * x->YChannel;
                            for (int c = 0; c < t.Cols; c++) to[c * x->YColumn] = from[c];
                            if (!t.Paired) continue;
                            for (int c = 0; c < t.Cols; c++) to[x->YRow + c * x->YColumn] = from[half + c];
                        }
                    }
                }
            }
        }
    }

    // Positions as rows and weights as columns of the tile: no lane is lost to narrow images.
    private static void Turned(Correlation* x)
    {
        int width = (x->Rows + 15) / 16 * 16;
        x->_packedB = Scratch.Get(ScratchUse.PackedB, (long)width * x->Taps);
        long rowWork = (long)x->Rows * x->Taps * x->GridW;
        x->_gridRows = (int)Math.Clamp(ChunkWork / Math.Max(1, rowWork), 1, x->GridH);
        int blocks = (x->GridH + x->_gridRows - 1) / x->_gridRows;
        for (x->_group = 0; x->_group < x->Groups; x->_group++)
        {
            Transpose.Run(x->Weight + (nint)x->_group * x->Rows * x->Taps, x->Taps, x->Rows, x->Taps, x->_packedB, width);
            Parallel.For(x->N * blocks, (int)Math.Max(1, ChunkWork / Math.Max(1, rowWork * x->_gridRows)), &TurnedBody, x);
        }
    }

    private static void TurnedBody(void* context, int start, int end)
    {
        Correlation* x = (Correlation*)context;
        int blocks = (x->GridH + x->_gridRows - 1) / x->_gridRows, width = (x->Rows + 15) / 16 * 16, rows = Tile.PanelRows(x->GridW);
        float* temporary = Scratch.Get(ScratchUse.ChunkC, (long)width * x->GridW);
        float* turned = Scratch.Get(ScratchUse.ChunkA, (long)width * x->GridW);
        Tile t = new()
        {
            K = x->Taps,
            ARow = 1,
            OffsetsA = x->Offsets,
            B = x->_packedB,
            BStep = width,
            Cols = x->Rows,
            CRow = width,
            Relu = x->Relu,
            ColumnBias = x->Bias == null ? null : x->Bias + x->_group * x->Rows,
        };
        for (int unit = start; unit < end; unit++)
        {
            int block = unit % blocks, n = unit / blocks, rowEnd = Math.Min(x->GridH, (block + 1) * x->_gridRows);
            for (int i = block * x->_gridRows; i < rowEnd; i++)
            {
                float* image = x->Image + n * x->ImageStride + x->_group * x->ImageGroup + i * x->ImageRow;
                for (int j = 0; j < x->GridW; j += rows)
                {
                    t.Rows = Math.Min(rows, x->GridW - j);
                    t.A = image + j;
                    t.C = temporary + (nint)j * width;
                    Tile.Run(&t);
                }
                float* y = x->Y + n * x->YImage + x->_group * x->YGroup + i * x->YRow;
                if (x->YColumn == 1) Transpose.Run(temporary, width, x->GridW, x->Rows, y, x->YChannel);
                else
                {
                    Transpose.Run(temporary, width, x->GridW, x->Rows, turned, x->GridW);
                    for (int r = 0; r < x->Rows; r++)
                        for (int j = 0; j < x->GridW; j++) y[r * x->YChannel + j * x->YColumn] = turned[r * x->GridW + j];
                }
            }
        }
    }

    // Many positions: the weights are packed once, and each chunk of positions unfolds its part of the image into its own cache.
    private static void Blocked(Correlation* x, long positions)
    {
        int rows = x->_panelRows, panels = (int)((positions + Tile.Width - 1) / Tile.Width);
        x->_packedA = Scratch.Get(ScratchUse.PackedA, (long)x->_rowPanels * rows * x->Taps);
        Parallel.For(x->_rowPanels, Math.Max(1, 16384 / (rows * x->Taps)), &PackWeights, x);
        x->_panels = panels;
        // Heavy weights come from the third level for every chunk of positions: larger chunks, shared out by rows as well.
        bool heavy = (long)x->Rows * x->Taps > 192 * 1024;
        x->_chunkPanels = heavy ? ChunkPanels : ChunkPanels / 2;
        while (x->_chunkPanels > (heavy ? ChunkPanels / 2 : 1) && panels / x->_chunkPanels < 12) x->_chunkPanels--;
        int chunks = (panels + x->_chunkPanels - 1) / x->_chunkPanels;
        x->_rowChunk = x->_rowPanels;
        if (heavy)
            while (x->_rowChunk > 8 && chunks * ((x->_rowPanels + x->_rowChunk - 1) / x->_rowChunk) < 12) x->_rowChunk = (x->_rowChunk + 1) / 2;
        int rowChunks = (x->_rowPanels + x->_rowChunk - 1) / x->_rowChunk;
        long work = (long)x->Rows * x->Taps * Tile.Width * x->_chunkPanels / rowChunks;
        Parallel.For(chunks * rowChunks, (int)Math.Max(1, ChunkWork / Math.Max(1, work)), &BlockedBody, x);
    }

    private static void PackWeights(void* context, int start, int end)
    {
        Correlation* x = (Correlation*)context;
        float* weight = x->Weight + (nint)x->_group * x->Rows * x->Taps;
        for (int panel = start; panel < end; panel++)
        {
            nint r = panel * x->_panelRows;
            Transpose.Run(weight + r * x->Taps, x->Taps, (int)Math.Min(x->_panelRows, x->Rows - r), x->Taps, x->_packedA + r * x->Taps, x->_panelRows);
        }
    }

    private static void BlockedBody(void* context, int start, int end)
    {
        Correlation* x = (Correlation*)context;
        int width = Tile.Width, positions = x->N * x->GridH * x->GridW;
        int chunkWidth = x->_chunkPanels * width;
        Stretch* runs = stackalloc Stretch[ChunkPanels * Tile.Width];
        float* unfolded = Scratch.Get(ScratchUse.ChunkB, (long)chunkWidth * KBlock);
        Tile t = new() { ARow = 1, AStep = x->_panelRows, BStep = width };
        float* bias = x->Bias == null ? null : x->Bias + x->_group * x->Rows;
        float* image = x->Image + x->_group * x->ImageGroup;
        int rowChunks = (x->_rowPanels + x->_rowChunk - 1) / x->_rowChunk;
        for (int chunk = start; chunk < end; chunk++)
        {
            int first = chunk / rowChunks * chunkWidth, columns = Math.Min(chunkWidth, positions - first);
            int firstRow = chunk % rowChunks * x->_rowChunk * x->_panelRows, pastRow = Math.Min(x->Rows, firstRow + x->_rowChunk * x->_panelRows);
            int runCount = Runs(x, first, columns, width, runs);
            // A chunk inside one image whose rows follow each other is stored where it belongs; else it is put together first.
            bool straight = x->YColumn == 1 && x->YRow == x->GridW && first / (x->GridH * x->GridW) == (first + columns - 1) / (x->GridH * x->GridW);
            float* c = straight
                ? x->Y + x->_group * x->YGroup + firstRow * x->YChannel + runs[0].Target
                : Scratch.Get(ScratchUse.ChunkC, (long)(pastRow - firstRow) * chunkWidth);
            t.CRow = straight ? x->YChannel : chunkWidth;
            for (int p = 0; p < x->Taps; p += KBlock)
            {
                t.K = Math.Min(KBlock, x->Taps - p);
                t.Accumulate = p > 0;
                bool last = p + t.K == x->Taps;
                t.Relu = last && x->Relu;
                // A pointwise kernel meets whole planes: rows of the product are rows in the image.
                bool asItIs = straight && x->Pointwise;
                if (asItIs) t.BStep = x->Offsets[1];
                else
                {
                    t.BStep = width;
                    Unfold(image, x->Offsets + p, t.K, runs, runCount, unfolded, width, width * t.K);
                }
                for (int r = firstRow; r < pastRow; r += x->_panelRows)
                {
                    t.Rows = Math.Min(x->_panelRows, pastRow - r);
                    t.A = x->_packedA + (nint)r * x->Taps + (nint)p * x->_panelRows;
                    t.RowBias = last && bias != null ? bias + r : null;
                    for (int j = 0; j < columns; j += width)
                    {
                        t.Cols = Math.Min(width, columns - j);
                        t.B = asItIs ? image + runs[0].Source + p * t.BStep + j : unfolded + (nint)j * t.K;
                        t.C = c + (r - firstRow) * t.CRow + j;
                        Tile.Run(&t);
                    }
                }
            }
            if (!straight) Scatter(x, c, chunkWidth, firstRow, pastRow - firstRow, runs, runCount);
        }
    }

    // Few positions and many weights: the unfolded image is shared, and each chunk of weights is read once where it is.
    private static void Few(Correlation* x, int positions)
    {
        x->_panels = (positions + Tile.Width - 1) / Tile.Width;
        x->_packedB = Scratch.Get(ScratchUse.PackedB, (long)x->_panels * Tile.Width * x->Taps);
        int blocks = (x->Taps + KBlock - 1) / KBlock;
        Parallel.For(blocks, Math.Max(1, 32768 / (x->_panels * Tile.Width * KBlock)), &FewUnfold, x);
        // Each chunk reads the unfolded image once: about eight chunks.
        long work = (long)x->_panelRows * x->Taps * positions;
        x->_chunkPanels = (int)Math.Max(Math.Min(x->_rowPanels, ChunkWork / work), (x->_rowPanels + 7) / 8);
        if (x->_chunkPanels < 1) x->_chunkPanels = 1;
        Parallel.For((x->_rowPanels + x->_chunkPanels - 1) / x->_chunkPanels, 1, &FewBody, x);
    }

    private static void FewUnfold(void* context, int start, int end)
    {
        Correlation* x = (Correlation*)context;
        int width = Tile.Width, positions = x->N * x->GridH * x->GridW;
        Stretch* runs = stackalloc Stretch[positions];
        int runCount = Runs(x, 0, positions, width, runs);
        for (int block = start; block < end; block++)
        {
            int p = block * KBlock, count = Math.Min(KBlock, x->Taps - p);
            float* target = x->_packedB + (nint)p * x->_panels * width;
            Unfold(x->Image + x->_group * x->ImageGroup, x->Offsets + p, count, runs, runCount, target, width, width * count);
        }
    }

    private static void FewBody(void* context, int start, int end)
    {
        Correlation* x = (Correlation*)context;
        int width = Tile.Width, positions = x->N * x->GridH * x->GridW, pitch = x->_panels * width;
        Stretch* runs = stackalloc Stretch[positions];
        int runCount = Runs(x, 0, positions, width, runs);
        float* weight = x->Weight + (nint)x->_group * x->Rows * x->Taps;
        float* bias = x->Bias == null ? null : x->Bias + x->_group * x->Rows;
        Tile t = new() { ARow = x->Taps, AStep = 1, BStep = width, CRow = pitch };
        float* c = Scratch.Get(ScratchUse.ChunkC, (long)x->_chunkPanels * x->_panelRows * pitch);
        for (int chunk = start; chunk < end; chunk++)
        {
            int first = chunk * x->_chunkPanels * x->_panelRows, past = Math.Min(x->Rows, first + x->_chunkPanels * x->_panelRows);
            for (int p = 0; p < x->Taps; p += KBlock)
            {
                t.K = Math.Min(KBlock, x->Taps - p);
                t.Accumulate = p > 0;
                bool last = p + t.K == x->Taps;
                t.Relu = last && x->Relu;
                for (int r = first; r < past; r += x->_panelRows)
                {
                    t.Rows = Math.Min(x->_panelRows, past - r);
                    t.RowBias = last && bias != null ? bias + r : null;
                    t.A = weight + (nint)r * x->Taps + p;
                    for (int j = 0; j < positions; j += width)
                    {
                        t.Cols = Math.Min(width, positions - j);
                        t.B = x->_packedB + (nint)p * pitch + (nint)j * t.K;
                        t.C = c + (nint)(r - first) * pitch + j;
                        Tile.Run(&t);
                    }
                }
            }
            Scatter(x, c, pitch, first, past - first, runs, runCount);
        }
    }

    // Positions [first, first + columns) as runs of consecutive ones that cross neither a grid row nor a panel.
    private static int Runs(Correlation* x, int first, int columns, int panel, Stretch* runs)
    {
        int count = 0;
        for (int column = 0; column < columns;)
        {
            int position = first + column, j = position % x->GridW, i = position / x->GridW % x->GridH, n = position / x->GridW / x->GridH;
            int length = Math.Min(Math.Min(x->GridW - j, columns - column), panel - column % panel);
            runs[count++] = new Stretch
            {
                Source = n * x->ImageStride + i * x->ImageRow + j,
                Target = n * x->YImage + i * x->YRow + j * x->YColumn,
                Panel = column / panel,
                Column = column % panel,
                Length = length,
            };
            column += length;
        }
        return count;
    }

    /// <summary>target[panel][tap][column] = image at the tap's offset from the position; panels are <paramref name="panelStride"/> apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Unfold(float* image, nint* offsets, int taps, Stretch* runs, int runCount, float* target, nint pitch, nint panelStride)
    {
        for (int r = 0; r < runCount; r++)
        {
            float* from = image + runs[r].Source, to = target + runs[r].Panel * panelStride + runs[r].Column;
            int length = runs[r].Length;
            if (!Tile.Wide)
            {
                for (int tap = 0; tap < taps; tap++, to += pitch) new ReadOnlySpan<float>(from + offsets[tap], length).CopyTo(new Span<float>(to, length));
                continue;
            }
            for (; length > 32; length -= 32, from += 32, to += 32)
            {
                float* next = to;
                for (nint tap = 0; tap < taps; tap++, next += pitch)
                {
                    float* source = from + offsets[tap];
                    Vector512<float> low = Vector512.Load(source), high = Vector512.Load(source + 16);
                    low.Store(next);
                    high.Store(next + 16);
                }
            }
            Vector512<float> mask = Vector512.LessThan(Vector512.CreateSequence(0f, 1f), Vector512.Create((float)(length > 16 ? length - 16 : length)));
            Vector512<float> zero = Vector512<float>.Zero;
            if (length == 32)
            {
                for (nint tap = 0; tap < taps; tap++, to += pitch)
                {
                    float* source = from + offsets[tap];
                    Vector512<float> low = Vector512.Load(source), high = Vector512.Load(source + 16);
                    low.Store(to);
                    high.Store(to + 16);
                }
            }
            else if (length > 16)
            {
                for (nint tap = 0; tap < taps; tap++, to += pitch)
                {
                    float* source = from + offsets[tap];
                    Vector512.Load(source).Store(to);
                    Avx512F.MaskStore(to + 16, mask, Avx512F.MaskLoad(source + 16, mask, zero));
                }
            }
            else if (length == 8)
            {
                for (nint tap = 0; tap < taps; tap++, to += pitch) Vector256.Load(from + offsets[tap]).Store(to);
            }
            else if (length == 4)
            {
                for (nint tap = 0; tap < taps; tap++, to += pitch) Vector128.Load(from + offsets[tap]).Store(to);
            }
            else
            {
                for (nint tap = 0; tap < taps; tap++, to += pitch) Avx512F.MaskStore(to, mask, Avx512F.MaskLoad(from + offsets[tap], mask, zero));
            }
        }
    }

    private static void Scatter(Correlation* x, float* c, int pitch, int firstRow, int rows, Stretch* runs, int runCount)
    {
        for (int r = 0; r < rows; r++)
        {
            float* y = x->Y + x->_group * x->YGroup + (firstRow + r) * x->YChannel;
            float* row = c + (nint)r * pitch;
            for (int i = 0; i < runCount; i++)
            {
                float* from = row + runs[i].Panel * Tile.Width + runs[i].Column, to = y + runs[i].Target;
                nint step = x->YColumn;
                int length = runs[i].Length;
                if (step == 1) new ReadOnlySpan<float>(from, length).CopyTo(new Span<float>(to, length));
                else
                    for (int j = 0; j < length; j++) to[j * step] = from[j];
            }
        }
    }

    /// <summary>Consecutive positions of one grid row.</summary>
    internal struct Stretch
    {
        public nint Source, Target;
        public int Panel, Column, Length;
    }
}
