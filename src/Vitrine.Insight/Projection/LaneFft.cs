using System.Numerics;
using System.Runtime.Intrinsics;

namespace Vitrine.Insight;

/// <summary>
/// Fourier transforms of a power of two (Cooley and Tukey 1965), eight at a time, one to a lane. The forward transform leaves its result in bit-reversed
/// order and the inverse takes it so: a convolution needs no reordering. The inverse is not divided by the length.
/// </summary>
internal sealed class LaneFft
{
    public const int Lanes = 8;

    // One number each, spread over the lanes when it is read: eight copies would fill the cache that the data needs.
    private readonly double[] _cos, _sin;

    public LaneFft(int length)
    {
        if (length < 4 || !BitOperations.IsPow2(length))
        {
            throw new ArgumentException($"A transform has a power of two of at least 4 elements, not {length}.", nameof(length));
        }
        Length = length;
        (_cos, _sin) = (new double[length], new double[length]);
        for (int k = 0; k < length; k++) (_sin[k], _cos[k]) = Math.SinCos(-2 * Math.PI * k / length);
    }

    public int Length { get; }

    /// <summary>Sums of x[k] exp(-2πi jk / L).</summary>
    public void Forward(Span<Vector512<double>> re, Span<Vector512<double>> im)
    {
        int size = Length;
        for (; size >= 4; size /= 4)
        {
            int quarter = size / 4, stride = Length / size;
            for (int start = 0; start < Length; start += size)
            {
                Span<Vector512<double>> r0 = re.Slice(start, quarter), r1 = re.Slice(start + quarter, quarter);
                Span<Vector512<double>> r2 = re.Slice(start + 2 * quarter, quarter), r3 = re.Slice(start + 3 * quarter, quarter);
                Span<Vector512<double>> i0 = im.Slice(start, quarter), i1 = im.Slice(start + quarter, quarter);
                Span<Vector512<double>> i2 = im.Slice(start + 2 * quarter, quarter), i3 = im.Slice(start + 3 * quarter, quarter);
                for (int j = 0; j < quarter; j++)
                {
                    Vector512<double> sumR = r0[j] + r2[j], sumI = i0[j] + i2[j], differenceR = r0[j] - r2[j], differenceI = i0[j] - i2[j];
                    Vector512<double> otherR = r1[j] + r3[j], otherI = i1[j] + i3[j], turnR = r1[j] - r3[j], turnI = i1[j] - i3[j];
                    (r0[j], i0[j]) = (sumR + otherR, sumI + otherI);
                    (r1[j], i1[j]) = Times(sumR - otherR, sumI - otherI, 2 * j * stride, 1);
                    (r2[j], i2[j]) = Times(differenceR + turnI, differenceI - turnR, j * stride, 1);
                    (r3[j], i3[j]) = Times(differenceR - turnI, differenceI + turnR, 3 * j * stride, 1);
                }
            }
        }
        if (size == 2) Pairs(re, im);
    }

    /// <summary>Sums of x[k] exp(2πi jk / L), of what <see cref="Forward"/> left.</summary>
    public void Inverse(Span<Vector512<double>> re, Span<Vector512<double>> im)
    {
        bool odd = (BitOperations.Log2((uint)Length) & 1) == 1;
        if (odd) Pairs(re, im);
        for (int size = odd ? 8 : 4; size <= Length; size *= 4)
        {
            int quarter = size / 4, stride = Length / size;
            for (int start = 0; start < Length; start += size)
            {
                Span<Vector512<double>> r0 = re.Slice(start, quarter), r1 = re.Slice(start + quarter, quarter);
                Span<Vector512<double>> r2 = re.Slice(start + 2 * quarter, quarter), r3 = re.Slice(start + 3 * quarter, quarter);
                Span<Vector512<double>> i0 = im.Slice(start, quarter), i1 = im.Slice(start + quarter, quarter);
                Span<Vector512<double>> i2 = im.Slice(start + 2 * quarter, quarter), i3 = im.Slice(start + 3 * quarter, quarter);
                for (int j = 0; j < quarter; j++)
                {
                    (Vector512<double> bR, Vector512<double> bI) = Times(r1[j], i1[j], 2 * j * stride, -1);
                    (Vector512<double> cR, Vector512<double> cI) = Times(r2[j], i2[j], j * stride, -1);
                    (Vector512<double> dR, Vector512<double> dI) = Times(r3[j], i3[j], 3 * j * stride, -1);
                    Vector512<double> sumR = r0[j] + bR, sumI = i0[j] + bI, differenceR = r0[j] - bR, differenceI = i0[j] - bI;
                    Vector512<double> otherR = cR + dR, otherI = cI + dI, turnR = cR - dR, turnI = cI - dI;
                    (r0[j], i0[j]) = (sumR + otherR, sumI + otherI);
                    (r1[j], i1[j]) = (differenceR - turnI, differenceI + turnR);
                    (r2[j], i2[j]) = (sumR - otherR, sumI - otherI);
                    (r3[j], i3[j]) = (differenceR + turnI, differenceI - turnR);
                }
            }
        }
    }

    // Multiplied by exp(-2πi k / L), or its conjugate for direction -1.
    private (Vector512<double> Re, Vector512<double> Im) Times(Vector512<double> re, Vector512<double> im, int k, int direction)
    {
        Vector512<double> cos = Vector512.Create(_cos[k]), sin = Vector512.Create(direction * _sin[k]);
        return (re * cos - im * sin, re * sin + im * cos);
    }

    private void Pairs(Span<Vector512<double>> re, Span<Vector512<double>> im)
    {
        for (int i = 0; i < Length; i += 2)
        {
            (re[i], re[i + 1]) = (re[i] + re[i + 1], re[i] - re[i + 1]);
            (im[i], im[i + 1]) = (im[i] + im[i + 1], im[i] - im[i + 1]);
        }
    }
}
