using System.Text;

namespace Vitrine.Render;

/// <summary>
/// Lines over a common axis, such as a loss over epochs, as SVG. Gaps in the numbers (NaN, infinity, on a log scale zero and less) are gaps in the line.
/// </summary>
public sealed class LineChart
{
    private readonly List<Series> _series = [];

    /// <summary>Starts a chart.</summary>
    /// <param name="title">What it shows.</param>
    public LineChart(string title)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(title);
        Title = title;
    }

    /// <summary>The title, above the chart.</summary>
    public string Title { get; }

    /// <summary>What there is to be seen, for those who do not see it; by default the first, last, least and greatest number of each line.</summary>
    public string? Description { get; set; }

    /// <summary>The name and unit of the horizontal axis.</summary>
    public string XLabel { get; set; } = "";

    /// <summary>The name and unit of the vertical axis.</summary>
    public string YLabel { get; set; } = "";

    /// <summary>Whether the vertical axis is logarithmic.</summary>
    public bool LogY { get; set; }

    /// <summary>Whether the horizontal axis is logarithmic.</summary>
    public bool LogX { get; set; }

    /// <summary>The lower end of the vertical axis, or null to fit the numbers.</summary>
    public double? YMin { get; set; }

    /// <summary>The upper end of the vertical axis, or null to fit the numbers.</summary>
    public double? YMax { get; set; }

    /// <summary>The width in CSS pixels, at least 200.</summary>
    public int Width { get; set; } = 560;

    /// <summary>The height in CSS pixels, at least 120, without the legend.</summary>
    public int Height { get; set; } = 300;

    /// <summary>Adds a line over 1, 2, 3, ...</summary>
    /// <param name="name">Its name in the legend.</param>
    /// <param name="y">Its values.</param>
    /// <param name="markers">Whether every point gets a dot.</param>
    /// <param name="dashed">Whether the line is dashed.</param>
    public LineChart Add(string name, IReadOnlyList<double> y, bool markers = false, bool dashed = false)
    {
        ArgumentNullException.ThrowIfNull(y);
        double[] x = new double[y.Count];
        for (int i = 0; i < x.Length; i++) x[i] = i + 1;
        return Add(name, x, y, markers: markers, dashed: dashed);
    }

    /// <summary>Adds a line, with a shaded band around it if wanted.</summary>
    /// <param name="name">Its name in the legend.</param>
    /// <param name="x">The places.</param>
    /// <param name="y">The values, as many as the places.</param>
    /// <param name="low">The lower edge of the band, as many as the places, or null.</param>
    /// <param name="high">The upper edge of the band, as many as the places, or null.</param>
    /// <param name="markers">Whether every point gets a dot.</param>
    /// <param name="dashed">Whether the line is dashed.</param>
    /// <exception cref="ArgumentException">The lists differ in length, or the band has one edge only.</exception>
    public LineChart Add(string name, IReadOnlyList<double> x, IReadOnlyList<double> y, IReadOnlyList<double>? low = null, IReadOnlyList<double>? high = null,
        bool markers = false, bool dashed = false)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        if (x.Count != y.Count) throw new ArgumentException($"The line '{name}' has {x.Count} places, but {y.Count} values.", nameof(y));
        if (low is null != high is null) throw new ArgumentException($"The band of the line '{name}' needs both edges.", nameof(low));
        if (low is not null && (low.Count != x.Count || high!.Count != x.Count))
            throw new ArgumentException($"The band of the line '{name}' has {low.Count} and {high!.Count} values for {x.Count} places.", nameof(low));
        _series.Add(new(name, [.. x], [.. y], low is null ? null : [.. low], high is null ? null : [.. high], markers, dashed));
        return this;
    }

    /// <summary>Draws the chart.</summary>
    public Svg ToSvg()
    {
        double width = Math.Max(200, Width), plotHeight = Math.Max(120, Height) - 70;
        SvgBuilder svg = new();
        svg.Text(0, 17, Title, "vt-strong");
        double top = 34;
        if (_series.Count > 1) top = Legend(svg, width, top);
        if (YLabel.Length > 0)
        {
            svg.Text(0, top + 8, YLabel, "vt-soft");
            top += 16;
        }
        top += 10;

        Axis xs = XAxis(width), ys = YAxis(plotHeight);
        double left = 14;
        foreach ((_, string label) in ys.Ticks) left = Math.Max(left, SvgBuilder.TextWidth(label) + 12);
        Plot plot = new(left, top, width - left - 10, plotHeight, xs, ys);
        foreach ((double value, string label) in ys.Ticks)
        {
            double y = plot.Y(value);
            svg.Line(plot.Left, y, plot.Left + plot.Width, y, "vt-grid").Text(plot.Left - 8, y + 4.5, label, "vt-soft", "end");
        }
        double bottom = top + plotHeight;
        svg.Line(plot.Left, bottom, plot.Left + plot.Width, bottom, "vt-axis");
        foreach ((double value, string label) in xs.Ticks)
        {
            double x = plot.X(value);
            svg.Line(x, bottom, x, bottom + 4, "vt-axis");
            // Labels at the very edge turn inwards instead of being cut.
            string anchor = x + (SvgBuilder.TextWidth(label) / 2) > width ? "end" : "middle";
            svg.Text(anchor == "end" ? width : x, bottom + 20, label, "vt-soft", anchor);
        }
        double end = bottom + 26;
        if (XLabel.Length > 0)
        {
            svg.Text(plot.Left + plot.Width, bottom + 41, XLabel, "vt-soft", "end");
            end = bottom + 48;
        }
        for (int i = 0; i < _series.Count; i++) Draw(svg, plot, _series[i], i % ColorMap.Categories.Count);
        return svg.Finish(Title, Description ?? Describe(), width, end);
    }

    private double Legend(SvgBuilder svg, double width, double top)
    {
        double x = 0, y = top;
        for (int i = 0; i < _series.Count; i++)
        {
            string name = SvgBuilder.Fit(_series[i].Name, width - 60);
            double wide = 24 + SvgBuilder.TextWidth(name) + 14;
            if (x > 0 && x + wide > width) (x, y) = (0, y + 21);
            string color = $"vt-c{i % ColorMap.Categories.Count}";
            svg.Line(x + 1, y + 4, x + 17, y + 4, $"vt-line {color}{(_series[i].Dashed ? " vt-dash" : "")}");
            svg.Text(x + 24, y + 8.5, name);
            x += wide;
        }
        return y + 26;
    }

    private void Draw(SvgBuilder svg, Plot plot, Series series, int color)
    {
        if (series.Low is not null)
        {
            foreach ((int from, int to) in Runs(series, i => Drawable(series.X[i], LogX) && Drawable(series.Low[i], LogY) && Drawable(series.High![i], LogY)))
            {
                StringBuilder band = new();
                for (int i = from; i < to; i++) Point(band, i == from, plot.X(series.X[i]), plot.Y(series.High![i]));
                for (int i = to - 1; i >= from; i--) Point(band, false, plot.X(series.X[i]), plot.Y(series.Low[i]));
                svg.Path(band.Append('Z').ToString(), $"vt-band vt-c{color}");
            }
        }
        foreach ((int from, int to) in Runs(series, i => Drawable(series.X[i], LogX) && Drawable(series.Y[i], LogY)))
        {
            StringBuilder line = new();
            foreach (int i in Thin(series, plot, from, to)) Point(line, line.Length == 0, plot.X(series.X[i]), plot.Y(series.Y[i]));
            if (to - from > 1) svg.Path(line.ToString(), $"vt-line vt-c{color}{(series.Dashed ? " vt-dash" : "")}");
            // A single point between gaps would be invisible as a line.
            if (!series.Markers && to - from > 1) continue;
            for (int i = from; i < to; i++) svg.Circle(plot.X(series.X[i]), plot.Y(series.Y[i]), 4, $"vt-dot vt-c{color}");
        }
    }

    private static void Point(StringBuilder path, bool first, double x, double y) =>
        path.Append(first ? 'M' : 'L').Append(Markup.Number(x)).Append(' ').Append(Markup.Number(y));

    private static IEnumerable<(int From, int To)> Runs(Series series, Func<int, bool> drawable)
    {
        int from = 0;
        for (int i = 0; i <= series.X.Length; i++)
        {
            if (i < series.X.Length && drawable(i)) continue;
            if (i > from) yield return (from, i);
            from = i + 1;
        }
    }

    // A hundred thousand points make a slow page and the same line as the extremes of each pixel column.
    private static IEnumerable<int> Thin(Series series, Plot plot, int from, int to)
    {
        if (to - from <= 4 * plot.Width)
        {
            for (int i = from; i < to; i++) yield return i;
            yield break;
        }
        for (int start = from; start < to;)
        {
            int column = (int)plot.X(series.X[start]), end = start, least = start, greatest = start;
            for (; end < to && (int)plot.X(series.X[end]) == column; end++)
            {
                if (series.Y[end] < series.Y[least]) least = end;
                if (series.Y[end] > series.Y[greatest]) greatest = end;
            }
            SortedSet<int> kept = [start, least, greatest, end - 1];
            foreach (int i in kept) yield return i;
            start = end;
        }
    }

    private Axis XAxis(double width)
    {
        (double low, double high) = (double.PositiveInfinity, double.NegativeInfinity);
        bool whole = true;
        foreach (Series series in _series)
            foreach (double x in series.X)
                if (Drawable(x, LogX))
                {
                    (low, high) = (Math.Min(low, x), Math.Max(high, x));
                    whole &= x == Math.Floor(x);
                }
        if (low > high) (low, high) = LogX ? (1, 10) : (0, 1);
        if (whole && low == high && !LogX) (low, high) = (low - 1, high + 1);
        return LogX ? Axis.Log(low, high) : Axis.Linear(low, high, (int)(width / 85), whole && high - low >= 1);
    }

    private Axis YAxis(double height)
    {
        (double low, double high) = (double.PositiveInfinity, double.NegativeInfinity);
        foreach (Series series in _series)
            foreach (double[]? values in (double[]?[])[series.Y, series.Low, series.High])
                foreach (double y in values ?? [])
                    if (Drawable(y, LogY)) (low, high) = (Math.Min(low, y), Math.Max(high, y));
        if (low > high) (low, high) = LogY ? (0.1, 1) : (0, 1);
        double room = LogY ? Math.Pow(high / low, 0.04) : (high - low) * 0.05;
        bool fromZero = !LogY && low >= 0 && low < 0.25 * high;
        low = YMin is double least && Drawable(least, LogY) ? least : LogY ? low / room : fromZero ? 0 : low - room;
        high = YMax is double most && Drawable(most, LogY) ? most : LogY ? high * room : high + room;
        return LogY ? Axis.Log(low, high) : Axis.Linear(low, high, (int)(height / 45));
    }

    private string Describe()
    {
        StringBuilder text = new($"A line chart{(XLabel.Length > 0 ? $" over {XLabel}" : "")}.");
        foreach (Series series in _series)
        {
            List<double> values = [];
            foreach (double y in series.Y)
                if (double.IsFinite(y)) values.Add(y);
            if (values.Count == 0) text.Append($" {series.Name}: no values.");
            else
            {
                text.Append($" {series.Name}: from {Markup.Readable(values[0])} to {Markup.Readable(values[^1])}");
                values.Sort();
                text.Append($", least {Markup.Readable(values[0])}, greatest {Markup.Readable(values[^1])}.");
            }
        }
        return text.ToString();
    }

    private static bool Drawable(double value, bool log) => double.IsFinite(value) && (!log || value > 0);

    private sealed record Series(string Name, double[] X, double[] Y, double[]? Low, double[]? High, bool Markers, bool Dashed);

    private sealed record Plot(double Left, double Top, double Width, double Height, Axis Xs, Axis Ys)
    {
        public double X(double value) => Left + (Math.Clamp(Xs.Place(value), 0, 1) * Width);

        public double Y(double value) => Top + ((1 - Math.Clamp(Ys.Place(value), 0, 1)) * Height);
    }
}
