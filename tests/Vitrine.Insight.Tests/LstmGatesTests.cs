namespace Vitrine.Insight.Tests;

public sealed class LstmGatesTests
{
    private const int N = 3, T = 7, Inputs = 4, H = 5;

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(true, true, false)]
    [InlineData(false, true, true)]
    [InlineData(true, true, true)]
    public void Gates_and_cells_are_those_of_the_formulas(bool bidirectional, bool started, bool lengths)
    {
        var random = new RandomSource(4);
        var lstm = new Lstm(Weights.Random(5), Inputs, H, layers: 2, bidirectional: bidirectional);
        int directions = bidirectional ? 2 : 1;
        Tensor x = random.Normal([N, T, Inputs]), h0 = random.Normal([2 * directions, N, H]), c0 = random.Normal([2 * directions, N, H]);
        long[] counts = [T, 4, 6];
        Tensor[] inputs = [x, .. started ? [h0, c0] : Array.Empty<Tensor>(), .. lengths ? [Tensor.From(counts, [N])] : Array.Empty<Tensor>()];
        Tensor[] outputs = lstm.Call(new Run(recording: true), inputs);
        IReadOnlyList<LstmGates> layers = LstmGates.Behind(outputs[0]);
        Assert.Equal(2 * directions, layers.Count);
        IReadOnlyDictionary<string, Tensor> weights = lstm.State();

        Tensor below = x;
        for (int layer = 0; layer < 2; layer++)
        {
            for (int direction = 0; direction < directions; direction++)
            {
                LstmGates found = layers[(layer * directions) + direction];
                string end = $"l{layer}{(direction == 1 ? "_reverse" : "")}";
                Assert.Equal(direction == 1, found.Reverse);
                for (int n = 0; n < N; n++)
                {
                    int number = (layer * directions) + direction, length = lengths ? (int)counts[n] : T;
                    double[] h = [.. Enumerable.Range(0, H).Select(k => started ? h0[number, n, k] : 0.0)];
                    double[] c = [.. Enumerable.Range(0, H).Select(k => started ? c0[number, n, k] : 0.0)];
                    for (int step = 0; step < length; step++)
                    {
                        int t = direction == 1 ? length - 1 - step : step;
                        double[] before = [.. h];
                        for (int k = 0; k < H; k++)
                        {
                            double i = Sigmoid(Sum(0, k)), f = Sigmoid(Sum(1, k)), g = Math.Tanh(Sum(2, k)), o = Sigmoid(Sum(3, k));
                            c[k] = (f * c[k]) + (i * g);
                            h[k] = o * Math.Tanh(c[k]);
                            Assert.Equal(i, found.Input[n, t, k], 1e-5);
                            Assert.Equal(f, found.Forget[n, t, k], 1e-5);
                            Assert.Equal(g, found.Candidate[n, t, k], 1e-5);
                            Assert.Equal(o, found.Output[n, t, k], 1e-5);
                            Assert.Equal(c[k], found.Cell[n, t, k], 1e-5);
                            Assert.Equal(h[k], found.Hidden[n, t, k], 1e-5);
                        }

                        double Sum(int gate, int k)
                        {
                            int row = (gate * H) + k;
                            double sum = weights[$"bias_ih_{end}"][row] + weights[$"bias_hh_{end}"][row];
                            for (int j = 0; j < below.Shape[2]; j++) sum += weights[$"weight_ih_{end}"][row, j] * below[n, t, j];
                            for (int j = 0; j < H; j++) sum += weights[$"weight_hh_{end}"][row, j] * before[j];
                            return sum;
                        }
                    }
                    for (int t = length; t < T; t++) Assert.Equal(0, found.Cell[n, t, 0]);
                }
            }
            below = directions == 1 ? layers[layer].Hidden : TensorOps.Concat(2, layers[2 * layer].Hidden, layers[(2 * layer) + 1].Hidden);
        }
    }

    [Fact]
    public void Other_operators_have_no_gates_and_the_scope_is_told()
    {
        Tensor x = new RandomSource(6).Normal([1, 3, Inputs]);
        Assert.Empty(LstmGates.Behind(new Gru(Weights.Random(1), Inputs, H).Call(new Run(recording: true), x)));
        Tensor y = new Lstm(Weights.Random(1).In("rnn"), Inputs, H).Call(new Run(recording: true), x);
        Assert.Equal("rnn", Assert.Single(LstmGates.Behind(y)).Scope);
    }

    [Fact]
    public void Saturation_is_counted_where_it_should_be()
    {
        float[] gate = [0.05f, 0.5f, 0.95f, 0.1f, 0.01f, 0.91f];
        Tensor values = Tensor.From(gate, [1, 3, 2]), others = Tensor.Full([1, 3, 2], 0.5f);
        var statistics = new GateStatistics(2);
        statistics.Add(new LstmGates(null, false, values, others, others, others, others, others));
        Assert.Equal(3, statistics.Steps);
        (double Left, double Right)[] input = [(2 / 3.0, 1 / 3.0), (0, 1 / 3.0)], none = [(0, 0), (0, 0)], forget = [(0.25, 0), (0, 0.25)];
        Assert.Equal(input, statistics.Input);
        Assert.Equal(none, statistics.Forget);
        statistics.Add(new LstmGates(null, false, others, values, others, others, others, others), from: 2);
        Assert.Equal(4, statistics.Steps);
        Assert.Equal(forget, statistics.Forget);
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
