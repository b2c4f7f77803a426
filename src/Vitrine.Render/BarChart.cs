using System.Text;

namespace Vitrine.Render;

/// <summary>Named bars, such as the probabilities of classes or the attributions of features, as SVG. Negative bars go left from zero.</summary>
public sealed class BarChart
{
    private readonly List<(string Name, double Value, bool Marked)> _bars = [];

    /// <summary>Starts a chart.</summary>
    /// <param name="title">What it shows.</param>
    public BarChart(string title)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(title);
        Title = title;
    }

    /// <summary>The title, above the chart.</summary>
    public string Title { get; }

    /// <summary>What there is to be seen, for those who do not see it; by default the bars and their values.</summary>
    public string? Description { get; set; }

    /// <summary>The value of a full bar; by default 1 if all values lie in 0 to 1, otherwise the greatest magnitude.</summary>
    public double? Maximum { get; set; }

    /// <summary>The format of the values, invariant; by default about four digits. <c>"P1"</c> writes per cent.</summary>
    public string? Format { get; set; }

    /// <summary>The width in CSS pixels, at least 200.</summary>
    public int Width { get; set; } = 400;

    /// <summary>The probabilities of classes, greatest first.</summary>
    /// <param name="title">What the chart shows.</param>
    /// <param name="probabilities">One a class, 0 to 1.</param>
    /// <param name="names">The names of the classes, as many.</param>
    /// <param name="top">How many to show.</param>
    /// <param name="truth">The class to mark, or null.</param>
    /// <exception cref="ArgumentException">Names and probabilities differ in number.</exception>
    public static BarChart OfProbabilities(string title, IReadOnlyList<float> probabilities, IReadOnlyList<string> names, int top = 5, int? truth = null)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        ArgumentNullException.ThrowIfNull(names);
        if (probabilities.Count != names.Count)
            throw new ArgumentException($"There are {probabilities.Count} probabilities, but {names.Count} names.", nameof(names));
        int[] order = new int[names.Count];
        for (int i = 0; i < order.Length; i++) order[i] = i;
        // Stable, so that ties stay in the order of the classes.
        Array.Sort(order, (a, b) => probabilities[a] != probabilities[b] ? probabilities[b].CompareTo(probabilities[a]) : a.CompareTo(b));
        BarChart chart = new(title) { Format = "P1", Maximum = 1 };
        for (int i = 0; i < Math.Min(top, order.Length); i++) chart.Add(names[order[i]], probabilities[order[i]], order[i] == truth);
        return chart;
    }

    /// <summary>Adds a bar below the others.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value.</param>
    /// <param name="marked">Whether it stands out, such as the true class.</param>
    public BarChart Add(string name, double value, bool marked = false)
    {
        ArgumentNullException.ThrowIfNull(name);
        _bars.Add((name, value, marked));
        return this;
    }

    /// <summary>Draws the chart.</summary>
    public Svg ToSvg()
    {
        const double Row = 27, Bar = 15, First = 32;
        double width = Math.Max(200, Width), names = 20, numbers = 20;
        (double least, double greatest) = (0, 0);
        foreach ((string name, double value, _) in _bars)
        {
            names = Math.Max(names, SvgBuilder.TextWidth(name) + 12);
            numbers = Math.Max(numbers, SvgBuilder.TextWidth(Write(value)) + 10);
            if (double.IsFinite(value)) (least, greatest) = (Math.Min(least, value), Math.Max(greatest, value));
        }
        names = Math.Min(names, width * 0.5);
        bool signed = least < 0;
        double full = Maximum ?? (!signed && greatest <= 1 && greatest > 0.2 ? 1 : Math.Max(greatest, -least));
        if (!(full > 0)) full = 1;
        double room = Math.Max(40, width - names - numbers);
        double zero = names + (signed ? room / 2 : 0), unit = (signed ? room / 2 : room) / full;

        SvgBuilder svg = new();
        svg.Text(0, 17, Title, "vt-strong");
        for (int i = 0; i < _bars.Count; i++)
        {
            (string name, double value, bool marked) = _bars[i];
            double y = First + (i * Row), middle = y + (Row / 2);
            string shown = SvgBuilder.Fit(name, names - 8);
            svg.Text(names - 10, middle + 4.5, shown, marked ? "vt-strong" : "", "end", shown == name ? null : name);
            svg.Rect(names, middle - (Bar / 2), room, Bar, "vt-track", radius: 2);
            double length = double.IsFinite(value) ? Math.Min(Math.Abs(value), full) * unit : 0;
            string color = (signed ? value >= 0 : marked) ? "vt-mark" : "vt-fill";
            if (length > 0) svg.Rect(value < 0 ? zero - length : zero, middle - (Bar / 2), length, Bar, color, radius: 2);
            svg.Text(width, middle + 4.5, Write(value), "vt-soft", "end");
        }
        if (signed) svg.Line(zero, First, zero, First + (_bars.Count * Row), "vt-axis");
        return svg.Finish(Title, Description ?? Describe(), width, First + (_bars.Count * Row) + 4);
    }

    private string Write(double value)
    {
        if (Format is null || !double.IsFinite(value)) return Markup.Readable(value);
        return value.ToString(Format, System.Globalization.CultureInfo.InvariantCulture).Replace("-", "\u2212", StringComparison.Ordinal);
    }

    private string Describe()
    {
        StringBuilder text = new("A bar chart.");
        foreach ((string name, double value, bool marked) in _bars) text.Append($" {name}{(marked ? " (marked)" : "")}: {Write(value)}.");
        return text.ToString();
    }
}
