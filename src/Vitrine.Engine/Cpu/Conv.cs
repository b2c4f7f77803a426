namespace Vitrine.Cpu;

/// <summary>Two-dimensional convolution (cross-correlation) and its two gradients; NCHW images, OIHW weights.</summary>
internal static unsafe class Conv
{
    /// <summary>y = x * w (+ bias per output channel), negative results replaced by zero when <paramref name="relu"/>.</summary>
    public static void Forward(in ConvShape s, float* x, float* w, float* bias, float* y, bool relu)
    {
        if (s.N == 0 || s.Positions == 0) return;
        if (s.IsFull)
        {
            // The kernel covers the image: images are rows of a matrix, and so are kernels.
            Gemm.Run(false, true, s.N, s.O, s.Taps, x, s.Taps, w, s.Taps, y, s.O, false, bias);
            if (relu) System.Numerics.Tensors.TensorPrimitives.Max(new ReadOnlySpan<float>(y, s.N * s.O), 0f, new Span<float>(y, s.N * s.O));
            return;
        }
        if (Winograd.Fits(s))
        {
            Winograd.Forward(s, x, w, bias, y, relu);
            return;
        }
        Padded padded = PadInput(s, x, out nint imageRow);
        Correlation c = new()
        {
            Image = padded.Data,
            ImageStride = s.C * padded.Plane,
            ImageGroup = s.GroupC * padded.Plane,
            ImageRow = imageRow,
            Offsets = InputOffsets(s, padded),
            Taps = s.Taps,
            Weight = w,
            Rows = s.GroupO,
            Groups = s.Groups,
            N = s.N,
            GridH = s.OH,
            GridW = s.OW,
            Y = y,
            YImage = (nint)s.O * s.Positions,
            YGroup = (nint)s.GroupO * s.Positions,
            YChannel = s.Positions,
            YRow = s.OW,
            YColumn = 1,
            Bias = bias,
            Relu = relu,
            Pointwise = s.IsPointwise && s.GroupC > 1 && padded.Plane % 1024 != 0,
        };
        c.Run();
    }

    /// <summary>The gradient with respect to the input, overwriting <paramref name="gx"/>; also the forward pass of a transposed convolution.</summary>
    public static void GradInput(in ConvShape s, float* gy, float* w, float* gx)
    {
        if (s.N == 0 || s.C == 0) return;
        if (s.IsFull)
        {
            Gemm.Run(false, false, s.N, s.Taps, s.O, gy, s.O, w, s.Taps, gx, s.Taps, false);
            return;
        }
        if (Winograd.Fits(s))
        {
            Winograd.GradInput(s, gy, w, gx);
            return;
        }
        int kernel = s.KH * s.KW, plane = s.H * s.W;
        // Input row h meets tap kh at output row (h + pad - kh * dilation) / stride, where that is whole.
        int lowH = -((s.KH - 1) * s.DilationH), lowW = -((s.KW - 1) * s.DilationW);
        int firstH = Floor(s.PadH + lowH, s.StrideH), firstW = Floor(s.PadW + lowW, s.StrideW);
        int rows = Floor(s.H - 1 + s.PadH, s.StrideH) - firstH + 1, columns = Floor(s.W - 1 + s.PadW, s.StrideW) - firstW + 1;
        Padded padded = Padded.Copy(gy, s.N * s.O, s.OH, s.OW, -firstH, -firstW, 1, 1, rows, 1, columns);

        // [group][c, tap][o]: for each input channel, the weights of each tap lie together.
        float* transposed = Scratch.Get(ScratchUse.Weights, 2L * s.O * s.Taps);
        float* selected = transposed + (nint)s.O * s.Taps;
        Weights weights = new() { S = s, W = w, Transposed = transposed, Selected = selected };
        Parallel.For(s.Groups * ((s.Taps + 63) / 64), Math.Max(1, 512 / Math.Max(1, s.GroupO)), &Weights.Transpose, &weights);

        nint* offsets = (nint*)Scratch.Get(ScratchUse.Table, (long)s.GroupO * kernel * (sizeof(nint) / sizeof(float)));
        int* taps = stackalloc int[kernel <= 256 ? kernel : 0];
        int[]? many = kernel <= 256 ? null : new int[kernel];
        fixed (int* pinned = many)
        {
            weights.Taps = many == null ? taps : pinned;
            // Inputs between the steps of a stride longer than the kernel meet no tap.
            bool gaps = (s.StrideH > 1 && (s.KH - 1) * s.DilationH + 1 < s.StrideH) || (s.StrideW > 1 && (s.KW - 1) * s.DilationW + 1 < s.StrideW);
            if (gaps) new Span<float>(gx, s.N * s.C * plane).Clear();
            for (int rh = 0; rh < Math.Min(s.StrideH, s.H); rh++)
            {
                for (int rw = 0; rw < Math.Min(s.StrideW, s.W); rw++)
                {
                    weights.Count = 0;
                    for (int kh = 0; kh < s.KH; kh++)
                    {
                        int atH = rh + s.PadH - kh * s.DilationH;
                        if (atH % s.StrideH != 0) continue;
                        for (int kw = 0; kw < s.KW; kw++)
                        {
                            int atW = rw + s.PadW - kw * s.DilationW;
                            if (atW % s.StrideW != 0) continue;
                            nint offset = (atH / s.StrideH - firstH) * padded.Row + (atW / s.StrideW - firstW);
                            for (int o = 0; o < s.GroupO; o++) offsets[weights.Count * s.GroupO + o] = o * padded.Plane + offset;
                            weights.Taps[weights.Count++] = kh * s.KW + kw;
                        }
                    }
                    if (gaps && weights.Count == 0) continue;
                    bool all = weights.Count == kernel;
                    if (!all) Parallel.For(s.C, Math.Max(1, 16384 / Math.Max(1, s.GroupO * weights.Count)), &Weights.Select, &weights);
                    Correlation c = new()
                    {
                        Image = padded.Data,
                        ImageStride = s.O * padded.Plane,
                        ImageGroup = s.GroupO * padded.Plane,
                        ImageRow = padded.Row,
                        Offsets = offsets,
                        Taps = weights.Count * s.GroupO,
                        Weight = all ? transposed : selected,
                        Rows = s.GroupC,
                        Groups = s.Groups,
                        N = s.N,
                        GridH = (s.H - rh + s.StrideH - 1) / s.StrideH,
                        GridW = (s.W - rw + s.StrideW - 1) / s.StrideW,
                        Y = gx + (nint)rh * s.W + rw,
                        YImage = (nint)s.C * plane,
                        YGroup = (nint)s.GroupC * plane,
                        YChannel = plane,
                        YRow = (nint)s.W * s.StrideH,
                        YColumn = s.StrideW,
                        Pointwise = s.IsPointwise && s.GroupO > 1 && padded.Plane % 1024 != 0,
                    };
                    c.Run();
                }
            }
        }
    }

    /// <summary>The gradient with respect to the weight, overwriting <paramref name="gw"/>.</summary>
    public static void GradWeight(in ConvShape s, float* gy, float* x, float* gw)
    {
        if (s.N == 0 || s.Positions == 0)
        {
            new Span<float>(gw, s.O * s.Taps).Clear();
            return;
        }
        if (s.IsFull)
        {
            Gemm.Run(true, false, s.O, s.Taps, s.N, gy, s.O, x, s.Taps, gw, s.Taps, false);
            return;
        }
        if (Winograd.FitsGradWeight(s))
        {
            Winograd.GradWeight(s, gy, x, gw);
            return;
        }
        ConvGradWeight gradient = new() { S = s, GY = gy, X = x, GW = gw };
        gradient.Run();
    }

    /// <summary>Pads the input for the positions the output asks for.</summary>
    internal static Padded PadInput(in ConvShape s, float* x, out nint imageRow)
    {
        // A kernel of height 1 meets only every StrideH-th row, and copies no other; columns alike.
        bool flat = s.KH == 1, thin = s.KW == 1;
        int rows = flat ? s.OH : (s.OH - 1) * s.StrideH + (s.KH - 1) * s.DilationH + 1;
        int columns = PaddedColumns(s);
        Padded p = Padded.Copy(
            x, s.N * s.C, s.H, s.W, s.PadH, s.PadW, flat ? s.StrideH : 1, thin ? s.StrideW : 1, rows, thin ? 1 : s.StrideW, columns);
        imageRow = flat ? p.Row : p.Row * s.StrideH;
        return p;
    }

    /// <summary>Where each tap (c, kh, kw) of a group finds its input of position 0 in what <see cref="PadInput"/> made.</summary>
    internal static nint* InputOffsets(in ConvShape s, in Padded p)
    {
        nint* offsets = (nint*)Scratch.Get(ScratchUse.Table, (long)s.Taps * (sizeof(nint) / sizeof(float)));
        int columns = PaddedColumns(s);
        nint* next = offsets;
        for (int c = 0; c < s.GroupC; c++)
        {
            for (int kh = 0; kh < s.KH; kh++)
            {
                for (int kw = 0; kw < s.KW; kw++)
                {
                    int v = kw * s.DilationW;
                    *next++ = c * p.Plane + kh * s.DilationH * p.Row + v % s.StrideW * columns + v / s.StrideW;
                }
            }
        }
        return offsets;
    }

    // Columns of one phase.
    private static int PaddedColumns(in ConvShape s) => s.KW == 1 ? s.OW : s.OW + (s.KW - 1) * s.DilationW / s.StrideW;

    private static int Floor(int a, int b) => a >= 0 ? a / b : -((-a + b - 1) / b);

    private struct Weights
    {
        public ConvShape S;
        public float* W, Transposed, Selected;
        public int* Taps;
        public int Count;

        public static void Transpose(void* context, int start, int end)
        {
            Weights* x = (Weights*)context;
            ref ConvShape s = ref x->S;
            int taps = s.Taps, blocks = (taps + 63) / 64;
            for (int unit = start; unit < end; unit++)
            {
                int g = unit / blocks, tap = unit % blocks * 64;
                nint group = (nint)g * s.GroupO * taps;
                Cpu.Transpose.Run(x->W + group + tap, taps, s.GroupO, Math.Min(64, taps - tap), x->Transposed + group + (nint)tap * s.GroupO, s.GroupO);
            }
        }

        // The taps of one remainder of the stride, next to each other.
        public static void Select(void* context, int start, int end)
        {
            Weights* x = (Weights*)context;
            ref ConvShape s = ref x->S;
            int kernel = s.KH * s.KW, o = s.GroupO;
            for (int c = start; c < end; c++)
            {
                for (int i = 0; i < x->Count; i++)
                {
                    new ReadOnlySpan<float>(x->Transposed + ((nint)c * kernel + x->Taps[i]) * o, o)
                        .CopyTo(new Span<float>(x->Selected + ((nint)c * x->Count + i) * o, o));
                }
            }
        }
    }
}
