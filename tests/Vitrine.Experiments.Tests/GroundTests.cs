using System.Text.Json;

namespace Vitrine.Experiments.Tests;

/// <summary>Explanations are measured against answers that were planted.</summary>
public sealed class GroundTests
{
    [Fact]
    public void BothTetrominoesAreFoundThoughNeitherAloneSaysAnything()
    {
        GroundResult result = GroundTruth.Run(new GroundOptions { Tasks = ["tetrominoes"], Methods = ["integrated gradients", "occlusion", "gradient"] });
        Assert.All(result.Tasks, t =>
        {
            Assert.Null(t.Declined);
            Assert.True(t.Scores["auc"] > 0.9, $"{t.Method}: {t.Scores["auc"]}");
            Assert.InRange(t.Random["auc"], 0.4, 0.6);
        });
    }

    [Fact]
    public void ShapleyValuesOfATableAreThoseOfItsFormula()
    {
        GroundResult result = GroundTruth.Run(new GroundOptions { Tasks = ["table"], Methods = ["shapley values", "kernel shap", "gradient"] });
        // What is left is the network's own error.
        Assert.All(result.Tasks.Take(2), t => Assert.True(t.Scores["error"] < 0.05 && t.Scores["correlation"] > 0.99, $"{t.Method}: {t.Scores["error"]}"));
        Assert.True(result.Tasks[2].Scores["error"] > 0.5, "A gradient is no Shapley value.");
    }

    [Fact]
    public void TokensAndWindowsAreFound()
    {
        GroundResult result = GroundTruth.Run(new GroundOptions { Tasks = ["tokens", "windows"], Methods = ["integrated gradients", "grad-cam"] });
        Assert.All(result.Tasks.Where(t => t.Method == "integrated gradients"),
            t => Assert.True(t.Scores["auc"] > t.Edges["auc"] && t.Scores["auc"] > 0.9, $"{t.Task}"));
        Assert.All(result.Tasks.Where(t => t.Method == "grad-cam"), t => Assert.Equal("needs a picture", t.Declined));
    }

    [Fact]
    public void ANetworkThatLooksAtTheSnowIsFoundOut()
    {
        GroundTask task = GroundTasks.Train("snow", examples: 12);
        Assert.Contains("100.0 %", task.Quality, StringComparison.Ordinal);
        GroundResult result = GroundTruth.Run(new GroundOptions { Tasks = ["snow"], Methods = ["lime", "kernel shap", "occlusion"], Examples = 12 });
        Assert.All(result.Tasks, t => Assert.True(
            t.Scores["auc"] > t.Edges["auc"] && t.Scores["auc"] > t.Random["auc"] + (3 * t.RandomSpread["auc"]),
                $"{t.Method}: {t.Scores["auc"]} beside {t.Edges["auc"]}"));
    }

    [Fact]
    public void TheSameSeedGivesTheSameScores()
    {
        var options = new GroundOptions { Tasks = ["tokens"], Methods = ["lime", "input x gradient"], Examples = 4 };
        Assert.Equal(Scores(options), Scores(options));
        Assert.NotEqual(Scores(options), Scores(options with { Seed = 2 }));

        static string Scores(GroundOptions options) =>
            string.Join(";", GroundTruth.Run(options).Tasks.SelectMany(t => t.Scores.Values.Concat(t.Random.Values)));
    }

    [Fact]
    public void TheResultIsWhatScriptsExpect()
    {
        using var folder = new TempFolder();
        GroundResult result = GroundTruth.Run(new GroundOptions { Tasks = ["tetrominoes"], Methods = ["gradient"], Examples = 2, Output = folder.Path });
        using var json = JsonDocument.Parse(result.ToJson());
        JsonElement entry = json.RootElement.GetProperty("tasks")[0];
        Assert.Equal("tetrominoes", entry.GetProperty("task").GetString());
        Assert.Equal("gradient", entry.GetProperty("method").GetString());
        foreach (string part in new[] { "scores", "random", "edges" }) Assert.Equal(JsonValueKind.Number, entry.GetProperty(part).GetProperty("auc").ValueKind);
        Assert.True(File.Exists(Path.Combine(folder.Path, "index.html")) && File.Exists(Path.Combine(folder.Path, "results.json")));
    }

    [Fact]
    public void UnknownNamesAreRefused()
    {
        Assert.Contains("tetrominoes", Assert.Throws<ArgumentException>(() => GroundTruth.Run(new GroundOptions { Tasks = ["nothing"] })).Message,
            StringComparison.Ordinal);
        Assert.Contains("occlusion", Assert.Throws<ArgumentException>(() => GroundTruth.Run(new GroundOptions { Methods = ["nothing"] })).Message,
            StringComparison.Ordinal);
    }
}
