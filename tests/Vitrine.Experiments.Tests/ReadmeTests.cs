using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Models;
using Vitrine.Render;

namespace Vitrine.Experiments.Tests;

/// <summary>The lines of the README are these, compiled and run.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public void TheFeelOfItIsTrue()
    {
        // begin
        var net = new LeNet5(Weights.Random(seed: 1));
        var digits = Digits.Generate(train: 10_000, test: 2_000, seed: 1);
        var log = new Trainer(net, new Adam(1e-3)).Fit(digits.Train, epochs: 3, validate: digits.Test);
        var image = digits.Test[0].Image;
        var map = new GuidedBackprop().Explain(net, image, Target.Top);
        HeatMap.Of(map).Over(image).Save("why.png");
        // end
        Assert.Equal(3, log.Epochs.Count);
        Assert.True(new FileInfo("why.png").Length > 500);
    }

    [Fact]
    public void TheReadmeShowsTheseLines()
    {
        string root = Root();
        string[] source = File.ReadAllLines(Path.Combine(root, "tests", "Vitrine.Experiments.Tests", "ReadmeTests.cs"));
        int begin = Array.FindIndex(source, l => l.Trim() == "// begin"), end = Array.FindIndex(source, l => l.Trim() == "// end");
        string snippet = string.Join("\n", source[(begin + 1)..end].Select(l => l.Trim()));
        string readme = File.ReadAllText(Path.Combine(root, "README.md")).ReplaceLineEndings("\n");
        Assert.Contains($"```csharp\n{snippet}\n```", readme, StringComparison.Ordinal);
    }

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Vitrine.slnx"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("The tests do not run inside the repository.");
    }
}
