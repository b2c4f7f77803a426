using System.Globalization;
using System.Text.RegularExpressions;

namespace Vitrine.Render.Tests;

public sealed partial class ColoredTextTests
{
    [Fact]
    public void Neighbours_of_one_colour_share_a_span_and_nothing_of_the_text_is_lost()
    {
        var page = new HtmlReport("Cells");
        page.Section("A").ColoredText("a<b\nc", [1, 0.99f, -0.5f, -0.5f, 0], 1, "a caption");
        string html = page.ToHtml();
        Assert.Contains("<b class=\"p8\">a&lt;</b><b class=\"n4\">b<i>\u21B5</i>\n</b>c</pre>", html, StringComparison.Ordinal);
        Assert.Contains("<figcaption>a caption</figcaption>", html, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => page.Section("B").ColoredText("ab", [1], 1));
        Assert.Throws<ArgumentException>(() => page.Section("B").ColoredText("a", [1], 0));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.06f, 0)]
    [InlineData(0.07f, 1)]
    [InlineData(-2, -8)]
    [InlineData(float.NaN, 0)]
    public void Colours_go_in_even_steps_to_the_limit(float value, int step) => Assert.Equal(step, ColoredText.Step(value, 1));

    // WCAG 2.2, 1.4.3: text stands out from its ground by 4.5 to 1.
    [Fact]
    public void Letters_are_read_on_every_colour_in_light_and_dark()
    {
        string[] parts = ColoredText.Style.Split("@media");
        foreach ((string css, string ink) in new[] { (parts[0], "1d1f23"), (parts[1], "e7e5e0") })
        {
            string[] grounds = [.. Ground().Matches(css).Select(m => m.Groups[1].Value)];
            Assert.Equal(16, grounds.Length);
            foreach (string ground in grounds)
            {
                (double a, double b) = (Luminance(ink), Luminance(ground));
                double contrast = (Math.Max(a, b) + 0.05) / (Math.Min(a, b) + 0.05);
                Assert.True(contrast >= 4.5, $"#{ink} on #{ground}: {contrast:0.00}");
            }
        }
    }

    private static double Luminance(string hex)
    {
        double[] linear = [.. Enumerable.Range(0, 3).Select(i =>
        {
            double c = int.Parse(hex.AsSpan(2 * i, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 255.0;
            return c <= 0.04045 ? c / 12.92 : Math.Pow((c + 0.055) / 1.055, 2.4);
        })];
        return (0.2126 * linear[0]) + (0.7152 * linear[1]) + (0.0722 * linear[2]);
    }

    [GeneratedRegex("[np][1-8]\\{background:#([0-9a-fA-F]{6})")]
    private static partial Regex Ground();
}
