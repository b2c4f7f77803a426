using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vitrine.Cpu;

/// <summary>The weight's gradient of convolutions with few output channels a group, depthwise ones among them.</summary>
/// <remarks>
/// Lanes run along the positions of a row, where both the gradient and the padded image are consecutive, and up to 3 outputs by 5 taps are
/// summed in registers over all rows of a group of images. Groups of images are fixed, and their sums are added in order.
/// </remarks>
internal unsafe struct NarrowGradWeight
{
    private const int MostOutputs = 3;
    private const int MostTaps = 5;

    private ConvShape _s;
    private float* _gy, _gw, _partial;
    private float* _image;
    private nint _imageStride, _imageGroup, _imageRow;
    private nint* _offsets;
    private int _imageGroups, _groupImages;

    /// <summary>Whether this way is open and worth it.</summary>
    public static bool Fits(in ConvShape s) => Tile.Wide && s.GroupO <= 8 && s.OW * 10 >= (s.OW + 15) / 16 * 16 * 6;

    /// <summary>Overwrites <paramref name="gw"/>.</summary>
    public static void Run(in ConvShape s, float* gy, in Padded padded, nint imageRow, nint* offsets, float* gw)
    {
        NarrowGradWeight f = new()
        {
            _s = s,
            _gy = gy,
            _gw = gw,
            _image = padded.Data,
            _imageStride = s.C * padded.Plane,
            _imageGroup = s.GroupC * padded.Plane,
            _imageRow = imageRow,
            _offsets = offsets,
        };
        int wanted = Math.Clamp((16 + s.Groups - 1) / s.Groups, 1, s.N);
        f._groupImages = (s.N + wanted - 1) / wanted;
        f._imageGroups = (s.N + f._groupImages - 1) / f._groupImages;
        int weights = s.O * s.Taps;
        f._partial = f._imageGroups == 1 ? gw : Scratch.Get(ScratchUse.Partial, (long)weights * f._imageGroups);
        long work = (long)f._groupImages * s.GroupO * s.Taps * s.Positions;
        Parallel.For(s.Groups * f._imageGroups, (int)Math.Max(1, 256 * 1024 / work), &Body, &f);
        if (f._imageGroups == 1) return;
        Span<float> sum = new(gw, weights);
        new ReadOnlySpan<float>(f._partial, weights).CopyTo(sum);
        for (int i = 1; i < f._imageGroups; i++)
            System.Numerics.Tensors.TensorPrimitives.Add(sum, new ReadOnlySpan<float>(f._partial + (nint)i * weights, weights), sum);
    }

    private static void Body(void* context, int start, int end)
    {
        NarrowGradWeight* f = (NarrowGradWeight*)context;
        int outputs = f->_s.GroupO, taps = f->_s.Taps;
        for (int unit = start; unit < end; unit++)
        {
            int group = unit % f->_s.Groups, images = unit / f->_s.Groups;
            float* to = f->_partial + ((nint)images * f->_s.Groups + group) * outputs * taps;
            for (int o = 0; o < outputs; o += MostOutputs)
            {
                for (int tap = 0; tap < taps; tap += MostTaps)
                {
                    float* target = to + (nint)o * taps + tap;
                    int count = Math.Min(MostTaps, taps - tap);
                    switch (outputs - o)
                    {
                        case 1: Taps<N1>(f, group, images, o, tap, count, target); break;
                        case 2: Taps<N2>(f, group, images, o, tap, count, target); break;
                        default: Taps<N3>(f, group, images, o, tap, count, target); break;
                    }
                }
            }
        }
    }

    private static void Taps<TOutputs>(NarrowGradWeight* f, int group, int images, int o, int tap, int count, float* target)
        where TOutputs : struct, ICount
    {
        switch (count)
        {
            case 1: Sum<TOutputs, N1>(f, group, images, o, tap, target); break;
            case 2: Sum<TOutputs, N2>(f, group, images, o, tap, target); break;
            case 3: Sum<TOutputs, N3>(f, group, images, o, tap, target); break;
            case 4: Sum<TOutputs, N4>(f, group, images, o, tap, target); break;
            default: Sum<TOutputs, N5>(f, group, images, o, tap, target); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum<TOutputs, TTaps>(NarrowGradWeight* f, int group, int images, int o, int tap, float* target)
        where TOutputs : struct, ICount
        where TTaps : struct, ICount
    {
        int positions = f->_s.Positions, width = f->_s.OW, rows = f->_s.OH, full = width & ~15;
        nint outputStep = positions;
        Vector512<float> mask = Vector512.LessThan(Vector512.CreateSequence(0f, 1f), Vector512.Create((float)(width - full))), zero = Vector512<float>.Zero;
        Vector512<float> s0x0 = zero, s0x1 = zero, s0x2 = zero, s0x3 = zero, s0x4 = zero;
        Vector512<float> s1x0 = zero, s1x1 = zero, s1x2 = zero, s1x3 = zero, s1x4 = zero;
        Vector512<float> s2x0 = zero, s2x1 = zero, s2x2 = zero, s2x3 = zero, s2x4 = zero;
        int past = Math.Min(f->_s.N, (images + 1) * f->_groupImages);
        for (int n = images * f->_groupImages; n < past; n++)
        {
            float* g = f->_gy + ((nint)n * f->_s.O + group * f->_s.GroupO + o) * positions;
            float* image = f->_image + n * f->_imageStride + group * f->_imageGroup;
            nint* offsets = f->_offsets + tap;
            float* x0At = image + offsets[0];
            float* x1At = TTaps.Value > 1 ? image + offsets[1] : image;
            float* x2At = TTaps.Value > 2 ? image + offsets[2] : image;
            float* x3At = TTaps.Value > 3 ? image + offsets[3] : image;
            float* x4At = TTaps.Value > 4 ? image + offsets[4] : image;
            for (int i = 0; i < rows; i++)
            {
                for (int j = 0; j < full; j += 16, g += 16)
                {
                    Vector512<float> g0 = Vector512.Load(g);
                    Vector512<float> g1 = TOutputs.Value > 1 ? Vector512.Load(g + outputStep) : default;
                    Vector512<float> g2 = TOutputs.Value > 2 ? Vector512.Load(g + 2 * outputStep) : default;
                    Vector512<float> x0 = Vector512.Load(x0At + j);
                    s0x0 = Avx512F.FusedMultiplyAdd(g0, x0, s0x0);
                    if (TOutputs.Value > 1) s1x0 = Avx512F.FusedMultiplyAdd(g1, x0, s1x0);
                    if (TOutputs.Value > 2) s2x0 = Avx512F.FusedMultiplyAdd(g2, x0, s2x0);
                    if (TTaps.Value > 1)
                    {
                        Vector512<float> x = Vector512.Load(x1At + j);
                        s0x1 = Avx512F.FusedMultiplyAdd(g0, x, s0x1);
                        if (TOutputs.Value > 1) s1x1 = Avx512F.FusedMultiplyAdd(g1, x, s1x1);
                        if (TOutputs.Value > 2) s2x1 = Avx512F.FusedMultiplyAdd(g2, x, s2x1);
                    }
                    if (TTaps.Value > 2)
                    {
                        Vector512<float> x = Vector512.Load(x2At + j);
                        s0x2 = Avx512F.FusedMultiplyAdd(g0, x, s0x2);
                        if (TOutputs.Value > 1) s1x2 = Avx512F.FusedMultiplyAdd(g1, x, s1x2);
                        if (TOutputs.Value > 2) s2x2 = Avx512F.FusedMultiplyAdd(g2, x, s2x2);
                    }
                    if (TTaps.Value > 3)
                    {
                        Vector512<float> x = Vector512.Load(x3At + j);
                        s0x3 = Avx512F.FusedMultiplyAdd(g0, x, s0x3);
                        if (TOutputs.Value > 1) s1x3 = Avx512F.FusedMultiplyAdd(g1, x, s1x3);
                        if (TOutputs.Value > 2) s2x3 = Avx512F.FusedMultiplyAdd(g2, x, s2x3);
                    }
                    if (TTaps.Value > 4)
                    {
                        Vector512<float> x = Vector512.Load(x4At + j);
                        s0x4 = Avx512F.FusedMultiplyAdd(g0, x, s0x4);
                        if (TOutputs.Value > 1) s1x4 = Avx512F.FusedMultiplyAdd(g1, x, s1x4);
                        if (TOutputs.Value > 2) s2x4 = Avx512F.FusedMultiplyAdd(g2, x, s2x4);
                    }
                }
                if (full < width)
                {
                    Vector512<float> g0 = Avx512F.MaskLoad(g, mask, zero);
                    Vector512<float> g1 = TOutputs.Value > 1 ? Avx512F.MaskLoad(g + outputStep, mask, zero) : default;
                    Vector512<float> g2 = TOutputs.Value > 2 ? Avx512F.MaskLoad(g + 2 * outputStep, mask, zero) : default;
                    Vector512<float> x0 = Avx512F.MaskLoad(x0At + full, mask, zero);
                    s0x0 = Avx512F.FusedMultiplyAdd(g0, x0, s0x0);
                    if (TOutputs.Value > 1) s1x0 = Avx512F.FusedMultiplyAdd(g1, x0, s1x0);
                    if (TOutputs.Value > 2) s2x0 = Avx512F.FusedMultiplyAdd(g2, x0, s2x0);
                    if (TTaps.Value > 1)
                    {
                        Vector512<float> x = Avx512F.MaskLoad(x1At + full, mask, zero);
                        s0x1 = Avx512F.FusedMultiplyAdd(g0, x, s0x1);
                        if (TOutputs.Value > 1) s1x1 = Avx512F.FusedMultiplyAdd(g1, x, s1x1);
                        if (TOutputs.Value > 2) s2x1 = Avx512F.FusedMultiplyAdd(g2, x, s2x1);
                    }
                    if (TTaps.Value > 2)
                    {
                        Vector512<float> x = Avx512F.MaskLoad(x2At + full, mask, zero);
                        s0x2 = Avx512F.FusedMultiplyAdd(g0, x, s0x2);
                        if (TOutputs.Value > 1) s1x2 = Avx512F.FusedMultiplyAdd(g1, x, s1x2);
                        if (TOutputs.Value > 2) s2x2 = Avx512F.FusedMultiplyAdd(g2, x, s2x2);
                    }
                    if (TTaps.Value > 3)
                    {
                        Vector512<float> x = Avx512F.MaskLoad(x3At + full, mask, zero);
                        s0x3 = Avx512F.FusedMultiplyAdd(g0, x, s0x3);
                        if (TOutputs.Value > 1) s1x3 = Avx512F.FusedMultiplyAdd(g1, x, s1x3);
                        if (TOutputs.Value > 2) s2x3 = Avx512F.FusedMultiplyAdd(g2, x, s2x3);
                    }
                    if (TTaps.Value > 4)
                    {
                        Vector512<float> x = Avx512F.MaskLoad(x4At + full, mask, zero);
                        s0x4 = Avx512F.FusedMultiplyAdd(g0, x, s0x4);
                        if (TOutputs.Value > 1) s1x4 = Avx512F.FusedMultiplyAdd(g1, x, s1x4);
                        if (TOutputs.Value > 2) s2x4 = Avx512F.FusedMultiplyAdd(g2, x, s2x4);
                    }
                    g += width - full;
                }
                x0At += f->_imageRow;
                x1At += f->_imageRow;
                x2At += f->_imageRow;
                x3At += f->_imageRow;
                x4At += f->_imageRow;
            }
        }
        nint taps = f->_s.Taps;
        target[0] = Vector512.Sum(s0x0);
        if (TTaps.Value > 1) target[1] = Vector512.Sum(s0x1);
        if (TTaps.Value > 2) target[2] = Vector512.Sum(s0x2);
        if (TTaps.Value > 3) target[3] = Vector512.Sum(s0x3);
        if (TTaps.Value > 4) target[4] = Vector512.Sum(s0x4);
        if (TOutputs.Value <= 1) return;
        target += taps;
        target[0] = Vector512.Sum(s1x0);
        if (TTaps.Value > 1) target[1] = Vector512.Sum(s1x1);
        if (TTaps.Value > 2) target[2] = Vector512.Sum(s1x2);
        if (TTaps.Value > 3) target[3] = Vector512.Sum(s1x3);
        if (TTaps.Value > 4) target[4] = Vector512.Sum(s1x4);
        if (TOutputs.Value <= 2) return;
        target += taps;
        target[0] = Vector512.Sum(s2x0);
        if (TTaps.Value > 1) target[1] = Vector512.Sum(s2x1);
        if (TTaps.Value > 2) target[2] = Vector512.Sum(s2x2);
        if (TTaps.Value > 3) target[3] = Vector512.Sum(s2x3);
        if (TTaps.Value > 4) target[4] = Vector512.Sum(s2x4);
    }
}
