using System.Text;

namespace Vitrine.Render;

/// <summary>Writes SVG elements, escaped, with invariant numbers.</summary>
internal sealed class SvgBuilder
{
    private readonly StringBuilder _out = new();

    /// <summary>A generous guess of a text's width in pixels, enough also for the larger letters on phones.</summary>
    public static double TextWidth(string text, double size = 13) => text.Length * size * 0.6 * 1.12;

    /// <summary>Shortens a text to a width in pixels.</summary>
    public static string Fit(string text, double width, double size = 13)
    {
        int room = Math.Max(2, (int)(width / (size * 0.6)));
        return text.Length <= room ? text : text[..(room - 1)].TrimEnd() + "\u2026";
    }

    public SvgBuilder Text(double x, double y, string text, string classes = "", string anchor = "start", string? tooltip = null, double turn = 0)
    {
        _out.Append($"<text x=\"{Markup.Number(x)}\" y=\"{Markup.Number(y)}\"");
        if (classes.Length > 0) _out.Append($" class=\"{classes}\"");
        if (anchor != "start") _out.Append($" text-anchor=\"{anchor}\"");
        if (turn != 0) _out.Append($" transform=\"rotate({Markup.Number(turn)} {Markup.Number(x)} {Markup.Number(y)})\"");
        _out.Append('>');
        if (tooltip is not null) Tooltip(tooltip);
        _out.Append(Markup.Escape(text)).Append("</text>");
        return this;
    }

    public SvgBuilder Line(double x1, double y1, double x2, double y2, string classes)
    {
        _out.Append($"<line x1=\"{Markup.Number(x1)}\" y1=\"{Markup.Number(y1)}\" x2=\"{Markup.Number(x2)}\" y2=\"{Markup.Number(y2)}\" class=\"{classes}\"/>");
        return this;
    }

    public SvgBuilder Rect(double x, double y, double width, double height, string classes, double opacity = 1, double radius = 0, string? tooltip = null)
    {
        _out.Append($"<rect x=\"{Markup.Number(x)}\" y=\"{Markup.Number(y)}\" width=\"{Markup.Number(width)}\" height=\"{Markup.Number(height)}\" " +
            $"class=\"{classes}\"");
        if (opacity < 1) _out.Append($" fill-opacity=\"{Markup.Number(opacity)}\"");
        if (radius > 0) _out.Append($" rx=\"{Markup.Number(radius)}\"");
        if (tooltip is null) _out.Append("/>");
        else
        {
            _out.Append('>');
            Tooltip(tooltip);
            _out.Append("</rect>");
        }
        return this;
    }

    public SvgBuilder Circle(double x, double y, double radius, string classes)
    {
        _out.Append($"<circle cx=\"{Markup.Number(x)}\" cy=\"{Markup.Number(y)}\" r=\"{Markup.Number(radius)}\" class=\"{classes}\"/>");
        return this;
    }

    public SvgBuilder Path(string data, string classes)
    {
        _out.Append($"<path d=\"{data}\" class=\"{classes}\"/>");
        return this;
    }

    /// <summary>A path that brings its own width and opacity.</summary>
    public SvgBuilder Stroke(string data, string classes, double width, double opacity)
    {
        _out.Append($"<path d=\"{data}\" class=\"{classes}\" stroke-width=\"{Markup.Number(width)}\" stroke-opacity=\"{Markup.Number(opacity)}\"/>");
        return this;
    }

    public Svg Finish(string title, string description, double width, double height) =>
        new(title, description, (int)Math.Ceiling(width), (int)Math.Ceiling(height), _out.ToString());

    private void Tooltip(string text) => _out.Append($"<title>{Markup.Escape(text)}</title>");
}
