using System.Numerics;
using System.Runtime.Intrinsics;

namespace Vitrine.Insight.Tests;

/// <summary>The parts of t-SNE that are fast, against plain loops.</summary>
public sealed class RepulsionTests
{
    [Fact]
    public void ExactIsTheDefinition()
    {
        (double[] x, double[] y) = Places(37, 10);
        double[] fx = new double[37], fy = new double[37];
        double z = new ExactRepulsion().Forces(x, y, fx, fy), sum = 0;
        for (int i = 0; i < 37; i++)
        {
            double px = 0, py = 0;
            for (int j = 0; j < 37; j++)
            {
                if (j == i) continue;
                double w = 1 / (1 + Math.Pow(x[i] - x[j], 2) + Math.Pow(y[i] - y[j], 2));
                (sum, px, py) = (sum + w, px + w * w * (x[i] - x[j]), py + w * w * (y[i] - y[j]));
            }
            Assert.Equal(px, fx[i], 1e-12);
            Assert.Equal(py, fy[i], 1e-12);
        }
        Assert.Equal(sum, z, 1e-9);
    }

    /// <summary>Maps of a width that needs each length of the grid, as dense as t-SNE makes them, and Barnes-Hut at each angle on them.</summary>
    [Theory]
    [InlineData(1e-4)]
    [InlineData(10)]
    [InlineData(40)]
    [InlineData(100)]
    [InlineData(195)]
    public void FastForcesAreTheExactOnes(double span)
    {
        (double[] x, double[] y) = Places(Math.Max(400, (int)(span * span / 8)), span);
        double coarse = Error(new InterpolatedRepulsion(InterpolatedRepulsion.Coarse), x, y);
        Assert.True(coarse < 1e-3, $"Forces interpolated on a coarse grid are off by {coarse:g3}.");
        double interpolated = Error(new InterpolatedRepulsion(), x, y), usual = Error(new BarnesHut(0.5), x, y), fine = Error(new BarnesHut(0.1), x, y);
        Assert.True(interpolated < 5e-4, $"Interpolated forces are off by {interpolated:g3}.");
        Assert.True(usual < 2e-2, $"Forces of Barnes-Hut are off by {usual:g3} at angle 0.5.");
        Assert.True(fine < 1e-3, $"Forces of Barnes-Hut are off by {fine:g3} at angle 0.1.");
        Assert.True(Error(new BarnesHut(0), x, y) < 1e-10);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(64)]
    [InlineData(128)]
    public void TransformIsFouriersSum(int length)
    {
        var fft = new LaneFft(length);
        var random = new RandomSource(1);
        Vector512<double>[] re = [.. Enumerable.Range(0, length).Select(_ => Eight())], im = [.. Enumerable.Range(0, length).Select(_ => Eight())];
        Vector512<double>[] wasRe = [.. re], wasIm = [.. im];
        fft.Forward(re, im);
        int bits = BitOperations.Log2((uint)length);
        for (int f = 0; f < length; f++)
        {
            Complex sum = Complex.Zero;
            for (int k = 0; k < length; k++) sum += new Complex(wasRe[k][5], wasIm[k][5]) * Complex.Exp(new Complex(0, -2 * Math.PI * f * k / length));
            int at = 0;
            for (int b = 0; b < bits; b++) at |= ((f >> b) & 1) << (bits - 1 - b);
            Assert.Equal(sum.Real, re[at][5], 1e-10);
            Assert.Equal(sum.Imaginary, im[at][5], 1e-10);
        }
        fft.Inverse(re, im);
        for (int k = 0; k < length; k++)
        {
            Assert.Equal(wasRe[k][2] * length, re[k][2], 1e-10);
            Assert.Equal(wasIm[k][7] * length, im[k][7], 1e-10);
        }

        Vector512<double> Eight()
        {
            double[] lanes = [.. Enumerable.Range(0, 8).Select(_ => (double)random.NextNormal())];
            return Vector512.Create(lanes);
        }
    }

    [Fact]
    public void TheQuickerFormIsOneOfTheTwo()
    {
        // Few points go through the tree however wide the map; many through the grid while the map is narrow, and at last however wide.
        Assert.False(QuickerRepulsion.IsGrid(2_000, 1e-4));
        Assert.False(QuickerRepulsion.IsGrid(20_000, 95));
        Assert.True(QuickerRepulsion.IsGrid(20_000, 1));
        Assert.True(QuickerRepulsion.IsGrid(1_000_000, 300));
        var random = new RandomSource(8);
        foreach ((int n, double width) in new[] { (1000, 20.0), (20_000, 1.0) })
        {
            double[] x = [.. Enumerable.Range(0, n).Select(_ => width * random.NextFloat())], y = [.. Enumerable.Range(0, n).Select(_ => width * random.NextFloat())];
            Repulsion same = QuickerRepulsion.IsGrid(n, width) ? new InterpolatedRepulsion(InterpolatedRepulsion.Coarse) : new BarnesHut(0.5);
            double[][] forces = [.. Enumerable.Range(0, 4).Select(_ => new double[n])];
            Assert.Equal(same.Forces(x, y, forces[0], forces[1]), new QuickerRepulsion(0.5).Forces(x, y, forces[2], forces[3]), 1e-9 * n * n);
            Assert.Equal(forces[0], forces[2], (a, b) => Math.Abs(a - b) <= 1e-9 * n);
            Assert.Equal(forces[1], forces[3], (a, b) => Math.Abs(a - b) <= 1e-9 * n);
        }
    }

    [Fact]
    public void ForestFindsNearlyAllNeighbours()
    {
        (Tensor points, _) = ProjectionData.Blobs(4000, 30, 8, apart: 1);
        Rows rows = Rows.Of(points, "points");
        NeighbourGraph exact = NeighbourGraph.Exact(rows, rows, 20), found = new NeighbourForest(rows, 20, seed: 3).Find(default);
        int hits = 0;
        for (int i = 0; i < rows.Count; i++)
        {
            hits += exact[i].ToArray().Intersect(found[i].ToArray()).Count();
            Assert.Equal(20, found[i].ToArray().Distinct().Count());
            Assert.DoesNotContain(i, found[i].ToArray());
        }
        double recall = hits / (20.0 * rows.Count);
        Assert.True(recall > 0.95, $"Of the neighbours {recall:p1} were found.");
    }

    [Fact]
    public void WhoIsShownFirstDoesNotMatterToAList()
    {
        // Equal points among them: ties are what an order could decide.
        (Tensor blobs, _) = ProjectionData.Blobs(60, 5, 3);
        Rows rows = Rows.Of(TensorOps.Concat(0, blobs, blobs.Slice(0, 0, 20)), "points");
        var random = new RandomSource(4);
        int[][] groups = [.. Enumerable.Range(0, 40).Select(_ => Enumerable.Range(0, 80).OrderBy(_ => random.NextFloat()).Take(25).ToArray())];
        NeighbourGraph one = Shown(groups), other = Shown([.. groups.Reverse().Select(g => g.Reverse().ToArray())]);
        Assert.Equal(one.Index, other.Index);
        Assert.Equal(one.Distance, other.Distance);
        Assert.Equal(80 * 10, one.Index.Length);
        for (int i = 0; i < 80; i++)
        {
            Assert.Equal(10, one[i].ToArray().Distinct().Count());
            Assert.DoesNotContain(i, one[i].ToArray());
            Assert.True(one.Distance.AsSpan(i * 10, 10).ToArray().SequenceEqual(one.Distance.AsSpan(i * 10, 10).ToArray().Order()));
        }

        NeighbourGraph Shown(int[][] all)
        {
            var lists = new NeighbourLists(rows, 10);
            foreach (int[] group in all) lists.Introduce(group, group.Length);
            return lists.Graph;
        }
    }

    [Fact]
    public void ForestFillsTheListsOfEqualPoints()
    {
        Rows rows = Rows.Of(Tensor.Zeros([500, 4]), "points");
        NeighbourGraph found = new NeighbourForest(rows, 499, seed: 1).Find(default);
        for (int i = 0; i < 500; i++) Assert.Equal(499, found[i].ToArray().Where(j => j != i && j is >= 0 and < 500).Distinct().Count());
        Assert.All(found.Distance, d => Assert.Equal(0, d));
    }

    [Fact]
    public void ExactNeighboursAreTheNearest()
    {
        (Tensor points, _) = ProjectionData.Blobs(90, 6, 3);
        // Far from the origin, where products alone would lose the differences.
        Rows rows = Rows.Of(points + 1000f, "points");
        NeighbourGraph found = NeighbourGraph.Exact(rows, rows, 15);
        for (int i = 0; i < 90; i++)
        {
            int me = i;
            int[] expected = [.. Enumerable.Range(0, 90).Where(j => j != me).OrderBy(j => Square(me, j)).ThenBy(j => j).Take(15)];
            Assert.Equal(expected.Select(j => Square(me, j)), found[i].ToArray().Select(j => Square(me, j)));
        }

        double Square(int i, int j)
        {
            double sum = 0;
            for (int d = 0; d < 6; d++) sum += Math.Pow(rows[i][d] - rows[j][d], 2);
            return Math.Round(sum, 3);
        }
    }

    private static (double[] X, double[] Y) Places(int count, double span)
    {
        var random = new RandomSource(9);
        double[] x = [.. Enumerable.Range(0, count).Select(_ => random.NextFloat() * span)];
        return (x, [.. Enumerable.Range(0, count).Select(_ => random.NextFloat() * span)]);
    }

    private static double Error(Repulsion repulsion, double[] x, double[] y)
    {
        int n = x.Length;
        double[] fx = new double[n], fy = new double[n], ex = new double[n], ey = new double[n];
        double z = repulsion.Forces(x, y, fx, fy), exact = new ExactRepulsion().Forces(x, y, ex, ey), error = 0, size = 0;
        for (int i = 0; i < n; i++)
        {
            error += Math.Pow(fx[i] - ex[i], 2) + Math.Pow(fy[i] - ey[i], 2);
            size += ex[i] * ex[i] + ey[i] * ey[i];
        }
        return Math.Max(Math.Sqrt(error / size), Math.Abs(z - exact) / exact);
    }
}
