namespace Vitrine.Insight.Tests;

public sealed class ConceptTests
{
    // Two features at 8 inputs: the class depends on the sum of inputs 0 and 1, and not at all on 4 and 5.
    private static readonly Sequential Net = Make();

    private static Sequential Make()
    {
        float[] first = new float[8 * 8], second = new float[16];
        for (int i = 0; i < 8; i++) first[i * 9] = 1;
        second[0] = second[1] = 1;
        second[8 + 2] = 1;
        Weights weights = Weights.From(new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            ["a.weight"] = Tensor.From(first, [8, 8]),
            ["a.bias"] = Tensor.Zeros([8]),
            ["b.weight"] = Tensor.From(second, [2, 8]),
            ["b.bias"] = Tensor.Zeros([2]),
        });
        var square = new Function(weights.In("square"), x => x.Square() * 0.5f + x);
        return new Sequential(weights, new Linear(weights.In("a"), 8, 8), square, new Linear(weights.In("b"), 8, 2));
    }

    private static Tensor Noise(int count, ulong seed, params int[] raised)
    {
        float[] values = new RandomSource(seed).Normal([count, 8], 0, 0.5f).ToArray();
        for (int n = 0; n < count; n++)
        {
            foreach (int i in raised) values[n * 8 + i] += 2;
        }
        return Tensor.From(values, [count, 8]);
    }

    [Fact]
    public void ConceptThatMattersIsToldFromOneThatDoesNot()
    {
        Tensor[] random = [.. Enumerable.Range(0, 20).Select(i => Noise(30, (ulong)(100 + i)))];
        Tensor inputs = Noise(40, 7, 0, 1);
        ConceptScore matters = Tcav.Test(Net, "a", Noise(30, 1, 0, 1), random, inputs, Target.Class(0));
        Assert.Equal(1, matters.Score);
        Assert.True(matters.P < 0.001, $"p = {matters.P}");
        Assert.InRange(matters.Accuracy, 0.95, 1);
        ConceptScore against = Tcav.Test(Net, "a", Noise(30, 2, 2), random, inputs, Target.Class(0));
        Assert.True(against.P > 0.001 || Math.Abs(against.Score - 0.5) < 0.5, $"p = {against.P}, score {against.Score}");
        double[] vector = Tcav.Vector(Net, "a", Noise(300, 1, 0, 1), Noise(300, 9));
        Assert.Equal(1, vector.Sum(v => v * v), 1e-9);
        Assert.True(vector[..2].All(v => Math.Abs(v - Math.Sqrt(0.5)) < 0.1) && vector[2..].All(v => Math.Abs(v) < 0.1), string.Join(" ", vector));
    }

    [Fact]
    public void TwoSidedTestOfStudent()
    {
        // With one degree of freedom on each side and equal variances there are two: p = 1 - |t| / sqrt(2 + t^2).
        double t = (1.5 - 4.5) / Math.Sqrt(0.25 + 0.25);
        Assert.Equal(1 - Math.Abs(t) / Math.Sqrt(2 + t * t), Student.P([1, 2], [4, 5]), 1e-9);
        Assert.Equal(1, Student.P([1, 2, 3], [1, 2, 3]), 1e-12);
        Assert.Equal(0, Student.P([1, 1], [2, 2]));
    }

    [Fact]
    public void EffectOfANeuronIsThatOfSettingIt()
    {
        // Class 0 is the sum over inputs 0 and 1 of x^2/2 + x; setting x0 to v makes it v^2/2 + v plus what input 1 gives on average.
        Tensor inputs = Noise(50, 3);
        CausalEffect found = CausalEffect.Of(Net, inputs, Place.Input(0), Target.Class(0), 5);
        double rest = Enumerable.Range(0, 50).Average(n => inputs[n, 1] * inputs[n, 1] / 2.0 + inputs[n, 1]);
        Assert.Equal(5, found.Values.Count);
        for (int i = 0; i < 5; i++) Assert.Equal(found.Values[i] * found.Values[i] / 2 + found.Values[i] + rest, found.Expectations[i], 1e-5);
        Assert.Equal(0, found.Effects.Sum(), 1e-9);
        Assert.All(CausalEffect.Of(Net, inputs, new Place("a", 5), Target.Class(0)).Effects, e => Assert.Equal(0, e, 1e-9));
        Assert.Throws<ArgumentException>(() => CausalEffect.Of(Net, inputs, new Place("a", 8), Target.Class(0)));
    }
}
