namespace Vitrine.Cpu;

/// <summary>The gradient of a convolution's weight: for every tap and output channel, the sum over all positions of input times gradient.</summary>
/// <remarks>
/// The transposed gradient [taps, O] is a product whose left operand, the unfolded image, is used with its positions along the rows, as they
/// come; only the output's gradient is transposed, once. Chunks are ranges of taps, and, where taps are few, fixed groups of positions whose
/// sums are added in order.
/// </remarks>
internal unsafe struct ConvGradWeight
{
    private const int PositionBlock = 256;

    // Rows of the unfolded image are a little more than a power of two apart, or they would share a few sets of the cache.
    private const int Pitch = PositionBlock + 16;

    private const long ChunkWork = 256 * 1024;

    public ConvShape S;
    public float* GY, X, GW;

    private Padded _padded;
    private nint* _offsets;
    private nint _imageRow;
    private float* _gradient, _partial;
    private int _group, _tapChunk, _tapChunks, _positionGroups, _groupBlocks;

    public void Run()
    {
        fixed (ConvGradWeight* g = &this)
        {
            _padded = Conv.PadInput(S, X, out _imageRow);
            _offsets = Conv.InputOffsets(S, _padded);
            if (NarrowGradWeight.Fits(S))
            {
                NarrowGradWeight.Run(S, GY, _padded, _imageRow, _offsets, GW);
                return;
            }
            for (_group = 0; _group < S.Groups; _group++) RunGroup(g);
        }
    }

    private static void RunGroup(ConvGradWeight* g)
    {
        ref ConvShape s = ref g->S;
        int width = Tile.Width, o = s.GroupO, taps = s.Taps;
        long positions = (long)s.N * s.Positions;
        int outputPanels = (o + width - 1) / width;
        g->_gradient = Scratch.Get(ScratchUse.PackedB, outputPanels * width * positions);
        Parallel.For(s.N * outputPanels, (int)Math.Max(1, 32768 / (s.Positions * (long)width)), &TransposeBody, g);

        int blocks = (int)((positions + PositionBlock - 1) / PositionBlock);
        int tapRows = Tile.PanelRows(taps), tapPanels = (taps + tapRows - 1) / tapRows;
        // About sixteen chunks, of at least ChunkWork each; ranges of taps first, since they need no addition afterwards.
        long work = (long)taps * o * positions;
        int wanted = (int)Math.Clamp(work / ChunkWork, 1, 16);
        g->_tapChunk = Math.Max(Math.Min(tapPanels, 4), (tapPanels + wanted - 1) / wanted) * tapRows;
        g->_tapChunks = (taps + g->_tapChunk - 1) / g->_tapChunk;
        int groups = Math.Clamp(wanted / g->_tapChunks, 1, blocks);
        g->_groupBlocks = (blocks + groups - 1) / groups;
        g->_positionGroups = (blocks + g->_groupBlocks - 1) / g->_groupBlocks;
        g->_partial = Scratch.Get(ScratchUse.Partial, (long)taps * o * g->_positionGroups);
        Parallel.For(g->_tapChunks * g->_positionGroups, 1, &Body, g);
        Parallel.For(taps, Math.Max(1, 16384 / (o * g->_positionGroups)), &Finish, g);
    }

    // gradient[panel][position][channel of the panel]
    private static void TransposeBody(void* context, int start, int end)
    {
        ConvGradWeight* g = (ConvGradWeight*)context;
        ref ConvShape s = ref g->S;
        int width = Tile.Width, positions = s.Positions;
        for (int unit = start; unit < end; unit++)
        {
            int n = unit % s.N, panel = unit / s.N, first = panel * width;
            float* source = g->GY + ((nint)n * s.O + g->_group * s.GroupO + first) * positions;
            float* target = g->_gradient + ((nint)panel * s.N + n) * positions * width;
            Transpose.Run(source, positions, Math.Min(width, s.GroupO - first), positions, target, width);
        }
    }

    private static void Body(void* context, int start, int end)
    {
        ConvGradWeight* g = (ConvGradWeight*)context;
        ref ConvShape s = ref g->S;
        int width = Tile.Width, o = s.GroupO, taps = s.Taps, positions = s.N * s.Positions, tapRows = Tile.PanelRows(taps);
        Correlation.Stretch* runs = stackalloc Correlation.Stretch[PositionBlock];
        float* unfolded = Scratch.Get(ScratchUse.ChunkA, (long)g->_tapChunk * Pitch);
        nint imageStride = s.C * g->_padded.Plane;
        nint imageRow = g->_imageRow;
        float* image = g->_padded.Data + (nint)g->_group * s.GroupC * g->_padded.Plane;
        Tile t = new() { ARow = Pitch, AStep = 1, BStep = width, CRow = o };
        for (int chunk = start; chunk < end; chunk++)
        {
            int firstTap = chunk % g->_tapChunks * g->_tapChunk, tapCount = Math.Min(g->_tapChunk, taps - firstTap), positionGroup = chunk / g->_tapChunks;
            float* c = g->_partial + ((nint)positionGroup * taps + firstTap) * o;
            int from = positionGroup * g->_groupBlocks * PositionBlock, to = Math.Min(positions, from + g->_groupBlocks * PositionBlock);
            for (int position = from; position < to; position += PositionBlock)
            {
                t.K = Math.Min(PositionBlock, to - position);
                t.Accumulate = position > from;
                int runCount = 0;
                for (int column = 0; column < t.K;)
                {
                    int at = position + column, j = at % s.OW, i = at / s.OW % s.OH, n = at / s.OW / s.OH, length = Math.Min(s.OW - j, t.K - column);
                    runs[runCount++] = new Correlation.Stretch { Source = n * imageStride + i * imageRow + j, Column = column, Length = length };
                    column += length;
                }
                Correlation.Unfold(image, g->_offsets + firstTap, tapCount, runs, runCount, unfolded, Pitch, 0);
                for (int first = 0; first < o; first += width)
                {
                    t.Cols = Math.Min(width, o - first);
                    t.B = g->_gradient + (nint)first * positions + (nint)position * width;
                    for (int tap = 0; tap < tapCount; tap += tapRows)
                    {
                        t.Rows = Math.Min(tapRows, tapCount - tap);
                        t.A = unfolded + tap * Pitch;
                        t.C = c + (nint)tap * o + first;
                        Tile.Run(&t);
                    }
                }
            }
        }
    }

    // Adds the groups of positions in order and transposes.
    private static void Finish(void* context, int start, int end)
    {
        ConvGradWeight* g = (ConvGradWeight*)context;
        ref ConvShape s = ref g->S;
        int o = s.GroupO, taps = s.Taps;
        Span<float> sum = new(g->_partial + (nint)start * o, (end - start) * o);
        for (int i = 1; i < g->_positionGroups; i++)
        {
            ReadOnlySpan<float> more = new(g->_partial + ((nint)i * taps + start) * o, sum.Length);
            System.Numerics.Tensors.TensorPrimitives.Add(sum, more, sum);
        }
        Transpose.Run(g->_partial + (nint)start * o, o, end - start, o, g->GW + (nint)g->_group * o * taps + start, taps);
    }
}
