namespace Vitrine.Engine.Tests.Operators;

/// <summary>Recurrent networks against the equations of PyTorch's documentation, written out number by number.</summary>
public class RecurrentTests
{
    private const int N = 2, T = 4, In = 3, H = 5;

    [Theory]
    [InlineData(1, 1, false)]
    [InlineData(2, 1, false)]
    [InlineData(1, 2, true)]
    [InlineData(3, 2, true)]
    public void Lstm(int layers, int directions, bool start) => Check(4, layers, directions, start, (gates, hidden, h, c) =>
    {
        double[] sum = Add(gates, hidden);
        for (int j = 0; j < H; j++)
        {
            double i = Sigmoid(sum[j]), f = Sigmoid(sum[H + j]), g = Math.Tanh(sum[2 * H + j]), o = Sigmoid(sum[3 * H + j]);
            c[j] = f * c[j] + i * g;
            h[j] = o * Math.Tanh(c[j]);
        }
    });

    [Theory]
    [InlineData(1, 1, false)]
    [InlineData(2, 1, true)]
    [InlineData(2, 2, false)]
    public void Gru(int layers, int directions, bool start) => Check(3, layers, directions, start, (gates, hidden, h, _) =>
    {
        for (int j = 0; j < H; j++)
        {
            double r = Sigmoid(gates[j] + hidden[j]), z = Sigmoid(gates[H + j] + hidden[H + j]), n = Math.Tanh(gates[2 * H + j] + r * hidden[2 * H + j]);
            h[j] = (1 - z) * n + z * h[j];
        }
    });

    [Theory]
    [InlineData(1, 1, false)]
    [InlineData(2, 2, true)]
    public void Rnn(int layers, int directions, bool start) => Check(1, layers, directions, start, (gates, hidden, h, _) =>
    {
        double[] sum = Add(gates, hidden);
        for (int j = 0; j < H; j++) h[j] = Math.Tanh(sum[j]);
    });

    private delegate void Cell(double[] gates, double[] hidden, double[] h, double[] c);

    private static void Check(int gates, int layers, int directions, bool start, Cell cell)
    {
        var random = new RandomSource(3);
        Tensor x = random.Normal([N, T, In]);
        var weights = new List<RecurrentWeights>();
        for (int i = 0; i < layers * directions; i++)
        {
            int inputs = i < directions ? In : H * directions;
            weights.Add(new RecurrentWeights(
                random.Normal([gates * H, inputs], 0, 0.5f), random.Normal([gates * H, H], 0, 0.5f), random.Normal([gates * H]), random.Normal([gates * H])));
        }
        Tensor? h0 = start ? random.Normal([layers * directions, N, H]) : null, c0 = start && gates == 4 ? random.Normal([layers * directions, N, H]) : null;
        Tensor[] actual = gates switch
        {
            4 => x.Lstm(weights, directions == 2, h0, c0) is var (output, h, c) ? [output, h, c] : [],
            3 => x.Gru(weights, directions == 2, h0) is var (output, h) ? [output, h] : [],
            _ => x.Rnn(weights, directions == 2, h0) is var (output, h) ? [output, h] : [],
        };
        for (int n = 0; n < N; n++)
        {
            double[][] sequence = [.. Enumerable.Range(0, T).Select(t => Enumerable.Range(0, In).Select(i => (double)x[n, t, i]).ToArray())];
            for (int layer = 0; layer < layers; layer++)
            {
                double[][] next = [.. Enumerable.Range(0, T).Select(_ => new double[H * directions])];
                for (int direction = 0; direction < directions; direction++)
                {
                    int number = layer * directions + direction;
                    RecurrentWeights w = weights[number];
                    double[] h = [.. Enumerable.Range(0, H).Select(j => h0 is null ? 0.0 : h0[number, n, j])], c = [.. Enumerable.Range(0, H).Select(j => c0 is null ? 0.0 : c0[number, n, j])];
                    for (int step = 0; step < T; step++)
                    {
                        int t = direction == 0 ? step : T - 1 - step;
                        cell(Product(w.Input, w.InputBias!, sequence[t]), Product(w.Hidden, w.HiddenBias!, h), h, c);
                        h.CopyTo(next[t], direction * H);
                    }
                    for (int j = 0; j < H; j++)
                    {
                        Assert.Equal(h[j], actual[1][number, n, j], 1e-5);
                        if (gates == 4) Assert.Equal(c[j], actual[2][number, n, j], 1e-5);
                    }
                }
                sequence = next;
            }
            for (int t = 0; t < T; t++)
            {
                for (int j = 0; j < H * directions; j++) Assert.Equal(sequence[t][j], actual[0][n, t, j], 1e-5);
            }
        }
    }

    private static double[] Product(Tensor weight, Tensor bias, double[] x)
    {
        double[] y = new double[weight.Shape[0]];
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = bias[i];
            for (int j = 0; j < x.Length; j++) y[i] += weight[i, j] * x[j];
        }
        return y;
    }

    private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
