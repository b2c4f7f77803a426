using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Models;

namespace Vitrine.Experiments.Tests;

public sealed class CaptionStudyTests : IDisposable
{
    private const int Places = 64, Length = CaptionedScenes.Length, Side = CaptionedScenes.Size;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_study_writes_its_page_is_the_same_again_and_its_file_is_looked_into()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        string folder = _folder.File("captions");
        var options = new CaptionOptions { Steps = 3, Scenes = 4, Shown = 2, Output = folder };
        var stages = new List<string>();
        CaptionResult once = CaptionStudy.Run(options, stages.Add, cancel), again = CaptionStudy.Run(options with { Output = null }, cancel: cancel);
        Assert.Equal(again.ToJson(), once.ToJson());
        Assert.Equal(once.ToJson(), File.ReadAllText(Path.Combine(folder, "captions.json")));
        Assert.Contains("What it writes, and where it looks", File.ReadAllText(Path.Combine(folder, "index.html")), StringComparison.Ordinal);
        Assert.Contains(stages, s => s.Contains("3 of 3 steps", StringComparison.Ordinal));
        Assert.Equal(4, once.Looks.Count);
        Assert.Equal(once.All.Named, once.Looks.Average(l => l.Named), 1e-12);

        // The weights are the network: it writes the same again.
        ShowAttendTell loaded = CaptionTraining.Train(seed: 9, steps: 0, cancel: cancel);
        loaded.Load(SafeTensors.Load(Path.Combine(folder, "captioner.safetensors")));
        Tensor picture = OpenedNetwork.Open(Path.Combine(folder, "captioner.onnx"), Path.Combine(folder, "preprocess.json"))
            .Read(Path.Combine(folder, "scene.png")).Input;
        Assert.Equal(CaptionedScenes.Generate(4, new RandomSource(1).Derive("measured")).Pictures.Slice(0, 0, 1).ToArray(), picture.ToArray());

        // The command's other half finds the attention in the file, over the words that it writes.
        var look = new AttentionOptions
        {
            Model = Path.Combine(folder, "captioner.onnx"),
            Input = Path.Combine(folder, "scene.png"),
            Preprocess = Path.Combine(folder, "preprocess.json"),
            Vocabulary = Path.Combine(folder, "words.txt"),
            Output = _folder.File("look"),
        };
        AttentionNetwork found = Assert.Single(AttentionStudy.Run(look, cancel: cancel).Networks);
        Assert.Equal(loaded.Looks(Length).Select(scope => $"/{scope}/Softmax"), found.Layers.Select(l => l.Scope));
        Assert.All(found.Layers, l => Assert.Equal((1, Places), (l.Queries, l.Keys)));
        AttentionMap native = AttentionMap.OverSteps(AttentionMap.Of(loaded, picture)).Single();
        AttentionMap file = AttentionMap.OverSteps(AttentionMap.Of(OpenedNetwork.Open(look.Model, look.Preprocess).Module, picture)).Single();
        Assert.Equal(native.Weights.ToArray(), file.Weights.ToArray(), (a, b) => Math.Abs(a - b) < 1e-5);
        string page = File.ReadAllText(Path.Combine(look.Output, "index.html"));
        Assert.Contains("lit where weight lies", page, StringComparison.Ordinal);
        string said = CaptionedScenes.Words[(int)loaded.Predict(picture).ArgMax(2).Longs[0]].Replace("<", "&lt;").Replace(">", "&gt;");
        Assert.Contains($"lit where weight lies: {said}", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Measures_are_those_of_pixels()
    {
        const int n = 6;
        CaptionedScenes scenes = CaptionedScenes.Generate(n, 5);
        var random = new RandomSource(6);
        Tensor weights = random.Normal([n, Length, Places]).Softmax(), untrained = Tensor.Full([n, Length, Places], 1f / Places);
        ReceptiveField[] fields = CaptionStudy.Fields(CaptionTraining.Train(steps: 0, cancel: TestContext.Current.CancellationToken));
        (CaptionLook all, CaptionLook[] looks) = CaptionStudy.Measure(scenes, weights, untrained, 8, fields);
        double named = 0, other = 0, even = 0, seeing = 0, elsewhere = 0;
        for (int i = 0; i < n; i++)
            for (int t = 0; t < Length; t++)
            {
                int about = (int)scenes.About.Longs[(i * Length) + t];
                if (about == 0) continue;
                bool[] seen = new bool[Places];
                for (int y = 0; y < Side; y++)
                    for (int x = 0; x < Side; x++)
                    {
                        double here = weights[i, t, (y / 8 * 8) + (x / 8)] / 64.0;
                        if (Mask((i + 1) % n, about - 1, y, x)) elsewhere += here;
                        if (Mask(i, 2 - about, y, x)) other += here;
                        if (!Mask(i, about - 1, y, x)) continue;
                        named += here;
                        even += 1.0 / (Side * Side);
                        for (int p = 0; p < Places; p++)
                            seen[p] |= y >= fields[p].Start[^2] && y < fields[p].End[^2] && x >= fields[p].Start[^1] && x < fields[p].End[^1];
                    }
                for (int p = 0; p < Places; p++) if (seen[p]) seeing += weights[i, t, p];
            }
        Assert.Equal(named / (4 * n), all.Named, 1e-6);
        Assert.Equal(other / (4 * n), all.Other, 1e-6);
        Assert.Equal(even / (4 * n), all.Even, 1e-6);
        Assert.Equal(elsewhere / (4 * n), all.Elsewhere, 1e-6);
        Assert.Equal(seeing / (4 * n), all.Seeing, 1e-5);
        Assert.Equal(all.Even, all.Untrained, 1e-6);
        Assert.All(looks, l => Assert.True(l.Most >= l.Named && l.Seeing >= l.Named));

        bool Mask(int scene, int thing, int y, int x) => scenes.Masks.Bools[((((scene * 2) + thing) * Side) + y) * Side + x];
    }

    [Fact]
    public void A_place_sees_the_picture_around_the_middle_of_its_square()
    {
        ReceptiveField[] fields = CaptionStudy.Fields(CaptionTraining.Train(steps: 0, cancel: TestContext.Current.CancellationToken));
        ReceptiveField middle = fields[(4 * 8) + 3];
        Assert.Equal(middle.Extent(1), middle.Extent(2));
        Assert.Equal(2 * ((4 * 8) + 4), middle.Start[1] + middle.End[1]);
        Assert.Equal(2 * ((3 * 8) + 4), middle.Start[2] + middle.End[2]);
    }

    [Fact]
    public void Scores_count_words_and_ends_where_they_should_be()
    {
        CaptionedScenes scenes = CaptionedScenes.Generate(3, 8);
        long[][] truth = [.. Enumerable.Range(0, 3).Select(i => scenes.Captions.Longs.Slice(i * Length, Length).ToArray())];
        Assert.Equal((1, 1), CaptionStudy.Score(scenes, truth));
        int words = truth.Sum(row => Array.IndexOf(row, (long)CaptionedScenes.End) + 1);
        truth[1][0] = 5;
        (double captions, double right) = CaptionStudy.Score(scenes, truth);
        Assert.Equal((2 / 3.0, (words - 1) / (double)words), (captions, right));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.1f)]
    public void A_few_steps_teach_it_the_order_of_words(float spread)
    {
        var losses = new List<double>();
        CaptionTraining.Train(2, 40, spread, (_, loss) => losses.Add(loss), TestContext.Current.CancellationToken);
        Assert.True(losses[^1] < 2, $"{losses[^1]}"); // guessing among 14 words costs 2.6
    }

    [Fact]
    public void What_is_called_off_leaves_nothing_behind()
    {
        string folder = _folder.File("off");
        Assert.Throws<OperationCanceledException>(() => CaptionStudy.Run(new CaptionOptions { Output = folder }, cancel: new CancellationToken(true)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
        Assert.Throws<ArgumentOutOfRangeException>(() => CaptionStudy.Run(new CaptionOptions { Steps = 0 }, cancel: CancellationToken.None));
        Assert.Throws<ArgumentOutOfRangeException>(() => CaptionTraining.Train(spread: -1, cancel: CancellationToken.None));
    }
}
