using static Vitrine.Engine.Tests.Training.SmallTraining;
using Parallel = Vitrine.Cpu.Parallel;

namespace Vitrine.Engine.Tests.Training;

public sealed class TrainerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vitrine").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void SameSeedGivesTheSameBytesWithOneThreadAndTwo()
    {
        int threads = Parallel.Threads;
        try
        {
            Parallel.Threads = 1;
            float[] one = Trained();
            Parallel.Threads = 2;
            Assert.Equal(one, Trained());
            Parallel.Threads = 5;
            Assert.Equal(one, Trained());
        }
        finally
        {
            Parallel.Threads = threads;
        }

        float[] Trained()
        {
            Sequential net = Net();
            new Trainer(net, new Adam(1e-3)) { Seed = 3 }.Fit(Data(), 2);
            return Bytes(net);
        }
    }

    [Fact]
    public void ResumeContinuesBitForBit()
    {
        string path = Path.Combine(_folder, "checkpoint.safetensors");
        Sequential whole = Net();
        TrainingLog expected = new Trainer(whole, new Adam(1e-3)) { Seed = 3 }.Fit(Data(), 4, Data(100));

        // Interrupted in the middle of the second pass, continued by another network and another optimizer.
        using var cancel = new CancellationTokenSource();
        int steps = 0;
        var interrupted = new Trainer(Net(), new Adam(1e-3)) { Seed = 3, Checkpoint = path, Loss = Counting };
        Assert.Equal("cancelled", interrupted.Fit(Data(), 4, Data(100), cancel.Token).Ending);
        Sequential continued = Net(seed: 99);
        TrainingLog log = new Trainer(continued, new Adam(1e-3)) { Seed = 3, Checkpoint = path, Resume = true }.Fit(Data(), 4, Data(100));

        Assert.Equal(Bytes(whole), Bytes(continued));
        Assert.Equal("done", log.Ending);
        Assert.Equal(expected.Losses, log.Losses);
        Assert.Equal(expected.Epochs.Select(e => e with { Seconds = 0 }), log.Epochs.Select(e => e with { Seconds = 0 }));
        Assert.Single(Directory.GetFiles(_folder));

        Tensor Counting(Tensor outputs, Tensor labels)
        {
            if (++steps == 7) cancel.Cancel();
            return Loss.CrossEntropy(outputs, labels);
        }
    }

    [Fact]
    public void CheckpointOfAnotherTrainingIsRefused()
    {
        string path = Path.Combine(_folder, "checkpoint.safetensors");
        new Trainer(Net(), new Adam(1e-3)) { Seed = 3, Checkpoint = path }.Fit(Data(), 1);
        Assert.Contains("seed 3", Refused(new Trainer(Net(), new Adam(1e-3)) { Seed = 4, Checkpoint = path, Resume = true }), StringComparison.Ordinal);
        Assert.Contains("Adam", Refused(new Trainer(Net(), new Sgd(0.1f)) { Seed = 3, Checkpoint = path, Resume = true }), StringComparison.Ordinal);
        Assert.Contains("shape", Refused(new Trainer(Net(width: 9), new Adam(1e-3)) { Seed = 3, Checkpoint = path, Resume = true }), StringComparison.Ordinal);

        static string Refused(Trainer trainer) => Assert.Throws<ArgumentException>(() => trainer.Fit(Data(), 2)).Message;
    }

    [Fact]
    public void EarlyStoppingGivesTheBestWeightsBack()
    {
        Sequential net = Net();
        // Labels that say nothing: validation cannot get better for long.
        Dataset noise = Data(128, seed: 5, shuffledLabels: true), other = Data(128, seed: 6, shuffledLabels: true);
        TrainingLog log = new Trainer(net, new Adam(3e-2)) { Patience = 2 }.Fit(noise, 50, other);
        Assert.Equal("early stop", log.Ending);
        Assert.Equal(log.BestEpoch + 2, log.Epochs.Count);
        Assert.Equal(log.Epochs.Min(e => e.ValidationLoss), Evaluation.Of(net, other).Loss, 6);
    }

    [Fact]
    public void LearnsWhatCanBeLearned()
    {
        Sequential net = Net();
        TrainingLog log = new Trainer(net, new Sgd(0.1f, momentum: 0.9f, nesterov: true)).Fit(Data(2000), 5, Data(500, seed: 8));
        Assert.True(log.Epochs[^1].ValidationAccuracy > 0.97, $"Accuracy {log.Epochs[^1].ValidationAccuracy}");
    }

    [Fact]
    public void LossThatIsNotFiniteSaysAtWhichStep()
    {
        var error = Assert.Throws<ArithmeticException>(() => new Trainer(Net(), new Adam()) { Loss = (o, t) => Loss.CrossEntropy(o, t).Log() * 1e38f * 1e38f }.Fit(Data(), 3));
        Assert.Contains("step", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NumericsGuardNamesOperatorScopeAndStep()
    {
        // The square root of zero is finite, its gradient is not.
        Weights weights = Weights.Random(1);
        var net = new Sequential(weights, new Flatten(weights.In("flatten")), new Linear(weights.In("fc"), 64, 2), new Layer(weights.In("root"), Ops.SqrtOp.Instance));
        net.Load(net.State().ToDictionary(s => s.Key, s => Tensor.Zeros(s.Value.Shape), StringComparer.Ordinal));
        var error = Assert.Throws<NumericsException>(() => new Trainer(net, new Adam()) { CheckNumerics = true }.Fit(Data(), 1));
        Assert.Contains("Step 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("Sqrt", error.Message, StringComparison.Ordinal);
        Assert.Contains("root", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CancellationDuringValidationResumesWithTheValidation()
    {
        string path = Path.Combine(_folder, "checkpoint.safetensors");
        Sequential whole = Net();
        TrainingLog expected = new Trainer(whole, new Adam(1e-3)) { Seed = 3 }.Fit(Data(), 2, Data(100));

        // Cancelled by the last step of the first pass, so that validation is what is interrupted.
        using var cancel = new CancellationTokenSource();
        int steps = 0;
        var trainer = new Trainer(Net(), new Adam(1e-3)) { Seed = 3, Checkpoint = path, Loss = CancelAtTheEnd };
        Assert.Equal("cancelled", trainer.Fit(Data(), 2, Data(100), cancel.Token).Ending);
        Sequential continued = Net(seed: 99);
        TrainingLog log = new Trainer(continued, new Adam(1e-3)) { Seed = 3, Checkpoint = path, Resume = true }.Fit(Data(), 2, Data(100));
        Assert.Equal(Bytes(whole), Bytes(continued));
        Assert.Equal(expected.Epochs.Select(e => e with { Seconds = 0 }), log.Epochs.Select(e => e with { Seconds = 0 }));

        Tensor CancelAtTheEnd(Tensor outputs, Tensor labels)
        {
            if (++steps == 5) cancel.Cancel();
            return Loss.CrossEntropy(outputs, labels);
        }
    }

    [Fact]
    public void ProgressEndsWithEveryEpoch()
    {
        var finished = new List<Epoch>();
        new Trainer(Net(), new Adam()) { Progress = p => { if (p.Finished is { } e) finished.Add(e); } }.Fit(Data(), 3);
        Assert.Equal([1, 2, 3], finished.Select(e => e.Number));
    }
}
