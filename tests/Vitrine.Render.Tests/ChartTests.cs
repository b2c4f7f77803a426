using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Vitrine.Render.Tests;

public class ChartTests
{
    private const string Nasty = "<b>&\"'</b> \u0001 \uD800 ]]>";
    private static readonly XNamespace Ns = "http://www.w3.org/2000/svg";

    public static TheoryData<string> Kinds => ["line", "log", "many", "empty", "bars", "signed", "matrix", "large matrix", "scatter", "trails", "own"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Drawings_are_well_formed_and_described(string kind)
    {
        Svg svg = Draw(kind);
        XElement root = XDocument.Parse(svg.ToDocument()).Root!;
        Assert.Equal(Ns + "svg", root.Name);
        Assert.Equal("img", (string?)root.Attribute("role"));
        Assert.Equal(Ns + "title", root.Elements().First().Name);
        Assert.False(string.IsNullOrWhiteSpace((string?)root.Element(Ns + "title")));
        Assert.False(string.IsNullOrWhiteSpace((string?)root.Element(Ns + "desc")));
        Assert.Contains("prefers-color-scheme:dark", (string?)root.Element(Ns + "style"));
        XElement inline = XElement.Parse(svg.ToElement());
        Assert.DoesNotContain(inline.DescendantsAndSelf(), element => element.Name.LocalName == "style" || element.Attribute("style") is not null);
        Assert.DoesNotContain("NaN\"", svg.ToElement());
        string[] places = ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height"];
        foreach (XAttribute number in inline.Descendants().Attributes().Where(a => places.Contains(a.Name.LocalName)))
            Assert.InRange(double.Parse(number.Value, CultureInfo.InvariantCulture), -1, Math.Max(svg.Width, svg.Height) + 1);
    }

    [Fact]
    public void Numbers_do_not_follow_the_culture()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        string[] invariant = [.. Kinds.Select(kind => Draw((string)kind.Data).ToDocument())];
        try
        {
            CultureInfo other = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            other.NumberFormat.NumberDecimalSeparator = ",";
            other.NumberFormat.PercentDecimalSeparator = ",";
            other.NumberFormat.NegativeSign = "~";
            CultureInfo.CurrentCulture = other;
            Assert.Equal(invariant, Kinds.Select(kind => Draw((string)kind.Data).ToDocument()));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData(0, 1, 5, "0.0 0.2 0.4 0.6 0.8 1.0")]
    [InlineData(0, 30, 6, "0 5 10 15 20 25 30")]
    [InlineData(-1, 1, 4, "\u22121.0 \u22120.5 0.0 0.5 1.0")]
    [InlineData(0, 12000, 4, "0 2k 4k 6k 8k 10k 12k")]
    [InlineData(0.00012, 0.00018, 3, "0.00012 0.00014 0.00016 0.00018")]
    public void Ticks_are_round_numbers(double low, double high, int about, string labels) =>
        Assert.Equal(labels, string.Join(' ', Axis.Linear(low, high, about).Ticks.Select(tick => tick.Label)));

    [Theory]
    [InlineData(0.001, 10, "0.001 0.01 0.1 1 10")]
    [InlineData(0.04, 2.5, "0.05 0.1 0.2 0.5 1 2")]
    public void Log_ticks_are_powers_of_ten(double low, double high, string labels) =>
        Assert.Equal(labels, string.Join(' ', Axis.Log(low, high).Ticks.Select(tick => tick.Label)));

    [Fact]
    public void Gaps_in_the_numbers_are_gaps_in_the_line()
    {
        XElement svg = XElement.Parse(new LineChart("t").Add("a", [1, 2, double.NaN, 4, 5, double.PositiveInfinity, 7]).ToSvg().ToElement());
        Assert.Equal(2, svg.Elements("path").Count());
        Assert.Single(svg.Elements("circle")); // the lone last point
        XElement log = XElement.Parse(new LineChart("t") { LogY = true }.Add("a", [1, 0, 3, 4]).ToSvg().ToElement());
        Assert.Single(log.Elements("path"));
    }

    [Fact]
    public void Long_series_are_thinned_but_keep_their_extremes()
    {
        double[] y = new double[200_000];
        for (int i = 0; i < y.Length; i++) y[i] = Math.Sin(i * 0.37);
        y[123_456] = 50;
        string path = XElement.Parse(new LineChart("t").Add("a", y).ToSvg().ToElement()).Elements("path").Single().Attribute("d")!.Value;
        Assert.True(path.Length < 60_000);
        double[] heights = [.. Regex.Matches(path, @"[ML][\d.]+ ([\d.]+)").Select(m => double.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture)).Order()];
        Assert.True(heights[1] - heights[0] > 100); // the one peak stands alone
    }

    [Fact]
    public void Confusions_are_counted_by_row_and_column()
    {
        ConfusionMatrix matrix = ConfusionMatrix.Of([0, 0, 0, 1, 1, 2], [0, 0, 2, 1, 1, 2], ["a", "b", "c"]);
        Assert.Equal(5 / 6.0, matrix.Accuracy);
        string svg = matrix.ToSvg().ToElement();
        Assert.Contains("a taken for c: 1 of 3 (33.3 %)", svg);
        Assert.Contains("66.7 %", svg);
        Assert.Throws<ArgumentException>(() => ConfusionMatrix.Of([0, 3], [0, 0], ["a", "b", "c"]));
        Assert.Throws<ArgumentException>(() => new ConfusionMatrix(new int[2, 3], ["a", "b"]));
        Assert.Throws<ArgumentException>(() => new ConfusionMatrix(new[,] { { -1 } }, ["a"]));
        Assert.True(double.IsNaN(new ConfusionMatrix(new int[2, 2], ["a", "b"]).Accuracy));
    }

    [Fact]
    public void Probabilities_come_greatest_first()
    {
        Svg svg = BarChart.OfProbabilities("p", [0.1f, 0.7f, 0.1f, 0.1f], ["a", "b", "c", "d"], top: 3, truth: 2).ToSvg();
        Assert.Equal("A bar chart. b: 70.0 %. a: 10.0 %. c (marked): 10.0 %.", svg.Description);
        Assert.Single(XElement.Parse(svg.ToElement()).Elements("rect"), rect => ((string?)rect.Attribute("class")) == "vt-mark");
    }

    [Theory]
    [InlineData("<script>1</script>")]
    [InlineData("<style>*{}</style>")]
    [InlineData("<rect onclick='x()'/>")]
    [InlineData("<image href='https://example.org/x.png'/>")]
    [InlineData("<use href='https://example.org/x.svg#a'/>")]
    [InlineData("<a xlink:href='javascript:x()' xmlns:xlink='http://www.w3.org/1999/xlink'/>")]
    [InlineData("<rect fill='url(https://example.org/a)'/>")]
    [InlineData("<rect style='fill:red'/>")]
    [InlineData("<rect>")]
    [InlineData("</svg><script/>")]
    [InlineData("<!DOCTYPE svg [<!ENTITY a 'b'>]><rect/>")]
    public void Foreign_drawings_are_checked(string content) =>
        Assert.Throws<ArgumentException>(() => Svg.FromContent("t", "d", 10, 10, content));

    [Fact]
    public void A_drawing_is_saved_as_svg()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "a.svg");
        Draw("line").Save(path);
        XDocument.Load(path);
        Assert.Throws<ArgumentException>(() => Draw("line").Save(path + ".png"));
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    private static Svg Draw(string kind)
    {
        double[] y = [.. Enumerable.Range(0, 40).Select(i => Math.Exp(-i / 7.0) + 0.0125)];
        double[] x = [.. Enumerable.Range(0, 40).Select(i => i * 2.5)];
        string[] names = [.. Enumerable.Range(0, 60).Select(i => i == 3 ? Nasty : $"class {i} with a name")];
        int[,] counts = new int[12, 12];
        for (int i = 0; i < 144; i++) counts[i / 12, i % 12] = i % 13 == 0 ? 1234 : i % 7;
        switch (kind)
        {
            case "line":
                LineChart line = new(Nasty) { XLabel = Nasty, YLabel = "loss" };
                return line.Add(Nasty, x, y, [.. y.Select(v => v - 0.1)], [.. y.Select(v => v + 0.1)], markers: true).ToSvg();
            case "log": return new LineChart("log") { LogY = true, LogX = true, YMin = 0.001 }.Add("a", x, y).Add("b", y, dashed: true).ToSvg();
            case "many":
                LineChart many = new("many");
                for (int i = 0; i < 14; i++) many.Add($"series number {i}", [.. y.Select(v => v * i * 1e6)]);
                return many.ToSvg();
            case "empty": return new LineChart("empty").Add("nothing", []).Add("not a number", [double.NaN]).Add("one", [3]).ToSvg();
            case "bars": return BarChart.OfProbabilities(Nasty, [.. names.Select((_, i) => i / 1770f)], names, 60, 3).ToSvg();
            case "signed": return new BarChart("signed").Add(Nasty, -1234.5678).Add("b", 0.00001).Add("c", double.NaN).Add("d", 5e12).ToSvg();
            case "matrix": return new ConfusionMatrix(counts, names[..12]).ToSvg();
            case "large matrix": return new ConfusionMatrix(new int[60, 60], names).ToSvg();
            case "scatter":
                return new ScatterChart(Nasty).Add(Nasty, x, y).Add("strength", [1, double.NaN, 3], [1, 2, 3], [0.1, double.NaN, 7]).Mark(1, 1).Mark(0, double.NaN).ToSvg();
            case "trails": return new ScatterChart("trails").AddTrails([[0, 0, 1, 1, 2, 0], [5, 0, float.NaN, 3, 1, 1]], [0, 1, 1], [Nasty, "b"]).ToSvg();
            default: return Svg.FromContent("own", "one line", 20, 10, "<line x1=\"0\" y1=\"0\" x2=\"20\" y2=\"10\" class=\"vt-axis\"/>");
        }
    }
}
