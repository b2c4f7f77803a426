using Vitrine.Ops;
using static Vitrine.Onnx.Messages;

namespace Vitrine.Onnx;

/// <content>Recurrent layers. Their gates stand in another order here than in the engine.</content>
internal static partial class Translations
{
    /// <summary>One direction of one layer: the format's LSTM, GRU or RNN, whose sequences are [T, N, features].</summary>
    private static string Recurrent(GraphWriter g)
    {
        RecurrentCall own = ((RecurrentOp)g.Own.Op).Call([.. g.Own.Inputs]), other = ((RecurrentOp)g.Other.Op).Call([.. g.Other.Inputs]);
        (string type, string letters, int[] order) = own.Kind switch
        {
            RecurrentKind.Lstm => ("LSTM", "iofc", [0, 3, 1, 2]), // from i, f, g, o
            RecurrentKind.Gru => ("GRU", "zrh", [1, 0, 2]), // from r, z, n
            _ => ("RNN", "i", (int[])[0]),
        };
        int steps = own.X.Shape[1], size = own.Hidden.Shape[1];
        var inputs = new List<string>
        {
            g.Transpose(g.Name(own.X, other.X), 1, 0, 2),
            g.Weight("input", letters, own.Input, w => Ordered(w).Unsqueeze(0)),
            g.Weight("hidden", letters, own.Hidden, w => Ordered(w).Unsqueeze(0)),
            own.InputBias is null ? "" : g.Weight("bias", $"and_hidden.{letters}", own.InputBias, Biases),
            own.Lengths is null ? "" : g.Add("Cast", [g.Name(own.Lengths, other.Lengths!)], Attribute("to", (long)ElementType.Int32)),
            own.H0 is null ? "" : g.Add("Unsqueeze", [g.Name(own.H0, other.H0!), g.Integers(0)]),
            own.C0 is null ? "" : g.Add("Unsqueeze", [g.Name(own.C0, other.C0!), g.Integers(0)]),
        };
        if (own.Kind != RecurrentKind.Lstm) inputs.RemoveAt(6);
        var attributes = new List<Proto.AttributeProto> { Attribute("hidden_size", size), Attribute("direction", own.Reverse ? "reverse" : "forward") };
        if (own.Kind == RecurrentKind.Gru) attributes.Add(Attribute("linear_before_reset", 1));
        if (own.Kind == RecurrentKind.Relu) attributes.Add(Attribute("activations", ["Relu"]));
        string[] results = g.Add(type, own.Kind == RecurrentKind.Lstm ? 3 : 2, [.. inputs], [.. attributes]);
        string sequence = g.Transpose(g.Add("Squeeze", [results[0], g.Integers(1)]), 1, 0, 2); // [T, 1, N, H] to [N, T, H]
        if (!own.WantLast) return sequence;
        // The engine's operator gives all in one, and slices it afterwards.
        g.HasPart(1, 0, steps, sequence);
        string[] parts = [sequence, .. results[1..].Select(s => g.Transpose(s, 1, 0, 2))]; // [1, N, H] to [N, 1, H]
        for (int i = 1; i < parts.Length; i++) g.HasPart(1, steps + i - 1, 1, parts[i]);
        return g.Add("Concat", parts, Attribute("axis", 1));

        Tensor Biases(Tensor b) => TensorOps.Concat(0, Ordered(b), Ordered(own.HiddenBias!.Detach())).Unsqueeze(0);

        Tensor Ordered(Tensor w)
        {
            if (order.Length == 1) return w;
            return TensorOps.Concat(0, [.. order.Select(gate => w.Slice(0, gate * size, (gate + 1) * size))]);
        }
    }
}
