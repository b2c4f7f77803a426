using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vitrine.Cpu;

/// <summary>
/// Copies of images with room around them, and with the columns of a strided convolution sorted by their remainder, so that the inputs of
/// consecutive positions are consecutive whatever the padding, stride or dilation.
/// </summary>
/// <remarks>A plane is [rows][phases][columns]; column v of the padded image is at phase v % phases, place v / phases.</remarks>
internal unsafe struct Padded
{
    /// <summary>The copy: one plane after another.</summary>
    public float* Data;

    /// <summary>Elements from one row to the next, and from one plane to the next.</summary>
    public nint Row, Plane;

    private float* _source;
    private int _height, _width, _top, _left, _stepH, _stepW, _rows, _phases, _columns;

    /// <summary>
    /// Copies <paramref name="planes"/> planes of <paramref name="height"/> by <paramref name="width"/>. Row r of the copy is row
    /// r * <paramref name="stepH"/> - <paramref name="top"/> of the source, and zero where there is none; columns alike, with
    /// <paramref name="phases"/> * <paramref name="columns"/> of them.
    /// </summary>
    public static Padded Copy(
        float* source, int planes, int height, int width, int top, int left, int stepH, int stepW, int rows, int phases, int columns)
    {
        Padded p = default;
        if (height == rows && width == columns && (top | left) == 0 && stepH * stepW * phases == 1)
        {
            // Nothing to add: the images serve as they are.
            p.Data = source;
            p.Row = width;
            p.Plane = (nint)width * height;
            return p;
        }
        p.Row = phases * columns;
        p.Plane = p.Row * rows;
        p.Data = Scratch.Get(ScratchUse.Image, p.Plane * planes);
        p._source = source;
        p._height = height;
        p._width = width;
        p._top = top;
        p._left = left;
        p._stepH = stepH;
        p._stepW = stepW;
        p._rows = rows;
        p._phases = phases;
        p._columns = columns;
        Parallel.For(planes, (int)Math.Max(1, 32768 / Math.Max(1, p.Plane)), &Body, &p);
        return p;
    }

    private static void Body(void* context, int start, int end)
    {
        Padded* p = (Padded*)context;
        for (int plane = start; plane < end; plane++)
        {
            float* source = p->_source + (nint)plane * p->_height * p->_width;
            float* target = p->Data + plane * p->Plane;
            if (Tile.Wide && p->_stepW == 1 && p->_phases <= 2)
            {
                if (p->_phases == 1) CopyPlane(p, source, target);
                else SplitPlane(p, source, target);
                continue;
            }
            for (int r = 0; r < p->_rows; r++, target += p->Row)
            {
                int h = r * p->_stepH - p->_top;
                if ((uint)h >= (uint)p->_height) new Span<float>(target, (int)p->Row).Clear();
                else
                    for (int phase = 0; phase < p->_phases; phase++) CopyRow(p, source + (nint)h * p->_width, target + phase * p->_columns, phase);
            }
        }
    }

    // Sixteen columns of all rows at a time, so that masks are made once.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyPlane(Padded* p, float* source, float* target)
    {
        Vector512<float> zero = Vector512<float>.Zero;
        for (int c = 0; c < p->_columns; c += 16)
        {
            Vector512<float> read = Columns(c - p->_left, 0, p->_width), written = Columns(c, 0, p->_columns);
            float* to = target + c;
            for (int r = 0; r < p->_rows; r++, to += p->Row)
            {
                int h = r * p->_stepH - p->_top;
                Vector512<float> value = (uint)h < (uint)p->_height ? Avx512F.MaskLoad(source + (nint)h * p->_width + (c - p->_left), read, zero) : zero;
                Avx512F.MaskStore(to, written, value);
            }
        }
    }

    // The same for a horizontal stride of two: even columns to the first phase, odd ones to the second.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SplitPlane(Padded* p, float* source, float* target)
    {
        Vector512<float> zero = Vector512<float>.Zero;
        Vector512<int> even = Vector512.CreateSequence(0, 2), odd = Vector512.CreateSequence(1, 2);
        for (int c = 0; c < p->_columns; c += 16)
        {
            int first = 2 * c - p->_left;
            Vector512<float> readLow = Columns(first, 0, p->_width), readHigh = Columns(first + 16, 0, p->_width), written = Columns(c, 0, p->_columns);
            float* to = target + c;
            for (int r = 0; r < p->_rows; r++, to += p->Row)
            {
                int h = r * p->_stepH - p->_top;
                Vector512<float> low = zero, high = zero;
                if ((uint)h < (uint)p->_height)
                {
                    float* from = source + (nint)h * p->_width + first;
                    low = Avx512F.MaskLoad(from, readLow, zero);
                    high = Avx512F.MaskLoad(from + 16, readHigh, zero);
                }
                Avx512F.MaskStore(to, written, Avx512F.PermuteVar16x32x2(low, even, high));
                Avx512F.MaskStore(to + p->_columns, written, Avx512F.PermuteVar16x32x2(low, odd, high));
            }
        }
    }

    // Which of sixteen columns from the first on lie in [begin, end).
    private static Vector512<float> Columns(int first, int begin, int end)
    {
        Vector512<int> column = Vector512.CreateSequence(first, 1);
        return (Vector512.GreaterThanOrEqual(column, Vector512.Create(begin)) & Vector512.LessThan(column, Vector512.Create(end))).AsSingle();
    }

    private static void CopyRow(Padded* p, float* source, float* target, int phase)
    {
        int step = p->_phases * p->_stepW, first = phase * p->_stepW - p->_left, columns = p->_columns, width = p->_width;
        // Places before begin and from end on lie outside the image.
        int begin = first >= 0 ? 0 : Math.Min(columns, (-first + step - 1) / step);
        int end = first >= width ? begin : Math.Clamp((width - 1 - first) / step + 1, begin, columns);
        for (int i = 0; i < begin; i++) target[i] = 0;
        if (step == 1) new ReadOnlySpan<float>(source + first + begin, end - begin).CopyTo(new Span<float>(target + begin, end - begin));
        else
            for (int i = begin; i < end; i++) target[i] = source[first + i * step];
        for (int i = end; i < columns; i++) target[i] = 0;
    }
}
