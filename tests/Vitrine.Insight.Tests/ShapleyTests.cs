namespace Vitrine.Insight.Tests;

/// <summary>Shapley values, exact, sampled and by least squares: the axioms that define them, and each against the other.</summary>
public sealed class ShapleyTests
{
    // Element 5 does nothing; 1 and 2 take part in the same way; there are products of two and of three.
    private static readonly Function Game = new(x =>
    {
        Tensor At(int i) => x.Slice(1, i, i + 1);
        return At(0) * At(1) * 2 + At(0) * At(2) * 2 + At(1) * At(2) * At(3) + At(4).Square() - At(3);
    });

    private static readonly Tensor Players = Tensor.From([1f, 2, 2, -1, 3, 7, 0.5f, -1, -1, 2, 1, 4], [2, 6]);

    public static TheoryData<string> Exact() => ["exact", "kernel"];

    [Theory]
    [MemberData(nameof(Exact))]
    public void Axioms(string method)
    {
        float[] values = Explain(method).Values.ToArray();
        float[] scores = Game.Predict(Players).ToArray();
        for (int n = 0; n < 2; n++)
        {
            Assert.Equal(scores[n], values.AsSpan(6 * n, 6).ToArray().Sum(), 1e-4f); // efficiency: at the baseline of zeros the game is worth nothing
            Assert.Equal(values[6 * n + 1], values[6 * n + 2], 1e-5f); // symmetry
            Assert.Equal(0, values[6 * n + 5], 1e-5f); // dummy
        }
    }

    [Fact]
    public void ValuesFollowFromTheFormula()
    {
        // A product of two is shared in halves, one of three in thirds; what stands alone belongs to its player.
        float[] x = Players.ToArray()[..6];
        float[] expected =
        [
            x[0] * x[1] + x[0] * x[2], x[0] * x[1] + x[1] * x[2] * x[3] / 3, x[0] * x[2] + x[1] * x[2] * x[3] / 3, x[1] * x[2] * x[3] / 3 - x[3],
            x[4] * x[4], 0,
        ];
        float[] found = Explain("exact").Values.ToArray();
        for (int i = 0; i < 6; i++) Assert.Equal(expected[i], found[i], 1e-5f);
    }

    [Fact]
    public void KernelShapOfAllCoalitionsIsExact()
    {
        float[] exact = Explain("exact").Values.ToArray(), kernel = Explain("kernel").Values.ToArray();
        for (int i = 0; i < exact.Length; i++) Assert.Equal(exact[i], kernel[i], 1e-5f * (1 + Math.Abs(exact[i])));
    }

    [Fact]
    public void KernelShapOfAllCoalitionsIsExactForTwelveSegmentsOfANetwork()
    {
        Features blocks = Features.Blocks(12);
        float[] exact = new ShapleyValues(blocks).Explain(LeNetGoldenTests.Net(), LeNetGoldenTests.Input, Target.Class(1)).Values.ToArray();
        float[] kernel = new KernelShap(blocks, samples: 1 << 12).Explain(LeNetGoldenTests.Net(), LeNetGoldenTests.Input, Target.Class(1)).Values.ToArray();
        float largest = exact.Max(Math.Abs);
        for (int i = 0; i < exact.Length; i++) Assert.Equal(exact[i], kernel[i], 1e-5f * (1 + largest));
    }

    [Fact]
    public void SampledKernelShapNearsTheExactValuesAndKeepsTheirSum()
    {
        Features blocks = Features.Blocks(12);
        var net = LeNetGoldenTests.Net();
        Tensor x = LeNetGoldenTests.Input.Slice(0, 0, 1);
        double[] exact = PerFeature(new ShapleyValues(blocks), net, x, blocks);
        double few = Error(300, out double sumFew), many = Error(2000, out double sumMany);
        Assert.True(many < few, $"{many} with 2000 samples, {few} with 300.");
        Assert.True(many < 0.02 * exact.Max(Math.Abs), $"{many} of {exact.Max(Math.Abs)}");
        Assert.Equal(exact.Sum(), sumFew, 1e-4);
        Assert.Equal(exact.Sum(), sumMany, 1e-4);

        double Error(int samples, out double sum)
        {
            double[] found = PerFeature(new KernelShap(blocks, samples: samples), net, x, blocks);
            sum = found.Sum();
            return found.Zip(exact).Max(p => Math.Abs(p.First - p.Second));
        }
    }

    [Fact]
    public void KeptFeaturesAreThoseOfASparseGame()
    {
        var sparse = new Function(x => x.Slice(1, 3, 4) * 5 + x.Slice(1, 11, 12) * -4 + x.Slice(1, 17, 18) * 3);
        float[] found = new KernelShap(Features.Each, samples: 400, keep: 3).Explain(sparse, Tensor.Ones([1, 20]), Target.Class(0)).Values.ToArray();
        for (int i = 0; i < 20; i++) Assert.Equal(i switch { 3 => 5, 11 => -4, 17 => 3, _ => 0 }, found[i], 1e-4f);
    }

    [Fact]
    public void SampledOrdersNearTheExactValues()
    {
        float[] exact = Explain("exact").Values.ToArray();
        float[] sampled = new ShapleySampling(Features.Each, permutations: 4000).Explain(Game, Players, Target.Class(0)).Values.ToArray();
        for (int i = 0; i < exact.Length; i++) Assert.Equal(exact[i], sampled[i], 0.15f);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void SampledOrdersKeepTheSum(int permutations)
    {
        float[] sampled = new ShapleySampling(Features.Each, permutations: permutations).Explain(Game, Players, Target.Class(0)).Values.ToArray();
        float[] scores = Game.Predict(Players).ToArray();
        for (int n = 0; n < 2; n++) Assert.Equal(scores[n], sampled.AsSpan(6 * n, 6).ToArray().Sum(), 1e-4f);
    }

    [Fact]
    public void SeedsGiveOtherSamples()
    {
        float[] one = new ShapleySampling(seed: 1).Explain(Game, Players, Target.Class(0)).Values.ToArray();
        Assert.NotEqual(one, new ShapleySampling(seed: 2).Explain(Game, Players, Target.Class(0)).Values.ToArray());
        Assert.Equal(one, new ShapleySampling(seed: 1).Explain(Game, Players, Target.Class(0)).Values.ToArray());
    }

    [Fact]
    public void OneFeatureTakesAll()
    {
        Features one = Features.Of(Tensor.Zeros([6]));
        float[] scores = Game.Predict(Players).ToArray();
        foreach (IAttribution method in (IAttribution[])[new ShapleyValues(one), new ShapleySampling(one), new KernelShap(one), new FeatureAblation(one)])
        {
            Assert.Equal([.. Enumerable.Repeat(scores[0], 6), .. Enumerable.Repeat(scores[1], 6)], method.Explain(Game, Players, Target.Class(0))
                .Values.ToArray());
        }
    }

    private static Attribution Explain(string method) =>
        (method == "exact" ? (IAttribution)new ShapleyValues(Features.Each) : new KernelShap(Features.Each)).Explain(Game, Players, Target.Class(0));

    private static double[] PerFeature(IAttribution method, Module net, Tensor x, Features features)
    {
        float[] values = method.Explain(net, x, Target.Class(1)).Values.ToArray();
        int[] labels = features.Labels(x.Squeeze(0));
        return [.. Enumerable.Range(0, labels.Max() + 1).Select(f => (double)values[Array.IndexOf(labels, f)])];
    }
}
