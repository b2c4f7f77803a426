using static Vitrine.Engine.Tests.Training.SmallTraining;

namespace Vitrine.Engine.Tests.Training;

public sealed class AverageAndPlateauTests
{
    [Fact]
    public void AverageFollowsItsFormula()
    {
        Weights weights = Weights.Random(1);
        var net = new Linear(weights.In("l"), 3, 1, bias: false);
        var average = new WeightAverage(net, 0.5);
        double[] expected = [.. net.Weight.Value.ToArray().Select(v => (double)v)];
        for (int n = 0; n < 6; n++)
        {
            float[] values = [n, 2 * n + 1, -n];
            net.Weight.Assign(Tensor.From(values, [1, 3]));
            average.Update();
            double decay = Math.Min(0.5, (1.0 + n) / (10 + n));
            for (int i = 0; i < 3; i++) expected[i] = decay * expected[i] + (1 - decay) * values[i];
        }
        average.Swap();
        for (int i = 0; i < 3; i++) Assert.Equal(expected[i], net.Weight.Value.Floats[i], 1e-5);
        average.Swap();
        Assert.Equal([5f, 11, -5], net.Weight.Value.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => new WeightAverage(net, 1));
    }

    [Fact]
    public void ValidationAsksTheAveragedNetworkAndTrainingEndsWithIt()
    {
        Dataset data = Data(), other = Data(100, seed: 7);
        Sequential plain = Net(), averaged = Net();
        TrainingLog expected = new Trainer(plain, new Adam(1e-2)).Fit(data, 3, other);
        TrainingLog log = new Trainer(averaged, new Adam(1e-2)) { AverageDecay = 0.9 }.Fit(data, 3, other);
        // The average does not touch the training itself, only what is asked and what remains.
        Assert.Equal(expected.Losses, log.Losses);
        Assert.NotEqual(expected.Epochs[^1].ValidationLoss, log.Epochs[^1].ValidationLoss);
        Assert.NotEqual(Bytes(plain), Bytes(averaged));
        Assert.Equal(log.Epochs[^1].ValidationLoss, Evaluation.Of(averaged, other).Loss);
    }

    [Fact]
    public void PlateauLowersTheRateAsPyTorchDoes()
    {
        // The answers of PyTorch 1.13: ReduceLROnPlateau(factor=0.5, patience=1, threshold=0.1, cooldown=1, min_lr=0.2) from a rate of 1.
        double[] losses = [1.0, 0.8, 0.79, 0.78, 0.77, 0.76, 0.75, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
        double[] expected = [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2];
        var plateau = new ReduceOnPlateau(0.5, 1, 0.1, 1, 0.2);
        var state = new PlateauState();
        for (int i = 0; i < losses.Length; i++)
        {
            plateau.Observe(state, losses[i]);
            Assert.Equal(expected[i], state.Rate, 1e-12);
        }
    }

    [Fact]
    public void PlateauNeedsValidationAndLeavesTheOptimizersRateAsItWas()
    {
        var optimizer = new Adam(1e-3);
        var rates = new List<float>();
        var trainer = new Trainer(Net(), optimizer)
        {
            Plateau = new ReduceOnPlateau(0.1, 0, Threshold: 0.999),
            Loss = (y, t) => { rates.Add(optimizer.LearningRate); return Loss.CrossEntropy(y, t); },
        };
        Assert.Throws<ArgumentException>(() => trainer.Fit(Data(), 3));
        trainer.Fit(Data(), 4, Data(50));
        Assert.Equal([1e-3f, 1e-3f, 1e-4f, 1e-5f], rates.Chunk(5).Select(c => c[0]), (a, b) => Math.Abs(a - b) < 1e-9f);
        Assert.Equal(1e-3f, optimizer.LearningRate);
    }

    [Fact]
    public void SchedulesAreTheirFormulas()
    {
        Assert.Equal([1, 0.5f, 0], At(Schedules.Cosine(), 0, 0.5f, 1), Close);
        Assert.Equal([0, 0.5f, 1, 0.5f, 0], At(Schedules.WarmUp(0.2f, Schedules.Cosine()), 0, 0.1f, 0.2f, 0.6f, 1), Close);
        Assert.Equal([0.04f, 0.52f, 1, 0.50005f, 1e-4f], At(Schedules.OneCycle(), 0, 0.15f, 0.3f, 0.65f, 1), Close);
        Assert.Equal([1, 0.1f, 0.1f, 0.01f], At(Schedules.Steps(0.1f, 0.5f, 0.75f), 0.49f, 0.5f, 0.74f, 0.75f), Close);

        static float[] At(Schedule schedule, params float[] done) => [.. done.Select(d => schedule(d))];

        static bool Close(float a, float b) => Math.Abs(a - b) < 1e-5f;
    }
}
