namespace Vitrine.Engine.Tests.Training;

public sealed class CheckpointedTests
{
    private const int Depth = 12;

    [Fact]
    public void GradientsAndRunningStatisticsAreTheSameToTheLastBit()
    {
        Sequential plain = Deep(each: false), each = Deep(each: true);
        var whole = new Checkpointed(Deep(each: true)); // nested: a recomputed module inside a recomputed one
        float[] expected = Trained(plain);
        Assert.Equal(expected, Trained(each));
        Assert.Equal(expected, Trained(whole));

        static float[] Trained(Module net)
        {
            Dataset data = SmallTraining.Data(100);
            new Trainer(net, new Adam(1e-2)) { Seed = 5, BatchSize = 25 }.Fit(data, 2);
            return SmallTraining.Bytes(net);
        }
    }

    [Fact]
    public void InputsHaveTheSameGradientAndLessIsKept()
    {
        Sequential plain = Deep(each: false), each = Deep(each: true);
        Tensor x = new RandomSource(3).Normal([16, 1, 8, 8]);
        (float[] Gradient, int Nodes, long Bytes) a = Asked(plain), b = Asked(each);
        Assert.Equal(a.Gradient, b.Gradient);
        Assert.True(b.Nodes * 3 < a.Nodes, $"{b.Nodes} nodes against {a.Nodes}");
        Assert.True(b.Bytes * 3 < a.Bytes, $"{b.Bytes:N0} bytes against {a.Bytes:N0}");

        (float[] Gradient, int Nodes, long Bytes) Asked(Module net)
        {
            Tensor leaf = x.Watch(), loss = net.Call(new Run(training: true, recording: true, seed: 9), leaf).Square().Mean();
            IReadOnlyList<Node> nodes = Autograd.Ancestors(loss);
            var kept = new HashSet<Storage>(nodes.Select(n => n.Output.Storage));
            foreach (Node node in nodes)
            {
                for (Tensor? saved = node.Output.Saved; saved is not null; saved = saved.Saved) kept.Add(saved.Storage);
            }
            return (Autograd.Backward(loss, null, [leaf])[0].ToArray(), nodes.Count, kept.Sum(s => (long)Buffer.ByteLength(s.Elements)));
        }
    }

    [Fact]
    public void BuffersGoBackToThePoolBeforeTheBackwardPass()
    {
        Sequential plain = Deep(each: false), each = Deep(each: true);
        long most = Rented(plain), least = Rented(each);
        Assert.True(least * 2 < most, $"{least:N0} bytes against {most:N0}");

        static long Rented(Module net)
        {
            Tensor x = new RandomSource(3).Normal([16, 1, 8, 8]).Watch();
            using var scope = MemoryScope.Open();
            net.Call(new Run(training: true, recording: true), x);
            return scope.Bytes;
        }
    }

    [Fact]
    public void ExplanationsSeeTheOperatorsInside()
    {
        Tensor x = new RandomSource(3).Normal([2, 1, 8, 8]).Watch();
        int plain = Autograd.Ancestors(Deep(each: false).Call(new Run(recording: true), x)).Count;
        Assert.Equal(plain, Autograd.Ancestors(Deep(each: true).Call(new Run(recording: true), x)).Count);
    }

    [Fact]
    public void NamesTapsAndEditsAreThoseOfTheModuleInside()
    {
        Sequential plain = Deep(each: false), each = Deep(each: true);
        Assert.Equal(plain.State().Keys, each.State().Keys);
        Tensor x = new RandomSource(3).Normal([2, 1, 8, 8]);
        Run a = Run(), b = Run();
        Tensor y = plain.Call(a, x.Watch()), z = each.Call(b, x.Watch());
        Assert.Equal(y.ToArray(), z.ToArray());
        Assert.Equal(a.Taps.Keys, b.Taps.Keys);
        Assert.Equal(a.Taps["block3.conv"].ToArray(), b.Taps["block3.conv"].ToArray());

        static Run Run() => new Run(training: true, recording: true, seed: 2)
            .Tap("block3", "block3.conv").Edit("block5", v => v * 2).Edit("block4.conv", v => v * 3);
    }

    [Fact]
    public void FrozenParametersInsideAreNotDifferentiated()
    {
        Sequential plain = Deep(each: false), each = Deep(each: true);
        foreach (Module net in new[] { plain, each }) net.Parameters[4].IsFrozen = true;
        foreach (Module net in new[] { plain, each }) new Trainer(net, new Adam(1e-2)).Fit(SmallTraining.Data(64), 2);
        Assert.Equal(SmallTraining.Bytes(plain), SmallTraining.Bytes(each));
    }

    [Fact]
    public void SecondDerivativesAreRefused()
    {
        Tensor x = new RandomSource(3).Normal([2, 1, 8, 8]).Watch();
        Tensor loss = Deep(each: true).Call(new Run(training: true, recording: true), x).Square().Mean();
        var error = Assert.Throws<NotSupportedException>(() => Autograd.Backward(loss, null, [x], differentiable: true));
        Assert.Contains("second derivative", error.Message, StringComparison.Ordinal);
    }

    private static Sequential Deep(bool each)
    {
        Weights weights = Weights.Random(1);
        var blocks = new List<Module>();
        for (int i = 0; i < Depth; i++)
        {
            Weights w = weights.In($"block{i}");
            var block = new Sequential(
                w, new Conv2d(w.In("conv"), i == 0 ? 1 : 4, 4, 3, padding: 1), new BatchNorm(w.In("norm"), 4), Layer.Tanh(w.In("tanh")),
                Layer.Relu(w.In("relu")), new Dropout(w.In("drop"), 0.1f));
            blocks.Add(each ? new Checkpointed(block) : block);
        }
        Weights end = weights.In("end");
        blocks.Add(new Sequential(end, new Flatten(end.In("flat")), new Linear(end.In("out"), 256, 2)));
        return new Sequential(weights, blocks);
    }
}
