using static Vitrine.Insight.Tests.Quadrants;

namespace Vitrine.Insight.Tests;

/// <summary>Curves, minimal changes and transfer against formulas of linear classifiers.</summary>
public sealed class AttackMeasureTests
{
    private static readonly Linear Model = new(Weights.Random(4), 12, 2);
    private static readonly Dataset Points = Labelled(Model, 80);

    [Fact]
    public void TheCurveOfALinearClassifierIsTheShareOfMarginsAboveEpsilonTimesTheNorm()
    {
        double[] distances = Distances(Model, Points);
        float[] epsilons = [0, 0.05f, 0.1f, 0.2f, 0.4f, 2];
        double[] curve = AttackMeasure.Curve(Model, Points, epsilon => new Fgsm(epsilon), epsilons);
        for (int i = 0; i < epsilons.Length; i++) Assert.Equal(distances.Count(d => d > epsilons[i]) / 80.0, curve[i], 1e-9);
        Assert.Equal(1, curve[0]);
        Assert.Equal(0, curve[^1]);
    }

    [Fact]
    public void BisectionFindsTheDistanceOfEachExample()
    {
        double[] distances = Distances(Model, Points);
        float largest = (float)distances.Order().ElementAt(60);
        MinimalPerturbation found = MinimalPerturbation.Bisect(Model, Points, epsilon => new Fgsm(epsilon), largest, 10);
        for (int i = 0; i < distances.Length; i++)
        {
            if (double.IsInfinity(found.Sizes[i])) Assert.True(distances[i] > largest * 0.999);
            else Assert.InRange(found.Sizes[i], distances[i] - 1e-5, distances[i] + (largest / 1024) + 1e-5);
        }
        Assert.Equal(distances.Order().Skip(39).Take(2).Average(), found.Median, largest / 500);
        Assert.Equal(0, found.FooledWithin(0));
        Assert.InRange(found.FooledWithin(largest), 0.7, 0.8);
        Dataset wrong = new(Points.Inputs, Tensor.From([.. Points.Labels.Longs.ToArray().Select(l => 1 - l)], [80]), Points.Classes);
        Assert.All(MinimalPerturbation.Bisect(Model, wrong, epsilon => new Fgsm(epsilon), largest).Sizes, size => Assert.Equal(0, size));
    }

    [Fact]
    public void MediansOfFewExamples()
    {
        Assert.Equal(2, new MinimalPerturbation([3, 1, 2]).Median);
        Assert.Equal(1.5, new MinimalPerturbation([2, 1]).Median);
        Assert.Equal(double.PositiveInfinity, new MinimalPerturbation([double.PositiveInfinity, 1, double.PositiveInfinity]).Median);
        Assert.Equal(double.NaN, new MinimalPerturbation([]).Median);
    }

    [Fact]
    public void TransferIsWhatTheOtherNetworkSays()
    {
        const float epsilon = 0.15f;
        Sequential one = Trained(1), two = Trained(7);
        Dataset test = Data(60, 5);
        (double[,] fooled, int examples) = AttackMeasure.Transfer([one, two], test, new Fgsm(epsilon, range: Unit));
        int[] both = [.. Enumerable.Range(0, 60).Where(i => Right(one, test[i].Image, i) && Right(two, test[i].Image, i))];
        Assert.Equal(both.Length, examples);
        Sequential[] nets = [one, two];
        for (int a = 0; a < 2; a++)
        {
            for (int b = 0; b < 2; b++)
            {
                int count = both.Count(i => !Right(nets[b], new Fgsm(epsilon, range: Unit).Perturb(nets[a], test[i].Image, [test[i].Label]), i));
                Assert.Equal(count / (double)both.Length, fooled[a, b], 1e-9);
            }
        }
        (double[,] same, _) = AttackMeasure.Transfer([one, one], test, new Fgsm(epsilon, range: Unit));
        Assert.Equal(same[0, 0], same[0, 1]);
        Assert.Throws<ArgumentException>(() => AttackMeasure.Transfer([one], test, new Fgsm(epsilon, targeted: true)));

        bool Right(Module net, Tensor x, int i) => net.Predict(x).ArgMax(1).Longs[0] == test[i].Label;
    }

    [Fact]
    public void WorkIsReportedAndCanBeCancelled()
    {
        var shares = new List<double>();
        AttackMeasure.Attack(Model, Points, new Fgsm(0.1f), batch: 20, progress: new Listener(shares));
        Assert.Equal([0.25, 0.5, 0.75, 1], shares);
        var cancelled = new CancellationToken(true);
        Assert.Throws<OperationCanceledException>(() => AttackMeasure.Attack(Model, Points, new Fgsm(0.1f), cancel: cancelled));
        Assert.Throws<OperationCanceledException>(() => MinimalPerturbation.Bisect(Model, Points, e => new Fgsm(e), 1, cancel: cancelled));
        Assert.Throws<OperationCanceledException>(() => AttackMeasure.Transfer([Model], Points, new Fgsm(0.1f), cancel: cancelled));
    }

    private static double[] Distances(Linear model, Dataset points)
    {
        double norm = (model.Weight.Value.Slice(0, 0, 1) - model.Weight.Value.Slice(0, 1, 2)).Abs().Sum().Item();
        Tensor logits = model.Predict(points.Inputs);
        return [.. Enumerable.Range(0, points.Count).Select(i => Math.Abs((double)logits[i, 0] - logits[i, 1]) / norm)];
    }

    private static Dataset Labelled(Linear model, int count)
    {
        Tensor x = new RandomSource(5).Normal([count, 12]);
        return new Dataset(x, model.Predict(x).ArgMax(1), ["0", "1"]);
    }

    private sealed class Listener(List<double> heard) : IProgress<double>
    {
        public void Report(double value) => heard.Add(value);
    }
}
