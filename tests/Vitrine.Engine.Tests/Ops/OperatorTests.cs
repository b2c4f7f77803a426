namespace Vitrine.Engine.Tests.Operators;

/// <summary>Values that can be worked out by hand, and the corners that gradient checks do not see.</summary>
public class OperatorTests
{
    [Fact]
    public void SortIsStableAndPutsNaNLast()
    {
        Tensor x = Tensor.From([2f, float.NaN, 1, 2, float.NegativeInfinity], [5]);
        Assert.Equal([4L, 2, 0, 3, 1], x.ArgSort().Longs.ToArray());
        Assert.Equal([1L, 0, 3, 2, 4], x.ArgSort(descending: true).Longs.ToArray());
        Assert.Equal([1L, 0], x.TopK(2).Indices.Longs.ToArray());
        Assert.Equal([4L, 2], x.TopK(2, largest: false).Indices.Longs.ToArray());
    }

    [Fact]
    public void OneHotHasOneOneARow() => Assert.Equal([0f, 0, 1, 1, 0, 0], Tensor.From([2L, 0], [2]).OneHot(3).ToArray());

    [Fact]
    public void MaxPoolIndicesLeadBackToTheMaxima()
    {
        Tensor x = GradientCheck.Draw([2, 3, 7, 6], Domain.Spread, 4);
        foreach (PoolGeometry geometry in new[] { PoolGeometry.Square(2), PoolGeometry.Square(3, 2, 1), PoolGeometry.Square(2, 1, 0, dilation: 3), PoolGeometry.Square(3, 2, 0, ceilMode: true) })
        {
            (Tensor values, Tensor indices) = x.MaxPool2dIndices(geometry);
            Tensor read = x.Reshape(2, 3, 42).Gather(2, indices.Reshape(2, 3, -1)).Reshape(values.Shape);
            Assert.Equal(values.ToArray(), read.ToArray());
        }
    }

    [Fact]
    public void DilatedMaxPoolSeesOnlyItsTaps()
    {
        Tensor x = GradientCheck.Draw([1, 1, 6, 5], Domain.Spread, 8);
        Tensor y = x.MaxPool2d(new PoolGeometry((2, 2), (1, 2), (1, 1)) { Dilation = (3, 2) });
        Assert.Equal(Shape.Create(1, 1, 5, 3), y.Shape);
        for (int h = 0; h < 5; h++)
        {
            for (int w = 0; w < 3; w++)
            {
                float best = float.NegativeInfinity;
                for (int i = 0; i < 2; i++)
                {
                    for (int j = 0; j < 2; j++)
                    {
                        int row = h - 1 + 3 * i, column = 2 * w - 1 + 2 * j;
                        if (row is >= 0 and < 6 && column is >= 0 and < 5) best = Math.Max(best, x[0, 0, row, column]);
                    }
                }
                Assert.Equal(best, y[0, 0, h, w]);
            }
        }
    }

    [Theory]
    [InlineData(7, 3)]
    [InlineData(3, 7)]
    [InlineData(6, 3)]
    [InlineData(1, 4)]
    public void AdaptivePoolingDividesAsEvenlyAsPossible(int from, int to)
    {
        Tensor x = GradientCheck.Draw([1, 2, from, from], Domain.Any, 5), mean = x.AdaptiveAvgPool2d(to, to), max = x.AdaptiveMaxPool2d(to, to);
        for (int c = 0; c < 2; c++)
        {
            for (int i = 0; i < to; i++)
            {
                for (int j = 0; j < to; j++)
                {
                    var window = new List<float>();
                    for (int h = i * from / to; h < ((i + 1) * from + to - 1) / to; h++)
                    {
                        for (int w = j * from / to; w < ((j + 1) * from + to - 1) / to; w++) window.Add(x[0, c, h, w]);
                    }
                    Assert.Equal(window.Average(), mean[0, c, i, j], 1e-5);
                    Assert.Equal(window.Max(), max[0, c, i, j]);
                }
            }
        }
    }

    [Fact]
    public void Conv3dIsASumOverTaps()
    {
        Tensor x = GradientCheck.Draw([1, 4, 5, 4, 6], Domain.Any, 1);
        Tensor weight = GradientCheck.Draw([2, 2, 2, 3, 2], Domain.Any, 2), bias = GradientCheck.Draw([2], Domain.Any, 3);
        var geometry = new ConvGeometry3d((2, 1, 2), (1, 0, 1), (2, 1, 1), 2);
        Tensor y = x.Conv3d(weight, bias, geometry);
        Assert.Equal(Shape.Create(1, 2, 3, 2, 4), y.Shape);
        for (int o = 0; o < 2; o++)
        {
            for (int at = 0; at < 24; at++)
            {
                int d = at / 8, h = at / 4 % 2, w = at % 4;
                double sum = bias[o];
                for (int tap = 0; tap < 24; tap++)
                {
                    int c = tap / 12, i = tap / 6 % 2, j = tap / 2 % 3, k = tap % 2, depth = 2 * d - 1 + 2 * i, row = h + j, column = 2 * w - 1 + k;
                    if (depth is >= 0 and < 5 && row is >= 0 and < 4 && column is >= 0 and < 6) sum += weight[o, c, i, j, k] * x[0, 2 * o + c, depth, row, column];
                }
                Assert.Equal(sum, y[0, o, d, h, w], 1e-4);
            }
        }
    }

    [Fact]
    public void TransposedConvolutionsAreAdjoint()
    {
        // <conv(x), y> = <x, convT(y)>, in one, two and three dimensions.
        Tensor x1 = GradientCheck.Draw([2, 4, 9], Domain.Any, 1), w1 = GradientCheck.Draw([6, 2, 3], Domain.Any, 2);
        Tensor y1 = x1.Conv1d(w1, null, 2, 1, 2, 2), z1 = GradientCheck.Draw(y1.Shape, Domain.Any, 3);
        Assert.Equal((y1 * z1).Sum().Item(), (x1 * z1.ConvTranspose1d(w1, null, 2, 1, 0, 2, 2)).Sum().Item(), 1e-3);
        Tensor x3 = GradientCheck.Draw([1, 2, 5, 5, 4], Domain.Any, 1), w3 = GradientCheck.Draw([4, 1, 3, 2, 3], Domain.Any, 2);
        var geometry = new ConvGeometry3d((2, 1, 1), (1, 1, 0), (1, 2, 1), 2);
        Tensor y3 = x3.Conv3d(w3, null, geometry), z3 = GradientCheck.Draw(y3.Shape, Domain.Any, 3);
        Assert.Equal((y3 * z3).Sum().Item(), (x3 * z3.ConvTranspose3d(w3, null, geometry)).Sum().Item(), 1e-3);
    }

    [Theory]
    [InlineData("ij,jk->ik")]
    [InlineData("bij,bjk->bik")]
    [InlineData("bhqd,bhkd->bhqk")]
    [InlineData("i,i->")]
    [InlineData("i,j->ji")]
    [InlineData("ij,ij,ij->i")]
    [InlineData("ii->i")]
    [InlineData("iij->j")]
    [InlineData("ab,cd->dbca")]
    [InlineData("ba")]
    [InlineData("ij,kj")]
    [InlineData("abc,bd,ce->ade")]
    public void EinsumIsASumOverAllIndices(string equation)
    {
        const int extent = 3;
        string[] sides = equation.Split("->"), terms = sides[0].Split(',');
        string letters = string.Concat(sides[0].Where(char.IsLetter).Distinct().Order());
        string result = sides.Length == 2 ? sides[1] : string.Concat(letters.Where(c => sides[0].Count(d => d == c) == 1));
        Tensor[] tensors = [.. terms.Select((t, i) => GradientCheck.Draw(Shape.Create([.. t.Select(_ => extent)]), Domain.Any, (ulong)i + 1))];
        double[] expected = new double[(int)Math.Pow(extent, result.Length)];
        for (int at = 0; at < (int)Math.Pow(extent, letters.Length); at++)
        {
            int all = at;
            var values = letters.ToDictionary(c => c, _ => { int v = all % extent; all /= extent; return v; });
            double product = 1;
            for (int i = 0; i < terms.Length; i++) product *= tensors[i][[.. terms[i].Select(c => values[c])]];
            expected[result.Aggregate(0, (sum, c) => sum * extent + values[c])] += product;
        }
        Tensor actual = TensorOps.Einsum(equation, tensors);
        Assert.Equal(result.Length, actual.Rank);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual.Floats[i], 1e-4);
    }

    [Theory]
    [InlineData(GridMode.Bilinear)]
    [InlineData(GridMode.Bicubic)]
    [InlineData(GridMode.Nearest)]
    public void TheIdentityGridGivesTheImageBack(GridMode mode)
    {
        Tensor x = GradientCheck.Draw([2, 3, 5, 4], Domain.Any, 1), identity = Tensor.From([1f, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0], [2, 2, 3]);
        foreach (bool align in new[] { false, true })
        {
            Tensor y = x.GridSample(identity.AffineGrid(5, 4, align), new GridSampling(mode, GridPadding.Border, align));
            for (int i = 0; i < x.Count; i++) Assert.Equal(x.Floats[i], y.Floats[i], 1e-5);
        }
    }

    [Fact]
    public void GridPaddingContinuesTheImage()
    {
        Tensor row = Tensor.From([1f, 2, 3, 4], [1, 1, 1, 4]);
        // At x = 1.5 beyond the right border, half-pixel: position 4.5, one beyond the last centre's 3.
        Tensor grid = Tensor.From([1.5f, 0], [1, 1, 1, 2]);
        Assert.Equal(0, row.GridSample(grid).Item());
        Assert.Equal(4, row.GridSample(grid, new GridSampling(Padding: GridPadding.Border)).Item());
        // Mirrored at 3.5: 4.5 becomes 2.5, between the third and the fourth.
        Assert.Equal(3.5f, row.GridSample(grid, new GridSampling(Padding: GridPadding.Reflection)).Item(), 1e-5f);
    }

    [Fact]
    public void InterpolationMeetsItsCorners()
    {
        Tensor x = Tensor.From([0f, 10, 20], [1, 1, 3]);
        Assert.Equal([0f, 5, 10, 15, 20], x.Interpolate([5], Interpolation.Linear, alignCorners: true).ToArray());
        Assert.Equal([0f, 0, 10, 10, 20, 20], x.Interpolate([6]).ToArray());
        Assert.Equal([0f, 2.5f, 7.5f, 12.5f, 17.5f, 20], x.Interpolate([6], Interpolation.Linear).ToArray());
        Assert.Equal([5f, 15], x.Interpolate([2], Interpolation.Area).ToArray());
        Assert.Equal([0f, 10, 20], x.Interpolate([3], Interpolation.Cubic).ToArray());
    }

    [Fact]
    public void CtcOfOneLabelIsASumOverItsAlignments()
    {
        // Two steps, label 1: blank-1, 1-blank, 1-1.
        Tensor p = Tensor.From([0.6f, 0.4f, 0.3f, 0.7f], [2, 1, 2]);
        Tensor loss = Loss.Ctc(p.Log(), Tensor.From([1L], [1, 1]), Tensor.From([2L], [1]), Tensor.From([1L], [1]));
        Assert.Equal(-Math.Log(0.6 * 0.7 + 0.4 * 0.3 + 0.4 * 0.7), loss.Item(), 1e-6);
        // Two equal labels need a blank between them, for which two steps have no room.
        Tensor none = Loss.Ctc(p.Log(), Tensor.From([1L, 1], [1, 2]), Tensor.From([2L], [1]), Tensor.From([2L], [1]));
        Assert.Equal(float.PositiveInfinity, none.Item());
        Tensor watched = p.Log().Watch();
        Tensor zero = Loss.Ctc(watched, Tensor.From([1L, 1], [1, 2]), Tensor.From([2L], [1]), Tensor.From([2L], [1]), zeroInfinity: true);
        Assert.Equal(0, zero.Item());
        Assert.All(Autograd.Backward(zero, null, [watched])[0].ToArray(), g => Assert.Equal(0, g));
    }

    [Fact]
    public void RowNormsAgreeWithTheirFormula()
    {
        Tensor x = GradientCheck.Draw([2, 6, 35], Domain.Any, 9);
        Tensor weight = GradientCheck.Draw([6], Domain.Any, 1), bias = GradientCheck.Draw([6], Domain.Any, 2);
        Tensor rows = x.Reshape(2, 3, 70), expected = (rows - rows.Mean([2], true)) / (rows.Var([2], 0, true) + 1e-5f).Sqrt();
        expected = expected.Reshape(x.Shape) * weight.Reshape(1, 6, 1) + bias.Reshape(1, 6, 1);
        Tensor actual = x.GroupNorm(3, weight, bias);
        for (int i = 0; i < x.Count; i++) Assert.Equal(expected.Floats[i], actual.Floats[i], 1e-5);
    }

    [Fact]
    public void CausalAttentionDoesNotLookAhead()
    {
        Tensor q = GradientCheck.Draw([2, 4, 3], Domain.Any, 1), k = GradientCheck.Draw([2, 4, 3], Domain.Any, 2);
        Tensor attention = TensorOps.ScaledDotProductAttention(q, k, k, causal: true).Attention;
        for (int t = 0; t < 4; t++)
        {
            for (int s = t + 1; s < 4; s++) Assert.Equal(0, attention[1, t, s]);
        }
        Tensor other = TensorOps.ScaledDotProductAttention(q, k, k, Tensor.From([.. Enumerable.Range(0, 16).Select(i => i % 4 <= i / 4)], [4, 4])).Attention;
        Assert.Equal(attention.ToArray(), other.ToArray());
    }

    [Theory]
    [InlineData(1, 37, 41, 1, 0, 2, 1)]
    [InlineData(3, 20, 19, 2, 0, 2, 1)]
    [InlineData(5, 33, 7, 4, 0, 3, 1)]
    [InlineData(5, 33, 7, 4, 3, 2, 1)]
    public void PermutingMovesEveryElement(int a, int b, int c, int d, int first, int second, int third)
    {
        Tensor x = Tensor.From([.. Enumerable.Range(0, a * b * c * d).Select(i => (float)i)], [a, b, c, d]);
        int[] order = [first, second, third, 6 - first - second - third], at = new int[4];
        Tensor y = x.Permute(order);
        for (int i = 0; i < y.Count; i++)
        {
            for (int axis = 3, rest = i; axis >= 0; axis--) (rest, at[order[axis]]) = Math.DivRem(rest, y.Shape[axis]);
            Assert.Equal(x[at], y.Floats[i]);
        }
    }

    [Fact]
    public void LogSumExpOfNothingPossibleIsMinusInfinity() =>
        Assert.Equal(float.NegativeInfinity, Tensor.From([float.NegativeInfinity, float.NegativeInfinity], [2]).LogSumExp([0]).Item());
}
