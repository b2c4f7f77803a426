namespace Vitrine.Engine.Tests.Training;

/// <summary>What a trainer does with the inputs an adversary makes.</summary>
public sealed class AdversaryTests
{
    [Theory]
    [InlineData(0.25f)]
    [InlineData(0.5f)]
    [InlineData(1f)]
    public void AStepGoesDownTheMixedLoss(float share)
    {
        Dataset data = Data(40);
        const float rate = 0.1f;
        Linear net = Flat(), expected = Flat();
        new Trainer(net, new Sgd(rate)) { BatchSize = 40, Adversary = (_, x, _, _) => x * -1f, AdversarialShare = share }.Fit(data, 1);
        Tensor plain = Gradient(expected, data, 1), changed = Gradient(expected, data, -1);
        Tensor wanted = expected.Weight.Value - (plain * (1 - share) + changed * share) * rate;
        Assert.InRange((net.Weight.Value - wanted).Abs().Max([]).Item(), 0, 1e-5f);
    }

    [Fact]
    public void TheAdversarySeesTheNetworkTheBatchAndASeedOfItsOwnForEveryStep()
    {
        Dataset data = Data(40);
        Linear net = Flat();
        var seeds = new List<ulong>();
        new Trainer(net, new Sgd(0.1f))
        {
            BatchSize = 20,
            Adversary = (model, inputs, labels, seed) =>
            {
                Assert.Same(net, model);
                Assert.Equal(20, inputs.Shape[0]);
                Assert.Equal(20, labels.Count);
                seeds.Add(seed);
                return inputs;
            },
        }.Fit(data, 3);
        Assert.Equal(6, seeds.Distinct().Count());
    }

    [Fact]
    public void AShareOrAShapeThatIsUnsoundIsRefused()
    {
        Assert.Throws<ArgumentException>(() => new Trainer(Flat(), new Sgd(0.1f)) { AdversarialShare = 0 }.Fit(Data(40), 1));
        Assert.Throws<ArgumentException>(() => new Trainer(Flat(), new Sgd(0.1f)) { AdversarialShare = 1.5f }.Fit(Data(40), 1));
        string message = Assert.Throws<ArgumentException>(
            () => new Trainer(Flat(), new Sgd(0.1f)) { BatchSize = 40, Adversary = (_, x, _, _) => x.Slice(0, 0, 1) }.Fit(Data(40), 1)).Message;
        Assert.Contains("shape", message, StringComparison.Ordinal);
    }

    private static Linear Flat() => new(Weights.Random(1), 64, 2);

    private static Tensor Gradient(Linear net, Dataset data, float sign) =>
        Autograd.Backward(Loss.CrossEntropy(net.Call(new Run(training: true, recording: true), data.Inputs * sign), data.Labels), null, [net.Weight.Value])[0];

    private static Dataset Data(int count)
    {
        Dataset pictures = SmallTraining.Data(count);
        return new Dataset(pictures.Inputs.Reshape(count, 64), pictures.Labels, pictures.Classes);
    }
}
