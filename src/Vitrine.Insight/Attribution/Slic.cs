namespace Vitrine.Insight;

/// <summary>
/// Superpixels by simple linear iterative clustering (Achanta, Shaji, Smith, Lucchi, Fua, Suesstrunk 2012, "SLIC superpixels compared to state-of-the-art
/// superpixel methods"), on plain arrays of any number of channels. The paper's colour space is CIELAB; here it is whatever the channels hold.
/// </summary>
public static class Slic
{
    private const int Rounds = 10;

    /// <summary>Cuts a picture into connected pieces of about equal size that follow its edges.</summary>
    /// <param name="picture">[channels, height, width], row-major. Its values are scaled so that they span 100, as lightness does in the paper's colour
    /// space.</param>
    /// <param name="channels">How many channels it has.</param>
    /// <param name="height">Its height in pixels.</param>
    /// <param name="width">Its width in pixels.</param>
    /// <param name="count">About how many pieces; there may be fewer or, where the picture is torn, more.</param>
    /// <param name="compactness">The paper's m, 1 to 40: how much nearness counts against likeness.</param>
    /// <returns>The piece of each pixel, [height, width], numbered from 0 in the order in which a reader meets them.</returns>
    /// <exception cref="ArgumentException">The picture has not as many values as its extents say, or one of them is no number.</exception>
    public static int[] Segment(ReadOnlySpan<float> picture, int channels, int height, int width, int count, double compactness = 10)
    {
        int plane = height * width;
        if (channels < 1 || plane < 1 || picture.Length != channels * plane)
        {
            throw new ArgumentException($"{picture.Length} values are no picture of {channels} x {height} x {width}.", nameof(picture));
        }
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(compactness, 0);
        double[] colours = Scaled(picture, channels, plane);
        double spacing = Math.Sqrt((double)plane / Math.Min(count, plane));
        double[][] centres = Seeds(colours, channels, height, width, spacing);
        int[] labels = new int[plane];
        double[] nearest = new double[plane];
        double closeness = compactness * compactness / (spacing * spacing);
        int reach = (int)Math.Ceiling(spacing);
        for (int round = 0; round < Rounds; round++)
        {
            Array.Fill(nearest, double.PositiveInfinity);
            Array.Fill(labels, -1);
            for (int k = 0; k < centres.Length; k++)
            {
                double[] centre = centres[k];
                int cy = (int)centre[channels], cx = (int)centre[channels + 1];
                for (int y = Math.Max(0, cy - reach); y <= Math.Min(height - 1, cy + reach); y++)
                {
                    for (int x = Math.Max(0, cx - reach); x <= Math.Min(width - 1, cx + reach); x++)
                    {
                        int at = y * width + x;
                        double distance = closeness * (Square(y - centre[channels]) + Square(x - centre[channels + 1]));
                        for (int c = 0; c < channels; c++) distance += Square(colours[at * channels + c] - centre[c]);
                        if (distance >= nearest[at]) continue;
                        nearest[at] = distance;
                        labels[at] = k;
                    }
                }
            }
            Move(centres, labels, colours, channels, width);
        }
        return Connected(labels, height, width, Math.Max(1, (int)(plane / (4.0 * centres.Length))));
    }

    /// <summary>Pixel by pixel, the channels together, spanning 100.</summary>
    private static double[] Scaled(ReadOnlySpan<float> picture, int channels, int plane)
    {
        float low = float.PositiveInfinity, high = float.NegativeInfinity;
        foreach (float value in picture)
        {
            if (!float.IsFinite(value)) throw new ArgumentException($"The picture holds {value}; superpixels need finite values.", nameof(picture));
            low = Math.Min(low, value);
            high = Math.Max(high, value);
        }
        double scale = high > low ? 100.0 / ((double)high - low) : 0;
        double[] colours = new double[picture.Length];
        for (int i = 0; i < plane; i++)
        {
            for (int c = 0; c < channels; c++) colours[i * channels + c] = (picture[c * plane + i] - (double)low) * scale;
        }
        return colours;
    }

    /// <summary>Centres on a regular grid, each moved to the flattest place of its 3 x 3 neighbourhood: away from edges and noise.</summary>
    private static double[][] Seeds(double[] colours, int channels, int height, int width, double spacing)
    {
        int rows = Math.Max(1, (int)Math.Round(height / spacing)), columns = Math.Max(1, (int)Math.Round(width / spacing));
        var centres = new double[rows * columns][];
        for (int k = 0; k < centres.Length; k++)
        {
            int y = (int)((k / columns + 0.5) * height / rows), x = (int)((k % columns + 0.5) * width / columns);
            (double Slope, int Y, int X) best = (Slope(y, x), y, x);
            for (int v = Math.Max(0, y - 1); v <= Math.Min(height - 1, y + 1); v++)
            {
                for (int u = Math.Max(0, x - 1); u <= Math.Min(width - 1, x + 1); u++)
                {
                    double slope = Slope(v, u);
                    if (slope < best.Slope) best = (slope, v, u);
                }
            }
            int at = best.Y * width + best.X;
            centres[k] = [.. colours.AsSpan(at * channels, channels), best.Y, best.X];
        }
        return centres;

        double Slope(int y, int x)
        {
            int up = Math.Max(0, y - 1) * width + x, down = Math.Min(height - 1, y + 1) * width + x;
            int left = y * width + Math.Max(0, x - 1), right = y * width + Math.Min(width - 1, x + 1);
            double sum = 0;
            for (int c = 0; c < channels; c++)
            {
                sum += Square(colours[down * channels + c] - colours[up * channels + c]) + Square(colours[right * channels + c] - colours[left * channels + c]);
            }
            return sum;
        }
    }

    /// <summary>Every centre becomes the mean of its pixels.</summary>
    private static void Move(double[][] centres, int[] labels, double[] colours, int channels, int width)
    {
        int[] members = new int[centres.Length];
        var sums = new double[centres.Length][];
        for (int k = 0; k < sums.Length; k++) sums[k] = new double[channels + 2];
        for (int at = 0; at < labels.Length; at++)
        {
            if (labels[at] < 0) continue;
            double[] sum = sums[labels[at]];
            members[labels[at]]++;
            for (int c = 0; c < channels; c++) sum[c] += colours[at * channels + c];
            sum[channels] += at / width;
            sum[channels + 1] += at % width;
        }
        for (int k = 0; k < centres.Length; k++)
        {
            if (members[k] == 0) continue; // a centre that lost all its pixels stays where it was
            for (int c = 0; c < sums[k].Length; c++) centres[k][c] = sums[k][c] / members[k];
        }
    }

    /// <summary>Splits what is torn and gives pieces that are too small to the neighbour met last, as the paper's last step does.</summary>
    private static int[] Connected(int[] labels, int height, int width, int least)
    {
        int[] pieces = new int[labels.Length];
        Array.Fill(pieces, -1);
        int next = 0;
        var queue = new List<int>();
        for (int start = 0; start < labels.Length; start++)
        {
            if (pieces[start] >= 0) continue;
            int neighbour = -1;
            queue.Clear();
            queue.Add(start);
            pieces[start] = next;
            for (int head = 0; head < queue.Count; head++)
            {
                int at = queue[head], x = at % width;
                if (x > 0) Visit(at - 1);
                if (x < width - 1) Visit(at + 1);
                if (at >= width) Visit(at - width);
                if (at < labels.Length - width) Visit(at + width);
            }
            if (queue.Count < least && neighbour >= 0)
            {
                foreach (int at in queue) pieces[at] = neighbour;
            }
            else
            {
                next++;
            }

            void Visit(int at)
            {
                if (pieces[at] < 0)
                {
                    if (labels[at] != labels[start]) return;
                    pieces[at] = next;
                    queue.Add(at);
                }
                else if (pieces[at] != next)
                {
                    neighbour = pieces[at];
                }
            }
        }
        return pieces;
    }

    private static double Square(double x) => x * x;
}
