using static Vitrine.Insight.Tests.Quadrants;

namespace Vitrine.Insight.Tests;

/// <summary>What holds of every attack.</summary>
public sealed class AttackTheory
{
    private static readonly Lazy<Sequential> Net = new(() => Trained());
    private static readonly Dataset Few = Data(4, 9);

    internal static IReadOnlyDictionary<string, Func<IAttack>> All { get; } = new Dictionary<string, Func<IAttack>>(StringComparer.Ordinal)
    {
        ["fgsm"] = () => new Fgsm(0.1f, range: Unit),
        ["fgsm l2"] = () => new Fgsm(0.5f, AttackNorm.Two, range: Unit),
        ["fgsm targeted"] = () => new Fgsm(0.1f, targeted: true, range: Unit),
        ["iterative fgsm"] = () => new IterativeFgsm(0.1f, 0.02f, 8, range: Unit),
        ["iterative fgsm targeted"] = () => new IterativeFgsm(0.1f, 0.02f, 8, targeted: true, range: Unit),
        ["pgd"] = () => new Pgd(0.1f, 0.02f, 8, range: Unit, start: 3),
        ["pgd l2"] = () => new Pgd(0.8f, 0.2f, 8, AttackNorm.Two, range: Unit, start: 3),
        ["pgd targeted"] = () => new Pgd(0.1f, 0.02f, 8, targeted: true, range: Unit, start: 3),
        ["deepfool"] = () => new DeepFool(range: Unit),
        ["deepfool linf"] = () => new DeepFool(AttackNorm.Infinity, range: Unit),
        ["carlini-wagner"] = () => new CarliniWagner(Unit, steps: 60, searches: 4, first: 1),
        ["carlini-wagner targeted"] = () => new CarliniWagner(Unit, targeted: true, steps: 60, searches: 4, first: 1),
        ["one pixel"] = () => new OnePixel(population: 20, generations: 4, range: Unit, seed: 3),
        ["one pixel targeted"] = () => new OnePixel(3, population: 20, generations: 4, targeted: true, range: Unit, seed: 3),
        ["universal"] = () => new FixedPerturbation(new RandomSource(8).Uniform([1, 1, 8, 8], -0.1f, 0.1f), Unit),
        ["uniform noise"] = () => new Noise(0.1f, NoiseKind.Uniform, range: Unit),
        ["sign noise"] = () => new Noise(0.1f, range: Unit),
        ["gaussian noise"] = () => new Noise(0.8f, NoiseKind.Gaussian, AttackNorm.Two, Unit),
    };

    public static TheoryData<string> Names => [.. All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void KeepsShapeRangeAndNetworkAndGivesTheSameBytesAgain(string name)
    {
        IAttack attack = All[name]();
        float[] weights = Bytes(), input = Few.Inputs.ToArray();
        Tensor changed = attack.Perturb(Net.Value, Few.Inputs, Labels(Few));
        Assert.Equal(Few.Inputs.Shape, changed.Shape);
        Assert.All(changed.ToArray(), v => Assert.InRange(v, 0, 1));
        Assert.Equal(weights, Bytes());
        Assert.Equal(input, Few.Inputs.ToArray());
        Assert.Equal(changed.ToArray(), All[name]().Perturb(Net.Value, Few.Inputs, Labels(Few)).ToArray());
        Assert.NotEmpty(attack.Name);

        static float[] Bytes() => [.. Net.Value.State().Values.SelectMany(v => v.ToArray())];
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void ABatchEqualsItsSingles(string name)
    {
        IAttack attack = All[name]();
        Tensor batch = attack.Perturb(Net.Value, Few.Inputs, Labels(Few));
        for (int i = 0; i < Few.Count; i++)
        {
            Tensor single = attack.Perturb(Net.Value, Few[i].Image, [Few[i].Label]);
            Assert.InRange((single - batch.Slice(0, i, i + 1)).Abs().Max([]).Item(), 0, 1e-4f);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EndsWhenCancelled(string name) => Assert.Throws<OperationCanceledException>(
        () => All[name]().Perturb(Net.Value, Few.Inputs, Labels(Few), null, new CancellationToken(true)));

    [Theory]
    [MemberData(nameof(Names))]
    public void BadInputsAreNamed(string name)
    {
        IAttack attack = All[name]();
        string count = Assert.Throws<ArgumentException>(() => attack.Perturb(Net.Value, Few.Inputs, [1, 2])).Message;
        Assert.Contains("2 labels", count, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => attack.Perturb(Net.Value, Tensor.Zeros([4]), [0, 0, 0, 0]));
        if (attack is Noise or FixedPerturbation) return; // these never ask the network
        string unknown = Assert.Throws<ArgumentException>(() => attack.Perturb(Net.Value, Few.Inputs, [0, 1, 2, 4])).Message;
        Assert.Contains("class 4", unknown, StringComparison.Ordinal);
        var single = new Function(x => x.Flatten().Sum([1], keepDims: true));
        string one = Assert.Throws<ArgumentException>(() => attack.Perturb(single, Few.Inputs, [0, 0, 0, 0])).Message;
        Assert.Contains("two classes", one, StringComparison.Ordinal);
    }
}
