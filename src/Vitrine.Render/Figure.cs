using System.Text;

namespace Vitrine.Render;

/// <summary>Something to look at in a report: a picture, which must say in words what it shows, or a drawing, which carries its words itself.</summary>
public sealed class Figure
{
    // Pictures smaller than this are enlarged on the page, in CSS pixels.
    private const int SmallestSide = 112;

    private readonly Picture? _picture;
    private readonly string _markup; // the alternative text of a picture, or the whole element of a drawing
    private readonly bool _fixedWidth;

    private Figure(Picture? picture, string markup, int width, bool fixedWidth, string? caption)
    {
        _picture = picture;
        _markup = markup;
        _fixedWidth = fixedWidth;
        Width = width;
        Caption = caption;
    }

    /// <summary>The caption, or null.</summary>
    public string? Caption { get; }

    /// <summary>The width on the page in CSS pixels, if there is room.</summary>
    internal int Width { get; }

    internal bool IsPicture => _picture is not null;

    /// <summary>A picture.</summary>
    /// <param name="picture">The picture; tiny ones are enlarged with sharp pixels.</param>
    /// <param name="alt">What the picture shows, for those who do not see it. Required.</param>
    /// <param name="caption">What to notice, or null.</param>
    /// <param name="width">The width on the page in CSS pixels; by default the picture's own, or a multiple if it is tiny.</param>
    /// <exception cref="ArgumentException">The alternative text is missing.</exception>
    public static Figure Of(Picture picture, string alt, string? caption = null, int? width = null)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (string.IsNullOrWhiteSpace(alt)) throw new ArgumentException("A picture needs an alternative text: say what it shows.", nameof(alt));
        if (width is < 1) throw new ArgumentOutOfRangeException(nameof(width), width, "The width on the page is at least 1.");
        int longer = Math.Max(picture.Width, picture.Height);
        int shown = width ?? picture.Width * Math.Max(1, (SmallestSide + longer - 1) / longer);
        return new(picture, Markup.Escape(alt), shown, width is not null, caption);
    }

    /// <summary>A heat map.</summary>
    /// <param name="map">The heat map.</param>
    /// <param name="alt">What it shows, for those who do not see it. Required.</param>
    /// <param name="caption">What to notice, or null.</param>
    /// <exception cref="ArgumentException">The alternative text is missing.</exception>
    public static Figure Of(HeatMap map, string alt, string? caption = null)
    {
        ArgumentNullException.ThrowIfNull(map);
        return Of(map.ToPicture(), alt, caption);
    }

    /// <summary>A drawing.</summary>
    /// <param name="drawing">The drawing.</param>
    /// <param name="caption">What to notice, or null.</param>
    public static Figure Of(Svg drawing, string? caption = null)
    {
        ArgumentNullException.ThrowIfNull(drawing);
        // What scrolls on a phone must be reachable by keyboard; the rest should not be one more stop.
        string reach = drawing.IsWide ? $" tabindex=\"0\" role=\"group\" aria-label=\"{Markup.Escape(drawing.Title)}\"" : "";
        return new(null, $"<div class=\"scroll\"{reach}>{drawing.ToElement()}</div>", drawing.Width, true, caption);
    }

    /// <summary>Writes the figure; a tiny picture grows to <paramref name="atLeast"/>, so that it matches its neighbours in a row.</summary>
    internal void Write(StringBuilder page, int atLeast = 0)
    {
        page.Append("<figure>");
        if (_picture is null) page.Append(_markup);
        else
        {
            int width = !_fixedWidth && Math.Max(_picture.Width, _picture.Height) <= SmallestSide ? Math.Max(Width, atLeast) : Width;
            int height = Math.Max(1, (int)Math.Round((double)width * _picture.Height / _picture.Width));
            string sharp = width > _picture.Width ? " class=\"sharp\"" : "";
            page.Append($"<img{sharp} src=\"{_picture.ToDataUri()}\" width=\"{width}\" height=\"{height}\" alt=\"{_markup}\">");
        }
        if (!string.IsNullOrWhiteSpace(Caption)) page.Append("<figcaption>").Append(ReportSection.Inline(Caption)).Append("</figcaption>");
        page.Append("</figure>\n");
    }
}
