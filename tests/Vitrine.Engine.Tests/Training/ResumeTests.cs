using static Vitrine.Engine.Tests.Training.SmallTraining;

namespace Vitrine.Engine.Tests.Training;

/// <summary>A training that is interrupted and resumed gives the bytes of one that was not, whatever it consists of.</summary>
public sealed class ResumeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vitrine").FullName;

    public static TheoryData<string> Optimizers => [.. OptimizerTests.Makers.Keys, "lbfgs"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void WithEveryOptimizer(string name) => Check(name, (network, optimizer, path, resume, loss) => new Trainer(network, optimizer)
    {
        Seed = 3,
        Checkpoint = path,
        Resume = resume,
        Loss = loss,
    });

    [Theory]
    [InlineData("adam")]
    [InlineData("sgd nesterov")]
    [InlineData("lbfgs")]
    public void WithEverythingElseTurnedOn(string name) => Check(name, (network, optimizer, path, resume, loss) => new Trainer(network, optimizer)
    {
        Seed = 3,
        Checkpoint = path,
        Resume = resume,
        Loss = loss,
        AverageDecay = 0.95,
        Plateau = new ReduceOnPlateau(0.5, Patience: 0, Cooldown: 1),
        Schedule = Schedules.WarmUp(0.2f, Schedules.Cosine()),
        L1 = 1e-4f,
        L2 = 1e-3f,
        ClipNorm = 0.5f,
        ClipValue = 0.1f,
        Patience = 10,
    });

    [Theory]
    [InlineData("adam", 0.5f)]
    [InlineData("lbfgs", 1f)]
    public void WithAnAdversary(string name, float share) => Check(name, (network, optimizer, path, resume, loss) => new Trainer(network, optimizer)
    {
        Seed = 3,
        Checkpoint = path,
        Resume = resume,
        Loss = loss,
        Adversary = (_, inputs, _, seed) => inputs + new RandomSource(seed).Uniform(inputs.Shape, -0.3f, 0.3f),
        AdversarialShare = share,
    });

    [Fact]
    public void FrozenParametersAreFrozenAgain()
    {
        string path = Path.Combine(_folder, "checkpoint.safetensors");
        Sequential first = Net(), second = Net();
        first.Parameters[0].IsFrozen = true;
        second.Parameters[1].IsFrozen = true;
        new Trainer(first, new Adam()) { Checkpoint = path }.Fit(Data(), 1);
        new Trainer(second, new Adam()) { Checkpoint = path, Resume = true }.Fit(Data(), 2);
        Assert.Equal(first.Parameters[0].Value.ToArray(), second.Parameters[0].Value.ToArray());
        Assert.Equal([true, false], second.Parameters.Take(2).Select(p => p.IsFrozen));
    }

    [Fact]
    public void WithAnAverageOnOneSideOnlyIsRefused()
    {
        string path = Path.Combine(_folder, "checkpoint.safetensors");
        new Trainer(Net(), new Adam()) { Checkpoint = path }.Fit(Data(), 1);
        var other = new Trainer(Net(), new Adam()) { Checkpoint = path, Resume = true, AverageDecay = 0.9 };
        var error = Assert.Throws<ArgumentException>(() => other.Fit(Data(), 2));
        Assert.Contains("average", error.Message, StringComparison.Ordinal);
    }

    private void Check(string name, Func<Module, Optimizer, string?, bool, Func<Tensor, Tensor, Tensor>, Trainer> make)
    {
        string path = Path.Combine(_folder, "checkpoint.safetensors");
        Func<Optimizer> optimizer = name == "lbfgs" ? () => new Lbfgs(maxIterations: 4) : OptimizerTests.Makers[name];
        Sequential whole = Net(), interrupted = Net(), continued = Net(seed: 99);
        Dataset data = Data(), other = Data(100, seed: 7);
        TrainingLog expected = make(whole, optimizer(), null, false, Plain).Fit(data, 4, other);

        // Cancelled in the second pass, after seven steps of five each; continued by another network and another optimizer.
        using var cancel = new CancellationTokenSource();
        var steps = new HashSet<Tensor>();
        Assert.Equal("cancelled", make(interrupted, optimizer(), path, false, Counting).Fit(data, 4, other, cancel.Token).Ending);
        TrainingLog log = make(continued, optimizer(), path, true, Plain).Fit(data, 4, other);
        Assert.Equal(Bytes(whole), Bytes(continued));
        Assert.Equal(expected.Losses, log.Losses);
        Assert.Equal(expected.Epochs.Select(e => e with { Seconds = 0 }), log.Epochs.Select(e => e with { Seconds = 0 }));

        static Tensor Plain(Tensor outputs, Tensor labels) => Loss.CrossEntropy(outputs, labels);

        // Counts batches, not evaluations: a line search asks about one batch several times.
        Tensor Counting(Tensor outputs, Tensor labels)
        {
            if (steps.Add(labels) && steps.Count == 7) cancel.Cancel();
            return Loss.CrossEntropy(outputs, labels);
        }
    }
}
