namespace Vitrine.Insight.Tests;

public sealed class TrainingDataTests
{
    private static readonly Func<Tensor, Tensor, Tensor> Squares = (output, labels) => (output.Squeeze(1) - labels.Cast(DType.Float32)).Square().Mean();

    private static Dataset Line(int count, ulong seed)
    {
        Tensor x = new RandomSource(seed).Normal([count, 3]);
        long[] y = [.. Enumerable.Range(0, count).Select(n => (long)Math.Round(3 + x[n, 0] - 0.5 * x[n, 1] + 0.7 * new RandomSource(seed).Normal([count])[n]))];
        return new Dataset(x, Tensor.From([.. y.Select(v => Math.Clamp(v, 0, 9))], [count]), [.. Enumerable.Range(0, 10).Select(k => $"{k}")]);
    }

    /// <summary>Least squares by the normal equations, with one example left out or none.</summary>
    private static double[] Best(Dataset data, double ridge, int without = -1)
    {
        int[] rows = [.. Enumerable.Range(0, data.Count).Where(n => n != without)];
        double[][] x = [.. rows.Select(n => (double[])[data.Inputs[n, 0], data.Inputs[n, 1], data.Inputs[n, 2], 1])];
        // The mean of squares over all examples but the one, in which its weight is missing, and half the ridge of a gradient's damping.
        return LeastSquares.Fit(x, [.. rows.Select(n => (double)data.Labels.Longs[n])], [.. rows.Select(_ => 1.0 / data.Count)], ridge / 2);
    }

    private static Linear Model(double[] weights)
    {
        var state = new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            ["weight"] = Tensor.From([(float)weights[0], (float)weights[1], (float)weights[2]], [1, 3]),
            ["bias"] = Tensor.From((float)weights[3]),
        };
        return new Linear(Weights.From(state), 3, 1);
    }

    [Fact]
    public void InfluenceFunctionsEqualTheFormulaOfLeastSquares()
    {
        Dataset training = Line(30, 1), test = Line(3, 2);
        Linear model = Model(Best(training, 0));
        double[,] found = InfluenceFunctions.Of(model, training, test, Squares, damping: 0);
        // H = 2/n X'X with a column of ones; a gradient is 2 (prediction - y) (x, 1).
        double[,] hessian = new double[4, 4];
        for (int n = 0; n < 30; n++)
        {
            for (int i = 0; i < 4; i++)
            {
                for (int j = 0; j < 4; j++) hessian[i, j] += 2.0 / 30 * Row(training, n)[i] * Row(training, n)[j];
            }
        }
        for (int t = 0; t < 3; t++)
        {
            double[] direction = LeastSquares.Solve((double[,])hessian.Clone(), Gradient(test, t));
            for (int n = 0; n < 30; n++)
            {
                double expected = -Gradient(training, n).Zip(direction).Sum(p => p.First * p.Second);
                Assert.Equal(expected, found[t, n], 1e-3 * (1 + Math.Abs(expected)));
            }
        }

        double[] Row(Dataset data, int n) => [data.Inputs[n, 0], data.Inputs[n, 1], data.Inputs[n, 2], 1];
        double[] Gradient(Dataset data, int n)
        {
            double error = model.Predict(data.Inputs.Slice(0, n, n + 1)).Item() - data.Labels.Longs[n];
            return [.. Row(data, n).Select(v => 2 * error * v)];
        }
    }

    [Fact]
    public void InfluenceOrdersExamplesAsLeavingThemOutDoes()
    {
        Dataset training = Line(40, 3), test = Line(1, 4);
        const double ridge = 0.1;
        Linear model = Model(Best(training, ridge));
        double[,] found = InfluenceFunctions.Of(model, training, test, Squares, damping: ridge);
        double whole = LossOf(model);
        float[] estimated = new float[40], real = new float[40];
        for (int n = 0; n < 40; n++)
        {
            estimated[n] = (float)(-found[0, n] / 40);
            real[n] = (float)(LossOf(Model(Best(training, ridge, n))) - whole);
        }
        Assert.True(Similarity.Spearman(estimated, real) > 0.98, $"rank correlation {Similarity.Spearman(estimated, real)}");

        double LossOf(Linear of) => Squares(of.Predict(test.Inputs), test.Labels).Item();
    }

    [Fact]
    public void TracInIsTheProductOfGradientsAndLeavesTheNetworkAsItWas()
    {
        Dataset training = Line(6, 5), test = Line(2, 6);
        Linear model = Model([1, 2, 3, 4]);
        TrainingMoment early = TrainingMoment.Of(Model([0, 0, 0, 1]), 0.5), late = TrainingMoment.Of(model, 0.1);
        double[,] both = TracIn.Of(model, [early, late], training, test, Squares), one = TracIn.Of(model, [late], training, test, Squares);
        Assert.Equal([1, 2, 3], model.Weight.Value.ToArray());
        for (int t = 0; t < 2; t++)
        {
            for (int n = 0; n < 6; n++)
            {
                double product = Near(t, n);
                Assert.Equal(0.1 * 4 * Error(model, test, t) * Error(model, training, n) * product, one[t, n], 1e-3 * (1 + Math.Abs(one[t, n])));
                Linear first = Model([0, 0, 0, 1]);
                Assert.Equal(one[t, n] + 0.5 * 4 * Error(first, test, t) * Error(first, training, n) * product, both[t, n], 1e-3 * (1 + Math.Abs(both[t, n])));
            }
        }

        double Error(Linear of, Dataset data, int n) => of.Predict(data.Inputs.Slice(0, n, n + 1)).Item() - data.Labels.Longs[n];
        double Near(int t, int n) => 1 + Enumerable.Range(0, 3).Sum(i => (double)test.Inputs[t, i] * training.Inputs[n, i]);
    }

    [Fact]
    public void CancelledTracInPutsTheStateBack()
    {
        Dataset data = Line(4, 5);
        Linear model = Model([1, 2, 3, 4]);
        using var source = new CancellationTokenSource();
        var seen = new ProbeTests.Seen(source.Cancel);
        Assert.Throws<OperationCanceledException>(() => TracIn.Of(model, [TrainingMoment.Of(Model([9, 9, 9, 9]), 1)], data, data, Squares, seen, source.Token));
        Assert.Equal([1, 2, 3], model.Weight.Value.ToArray());
    }

    [Fact]
    public void NeighboursAreThoseOfALoop()
    {
        var net = LeNetGoldenTests.Net();
        Tensor training = new RandomSource(1).Uniform([150, 1, 28, 28]), queries = LeNetGoldenTests.Input;
        IReadOnlyList<IReadOnlyList<Neighbour>> found = Neighbours.Of(net, training, queries, "fc2", 4);
        var run = new Run().Tap("fc2");
        net.Call(run, training);
        Tensor known = run.Taps["fc2"];
        run.Restart(0);
        net.Call(run, queries);
        Tensor asked = run.Taps["fc2"];
        for (int q = 0; q < 2; q++)
        {
            double[] distance = [.. Enumerable.Range(0, 150).Select(n => Math.Sqrt(Enumerable.Range(0, 84).Sum(i => Math.Pow(known[n, i] - asked[q, i], 2))))];
            Assert.Equal(Enumerable.Range(0, 150).OrderBy(n => distance[n]).Take(4), found[q].Select(n => n.Index));
            Assert.Equal(distance.Min(), found[q][0].Distance, 1e-4);
        }
        Assert.Equal([0, 0], Neighbours.Of(net, queries, queries, null, 1, unit: true).Select(n => n[0].Distance));
    }

    [Fact]
    public void PrototypesStandForTheHeapsAndACriticismForTheFew()
    {
        // Three heaps of twenty, far apart, and four examples away from all.
        float[] points = new RandomSource(2).Normal([64, 2], 0, 0.3f).ToArray();
        for (int n = 0; n < 64; n++)
        {
            points[2 * n] += n >= 60 ? 30 : n / 20 * 10;
            points[2 * n + 1] += n >= 60 ? 30 : 0;
        }
        Tensor x = Tensor.From(points, [64, 2]);
        var same = new Function(v => v + 0);
        Prototypes found = Prototypes.Of(same, x, null, prototypes: 3, criticisms: 1, gamma: 0.1);
        Assert.Equal([0, 1, 2], found.Chosen.Select(n => n / 20).Order());
        Assert.InRange(found.Criticisms.Single(), 60, 63);
        Assert.Equal(found.Discrepancy.OrderDescending(), found.Discrepancy);
        Assert.Equal(Squared([.. found.Chosen]), found.Discrepancy[^1], 1e-5);
        Assert.Throws<ArgumentException>(() => Prototypes.Of(same, x, null, 63, 2));

        double Squared(int[] chosen)
        {
            int[] all = [.. Enumerable.Range(0, 64)];
            return Mean(all, all) - 2 * Mean(all, chosen) + Mean(chosen, chosen);
        }
        double Mean(int[] a, int[] b) => a.Average(i => b.Average(j => Math.Exp(-0.1 * (Apart(2 * i, 2 * j) + Apart(2 * i + 1, 2 * j + 1)))));
        double Apart(int i, int j) => ((double)points[i] - points[j]) * ((double)points[i] - points[j]);
    }
}
