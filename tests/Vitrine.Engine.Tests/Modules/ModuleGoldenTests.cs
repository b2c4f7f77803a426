using Vitrine.Ops;

namespace Vitrine.Engine.Tests.Modules;

/// <summary>Modules against PyTorch: goldens/modules.py wrote state dicts, inputs, outputs and all gradients.</summary>
public sealed class ModuleGoldenTests
{
    private static readonly Dictionary<string, Func<Weights, Module>> Builders = new(StringComparer.Ordinal)
    {
        ["lstm"] = w => new Lstm(w, 4, 6),
        ["lstm_deep"] = w => new Lstm(w, 4, 6, 2, bidirectional: true),
        ["lstm_packed"] = w => new Lstm(w, 4, 6, bidirectional: true),
        ["gru"] = w => new Gru(w, 4, 6),
        ["gru_deep"] = w => new Gru(w, 4, 6, 2, bidirectional: true),
        ["gru_packed"] = w => new Gru(w, 4, 6, bidirectional: true),
        ["rnn"] = w => new SimpleRnn(w, 4, 6),
        ["rnn_deep"] = w => new SimpleRnn(w, 4, 6, 2, bidirectional: true),
        ["rnn_packed"] = w => new SimpleRnn(w, 4, 6, bidirectional: true),
        ["rnn_relu"] = w => new SimpleRnn(w, 4, 6, bias: false, relu: true),
        ["attention"] = w => new MultiHeadAttention(w, 8, 2),
        ["attention_masked"] = w => new MultiHeadAttention(w, 8, 2),
        ["attention_dims"] = w => new MultiHeadAttention(w, 8, 2, bias: false, keySize: 3, valueSize: 5),
        ["encoder_layer"] = w => new TransformerEncoderLayer(w, 8, 2, 12, 0),
        ["encoder_layer_pre"] = w => new TransformerEncoderLayer(w, 8, 2, 12, 0, GeluOp.Instance, normFirst: true),
        ["decoder_layer"] = w => new TransformerDecoderLayer(w, 8, 2, 12, 0),
        ["decoder_layer_pre"] = w => new TransformerDecoderLayer(w, 8, 2, 12, 0, GeluOp.Instance, normFirst: true),
        ["encoder"] = w => TransformerStack.Encoder(w, 2, 8, 2, 12, 0, norm: true),
        ["decoder"] = w => TransformerStack.Decoder(w, 2, 8, 2, 12, 0),
        ["layer_norm"] = w => new LayerNorm(w, [3, 4]),
        ["group_norm"] = w => new GroupNorm(w, 2, 6),
        ["instance_norm"] = w => new InstanceNorm(w, 3, affine: true),
        ["instance_norm_tracked"] = w => new InstanceNorm(w, 3, affine: true, tracking: true, momentum: 0.3f),
        ["instance_norm_tracking"] = w => new InstanceNorm(w, 3, affine: true, tracking: true, momentum: 0.3f),
        ["bilinear"] = w => new Bilinear(w, 3, 4, 5),
        ["conv1d"] = w => new Conv1d(w, 4, 6, 3, 2, 1, groups: 2),
        ["conv3d"] = w => new Conv3d(w, 2, 3, 2, padding: 1),
        ["conv_transpose3d"] = w => new ConvTranspose3d(w, 4, 4, (2, 3, 2), new ConvGeometry3d((2, 2, 2), (0, 1, 1), (1, 1, 1), 2), (1, 0, 1)),
        ["conv_transpose1d"] = w => new ConvTranspose1d(w, 4, 3, 3, 2, 1, 1),
    };

    public static TheoryData<string, bool> Cases()
    {
        var cases = new TheoryData<string, bool>();
        foreach (string name in Builders.Keys)
        {
            cases.Add(name, true);
            cases.Add(name, false);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void EqualsPyTorch(string name, bool fused)
    {
        IReadOnlyDictionary<string, Tensor> golden = SafeTensors.Load(Path.Combine(AppContext.BaseDirectory, "goldens", name + ".safetensors"));
        Weights weights = Weights.From(golden.Where(g => g.Key.StartsWith("state.")).ToDictionary(g => g.Key["state.".Length..], g => g.Value));
        Module module = Builders[name](weights);
        Assert.Empty(weights.Unused);
        Tensor[] inputs = [.. Numbered("in.").Select(x => x.DType == DType.Float32 ? x.Watch() : x)];
        KeyValuePair<string, Tensor>[] after = [.. golden.Where(g => g.Key.StartsWith("after."))]; // only of modules that were training
        Tensor[] outputs = module.Call(new Run(training: after.Length > 0, recording: true, fused: fused), inputs);
        Tensor[] expected = Numbered("out."), seeds = Numbered("seed.");
        Assert.Equal(expected.Length, outputs.Length);
        Tensor? sum = null;
        for (int i = 0; i < expected.Length; i++)
        {
            Near.Equal($"{name}, output {i}", expected[i], outputs[i]);
            Tensor part = (outputs[i] * seeds[i]).Sum();
            sum = sum is null ? part : sum + part;
        }
        foreach ((string key, Tensor value) in after)
        {
            Near.Equal($"{name}, {key}", value.Cast(DType.Float32), module.Buffers.Single(b => b.Name == key["after.".Length..]).Value);
        }
        Tensor[] leaves = [.. inputs.Where(x => x.IsRecorded)];
        Gradients gradients = Autograd.Backward(sum!, null, [.. leaves, .. module.Parameters.Select(p => p.Value)]);
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs[i].IsRecorded) Near.Equal($"{name}, gradient of input {i}", golden[$"grad.in.{i}"], gradients[inputs[i]]);
        }
        foreach (Parameter parameter in module.Parameters) Near.Equal($"{name}, gradient of {parameter.Name}", golden["grad." + parameter.Name],
            gradients[parameter.Value]);

        Tensor[] Numbered(string prefix) => [.. Enumerable.Range(0, 9).Where(i => golden.ContainsKey($"{prefix}{i}")).Select(i => golden[$"{prefix}{i}"])];
    }
}

/// <summary>Comparison of tensors.</summary>
internal static class Near
{
    /// <summary>Equal but for rounding: within a tolerance of the largest element.</summary>
    public static void Equal(string what, Tensor expected, Tensor actual, double tolerance = 1e-5)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        double scale = 1;
        foreach (float value in expected.Floats) scale = Math.Max(scale, Math.Abs(value));
        for (int i = 0; i < expected.Count; i++)
        {
            float x = expected.Floats[i], y = actual.Floats[i];
            if (!(Math.Abs(x - y) <= tolerance * scale)) Assert.Fail($"{what} {expected.Shape}, element {i}: {y}, expected {x}");
        }
    }
}
