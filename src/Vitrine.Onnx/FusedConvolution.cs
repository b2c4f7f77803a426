namespace Vitrine.Onnx;

/// <summary>A convolution with the batch normalisation and the ReLU behind it, in one pass; for runs that ask for nothing but the answer.</summary>
internal sealed class FusedConvolution(OnnxNode conv, OnnxNode? norm, OnnxNode? relu)
{
    private Folded? _folded;

    /// <summary>Where the result goes.</summary>
    public int Output { get; } = (relu ?? norm ?? conv).Outputs[0];

    /// <summary>Whether a batch normalisation is a scale and shift of each output channel that the weights of the convolution can take in.</summary>
    public static bool CanFold(OnnxNode conv, OnnxNode norm, Value?[] template) =>
        norm.Outputs.Skip(1).All(o => o < 0) && norm.Operation.Attribute("training_mode", 0) == 0 && norm.Operation.Attribute("spatial", 1) == 1
        && conv.Inputs.Skip(1).Concat(norm.Inputs.Skip(1)).All(p => p.Slot < 0 || template[p.Slot] is { IsTensor: true, Tensor.DType: DType.Float32 });

    public Value Compute(Frame frame) => conv.Told(frame, () => Convolve(frame));

    private Value Convolve(Frame frame)
    {
        Tensor weight = Of(conv, 1)!;
        Tensor? bias = Of(conv, 2);
        if (norm is not null)
        {
            Tensor[] sources = [weight, .. bias is null ? Array.Empty<Tensor>() : [bias], Of(norm, 1)!, Of(norm, 2)!, Of(norm, 3)!, Of(norm, 4)!];
            // Parameters may be assigned to, or trained, between two runs.
            long writes = sources.Sum(s => (long)s.Storage.Writes);
            if (_folded is not { } folded || folded.Writes != writes)
            {
                if (sources[^4..].Any(s => s.Count != weight.Shape[0]))
                {
                    throw new OnnxException($"{norm.Name} ({norm.Type}): scale, bias, mean and variance should have {weight.Shape[0]} elements.");
                }
                _folded = folded = MemoryScope.Outside(() => Fold(weight, bias, sources[^4..], norm.Operation.Attribute("epsilon", 1e-5f), writes));
            }
            (weight, bias) = (folded.Weight, folded.Bias);
        }
        Value x = frame[conv.Inputs[0]]!;
        return x.With(Operators.Conv(x.Tensor, new Patched(weight, bias, relu is not null), conv.Operation));

        Tensor? Of(OnnxNode node, int input) => input < node.Inputs.Count ? frame[node.Inputs[input]]?.Tensor : null;
    }

    /// <summary>w s and (b - mean) s + shift with s = scale / sqrt(variance + epsilon).</summary>
    private static Folded Fold(Tensor weight, Tensor? bias, Tensor[] norm, float epsilon, long writes)
    {
        ReadOnlySpan<float> scale = norm[0].Floats, shift = norm[1].Floats, mean = norm[2].Floats, variance = norm[3].Floats;
        int outputs = weight.Shape[0], each = weight.Count / Math.Max(1, outputs);
        float[] w = weight.ToArray(), b = new float[outputs];
        for (int o = 0; o < outputs; o++)
        {
            double s = scale[o] / Math.Sqrt(variance[o] + (double)epsilon);
            foreach (ref float element in w.AsSpan(o * each, each)) element = (float)(element * s);
            b[o] = (float)(((bias is null ? 0 : bias.Floats[o]) - mean[o]) * s + shift[o]);
        }
        return new Folded(Tensor.From(w, weight.Shape), Tensor.From(b), writes);
    }

    private sealed record Folded(Tensor Weight, Tensor Bias, long Writes);
}

/// <summary>What a convolution uses in place of its own weights, and whether it cuts off what is negative.</summary>
internal sealed record Patched(Tensor Weight, Tensor? Bias, bool Relu);
