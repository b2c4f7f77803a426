using System.Text;

namespace Vitrine.Render;

/// <summary>
/// Points on a plane, such as a map of activations: groups by colour, or values by strength, with trails between maps. Neither axis has numbers: what a map
/// says is who lies near whom. Both directions have the same scale. Points that are not finite are left out.
/// </summary>
public sealed class ScatterChart
{
    /// <summary>Up to so many points an SVG is a good form; a <see cref="ToPicture"/> is the better one beyond.</summary>
    public const int MostInSvg = 5_000;

    private const int Strengths = 8;

    private readonly List<Group> _groups = [];
    private readonly List<(double X, double Y)> _marks = [];
    private float[][] _trailMaps = [];
    private int[] _trailLabels = [];
    private double _bundling;
    private (double Left, double Bottom, double Width)? _view;

    /// <summary>Starts a chart.</summary>
    /// <param name="title">What it shows.</param>
    public ScatterChart(string title)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(title);
        Title = title;
    }

    /// <summary>The title, above the chart.</summary>
    public string Title { get; }

    /// <summary>What there is to be seen, for those who do not see it; by default the groups and their sizes.</summary>
    public string? Description { get; set; }

    /// <summary>The side of the square of the points in CSS pixels, at least 200.</summary>
    public int Side { get; set; } = 400;

    /// <summary>The width of a point in CSS pixels; null to suit their number.</summary>
    public double? PointSize { get; set; }

    /// <summary>Whether the groups are named below the title.</summary>
    public bool Legend { get; set; } = true;

    /// <summary>A chart of points by class.</summary>
    /// <param name="title">What it shows.</param>
    /// <param name="places">x, y of one point after the other.</param>
    /// <param name="labels">The class of each point, from 0.</param>
    /// <param name="classes">The names of the classes.</param>
    /// <exception cref="ArgumentException">The sizes do not belong together.</exception>
    public static ScatterChart OfClasses(string title, IReadOnlyList<float> places, IReadOnlyList<int> labels, IReadOnlyList<string> classes)
    {
        ArgumentNullException.ThrowIfNull(places);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(classes);
        if (places.Count != 2 * labels.Count) throw new ArgumentException($"{labels.Count} points have {2 * labels.Count} coordinates, not {places.Count}.");
        ScatterChart chart = new(title);
        for (int k = 0; k < classes.Count; k++)
        {
            List<double> x = [], y = [];
            for (int i = 0; i < labels.Count; i++)
            {
                if (labels[i] != k) continue;
                x.Add(places[2 * i]);
                y.Add(places[(2 * i) + 1]);
            }
            chart.Add(classes[k], x, y);
        }
        return chart;
    }

    /// <summary>Adds a group of points under the next colour; after ten groups colours come again.</summary>
    /// <param name="name">Its name in the legend.</param>
    /// <param name="x">Places from left to right.</param>
    /// <param name="y">Places from bottom to top, as many.</param>
    /// <exception cref="ArgumentException">The lists differ in length.</exception>
    public ScatterChart Add(string name, IReadOnlyList<double> x, IReadOnlyList<double> y) => Add(name, x, y, null);

    /// <summary>Adds points whose colour is the stronger the greater their value, in [0, 1].</summary>
    /// <param name="name">What the value is, in the legend.</param>
    /// <param name="x">Places from left to right.</param>
    /// <param name="y">Places from bottom to top, as many.</param>
    /// <param name="strength">The values, as many; those beyond 0 and 1 count as these.</param>
    /// <exception cref="ArgumentException">The lists differ in length.</exception>
    public ScatterChart Add(string name, IReadOnlyList<double> x, IReadOnlyList<double> y, IReadOnlyList<double>? strength)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        if (x.Count != y.Count || (strength is not null && strength.Count != x.Count))
            throw new ArgumentException($"The group '{name}' has {x.Count} places from left to right, {y.Count} from bottom to top, {strength?.Count ?? x.Count} values.");
        _groups.Add(new(name, [.. x], [.. y], strength is null ? null : [.. strength]));
        _view = null;
        return this;
    }

    /// <summary>Draws a ring around a point.</summary>
    public ScatterChart Mark(double x, double y)
    {
        _marks.Add((x, y));
        return this;
    }

    /// <summary>
    /// Adds the ways of points through successive maps, from pale to full. A way bends towards that of its group halfway between two maps, so that ways of one
    /// group run as a bundle and those that leave it stand out. The points themselves are those of the last map.
    /// </summary>
    /// <param name="maps">At least two, each x, y of one point after the other.</param>
    /// <param name="labels">The group of each point, from 0.</param>
    /// <param name="groups">The names of the groups.</param>
    /// <param name="bundling">How far ways bend towards their group's: 0 straight to 1.</param>
    /// <exception cref="ArgumentException">The sizes do not belong together.</exception>
    public ScatterChart AddTrails(
        IReadOnlyList<IReadOnlyList<float>> maps, IReadOnlyList<int> labels, IReadOnlyList<string> groups, double bundling = 0.7)
    {
        ArgumentNullException.ThrowIfNull(maps);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(groups);
        if (maps.Count < 2) throw new ArgumentException($"Trails lead from map to map; there are {maps.Count}.", nameof(maps));
        if (maps.Any(m => m.Count != 2 * labels.Count)) throw new ArgumentException($"Every map of {labels.Count} points has {2 * labels.Count} coordinates.");
        ScatterChart last = OfClasses(Title, maps[^1], labels, groups);
        foreach (Group group in last._groups) _groups.Add(group);
        _trailMaps = [.. maps.Select(m => m.ToArray())];
        (_trailLabels, _bundling, _view) = ([.. labels], bundling, null);
        return this;
    }

    /// <summary>Draws the chart.</summary>
    public Svg ToSvg()
    {
        double side = Math.Max(200, Side);
        SvgBuilder svg = new();
        svg.Text(0, 17, SvgBuilder.Fit(Title, side, 14), "vt-strong");
        double top = 30;
        if (Legend && _groups.Count > 0 && (_groups.Count > 1 || _groups[0].Name.Length > 0)) top = Names(svg, side, top);
        top += 4;
        svg.Rect(0.5, top + 0.5, side - 1, side - 1, "vt-frame", radius: 4);
        double size = PointSize ?? AutomaticSize(side);
        Trails(svg, side, top);
        for (int g = 0; g < _groups.Count; g++) Draw(svg, _groups[g], g % ColorMap.Categories.Count, side, top, size);
        foreach ((double x, double y) in _marks)
        {
            if (!double.IsFinite(x + y)) continue;
            (double px, double py) = Place(x, y, side);
            svg.Circle(px, top + py, size + 3, "vt-ring");
        }
        return svg.Finish(Title, Description ?? Describe(), side, top + side);
    }

    /// <summary>Draws the points alone, without title, legend and trails, on white: for more points than a drawing should hold.</summary>
    /// <param name="side">Width and height in pixels, at least 64.</param>
    public Picture ToPicture(int side = 800)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 64);
        double radius = Math.Max(0.8, (PointSize ?? AutomaticSize(side)) / 2);
        float[] pixels = new float[side * side * 3];
        Array.Fill(pixels, 255f);
        for (int g = 0; g < _groups.Count; g++)
        {
            Group group = _groups[g];
            Rgb color = ColorMap.Categories[g % ColorMap.Categories.Count];
            for (int i = 0; i < group.X.Length; i++)
            {
                if (!double.IsFinite(group.X[i] + group.Y[i])) continue;
                (double x, double y) = Place(group.X[i], group.Y[i], side);
                Dot(pixels, side, x, y, radius, color, 0.6 * (group.Strength is { } s ? Math.Max(0.1, Level(s[i])) : 1));
            }
        }
        byte[] bytes = new byte[pixels.Length];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = (byte)Math.Clamp(MathF.Round(pixels[i]), 0, 255);
        return new Picture(side, side, 3, bytes);
    }

    private double Names(SvgBuilder svg, double width, double top)
    {
        double x = 0, y = top;
        for (int g = 0; g < _groups.Count; g++)
        {
            string name = SvgBuilder.Fit(_groups[g].Name, width - 30);
            double wide = 18 + SvgBuilder.TextWidth(name) + 8;
            if (x > 0 && x + wide > width) (x, y) = (0, y + 21);
            svg.Circle(x + 6, y + 4, 5, $"vt-dot vt-c{g % ColorMap.Categories.Count}");
            svg.Text(x + 16, y + 8.5, name);
            x += wide;
        }
        return y + 20;
    }

    // A point of no length with round ends is a dot: one path for a whole group keeps a page of many maps small.
    private void Draw(SvgBuilder svg, Group group, int color, double side, double top, double size)
    {
        for (int level = 0; level < Strengths; level++)
        {
            StringBuilder path = new();
            for (int i = 0; i < group.X.Length; i++)
            {
                if (!double.IsFinite(group.X[i] + group.Y[i])) continue;
                int of = group.Strength is { } s ? Math.Min(Strengths - 1, (int)(Level(s[i]) * Strengths)) : Strengths - 1;
                if (of != level) continue;
                (double x, double y) = Place(group.X[i], group.Y[i], side);
                path.Append('M').Append(Markup.Number(x)).Append(' ').Append(Markup.Number(top + y)).Append("h0");
            }
            if (path.Length > 0)
                svg.Stroke(path.ToString(), $"vt-points vt-c{color}", size, group.Strength is null ? 0.75 : 0.08 + (0.92 * level / (Strengths - 1)));
        }
    }

    private void Trails(SvgBuilder svg, double side, double top)
    {
        if (_trailMaps.Length < 2 || _trailLabels.Length == 0) return;
        int groups = _trailLabels.Max() + 1;
        double width = Math.Clamp(120.0 / _trailLabels.Length, 0.5, 1.5);
        for (int step = 0; step + 1 < _trailMaps.Length; step++)
        {
            (double[] fromX, double[] fromY) = Means(_trailMaps[step], groups);
            (double[] toX, double[] toY) = Means(_trailMaps[step + 1], groups);
            StringBuilder[] paths = [.. Enumerable.Range(0, groups).Select(_ => new StringBuilder())];
            for (int i = 0; i < _trailLabels.Length; i++)
            {
                int g = _trailLabels[i];
                double ax = _trailMaps[step][2 * i], ay = _trailMaps[step][(2 * i) + 1], bx = _trailMaps[step + 1][2 * i],
                    by = _trailMaps[step + 1][(2 * i) + 1];
                if (!double.IsFinite(ax + ay + bx + by)) continue;
                double middleX = (((ax + bx) / 2) * (1 - _bundling)) + (((fromX[g] + toX[g]) / 2) * _bundling);
                double middleY = (((ay + by) / 2) * (1 - _bundling)) + (((fromY[g] + toY[g]) / 2) * _bundling);
                (double px, double py) = Place(ax, ay, side);
                (double mx, double my) = Place(middleX, middleY, side);
                (double qx, double qy) = Place(bx, by, side);
                paths[g].Append('M').Append(Markup.Number(px)).Append(' ').Append(Markup.Number(top + py)).Append('Q').Append(Markup.Number(mx)).Append(' ')
                    .Append(Markup.Number(top + my)).Append(' ').Append(Markup.Number(qx)).Append(' ').Append(Markup.Number(top + qy));
            }
            double opacity = 0.12 + (0.38 * (step + 1) / (_trailMaps.Length - 1));
            for (int g = 0; g < groups; g++)
                if (paths[g].Length > 0) svg.Stroke(paths[g].ToString(), $"vt-points vt-c{g % ColorMap.Categories.Count}", width, opacity);
        }
    }

    private (double[] X, double[] Y) Means(float[] map, int groups)
    {
        double[] x = new double[groups], y = new double[groups], count = new double[groups];
        for (int i = 0; i < _trailLabels.Length; i++)
        {
            if (!float.IsFinite(map[2 * i] + map[(2 * i) + 1])) continue;
            (x[_trailLabels[i]], y[_trailLabels[i]]) = (x[_trailLabels[i]] + map[2 * i], y[_trailLabels[i]] + map[(2 * i) + 1]);
            count[_trailLabels[i]]++;
        }
        for (int g = 0; g < groups; g++) (x[g], y[g]) = (x[g] / Math.Max(1, count[g]), y[g] / Math.Max(1, count[g]));
        return (x, y);
    }

    private (double X, double Y) Place(double x, double y, double side)
    {
        (double left, double bottom, double width) = _view ??= View();
        double room = side * 0.04;
        return (room + ((x - left) / width * (side - (2 * room))), side - room - ((y - bottom) / width * (side - (2 * room))));
    }

    private (double Left, double Bottom, double Width) View()
    {
        (double left, double right, double bottom, double top) =
            (double.PositiveInfinity, double.NegativeInfinity, double.PositiveInfinity, double.NegativeInfinity);
        foreach (Group group in _groups)
            for (int i = 0; i < group.X.Length; i++) See(group.X[i], group.Y[i]);
        foreach (float[] map in _trailMaps)
            for (int i = 0; i < map.Length; i += 2) See(map[i], map[i + 1]);
        if (left > right) return (0, 0, 1);
        double width = Math.Max(right - left, top - bottom);
        if (width <= 0) width = 1;
        return (((left + right) / 2) - (width / 2), ((bottom + top) / 2) - (width / 2), width);

        void See(double x, double y)
        {
            if (!double.IsFinite(x + y)) return;
            (left, right, bottom, top) = (Math.Min(left, x), Math.Max(right, x), Math.Min(bottom, y), Math.Max(top, y));
        }
    }

    private double AutomaticSize(double side)
    {
        int count = Math.Max(1, _groups.Sum(g => g.X.Length));
        return Math.Clamp(side / Math.Sqrt(count) / 2.5, 1.6, 7);
    }

    private static double Level(double strength) => double.IsNaN(strength) ? 0 : Math.Clamp(strength, 0, 1);

    // Covers each pixel by how far its centre lies inside the dot.
    private static void Dot(float[] pixels, int side, double x, double y, double radius, Rgb color, double opacity)
    {
        for (int row = Math.Max(0, (int)(y - radius - 1)); row <= Math.Min(side - 1, (int)(y + radius + 1)); row++)
            for (int column = Math.Max(0, (int)(x - radius - 1)); column <= Math.Min(side - 1, (int)(x + radius + 1)); column++)
            {
                double dx = column + 0.5 - x, dy = row + 0.5 - y;
                float cover = (float)(opacity * Math.Clamp(radius + 0.5 - Math.Sqrt((dx * dx) + (dy * dy)), 0, 1));
                if (cover <= 0) continue;
                int at = ((row * side) + column) * 3;
                pixels[at] += (color.R - pixels[at]) * cover;
                pixels[at + 1] += (color.G - pixels[at + 1]) * cover;
                pixels[at + 2] += (color.B - pixels[at + 2]) * cover;
            }
    }

    private string Describe()
    {
        StringBuilder text = new("Points on a plane.");
        foreach (Group group in _groups) text.Append($" {group.Name}: {group.X.Length}.");
        if (_trailMaps.Length > 1) text.Append($" Their ways through {_trailMaps.Length} maps.");
        return text.ToString();
    }

    private sealed record Group(string Name, double[] X, double[] Y, double[]? Strength);
}
