namespace Vitrine.Cpu;

/// <summary>Copies of small matrices, as they stand or transposed; the work of packing.</summary>
internal static unsafe class Transpose
{
    /// <summary>target[c * targetRow + r] = source[r * sourceRow + c] for r below <paramref name="rows"/> and c below <paramref name="cols"/>.</summary>
    public static void Run(float* source, nint sourceRow, int rows, int cols, float* target, nint targetRow)
    {
        for (int c = 0; c < cols; c++)
        {
            float* s = source + c, t = target + c * targetRow;
            for (int r = 0; r < rows; r++)
            {
                t[r] = *s;
                s += sourceRow;
            }
        }
    }

    /// <summary>target[r * targetRow + c] = source[r * sourceRow + c].</summary>
    public static void Copy(float* source, nint sourceRow, int rows, int cols, float* target, nint targetRow)
    {
        for (int r = 0; r < rows; r++) new ReadOnlySpan<float>(source + r * sourceRow, cols).CopyTo(new Span<float>(target + r * targetRow, cols));
    }
}
