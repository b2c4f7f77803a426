using System.Globalization;
using Vitrine.Models;

namespace Vitrine.Insight.Tests;

public sealed class RobustnessTests
{
    private static readonly int[] Labels = [3, 7, 1];

    [Fact]
    public void ChangesStayWithinTheRadiusAndTheBounds()
    {
        LeNet5 net = new(Weights.Random(1));
        Tensor x = Images();
        foreach (ulong? start in new ulong?[] { null, 5 })
        {
            Tensor infinity = new Pgd(0.1f, 0.03f, 5, range: new ValidRange(0, 1), start: start).Perturb(net, x, Labels);
            Assert.InRange((infinity - x).Abs().Max([]).Item(), 0.05f, 0.1f + 1e-6f);
            Assert.InRange(infinity.Min([]).Item(), 0, 1);
            Assert.InRange(infinity.Max([]).Item(), 0, 1);
            Tensor two = new Pgd(0.5f, 0.2f, 5, AttackNorm.Two, start: start).Perturb(net, x, Labels);
            Assert.All((two - x).Square().Sum([1, 2, 3]).Sqrt().ToArray(), length => Assert.InRange(length, 0.4f, 0.5f + 1e-5f));
        }
    }

    [Fact]
    public void StepsRaiseTheLossOfTheTrueClassAndLowerThatOfATarget()
    {
        LeNet5 net = new(Weights.Random(1));
        Tensor x = Images();
        float[] before = Losses(net, x);
        foreach (AttackNorm norm in Enum.GetValues<AttackNorm>())
        {
            float[] away = Losses(net, new Fgsm(0.05f, norm).Perturb(net, x, Labels));
            float[] to = Losses(net, new Fgsm(0.05f, norm, targeted: true).Perturb(net, x, Labels));
            float[] far = Losses(net, new Pgd(0.2f, 0.05f, 8, norm).Perturb(net, x, Labels));
            for (int i = 0; i < before.Length; i++)
            {
                string found = string.Create(CultureInfo.InvariantCulture, $"{norm}: {to[i]}, {before[i]}, {away[i]}, {far[i]}");
                Assert.True(away[i] > before[i] && to[i] < before[i] && far[i] > away[i], found);
            }
        }
    }

    [Fact]
    public void ABatchEqualsItsSingles()
    {
        LeNet5 net = new(Weights.Random(1));
        Tensor x = Images();
        var attack = new Pgd(0.1f, 0.03f, 5, AttackNorm.Two, start: 2);
        Tensor batch = attack.Perturb(net, x, Labels);
        for (int i = 0; i < 3; i++)
        {
            Tensor single = attack.Perturb(net, x.Slice(0, i, i + 1), [Labels[i]]);
            Assert.True((single - batch.Slice(0, i, i + 1)).Abs().Max([]).Item() < 1e-5f);
        }
    }

    [Fact]
    public void BadLabelsAreNamed()
    {
        LeNet5 net = new(Weights.Random(1));
        Assert.Contains("2 labels", Assert.Throws<ArgumentException>(() => new Fgsm(0.1f).Perturb(net, Images(), [1, 2])).Message, StringComparison.Ordinal);
        Assert.Contains("12", Assert.Throws<ArgumentException>(() => new Fgsm(0.1f).Perturb(net, Images(), [1, 2, 12])).Message, StringComparison.Ordinal);
    }

    private static Tensor Images() => new RandomSource(3).Uniform([3, 1, 28, 28]);

    private static float[] Losses(LeNet5 net, Tensor x) =>
        [.. Labels.Select((label, i) => -net.Predict(x.Slice(0, i, i + 1)).LogSoftmax(1)[0, label])];
}
