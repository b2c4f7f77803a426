using Vitrine.Models;

namespace Vitrine.Experiments.Tests;

public sealed class TransferTests : IDisposable
{
    private const int Side = 16;
    private readonly TempFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_class_is_in_one_half_and_halves_differ_by_seed()
    {
        var seen = new HashSet<string>();
        foreach (int classes in new[] { 4, 7, 10 })
        {
            for (ulong seed = 1; seed <= 20; seed++)
            {
                (int[] a, int[] b) = TransferHalves.Divide(classes, seed);
                Assert.Equal(Enumerable.Range(0, classes), a.Concat(b).Order());
                Assert.InRange(a.Length - b.Length, 0, 1);
                seen.Add($"{classes}: {string.Join(' ', a)}");
            }
        }
        Assert.True(seen.Count > 30, $"only {seen.Count} divisions");
    }

    [Fact]
    public void What_is_judged_by_is_never_learned_from()
    {
        // The picture of an example is its number, so that examples can be told apart.
        const int each = 12, classes = 4;
        Dataset Numbered(int from) => new(
            Tensor.From([.. Enumerable.Range(from, each * classes).SelectMany(i => Enumerable.Repeat((float)i, 64))], [each * classes, 1, 8, 8]),
            Tensor.From([.. Enumerable.Range(0, each * classes).Select(i => (long)(i % classes))], [each * classes]), ["a", "b", "c", "d"]);
        var halves = new TransferHalves(new DataSplit(Numbered(0), Numbered(1_000)));
        TransferHalf few = halves.Half([1, 3], seed: 5, perClass: 3, most: 8, judged: 14),
            many = halves.Half([1, 3], seed: 5, perClass: 8, most: 8, judged: 14);
        Assert.Equal(6, few.Train.Count);
        Assert.Equal(16, many.Train.Count);
        Assert.Equal(28, many.Judge.Count);
        Assert.Equal(["b", "d"], many.Train.Classes);
        Assert.Empty(Values(many.Train).Intersect(Values(many.Judge)));
        // Fewer to learn from are some of those, and what is judged by stays.
        Assert.Subset(Values(many.Train).ToHashSet(), Values(few.Train).ToHashSet());
        Assert.Equal(many.Judge.Inputs.ToArray(), few.Judge.Inputs.ToArray());

        static float[] Values(Dataset data) => [.. Enumerable.Range(0, data.Count).Select(i => data.Inputs.Floats[i * 64])];
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(7)]
    public void Training_behind_layers_that_were_run_once_equals_training_with_them_frozen(int layers)
    {
        (TransferNetworks networks, Dataset data) = Small();
        Dictionary<string, Tensor> first = SmallAlexNet.Draw(1, 1, Side, 3), state = networks.Joined(first, layers, seed: 2, classes: 3);
        (SmallAlexNet whole, double accuracy) = networks.Train(state, data, 20, seed: 3, frozen: layers, Cancel);
        Dataset features = networks.Features(state, data, layers, Cancel);
        (SmallAlexNet behind, double same) = networks.TrainBehind(state, features, 20, seed: 3, layers, Cancel);
        Assert.Equal(accuracy, same);
        foreach (Parameter parameter in whole.Parameters)
        {
            if (SmallAlexNet.LayerOf(parameter.Name) <= layers) Assert.Equal(first[parameter.Name].ToArray(), parameter.Value.ToArray());
            else Assert.Equal(parameter.Value.ToArray(), behind.Parameters.Single(p => p.Name == parameter.Name).Value.ToArray());
        }
        Assert.Equal(Evaluation.Of(whole, data, cancel: Cancel).Predicted, Evaluation.Of(behind, features, cancel: Cancel).Predicted);
    }

    [Fact]
    public void Taking_over_nothing_is_the_base_and_taking_over_everything_too()
    {
        (TransferNetworks networks, Dataset data) = Small();
        Dictionary<string, Tensor> fresh = SmallAlexNet.Draw(4, 1, Side, 3);
        (SmallAlexNet trained, _) = networks.Train(fresh, data, 20, seed: 5, frozen: 0, Cancel);
        // B0B: the base, trained again from the seed's weights.
        (SmallAlexNet again, _) = networks.Train(networks.Joined(trained.State(), 0, seed: 4, classes: 3), data, 20, seed: 5, frozen: 0, Cancel);
        Assert.Equal(trained.Parameters.Select(p => p.Value.ToArray()), again.Parameters.Select(p => p.Value.ToArray()));
        // B8B: all layers of base B, none left to train.
        Dictionary<string, Tensor> all = networks.Joined(trained.State(), SmallAlexNet.Depth, seed: 9, classes: 3);
        Dataset answers = networks.Features(all, data, SmallAlexNet.Depth, Cancel);
        Assert.Equal(trained.Predict(data.Inputs).ToArray(), answers.Inputs.ToArray());
    }

    [Fact]
    public void Networks_from_one_layer_share_the_draw_of_the_rest()
    {
        (TransferNetworks networks, _) = Small();
        Dictionary<string, Tensor> a = networks.Joined(SmallAlexNet.Draw(1, 1, Side, 3), 4, seed: 7, 3),
            b = networks.Joined(SmallAlexNet.Draw(2, 1, Side, 3), 4, seed: 7, 3);
        foreach (string name in a.Keys.Where(n => n.EndsWith("weight", StringComparison.Ordinal)))
        {
            if (SmallAlexNet.LayerOf(name) > 4) Assert.Equal(a[name].ToArray(), b[name].ToArray());
            else Assert.NotEqual(a[name].ToArray(), b[name].ToArray());
        }
    }

    [Fact]
    public void A_resumed_experiment_repeats_nothing_and_ends_with_the_same_bytes()
    {
        TransferOptions options = Tiny(_folder.File("whole"));
        TransferResult whole = TransferExperiment.Run(options, cancel: Cancel);
        Assert.Equal(2 * (3 + (7 * 5) + 3), whole.Points.Sum(p => p.Accuracies.Count));

        TransferOptions parts = options with { Output = _folder.File("parts") };
        using var stop = new CancellationTokenSource();
        var trained = new List<string>();
        Assert.Throws<TrainingCancelledException>(() => TransferExperiment.Run(parts, p =>
        {
            trained.Add(p.Job);
            if (trained.Count == 20) stop.Cancel();
        }, stop.Token));
        Assert.False(File.Exists(Path.Combine(parts.Output, "results.json")));
        Assert.Contains("--resume", Assert.Throws<IOException>(() => TransferExperiment.Run(parts, cancel: Cancel)).Message);
        Assert.Contains("other settings", Assert.Throws<IOException>(() => TransferExperiment.Run(parts with { Epochs = 3, Resume = true }, cancel: Cancel))
            .Message);

        int kept = Directory.GetFiles(Path.Combine(parts.Output, "jobs"), "*.json").Length;
        Assert.InRange(kept, 19, 20); // the last one was stopped, or had just ended
        trained.RemoveRange(kept, trained.Count - kept);
        TransferExperiment.Run(parts with { Resume = true }, p => trained.Add(p.Job), Cancel);
        Assert.Equal(trained.Distinct(), trained);
        Assert.Equal(whole.Points.Sum(p => p.Accuracies.Count), trained.Count);
        foreach (string file in Directory.GetFiles(options.Output, "*", SearchOption.AllDirectories))
        {
            string other = Path.Combine(parts.Output, Path.GetRelativePath(options.Output, file));
            Assert.True(File.ReadAllBytes(file).AsSpan().SequenceEqual(File.ReadAllBytes(other)), file);
        }
        Assert.DoesNotContain(Directory.GetFiles(parts.Output, "*", SearchOption.AllDirectories), f => f.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void One_seed_decides_nothing_and_says_so_in_words()
    {
        TransferResult result = TransferExperiment.Run(
            Tiny(_folder.File("one")) with { Seeds = 1, Reduced = [], RandomFilters = false, Epochs = 1 }, cancel: Cancel);
        Assert.All(result.Findings, f => Assert.Equal(Verdict.Undecided, f.Verdict));
        Assert.Contains(result.Findings, f => f.Text.Contains("one seed gives no interval", StringComparison.Ordinal));
        Assert.All(result.Findings, f => Assert.DoesNotContain("Infinity", f.Text));
        Assert.DoesNotContain("Infinity", File.ReadAllText(_folder.File("one/index.html")));
    }

    [Fact]
    public void Unsound_settings_are_refused_in_words()
    {
        TransferOptions options = Tiny(_folder.File("none"));
        Assert.Contains("seeds is 0", Assert.Throws<ArgumentException>(() => TransferExperiment.Run(options with { Seeds = 0 }, cancel: Cancel)).Message);
        Assert.Contains("letters", Assert.Throws<ArgumentException>(() => TransferExperiment.Run(options with { Data = "letters" }, cancel: Cancel)).Message);
        Assert.Contains("below the 8", Assert.Throws<ArgumentException>(() => TransferExperiment.Run(options with { Reduced = [8] }, cancel: Cancel)).Message);
    }

    private static TransferOptions Tiny(string output) => new()
    {
        Data = "digits",
        Seeds = 2,
        PerClass = 8,
        Reduced = [4],
        JudgedPerClass = 4,
        Epochs = 2,
        BatchSize = 16,
        Output = output,
    };

    private static (TransferNetworks Networks, Dataset Data) Small()
    {
        var options = new TransferOptions { PerClass = 20, Epochs = 2, BatchSize = 16 };
        var random = new RandomSource(3);
        return (new TransferNetworks(options, 1, Side), new Dataset(
            random.Normal([60, 1, Side, Side]), Tensor.From([.. Enumerable.Range(0, 60).Select(i => (long)(i % 3))], [60]), ["x", "y", "z"]));
    }
}
