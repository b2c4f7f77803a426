using Vitrine.Data;

namespace Vitrine.Experiments.Tests;

/// <summary>Labels and lists of pictures.</summary>
public sealed class PredictorTests
{
    [Theory]
    [InlineData("cat\ndog\n")]
    [InlineData("cat\r\ndog")]
    [InlineData("""["cat", "dog"]""")]
    [InlineData("""{"1": "dog", "0": "cat"}""")]
    [InlineData("""{"0": ["n01", "cat"], "1": ["n02", "dog"]}""")]
    public void Labels_are_read_as_lines_or_JSON(string text) => Assert.Equal(["cat", "dog"], Load(text));

    [Theory]
    [InlineData("", "empty")]
    [InlineData("cat\n\ndog\n", "Line 2")]
    [InlineData("[1, 2]", "no labels")]
    [InlineData("""{"0": "cat", "2": "dog"}""", "no labels")]
    [InlineData("""{"0": "cat" """, "JSON")]
    public void What_is_no_list_of_labels_is_refused(string text, string said) => Assert.Contains(said, Assert.Throws<DataException>(() => Load(text)).Message);

    [Fact]
    public void Folders_and_patterns_become_files_in_order()
    {
        using TempFolder folder = new();
        foreach (string name in (string[])["b.jpg", "a.PNG", "notes.txt", "deep/er/c.bmp", "deep/d.jpeg"])
        {
            string path = Path.Combine(folder.Path, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, "");
        }
        Assert.Equal(["a.PNG", "b.jpg", "deep/d.jpeg", "deep/er/c.bmp"], Find(""));
        Assert.Equal(["b.jpg"], Find("*.jp*g"));
        Assert.Equal(["b.jpg", "deep/d.jpeg"], Find("**/*.jp*g"));
        Assert.Equal(["deep/d.jpeg"], Find("d?ep/*"));
        Assert.Equal(["nothing.png"], Find("nothing.png"));
        Assert.Empty(PictureFiles.Find([Path.Combine(folder.Path, "*.gif")], out IReadOnlyList<(string Argument, string Error)> empty));
        Assert.Contains("Nothing matches", Assert.Single(empty).Error);

        IEnumerable<string> Find(string argument) => PictureFiles.Find([Path.Combine(folder.Path, argument)], out _)
            .Select(f => Path.GetRelativePath(folder.Path, f).Replace('\\', '/'));
    }

    private static IReadOnlyList<string> Load(string text)
    {
        using TempFolder folder = new();
        string path = Path.Combine(folder.Path, "labels");
        File.WriteAllText(path, text);
        return Labels.Load(path);
    }
}
