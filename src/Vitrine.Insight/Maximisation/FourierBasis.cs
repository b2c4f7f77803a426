namespace Vitrine.Insight;

/// <summary>
/// The inverse discrete Fourier transform of a half spectrum, as products with matrices of cosines and sines: linear, so that the engine's own gradients go
/// back through it, for any height and width, and with as few frequencies as are wanted.
/// </summary>
/// <remarks>
/// x[r, c] = 1 / (H W) Re sum over ky, kx of w(kx) S[ky, kx] exp(2 pi i (ky r / H + kx c / W)), with ky over negative and positive frequencies, kx over 0 to W
/// / 2, and w = 2 where -kx is left out because a real picture has it anyway, else 1.
/// </remarks>
internal sealed class FourierBasis
{
    private readonly int _height;
    private readonly Tensor _rows;    // [2 H, 2 Ky]: real over imaginary parts
    private readonly Tensor _cosines; // [W, Kx]
    private readonly Tensor _sines;   // [W, Kx]

    /// <summary>Makes the matrices.</summary>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <param name="band">The highest frequency in cycles over the picture; null for all there are.</param>
    public FourierBasis(int height, int width, int? band)
    {
        _height = height;
        int limit = band ?? int.MaxValue;
        Vertical = [.. Enumerable.Range(-((height - 1) / 2), height).Where(k => Math.Abs(k) <= limit)];
        Horizontal = [.. Enumerable.Range(0, width / 2 + 1).Where(k => k <= limit)];
        int ky = Vertical.Length, kx = Horizontal.Length;
        float[] rows = new float[4 * height * ky], cosines = new float[width * kx], sines = new float[width * kx];
        for (int r = 0; r < height; r++)
        {
            for (int k = 0; k < ky; k++)
            {
                (double sin, double cos) = Wave(Vertical[k], r, height);
                rows[r * 2 * ky + k] = rows[(height + r) * 2 * ky + ky + k] = (float)cos;
                rows[r * 2 * ky + ky + k] = (float)-sin;
                rows[(height + r) * 2 * ky + k] = (float)sin;
            }
        }
        for (int c = 0; c < width; c++)
        {
            for (int k = 0; k < kx; k++)
            {
                (double sin, double cos) = Wave(Horizontal[k], c, width);
                double weight = Horizontal[k] == 0 || 2 * Horizontal[k] == width ? 1 : 2;
                cosines[c * kx + k] = (float)(weight * cos);
                sines[c * kx + k] = (float)(weight * sin);
            }
        }
        _rows = Tensor.From(rows, [2 * height, 2 * ky]);
        _cosines = Tensor.From(cosines, [width, kx]);
        _sines = Tensor.From(sines, [width, kx]);
    }

    /// <summary>The vertical frequencies, in the order of the spectrum's rows.</summary>
    public int[] Vertical { get; }

    /// <summary>The horizontal frequencies, in the order of the spectrum's columns.</summary>
    public int[] Horizontal { get; }

    /// <summary>A spectrum [N, C, 2 Ky, Kx], real over imaginary parts, as pictures [N, C, H, W]; without the factor 1 / (H W).</summary>
    public Tensor Picture(Tensor spectrum)
    {
        Tensor columns = _rows.MatMul(spectrum); // [N, C, 2 H, Kx]
        return columns.Slice(2, 0, _height).Linear(_cosines) - columns.Slice(2, _height, 2 * _height).Linear(_sines);
    }

    // Whole turns are taken off first, in integers: a cosine of a large angle is not exact.
    private static (double Sin, double Cos) Wave(int k, int at, int extent) => Math.SinCos(2 * Math.PI * ((long)k * at % extent) / extent);
}
