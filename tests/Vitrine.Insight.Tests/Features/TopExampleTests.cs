namespace Vitrine.Insight.Tests;

public sealed class TopExampleTests
{
    private static readonly string[] Layers = ["conv1", "conv2", "fc1", "fc3"];

    [Fact]
    public void EqualsSortingEverything()
    {
        Module net = LeNetGoldenTests.Net();
        Tensor inputs = Inputs(50);
        TopExamples found = Pass(net, inputs, 16, 5);
        foreach (string layer in Layers)
        {
            Tensor all = LayerMaps.Of(net, inputs, layer)[0]; // [N, units, ...]
            int units = all.Shape[1], area = all.Count / (50 * units);
            Assert.Equal(units, found.Units(layer));
            for (int unit = 0; unit < units; unit++)
            {
                float[] largest = [.. Enumerable.Range(0, 50).Select(n => all.Floats.Slice((n * units + unit) * area, area).ToArray().Max())];
                int[] best = [.. Enumerable.Range(0, 50).OrderByDescending(n => largest[n]).Take(5)]; // a stable order: the first of equal ones stays in front
                IReadOnlyList<TopExample> top = found.Of(layer, unit);
                Assert.Equal(best, top.Select(t => t.Example));
                foreach (TopExample t in top)
                {
                    Assert.Equal(largest[t.Example], t.Value, 1e-5);
                    Assert.Equal(unit, t.Position[0]);
                    Assert.Equal(t.Value, all[[t.Example, .. t.Position]], 1e-5);
                }
            }
        }
    }

    [Fact]
    public void TheFirstOfEqualExamplesAndPlacesWins()
    {
        var identity = new Function(x => x);
        Tensor batch = Tensor.From([1f, 2, 2, 0, 2, 1, 1, 2, float.NaN, 3, 3, 0], [3, 1, 4]);
        var found = new TopExamples([""], 2);
        found.Look(identity, batch);
        found.Look(identity, batch);
        Assert.Equal([(2, 3f, 1), (5, 3f, 1)], found.Of("", 0).Select(t => (t.Example, t.Value, t.Position[1])));
        var first = new TopExamples([""], 3);
        first.Look(identity, batch.Slice(0, 0, 2));
        Assert.Equal([(0, 2f, 1), (1, 2f, 0)], first.Of("", 0).Select(t => (t.Example, t.Value, t.Position[1])));
    }

    [Fact]
    public void ResumedEqualsUninterruptedByteForByte()
    {
        Module net = LeNetGoldenTests.Net();
        Tensor inputs = Inputs(40);
        byte[] whole = Bytes(Pass(net, inputs, 8, 4));
        using var stop = new CancellationTokenSource();
        var begun = new TopExamples(Layers, 4);
        Assert.Throws<OperationCanceledException>(() => begun.Look(net, 40, (start, n) => inputs.Slice(0, start, start + n), 8, after: t =>
        {
            if (t.Seen == 24) stop.Cancel();
        }, cancel: stop.Token));
        var saved = new MemoryStream(Bytes(begun));
        var resumed = new TopExamples(Layers, 4);
        resumed.Load(SafeTensors.Read(saved, "state", out _));
        Assert.Equal(24, resumed.Seen);
        resumed.Look(net, 40, (start, n) => inputs.Slice(0, start, start + n), 8);
        Assert.Equal(whole, Bytes(resumed));
    }

    [Fact]
    public void AStateOfSomethingElseIsRefusedAndChangesNothing()
    {
        Module net = LeNetGoldenTests.Net();
        IReadOnlyDictionary<string, Tensor> state = Pass(net, Inputs(6), 8, 4).State();
        Assert.Throws<ArgumentException>(() => new TopExamples(["conv1", "relu1"], 4).Load(state));
        var other = new TopExamples(Layers, 3);
        Assert.Contains("3 of 6 units", Assert.Throws<ArgumentException>(() => other.Load(state)).Message, StringComparison.Ordinal);
        Assert.Equal(0, other.Seen);
        var damaged = new SortedDictionary<string, Tensor>(state.ToDictionary(), StringComparer.Ordinal) { ["seen"] = Tensor.From([2L], Shape.Scalar) };
        Assert.Throws<ArgumentException>(() => new TopExamples(Layers, 4).Load(damaged));
    }

    [Fact]
    public void WrongQuestionsSayWhatThereIs()
    {
        Module net = LeNetGoldenTests.Net();
        Assert.Contains("conv2", Assert.Throws<ArgumentException>(() => new TopExamples(["conv9"]).Look(net, Inputs(1))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new TopExamples(["conv1", "conv1"]));
        Assert.Throws<ArgumentException>(() => new TopExamples(["conv1"]).Of("conv1", 0));
        TopExamples found = Pass(net, Inputs(1), 8, 4);
        Assert.Single(found.Of("fc3", 9));
        Assert.Throws<ArgumentException>(() => found.Of("fc3", 10));
    }

    [Fact]
    public void ProjectionsAreThoseOfTheMethods()
    {
        Module net = LeNetGoldenTests.Net();
        Tensor inputs = Inputs(3);
        int[][] positions = [[1, 0, 3], [15, 9, 9], [7, 4, 0]];
        IReadOnlyList<Tensor> found = UnitProjections.Of(net, inputs, "conv2", positions, ReluRules.Deconvnet, ReluRules.GuidedBackprop, null);
        IAttribution[] methods = [new Deconvnet(), new GuidedBackprop(), new Gradient()];
        for (int m = 0; m < 3; m++)
        {
            for (int n = 0; n < 3; n++)
            {
                float[] alone = methods[m].Explain(net, inputs.Slice(0, n, n + 1), Target.Neuron("conv2", positions[n])).Values.ToArray();
                float[] shared = found[m].Slice(0, n, n + 1).ToArray();
                for (int i = 0; i < alone.Length; i++) Assert.Equal(alone[i], shared[i], 1e-5);
                Assert.Contains(alone, v => v != 0);
            }
        }
        Assert.Throws<ArgumentException>(() => UnitProjections.Of(net, inputs, "conv2", [[1], [1], [1]], [null]));
    }

    [Fact]
    public void AProjectionStaysWithinTheReceptiveField()
    {
        Module net = LeNetGoldenTests.Net();
        Tensor inputs = Inputs(1);
        ReceptiveField field = ReceptiveFields.Of(net, inputs).Of("conv2", 3, 2, 5);
        Assert.Equal(14, field.Extent(1)); // five places of pool1, two rows of conv1 each, and four around them
        Tensor map = UnitProjections.Of(net, inputs, "conv2", [[3, 2, 5]], [null])[0];
        for (int y = 0; y < 28; y++)
        {
            for (int x = 0; x < 28; x++)
            {
                bool inside = y >= field.Start[1] && y < field.End[1] && x >= field.Start[2] && x < field.End[2];
                if (!inside) Assert.Equal(0, map[0, 0, y, x]);
            }
        }
    }

    private static TopExamples Pass(Module net, Tensor inputs, int batch, int most)
    {
        var found = new TopExamples(Layers, most);
        found.Look(net, inputs.Shape[0], (start, n) => inputs.Slice(0, start, start + n), batch);
        return found;
    }

    private static byte[] Bytes(TopExamples found)
    {
        using var stream = new MemoryStream();
        SafeTensors.Write(stream, found.State());
        return stream.ToArray();
    }

    private static Tensor Inputs(int count) => new RandomSource(5).Uniform([count, 1, 28, 28]);
}
