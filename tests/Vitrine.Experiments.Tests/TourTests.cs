using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Vitrine.Render;

namespace Vitrine.Experiments.Tests;

public sealed partial class TourTests(SmallTour tour) : IClassFixture<SmallTour>
{
    private static readonly HashSet<string> Void = ["meta", "link", "img", "br", "hr"];

    [Fact]
    public void Everything_promised_is_there_and_nothing_else()
    {
        string[] expected =
        [
            "index.html", "lenet5.digits.checkpoint.safetensors", "lenet5.safetensors", "results.json",
            .. new[]
            {
                "accuracy.svg", "answer.svg", "confusion.svg", "data.png", "explanations.png", "features-conv1.png", "features-conv2.png", "features-fc1.png",
                "features-fc2.png", "features-pool1.png", "features-pool2.png", "features-relu1.png", "features-relu2.png", "features-relu3.png",
                "features-relu4.png", "filters.png", "influence.png", "loss.svg", "mistakes.png", "why.png",
            }.Select(p => $"pictures/{p}"),
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), Files());
        foreach (string png in Files().Where(f => f.EndsWith(".png", StringComparison.Ordinal))) Assert.True(Picture.Load(Path.Combine(tour.Folder,
            png)).Width > 0);
    }

    [Fact]
    public void Every_tag_of_the_report_is_closed()
    {
        var open = new Stack<string>();
        foreach (Match match in Tags().Matches(tour.Html))
        {
            string name = match.Groups["name"].Value;
            if (Void.Contains(name) || match.Value.EndsWith("/>", StringComparison.Ordinal)) continue;
            if (match.Value.StartsWith("</", StringComparison.Ordinal)) Assert.Equal(name, open.Pop());
            else open.Push(name);
        }
        Assert.Empty(open);
    }

    [Fact]
    public void Every_picture_says_in_words_what_it_shows()
    {
        MatchCollection pictures = Pictures().Matches(tour.Html);
        Assert.True(pictures.Count > 30);
        Assert.All(pictures, p => Assert.Matches("alt=\"[^\"]{10,}\"", p.Value));
        Assert.Equal(Regex.Count(tour.Html, "<svg"), Regex.Count(tour.Html, "<svg[^>]*role=\"img\"[^>]*><title>[^<]+</title><desc>[^<]+</desc>"));
    }

    [Fact]
    public void The_report_loads_nothing_and_names_no_machine()
    {
        Assert.DoesNotMatch("(src|href|url\\()=?\\s*[\"']?(https?:)?//", tour.Html);
        Assert.DoesNotContain("<script", tour.Html);
        Assert.DoesNotContain(tour.Folder, tour.Html);
        Assert.Contains("vitrine tour --data digits --seed 3 --epochs 2 --examples 1500", tour.Html);
    }

    [Fact]
    public void Results_are_those_returned()
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(tour.Folder, Tour.ResultsName)));
        JsonElement root = json.RootElement;
        Assert.Equal(tour.Result.TestAccuracy, root.GetProperty("test_accuracy").GetDouble());
        Assert.Equal(tour.Result.Report, root.GetProperty("report").GetString());
        Assert.InRange(root.GetProperty("seconds").GetDouble(), root.GetProperty("train_seconds").GetDouble(), 300);
        Assert.Equal("digits", root.GetProperty("data").GetString());
        Assert.Equal(1_500, root.GetProperty("train_examples").GetInt32());
        Assert.Equal(300, root.GetProperty("test_examples").GetInt32());
        Assert.Equal(61_706, root.GetProperty("parameters").GetInt32());
        Assert.Equal(10, root.GetProperty("per_class_accuracy").EnumerateObject().Count());
        Assert.Equal(2, root.GetProperty("epochs").GetArrayLength());
        // Equally many of each class: the mean over classes is the accuracy.
        Assert.Equal(tour.Result.TestAccuracy, tour.Result.PerClassAccuracy.Values.Average(), 4);
        Assert.Contains($"{(100 * tour.Result.TestAccuracy).ToString("0.00", CultureInfo.InvariantCulture)}\u00A0%", tour.Html);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes_and_another_seed_does_not()
    {
        using var folder = new TempFolder();
        TourResult again = Tour.Run(SmallTour.Options with { Output = folder.File("again") }, cancel: TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(tour.Result.Weights), File.ReadAllBytes(again.Weights));
        foreach (string picture in Files().Where(f => f.EndsWith(".png", StringComparison.Ordinal)))
            Assert.Equal(File.ReadAllBytes(Path.Combine(tour.Folder, picture)), File.ReadAllBytes(Path.Combine(folder.File("again"), picture)));
        TourResult other = Tour.Run(SmallTour.Options with { Output = folder.File("other"), Seed = 4, Epochs = 1 },
            cancel: TestContext.Current.CancellationToken);
        Assert.NotEqual(File.ReadAllBytes(tour.Result.Weights), File.ReadAllBytes(other.Weights));
    }

    [Fact]
    public void A_network_that_has_learned_nothing_still_gets_a_report()
    {
        using var folder = new TempFolder();
        TourResult result = Tour.Run(new TourOptions { Examples = 1, Epochs = 1, Output = folder.Path }, cancel: TestContext.Current.CancellationToken);
        Assert.True(File.Exists(result.Report));
    }

    private IEnumerable<string> Files() => Directory.EnumerateFiles(tour.Folder, "*", SearchOption.AllDirectories)
        .Select(f => Path.GetRelativePath(tour.Folder, f).Replace('\\', '/')).Order(StringComparer.Ordinal);

    [GeneratedRegex("</?(?<name>[a-zA-Z][a-zA-Z0-9]*)(\\s[^<>]*)?/?>")]
    private static partial Regex Tags();

    [GeneratedRegex("<img[^>]*>")]
    private static partial Regex Pictures();
}
