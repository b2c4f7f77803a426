using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vitrine.Cpu;

/// <summary>
/// Winograd's F(4x4, 3x3): 36 products a tile of 16 outputs instead of 144. For 3x3 kernels with stride 1, forward and gradient of the input.
/// </summary>
/// <remarks>
/// The interpolation points are 0, ±1/√2, ±√2 and ∞, not the usual 0, ±1, ±2, ∞: the constants stay within a factor of eight of each other, and
/// the error is twice that of a direct sum instead of four times (and its extremes a fifth). Lavin and Gray, "Fast algorithms for
/// convolutional neural networks", 2016; Barabasz et al., "Error analysis and improving the accuracy of Winograd convolution", 2020.
/// Vectors run over tiles of one row of tiles. A chunk of tiles is transformed into the cache of its thread, multiplied a panel of output
/// channels at a time and transformed back at once, so that the transformed results never leave the first levels of cache.
/// </remarks>
internal unsafe partial struct Winograd
{
    private const int Points = 36;

    private int _n, _c, _o, _h, _w, _padH, _padW, _oh, _ow;
    private float* _x, _y, _bias, _weight, _u;
    private bool _relu, _turned;
    private nint _uPoint;
    private int _tilesY, _runsX, _runLength, _runs, _chunkRuns, _pitch, _panelRows;

    // Of the gradient of the weight.
    private float* _gw, _gradient, _m;
    private nint _wPoint;
    private int _channelRange, _firstRun, _oPanels;

    /// <summary>Whether this way is open and worth it for a forward convolution (or, alike, for the gradient of its input).</summary>
    public static bool Fits(in ConvShape s) => Fits(s, s.OH, s.OW) && s.PadH <= 2 && s.PadW <= 2;

    /// <summary>y = x * w + bias.</summary>
    public static void Forward(in ConvShape s, float* x, float* w, float* bias, float* y, bool relu)
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
            _y = y,
            _bias = bias,
            _weight = w,
            _relu = relu,
        };
        f.Run();
    }

    /// <summary>gx = gy convolved with the turned kernel.</summary>
    public static void GradInput(in ConvShape s, float* gy, float* w, float* gx)
    {
        Winograd f = new()
        {
            _n = s.N,
            _c = s.O,
            _o = s.C,
            _h = s.OH,
            _w = s.OW,
            _padH = 2 - s.PadH,
            _padW = 2 - s.PadW,
            _oh = s.H,
            _ow = s.W,
            _x = gy,
            _y = gx,
            _weight = w,
            _turned = true,
        };
        f.Run();
    }

    private static bool Fits(in ConvShape s, int height, int width)
    {
        if (!Tile.Wide || s.KH != 3 || s.KW != 3 || s.StrideH != 1 || s.StrideW != 1 || s.DilationH != 1 || s.DilationW != 1 || s.Groups != 1) return false;
        if (s.C < 16 || s.O < 16) return false;
        // The transformed sums round about twice as coarsely as direct ones: small layers, which have little to win, stay direct.
        if (Math.Min(s.C, s.O) < 64 && (long)s.N * height * width < 1024) return false;
        int tilesY = (height + 3) / 4, tilesX = (width + 3) / 4;
        // Small images leave vectors of tiles and edge tiles mostly empty, and large weights cost more to transform than few tiles give back.
        return (long)s.N * tilesY * tilesX >= Math.Max(16, (s.C + s.O) / 16) && (long)height * width * 2 >= 16L * tilesY * tilesX;
    }

    private void Run()
    {
        CutRuns();
        _panelRows = Tile.PanelRows(_o);
        ChooseChunk();
        int stored = _turned ? _c : _o, inner = _turned ? _o : _c;
        _uPoint = (nint)stored * inner + 16;
        _u = Scratch.Get(ScratchUse.Weights, Points * _uPoint);
        fixed (Winograd* f = &this)
        {
            Parallel.For(stored, Math.Max(1, 4096 / inner), &TransformWeights, f);
            Parallel.For((_runs + _chunkRuns - 1) / _chunkRuns, 1, &Body, f);
        }
    }

    // Rows of tiles, cut into pieces of at most a vector.
    private void CutRuns()
    {
        _tilesY = (_oh + 3) / 4;
        int tilesX = (_ow + 3) / 4;
        _runsX = (tilesX + 15) / 16;
        _runLength = (tilesX + _runsX - 1) / _runsX;
        _runs = _n * _tilesY * _runsX;
    }

    // As many tiles as the second-level cache holds, with little waste in the last vector, and enough chunks to share out.
    private void ChooseChunk()
    {
        int most = Math.Clamp(4096 / _c, 32, 96), best = 1;
        double bestUse = 0;
        for (int runs = 1; runs <= _runs && (runs == 1 || runs * _runLength <= most); runs++)
        {
            int columns = runs * _runLength;
            double use = columns / (double)((columns + 15) / 16 * 16);
            if (_runs / runs < 6 && columns > 16) break;
            if (columns >= 32) use += 0.1;
            if (use >= bestUse)
            {
                bestUse = use;
                best = runs;
            }
        }
        _chunkRuns = best;
        // Runs are written in whole vectors, one after another; the last must not reach into the next channel.
        _pitch = ((best - 1) * _runLength + 31) / 16 * 16;
    }

    // u[point][first][second] of w[first][second][3][3]; sixteen seconds at a time.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformWeights(void* context, int start, int end)
    {
        Winograd* f = (Winograd*)context;
        int inner = f->_turned ? f->_o : f->_c;
        nint point = f->_uPoint;
        float* gathered = stackalloc float[9 * 16];
        float* half1 = stackalloc float[18 * 16];
        Vector512<float> half = Vector512.Create(0.5f), two = Vector512.Create(2f), first = Vector512.Create(-2f / 3), second = Vector512.Create(1f / 6);
        Vector512<float> firstOdd = Vector512.Create((float)(-2.0 / 3 * Math.Sqrt(0.5))), secondOdd = Vector512.Create((float)(Math.Sqrt(2) / 6));
        for (int row = start; row < end; row++)
        {
            for (int c = 0; c < inner; c += 16)
            {
                int count = Math.Min(16, inner - c);
                Transpose.Run(f->_weight + ((nint)row * inner + c) * 9, 9, count, 9, gathered, 16);
                for (int j = 0; j < 3; j++)
                {
                    int at = f->_turned ? 8 - j : j, down = f->_turned ? -3 : 3;
                    Vector512<float> w0 = Vector512.Load(gathered + 16 * at), w1 = Vector512.Load(gathered + 16 * (at + down));
                    Vector512<float> w2 = Vector512.Load(gathered + 16 * (at + 2 * down));
                    float* column = half1 + 16 * j;
                    Vector512<float> even1 = first * (w0 + half * w2), odd1 = firstOdd * w1, even2 = second * (w0 + two * w2), odd2 = secondOdd * w1;
                    w0.Store(column);
                    (even1 + odd1).Store(column + 1 * 48);
                    (even1 - odd1).Store(column + 2 * 48);
                    (even2 + odd2).Store(column + 3 * 48);
                    (even2 - odd2).Store(column + 4 * 48);
                    w2.Store(column + 5 * 48);
                }
                float* u = f->_u + (nint)row * inner + c;
                for (int i = 0; i < 6; i++)
                {
                    Vector512<float> t0 = Vector512.Load(half1 + 48 * i), t1 = Vector512.Load(half1 + 48 * i + 16), t2 = Vector512.Load(half1 + 48 * i + 32);
                    float* to = u + 6 * i * point;
                    if (count < 16)
                    {
                        // The last vector of a row must not reach into the next row, which another thread may have written.
                        PartialWeights(t0, t1, t2, to, point, count);
                        continue;
                    }
                    Vector512<float> even1 = first * (t0 + half * t2), odd1 = firstOdd * t1, even2 = second * (t0 + two * t2), odd2 = secondOdd * t1;
                    t0.Store(to);
                    (even1 + odd1).Store(to + 1 * point);
                    (even1 - odd1).Store(to + 2 * point);
                    (even2 + odd2).Store(to + 3 * point);
                    (even2 - odd2).Store(to + 4 * point);
                    t2.Store(to + 5 * point);
                }
            }
        }
    }

    private static void PartialWeights(Vector512<float> t0, Vector512<float> t1, Vector512<float> t2, float* to, nint point, int count)
    {
        Vector512<float> mask = Vector512.GreaterThan(Vector512.Create((float)count), Vector512.CreateSequence(0f, 1f));
        Vector512<float> even1 = (t0 + 0.5f * t2) * (-2f / 3), odd1 = (float)(-2.0 / 3 * Math.Sqrt(0.5)) * t1;
        Vector512<float> even2 = (t0 + 2f * t2) * (1f / 6), odd2 = (float)(Math.Sqrt(2) / 6) * t1;
        Avx512F.MaskStore(to, mask, t0);
        Avx512F.MaskStore(to + point, mask, even1 + odd1);
        Avx512F.MaskStore(to + 2 * point, mask, even1 - odd1);
        Avx512F.MaskStore(to + 3 * point, mask, even2 + odd2);
        Avx512F.MaskStore(to + 4 * point, mask, even2 - odd2);
        Avx512F.MaskStore(to + 5 * point, mask, t2);
    }

    private static void Body(void* context, int start, int end)
    {
        Winograd* f = (Winograd*)context;
        int rows = f->_panelRows, pitch = f->_pitch, width = Tile.Width;
        // A little more than a power of two from point to point, or all points would fall into one set of the cache.
        nint vPoint = (nint)f->_c * pitch + 16, mPoint = (nint)rows * pitch + 16;
        float* v = Scratch.Get(ScratchUse.ChunkB, Points * vPoint);
        float* m = Scratch.Get(ScratchUse.ChunkC, Points * mPoint);
        Tile t = new()
        {
            K = f->_c,
            ARow = f->_turned ? 1 : f->_c,
            AStep = f->_turned ? f->_o : 1,
            BStep = pitch,
            CRow = pitch,
        };
        for (int chunk = start; chunk < end; chunk++)
        {
            int firstRun = chunk * f->_chunkRuns, pastRun = Math.Min(f->_runs, firstRun + f->_chunkRuns), columns = (pastRun - firstRun) * f->_runLength;
            for (int run = firstRun; run < pastRun; run++) TransformInput(f, run, 0, f->_c, v + (run - firstRun) * f->_runLength, vPoint);
            for (int o = 0; o < f->_o; o += rows)
            {
                t.Rows = Math.Min(rows, f->_o - o);
                for (int point = 0; point < Points; point++)
                {
                    t.A = f->_u + point * f->_uPoint + o * t.ARow;
                    for (int j = 0; j < columns; j += width)
                    {
                        t.Cols = Math.Min(width, columns - j);
                        t.B = v + point * vPoint + j;
                        t.C = m + point * mPoint + j;
                        Tile.Run(&t);
                    }
                }
                for (int run = firstRun; run < pastRun; run++) TransformOutput(f, run, o, t.Rows, m + (run - firstRun) * f->_runLength, mPoint);
            }
        }
    }

    // v[point][c][tile]: reads rows of up to 66 numbers, sorts their columns by the remainder of 4, and transforms sixteen tiles at a time.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformInput(Winograd* f, int run, int firstC, int channels, float* v, nint point)
    {
        int section = run % f->_runsX, ty = run / f->_runsX % f->_tilesY, n = run / f->_runsX / f->_tilesY;
        int firstColumn = 4 * section * f->_runLength - f->_padW, firstRow = 4 * ty - f->_padH, width = f->_w;
        int pitch = f->_pitch;
        Vector512<float> places = Vector512.CreateSequence(0f, 1f) + Vector512.Create((float)firstColumn), past = Vector512.Create((float)width);
        Vector512<float> zero = Vector512<float>.Zero;
        Vector512<float> mask0 = Inside(places, past), mask1 = Inside(places + Vector512.Create(16f), past),
            mask2 = Inside(places + Vector512.Create(32f), past);
        Vector512<float> mask3 = Inside(places + Vector512.Create(48f), past), mask4 = Inside(places + Vector512.Create(64f), past);
        Vector512<int> even = Vector512.CreateSequence(0, 2), odd = Vector512.CreateSequence(1, 2), next = Vector512.CreateSequence(1, 1);
        Vector512<int> nextSecond = Vector512.Create(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17);
        Vector512<float> half = Vector512.Create(0.5f), two = Vector512.Create(2f), middle = Vector512.Create(2.5f);
        Vector512<float> low = Vector512.Create((float)Math.Sqrt(0.5)), high = Vector512.Create((float)Math.Sqrt(2));
        float* sorted = stackalloc float[Points * 16 + 16];
        sorted = (float*)(((nint)sorted + 63) & ~63);
        float* image = f->_x + ((nint)n * f->_c + firstC) * f->_h * width + (nint)firstRow * width + firstColumn;
        for (int c = 0; c < channels; c++)
        {
            float* source = image + (nint)c * f->_h * width;
            for (int i = 0; i < 6; i++, source += width)
            {
                float* row = sorted + 96 * i;
                if ((uint)(firstRow + i) >= (uint)f->_h)
                {
                    for (int j = 0; j < 6; j++) zero.Store(row + 16 * j);
                }
                else
                {
                    Vector512<float> a = Avx512F.MaskLoad(source, mask0, zero), b = Avx512F.MaskLoad(source + 16, mask1, zero);
                    Vector512<float> e = Avx512F.PermuteVar16x32x2(a, even, b), g = Avx512F.PermuteVar16x32x2(a, odd, b);
                    a = Avx512F.MaskLoad(source + 32, mask2, zero);
                    b = Avx512F.MaskLoad(source + 48, mask3, zero);
                    Vector512<float> h = Avx512F.PermuteVar16x32x2(a, even, b), k = Avx512F.PermuteVar16x32x2(a, odd, b);
                    b = Avx512F.MaskLoad(source + 64, mask4, zero);
                    Vector512<float> d0 = Avx512F.PermuteVar16x32x2(e, even, h), d2 = Avx512F.PermuteVar16x32x2(e, odd, h);
                    Vector512<float> d1 = Avx512F.PermuteVar16x32x2(g, even, k), d3 = Avx512F.PermuteVar16x32x2(g, odd, k);
                    Vector512<float> d4 = Avx512F.PermuteVar16x32x2(d0, next, b), d5 = Avx512F.PermuteVar16x32x2(d1, nextSecond, b);
                    Vector512<float> s = d4 - two * d2, u = low * (d3 - two * d1);
                    Vector512<float> q = d4 - half * d2, z = high * (d3 - half * d1);
                    (d0 - middle * d2 + d4).Store(row + 0);
                    (s + u).Store(row + 16);
                    (s - u).Store(row + 32);
                    (q + z).Store(row + 48);
                    (q - z).Store(row + 64);
                    (d1 - middle * d3 + d5).Store(row + 80);
                }
            }
            float* target = v + c * (nint)pitch;
            for (int j = 0; j < 6; j++)
            {
                float* from = sorted + 16 * j, to = target + j * point;
                Vector512<float> t0 = Vector512.Load(from), t1 = Vector512.Load(from + 96), t2 = Vector512.Load(from + 192);
                Vector512<float> t3 = Vector512.Load(from + 288), t4 = Vector512.Load(from + 384), t5 = Vector512.Load(from + 480);
                Vector512<float> s = t4 - two * t2, u = low * (t3 - two * t1);
                Vector512<float> q = t4 - half * t2, z = high * (t3 - half * t1);
                (t0 - middle * t2 + t4).Store(to);
                (s + u).Store(to + 1 * 6 * point);
                (s - u).Store(to + 2 * 6 * point);
                (q + z).Store(to + 3 * 6 * point);
                (q - z).Store(to + 4 * 6 * point);
                (t1 - middle * t3 + t5).Store(to + 5 * 6 * point);
            }
        }
    }

    private static Vector512<float> Inside(Vector512<float> places, Vector512<float> past) =>
        Vector512.GreaterThanOrEqual(places, Vector512<float>.Zero) & Vector512.LessThan(places, past);

    // y of sixteen tiles a row of tiles: transforms back, adds the bias, and lays the columns of the tiles side by side.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformOutput(Winograd* f, int run, int firstO, int rows, float* m, nint point)
    {
        int section = run % f->_runsX, ty = run / f->_runsX % f->_tilesY, n = run / f->_runsX / f->_tilesY;
        int firstColumn = 4 * section * f->_runLength, lines = Math.Min(4, f->_oh - 4 * ty), pitch = f->_pitch;
        int columns = Math.Min(4 * f->_runLength, f->_ow - firstColumn);
        Vector512<float> places = Vector512.CreateSequence(0f, 1f), past = Vector512.Create((float)columns);
        Vector512<float> mask0 = Vector512.LessThan(places, past), mask1 = Vector512.LessThan(places + Vector512.Create(16f), past);
        Vector512<float> mask2 = Vector512.LessThan(places + Vector512.Create(32f), past), mask3 = Vector512.LessThan(places + Vector512.Create(48f), past);
        Vector512<float> half = Vector512.Create(0.5f), two = Vector512.Create(2f);
        Vector512<float> low = Vector512.Create((float)Math.Sqrt(0.5)), high = Vector512.Create((float)Math.Sqrt(2));
        Vector512<float> lowCube = low * half, highCube = high * two;
        // Relu as a maximum with zero, or with -∞ when there is none; x comes second, so that NaN stays NaN.
        Vector512<float> floor = f->_relu ? Vector512<float>.Zero : Vector512.Create(float.NegativeInfinity);
        float* sorted = stackalloc float[24 * 16 + 16];
        sorted = (float*)(((nint)sorted + 63) & ~63);
        for (int r = 0; r < rows; r++)
        {
            float* from = m + r * (nint)pitch;
            for (int j = 0; j < 6; j++)
            {
                float* s = from + j * point;
                Vector512<float> m0 = Vector512.Load(s), m1 = Vector512.Load(s + 6 * point), m2 = Vector512.Load(s + 12 * point);
                Vector512<float> m3 = Vector512.Load(s + 18 * point), m4 = Vector512.Load(s + 24 * point), m5 = Vector512.Load(s + 30 * point);
                float* column = sorted + 16 * j;
                Vector512<float> sum1 = m1 + m2, difference1 = m1 - m2, sum2 = m3 + m4, difference2 = m3 - m4;
                (m0 + sum1 + sum2).Store(column);
                (low * difference1 + high * difference2).Store(column + 96);
                (half * sum1 + two * sum2).Store(column + 192);
                (lowCube * difference1 + highCube * difference2 + m5).Store(column + 288);
            }
            Vector512<float> bias = Vector512.Create(f->_bias == null ? 0 : f->_bias[firstO + r]);
            float* y = f->_y + (((nint)n * f->_o + firstO + r) * f->_oh + 4 * ty) * f->_ow + firstColumn;
            for (int i = 0; i < lines; i++, y += f->_ow)
            {
                float* row = sorted + 96 * i;
                Vector512<float> t0 = Vector512.Load(row), t1 = Vector512.Load(row + 16), t2 = Vector512.Load(row + 32);
                Vector512<float> t3 = Vector512.Load(row + 48), t4 = Vector512.Load(row + 64), t5 = Vector512.Load(row + 80);
                Vector512<float> sum1 = t1 + t2, difference1 = t1 - t2, sum2 = t3 + t4, difference2 = t3 - t4;
                Vector512<float> v0 = t0 + sum1 + sum2;
                Vector512<float> v1 = low * difference1 + high * difference2;
                Vector512<float> v2 = half * sum1 + two * sum2;
                Vector512<float> v3 = lowCube * difference1 + highCube * difference2 + t5;
                v0 = Avx512F.Max(floor, v0 + bias);
                v1 = Avx512F.Max(floor, v1 + bias);
                v2 = Avx512F.Max(floor, v2 + bias);
                v3 = Avx512F.Max(floor, v3 + bias);
                Vector512<float> a = Avx512F.UnpackLow(v0, v1), b = Avx512F.UnpackHigh(v0, v1), c = Avx512F.UnpackLow(v2, v3), d = Avx512F.UnpackHigh(v2, v3);
                v0 = Avx512F.Shuffle(a, c, 0x44);
                v1 = Avx512F.Shuffle(a, c, 0xEE);
                v2 = Avx512F.Shuffle(b, d, 0x44);
                v3 = Avx512F.Shuffle(b, d, 0xEE);
                a = Avx512F.Shuffle4x128(v0, v1, 0x44);
                b = Avx512F.Shuffle4x128(v2, v3, 0x44);
                c = Avx512F.Shuffle4x128(v0, v1, 0xEE);
                d = Avx512F.Shuffle4x128(v2, v3, 0xEE);
                Avx512F.MaskStore(y, mask0, Avx512F.Shuffle4x128(a, b, 0x88));
                Avx512F.MaskStore(y + 16, mask1, Avx512F.Shuffle4x128(a, b, 0xDD));
                Avx512F.MaskStore(y + 32, mask2, Avx512F.Shuffle4x128(c, d, 0x88));
                Avx512F.MaskStore(y + 48, mask3, Avx512F.Shuffle4x128(c, d, 0xDD));
            }
        }
    }
}
