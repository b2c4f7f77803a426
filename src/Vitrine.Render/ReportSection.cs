using System.Text;

namespace Vitrine.Render;

/// <summary>
/// A part of a report. Every method appends and returns the section. Texts are plain and escaped; words between two backticks are set as code.
/// </summary>
public sealed class ReportSection
{
    private readonly StringBuilder _page = new();

    internal ReportSection(string? heading, string? id)
    {
        HeadingText = heading;
        Id = id;
    }

    internal string? HeadingText { get; }

    internal string? Id { get; }

    /// <summary>A paragraph.</summary>
    /// <param name="text">The text.</param>
    public ReportSection Text(string text) => Append($"<p>{Inline(text)}</p>\n");

    /// <summary>A heading inside the section.</summary>
    /// <param name="text">The heading.</param>
    public ReportSection Heading(string text) => Append($"<h3>{Inline(text)}</h3>\n");

    /// <summary>A remark that is set apart.</summary>
    /// <param name="text">The text.</param>
    public ReportSection Note(string text) => Append($"<p class=\"note\">{Inline(text)}</p>\n");

    /// <summary>A list.</summary>
    /// <param name="items">Its items.</param>
    public ReportSection List(params IEnumerable<string> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        _page.Append("<ul>");
        foreach (string item in items) _page.Append("<li>").Append(Inline(item)).Append("</li>");
        return Append("</ul>\n");
    }

    /// <summary>Program text or output, line by line as it is.</summary>
    /// <param name="text">The text.</param>
    public ReportSection Code(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Append($"<pre class=\"scroll\" tabindex=\"0\"><code>{Markup.Escape(text)}</code></pre>\n");
    }

    /// <summary>Text whose every character stands on the colour of a number: blue below zero, red above.</summary>
    /// <param name="text">The text; line ends are drawn.</param>
    /// <param name="values">A number for each character; NaN has no colour.</param>
    /// <param name="limit">The size of a number that gets full colour, above 0.</param>
    /// <param name="caption">What to notice, or null.</param>
    /// <exception cref="ArgumentException">There are not as many numbers as characters, or the limit is not above 0.</exception>
    public ReportSection ColoredText(string text, ReadOnlySpan<float> values, double limit, string? caption = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (values.Length != text.Length) throw new ArgumentException($"{values.Length} numbers do not belong to {text.Length} characters.", nameof(values));
        if (!(limit > 0 && double.IsFinite(limit))) throw new ArgumentException("The limit is a finite number above 0.", nameof(limit));
        _page.Append("<figure class=\"wide\">");
        Render.ColoredText.Write(_page, text, values, limit, caption ?? "Coloured text");
        if (!string.IsNullOrWhiteSpace(caption)) _page.Append("<figcaption>").Append(Inline(caption)).Append("</figcaption>");
        return Append("</figure>\n");
    }

    /// <summary>Things to follow, such as papers or pages beside this one. They are links for the reader to open: the page itself loads nothing.</summary>
    /// <param name="links">Text and address; addresses begin with https:// or http://, or name an <c>.html</c> file beside this page.</param>
    /// <exception cref="ArgumentException">An address is of another kind.</exception>
    public ReportSection Links(params IEnumerable<(string Text, string Address)> links)
    {
        ArgumentNullException.ThrowIfNull(links);
        _page.Append("<ul>");
        foreach ((string text, string address) in links)
        {
            _page.Append($"<li><a href=\"{Markup.Escape(Followed(address))}\" rel=\"noreferrer\">{Inline(text)}</a></li>");
        }
        return Append("</ul>\n");
    }

    private static string Followed(string address)
    {
        bool beside = address.EndsWith(".html", StringComparison.Ordinal) && address.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
        if (beside) return address;
        return Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && uri.Scheme is ("https" or "http")
            ? uri.AbsoluteUri
            : throw new ArgumentException($"'{address}' neither begins with https:// or http:// nor names a page beside this one.", nameof(address));
    }

    /// <summary>A row of key figures.</summary>
    /// <param name="facts">Label and value, for example ("test accuracy", "98.7 %").</param>
    public ReportSection Facts(params IEnumerable<(string Label, string Value)> facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        _page.Append("<dl class=\"facts\">");
        foreach ((string label, string value) in facts) _page.Append($"<div><dt>{Inline(label)}</dt><dd>{Inline(value)}</dd></div>");
        return Append("</dl>\n");
    }

    /// <summary>A figure on a line of its own.</summary>
    /// <param name="figure">The figure.</param>
    public ReportSection Figure(Figure figure)
    {
        ArgumentNullException.ThrowIfNull(figure);
        figure.Write(_page);
        return this;
    }

    /// <summary>A picture on a line of its own.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="alt">What it shows, for those who do not see it. Required.</param>
    /// <param name="caption">What to notice, or null.</param>
    /// <exception cref="ArgumentException">The alternative text is missing.</exception>
    public ReportSection Figure(Picture picture, string alt, string? caption = null) => Figure(Render.Figure.Of(picture, alt, caption));

    /// <summary>A drawing on a line of its own.</summary>
    /// <param name="drawing">The drawing.</param>
    /// <param name="caption">What to notice, or null.</param>
    public ReportSection Figure(Svg drawing, string? caption = null) => Figure(Render.Figure.Of(drawing, caption));

    /// <summary>Figures side by side, as many as the page has room for: two of about 400 pixels, three of 280, six of 112.</summary>
    /// <param name="figures">The figures.</param>
    public ReportSection Row(params IEnumerable<Figure> figures)
    {
        ArgumentNullException.ThrowIfNull(figures);
        List<Figure> all = [.. figures];
        int widest = 0;
        int widestPicture = 0;
        foreach (Figure figure in all)
        {
            widest = Math.Max(widest, figure.Width);
            if (figure.IsPicture) widestPicture = Math.Max(widestPicture, figure.Width);
        }
        string size = widest switch { <= 160 => "small", <= 300 => "medium", _ => "large" };
        _page.Append($"<div class=\"row {size}\">\n");
        foreach (Figure figure in all) figure.Write(_page, Math.Min(widestPicture, 320));
        return Append("</div>\n");
    }

    /// <summary>A table. Columns that hold only numbers are set flush right. A wide table scrolls in its own box.</summary>
    /// <param name="header">The names of the columns.</param>
    /// <param name="rows">The rows, each as long as the header.</param>
    /// <param name="caption">What the table shows, or null.</param>
    /// <exception cref="ArgumentException">A row is longer or shorter than the header.</exception>
    public ReportSection Table(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows, string? caption = null)
    {
        ArgumentNullException.ThrowIfNull(header);
        ArgumentNullException.ThrowIfNull(rows);
        List<IReadOnlyList<string>> all = [.. rows];
        bool[] numeric = new bool[header.Count];
        Array.Fill(numeric, all.Count > 0);
        for (int r = 0; r < all.Count; r++)
        {
            if (all[r].Count != header.Count)
                throw new ArgumentException($"Row {r} has {all[r].Count} cells, but the header has {header.Count}.", nameof(rows));
            for (int c = 0; c < header.Count; c++) numeric[c] &= LooksNumeric(all[r][c]);
        }
        _page.Append($"<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{Markup.Escape(caption ?? "Table")}\"><table>");
        if (!string.IsNullOrWhiteSpace(caption)) _page.Append($"<caption>{Inline(caption)}</caption>");
        _page.Append("<thead><tr>");
        for (int c = 0; c < header.Count; c++) _page.Append($"<th scope=\"col\"{Right(c)}>{Inline(header[c])}</th>");
        _page.Append("</tr></thead><tbody>");
        foreach (IReadOnlyList<string> row in all)
        {
            _page.Append("<tr>");
            for (int c = 0; c < row.Count; c++) _page.Append($"<td{Right(c)}>{Inline(row[c])}</td>");
            _page.Append("</tr>");
        }
        return Append("</tbody></table></div>\n");

        string Right(int column) => numeric[column] ? " class=\"number\"" : "";
    }

    /// <summary>Something folded away until the reader opens it.</summary>
    /// <param name="summary">The line that is always seen.</param>
    /// <param name="fill">Fills the inside.</param>
    /// <param name="open">Whether it starts open.</param>
    public ReportSection Details(string summary, Action<ReportSection> fill, bool open = false)
    {
        ArgumentNullException.ThrowIfNull(fill);
        ReportSection inside = new(null, null);
        fill(inside);
        return Append($"<details{(open ? " open" : "")}><summary>{Inline(summary)}</summary>\n{inside._page}</details>\n");
    }

    internal void Write(StringBuilder page)
    {
        page.Append($"<section id=\"{Id}\" aria-labelledby=\"{Id}-h\"><h2 id=\"{Id}-h\">{Inline(HeadingText ?? "")}</h2>\n");
        page.Append(_page).Append("</section>\n");
    }

    /// <summary>Escapes a text and sets what stands between pairs of backticks as code.</summary>
    internal static string Inline(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = Markup.Escape(text).Split('`');
        StringBuilder result = new(parts[0]);
        for (int i = 1; i < parts.Length; i++)
        {
            bool code = i % 2 == 1 && i + 1 < parts.Length;
            if (code) result.Append("<code>").Append(parts[i]).Append("</code>");
            else if (i % 2 == 1) result.Append('`').Append(parts[i]); // one without a partner
            else result.Append(parts[i]);
        }
        return result.ToString();
    }

    private static bool LooksNumeric(string cell)
    {
        // Units stand behind numbers; a name with a number in it is no number.
        if (cell.Length > 0 && char.IsLetter(cell[0]) && cell != "NaN") return false;
        bool digit = false;
        foreach (char c in cell)
        {
            digit |= char.IsAsciiDigit(c);
            if (char.IsLetter(c) && c is not ('e' or 'E' or 'N' or 'a' or 'k' or 'M' or 's' or 'm' or 'x' or '\u00D7' or '\u00B5' or 'B' or 'G')) return false;
        }
        return digit || cell is "" or "-" or "\u2013" or "NaN";
    }

    private ReportSection Append(string markup)
    {
        _page.Append(markup);
        return this;
    }
}
