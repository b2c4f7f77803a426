using System.Globalization;
using System.Text;

namespace Vitrine.Render;

/// <summary>Text and numbers as HTML and SVG want them.</summary>
internal static class Markup
{
    /// <summary>Escapes for element content and for quoted attributes, in HTML and in XML. What neither may contain becomes U+FFFD.</summary>
    public static string Escape(string text)
    {
        StringBuilder result = new(text.Length + 16);
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            switch (c)
            {
                case '&': result.Append("&amp;"); break;
                case '<': result.Append("&lt;"); break;
                case '>': result.Append("&gt;"); break;
                case '"': result.Append("&quot;"); break;
                case '\'': result.Append("&#39;"); break;
                case '\t' or '\n' or '\r': result.Append(c); break;
                default:
                    if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) result.Append(c).Append(text[++i]);
                    else if (c < ' ' || char.IsSurrogate(c) || c is '\uFFFE' or '\uFFFF' || (c >= 0x7F && c < 0xA0)) result.Append('\uFFFD');
                    else result.Append(c);
                    break;
            }
        }
        return result.ToString();
    }

    /// <summary>A coordinate: at most two decimals, always with a point.</summary>
    public static string Number(double value)
    {
        double rounded = Math.Round(value, 2);
        return (rounded == 0 ? 0 : rounded).ToString("0.##", CultureInfo.InvariantCulture);
    }

    /// <summary>A number for people: about four significant digits.</summary>
    public static string Readable(double value)
    {
        if (!double.IsFinite(value)) return double.IsNaN(value) ? "NaN" : value > 0 ? "\u221E" : "\u2212\u221E";
        double magnitude = Math.Abs(value);
        string format = magnitude switch
        {
            0 => "0",
            < 1e-4 or >= 1e7 => "0.###e0",
            >= 1e4 => "0",
            _ => "G4",
        };
        string text = value.ToString(format, CultureInfo.InvariantCulture);
        return text.Replace("-", "\u2212", StringComparison.Ordinal);
    }
}
