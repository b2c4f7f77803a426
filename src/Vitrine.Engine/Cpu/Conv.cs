namespace Vitrine.Cpu;

/// <summary>Two-dimensional convolution (cross-correlation) and its two gradients; NCHW images, OIHW weights.</summary>
internal static unsafe class Conv
{
    /// <summary>y = x * w (+ bias per output channel), negative results replaced by zero when <paramref name="relu"/>.</summary>
    public static void Forward(in ConvShape s, float* x, float* w, float* bias, float* y, bool relu)
    {
        int taps = s.Taps, positions = s.Positions;
        float* columns = s.IsPointwise ? null : Scratch.Get(ScratchUse.Image, (long)taps * positions);
        for (int n = 0; n < s.N; n++)
        {
            for (int g = 0; g < s.Groups; g++)
            {
                float* image = x + ((nint)n * s.C + g * s.GroupC) * s.H * s.W;
                float* target = y + ((nint)n * s.O + g * s.GroupO) * positions;
                if (columns != null) Unfold(s, image, columns);
                Gemm.Run(false, false, s.GroupO, positions, taps, w + (nint)g * s.GroupO * taps, taps, columns == null ? image : columns, positions, target, positions, false);
            }
        }
        if (bias == null && !relu) return;
        for (int plane = 0; plane < s.N * s.O; plane++)
        {
            float* row = y + (nint)plane * positions;
            float b = bias == null ? 0 : bias[plane % s.O];
            for (int i = 0; i < positions; i++) row[i] = relu ? Math.Max(row[i] + b, 0) : row[i] + b;
        }
    }

    /// <summary>The gradient with respect to the input, overwriting <paramref name="gx"/>; also the forward pass of a transposed convolution.</summary>
    public static void GradInput(in ConvShape s, float* gy, float* w, float* gx)
    {
        int taps = s.Taps, positions = s.Positions;
        float* columns = s.IsPointwise ? null : Scratch.Get(ScratchUse.Image, (long)taps * positions);
        for (int n = 0; n < s.N; n++)
        {
            for (int g = 0; g < s.Groups; g++)
            {
                float* image = gx + ((nint)n * s.C + g * s.GroupC) * s.H * s.W;
                float* source = gy + ((nint)n * s.O + g * s.GroupO) * positions;
                Gemm.Run(true, false, taps, positions, s.GroupO, w + (nint)g * s.GroupO * taps, taps, source, positions, columns == null ? image : columns, positions, false);
                if (columns != null) Fold(s, columns, image);
            }
        }
    }

    /// <summary>The gradient with respect to the weight, overwriting <paramref name="gw"/>.</summary>
    public static void GradWeight(in ConvShape s, float* gy, float* x, float* gw)
    {
        int taps = s.Taps, positions = s.Positions;
        if (s.N == 0) new Span<float>(gw, s.O * taps).Clear();
        float* columns = s.IsPointwise ? null : Scratch.Get(ScratchUse.Image, (long)taps * positions);
        for (int n = 0; n < s.N; n++)
        {
            for (int g = 0; g < s.Groups; g++)
            {
                float* image = x + ((nint)n * s.C + g * s.GroupC) * s.H * s.W;
                float* source = gy + ((nint)n * s.O + g * s.GroupO) * positions;
                if (columns != null) Unfold(s, image, columns);
                Gemm.Run(false, true, s.GroupO, taps, positions, source, positions, columns == null ? image : columns, positions, gw + (nint)g * s.GroupO * taps, taps, n > 0);
            }
        }
    }

    // columns[tap, position] = the input that meets the tap at the position, or 0 in the padding.
    private static void Unfold(in ConvShape s, float* image, float* columns)
    {
        for (int c = 0; c < s.GroupC; c++)
        {
            for (int kh = 0; kh < s.KH; kh++)
            {
                for (int kw = 0; kw < s.KW; kw++)
                {
                    for (int oh = 0; oh < s.OH; oh++)
                    {
                        int h = oh * s.StrideH - s.PadH + kh * s.DilationH;
                        for (int ow = 0; ow < s.OW; ow++)
                        {
                            int v = ow * s.StrideW - s.PadW + kw * s.DilationW;
                            *columns++ = (uint)h < (uint)s.H && (uint)v < (uint)s.W ? image[((nint)c * s.H + h) * s.W + v] : 0;
                        }
                    }
                }
            }
        }
    }

    // The transpose of Unfold: every column is added to the input it came from.
    private static void Fold(in ConvShape s, float* columns, float* image)
    {
        new Span<float>(image, s.GroupC * s.H * s.W).Clear();
        for (int c = 0; c < s.GroupC; c++)
        {
            for (int kh = 0; kh < s.KH; kh++)
            {
                for (int kw = 0; kw < s.KW; kw++)
                {
                    for (int oh = 0; oh < s.OH; oh++)
                    {
                        int h = oh * s.StrideH - s.PadH + kh * s.DilationH;
                        for (int ow = 0; ow < s.OW; ow++)
                        {
                            int v = ow * s.StrideW - s.PadW + kw * s.DilationW;
                            float value = *columns++;
                            if ((uint)h < (uint)s.H && (uint)v < (uint)s.W) image[((nint)c * s.H + h) * s.W + v] += value;
                        }
                    }
                }
            }
        }
    }
}
