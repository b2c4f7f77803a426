using System.Text.Json;

namespace Vitrine.Insight.Tests;

/// <summary>Metrics of explanations: against Quantus, and against what their formulas say of simple cases.</summary>
public sealed class AuditMetricTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "goldens");
    private static readonly IReadOnlyDictionary<string, Tensor> Golden = SafeTensors.Load(Path.Combine(Folder, "lenet.audits.safetensors"));

    [Theory]
    [InlineData("gradient")]
    [InlineData("integrated_gradients")]
    public void MetricsEqualQuantus(string method)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "lenet.audits.json")));
        JsonElement golden = document.RootElement.GetProperty("metrics").GetProperty(method);
        Tensor maps = Golden["attribution." + method], masks = Golden["mask"];
        float largest = maps.Abs().Max([]).Item(); // there, maps are divided by the largest value of the batch
        for (int n = 0; n < 2; n++)
        {
            float[] map = maps.ToArray()[(784 * n)..(784 * n + 784)], sizes = [.. map.Select(Math.Abs)];
            bool[] mask = [.. masks.ToArray()[(784 * n)..(784 * n + 784)].Select(v => v > 0)];
            Close("sparseness_gini", Complexity.Gini(map));
            Close("complexity_entropy", Complexity.Entropy(map));
            Assert.Equal(Value("effective_complexity(eps=0.01, abs, divided by max)").GetDouble(), Complexity.Effective(map, 0.01 * largest));
            Assert.Equal(Value("pointing_game(abs)").GetBoolean(), Localisation.PointingGame(sizes, mask));
            Assert.Equal(Value("pointing_game").GetBoolean(), Localisation.PointingGame(map, mask));
            Close("top_k_intersection(k=30, abs)", Localisation.TopKIntersection(sizes, mask, 30));
            Close("relevance_mass_accuracy(abs)", Localisation.MassAccuracy(sizes, mask));
            Close("relevance_rank_accuracy(abs)", Localisation.RankAccuracy(sizes, mask));
            Close("auc(abs)", Localisation.Auc(sizes, mask));
            Close("attribution_localisation(abs, positive)", Localisation.PositiveInside(sizes, mask));

            void Close(string name, double found) => Assert.Equal(Value(name).GetDouble(), found, 1e-3 * Math.Abs(Value(name).GetDouble()));
            JsonElement Value(string name) => golden.GetProperty(name)[n];
        }
    }

    [Theory]
    [InlineData("gradient")]
    [InlineData("integrated_gradients")]
    public void PixelFlippingEqualsQuantus(string method)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "lenet.audits.json")));
        JsonElement golden = document.RootElement.GetProperty("metrics").GetProperty(method)
            .GetProperty("pixel_flipping(28 pixels a step, baseline = minimum of the input, softmax of class 1)");
        Tensor input = Golden["input"];
        var net = LeNetGoldenTests.Net();
        var probabilities = new Function(x => net.Call(new Run(), x).Softmax(1));
        float[][] curves = PixelCurves.Deletion(probabilities, input, Golden["attribution." + method], Target.Class(1), 28,
            Baseline.Of("darkest of each picture", x => x.Min([1, 2, 3], keepDims: true).Expand(x.Shape)));
        for (int n = 0; n < 2; n++)
        {
            Assert.Equal(29, curves[n].Length); // the first is that of the whole input
            for (int i = 0; i < 28; i++) Assert.Equal(golden[n][i].GetSingle(), curves[n][i + 1], 1e-3f * golden[n][i].GetSingle());
        }
    }

    [Fact]
    public void ComplexityOfAPointAndOfAPlain()
    {
        float[] plain = [.. Enumerable.Repeat(-2f, 50)], point = new float[50];
        point[7] = 3;
        Assert.Equal(Math.Log(50), Complexity.Entropy(plain), 1e-12);
        Assert.Equal(0, Complexity.Entropy(point), 1e-12);
        Assert.Equal(0, Complexity.Gini(plain), 1e-12);
        Assert.Equal(49 / 50.0, Complexity.Gini(point), 1e-12);
        Assert.Equal(1, Complexity.Effective(point, 2.9));
        Assert.Equal(0, Complexity.Effective(point, 3));
        Assert.Throws<ArgumentException>(() => Complexity.Entropy(new float[4]));
    }

    [Fact]
    public void AucIsTheProbabilityThatInsideIsLarger()
    {
        var random = new RandomSource(8);
        float[] map = [.. Enumerable.Range(0, 60).Select(_ => (float)random.NextInt(12))]; // with ties
        bool[] mask = [.. Enumerable.Range(0, 60).Select(_ => random.NextInt(3) == 0)];
        double wins = 0, pairs = 0;
        for (int i = 0; i < 60; i++)
        {
            for (int j = 0; j < 60; j++)
            {
                if (!mask[i] || mask[j]) continue;
                pairs++;
                wins += map[i] > map[j] ? 1 : map[i] == map[j] ? 0.5 : 0;
            }
        }
        Assert.Equal(wins / pairs, Localisation.Auc(map, mask), 1e-12);
    }

    [Fact]
    public void MasksWithoutInsideAreRefused()
    {
        Assert.Throws<ArgumentException>(() => Localisation.Auc(new float[4], new bool[4]));
        Assert.Throws<ArgumentException>(() => Localisation.MassAccuracy(new float[4], [true, true, true, true]));
        Assert.Throws<ArgumentException>(() => Localisation.RankAccuracy(new float[4], [true, false]));
    }

    [Fact]
    public void SpearmanKnowsOrderAlone()
    {
        float[] a = [1, 5, 2, 9, 4];
        Assert.Equal(1, Similarity.Spearman(a, [.. a.Select(MathF.Exp)]), 1e-12);
        Assert.Equal(-1, Similarity.Spearman(a, [.. a.Select(v => -v)]), 1e-12);
        // Without ties it is 1 - 6 sum d^2 / (n (n^2 - 1)): ranks 1 4 2 5 3 against 2 1 4 3 5.
        Assert.Equal(1 - 6 * (1 + 9 + 4 + 4 + 4) / (5.0 * 24), Similarity.Spearman(a, [2, 1, 4, 3, 5]), 1e-12);
        Assert.Equal(0, Similarity.Spearman(a, new float[5]));
    }

    [Fact]
    public void SsimOfPlainPicturesIsThatOfTheirMeans()
    {
        float[] a = [.. Enumerable.Repeat(2f, 80)], b = [.. Enumerable.Repeat(3f, 80)];
        Assert.Equal((2 * 2 * 3 + 1e-4) / (4 + 9 + 1e-4), Similarity.Ssim(a, b, 8, 10), 1e-9);
        float[] noise = new RandomSource(1).Uniform([80]).ToArray();
        Assert.Equal(1, Similarity.Ssim(noise, noise, 8, 10), 1e-9);
        Assert.InRange(Similarity.Ssim(noise, new RandomSource(2).Uniform([80]).ToArray(), 8, 10), -0.3, 0.3);
    }

    [Fact]
    public void CurvesOfASumAreWhatWasTakenAndPutBack()
    {
        var sum = new Function(x => x.Sum([1], keepDims: true));
        Tensor x = Tensor.From([4f, 1, 3, 2, 10, 20, 40, 30], [2, 4]);
        float[][] lost = PixelCurves.Deletion(sum, x, x, Target.Class(0), 1), won = PixelCurves.Insertion(sum, x, x, Target.Class(0), 3);
        Assert.Equal([10, 6, 3, 1, 0], lost[0]);
        Assert.Equal([100, 60, 30, 10, 0], lost[1]);
        Assert.Equal([0, 9, 10], won[0]);
        Assert.Equal((5 + 6 + 3 + 1) / 4.0, PixelCurves.Area(lost[0]), 1e-9);
        Assert.Throws<ArgumentException>(() => PixelCurves.Deletion(sum, x, Tensor.Ones([2, 3]), Target.Class(0)));
    }

    [Fact]
    public void APixelGoesWithAllItsChannels()
    {
        var sum = new Function(x => x.Flatten().Sum([1], keepDims: true));
        Tensor x = Tensor.Ones([1, 3, 2, 2]), map = Tensor.From([0f, 1, 2, 3], [1, 1, 2, 2]);
        Assert.Equal([12, 9, 6, 3, 0], PixelCurves.Deletion(sum, x, map, Target.Class(0), 1)[0]);
    }

    [Fact]
    public void ImputedPixelsContinueARamp()
    {
        float[] ramp = new float[12 * 9], holes = new float[12 * 9];
        for (int i = 0; i < ramp.Length; i++) ramp[i] = 3 * (i / 9) - 2 * (i % 9) + 1;
        // In the middle of a ramp every pixel is the mean of its neighbours.
        bool[] missing = [.. Enumerable.Range(0, ramp.Length).Select(i => i / 9 is > 1 and < 10 && i % 9 is > 1 and < 7)];
        for (int i = 0; i < ramp.Length; i++) holes[i] = missing[i] ? 99 : ramp[i];
        Road.Impute(holes, missing, 12, 9);
        for (int i = 0; i < ramp.Length; i++) Assert.Equal(ramp[i], holes[i], 1e-4f);
    }

    [Fact]
    public void ImputedPixelsAreTheMeansOfTheirNeighboursAtEdgesToo()
    {
        float[] picture = new RandomSource(3).Uniform([15 * 13]).ToArray();
        bool[] missing = [.. new RandomSource(4).Uniform([15 * 13]).ToArray().Select(v => v < 0.8f)];
        Road.Impute(picture, missing, 15, 13);
        for (int i = 0; i < picture.Length; i++)
        {
            if (!missing[i]) continue;
            double sum = 0, weights = 0;
            for (int dy = -1; dy <= 1; dy++)
            {
                for (int dx = -1; dx <= 1; dx++)
                {
                    int y = i / 13 + dy, x = i % 13 + dx;
                    if ((dy == 0 && dx == 0) || y < 0 || y >= 15 || x < 0 || x >= 13) continue;
                    double weight = dy == 0 || dx == 0 ? 2 : 1;
                    weights += weight;
                    sum += weight * picture[y * 13 + x];
                }
            }
            Assert.Equal(sum / weights, picture[i], 1e-5);
        }
    }

    [Fact]
    public void RoadRemovesTheMostImportantFirst()
    {
        // The brightest pixel of a dark picture counts; guessed from its neighbours it is dark.
        float[] picture = new float[64];
        picture[27] = 1;
        Tensor x = Tensor.From(picture, [1, 1, 8, 8]);
        var bright = new Function(v => v.Flatten().Slice(1, 27, 28));
        Assert.Equal([1, 0, 0], Road.Curve(bright, x, x, Target.Class(0), [0, 0.1, 0.5], noise: 0)[0]);
        Assert.Equal([1, 1, 1], Road.Curve(bright, x, x, Target.Class(0), [0, 0.1, 0.4], leastFirst: true, noise: 0)[0]);
    }

    [Fact]
    public void InfidelityOfTheWeightsOfALinearFunctionIsZero()
    {
        float[] weights = [2, -1, 0.5f];
        var linear = new Function(x => (x * Tensor.From(weights, [1, 3])).Sum([1], keepDims: true) + 4);
        Tensor x = new RandomSource(6).Normal([2, 3]), right = Tensor.From([.. weights, .. weights], [2, 3]);
        Assert.All(Faithfulness.Infidelity(linear, x, right, Target.Class(0)), v => Assert.Equal(0, v, 1e-6));
        Assert.All(Faithfulness.Infidelity(linear, x, right * -7, Target.Class(0), scaled: true), v => Assert.Equal(0, v, 1e-4));
        // An explanation that says nothing misses the answer's own variance, deviation^2 |w|^2.
        double nothing = Faithfulness.Infidelity(linear, x, right * 0, Target.Class(0), deviation: 0.5, samples: 20000)[0];
        Assert.Equal(0.25 * 5.25, nothing, 0.05);
        Assert.Equal(1, Faithfulness.Infidelity(linear, x, right * 0, Target.Class(0), scaled: true)[0]);
    }

    [Fact]
    public void CompletenessGapIsWhatTheSumMisses()
    {
        var linear = new Function(x => (x * Tensor.From([1f, 2, 3], [1, 3])).Sum([1], keepDims: true) + 4);
        Tensor x = Tensor.From([1f, 1, 2, 0, 3, 1], [2, 3]);
        Assert.All(Faithfulness.CompletenessGap(linear, x, new InputXGradient().Explain(linear, x, Target.Class(0))), v => Assert.Equal(0, v, 1e-5f));
        float[] gaps = Faithfulness.CompletenessGap(linear, x, new Gradient().Explain(linear, x, Target.Class(0)), Baseline.Constant(1));
        Assert.Equal(6 - (9 - 6f), gaps[0], 1e-5f);
        Assert.Equal(6 - (9 - 6f), gaps[1], 1e-5f);
    }

    [Fact]
    public void SensitivityAndShiftOfALinearFunction()
    {
        var linear = new Function(x => (x * Tensor.From([1f, 2, 3], [1, 3])).Sum([1], keepDims: true));
        Tensor x = Tensor.From([1f, 1, 2], [1, 3]);
        Assert.Equal(0, Robustness.MaxSensitivity(new Gradient(), linear, x, Target.Class(0))[0]);
        double moved = Robustness.MaxSensitivity(new InputXGradient(), linear, x, Target.Class(0), radius: 0.1, samples: 200)[0];
        Assert.InRange(moved, 0.02, 0.1 * Math.Sqrt(14 / (1 + 4 + 36.0))); // at most every element moves by the radius times its weight
        Assert.Equal(0, Robustness.ShiftVariance(new Gradient(), linear, x, Target.Class(0))[0]);
        Assert.Equal(Math.Sqrt(14 / (1 + 4 + 36.0)), Robustness.ShiftVariance(new InputXGradient(), linear, x, Target.Class(0))[0], 1e-6);
    }

    [Fact]
    public void CascadeGoesFromTheAnswerToTheInputAndPutsWeightsBack()
    {
        var net = LeNetGoldenTests.Net();
        float[] before = [.. net.Parameters.SelectMany(p => p.Value.ToArray())];
        IReadOnlyList<Likeness> found = Randomisation.Cascade(new Gradient(), net, LeNetGoldenTests.Input, Target.Top);
        Assert.Equal(["fc3", "fc2", "fc1", "conv2", "conv1"], found.Select(l => l.What));
        Assert.All(found, l => Assert.All(l.Spearman, s => Assert.InRange(s, -1, 0.9)));
        Assert.Equal(2, found[^1].Ssim!.Count);
        Assert.Equal(before, net.Parameters.SelectMany(p => p.Value.ToArray()));
        Assert.Equal(found[^1].Spearman, Randomisation.Cascade(new Gradient(), net, LeNetGoldenTests.Input, Target.Top, onlyAll: true).Single().Spearman);
    }

    [Fact]
    public void CascadePutsWeightsBackAfterCancellation()
    {
        var net = LeNetGoldenTests.Net();
        float[] before = [.. net.Parameters.SelectMany(p => p.Value.ToArray())];
        using var source = new CancellationTokenSource();
        var seen = new ProbeTests.Seen(source.Cancel);
        Assert.Throws<OperationCanceledException>(() => Randomisation.Cascade(new Gradient(), net, LeNetGoldenTests.Input, Target.Top, progress: seen,
            cancel: source.Token));
        Assert.Equal(before, net.Parameters.SelectMany(p => p.Value.ToArray()));
    }

    [Fact]
    public void AShuffledNetworkHasTheSameNumbersInOtherPlaces()
    {
        var net = new Vitrine.Models.LeNet5(Weights.Random(3));
        float[][] before = [.. net.Parameters.Select(p => p.Value.ToArray())];
        Randomisation.Shuffle(net, 5);
        for (int i = 0; i < before.Length; i++)
        {
            float[] after = net.Parameters[i].Value.ToArray();
            Assert.Equal(before[i].Order(), after.Order());
            Assert.NotEqual(before[i], after);
        }
        var same = new Vitrine.Models.LeNet5(Weights.Random(3));
        Randomisation.Shuffle(same, 5);
        Assert.Equal(net.Parameters.SelectMany(p => p.Value.ToArray()), same.Parameters.SelectMany(p => p.Value.ToArray()));
        Assert.Throws<ArgumentException>(() => Randomisation.Shuffle(new Function(x => x)));
    }

    [Fact]
    public void OtherClassHasAnotherExplanation()
    {
        Likeness found = Randomisation.OtherTarget(new Gradient(), LeNetGoldenTests.Net(), LeNetGoldenTests.Input, Target.Class(1), Target.Class(2));
        Assert.All(found.Spearman, s => Assert.InRange(s, -1, 0.99));
        Assert.All(Randomisation.OtherTarget(new Gradient(), LeNetGoldenTests.Net(), LeNetGoldenTests.Input, Target.Class(1), Target.Class(1)).Spearman, s =>
            Assert.Equal(1, s, 1e-9));
    }
}
