namespace Vitrine.Render;

/// <summary>
/// Colours for numbers. Both maps are computed in <see cref="OkLab"/> so that equal steps of the number are equal steps to the eye, in lightness as in
/// colour, and both survive printing in grey.
/// </summary>
public sealed class ColorMap
{
    // Odd, so that the middle of a diverging map is an entry of its own.
    private const int Entries = 1025;

    private readonly Rgb[] _table;

    private ColorMap(string name, Rgb[] table)
    {
        Name = name;
        _table = table;
    }

    /// <summary>For magnitudes: near black over violet, red and orange to pale yellow. Lightness rises evenly.</summary>
    public static ColorMap Ember { get; } = new("ember", Table(EmberAt));

    /// <summary>For signed numbers: 0 is blue (negative), 0.5 near white, 1 red (positive). Both arms have the same lightness and the same strength.</summary>
    public static ColorMap BlueRed { get; } = new("blue-red", Table(BlueRedAt));

    /// <summary>Near black to white, in even steps of lightness. (8 bits cannot divide what is darker evenly.)</summary>
    public static ColorMap Grey { get; } = new("grey", Table(t => new OkLab(0.14 + (0.86 * t), 0, 0)));

    /// <summary>
    /// Ten colours for categories. They stay apart with every common colour blindness, and each is seen on white and on near black; put the most
    /// important categories first. Found by a search (simulated annealing) for the greatest least distance in OKLab over four kinds of eyes.
    /// </summary>
    public static IReadOnlyList<Rgb> Categories { get; } =
    [
        new(0x51, 0x8E, 0xFC), new(0xF4, 0x53, 0x7B), new(0x27, 0x72, 0x1F), new(0x8B, 0x3B, 0xBE), new(0x9B, 0xBB, 0x35),
        new(0x14, 0xC7, 0xF3), new(0xB2, 0x2B, 0x7E), new(0x76, 0x8D, 0x02), new(0xEA, 0xA4, 0xA9), new(0xBD, 0x65, 0xBB),
    ];

    /// <summary>The colour of what is not a number: a magenta that no map contains.</summary>
    public static Rgb NotANumber => new(0xFF, 0x00, 0xFF);

    /// <summary>The name of the map.</summary>
    public string Name { get; }

    /// <summary>The colour of a position. Positions outside are clamped; NaN is <see cref="NotANumber"/>.</summary>
    /// <param name="t">0 to 1.</param>
    public Rgb this[double t] => double.IsNaN(t) ? NotANumber : _table[(int)Math.Round(Math.Clamp(t, 0, 1) * (Entries - 1))];

    /// <summary>The same colours from the other end.</summary>
    public ColorMap Reversed()
    {
        Rgb[] table = (Rgb[])_table.Clone();
        Array.Reverse(table);
        return new(Name + " reversed", table);
    }

    /// <summary>A strip of the whole map from left to right, for legends.</summary>
    /// <param name="width">Width in pixels, at least 2.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    public Picture Strip(int width = 256, int height = 16)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 2);
        byte[] pixels = new byte[Picture.Size(width, height, 3)];
        for (int i = 0; i < width * height; i++)
        {
            Rgb color = this[i % width / (width - 1.0)];
            (pixels[3 * i], pixels[(3 * i) + 1], pixels[(3 * i) + 2]) = (color.R, color.G, color.B);
        }
        return new(pixels, width, height, 3);
    }

    /// <summary>The exact colour before it is rounded to 8 bits: for tests.</summary>
    internal static OkLab BlueRedAt(double t)
    {
        // Straight lines in OKLab from near white: lightness falls and chroma grows in proportion, so every step is the same distance.
        double u = (2 * t) - 1;
        return OkLab.Polar(0.97 - (0.47 * Math.Abs(u)), 0.203 * Math.Abs(u), u < 0 ? 260 : 27);
    }

    /// <summary>The exact colour before it is rounded to 8 bits: for tests.</summary>
    internal static OkLab EmberAt(double t)
    {
        // A curve in the plane of hue and chroma, walked at constant speed while lightness rises at constant speed: therefore the steps in
        // three dimensions are equal as well.
        (double a, double b) = EmberCurve.At(t);
        return new(0.14 + (0.83 * t), a, b);
    }

    private static Rgb[] Table(Func<double, OkLab> at)
    {
        Rgb[] table = new Rgb[Entries];
        for (int i = 0; i < Entries; i++) table[i] = at(i / (Entries - 1.0)).ToRgb();
        return table;
    }

    /// <summary>A Catmull-Rom spline through seven hues, measured by its length.</summary>
    private static class EmberCurve
    {
        private const int PerPiece = 256;

        // Chroma and hue in degrees, from black to pale yellow, chosen to stay inside sRGB at the lightness they are met with.
        private static readonly (double Chroma, double Hue)[] Knots =
            [(0.03, 300), (0.125, 318), (0.175, 2), (0.195, 30), (0.16, 60), (0.13, 90), (0.045, 100)];
        private static readonly (double A, double B)[] Points = Walk();
        private static readonly double[] Lengths = Measure();

        public static (double A, double B) At(double t)
        {
            double length = Math.Clamp(t, 0, 1) * Lengths[^1];
            int found = Array.BinarySearch(Lengths, length);
            if (found >= 0) return Points[found];
            int right = Math.Min(~found, Lengths.Length - 1);
            double part = (length - Lengths[right - 1]) / (Lengths[right] - Lengths[right - 1]);
            ((double A, double B) from, (double A, double B) to) = (Points[right - 1], Points[right]);
            return (from.A + (part * (to.A - from.A)), from.B + (part * (to.B - from.B)));
        }

        private static (double A, double B)[] Walk()
        {
            List<(double A, double B)> knots = [];
            foreach ((double chroma, double hue) in Knots)
            {
                OkLab knot = OkLab.Polar(0, chroma, hue);
                knots.Add((knot.A, knot.B));
            }
            // The spline needs a neighbour beyond each end: the mirrored one keeps the ends straight.
            knots.Insert(0, ((2 * knots[0].A) - knots[1].A, (2 * knots[0].B) - knots[1].B));
            knots.Add(((2 * knots[^1].A) - knots[^2].A, (2 * knots[^1].B) - knots[^2].B));

            List<(double A, double B)> points = [];
            for (int i = 1; i < knots.Count - 2; i++)
                for (int k = 0; k < PerPiece; k++)
                {
                    double t = k / (double)PerPiece;
                    points.Add((
                        Spline(knots[i - 1].A, knots[i].A, knots[i + 1].A, knots[i + 2].A, t),
                        Spline(knots[i - 1].B, knots[i].B, knots[i + 1].B, knots[i + 2].B, t)));
                }
            points.Add(knots[^2]);
            return [.. points];
        }

        private static double Spline(double before, double from, double to, double after, double t) =>
            0.5 * ((2 * from) + ((to - before) * t) + (((2 * before) - (5 * from) + (4 * to) - after) * t * t)
                + (((3 * (from - to)) - before + after) * t * t * t));

        private static double[] Measure()
        {
            double[] lengths = new double[Points.Length];
            for (int i = 1; i < lengths.Length; i++)
                lengths[i] = lengths[i - 1] + Math.Sqrt(Math.Pow(Points[i].A - Points[i - 1].A, 2) + Math.Pow(Points[i].B - Points[i - 1].B, 2));
            return lengths;
        }
    }
}
