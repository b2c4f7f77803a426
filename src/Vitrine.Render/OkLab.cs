namespace Vitrine.Render;

/// <summary>
/// A colour in OKLab, in which equal distances look about equally different. Formulas and matrices: Björn Ottosson, "A perceptual color space for
/// image processing", 2020, https://bottosson.github.io/posts/oklab/; the sRGB curve: IEC 61966-2-1.
/// </summary>
/// <param name="L">Lightness, 0 (black) to 1 (white).</param>
/// <param name="A">Green (negative) to red (positive), about -0.3 to 0.3.</param>
/// <param name="B">Blue (negative) to yellow (positive), about -0.3 to 0.3.</param>
public readonly record struct OkLab(double L, double A, double B)
{
    /// <summary>The colour in OKLab.</summary>
    /// <param name="color">An sRGB colour.</param>
    public static OkLab From(Rgb color)
    {
        double r = Linear(color.R / 255.0), g = Linear(color.G / 255.0), b = Linear(color.B / 255.0);
        double l = Math.Cbrt((0.4122214708 * r) + (0.5363325363 * g) + (0.0514459929 * b));
        double m = Math.Cbrt((0.2119034982 * r) + (0.6806995451 * g) + (0.1073969566 * b));
        double s = Math.Cbrt((0.0883024619 * r) + (0.2817188376 * g) + (0.6299787005 * b));
        return new(
            (0.2104542553 * l) + (0.7936177850 * m) - (0.0040720468 * s),
            (1.9779984951 * l) - (2.4285922050 * m) + (0.4505937099 * s),
            (0.0259040371 * l) + (0.7827717662 * m) - (0.8086757660 * s));
    }

    /// <summary>A colour from lightness, chroma and hue.</summary>
    /// <param name="lightness">0 to 1.</param>
    /// <param name="chroma">0 (grey) to about 0.3.</param>
    /// <param name="hue">Degrees: about 30 is red, 100 yellow, 140 green, 260 blue.</param>
    public static OkLab Polar(double lightness, double chroma, double hue) =>
        new(lightness, chroma * Math.Cos(hue * Math.PI / 180), chroma * Math.Sin(hue * Math.PI / 180));

    /// <summary>How different two colours look: the Euclidean distance, 1 between black and white.</summary>
    /// <param name="other">The other colour.</param>
    public double Distance(OkLab other) => Math.Sqrt(Square(L - other.L) + Square(A - other.A) + Square(B - other.B));

    /// <summary>The nearest 8-bit sRGB colour; a colour that no screen can show is clipped channel by channel.</summary>
    public Rgb ToRgb()
    {
        (double r, double g, double b) = ToLinear();
        return new(Byte(r), Byte(g), Byte(b));

        static byte Byte(double linear)
        {
            double c = Math.Clamp(linear, 0, 1);
            return (byte)Math.Round(255 * (c <= 0.0031308 ? 12.92 * c : (1.055 * Math.Pow(c, 1 / 2.4)) - 0.055));
        }
    }

    /// <summary>Whether sRGB can show the colour without clipping.</summary>
    internal bool InGamut()
    {
        (double r, double g, double b) = ToLinear();
        return Math.Min(r, Math.Min(g, b)) >= -1e-4 && Math.Max(r, Math.Max(g, b)) <= 1 + 1e-4;
    }

    private (double R, double G, double B) ToLinear()
    {
        double l = Cube(L + (0.3963377774 * A) + (0.2158037573 * B));
        double m = Cube(L - (0.1055613458 * A) - (0.0638541728 * B));
        double s = Cube(L - (0.0894841775 * A) - (1.2914855480 * B));
        return (
            (4.0767416621 * l) - (3.3077115913 * m) + (0.2309699292 * s),
            (-1.2684380046 * l) + (2.6097574011 * m) - (0.3413193965 * s),
            (-0.0041960863 * l) - (0.7034186147 * m) + (1.7076147010 * s));
    }

    private static double Linear(double c) => c <= 0.04045 ? c / 12.92 : Math.Pow((c + 0.055) / 1.055, 2.4);

    private static double Square(double x) => x * x;

    private static double Cube(double x) => x * x * x;
}
