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

    /// <summary>Where its memory ends.</summary>
    public float* End;

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
            p.End = source + p.Plane * planes;
            return p;
        }
        p.Row = phases * columns;
        p.Plane = p.Row * rows;
        p.Data = Scratch.Get(ScratchUse.Image, p.Plane * planes);
        p.End = p.Data + p.Plane * planes + 16;
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
            for (int r = 0; r < p->_rows; r++, target += p->Row)
            {
                int h = r * p->_stepH - p->_top;
                if ((uint)h >= (uint)p->_height) new Span<float>(target, (int)p->Row).Clear();
                else
                    for (int phase = 0; phase < p->_phases; phase++) CopyRow(p, source + (nint)h * p->_width, target + phase * p->_columns, phase);
            }
        }
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
