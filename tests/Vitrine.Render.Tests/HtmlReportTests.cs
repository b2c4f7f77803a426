using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Vitrine.Render.Tests;

public class HtmlReportTests
{
    private const string Nasty = "<script>alert('1')</script> & \"quotes\" \u0001";

    [Fact]
    public void Every_picture_has_an_alternative_text()
    {
        string html = Sample().ToHtml();
        MatchCollection pictures = Regex.Matches(html, "<img [^>]*>");
        Assert.Equal(6, pictures.Count);
        Assert.All(pictures, picture => Assert.Matches("alt=\"[^\"]+\"", picture.Value));
        Assert.Throws<ArgumentException>(() => Figure.Of(Picture.Filled(1, 1, Rgb.White), " "));
        Assert.Throws<ArgumentException>(() => new HtmlReport("t").Section("s").Figure(Picture.Filled(1, 1, Rgb.White), ""));
    }

    [Fact]
    public void Nothing_is_loaded_and_nothing_runs()
    {
        string html = Sample().ToHtml();
        foreach (Match address in Regex.Matches(html, "(src|href|action|srcset|poster|data)=\"([^\"]*)\""))
            Assert.True(address.Groups[2].Value.StartsWith("data:", StringComparison.Ordinal) || address.Groups[2].Value.StartsWith('#')
                || address.Groups[2].Value == "https://example.org/?a=1&amp;b=2", address.Value);
        Assert.DoesNotContain("<script", html);
        Assert.DoesNotContain("url(", html);
        Assert.DoesNotContain("@import", html);
        Assert.DoesNotContain(" style=", html);
        Assert.DoesNotMatch(" on[a-z]+=", Regex.Replace(html, "data:[^\"]*", ""));
    }

    [Fact]
    public void The_policy_admits_exactly_the_style_of_the_page()
    {
        string html = Sample().ToHtml();
        string style = Regex.Match(html, "(?s)<style>(.*?)</style>").Groups[1].Value;
        Assert.Single(Regex.Matches(html, "<style"));
        string policy = Regex.Match(html, "Content-Security-Policy\" content=\"([^\"]*)\"").Groups[1].Value;
        Assert.Contains("default-src 'none'", policy);
        Assert.Contains($"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(style)))}'", policy);
        Assert.DoesNotContain("unsafe", policy);
        Assert.DoesNotContain('\r', style);
    }

    [Fact]
    public void Everything_is_escaped_and_every_element_closed()
    {
        XElement root = Parse(Sample().ToHtml());
        Assert.DoesNotContain(root.Descendants(), element => element.Name.LocalName == "script");
        string clean = Nasty.Replace('\u0001', '\uFFFD');
        Assert.Equal(clean, root.Element("head")!.Element("title")!.Value);
        Assert.Equal(clean, root.Descendants("h1").Single().Value);
        foreach (string name in (string[])["h2", "h3", "p", "li", "dt", "dd", "figcaption", "summary", "th", "td", "caption", "pre", "a"])
            Assert.Contains(root.Descendants(name), element => element.Value == clean);
        Assert.Contains(root.Descendants("img"), image => (string?)image.Attribute("alt") == clean);
    }

    [Fact]
    public void The_table_of_contents_leads_to_every_section()
    {
        HtmlReport report = new("t");
        foreach (string heading in (string[])["One", "One", "\u4E2D\u6587", "!?", "Main"]) report.Section(heading).Text("x");
        XElement root = Parse(report.ToHtml());
        string[] ids = [.. root.Descendants().Select(element => (string?)element.Attribute("id")).OfType<string>()];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        string[] targets = [.. root.Descendants("nav").Single().Descendants("a").Select(a => ((string?)a.Attribute("href"))![1..])];
        Assert.Equal(5, targets.Length);
        Assert.All(targets, target => Assert.Contains(target, ids));
    }

    [Fact]
    public void Backticks_set_code()
    {
        Assert.Equal("a <code>b&lt;c</code> d", ReportSection.Inline("a `b<c` d"));
        Assert.Equal("a `b", ReportSection.Inline("a `b"));
        Assert.Equal("<code>a</code> b `c", ReportSection.Inline("`a` b `c"));
    }

    [Fact]
    public void Columns_of_numbers_are_flush_right()
    {
        HtmlReport report = new("t");
        report.Section("s").Table(["name", "value", "time"], [["a1", "0.5", "3.1 ms"], ["b", "\u2013", "12 s"]]);
        XElement[] heads = [.. Parse(report.ToHtml()).Descendants("th")];
        Assert.Equal([null, "number", "number"], heads.Select(head => (string?)head.Attribute("class")));
        Assert.Throws<ArgumentException>(() => report.Section("s").Table(["a"], [["1", "2"]]));
    }

    [Fact]
    public void Tiny_pictures_are_enlarged_and_match_their_row()
    {
        HtmlReport report = new("t");
        report.Section("s").Row(
            Figure.Of(Picture.Filled(28, 28, Rgb.White), "small"),
            Figure.Of(HeatMap.Of(new float[28, 28]), "heat map"),
            Figure.Of(Picture.Filled(28, 14, Rgb.White), "as wished", width: 56));
        XElement[] images = [.. Parse(report.ToHtml()).Descendants("img")];
        Assert.Equal(["280", "280", "56"], images.Select(image => (string?)image.Attribute("width")));
        Assert.Equal(["280", "280", "28"], images.Select(image => (string?)image.Attribute("height")));
        Assert.Equal(["sharp", null, "sharp"], images.Select(image => (string?)image.Attribute("class")));
    }

    [Theory]
    [InlineData("javascript:alert(1)")]
    [InlineData("data:text/html,x")]
    [InlineData("../page.html")]
    [InlineData("folder/page.html")]
    [InlineData("page.htm")]
    public void Links_lead_to_the_web_or_to_a_page_beside_this_one_only(string address) =>
        Assert.Throws<ArgumentException>(() => new HtmlReport("t").Section("s").Links(("x", address)));

    [Fact]
    public void A_page_beside_this_one_is_linked_by_its_name()
    {
        var page = new HtmlReport("t");
        page.Section("s").Links(("x", "cat-1.html"));
        Assert.Contains("href=\"cat-1.html\"", page.ToHtml(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_is_saved_whole_and_is_the_same_twice()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        string path = Path.Combine(folder, "report.html");
        Sample().Save(path);
        byte[] first = File.ReadAllBytes(path);
        Sample().Save(path);
        Assert.Equal(first, File.ReadAllBytes(path));
        Assert.Single(Directory.GetFileSystemEntries(folder));
        Assert.Throws<ArgumentException>(() => Sample().Save(path + ".txt"));
        Directory.Delete(folder, recursive: true);
    }

    private static HtmlReport Sample()
    {
        HtmlReport report = new(Nasty) { Kicker = Nasty, Lead = Nasty, Footer = Nasty };
        report.Facts((Nasty, Nasty));
        Picture picture = Picture.FromGrey(new float[8, 8]);
        report.Section(Nasty).Text(Nasty).Heading(Nasty).Note(Nasty).List(Nasty, Nasty).Code(Nasty).Facts((Nasty, Nasty))
            .Figure(picture, Nasty, Nasty)
            .Row(Enumerable.Range(0, 4).Select(_ => Figure.Of(picture, Nasty, Nasty)))
            .Table([Nasty, "b"], [[Nasty, "1"]], Nasty)
            .Links((Nasty, "https://example.org/?a=1&b=2"))
            .Details(Nasty, inside => inside.Text(Nasty).Figure(picture, Nasty), open: true);
        report.Section("Charts").Figure(new LineChart(Nasty).Add(Nasty, [1, 2]).ToSvg(), Nasty)
            .Row(Figure.Of(new BarChart(Nasty).Add(Nasty, 1).ToSvg(), Nasty));
        return report;
    }

    // The page is written so that closing the void elements makes it XML: a strict check that nothing is left open.
    private static XElement Parse(string html)
    {
        string xml = html.Replace("<!doctype html>", "", StringComparison.Ordinal).Replace("<details open>", "<details open=\"\">", StringComparison.Ordinal);
        xml = Regex.Replace(xml, "<(meta|link|img)( [^>]*)>", "<$1$2/>");
        return XDocument.Parse(xml, LoadOptions.PreserveWhitespace).Root!;
    }
}
