using System.Globalization;
using System.Text;

namespace Vitrine.Render;

/// <summary>
/// Text whose every character stands on the colour of a number: blue below zero, red above, as in Karpathy, Johnson and Fei-Fei 2015 ("Visualizing and
/// understanding recurrent networks"). It follows the page from light to dark, and line ends, which carry numbers too, are drawn.
/// </summary>
internal static class ColoredText
{
    // Steps of colour on either side of zero: more are not told apart behind letters, and fewer characters share a span.
    private const int Steps = 8;

    /// <summary>The CSS of the colours.</summary>
    public static string Style { get; } = MakeStyle();

    /// <summary>Writes the text.</summary>
    /// <param name="page">Where to.</param>
    /// <param name="text">The text.</param>
    /// <param name="values">A number for each character; NaN has no colour.</param>
    /// <param name="limit">The size that gets full colour, above 0.</param>
    /// <param name="label">What is to be seen, for those who do not see it.</param>
    public static void Write(StringBuilder page, string text, ReadOnlySpan<float> values, double limit, string label)
    {
        page.Append($"<pre class=\"colored\" tabindex=\"0\" role=\"group\" aria-label=\"{Markup.Escape(label)}\">");
        for (int i = 0; i < text.Length;)
        {
            int step = Step(values[i], limit), end = i + 1;
            while (end < text.Length && Step(values[end], limit) == step) end++;
            string run = Markup.Escape(text[i..end]).Replace("\n", "<i>\u21B5</i>\n", StringComparison.Ordinal);
            if (step == 0) page.Append(run);
            else page.Append(CultureInfo.InvariantCulture, $"<b class=\"{(step < 0 ? 'n' : 'p')}{Math.Abs(step)}\">{run}</b>");
            i = end;
        }
        page.Append("</pre>");
    }

    /// <summary>The step of colour of a number, from -8 to 8.</summary>
    internal static int Step(float value, double limit) => float.IsNaN(value) ? 0 : (int)Math.Round(Math.Clamp(value / limit, -1, 1) * Steps);

    private static string MakeStyle()
    {
        StringBuilder css = new();
        css.Append("\n.wide{grid-template-columns:minmax(0,1fr)}.colored{white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4;background:none;");
        css.Append("padding:0;margin:.5rem 0 0;line-height:1.55;max-width:100%}");
        css.Append(".colored b{font-weight:inherit;padding:.12em 0}.colored i{font-style:normal;opacity:.4;user-select:none}");
        // Letters are read on every colour: in the light the strongest stays pale enough for black ink, in the dark it stays dark enough for white.
        Append(0.97, -0.29, 0.19, "");
        css.Append("\n@media (prefers-color-scheme:dark){");
        Append(0.20, 0.30, 0.17, "");
        css.Append("}\n");
        return css.ToString();

        void Append(double lightness, double slope, double chroma, string end)
        {
            for (int i = 1; i <= Steps; i++)
            {
                double u = i / (double)Steps;
                css.Append($".n{i}{{background:{OkLab.Polar(lightness + (slope * u), chroma * u, 260).ToRgb().ToHex()}}}");
                css.Append($".p{i}{{background:{OkLab.Polar(lightness + (slope * u), chroma * u, 27).ToRgb().ToHex()}}}{end}");
            }
        }
    }
}
