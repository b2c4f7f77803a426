namespace Vitrine.Insight.Tests;

/// <summary>Fields of single operators and small graphs against what changing each element of the input shows. Networks from files: the tests of
/// conformance.</summary>
public sealed class ReceptiveFieldTests
{
    private static readonly Dictionary<string, (Shape Input, Func<Tensor, Tensor> Forward)> Cases = new(StringComparer.Ordinal)
    {
        ["convolution, stride and padding"] = ([1, 2, 9, 8], x => x.Conv2d(W(3, 2, 3, 3), B(3), stride: 2, padding: 1)),
        ["convolution, dilation"] = ([1, 2, 9, 11], x => x.Conv2d(W(2, 2, 3, 3), null, padding: 2, dilation: 2)),
        ["convolution, groups"] = ([1, 4, 6, 6], x => x.Conv2d(W(4, 2, 3, 3), null, groups: 2)),
        ["convolution, depthwise"] = ([1, 3, 6, 6], x => x.Conv2d(W(3, 1, 3, 3), null, padding: 1, groups: 3)),
        ["transposed convolution"] = ([1, 2, 4, 5], x => x.ConvTranspose2d(W(2, 3, 3, 3), B(3), ConvGeometry.Square(stride: 2, padding: 1), (1, 1))),
        ["transposed convolution, dilation and groups"] =
            ([1, 4, 4, 4], x => x.ConvTranspose2d(W(4, 1, 3, 3), null, ConvGeometry.Square(stride: 3, padding: 1, dilation: 2, groups: 2))),
        ["one axis"] = ([1, 2, 13], x => x.Conv1d(W(3, 2, 3), null, stride: 2, padding: 2, dilation: 2).MaxPool1d(2)),
        ["three axes"] = ([1, 2, 4, 5, 5], x => x.Conv3d(W(2, 2, 2, 3, 3), null, ConvGeometry3d.Cube(padding: 1))),
        ["maxima, ceil mode"] = ([1, 2, 7, 7], x => x.MaxPool2d(PoolGeometry.Square(3, 2, 1, ceilMode: true))),
        ["maxima, dilation"] = ([1, 1, 8, 8], x => x.MaxPool2d(PoolGeometry.Square(2, 1, dilation: 3))),
        ["means"] = ([1, 2, 7, 8], x => x.AvgPool2d(PoolGeometry.Square(3, 2, 1))),
        ["adaptive means"] = ([1, 2, 7, 5], x => x.AdaptiveAvgPool2d(3, 2)),
        ["adaptive maxima"] = ([1, 2, 7, 5], x => x.AdaptiveMaxPool2d(3, 2)),
        ["enlarged, nearest"] = ([1, 2, 3, 4], x => x.Interpolate([7, 8])),
        ["enlarged, linear"] = ([1, 2, 3, 4], x => x.Interpolate([7, 9], Interpolation.Linear)),
        ["enlarged, cubic"] = ([1, 1, 6, 6], x => x.Interpolate([11, 9], Interpolation.Cubic)),
        ["branches, concatenated"] = ([1, 2, 8, 8], x =>
            TensorOps.Concat(1, x.Conv2d(W(2, 2, 1, 1)), x.Conv2d(W(2, 2, 5, 5), padding: 2), x.MaxPool2d(PoolGeometry.Square(3, 1, 1)))),
        ["residual sum"] = ([1, 2, 8, 8], x => x.Conv2d(W(2, 2, 3, 3), padding: 1).Tanh().Conv2d(W(2, 2, 3, 3), padding: 1) + x),
        ["residual sum of strides"] = ([1, 2, 8, 8], x => x.Conv2d(W(4, 2, 3, 3), stride: 2, padding: 1) + x.Conv2d(W(4, 2, 1, 1), stride: 2)),
        ["slices, steps backwards"] = ([1, 2, 9], x => x.Slice(2, 7, 1, -2).Slice(1, 1, 2)),
        ["padding, reflected"] = ([1, 1, 5, 5], x => x.Pad([(0, 0), (0, 0), (2, 1), (1, 2)], Padding.Reflect)),
        ["padding, constant, and cut"] = ([1, 1, 5, 5], x => x.Pad([(0, 0), (0, 0), (2, 1), (-1, 2)])),
        ["flattened, dense"] = ([1, 2, 3, 3], x => x.Conv2d(W(2, 2, 2, 2)).Flatten().Linear(W(4, 8), B(4))),
        ["dense, by row"] = ([1, 5, 3], x => x.Linear(W(4, 3), B(4))),
        ["transposed, permuted"] = ([1, 2, 3, 4], x => x.Permute(0, 3, 1, 2).Reshape(1, 8, 3).Transpose()),
        ["product of matrices"] = ([1, 3, 4], x => W(1, 5, 3).MatMul(x)),
        ["product with itself"] = ([1, 3, 4], x => x.MatMul(x.Transpose())),
        ["attention"] = ([1, 4, 3], x => TensorOps.ScaledDotProductAttention(x.Linear(W(3, 3)), x.Linear(W(3, 3)), x, causal: true).Output),
        ["attention, a mask that is added"] = ([1, 4, 3], x => TensorOps.ScaledDotProductAttention(x, x.Linear(W(3, 3)), x.Tanh(), Band()).Output),
        ["attention, its weights alone"] = ([1, 4, 3], x => TensorOps.ScaledDotProductAttention(x.Linear(W(3, 3)), x, x, causal: true).Attention),
        ["one of two, by place"] = ([1, 2, 4], x => Tensor.From([true, false, false, true], [4]).Where(x, x.Slice(1, 0, 1).CumSum(2))),
        ["sums"] = ([1, 3, 4, 2], x => x.Sum([2], keepDims: true) + x.Max([1, 3], keepDims: true)),
        ["running sums"] = ([1, 3, 5], x => x.CumSum(2, reverse: true) * x.CumSum(1)),
        ["softmax"] = ([1, 3, 5], x => x.Softmax(1)),
        ["layer norm"] = ([1, 4, 5], x => x.LayerNorm()),
        ["group norm"] = ([1, 4, 3, 3], x => x.GroupNorm(2)),
        ["whole slices by number"] = ([1, 5, 3], x => x.IndexSelect(1, Tensor.From([4L, 0, 4], [3]))),
        ["elements by number"] = ([1, 2, 4], x => x.Gather(2, Tensor.From([3L, 0, 1, 1], [1, 2, 2]))),
        ["broadcast"] = ([1, 3, 4], x => x * x.Slice(2, 1, 2) + x.Slice(1, 0, 1)),
        ["squeeze and excitation"] = ([1, 3, 4, 4], x => x * x.AdaptiveAvgPool2d(1, 1).Conv2d(W(3, 3, 1, 1)).Sigmoid()),
        ["places from channels"] = ([1, 8, 3, 3], x => x.PixelShuffle(2)),
        ["channels from places"] = ([1, 2, 6, 6], x => x.PixelUnshuffle(3)),
    };

    public static TheoryData<string> Names() => [.. Cases.Keys.Select(k => new TheoryDataRow<string>(k))];

    [Theory]
    [MemberData(nameof(Names))]
    public void EqualsWhatChangingTheInputShows(string name)
    {
        (Shape shape, Func<Tensor, Tensor> forward) = Cases[name];
        var model = new Function(forward);
        var random = new RandomSource(11);
        var fields = ReceptiveFields.Of(model, random.Normal(shape));
        Shape result = fields.ShapeOf("");
        bool[][] changed = [.. Enumerable.Range(0, result.Count).Select(_ => new bool[shape.Count])];
        bool[][] expected = [.. Enumerable.Range(0, result.Count).Select(u => fields.Elements("", Position(result, u)).Bools.ToArray())];
        // A field is a matter of geometry: what one draw hides (the smaller of two under a maximum, a softmax that is saturated) another one shows.
        for (int draw = 0; draw < 3 || (draw < 60 && changed.Zip(expected).Any(p => !p.First.SequenceEqual(p.Second))); draw++)
        {
            float size = draw % 2 == 0 ? 1 : 0.2f;
            float[] values = [.. random.Normal(shape).ToArray().Select(v => v * size)];
            float[] before = model.Predict(Tensor.From(values, shape)).ToArray();
            for (int i = 0; i < values.Length; i++)
            {
                float value = values[i];
                foreach (float by in (ReadOnlySpan<float>)[5, -5])
                {
                    values[i] = value + by * size;
                    float[] after = model.Predict(Tensor.From(values, shape)).ToArray();
                    // Fast convolutions and norms round with neighbours: what is nothing but rounding is no influence.
                    for (int u = 0; u < after.Length; u++) changed[u][i] |= Math.Abs(after[u] - before[u]) > 1e-4f * Math.Max(1, Math.Abs(before[u]));
                }
                values[i] = value;
            }
        }
        for (int u = 0; u < result.Count; u++)
        {
            Assert.Null(fields.Of("", Position(result, u)).Assumed);
            Assert.Equal(changed[u], expected[u]);
        }
    }

    [Fact]
    public void TheBoxHoldsTheElementsAndNothingMore()
    {
        var fields = ReceptiveFields.Of(new Function(Cases["convolution, dilation"].Forward), Tensor.Ones([1, 2, 9, 11]));
        ReceptiveField field = fields.Of("", 0, 0, 5);
        Assert.Equal("[0, 2) x [0, 3) x [3, 8)", field.ToString());
        Assert.Equal(2 * 2 * 3, fields.Elements("", [0, 0, 5]).Bools.ToArray().Count(b => b));
        Assert.Equal("[0, 2) x [0, 9) x [0, 11)", fields.Of("", 1).ToString()); // a whole channel
    }

    [Fact]
    public void LeNetHasTheFieldsOfTheTextbook()
    {
        var fields = ReceptiveFields.Of(LeNetGoldenTests.Net(), LeNetGoldenTests.Input);
        // Without padding: r_l = r_(l-1) + (k_l - 1) times the product of the strides before.
        foreach ((string scope, int extent) in new[] { ("conv1", 5), ("pool1", 6), ("conv2", 14), ("pool2", 16), ("fc1", 28) })
        {
            int[] middle = Position(fields.ShapeOf(scope), fields.ShapeOf(scope).Count / 2);
            ReceptiveField field = fields.Of(scope, middle);
            Assert.Null(field.Assumed);
            Assert.True(field.Extent(1) <= extent && field.Extent(1) > 0, $"{scope}: {field}");
        }
    }

    [Fact]
    public void WhatHasNoKnownGeometryReadsEverythingAndIsNamed()
    {
        Tensor input = new RandomSource(2).Normal([1, 3, 4, 4]);
        // Places that are computed from the input, and values cut off from the graph.
        var sorted = ReceptiveFields.Of(new Function(x => x.Sort(3).Values), input).Of("", 0, 0, 0);
        Assert.Equal("[0, 3) x [0, 4) x [0, 4)", sorted.ToString().Split(" (")[0]);
        Assert.NotNull(sorted.Assumed);
        var cut = ReceptiveFields.Of(new Function(x => x.Detach() * 2), input).Of("", 0, 0, 0);
        Assert.Equal(3, cut.Extent(0));
        Assert.NotNull(cut.Assumed);
        // A grid of its own is no geometry that this page knows.
        Tensor theta = Tensor.From([1f, 0, 0, 0, 1, 0], [1, 2, 3]);
        ReceptiveField grid = ReceptiveFields.Of(new Function(x => x.GridSample(theta.AffineGrid(4, 4))), input).Of("", 0, 0, 0);
        Assert.Equal("GridSample", grid.Assumed);
        Assert.Equal(4, grid.Extent(2));
        // A path that depends on the input.
        int calls = 0;
        ReceptiveField path = ReceptiveFields.Of(new Function(x => calls++ == 0 ? x.Relu() : x.Tanh()), input).Of("", 0, 0, 0);
        Assert.Contains("path", path.Assumed, StringComparison.Ordinal);
        Assert.Equal(4, path.Extent(1));
    }

    [Fact]
    public void AConstantHasNoFieldAndTheInputItself()
    {
        Tensor input = new RandomSource(2).Normal([1, 2, 3]);
        Assert.True(ReceptiveFields.Of(new Function(_ => Tensor.Ones([1, 2])), input).Of("", 1).IsEmpty);
        Assert.Equal("[1, 2) x [2, 3)", ReceptiveFields.Of(new Function(x => x), input).Of("", 1, 2).ToString());
    }

    [Fact]
    public void WrongQuestionsSayWhatThereIs()
    {
        var fields = ReceptiveFields.Of(LeNetGoldenTests.Net(), LeNetGoldenTests.Input);
        Assert.Contains("conv1", Assert.Throws<ArgumentException>(() => fields.Of("conv7", 0)).Message, StringComparison.Ordinal);
        Assert.Contains("axis 1", Assert.Throws<ArgumentException>(() => fields.Of("conv1", 99)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => fields.Of("fc1", 0, 0));
        Assert.Throws<ArgumentException>(() => ReceptiveFields.Of(new Function(x => x), Tensor.From([3L, 3, 3], [1, 3])));
    }

    private static Tensor W(params ReadOnlySpan<int> shape) => new RandomSource((ulong)shape[0] + 100).Normal(Shape.Create(shape));

    // Each position sees itself and the one after it; the last sees the first alone.
    private static Tensor Band()
    {
        float no = float.NegativeInfinity;
        return Tensor.From([0, 0, no, no, no, 0, 0, no, no, no, 0, 0, 0, no, no, no], [4, 4]);
    }

    private static Tensor B(int count) => new RandomSource(7).Normal([count]);

    private static int[] Position(Shape shape, int flat)
    {
        int[] position = new int[shape.Rank];
        for (int axis = shape.Rank - 1; axis >= 0; axis--) (flat, position[axis]) = Math.DivRem(flat, shape[axis]);
        return position[1..];
    }
}
