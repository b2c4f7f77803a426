namespace Vitrine.Bench;

/// <summary>Recurrent networks and attention.</summary>
internal static class Sequences
{
    public static IReadOnlyList<Workload> All { get; } =
    [
        new("lstm_train", "LSTM 128 -> 256, 100 steps, batch 32: forward, sum, backward to weights",
            () => Differentiate(new Lstm(Weights.Random(0), 128, 256), [32, 100, 128], y => y.Sum())),
        new("transformer_train", "Transformer encoder layer d 256, 8 heads, feed-forward 1024, 128 tokens, batch 8: forward, sum of squares, backward",
            () => Differentiate(new TransformerEncoderLayer(Weights.Random(0), 256, 8, 1024, dropout: 0), [8, 128, 256], y => y.Square().Sum())),
    ];

    private static Job Differentiate(Module module, Shape input, Func<Tensor, Tensor> loss)
    {
        Tensor x = new RandomSource(0).Normal(input);
        Tensor[] wrt = [.. module.Parameters.Select(p => p.Value)];
        return new Job(Step, () => [new Pass(Forward(), wrt)]);

        Tensor Forward() => loss(module.Call(new Run(training: true, recording: true), x));

        void Step()
        {
            using var scope = MemoryScope.Open();
            _ = Autograd.Backward(Forward(), null, wrt)[0];
        }
    }
}
