using System.Security.Cryptography;
using System.Text;

namespace Vitrine.Render;

/// <summary>
/// A page that tells what was found: one HTML file that holds its pictures and drawings, loads nothing, runs no script, reads on a phone and on
/// paper, and follows the reader's choice of light or dark.
/// </summary>
public sealed class HtmlReport
{
    private readonly List<ReportSection> _sections = [];
    private readonly HashSet<string> _ids = ["main", "contents"];
    private readonly List<(string Label, string Value)> _facts = [];

    /// <summary>Starts a report.</summary>
    /// <param name="title">Its title.</param>
    public HtmlReport(string title)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(title);
        Title = title;
    }

    /// <summary>The title.</summary>
    public string Title { get; }

    /// <summary>A few words above the title, such as the kind of report; or null.</summary>
    public string? Kicker { get; set; }

    /// <summary>The first paragraph, in larger type: what was asked and what came out; or null.</summary>
    public string? Lead { get; set; }

    /// <summary>The last line, such as how the report was made; or null.</summary>
    public string? Footer { get; set; }

    /// <summary>The language of the texts as a BCP 47 tag.</summary>
    public string Language { get; set; } = "en";

    /// <summary>Adds key figures below the lead.</summary>
    /// <param name="facts">Label and value, for example ("test accuracy", "98.7 %").</param>
    public HtmlReport Facts(params IEnumerable<(string Label, string Value)> facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        _facts.AddRange(facts);
        return this;
    }

    /// <summary>Adds a section and returns it to be filled. It appears in the table of contents.</summary>
    /// <param name="heading">The heading.</param>
    public ReportSection Section(string heading)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(heading);
        ReportSection section = new(heading, UniqueId(heading));
        _sections.Add(section);
        return section;
    }

    /// <summary>The whole page.</summary>
    public string ToHtml()
    {
        string style = (Svg.Style + PageStyle + ColoredText.Style).ReplaceLineEndings("\n"); // as the reader's parser will see it
        // The hash admits this one style and nothing that might have slipped into the texts.
        string hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(style)));
        StringBuilder page = new();
        page.Append($"<!doctype html>\n<html lang=\"{Markup.Escape(Language)}\">\n<head>\n<meta charset=\"utf-8\">\n");
        page.Append($"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; " +
            $"style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\">\n");
        page.Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n");
        page.Append($"<link rel=\"icon\" href=\"data:,\">\n<title>{Markup.Escape(Title)}</title>\n<style>{style}</style>\n</head>\n<body>\n");
        page.Append("<a class=\"skip\" href=\"#main\">Skip to the text</a>\n<div class=\"page\">\n<header>\n");
        if (!string.IsNullOrWhiteSpace(Kicker)) page.Append($"<p class=\"kicker\">{ReportSection.Inline(Kicker)}</p>\n");
        page.Append($"<h1>{ReportSection.Inline(Title)}</h1>\n");
        if (!string.IsNullOrWhiteSpace(Lead)) page.Append($"<p class=\"lead\">{ReportSection.Inline(Lead)}</p>\n");
        if (_facts.Count > 0)
        {
            page.Append("<dl class=\"facts\">");
            foreach ((string label, string value) in _facts)
                page.Append($"<div><dt>{ReportSection.Inline(label)}</dt><dd>{ReportSection.Inline(value)}</dd></div>");
            page.Append("</dl>\n");
        }
        page.Append("</header>\n");
        bool contents = _sections.Count > 1;
        if (contents)
        {
            page.Append("<nav id=\"contents\" aria-label=\"Contents\"><p>Contents</p><ol>");
            foreach (ReportSection section in _sections) page.Append($"<li><a href=\"#{section.Id}\">{ReportSection.Inline(section.HeadingText!)}</a></li>");
            page.Append("</ol></nav>\n");
        }
        page.Append("<main id=\"main\">\n");
        foreach (ReportSection section in _sections) section.Write(page);
        page.Append("</main>\n");
        if (!string.IsNullOrWhiteSpace(Footer)) page.Append($"<footer><p>{ReportSection.Inline(Footer)}</p></footer>\n");
        return page.Append("</div>\n</body>\n</html>\n").ToString();
    }

    /// <summary>Saves the page, whole or not at all. Missing folders are made.</summary>
    /// <param name="path">A name that ends in <c>.html</c>.</param>
    /// <exception cref="ArgumentException">The name ends in something else.</exception>
    /// <exception cref="IOException">The file cannot be written; an old file of that name is unchanged.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        if (Path.GetExtension(path).ToUpperInvariant() is not (".HTML" or ".HTM"))
            throw new ArgumentException($"Reports are saved as HTML: give '{path}' the ending .html.", nameof(path));
        AtomicFile.Write(path, Encoding.UTF8.GetBytes(ToHtml()));
    }

    private string UniqueId(string heading)
    {
        StringBuilder id = new();
        foreach (char c in heading)
        {
            if (char.IsAsciiLetterOrDigit(c)) id.Append(char.ToLowerInvariant(c));
            else if (id.Length > 0 && id[^1] != '-') id.Append('-');
        }
        string stem = id.ToString().Trim('-');
        if (stem.Length == 0) stem = "section";
        string unique = stem;
        for (int n = 2; !_ids.Add(unique); n++) unique = $"{stem}-{n}";
        return unique;
    }

    private const string PageStyle = """

        :root{color-scheme:light dark;--paper:#fdfcfa;--ink:#1d1f23;--soft:#5d6169;--hair:#e5e2dc;--wash:#f5f3ee;--accent:#a63c1c}
        @media (prefers-color-scheme:dark){:root{--paper:#14151a;--ink:#e7e5e0;--soft:#a0a3aa;--hair:#2c2e35;--wash:#1c1e24;--accent:#f0936b}}
        *{box-sizing:border-box}
        html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
        body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",
        sans-serif;
        font-variant-numeric:tabular-nums;overflow-wrap:break-word}
        .page{max-width:53rem;margin:0 auto;padding:clamp(2rem,7vw,5.5rem) clamp(1rem,4vw,2.5rem) 4rem}
        .kicker{margin:0 0 .75rem;color:var(--accent);font-size:.875rem;font-weight:600;letter-spacing:.02em}
        h1,h2,h3{line-height:1.2;text-wrap:balance;margin:0}
        h1{font-size:clamp(1.9rem,1.4rem + 2.4vw,2.9rem);font-weight:700;letter-spacing:-.022em;max-width:22ch}
        h2{font-size:1.5rem;font-weight:650;letter-spacing:-.012em;margin-bottom:.9rem}
        h3{font-size:1.0625rem;font-weight:650;margin:2rem 0 .5rem}
        p,ul,ol{margin:0 0 1rem;max-width:41rem;text-wrap:pretty}
        ul{padding-left:1.2rem}li{margin:.2rem 0}
        .lead{font-size:clamp(1.125rem,1.05rem + .45vw,1.3125rem);line-height:1.5;color:var(--soft);margin:1.25rem 0 0;max-width:37rem}
        a{color:var(--accent);text-decoration-thickness:1px;text-underline-offset:.18em}
        a:hover{text-decoration-thickness:2px}
        :focus-visible{outline:2px solid var(--accent);outline-offset:3px;border-radius:2px}
        .skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem .75rem}
        .facts{display:flex;flex-wrap:wrap;gap:1.25rem 2.75rem;margin:2rem 0;padding:0}
        header .facts{margin:2.5rem 0 0;padding:1.35rem 0;border-block:1px solid var(--hair)}
        .facts div{display:flex;flex-direction:column-reverse;min-width:6rem}
        .facts dt{color:var(--soft);font-size:.875rem;line-height:1.4}
        .facts dd{margin:0;font-size:1.625rem;font-weight:600;letter-spacing:-.015em;line-height:1.25}
        nav{margin:2rem 0 0;font-size:.9375rem}
        nav p{margin:0 0 .35rem;color:var(--soft);font-size:.875rem}
        nav ol{list-style:none;margin:0;padding:0}
        nav li{margin:0}nav a{display:inline-block;padding:.18rem 0;color:var(--ink);text-decoration-color:var(--hair)}nav a:hover{color:var(--accent)}
        section{margin-top:clamp(3rem,7vw,4.75rem);scroll-margin-top:1rem}
        figure{margin:1.75rem 0 2.25rem;display:grid;grid-template-columns:minmax(0,max-content);align-content:start;max-width:100%}
        figcaption{width:0;min-width:100%;margin-top:.6rem;color:var(--soft);font-size:.875rem;line-height:1.45;text-wrap:pretty}
        img{display:block;max-width:100%;height:auto;border-radius:3px}
        .sharp{image-rendering:pixelated}
        .scroll{overflow-x:auto;max-width:100%}
        .scroll>svg{display:block;max-width:100%;height:auto}
        .scroll>.vt-keep{max-width:none}
        .row{display:grid;gap:1.5rem 1.5rem;margin:1.75rem 0 2.25rem;align-items:start}
        .row figure{margin:0}
        .small{display:flex;flex-wrap:wrap;gap:1.25rem 1.1rem}
        .medium{grid-template-columns:repeat(auto-fill,minmax(min(14rem,100%),1fr))}
        .large{grid-template-columns:repeat(auto-fill,minmax(min(22rem,100%),1fr))}
        table{border-collapse:collapse;font-size:.9375rem;line-height:1.45;margin:0 0 .25rem}
        div.scroll:has(table){margin:1.5rem 0 2rem}
        caption{text-align:left;color:var(--soft);font-size:.875rem;padding-bottom:.6rem}
        th,td{padding:.5rem 1.5rem .5rem 0;text-align:left;vertical-align:baseline;border-bottom:1px solid var(--hair)}
        th{font-weight:600;color:var(--soft);font-size:.875rem;white-space:nowrap}
        th:last-child,td:last-child{padding-right:.25rem}
        .number{text-align:right;white-space:nowrap}
        code,pre{font-family:ui-monospace,"SF Mono",SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.875em}
        code{background:var(--wash);padding:.1em .3em;border-radius:3px}
        pre{background:var(--wash);padding:1rem 1.1rem;border-radius:6px;line-height:1.5;margin:1.25rem 0 1.75rem;font-size:.8438rem}
        pre code{background:none;padding:0;font-size:1em}
        .note{border-left:3px solid var(--accent);padding:.1rem 0 .1rem 1rem;margin:1.5rem 0;color:var(--soft)}
        details{border-block:1px solid var(--hair);margin:1.5rem 0}details+details{border-top:0;margin-top:-1.5rem}
        summary{cursor:pointer;padding:.7rem 0;font-weight:600}details[open]>summary{margin-bottom:.25rem}
        footer{margin-top:5rem;padding-top:1.25rem;border-top:1px solid var(--hair);color:var(--soft);font-size:.875rem}
        @media (min-width:76rem){
        .page{max-width:71rem;display:grid;grid-template-columns:12rem minmax(0,1fr);column-gap:4rem}
        header,main,footer{grid-column:2}nav{grid-column:1;grid-row:2;align-self:start;position:sticky;top:2.5rem;margin-top:5.1rem}
        .page:not(:has(nav)){display:block;max-width:53rem}}
        @media (max-width:30rem){
        .small{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:1rem .8rem}.medium{grid-template-columns:repeat(2,minmax(0,1fr));gap:1.25rem 1rem}
        .facts{display:grid;grid-template-columns:1fr 1fr;gap:1.1rem 1rem}.vt-wide{max-width:none!important}}
        @media print{:root{--paper:#fff;--ink:#000}.page{display:block;max-width:none;padding:0}nav{display:none}
        figure,tr{break-inside:avoid}details>*{display:block}}

        """;
}
