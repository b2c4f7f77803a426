using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vitrine.Cpu;

/// <content>
/// The gradient of the weight, as the transpose of the forward algorithm: both images are taken to the 36 points, multiplied there with tiles
/// as the terms of the sums, and what comes out is taken back to 3x3 once.
/// </content>
internal unsafe partial struct Winograd
{
    /// <summary>Whether this way is open and worth it for the gradient of the weight.</summary>
    public static bool FitsGradWeight(in ConvShape s) => Fits(s) && s.C >= 32 && s.O >= 32 && (long)s.C * s.O <= 80 * 1024
        && (long)s.Positions * 4 >= 48L * ((s.OH + 3) / 4) * ((s.OW + 3) / 4);

    /// <summary>gw[o, c] = the sum over all positions of gy[o] times the shifted x[c].</summary>
    public static void GradWeight(in ConvShape s, float* gy, float* x, float* gw)
    {
        Winograd f = new()
        {
            _n = s.N,
            _c = s.C,
            _o = s.O,
            _h = s.H,
            _w = s.W,
            _padH = s.PadH,
            _padW = s.PadW,
            _oh = s.OH,
            _ow = s.OW,
            _x = x,
            _y = gy,
            _gw = gw,
        };
        f.RunGradWeight();
    }

    private void RunGradWeight()
    {
        int width = Tile.Width;
        CutRuns();
        _panelRows = Tile.PanelRows(_c);
        // Ranges of channels are shared out; a block of tiles is transformed for all of them before they use it, while it is in the cache.
        int panels = (_c + _panelRows - 1) / _panelRows;
        _channelRange = Math.Max(1, panels / 8) * _panelRows;
        int ranges = (_c + _channelRange - 1) / _channelRange;
        _chunkRuns = Math.Clamp(Math.Clamp(5120 / _o, 48, 96) / _runLength, 1, _runs);
        _pitch = ((_chunkRuns - 1) * _runLength + 31) / 16 * 16;
        _oPanels = (_o + width - 1) / width;
        _wPoint = (nint)_oPanels * _chunkRuns * _runLength * width + 16;
        _gradient = Scratch.Get(ScratchUse.PackedB, Points * _wPoint);
        _m = Scratch.Get(ScratchUse.Partial, (long)Points * _c * _o);
        fixed (Winograd* f = &this)
        {
            for (_firstRun = 0; _firstRun < _runs; _firstRun += _chunkRuns)
            {
                int runs = Math.Min(_chunkRuns, _runs - _firstRun);
                Parallel.For(runs * ((_o + 15) / 16), 1, &TransformGradient, f);
                Parallel.For(ranges, 1, &Multiply, f);
            }
            Parallel.For(_c, Math.Max(1, 1024 / _o), &TransformBack, f);
        }
    }

    // w[point][panel of outputs][tile][output]: sixteen outputs of a run at a time, turned round at the end.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformGradient(void* context, int start, int end)
    {
        Winograd* f = (Winograd*)context;
        int blocks = (f->_o + 15) / 16, panelWidth = Tile.Width;
        float* points = Scratch.Get(ScratchUse.ChunkC, Points * 256);
        float* sorted = stackalloc float[24 * 16 + 16];
        sorted = (float*)(((nint)sorted + 63) & ~63);
        Vector512<float> half = Vector512.Create(0.5f), two = Vector512.Create(2f), zero = Vector512<float>.Zero;
        Vector512<float> low = Vector512.Create((float)Math.Sqrt(0.5)), high = Vector512.Create((float)Math.Sqrt(2));
        Vector512<int> even = Vector512.CreateSequence(0, 2), odd = Vector512.CreateSequence(1, 2);
        for (int unit = start; unit < end; unit++)
        {
            int run = f->_firstRun + unit / blocks, firstO = unit % blocks * 16, outputs = Math.Min(16, f->_o - firstO);
            int section = run % f->_runsX, ty = run / f->_runsX % f->_tilesY, n = run / f->_runsX / f->_tilesY;
            int firstColumn = 4 * section * f->_runLength, lines = Math.Min(4, f->_oh - 4 * ty);
            Vector512<float> places = Vector512.CreateSequence(0f, 1f), past = Vector512.Create((float)Math.Min(4 * f->_runLength, f->_ow - firstColumn));
            Vector512<float> mask0 = Vector512.LessThan(places, past), mask1 = Vector512.LessThan(places + Vector512.Create(16f), past);
            Vector512<float> mask2 = Vector512.LessThan(places + Vector512.Create(32f), past), mask3 = Vector512.LessThan(places + Vector512.Create(48f), past);
            for (int o = 0; o < outputs; o++)
            {
                float* source = f->_y + (((nint)n * f->_o + firstO + o) * f->_oh + 4 * ty) * f->_ow + firstColumn;
                for (int i = 0; i < 4; i++, source += f->_ow)
                {
                    float* row = sorted + 96 * i;
                    if (i >= lines)
                    {
                        for (int j = 0; j < 6; j++) zero.Store(row + 16 * j);
                        continue;
                    }
                    Vector512<float> a = Avx512F.MaskLoad(source, mask0, zero), b = Avx512F.MaskLoad(source + 16, mask1, zero);
                    Vector512<float> e = Avx512F.PermuteVar16x32x2(a, even, b), g = Avx512F.PermuteVar16x32x2(a, odd, b);
                    a = Avx512F.MaskLoad(source + 32, mask2, zero);
                    b = Avx512F.MaskLoad(source + 48, mask3, zero);
                    Vector512<float> h = Avx512F.PermuteVar16x32x2(a, even, b), k = Avx512F.PermuteVar16x32x2(a, odd, b);
                    Vector512<float> d0 = Avx512F.PermuteVar16x32x2(e, even, h), d2 = Avx512F.PermuteVar16x32x2(e, odd, h);
                    Vector512<float> d1 = Avx512F.PermuteVar16x32x2(g, even, k), d3 = Avx512F.PermuteVar16x32x2(g, odd, k);
                    Vector512<float> even1 = d0 + half * d2, odd1 = low * (d1 + half * d3), even2 = d0 + two * d2, odd2 = high * (d1 + two * d3);
                    d0.Store(row);
                    (even1 + odd1).Store(row + 16);
                    (even1 - odd1).Store(row + 32);
                    (even2 + odd2).Store(row + 48);
                    (even2 - odd2).Store(row + 64);
                    d3.Store(row + 80);
                }
                float* to = points + 16 * o;
                for (int j = 0; j < 6; j++, to += 256)
                {
                    float* from = sorted + 16 * j;
                    Vector512<float> d0 = Vector512.Load(from), d1 = Vector512.Load(from + 96), d2 = Vector512.Load(from + 192),
                        d3 = Vector512.Load(from + 288);
                    Vector512<float> even1 = d0 + half * d2, odd1 = low * (d1 + half * d3), even2 = d0 + two * d2, odd2 = high * (d1 + two * d3);
                    d0.Store(to);
                    (even1 + odd1).Store(to + 6 * 256);
                    (even1 - odd1).Store(to + 12 * 256);
                    (even2 + odd2).Store(to + 18 * 256);
                    (even2 - odd2).Store(to + 24 * 256);
                    d3.Store(to + 30 * 256);
                }
            }
            nint tiles = (nint)f->_chunkRuns * f->_runLength;
            float* target = f->_gradient + (firstO / panelWidth * tiles + (nint)(run - f->_firstRun) * f->_runLength) * panelWidth + firstO % panelWidth;
            for (int point = 0; point < Points; point++)
                Transpose.Run(points + 256 * point, 16, outputs, f->_runLength, target + point * f->_wPoint, panelWidth);
        }
    }

    // m[point][c][o]
    private static void Multiply(void* context, int start, int end)
    {
        Winograd* f = (Winograd*)context;
        int width = Tile.Width, pitch = f->_pitch, firstRun = f->_firstRun, runs = Math.Min(f->_chunkRuns, f->_runs - firstRun);
        nint vPoint = (nint)f->_channelRange * pitch + 16, tiles = (nint)f->_chunkRuns * f->_runLength, mPoint = (nint)f->_c * f->_o;
        float* v = Scratch.Get(ScratchUse.ChunkB, Points * vPoint);
        Tile t = new() { K = runs * f->_runLength, ARow = pitch, AStep = 1, BStep = width, CRow = f->_o, Accumulate = firstRun > 0 };
        for (int range = start; range < end; range++)
        {
            int firstC = range * f->_channelRange, channels = Math.Min(f->_channelRange, f->_c - firstC);
            float* m = f->_m + (nint)firstC * f->_o;
            for (int run = 0; run < runs; run++) TransformInput(f, firstRun + run, firstC, channels, v + run * f->_runLength, vPoint);
            for (int point = 0; point < Points; point++)
            {
                for (int o = 0; o < f->_o; o += width)
                {
                    t.Cols = Math.Min(width, f->_o - o);
                    t.B = f->_gradient + point * f->_wPoint + o * tiles;
                    for (int c = 0; c < channels; c += f->_panelRows)
                    {
                        t.Rows = Math.Min(f->_panelRows, channels - c);
                        t.A = v + point * vPoint + (nint)c * pitch;
                        t.C = m + point * mPoint + (nint)c * f->_o + o;
                        Tile.Run(&t);
                    }
                }
            }
        }
    }

    // Takes 36 points back to nine weights, sixteen outputs at a time.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformBack(void* context, int start, int end)
    {
        Winograd* f = (Winograd*)context;
        int o = f->_o, padded = (o + 15) / 16 * 16;
        Vector512<float> zero = Vector512<float>.Zero;
        nint mPoint = (nint)f->_c * o;
        float* back = Scratch.Get(ScratchUse.ChunkC, 9L * padded);
        float* half1 = stackalloc float[18 * 16];
        Vector512<float> half = Vector512.Create(0.5f), two = Vector512.Create(2f), first = Vector512.Create(-2f / 3), second = Vector512.Create(1f / 6);
        Vector512<float> firstOdd = Vector512.Create((float)(-2.0 / 3 * Math.Sqrt(0.5))), secondOdd = Vector512.Create((float)(Math.Sqrt(2) / 6));
        for (int c = start; c < end; c++)
        {
            for (int at = 0; at < o; at += 16)
            {
                Vector512<float> mask = Vector512.LessThan(Vector512.CreateSequence(0f, 1f), Vector512.Create((float)Math.Min(16, o - at)));
                for (int j = 0; j < 6; j++)
                {
                    float* from = f->_m + j * mPoint + (nint)c * o + at;
                    Vector512<float> m0 = Avx512F.MaskLoad(from, mask, zero), m1 = Avx512F.MaskLoad(from + 6 * mPoint, mask, zero),
                        m2 = Avx512F.MaskLoad(from + 12 * mPoint, mask, zero);
                    Vector512<float> m3 = Avx512F.MaskLoad(from + 18 * mPoint, mask, zero), m4 = Avx512F.MaskLoad(from + 24 * mPoint, mask, zero);
                    Vector512<float> m5 = Avx512F.MaskLoad(from + 30 * mPoint, mask, zero);
                    Vector512<float> sum1 = first * (m1 + m2), sum2 = second * (m3 + m4);
                    (m0 + sum1 + sum2).Store(half1 + 16 * j);
                    (firstOdd * (m1 - m2) + secondOdd * (m3 - m4)).Store(half1 + 16 * j + 96);
                    (half * sum1 + two * sum2 + m5).Store(half1 + 16 * j + 192);
                }
                for (int i = 0; i < 3; i++)
                {
                    float* from = half1 + 96 * i, to = back + 3 * i * padded + at;
                    Vector512<float> m0 = Vector512.Load(from), m1 = Vector512.Load(from + 16), m2 = Vector512.Load(from + 32);
                    Vector512<float> m3 = Vector512.Load(from + 48), m4 = Vector512.Load(from + 64), m5 = Vector512.Load(from + 80);
                    Vector512<float> sum1 = first * (m1 + m2), sum2 = second * (m3 + m4);
                    (m0 + sum1 + sum2).Store(to);
                    (firstOdd * (m1 - m2) + secondOdd * (m3 - m4)).Store(to + padded);
                    (half * sum1 + two * sum2 + m5).Store(to + 2 * padded);
                }
            }
            Transpose.Run(back, padded, 9, o, f->_gw + 9 * c, 9 * (nint)f->_c);
        }
    }
}
