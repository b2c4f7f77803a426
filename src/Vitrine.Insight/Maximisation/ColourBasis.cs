namespace Vitrine.Insight;

/// <summary>
/// Colours as pictures have them: their channels go up and down together far more than apart. A picture written in independent colours and turned by this
/// matrix has channels that vary together as those of the data do (Olah, Mordvintsev, Schubert 2017, "Feature visualization": decorrelated colours).
/// </summary>
public sealed class ColourBasis
{
    private readonly float[] _matrix; // [C, C], row-major

    private ColourBasis(float[] matrix, int channels) => (_matrix, Channels) = (matrix, channels);

    /// <summary>
    /// The colours of ImageNet, for red, green, blue: a square root of the covariance of its pixels, measured by the authors of "Feature visualization" and
    /// published with it; its longest column made 1.
    /// </summary>
    public static ColourBasis ImageNet { get; } = Scaled([0.26, 0.09, 0.02, 0.27, 0.00, -0.05, 0.27, -0.09, 0.03], 3);

    /// <summary>How many channels a picture has.</summary>
    public int Channels { get; }

    /// <summary>Leaves colours as they are.</summary>
    public static ColourBasis Identity(int channels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        double[] matrix = new double[channels * channels];
        for (int c = 0; c < channels; c++) matrix[c * channels + c] = 1;
        return Scaled(matrix, channels);
    }

    /// <summary>The colours of given pictures: a square root of the covariance of their pixels' channels, its longest column made 1.</summary>
    /// <param name="pictures">[N, C, H, W], in any range.</param>
    /// <exception cref="ArgumentException">These are no pictures, or all of one colour.</exception>
    public static ColourBasis Of(Tensor pictures)
    {
        if (pictures.Rank != 4 || pictures.Count == 0) throw new ArgumentException($"Pictures are [N, C, H, W], not {pictures.Shape}.", nameof(pictures));
        int channels = pictures.Shape[1], plane = pictures.Shape[2] * pictures.Shape[3];
        ReadOnlySpan<float> values = pictures.Floats;
        double[] sum = new double[channels];
        double[][] products = [.. Enumerable.Range(0, channels).Select(_ => new double[channels])];
        int pixels = pictures.Shape[0] * plane;
        for (int p = 0; p < pixels; p++)
        {
            int at = p / plane * channels * plane + p % plane;
            for (int c = 0; c < channels; c++)
            {
                double value = values[at + c * plane];
                sum[c] += value;
                for (int d = 0; d <= c; d++) products[c][d] += value * values[at + d * plane];
            }
        }
        for (int c = 0; c < channels; c++)
        {
            for (int d = 0; d <= c; d++) products[c][d] = products[d][c] = products[c][d] / pixels - sum[c] / pixels * (sum[d] / pixels);
        }
        (double[] variances, double[][] directions) = SymmetricEigen.Of(products);
        if (!(variances[0] > 0)) throw new ArgumentException("The pictures are all of one colour: their channels do not vary.", nameof(pictures));
        double[] root = new double[channels * channels];
        for (int c = 0; c < channels; c++)
        {
            for (int k = 0; k < channels; k++) root[c * channels + k] = directions[k][c] * Math.Sqrt(Math.Max(0, variances[k]));
        }
        return Scaled(root, channels);
    }

    /// <summary>The matrix, [C, C]: channel c of a picture is row c times the independent colours.</summary>
    public float this[int channel, int colour] => _matrix[channel * Channels + colour];

    /// <summary>The same for a network that takes its channels in another order: channel c of the result is channel <c>order[c]</c> of this.</summary>
    public ColourBasis InOrder(params IReadOnlyList<int> order)
    {
        if (!order.Order().SequenceEqual(Enumerable.Range(0, Channels)))
        {
            throw new ArgumentException($"[{string.Join(", ", order)}] is no order of {Channels} channels.", nameof(order));
        }
        float[] matrix = new float[_matrix.Length];
        for (int c = 0; c < Channels; c++) _matrix.AsSpan(order[c] * Channels, Channels).CopyTo(matrix.AsSpan(c * Channels));
        return new(matrix, Channels);
    }

    /// <summary>Independent colours [N, C, H, W] as channels: a convolution over single pixels.</summary>
    internal Tensor Apply(Tensor colours) => colours.Conv2d(Tensor.From(_matrix, [Channels, Channels, 1, 1]));

    private static ColourBasis Scaled(double[] matrix, int channels)
    {
        double longest = 0;
        for (int k = 0; k < channels; k++)
        {
            double square = 0;
            for (int c = 0; c < channels; c++) square += matrix[c * channels + k] * matrix[c * channels + k];
            longest = Math.Max(longest, Math.Sqrt(square));
        }
        return new([.. matrix.Select(m => (float)(m / longest))], channels);
    }
}
