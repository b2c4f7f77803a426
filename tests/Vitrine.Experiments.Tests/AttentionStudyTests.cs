using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Onnx;

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
    public void The_heads_of_a_trained_Transformer_are_the_same_in_its_file()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        AlignedNetwork learned = AlignmentTraining.Transformer("reverse", steps: 30, cancel: cancel);
        SequencePairs pairs = SequencePairs.Generate("reverse", 5, 79);
        string file = _folder.File("reverser.onnx");
        OnnxExport.Save(learned.Network, learned.Inputs(SequencePairs.Generate("reverse", 3, 80))[0], file);
        Module opened = OpenedNetwork.Open(file).Module;
        IReadOnlyList<AttentionMap> own = AttentionMap.Of(learned.Network, learned.Inputs(pairs)), read = AttentionMap.Of(opened, learned.Inputs(pairs));
        Assert.Equal(2, own.Count);
        Assert.Equal(own.Select(m => m.Weights.Shape), read.Select(m => m.Weights.Shape));
        for (int layer = 0; layer < own.Count; layer++)
        {
            Assert.Equal(4, read[layer].Heads);
            Assert.Equal(own[layer].Weights.ToArray(), read[layer].Weights.ToArray(), (a, b) => Math.Abs(a - b) < 1e-5);
        }
        // What each head is worth is the same as well: the ablation finds the same weights.
        (_, IReadOnlyList<HeadScore> native) = HeadImportance.Of(learned.Network, learned.Inputs(pairs), o => o[0].Floats[3], cancel);
        (_, IReadOnlyList<HeadScore> imported) = HeadImportance.Of(opened, learned.Inputs(pairs), o => o[0].Floats[3], cancel);
        Assert.Equal(8, imported.Count);
        for (int head = 0; head < 8; head++) Assert.Equal(native[head].Loss, imported[head].Loss, 1e-4);

        // And the command's study shows them, from a text of tokens.
        string text = _folder.File("text.txt"), words = _folder.File("words.txt");
        File.WriteAllText(words, string.Join('\n', pairs.SourceCharacters.Select(c => $"{c}")));
        File.WriteAllText(text, string.Join(' ', SequencePairs.Text(pairs.SourceCharacters, pairs.Source.Longs[..10]).Select(c => $"{c}")));
        AttentionResult shown = AttentionStudy.Run(new AttentionOptions { Model = file, Input = text, Vocabulary = words }, cancel: cancel);
        Assert.All(shown.Networks.Single().Layers, l => Assert.Equal((10, 10, 4), (l.Queries, l.Keys, l.Entropy.Count)));
    }

    [Fact]
    public void Places_of_a_picture_are_told_by_its_proportions()
    {
        Assert.Equal((8, 8, 0), LitPicture.Grid(64, 64, 64));
        Assert.Equal((14, 14, 1), LitPicture.Grid(197, 224, 224));
        Assert.Equal((6, 9, 0), LitPicture.Grid(54, 200, 300));
        Assert.Equal((5, 10, 0), LitPicture.Grid(50, 64, 128));
        Assert.Null(LitPicture.Grid(63, 64, 64));
    }

    [Fact]
    public void A_lit_picture_is_as_bright_as_it_was_where_all_the_weight_lies()
    {
        float[,,] picture = new float[3, 16, 16];
        foreach (int c in new[] { 0, 1, 2 }) for (int i = 0; i < 256; i++) picture[c, i / 16, i % 16] = 0.8f;
        var lit = LitPicture.Of(picture, [1, 0, 0, 0], 2, 2);
        Assert.Equal((byte)204, lit[0, 0].R);
        Assert.InRange(lit[lit.Width - 1, lit.Height - 1].R, 55, 67); // a good quarter
        Assert.Equal(128, lit.Width);
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
