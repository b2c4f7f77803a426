using Vitrine.Ops;

namespace Vitrine.Engine.Tests.Modules;

/// <summary>What modules do beyond the numbers that PyTorch's goldens settle.</summary>
public sealed class ModuleTests
{
    [Fact]
    public void ACarriedStateContinuesASequence()
    {
        foreach (bool fused in new[] { true, false })
        {
            var lstm = new Lstm(Weights.Random(1), 3, 5, layers: 2);
            Tensor x = new RandomSource(2).Normal([2, 7, 3]);
            var run = new Run(fused: fused);
            Tensor[] whole = lstm.Call(run, [x]), first = lstm.Call(run, [x.Slice(1, 0, 4)]), second = lstm.Call(run, [x.Slice(1, 4, 7), first[1], first[2]]);
            Near.Equal("output", whole[0], TensorOps.Concat(1, first[0], second[0]));
            Near.Equal("h", whole[1], second[1]);
            Near.Equal("c", whole[2], second[2]);
            Near.Equal("one output", whole[0], lstm.Call(run, x));
        }
    }

    [Fact]
    public void LengthsReadEachSequenceAlone()
    {
        var gru = new Gru(Weights.Random(1), 3, 5, layers: 2, bidirectional: true);
        Tensor x = new RandomSource(2).Normal([3, 6, 3]);
        long[] lengths = [2, 6, 4];
        Tensor[] together = gru.Call(new Run(), x, Tensor.From(lengths, [3]));
        for (int n = 0; n < 3; n++)
        {
            int length = (int)lengths[n];
            Tensor[] alone = gru.Call(new Run(), [x.Slice(0, n, n + 1).Slice(1, 0, length)]);
            Near.Equal("output", alone[0], together[0].Slice(0, n, n + 1).Slice(1, 0, length));
            Near.Equal("zeros", Tensor.Zeros([1, 6 - length, 10]), together[0].Slice(0, n, n + 1).Slice(1, length));
            Near.Equal("h", alone[1], together[1].Slice(1, n, n + 1));
        }
    }

    [Fact]
    public void TimeFirstIsTheTransposeOfBatchFirst()
    {
        Tensor x = new RandomSource(2).Normal([2, 4, 3]);
        Tensor a = new SimpleRnn(Weights.Random(1), 3, 5).Call(new Run(), x), b = new SimpleRnn(Weights.Random(1), 3, 5, batchFirst: false).Call(new Run(),
            x.Transpose(0, 1));
        Near.Equal("output", a, b.Transpose(0, 1));
    }

    [Fact]
    public void DropoutLiesBetweenLayersInTraining()
    {
        var lstm = new Lstm(Weights.Random(1), 3, 5, layers: 2, dropout: 0.5f);
        Tensor x = new RandomSource(2).Normal([2, 4, 3]);
        float[] Run(bool training, ulong seed) => lstm.Call(new Run(training, seed: seed), x).ToArray();
        Assert.Equal(Run(true, 1), Run(true, 1));
        Assert.NotEqual(Run(true, 1), Run(true, 2));
        Assert.Equal(Run(false, 1), Run(false, 2));
    }

    [Fact]
    public void WrongInputsOfRecurrentLayersAreNamed()
    {
        var lstm = new Lstm(Weights.Random(1), 3, 5);
        Tensor x = Tensor.Ones([2, 4, 3]), state = Tensor.Ones([1, 2, 5]);
        Assert.Contains("2 states", Assert.Throws<ArgumentException>(() => lstm.Call(new Run(), x, state)).Message, StringComparison.Ordinal);
        Assert.Contains("[20, 4]", Assert.ThrowsAny<ArgumentException>(() => lstm.Call(new Run(), Tensor.Ones([2, 4, 4]))).Message, StringComparison.Ordinal);
        Assert.Contains("length of 5", Assert.Throws<ArgumentException>(() => lstm.Call(new Run(), x, Tensor.From([1L, 5], [2]))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void AttentionWeightsAreATapAndAnEdit()
    {
        var layer = new TransformerEncoderLayer(Weights.Random(1), 8, 2, 16, dropout: 0, causal: true);
        Tensor x = new RandomSource(2).Normal([3, 5, 8]);
        const string scope = "self_attn.attention";
        Assert.Equal(scope, layer.SelfAttention.Attention.Path);
        Run tapped = new Run().Tap(scope);
        Tensor seen = layer.Call(tapped, x), attention = tapped.Taps[scope];
        Assert.Equal([3, 2, 5, 5], attention.Shape.Dims.ToArray());
        Near.Equal("rows", Tensor.Ones([3, 2, 5]), attention.Sum([-1]));
        Assert.Equal(0, attention[0, 0, 1, 2]);
        Near.Equal("tapped", layer.Call(new Run(), x), seen);
        // A head switched off changes the answer; the second call of a run is numbered although the first was fused.
        Run edited = new Run().Edit(scope + "#2", _ => Tensor.Zeros([3, 2, 5, 5]));
        Near.Equal("first", seen, layer.Call(edited, x));
        Assert.NotEqual(seen.ToArray(), layer.Call(edited, x).ToArray());
    }

    [Fact]
    public void AdditiveAttentionFollowsItsEquation()
    {
        var module = new AdditiveAttention(Weights.Random(1), 3, 4, 6);
        var random = new RandomSource(2);
        Tensor q = random.Normal([2, 3, 3]), k = random.Normal([2, 5, 4]), v = random.Normal([2, 5, 2]);
        IReadOnlyDictionary<string, Tensor> p = module.State();
        Tensor y = module.Call(new Run(), q, k, v, AttentionModule.KeyMask(Tensor.From([5L, 3], [2]), 5, heads: false))[0];
        for (int n = 0; n < 2; n++)
        {
            for (int t = 0; t < 3; t++)
            {
                double[] weights = new double[n == 0 ? 5 : 3];
                for (int s = 0; s < weights.Length; s++)
                {
                    double score = 0;
                    for (int h = 0; h < 6; h++)
                    {
                        double sum = p["key.bias"][h];
                        for (int i = 0; i < 3; i++) sum += p["query.weight"][h, i] * q[n, t, i];
                        for (int i = 0; i < 4; i++) sum += p["key.weight"][h, i] * k[n, s, i];
                        score += p["score.weight"][0, h] * Math.Tanh(sum);
                    }
                    weights[s] = Math.Exp(score);
                }
                for (int i = 0; i < 2; i++) Assert.Equal(weights.Select((w, s) => w * v[n, s, i]).Sum() / weights.Sum(), y[n, t, i], 1e-5);
            }
        }
    }

    [Fact]
    public void DotProductAttentionIsTheOperator()
    {
        var random = new RandomSource(2);
        Tensor q = random.Normal([2, 3, 4]), k = random.Normal([2, 5, 4]), v = random.Normal([2, 5, 2]);
        Tensor mask = TensorOps.CausalMask(3, 5);
        Near.Equal("output", TensorOps.ScaledDotProductAttention(q, k, v, mask).Output, new DotProductAttention(Weights.Random(0)).Call(new Run(), q, k, v,
            mask)[0]);
    }

    [Fact]
    public void CausalLayersSeeNoFuture()
    {
        var stack = TransformerStack.Encoder(Weights.Random(1), 2, 8, 2, 16, 0, GeluOp.Instance, normFirst: true, causal: true, norm: true);
        Tensor x = new RandomSource(2).Normal([1, 5, 8]);
        Tensor other = TensorOps.Concat(1, x.Slice(1, 0, 3), new RandomSource(3).Normal([1, 2, 8]));
        Tensor a = stack.Call(new Run(), x), b = stack.Call(new Run(), other);
        Near.Equal("past", a.Slice(1, 0, 3), b.Slice(1, 0, 3));
        Assert.NotEqual(a.Slice(1, 3).ToArray(), b.Slice(1, 3).ToArray());
    }

    [Fact]
    public void RotaryProductsDependOnDistances()
    {
        foreach (bool interleaved in new[] { false, true })
        {
            var rotary = new RotaryPositions(Weights.Random(0), 6, interleaved: interleaved);
            Tensor q = new RandomSource(1).Normal([6]), k = new RandomSource(2).Normal([6]);
            Tensor turnedQ = rotary.Call(new Run(), q.Expand([9, 6])), turnedK = rotary.Call(new Run(), k.Expand([9, 6]));
            Tensor products = turnedQ.MatMul(turnedK.Transpose()); // [9, 9]
            Assert.Equal((double)(q * k).Sum().Item(), products[0, 0], 1e-5);
            for (int i = 1; i < 9; i++)
            {
                for (int j = 1; j < 9; j++) Assert.Equal(products[i - 1, j - 1], products[i, j], 1e-4f);
            }
            Assert.NotEqual(products[0, 0], products[0, 3], 1e-2f);
        }
        var attention = new MultiHeadAttention(Weights.Random(1), 8, 2, rotary: true);
        Assert.Equal([1, 4, 8], attention.Call(new Run(), Tensor.Ones([1, 4, 8])).Shape.Dims.ToArray());
    }

    [Fact]
    public void SinusoidalPositionsFollowThePaper()
    {
        Tensor y = new SinusoidalPositions(Weights.Random(0), 6).Call(new Run(), Tensor.Zeros([2, 50, 6]));
        for (int t = 0; t < 50; t++)
        {
            for (int i = 0; i < 3; i++)
            {
                double angle = t / Math.Pow(10_000, 2.0 * i / 6);
                Assert.Equal(Math.Sin(angle), y[1, t, 2 * i], 1e-6);
                Assert.Equal(Math.Cos(angle), y[1, t, 2 * i + 1], 1e-6);
            }
        }
        var learned = new LearnedPositions(Weights.Random(0), 7, 6);
        Near.Equal("learned", learned.Weight.Value.Slice(0, 0, 4), learned.Call(new Run(), Tensor.Zeros([4, 6])));
        Assert.Throws<ArgumentException>(() => learned.Call(new Run(), Tensor.Zeros([8, 6])));
    }

    [Fact]
    public void ResidualAddsWhatItWraps()
    {
        Weights weights = Weights.Random(0);
        var body = new Linear(weights.In("body"), 3, 3);
        Tensor x = new RandomSource(1).Normal([2, 3]);
        Near.Equal("plain", x + body.Call(new Run(), x), new Residual(weights, body).Call(new Run(), x));
        Near.Equal("shortcut", body.Call(new Run(), x) * 2, new Residual(weights, body, body).Call(new Run(), x));
    }

    public static TheoryData<string, int, int[]> Pools() => new()
    {
        { "Max1d", 1, [2, 3, 3] }, { "Avg1d", 1, [2, 3, 3] }, { "Lp1d", 1, [2, 3, 3] }, { "AdaptiveMax1d", 1, [2, 3, 4] }, { "AdaptiveAvg1d", 1, [2, 3, 4] },
        { "Max2d", 2, [2, 3, 3, 2] }, { "Avg2d", 2, [2, 3, 3, 2] }, { "Lp2d", 2, [2, 3, 3, 2] }, { "AdaptiveMax2d", 2, [2, 3, 4, 2] }, { "AdaptiveAvg2d", 2,
            [2, 3, 4, 2] },
        { "Max3d", 3, [2, 3, 3, 2, 2] }, { "Avg3d", 3, [2, 3, 3, 2, 2] }, { "AdaptiveMax3d", 3, [2, 3, 4, 2, 3] }, { "AdaptiveAvg3d", 3, [2, 3, 4, 2, 3] },
        { "GlobalMax", 3, [2, 3] }, { "GlobalAvg", 3, [2, 3] },
    };

    [Theory]
    [MemberData(nameof(Pools))]
    public void PoolsTakeWhatTheirWindowsHold(string name, int axes, int[] expected)
    {
        int[] sizes = [6, 5, 4];
        Weights w = Weights.Random(0).In("pool");
        Module pool = name switch
        {
            "Max1d" => Pooling.Max1d(w, 2),
            "Max2d" => Pooling.Max2d(w, 2),
            "Max3d" => Pooling.Max3d(w, 2),
            "Avg1d" => Pooling.Avg1d(w, 2),
            "Avg2d" => Pooling.Avg2d(w, 2),
            "Avg3d" => Pooling.Avg3d(w, 2),
            "Lp1d" => Pooling.Lp1d(w, 3, 2),
            "Lp2d" => Pooling.Lp2d(w, 3, 2),
            "AdaptiveMax1d" => Pooling.AdaptiveMax1d(w, 4),
            "AdaptiveMax2d" => Pooling.AdaptiveMax2d(w, 4, 2),
            "AdaptiveMax3d" => Pooling.AdaptiveMax3d(w, 4,
                2, 3),
            "AdaptiveAvg1d" => Pooling.AdaptiveAvg1d(w, 4),
            "AdaptiveAvg2d" => Pooling.AdaptiveAvg2d(w, 4, 2),
            "AdaptiveAvg3d" => Pooling.AdaptiveAvg3d(w, 4,
                2, 3),
            "GlobalMax" => Pooling.GlobalMax(w),
            _ => Pooling.GlobalAvg(w),
        };
        int[] extents = [.. sizes[..axes], .. Enumerable.Repeat(1, 3 - axes)];
        Tensor x = new RandomSource(1).Uniform([2, 3, .. sizes[..axes]]);
        var run = new Run().Tap("pool");
        Tensor y = pool.Call(run, x);
        Assert.Equal(expected, y.Shape.Dims.ToArray());
        Assert.Same(y, run.Taps["pool"]);
        int[] outs = [.. expected[2..], .. Enumerable.Repeat(1, 5 - expected.Length)];
        bool adaptive = name.StartsWith("Adaptive"), global = name.StartsWith("Global");
        for (int at = 0; at < y.Count; at++)
        {
            int plane = at / (outs[0] * outs[1] * outs[2]), place = at % (outs[0] * outs[1] * outs[2]);
            int[] position = [place / (outs[1] * outs[2]), place / outs[2] % outs[1], place % outs[2]];
            var window = new List<double>();
            (int From, int To)[] reach = [.. Enumerable.Range(0, 3).Select(Reach)];
            for (int a = reach[0].From; a < reach[0].To; a++)
            {
                for (int b = reach[1].From; b < reach[1].To; b++)
                {
                    for (int c = reach[2].From; c < reach[2].To; c++) window.Add(x.Floats[((plane * extents[0] + a) * extents[1] + b) * extents[2] + c]);
                }
            }
            double value = name.Contains("Max") ? window.Max() : name.Contains("Lp") ? Math.Cbrt(window.Sum(v => v * v * v)) : window.Average();
            Assert.Equal(value, y.Floats[at], 1e-5);

            (int From, int To) Reach(int axis) => axis >= axes ? (0, 1)
                : global ? (0, extents[axis])
                : adaptive ? (position[axis] * extents[axis] / outs[axis], ((position[axis] + 1) * extents[axis] + outs[axis] - 1) / outs[axis])
                : (2 * position[axis], 2 * position[axis] + 2);
        }
    }

    [Fact]
    public void RmsNormAndLocalResponseNormAreTheOperators()
    {
        Tensor x = new RandomSource(1).Normal([2, 6, 3, 4]);
        var rms = new RmsNorm(Weights.Random(0), [3, 4]);
        Near.Equal("rms", x / (x.Square().Mean([-2, -1], keepDims: true) + 1.1920929e-7f).Sqrt(), rms.Call(new Run(), x));
        Near.Equal("lrn", x.LocalResponseNorm(3), new LocalResponseNorm(Weights.Random(0), 3).Call(new Run(), x));
    }

    [Fact]
    public void NamesAreThoseOfPyTorch()
    {
        var decoder = TransformerStack.Decoder(Weights.Random(0), 1, 8, 2, 16, norm: true);
        string[] expected =
        [
            "layers.0.linear1.bias", "layers.0.linear1.weight", "layers.0.linear2.bias", "layers.0.linear2.weight", "layers.0.multihead_attn.in_proj_bias",
            "layers.0.multihead_attn.in_proj_weight", "layers.0.multihead_attn.out_proj.bias", "layers.0.multihead_attn.out_proj.weight", "layers.0.norm1.bias",
            "layers.0.norm1.weight", "layers.0.norm2.bias", "layers.0.norm2.weight", "layers.0.norm3.bias", "layers.0.norm3.weight",
                "layers.0.self_attn.in_proj_bias",
            "layers.0.self_attn.in_proj_weight", "layers.0.self_attn.out_proj.bias", "layers.0.self_attn.out_proj.weight", "norm.bias", "norm.weight",
        ];
        Assert.Equal(expected, decoder.State().Keys);
    }
}
