namespace Vitrine.Bench;

/// <summary>Recurrent networks and attention.</summary>
internal static class Sequences
{
    public static IReadOnlyList<Workload> All { get; } =
    [
        Workload.Missing("lstm_train", "LSTM 128 -> 256, 100 steps, batch 32: forward, sum, backward to weights", "the module Lstm"),
        Workload.Missing("transformer_train",
            "Transformer encoder layer d 256, 8 heads, feed-forward 1024, 128 tokens, batch 8: forward, sum of squares, backward",
            "the module TransformerEncoderLayer"),
    ];
}
