using System.Globalization;

namespace Vitrine.Render;

/// <summary>One opaque colour in 8-bit sRGB.</summary>
/// <param name="R">Red, 0 to 255.</param>
/// <param name="G">Green, 0 to 255.</param>
/// <param name="B">Blue, 0 to 255.</param>
public readonly record struct Rgb(byte R, byte G, byte B)
{
    /// <summary>Black.</summary>
    public static Rgb Black => new(0, 0, 0);

    /// <summary>White.</summary>
    public static Rgb White => new(255, 255, 255);

    /// <summary>The colour as CSS writes it, for example <c>#1f6fb4</c>.</summary>
    public string ToHex() => string.Create(CultureInfo.InvariantCulture, $"#{R:x2}{G:x2}{B:x2}");

    /// <summary>Mixes two colours channel by channel in sRGB, as a browser does with opacity.</summary>
    /// <param name="other">The colour on top.</param>
    /// <param name="amount">Its share, 0 (only this colour) to 1 (only <paramref name="other"/>); values outside are clamped.</param>
    public Rgb Mix(Rgb other, double amount)
    {
        double t = double.IsNaN(amount) ? 0 : Math.Clamp(amount, 0, 1);
        return new(One(R, other.R, t), One(G, other.G, t), One(B, other.B, t));

        static byte One(byte a, byte b, double t) => (byte)Math.Round(a + ((b - a) * t), MidpointRounding.AwayFromZero);
    }

    /// <inheritdoc/>
    public override string ToString() => ToHex();
}
