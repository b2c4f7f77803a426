namespace Vitrine.Insight.Tests;

/// <summary>Training against attacks, on data with one feature that withstands them and many that do not.</summary>
public sealed class AdversarialTrainingTests
{
    private const float Epsilon = 0.6f;

    [Theory]
    [InlineData("fgsm", 0.5f)]
    [InlineData("fgsm", 1f)]
    [InlineData("pgd", 1f)]
    public void MakesANetworkWithstandWhatItWasTrainedAgainst(string name, float share)
    {
        Func<Module, Tensor, Tensor, ulong, Tensor> adversary = name == "fgsm"
            ? AdversarialTraining.Fgsm(Epsilon) : AdversarialTraining.Pgd(Epsilon, Epsilon / 2, 4);
        Dataset test = Data(300, 2);
        Linear plain = Train(null, 1), hardened = Train(adversary, share);
        double before = AttackMeasure.Accuracy(plain, test, new Fgsm(Epsilon)), after = AttackMeasure.Accuracy(hardened, test, new Fgsm(Epsilon));
        Assert.True(Evaluation.Of(plain, test).Accuracy > 0.95);
        Assert.True(before < 0.3 && after > before + 0.4, $"{before} {after}");
    }

    [Fact]
    public void SameSeedSameBytes()
    {
        Func<Module, Tensor, Tensor, ulong, Tensor> adversary = AdversarialTraining.Pgd(0.1f, 0.05f, 3);
        Assert.Equal(Train(adversary, 0.5f).Weight.Value.ToArray(), Train(adversary, 0.5f).Weight.Value.ToArray());
    }

    [Fact]
    public void BadArgumentsAreRefusedAtOnce()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => AdversarialTraining.Fgsm(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => AdversarialTraining.Pgd(1, 1, 0));
    }

    private static Linear Train(Func<Module, Tensor, Tensor, ulong, Tensor>? adversary, float share)
    {
        var net = new Linear(Weights.Random(1), 61, 2);
        new Trainer(net, new Adam(0.01)) { BatchSize = 50, Seed = 1, Adversary = adversary, AdversarialShare = share }.Fit(Data(600, 1), 25);
        return net;
    }

    // After Tsipras et al. 2019, "Robustness may be at odds with accuracy": the first number tells the class in 19 of 20 cases and is larger than an attack;
    // sixty others each tell a little, together nearly everything, and an attack turns them all around.
    private static Dataset Data(int count, ulong seed)
    {
        var random = new RandomSource(seed);
        float[] x = new float[count * 61];
        long[] labels = new long[count];
        for (int i = 0; i < count; i++)
        {
            labels[i] = random.NextInt(2);
            float side = labels[i] == 0 ? -1 : 1;
            x[i * 61] = random.NextFloat() < 0.95f ? side : -side;
            for (int k = 1; k < 61; k++) x[(i * 61) + k] = (side * 0.3f) + random.NextNormal();
        }
        return new Dataset(Tensor.From(x, [count, 61]), Tensor.From(labels, [count]), ["left", "right"]);
    }
}
