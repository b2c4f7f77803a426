using Vitrine.Data;
using Vitrine.Insight;

namespace Vitrine.Experiments.Tests;

public sealed class AttentionStudyTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // A Transformer of one layer and one head can say the right letter only by looking at it: where it looks is known.
    [Theory]
    [InlineData("copy")]
    [InlineData("reverse")]
    public void Planted_alignments_are_found_by_attention_and_its_head_is_needed(string task)
    {
        AlignedNetwork learned = AlignmentTraining.Transformer(task, steps: 600, layers: 1, heads: 1, cancel: TestContext.Current.CancellationToken);
        SequencePairs pairs = SequencePairs.Generate(task, 100, 77);
        AttentionMap map = Assert.Single(AttentionMap.Of(learned.Network, learned.Inputs(pairs)));
        double share = Alignment.Share(map.Weights, pairs.Origin);
        Assert.True(learned.Accuracy > 0.98, $"accuracy {learned.Accuracy}");
        Assert.True(task == "copy" || share > 0.9, $"share {share}"); // to copy, the residual connection is enough
        if (task == "copy") return;
        (double whole, IReadOnlyList<HeadScore> heads) = HeadImportance.Of(
            learned.Network, learned.Inputs(pairs), o => AlignedNetwork.Right(pairs, o[0]), TestContext.Current.CancellationToken);
        Assert.Equal(whole - 1.0 / 16, heads[0].Loss, 0.1); // without it, a guess among sixteen letters is left
    }

    [Fact]
    public void A_reader_that_takes_tokens_as_they_are_looks_where_they_are()
    {
        AlignedNetwork learned = AlignmentTraining.Reader("reverse", steps: 300, cancel: TestContext.Current.CancellationToken);
        SequencePairs pairs = SequencePairs.Generate("reverse", 100, 78);
        double share = Alignment.Share(AttentionMap.Of(learned.Network, learned.Inputs(pairs)).Single().Weights, pairs.Origin);
        Assert.True(learned.Accuracy > 0.95, $"accuracy {learned.Accuracy}");
        Assert.True(share > 0.85, $"share {share}");
    }

    [Fact]
    public void The_study_writes_its_page_and_is_the_same_again()
    {
        var options = new AttentionOptions { Task = "dates", Steps = 20, Output = _folder.File("attention") };
        AttentionResult once = AttentionStudy.Run(options, cancel: TestContext.Current.CancellationToken);
        AttentionResult again = AttentionStudy.Run(options with { Output = null }, cancel: TestContext.Current.CancellationToken);
        Assert.Equal(again.ToJson(), once.ToJson());
        Assert.Equal(once.ToJson(), File.ReadAllText(Path.Combine(options.Output, "attention.json")));
        string page = File.ReadAllText(Path.Combine(options.Output, "index.html"));
        Assert.Contains("Alignment", page, StringComparison.Ordinal);
        Assert.Single(once.Networks);
        Assert.Throws<ArgumentException>(() => AttentionStudy.Run(new AttentionOptions { Task = "poems" }, cancel: TestContext.Current.CancellationToken));
    }
}
