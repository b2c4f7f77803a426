namespace Vitrine.Insight.Tests;

public sealed class NeuronProjectionTests
{
    [Fact]
    public void DissimilarityIsOneLessTheCorrelation()
    {
        // Columns: a, -2a + 3 (correlation -1), constant, and one whose correlation with a is computed by hand: a = 1 2 3 4, d = 1 3 2 5.
        Tensor activations = Tensor.From([1f, 1, 7, 1, 2, -1, 7, 3, 3, -3, 7, 2, 4, -5, 7, 5], [4, 4]);
        NeuronProjection projection = NeuronProjection.Of(activations);
        Tensor d = projection.Dissimilarity;
        Assert.Equal(0, d[0, 1], 1e-6f);
        Assert.Equal(1, d[0, 2]);
        Assert.Equal(1 - 5.5 / Math.Sqrt(5 * 8.75), d[0, 3], 1e-6f);
        Assert.Equal(d[3, 0], d[0, 3]);
        Assert.All(projection.Map.ToArray(), v => Assert.True(float.IsFinite(v)));
    }

    [Fact]
    public void NeuronsThatAnswerAlikeLieTogether()
    {
        var random = new RandomSource(2);
        float[] source = random.Normal([100, 3]).ToArray(), activations = new float[100 * 30];
        for (int i = 0; i < 100; i++)
        {
            for (int m = 0; m < 30; m++) activations[i * 30 + m] = source[i * 3 + m % 3] * (m % 2 == 0 ? 1 : -1) + 0.1f * random.NextNormal();
        }
        NeuronProjection projection = NeuronProjection.Of(Tensor.From(activations, [100, 30]));
        Assert.Equal(1, MapQuality.Hit(projection.Map, [.. Enumerable.Range(0, 30).Select(m => m % 3)], 5).Total);
        Assert.InRange(projection.Stress, 0, 0.3);
    }

    [Fact]
    public void PowerIsTheAreaUnderTheCurve()
    {
        // Three neurons: separates, by being off; says nothing; ties, counted pair by pair.
        Tensor activations = Tensor.From([0, 1, 2, 0, 2, 1, 5, 2, 2, 6, 1, 3, 7, 1.5f, 1], [5, 3]);
        int[] labels = [4, 4, 0, 0, 0];
        float[] power = NeuronProjection.Power(activations, labels, 4);
        Assert.Equal(1, power[0]);
        for (int m = 0; m < 3; m++)
        {
            double wins = 0;
            for (int i = 0; i < 2; i++)
            {
                for (int j = 2; j < 5; j++) wins += activations[i, m] > activations[j, m] ? 1 : activations[i, m] == activations[j, m] ? 0.5 : 0;
            }
            Assert.Equal(Math.Abs(2 * wins / 6 - 1), power[m], 1e-6f);
        }
        Assert.Throws<ArgumentException>(() => NeuronProjection.Power(activations, labels, 3));
    }

    [Fact]
    public void RowsOfActivationsAreThoseOfSingleInputs()
    {
        Module net = LeNetGoldenTests.Net();
        Tensor inputs = new RandomSource(5).Uniform(LeNetGoldenTests.Input.Shape.With(0, 7));
        IReadOnlyList<Tensor> rows = ActivationRows.Of(net, inputs, ["pool1", "fc2"], batchSize: 3);
        for (int i = 0; i < 7; i++)
        {
            var one = Network.Activations(net, inputs.Slice(0, i, i + 1)).ToDictionary(a => a.Key, a => a.Value);
            foreach ((string scope, Tensor all) in new[] { ("pool1", rows[0]), ("fc2", rows[1]) })
            {
                Assert.Equal(7, all.Shape[0]);
                float[] expected = one[scope].ToArray(), found = all.Slice(0, i, i + 1).ToArray();
                Assert.Equal(expected.Length, found.Length);
                for (int d = 0; d < expected.Length; d++) Assert.Equal(expected[d], found[d], 1e-4f * (1 + Math.Abs(expected[d])));
            }
        }
        Assert.Equal([3, 3, 1], ActivationRows.Stream(net, inputs, ["fc2"], 3).Select(b => b[0].Shape[0]));
        string message = Assert.Throws<ArgumentException>(() => ActivationRows.Of(net, inputs, ["conv9"])).Message;
        Assert.Contains("conv9", message, StringComparison.Ordinal);
        Assert.Contains("conv2", message, StringComparison.Ordinal);
    }
}
