namespace Vitrine.Render;

/// <summary>
/// Resizing by convolution in two passes, first along rows, then along columns, with weights of 22 fractional bits and 8 bits in between: the arithmetic of
/// Pillow's <c>Resample.c</c>, so that the bytes are the same.
/// </summary>
internal static class Resampler
{
    // 8 bits for the pixel, 2 for weights whose sum exceeds 1 (Lanczos overshoots): what is left of 32 is the fraction.
    private const int PrecisionBits = 32 - 8 - 2;

    public static Picture Resize(Picture picture, int width, int height, Resampling filter)
    {
        // A transparent pixel's colour must not bleed into its neighbours: colours are weighted with alpha on the way.
        bool alpha = picture.Channels == 4;
        byte[] pixels = alpha ? Premultiply(picture.Pixels) : picture.Pixels.ToArray();
        if (width != picture.Width)
            pixels = Along(pixels, picture.Height, picture.Width, width, picture.Channels, new Weights(picture.Width, width, filter));
        if (height != picture.Height)
            pixels = Along(pixels, 1, picture.Height, height, width * picture.Channels, new Weights(picture.Height, height, filter));
        if (alpha) Unpremultiply(pixels);
        return new(pixels, width, height, picture.Channels);
    }

    // [outer, from, inner] -> [outer, to, inner]: the axis in the middle is resized.
    private static byte[] Along(byte[] pixels, int outer, int from, int to, int inner, Weights weights)
    {
        byte[] result = new byte[checked((long)outer * to * inner)];
        int[] sums = new int[inner];
        for (int o = 0; o < outer; o++)
        {
            for (int t = 0; t < to; t++)
            {
                sums.AsSpan().Fill(1 << (PrecisionBits - 1));
                ReadOnlySpan<int> factors = weights.Of(t, out int first);
                for (int k = 0; k < factors.Length; k++)
                {
                    int factor = factors[k];
                    ReadOnlySpan<byte> source = pixels.AsSpan(((o * from) + first + k) * inner, inner);
                    for (int i = 0; i < sums.Length; i++) sums[i] += source[i] * factor;
                }
                Span<byte> target = result.AsSpan(((o * to) + t) * inner, inner);
                for (int i = 0; i < sums.Length; i++) target[i] = (byte)Math.Clamp(sums[i] >> PrecisionBits, 0, 255);
            }
        }
        return result;
    }

    private static byte[] Premultiply(ReadOnlySpan<byte> rgba)
    {
        byte[] result = rgba.ToArray();
        for (int i = 0; i < result.Length; i += 4)
            for (int c = 0; c < 3; c++)
                result[i + c] = (byte)Picture.MultiplyOver255(result[i + c], result[i + 3]);
        return result;
    }

    private static void Unpremultiply(byte[] rgba)
    {
        for (int i = 0; i < rgba.Length; i += 4)
        {
            int alpha = rgba[i + 3];
            if (alpha is 0 or 255) continue;
            for (int c = 0; c < 3; c++) rgba[i + c] = (byte)Math.Min(255, 255 * rgba[i + c] / alpha);
        }
    }

    /// <summary>For each new position, the first old one that counts and the weights from there on.</summary>
    private sealed class Weights
    {
        private readonly int[] _first, _count, _factors;
        private readonly int _most;

        public Weights(int from, int to, Resampling filter)
        {
            (double support, Func<double, double> weight) = Kernel(filter);
            double scale = (double)from / to;
            double stretch = Math.Max(scale, 1);
            support *= stretch;
            _most = Math.Min(from, ((int)Math.Ceiling(support) * 2) + 1);
            (_first, _count, _factors) = (new int[to], new int[to], new int[checked((long)to * _most)]);
            double[] weights = new double[_most];
            for (int t = 0; t < to; t++)
            {
                double center = (t + 0.5) * scale;
                int first = Math.Max(0, (int)(center - support + 0.5));
                int count = Math.Min(from, (int)(center + support + 0.5)) - first;
                double sum = 0;
                for (int k = 0; k < count; k++) sum += weights[k] = weight((k + first - center + 0.5) * (1 / stretch));
                for (int k = 0; k < count; k++)
                {
                    double fixedPoint = (sum != 0 ? weights[k] / sum : weights[k]) * (1 << PrecisionBits);
                    _factors[(t * _most) + k] = (int)(fixedPoint + (fixedPoint < 0 ? -0.5 : 0.5));
                }
                (_first[t], _count[t]) = (first, count);
            }
        }

        public ReadOnlySpan<int> Of(int position, out int first)
        {
            first = _first[position];
            return _factors.AsSpan(position * _most, _count[position]);
        }

        private static (double Support, Func<double, double> Weight) Kernel(Resampling filter) => filter switch
        {
            Resampling.Box => (0.5, x => x is > -0.5 and <= 0.5 ? 1 : 0),
            Resampling.Bilinear => (1, x => Math.Max(0, 1 - Math.Abs(x))),
            Resampling.Bicubic => (2, Cubic),
            Resampling.Lanczos => (3, x => x is >= -3 and < 3 ? Sinc(x) * Sinc(x / 3) : 0),
            _ => throw new ArgumentOutOfRangeException(nameof(filter), filter, "Unknown filter."),
        };

        private static double Cubic(double x)
        {
            const double a = -0.5;
            x = Math.Abs(x);
            if (x < 1) return (((((a + 2) * x) - (a + 3)) * x) * x) + 1;
            return x < 2 ? ((((((x - 5) * x) + 8) * x) - 4) * a) : 0;
        }

        private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(x * Math.PI) / (x * Math.PI);
    }
}
