using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Vitrine.Render.Tests;

public class ScatterChartTests
{
    [Fact]
    public void Every_point_is_drawn_once_at_its_place_in_the_colour_of_its_class()
    {
        ScatterChart chart = ScatterChart.OfClasses("map", [0, 0, 10, 0, 0, 10, 10, 10], [1, 0, 1, 1], ["a", "b"]);
        chart.Side = 200;
        chart.Legend = false;
        XElement svg = XElement.Parse(chart.ToSvg().ToElement());
        XElement[] paths = [.. svg.Descendants().Where(e => e.Name.LocalName == "path")];
        Assert.Equal(["vt-points vt-c0", "vt-points vt-c1"], paths.Select(p => (string)p.Attribute("class")!));
        (double X, double Y)[] a = Points(paths[0]), b = Points(paths[1]);
        Assert.Single(a);
        Assert.Equal(3, b.Length);
        // 4 % of the side is free on each edge, and up is up.
        Assert.Equal(b[0].X, b[1].X);
        Assert.Equal(184, a[0].X - b[0].X, 0.02);
        Assert.Equal(184, b[0].Y - b[1].Y, 0.02);
        Assert.Equal(a[0].X, b[2].X);
    }

    [Fact]
    public void Both_directions_have_one_scale()
    {
        var chart = new ScatterChart("map") { Side = 200 };
        chart.Add("", [0, 10, 5], [0, 0, 1]);
        (double X, double Y)[] points = Points(XElement.Parse(chart.ToSvg().ToElement()).Descendants().Single(e => e.Name.LocalName == "path"));
        Assert.Equal((points[1].X - points[0].X) / 10, points[0].Y - points[2].Y, 0.02);
    }

    [Fact]
    public void A_trail_leads_from_map_to_map_and_bends_as_much_as_is_asked()
    {
        foreach (double bundling in new[] { 0.0, 1.0 })
        {
            var chart = new ScatterChart("map") { Side = 200, Legend = false };
            chart.AddTrails([[0, 0, 0, 10], [10, 0, 10, 10]], [0, 0], ["a"], bundling);
            XElement path = XElement.Parse(chart.ToSvg().ToElement()).Descendants().First(e => e.Name.LocalName == "path");
            double[] numbers = [.. Regex.Matches((string)path.Attribute("d")!, @"-?[\d.]+").Select(m => double.Parse(m.Value, CultureInfo.InvariantCulture))];
            Assert.Equal(12, numbers.Length); // M x y Q x y x y, twice
            double straight = numbers[1], middle = (numbers[1] + numbers[7]) / 2;
            Assert.Equal(bundling == 0 ? straight : middle, numbers[3], 0.02);
        }
    }

    [Fact]
    public void A_picture_has_the_points_of_the_drawing()
    {
        Picture picture = new ScatterChart("map") { PointSize = 6 }.Add("", [0, 1], [0, 1]).ToPicture(100);
        Assert.Equal((100, 100), (picture.Width, picture.Height));
        Assert.NotEqual(Rgb.White, picture[4, 95]);
        Assert.NotEqual(Rgb.White, picture[95, 4]);
        Assert.Equal(Rgb.White, picture[50, 50]);
        Assert.Equal(Rgb.White, picture[4, 4]);
    }

    [Fact]
    public void A_stronger_value_is_drawn_stronger()
    {
        Svg svg = new ScatterChart("neurons") { Legend = false }.Add("", [0, 1, 2], [0, 0, 0], [0, 0.5, 1]).ToSvg();
        double[] opacity = [.. XElement.Parse(svg.ToElement()).Descendants().Where(e => e.Name.LocalName == "path")
            .Select(e => double.Parse((string)e.Attribute("stroke-opacity")!, CultureInfo.InvariantCulture))];
        Assert.Equal(3, opacity.Length);
        Assert.Equal(opacity.Order(), opacity);
        Assert.Equal(1, opacity[2]);
    }

    [Fact]
    public void Sizes_that_do_not_belong_together_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new ScatterChart("m").Add("a", [1], [1, 2]));
        Assert.Throws<ArgumentException>(() => ScatterChart.OfClasses("m", [1, 2, 3], [0], ["a"]));
        Assert.Throws<ArgumentException>(() => new ScatterChart("m").AddTrails([[0, 0]], [0], ["a"]));
        Assert.Throws<ArgumentException>(() => new ScatterChart("m").AddTrails([[0, 0], [0, 0, 1, 1]], [0], ["a"]));
    }

    private static (double X, double Y)[] Points(XElement path) => [.. Regex.Matches((string)path.Attribute("d")!, @"M([\d.]+) ([\d.]+)h0")
        .Select(m => (double.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture), double.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture)))];
}
