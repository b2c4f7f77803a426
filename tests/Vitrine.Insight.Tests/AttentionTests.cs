namespace Vitrine.Insight.Tests;

public sealed class AttentionTests
{
    private const int N = 2, T = 6, E = 12, Heads = 3;

    [Fact]
    public void Maps_are_found_whoever_made_them_and_their_rows_sum_to_one()
    {
        Tensor x = new RandomSource(1).Normal([N, T, E]), memory = new RandomSource(2).Normal([N, 4, E]);
        var decoder = TransformerStack.Decoder(Weights.Random(3), 2, E, Heads, hidden: 16, causal: true);
        IReadOnlyList<AttentionMap> maps = AttentionMap.Of(decoder, x, memory);
        string[] scopes =
            ["layers.0.self_attn.attention", "layers.0.multihead_attn.attention", "layers.1.self_attn.attention", "layers.1.multihead_attn.attention"];
        Assert.Equal(scopes, maps.Select(m => m.Scope));
        bool[] square = [true, false, true, false];
        Assert.Equal(square, maps.Select(m => m.IsSquare));
        var run = new Run().Tap([.. maps.Select(m => m.Scope)]);
        decoder.Call(run, x, memory);
        foreach (AttentionMap map in maps)
        {
            Assert.Equal(Heads, map.Heads);
            for (int row = 0; row < map.Weights.Count / map.Weights.Shape[3]; row++)
                Assert.Equal(1, map.Weights.Floats.Slice(row * map.Weights.Shape[3], map.Weights.Shape[3]).ToArray().Sum(w => (double)w), 1e-5);
            Assert.Equal(run.Taps[map.Scope].ToArray(), map.Weights.ToArray(), (a, b) => Math.Abs(a - b) < 1e-5);
        }
        Assert.Equal(0, maps[0].Weights[0, 0, 2, 3]); // nobody looks ahead
    }

    [Fact]
    public void A_softmax_that_mixes_nothing_is_no_attention()
    {
        var classifier = new Function(Weights.Random(1), x => x.Linear(Tensor.Ones([3, E])).Softmax());
        Assert.Empty(AttentionMap.Of(classifier, new RandomSource(1).Normal([N, E])));
        // Heads inside the batch axis, as exported networks have them.
        var joined = new Function(Weights.Random(1), x =>
        {
            Tensor q = x.Reshape(N, T, Heads, E / Heads).Permute(0, 2, 1, 3).Reshape(N * Heads, T, E / Heads);
            return q.MatMul(q.Permute(0, 2, 1)).Softmax().MatMul(q).Reshape(N, Heads, T, E / Heads).Sum();
        });
        Assert.Equal(Shape.Create(N, Heads, T, T), Assert.Single(AttentionMap.Of(joined, new RandomSource(1).Normal([N, T, E]))).Weights.Shape);
    }

    [Fact]
    public void Rollout_of_one_layer_is_its_attention_with_the_residual_connection()
    {
        Tensor a = new RandomSource(4).Normal([N, Heads, T, T]).Softmax();
        Tensor one = AttentionRollout.Rollout([a]), two = AttentionRollout.Rollout([a, a]);
        for (int n = 0; n < N; n++)
            for (int i = 0; i < T; i++)
            {
                double[] row = [.. Enumerable.Range(0, T).Select(j => (0.5 * Enumerable.Range(0, Heads).Average(h => a[n, h, i, j])) + (i == j ? 0.5 : 0))];
                for (int j = 0; j < T; j++)
                {
                    Assert.Equal(row[j] / row.Sum(), one[n, i, j], 1e-6);
                    Assert.Equal(Enumerable.Range(0, T).Sum(k => (double)one[n, i, k] * one[n, k, j]), two[n, i, j], 1e-6);
                }
                Assert.Equal(1, Enumerable.Range(0, T).Sum(j => (double)two[n, i, j]), 1e-5);
            }
        Assert.Throws<ArgumentException>(() => AttentionRollout.Rollout([new RandomSource(1).Normal([1, 1, 3, 4])]));
    }

    [Fact]
    public void Flow_of_one_layer_is_its_attention_and_of_several_no_more_than_the_narrowest_cut()
    {
        Tensor a = new RandomSource(5).Normal([1, Heads, 4, 4]).Softmax(), b = new RandomSource(6).Normal([1, Heads, 4, 4]).Softmax();
        Tensor one = AttentionRollout.WithResidual(a);
        Assert.Equal(one.ToArray(), AttentionRollout.Flow([a], TestContext.Current.CancellationToken).ToArray(), (x, y) => Math.Abs(x - y) < 1e-6);
        Tensor two = AttentionRollout.Flow([a, b], TestContext.Current.CancellationToken), above = AttentionRollout.WithResidual(b);
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++)
            {
                // With one position in between, each way goes through one: as much as both of its edges let through.
                double ways = Enumerable.Range(0, 4).Sum(k => (double)Math.Min(above[0, i, k], one[0, k, j]));
                Assert.Equal(ways, two[0, i, j], 1e-6);
            }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_largest_flow_is_the_narrowest_cut(ulong seed)
    {
        const int places = 8;
        var random = new RandomSource(seed);
        var graph = new MaxFlow(places);
        var pipes = new List<(int From, int To, double Room)>();
        for (int k = 0; k < 22; k++)
        {
            (int from, int to, double room) = (random.NextInt(places), random.NextInt(places), random.NextFloat());
            if (from == to) continue;
            pipes.Add((from, to, room));
            graph.Add(from, to, room);
        }
        // Every set of places with the source and without the sink: what leaves it, least of all (Ford and Fulkerson 1956).
        double narrowest = double.PositiveInfinity;
        for (int set = 0; set < 1 << places; set++)
        {
            if ((set & 1) == 0 || (set & (1 << (places - 1))) != 0) continue;
            narrowest = Math.Min(narrowest, pipes.Where(p => (set >> p.From & 1) == 1 && (set >> p.To & 1) == 0).Sum(p => p.Room));
        }
        Assert.Equal(narrowest, graph.Between(0, places - 1), 1e-9);
        Assert.Equal(narrowest, graph.Between(0, places - 1), 1e-9); // the pipes are as before
    }

    [Fact]
    public void Ablating_a_head_is_zeroing_its_part_of_the_projection()
    {
        var weights = Weights.Random(7);
        var layer = new TransformerEncoderLayer(weights, E, Heads, hidden: 16);
        Tensor x = new RandomSource(8).Normal([N, T, E]);
        AttentionMap map = Assert.Single(AttentionMap.Of(layer, x));
        Parameter projection = layer.Parameters.Single(p => p.Name == "self_attn.out_proj.weight");
        float[] whole = projection.Value.ToArray();
        (double score, IReadOnlyList<HeadScore> heads) = HeadImportance.Of(
            layer, [x], outputs => outputs[0].Floats[5], TestContext.Current.CancellationToken);
        Assert.Equal(layer.Predict(x).Floats[5], score, 1e-5);
        for (int head = 0; head < Heads; head++)
        {
            float[] without = layer.Call(HeadImportance.Without(map, head), x).ToArray();
            float[] zeroed = [.. whole.Select((w, i) => i % E / (E / Heads) == head ? 0 : w)];
            projection.Assign(Tensor.From(zeroed, [E, E]));
            float[] expected = layer.Predict(x).ToArray();
            projection.Assign(Tensor.From(whole, [E, E]));
            Assert.Equal(expected, without, (a, b) => Math.Abs(a - b) < 1e-4);
            Assert.Equal(expected[5], heads[head].Score, 1e-4);
            Assert.Equal(score - heads[head].Score, heads[head].Loss, 1e-9);
        }
    }

    [Fact]
    public void Weights_over_a_grid_become_maps_over_the_picture()
    {
        Tensor even = ImageAttention.Maps(Tensor.Full([2, 12], 1 / 12f), 3, 4, 30, 40);
        Assert.Equal(Shape.Create(2, 30, 40), even.Shape);
        Assert.All(even.ToArray(), v => Assert.Equal(1 / 12f, v, 1e-6f));
        float[] one = new float[12];
        one[6] = 1; // row 1, column 2
        Tensor map = ImageAttention.Maps(Tensor.From(one, [1, 12]), 3, 4, 30, 40), same = ImageAttention.Maps(Tensor.From(one, [1, 12]), 3, 4, 3, 4);
        Assert.Equal(one, same.ToArray());
        // Bilinear with half-pixel centres: at (y, x) the product of what is left of the distances to the cell's centre, in cells.
        for (int y = 10; y < 20; y++)
            for (int x = 10; x < 30; x++)
                Assert.Equal(Math.Max(0, 1 - Math.Abs(((y + 0.5) / 10) - 1.5)) * Math.Max(0, 1 - Math.Abs(((x + 0.5) / 10) - 2.5)), map[0, y, x], 1e-5);
        Assert.Throws<ArgumentException>(() => ImageAttention.Maps(Tensor.Zeros([1, 11]), 3, 4, 30, 40));
    }

    [Fact]
    public void The_share_of_weight_on_known_origins_is_a_mean_over_queries_that_have_one()
    {
        Tensor weights = Tensor.From([0.2f, 0.8f, 0.5f, 0.5f, 0.6f, 0.4f, 1, 0], [1, 2, 2, 2]);
        Assert.Equal(((0.2 + 0.6) / 2 + 1) / 2, Alignment.Share(weights, Tensor.From([true, false, true, true], [1, 2, 2])), 1e-6);
        Assert.Equal((0.2 + 0.6) / 2, Alignment.Share(weights, Tensor.From([true, false, false, false], [1, 2, 2])), 1e-6);
    }

    [Fact]
    public void Calls_of_one_layer_for_one_query_each_become_one_map()
    {
        var random = new RandomSource(11);
        AttentionMap[] maps =
        [
            new("a", random.Uniform([2, 1, 1, 3], 0, 1)), new("b", random.Uniform([2, 2, 3, 3], 0, 1)), new("a#2", random.Uniform([2, 1, 1, 3], 0, 1)),
            new("b#2", random.Uniform([2, 2, 3, 3], 0, 1)), new("c", random.Uniform([2, 1, 1, 3], 0, 1)), new("a#3", random.Uniform([2, 1, 1, 4], 0, 1)),
        ];
        IReadOnlyList<AttentionMap> joined = AttentionMap.OverSteps(maps);
        Assert.Equal(["a", "b", "b#2", "c", "a#3"], joined.Select(m => m.Scope)); // other keys: another map
        Assert.Equal(Shape.Create(2, 1, 2, 3), joined[0].Weights.Shape);
        Assert.Equal(maps[0].Weights.ToArray(), joined[0].Weights.Slice(2, 0, 1).ToArray());
        Assert.Equal(maps[2].Weights.ToArray(), joined[0].Weights.Slice(2, 1, 2).ToArray());
        Assert.Equal([maps[1], maps[3], maps[4], maps[5]], joined.Skip(1));
        AttentionMap file = Assert.Single(AttentionMap.OverSteps([maps[0] with { Scope = "/a/Softmax" }, maps[2] with { Scope = "/a#2/Softmax" }]));
        Assert.Equal(joined[0].Weights.ToArray(), file.Weights.ToArray());
    }

    [Fact]
    public void Weight_on_a_mask_is_that_of_its_pixels_when_each_place_shares_its_weight_among_its_square()
    {
        var random = new RandomSource(12);
        const int n = 2, k = 3, rows = 3, columns = 2, height = 12, width = 10, steps = 4, places = rows * columns;
        Tensor masks = Tensor.From([.. random.Uniform([n * k * height * width], 0, 1).ToArray().Select(v => v < 0.3f)], [n, k, height, width]);
        Tensor weights = random.Uniform([n, steps, places], -1, 1).Softmax();
        Tensor coverage = ImageAttention.Coverage(masks, rows, columns), on = ImageAttention.On(weights, coverage);
        Tensor even = ImageAttention.On(Tensor.Full([n, 1, places], 1f / places), coverage);
        Assert.Equal(Shape.Create(n, k, places), coverage.Shape);
        for (int i = 0; i < n; i++)
            for (int m = 0; m < k; m++)
                for (int t = 0; t < steps; t++)
                {
                    (double sum, int pixels) = (0, 0);
                    for (int y = 0; y < height; y++)
                        for (int x = 0; x < width; x++)
                        {
                            if (!masks.Bools[((((i * k) + m) * height) + y) * width + x]) continue;
                            sum += weights[i, t, (y / 4 * columns) + (x / 5)] / 20.0;
                            pixels++;
                        }
                    Assert.Equal(sum, on[i, t, m], 1e-6);
                    Assert.Equal(pixels / (double)(height * width), even[i, 0, m], 1e-6);
                }
        Assert.Throws<ArgumentException>(() => ImageAttention.Coverage(masks, 5, 2));
        Assert.Throws<ArgumentException>(() => ImageAttention.Coverage(coverage.Unsqueeze(0), 3, 2));
        Assert.Throws<ArgumentException>(() => ImageAttention.On(weights.Slice(2, 0, 5), coverage));
    }
}
