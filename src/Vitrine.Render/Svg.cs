using System.Text;
using System.Xml;

namespace Vitrine.Render;

/// <summary>
/// A drawing: SVG with a title and a description for people who do not see it. In a report it takes the page's light or dark colours; saved as a file
/// it brings its own.
/// </summary>
public sealed class Svg
{
    private readonly string _content;

    internal Svg(string title, string description, int width, int height, string content)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(title);
        Title = title;
        Description = description;
        Width = width;
        Height = height;
        _content = content;
    }

    /// <summary>The title: what the drawing shows.</summary>
    public string Title { get; }

    /// <summary>The description: what there is to be seen.</summary>
    public string Description { get; }

    /// <summary>The natural width in CSS pixels.</summary>
    public int Width { get; }

    /// <summary>The natural height in CSS pixels.</summary>
    public int Height { get; }

    /// <summary>
    /// Whether the drawing would become unreadable on a phone; there it then keeps its width and scrolls inside its box (beyond 900 everywhere).
    /// </summary>
    internal bool IsWide => Width > 620;

    /// <summary>A drawing of your own. It may use the classes of <see cref="Style"/>.</summary>
    /// <param name="title">What the drawing shows.</param>
    /// <param name="description">What there is to be seen.</param>
    /// <param name="width">The natural width in CSS pixels.</param>
    /// <param name="height">The natural height in CSS pixels.</param>
    /// <param name="content">The elements inside <c>svg</c>: well-formed, without scripts, styles, event handlers or references to elsewhere.</param>
    /// <exception cref="ArgumentException">The content is not well-formed or holds what does not belong into a still drawing.</exception>
    public static Svg FromContent(string title, string description, int width, int height, string content)
    {
        ArgumentNullException.ThrowIfNull(description);
        ArgumentNullException.ThrowIfNull(content);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        Check(content);
        return new(title, description, width, height, content);
    }

    /// <summary>The element for a page that holds <see cref="Style"/> once.</summary>
    public string ToElement() => Element("", "", 0);

    /// <summary>A whole SVG file with its own style, light or dark as the reader's system is.</summary>
    public string ToDocument() => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + Element(" xmlns=\"http://www.w3.org/2000/svg\"",
        $"<style>{Style}:root{{color-scheme:light dark;background:var(--vt-paper)}}</style>", 16);

    /// <summary>Saves the drawing, whole or not at all.</summary>
    /// <param name="path">A name that ends in <c>.svg</c>.</param>
    /// <exception cref="ArgumentException">The name ends in something else.</exception>
    /// <exception cref="IOException">The file cannot be written; an old file of that name is unchanged.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        if (!Path.GetExtension(path).Equals(".svg", StringComparison.OrdinalIgnoreCase))
            throw new ArgumentException($"Drawings are saved as SVG: give '{path}' the ending .svg.", nameof(path));
        AtomicFile.Write(path, Encoding.UTF8.GetBytes(ToDocument()));
    }

    /// <summary>
    /// The CSS of all drawings. Classes: <c>vt</c> the drawing, <c>vt-soft</c> secondary text, <c>vt-strong</c> titles, <c>vt-grid</c> and
    /// <c>vt-axis</c> lines, <c>vt-c0</c> to <c>vt-c9</c> the categories with <c>vt-line</c>, <c>vt-band</c> and <c>vt-dot</c>, <c>vt-fill</c> the
    /// accent and <c>vt-on</c> text on it.
    /// </summary>
    public static string Style { get; } = MakeStyle();

    private string Element(string attributes, string inside, int margin)
    {
        string size = Width > 900 ? " vt-wide vt-keep" : IsWide ? " vt-wide" : "";
        int width = Width + (2 * margin), height = Height + (2 * margin);
        string edge = Markup.Number(-margin);
        return $"<svg{attributes} class=\"vt{size}\" role=\"img\" viewBox=\"{edge} {edge} {width} {height}\" width=\"{width}\" height=\"{height}\">" +
            $"<title>{Markup.Escape(Title)}</title><desc>{Markup.Escape(Description)}</desc>{inside}{_content}</svg>";
    }

    private static string MakeStyle()
    {
        StringBuilder css = new();
        css.Append(".vt{--vt-paper:#fdfcfa;--vt-ink:#1d1f23;--vt-soft:#5d6169;--vt-hair:#e5e2dc;--vt-axis:#a9a8a3;--vt-accent:#2468a8;--vt-on:#fff;");
        css.Append("--vt-mark:#b3401f;color:var(--vt-ink);font:13px/1.3 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\"," +
            "\"Noto Sans\",sans-serif;");
        css.Append("font-variant-numeric:tabular-nums}");
        css.Append("@media (prefers-color-scheme:dark){.vt{--vt-paper:#14151a;--vt-ink:#e7e5e0;--vt-soft:#a0a3aa;--vt-hair:#2c2e35;--vt-axis:#5c5f68;");
        css.Append("--vt-accent:#6fb1ee;--vt-on:#0d1117;--vt-mark:#f0936b}}");
        css.Append(".vt text{fill:currentColor;stroke:none}.vt .vt-soft{fill:var(--vt-soft)}.vt .vt-strong{font-weight:600;font-size:14px}" +
            ".vt .vt-small{font-size:11px}");
        css.Append(".vt .vt-on{fill:var(--vt-on)}.vt .vt-fill{fill:var(--vt-accent)}.vt .vt-mark{fill:var(--vt-mark)}" +
            ".vt .vt-track{fill:var(--vt-hair);opacity:.55}");
        css.Append(".vt .vt-frame{fill:none;stroke:var(--vt-hair)}.vt .vt-grid{stroke:var(--vt-hair);stroke-width:1;shape-rendering:crispEdges}");
        css.Append(".vt .vt-axis{stroke:var(--vt-axis);stroke-width:1;shape-rendering:crispEdges}");
        css.Append(".vt .vt-line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}.vt .vt-dash{stroke-dasharray:6 5}");
        css.Append(".vt .vt-band{fill:var(--c);opacity:.18}.vt .vt-dot{fill:var(--c);stroke:var(--vt-paper);stroke-width:1.5}");
        css.Append(".vt .vt-points{fill:none;stroke:var(--c);stroke-linecap:round}.vt .vt-ring{fill:none;stroke:var(--vt-mark);stroke-width:1.5}");
        for (int i = 0; i < ColorMap.Categories.Count; i++) css.Append($".vt-c{i}{{--c:{ColorMap.Categories[i].ToHex()}}}");
        // When a phone shrinks the drawing, its letters shrink less; the layouts leave room for that.
        css.Append("@media (max-width:480px){.vt{font-size:16px}.vt .vt-strong{font-size:17px}.vt .vt-small{font-size:14px}.vt-wide{font-size:13px}");
        css.Append(".vt-wide .vt-strong{font-size:14px}.vt-wide .vt-small{font-size:11px}}");
        return css.ToString();
    }

    private static void Check(string content)
    {
        XmlReaderSettings settings = new() { ConformanceLevel = ConformanceLevel.Fragment, DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null };
        try
        {
            using XmlReader reader = XmlReader.Create(new StringReader(content), settings);
            while (reader.Read())
            {
                if (reader.NodeType == XmlNodeType.ProcessingInstruction)
                    throw new ArgumentException("The SVG content holds a processing instruction. Take it out.");
                if (reader.NodeType != XmlNodeType.Element) continue;
                if (reader.LocalName.ToUpperInvariant() is "SCRIPT" or "STYLE" or "FOREIGNOBJECT" or "IMAGE" or "IFRAME" or "ANIMATE" or "SET")
                    throw new ArgumentException($"The SVG content holds the element '{reader.LocalName}', which does not belong into a still drawing. " +
                        "Take it out.");
                while (reader.MoveToNextAttribute())
                {
                    string name = reader.LocalName.ToUpperInvariant();
                    bool reference = name is "HREF" or "SRC" && !reader.Value.StartsWith('#');
                    bool address = reader.Value.Contains("url(", StringComparison.OrdinalIgnoreCase)
                        && !reader.Value.StartsWith("url(#", StringComparison.Ordinal);
                    if (name.StartsWith("ON", StringComparison.Ordinal) || name == "STYLE" || reference || address)
                        throw new ArgumentException($"The SVG content has the attribute {reader.Name}=\"{reader.Value}\", which acts or reaches outside. " +
                            "Take it out.");
                }
            }
        }
        catch (XmlException e)
        {
            throw new ArgumentException($"The SVG content is not well-formed XML: {e.Message}", e);
        }
    }
}
