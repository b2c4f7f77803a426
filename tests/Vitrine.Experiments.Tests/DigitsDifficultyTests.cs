using Vitrine.Data;
using Vitrine.Models;

namespace Vitrine.Experiments.Tests;

/// <summary>The generated digits must be hard enough to be worth a convolutional network, and no harder.</summary>
public sealed class DigitsDifficultyTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void LinearSoftmaxStaysBehindAndLeNetPasses(int seed)
    {
        DataSplit digits = Digits.Generate(train: 10_000, test: 2_000, seed: seed);

        Weights weights = Weights.Random((ulong)seed);
        var linear = new Sequential(weights, new Flatten(weights.In("flatten")), new Linear(weights.In("fc"), 784, 10));
        TrainingLog softmax = new Trainer(linear, new Adam(2e-3)) { Schedule = Schedules.Cosine() }.Fit(digits.Train, epochs: 20, validate: digits.Test);
        double best = softmax.Epochs.Max(e => e.ValidationAccuracy);

        var net = new LeNet5(Weights.Random((ulong)seed));
        TrainingLog log = new Trainer(net, new Adam(2e-3)) { BatchSize = 32, Schedule = Schedules.Cosine() }.Fit(
            digits.Train, epochs: 3, validate: digits.Test);
        double lenet = log.Epochs[^1].ValidationAccuracy;

        output.WriteLine($"seed {seed}: softmax at its best {best:P2}, LeNet-5 after three epochs {lenet:P2}");
        Assert.True(best < 0.93, $"A linear softmax reaches {best:P2}.");
        Assert.True(lenet > 0.98, $"LeNet-5 reaches {lenet:P2}.");
    }
}
