using Vitrine.Models;
using Vitrine.Ops;

namespace Vitrine.Onnx.Tests.Export;

/// <summary>A network to export.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Make">Makes it.</param>
/// <param name="Inputs">Its inputs for so many examples.</param>
/// <param name="Single">Whether it is called with one tensor rather than with an array.</param>
/// <param name="Options">How it is exported.</param>
public sealed record ExportCase(string Name, Func<Weights, Module> Make, Func<int, Tensor[]> Inputs, bool Single = true, OnnxExportOptions? Options = null)
{
    /// <summary>Every architecture of Vitrine.Models, at the smallest input it takes; VGG-16 has a test of its own.</summary>
    public static IReadOnlyList<ExportCase> Architectures { get; } =
    [
        new("Mlp", w => new Mlp(w, 12, 20, 5), n => [Normal(n, 12)]),
        new("LeNet5", w => new LeNet5(w), n => [Normal(n, 1, 28, 28)]),
        new("AlexNet", w => new AlexNet(w, classes: 10), n => [Normal(n, 3, 224, 224)]),
        new("SqueezeNet11", w => new SqueezeNet11(w, classes: 10), n => [Normal(n, 3, 64, 64)]),
        new("ResNet18", w => ResNet.ResNet18(w, classes: 10), n => [Normal(n, 3, 64, 64)]),
        new("ResNet20", w => ResNet.ResNet20(w), n => [Normal(n, 3, 32, 32)]),
        new("GoogLeNet", w => new GoogLeNet(w, classes: 10, transformInput: true), n => [Normal(n, 3, 70, 70)]),
        new("DcganGenerator", w => new DcganGenerator(w), n => [Normal(n, 100, 1, 1)]),
        new("DcganDiscriminator", w => new DcganDiscriminator(w), n => [Normal(n, 1, 32, 32)]),
        new("ShowAttendTell, writing", w => new ShowAttendTell(w, 9, side: 24, longest: 4), n => [Normal(n, 3, 24, 24)]),
        new("ShowAttendTell, shown a caption", w => new ShowAttendTell(w, 9, side: 24), n => [Normal(n, 3, 24, 24), Tokens(n, 5, 9)], Single: false),
    ];

    /// <summary>Every module of the engine.</summary>
    public static IReadOnlyList<ExportCase> Modules { get; } =
    [
        new("Linear without bias", w => new Linear(w, 5, 3, bias: false), n => [Normal(n, 5)]),
        new("Linear over sequences", w => new Linear(w, 5, 3), n => [Normal(n, 4, 5)]),
        new("Bilinear", w => new Bilinear(w, 5, 4, 3), n => [Normal(n, 5), Normal(n, 4)], Single: false),
        new("Conv1d", w => new Sequential(w, new Conv1d(w.In("0"), 4, 6, 3, stride: 2, padding: 1, groups: 2), Layer.Relu(w.In("1"))), n => [Normal(n, 4, 11)]),
        new("Conv1d after Conv1d", w => new Sequential(w, new Conv1d(w.In("0"), 4, 6, 3), new Conv1d(w.In("1"), 6, 2, 3, dilation: 2, bias: false)),
            n => [Normal(n, 4, 11)]),
        new("ConvTranspose1d", w => new ConvTranspose1d(w, 4, 6, 3, stride: 2, padding: 1, outputPadding: 1), n => [Normal(n, 4, 7)]),
        new("Conv2d", w => new Conv2d(w, 4, 6, (3, 5), new ConvGeometry((2, 1), (1, 2), (1, 2), 2)), n => [Normal(n, 4, 9, 12)]),
        new("ConvTranspose2d", w => new ConvTranspose2d(w, 4, 6, 3, stride: 2, padding: 1, outputPadding: 1, groups: 2), n => [Normal(n, 4, 5, 6)]),
        new("Conv3d", w => new Conv3d(w, 2, 3, 3, stride: 2, padding: 1), n => [Normal(n, 2, 6, 7, 8)]),
        new("ConvTranspose3d",
            w => Of(w, (x, p) => x.ConvTranspose3d(p("weight", [2, 3, 3, 3, 3]), p("bias", [3]), ConvGeometry3d.Cube(stride: 2, padding: 1), (1, 1, 1))),
            n => [Normal(n, 2, 3, 4, 5)]),
        new("Embedding", w => new Embedding(w, 10, 4), n => [Tokens(n, 6, 10)]),
        new("Flatten, Dropout", w => new Sequential(w, new Flatten(w.In("0")), new Dropout(w.In("1")), new Linear(w.In("2"), 12, 2)), n => [Normal(n, 3, 4)]),
        new("Residual", w => new Residual(w, new Linear(w.In("body"), 6, 6), new Linear(w.In("shortcut"), 6, 6)), n => [Normal(n, 6)]),
        new("BatchNorm", w => new BatchNorm(w, 3), n => [Normal(n, 3, 4)]),
        new("LayerNorm", w => new LayerNorm(w, [4, 5]), n => [Normal(n, 3, 4, 5)]),
        new("LayerNorm without weights", w => new LayerNorm(w, [5], affine: false), n => [Normal(n, 3, 5)]),
        new("GroupNorm", w => new GroupNorm(w, 2, 6), n => [Normal(n, 6, 4, 3)]),
        new("InstanceNorm", w => new InstanceNorm(w, 4), n => [Normal(n, 4, 5, 6)]),
        new("InstanceNorm with weights", w => new InstanceNorm(w, 4, affine: true), n => [Normal(n, 4, 5, 6)]),
        new("RmsNorm", w => new RmsNorm(w, [5]), n => [Normal(n, 3, 5)]),
        new("LocalResponseNorm", w => new LocalResponseNorm(w, 3), n => [Normal(n, 6, 4, 5)]),
        new("Max1d", w => Pooling.Max1d(w, 3, stride: 2, padding: 1), n => [Normal(n, 2, 9)]),
        new("Max2d", w => Pooling.Max2d(w, 3, stride: 2, padding: 1, dilation: 2), n => [Normal(n, 2, 9, 10)]),
        new("Max2d, rounded up", w => Pooling.Max2d(w, 3, stride: 2, ceilMode: true), n => [Normal(n, 2, 8, 10)]),
        new("Max2d, rounded up, last window dropped", w => Pooling.Max2d(w, 2, stride: 3, padding: 1, ceilMode: true), n => [Normal(n, 2, 5, 8)]),
        new("Max3d", w => Pooling.Max3d(w, 2), n => [Normal(n, 2, 4, 6, 8)]),
        new("Avg1d", w => Pooling.Avg1d(w, 3, stride: 2, padding: 1), n => [Normal(n, 2, 9)]),
        new("Avg2d", w => Pooling.Avg2d(w, 3, stride: 2, padding: 1, countPadding: false), n => [Normal(n, 2, 9, 10)]),
        new("Avg2d with a divisor", w => Of(w, (x, _) => x.AvgPool2d(PoolGeometry.Square(3, 2, 1) with { Divisor = 5 })), n => [Normal(n, 2, 9, 10)]),
        new("Avg3d", w => Pooling.Avg3d(w, 2), n => [Normal(n, 2, 4, 6, 8)]),
        new("Lp1d", w => Pooling.Lp1d(w, 3, 2), n => [Normal(n, 2, 8)]),
        new("Lp2d", w => Pooling.Lp2d(w, 3, 2), n => [Normal(n, 2, 8, 6)]),
        new("AdaptiveMax1d", w => Pooling.AdaptiveMax1d(w, 3), n => [Normal(n, 2, 10)]),
        new("AdaptiveMax2d", w => Pooling.AdaptiveMax2d(w, 3, 4), n => [Normal(n, 2, 7, 10)]),
        new("AdaptiveMax2d, even", w => Pooling.AdaptiveMax2d(w, 2, 5), n => [Normal(n, 2, 8, 10)]),
        new("AdaptiveMax3d", w => Pooling.AdaptiveMax3d(w, 2, 2, 3), n => [Normal(n, 2, 5, 4, 6)]),
        new("AdaptiveAvg1d", w => Pooling.AdaptiveAvg1d(w, 3), n => [Normal(n, 2, 10)]),
        new("AdaptiveAvg2d", w => Pooling.AdaptiveAvg2d(w, 3, 4), n => [Normal(n, 2, 7, 10)]),
        new("AdaptiveAvg3d", w => Pooling.AdaptiveAvg3d(w, 2, 2, 3), n => [Normal(n, 2, 5, 4, 6)]),
        new("GlobalAvg", w => Pooling.GlobalAvg(w), n => [Normal(n, 2, 5, 6)]),
        new("GlobalMax", w => Pooling.GlobalMax(w), n => [Normal(n, 2, 5, 6)]),
        new("SinusoidalPositions", w => new SinusoidalPositions(w, 6), n => [Normal(n, 5, 6)]),
        new("LearnedPositions", w => new LearnedPositions(w, 9, 6), n => [Normal(n, 5, 6)]),
        new("RotaryPositions", w => new RotaryPositions(w, 6), n => [Normal(n, 2, 5, 6)]),
        new("RotaryPositions, interleaved", w => new RotaryPositions(w, 6, interleaved: true), n => [Normal(n, 2, 5, 6)]),
        new("Lstm", w => new Lstm(w, 4, 5), n => [Normal(n, 6, 4)]),
        new("Lstm of two layers in two directions", w => new Lstm(w, 4, 5, layers: 2, bidirectional: true, dropout: 0.5f), n => [Normal(n, 6, 4)]),
        new("Lstm with states and lengths", w => new Lstm(w, 4, 5, bidirectional: true),
            n => [Normal(n, 6, 4), Normal(2, n, 5), Normal(2, n, 5), Lengths(n, 6)], Single: false, Options: new() { BatchAxes = [0, 1, 1, 0] }),
        new("Lstm, time first", w => new Lstm(w, 4, 5, bias: false, batchFirst: false), n => [Normal(6, n, 4)], Options: new() { BatchAxes = [1] }),
        new("Lstm and its last state", w => new Lstm(w, 4, 5, layers: 2), n => [Normal(n, 6, 4)], Single: false),
        new("Gru", w => new Gru(w, 4, 5, layers: 2, bidirectional: true), n => [Normal(n, 6, 4)]),
        new("Gru with lengths", w => new Gru(w, 4, 5, bidirectional: true), n => [Normal(n, 6, 4), Lengths(n, 6)], Single: false),
        new("SimpleRnn", w => new SimpleRnn(w, 4, 5), n => [Normal(n, 6, 4)]),
        new("SimpleRnn with ReLU", w => new SimpleRnn(w, 4, 5, bidirectional: true, relu: true), n => [Normal(n, 6, 4)], Single: false),
        new("DotProductAttention", w => new DotProductAttention(w), n => [Normal(n, 3, 4), Normal(n, 5, 4), Normal(n, 5, 6)], Single: false),
        new("AdditiveAttention", w => new AdditiveAttention(w, 4, 6, 7), n => [Normal(n, 3, 4), Normal(n, 5, 6)], Single: false),
        new("MultiHeadAttention", w => new MultiHeadAttention(w, 8, 2), n => [Normal(n, 5, 8)]),
        new("MultiHeadAttention, causal, rotary", w => new MultiHeadAttention(w, 8, 2, causal: true, rotary: true), n => [Normal(n, 5, 8)]),
        new("MultiHeadAttention of other keys with a mask", w => new MultiHeadAttention(w, 8, 2, keySize: 6, valueSize: 7),
            n => [Normal(n, 3, 8), Normal(n, 4, 6), Normal(n, 4, 7), Mask(n, 4)], Single: false),
        new("TransformerEncoderLayer", w => new TransformerEncoderLayer(w, 8, 2, 16), n => [Normal(n, 5, 8)]),
        new("TransformerEncoderLayer with GELU, norm first",
            w => new TransformerEncoderLayer(w, 8, 2, 16, activation: GeluOp.Instance, normFirst: true, causal: true),
            n => [Normal(n, 5, 8)]),
        new("TransformerDecoderLayer", w => new TransformerDecoderLayer(w, 8, 2, 16, causal: true), n => [Normal(n, 5, 8), Normal(n, 4, 8)], Single: false),
        new("Transformer encoder", w => TransformerStack.Encoder(w, 2, 8, 2, 16, norm: true), n => [Normal(n, 5, 8)]),
        new("Transformer decoder", w => TransformerStack.Decoder(w, 2, 8, 2, 16, causal: true), n => [Normal(n, 5, 8), Normal(n, 4, 8)], Single: false),
        new("Tokens to classes",
            w => new Sequential(
                w, new Embedding(w.In("0"), 10, 6), new Lstm(w.In("1"), 6, 5), new Function(w.In("2"), x => x.Slice(1, -1).Squeeze(1)),
                new Linear(w.In("3"), 5, 3)),
            n => [Tokens(n, 7, 10)]),
    ];

    /// <summary>Every operator that networks use as a function.</summary>
    public static IReadOnlyList<ExportCase> Operators { get; } =
    [
        Unary("Abs", x => x.Abs()),
        Unary("Sign", x => x.Sign()),
        Unary("Exp", x => x.Exp()),
        Unary("Log", x => (x.Square() + 0.1f).Log()),
        Unary("Log1p", x => x.Square().Log1p()),
        Unary("Sqrt", x => x.Abs().Sqrt()),
        Unary("Rsqrt", x => (x.Square() + 0.1f).Rsqrt()),
        Unary("Reciprocal", x => (x.Square() + 0.1f).Reciprocal()),
        Unary("Sin", x => x.Sin()),
        Unary("Cos", x => x.Cos()),
        Unary("Tan", x => (x * 0.3f).Tan()),
        Unary("Asin", x => x.Sin().Asin()),
        Unary("Acos", x => (x.Sin() * 0.9f).Acos()),
        Unary("Atan", x => x.Atan()),
        Unary("Sinh", x => x.Sinh()),
        Unary("Cosh", x => x.Cosh()),
        Unary("Asinh", x => x.Asinh()),
        Unary("Acosh", x => (x.Abs() + 1.1f).Acosh()),
        Unary("Atanh", x => (x.Sin() * 0.9f).Atanh()),
        Unary("Tanh", x => x.Tanh()),
        Unary("Sigmoid", x => x.Sigmoid()),
        Unary("Softplus", x => x.Softplus()),
        Unary("Erf", x => x.Erf()),
        Unary("Relu", x => x.Relu()),
        Unary("Gelu", x => x.Gelu()),
        Unary("GeluTanh", x => x.GeluTanh()),
        Unary("Silu", x => x.Silu()),
        Unary("Mish", x => x.Mish()),
        Unary("HardSigmoid", x => (x * 3f).HardSigmoid()),
        Unary("HardSwish", x => (x * 3f).HardSwish()),
        Unary("Softsign", x => x.Softsign()),
        Unary("Floor", x => (x * 3f).Floor()),
        Unary("Ceiling", x => (x * 3f).Ceiling()),
        Unary("Round", x => (x * 3f).Round()),
        Unary("LeakyRelu", x => x.LeakyRelu(0.2f)),
        Unary("Elu", x => x.Elu(0.7f)),
        Unary("Selu", x => x.Selu()),
        Unary("Relu6", x => (x * 5f).Relu6()),
        Unary("Clamp", x => x.Clamp(low: -0.5f)),
        Unary("Pow", x => x.Abs().Pow(1.5f)),
        Unary("Negation", x => -x),
        Unary("From one", x => 1f - x),
        Unary("Shift", x => x + 2f),
        Unary("Softmax", x => x.Softmax(1)),
        Unary("LogSoftmax", x => x.LogSoftmax(-1)),
        Unary("CumSum", x => x.CumSum(-1, reverse: true)),
        Unary("Sum", x => x.Sum([1, -1])),
        Unary("Product", x => x.Product([-1], keepDims: true)),
        Unary("Max", x => x.Max([1])),
        Unary("Min", x => x.Min([-1])),
        Unary("Var", x => x.Var([-1])),
        Unary("Slices", x => TensorOps.Concat(1, x.Slice(1, 1, 3), x.Slice(1, null, null, -1), x.Slice(1, 0, 4, 2))),
        Unary("Pad", x => x.Pad([(0, 0), (1, 2), (0, 3)], value: 0.5f)),
        Unary("Pad, negative", x => x.Pad([(0, 0), (-1, 2), (0, -3)])),
        Unary("Pad, mirrored", x => x.Pad([(0, 0), (1, 2), (0, 3)], Padding.Reflect)),
        Unary("Where", x => x.Greater(Tensor.Scalar(0)).Where(x, x * 2f)),
        Unary("Comparisons", x => x.NotEqualTo(x.Abs()).Cast(DType.Float32) + x.LessOrEqual(x.Cos()).Cast(DType.Float32)),
        Unary("Maximum", x => x.Maximum(x.Cos()).Minimum(x.Exp())),
        Unary("Powers", x => x.Abs().Pow(x)),
        Unary("Quotient", x => x / (x.Square() + 1f)),
        Unary("Batch joined with channels", x => (x.Reshape(-1, 7) * 2f).Reshape(x.Shape)),
        Unary("Products", x => x.MatMul(x.Transpose())),
        Unary("Transposed product", x => MatMulOp.Of(true, false).Apply(x, x)),
        Unary("Examples in reverse", x => x.Slice(0, null, null, -1)),
        Unary("All but the first example", x => x.Slice(0, 1)),
        Unary("Zeros for each example", x => x + Tensor.Zeros([x.Shape[0], 1, 7])),
        Unary("Stretched", x => x.Sum([1], keepDims: true).Expand(x.Shape)),
        Unary("The input itself", x => x),
        Unary("Not of the input", x => Tensor.Ones([x.Shape[0], 2])),
        new("PRelu", w => Of(w, (x, p) => x.PRelu(p("slope", [4]))), n => [Normal(n, 4, 5, 6)]),
        new("Nearest", w => Of(w, (x, _) => x.Interpolate([10, 9])), n => [Normal(n, 2, 5, 6)]),
        new("Bilinear resizing", w => Of(w, (x, _) => x.Interpolate([10, 9], Interpolation.Linear)), n => [Normal(n, 2, 5, 6)]),
        new("Bicubic resizing", w => Of(w, (x, _) => x.Interpolate([4, 9], Interpolation.Cubic, alignCorners: true)), n => [Normal(n, 2, 5, 6)]),
        new("PixelShuffle", w => Of(w, (x, _) => x.PixelShuffle(2)), n => [Normal(n, 8, 3, 4)]),
        new("PixelUnshuffle", w => Of(w, (x, _) => x.PixelUnshuffle(2)), n => [Normal(n, 2, 6, 4)]),
        new("Spatial transformer",
            w => Of(w, (x, p) =>
                x.GridSample(x.Mean([2, 3]).Linear(p("weight", [6, 2])).Reshape(-1, 2, 3).AffineGrid(5, 4), new GridSampling(Padding: GridPadding.Border))),
            n => [Normal(n, 2, 6, 7)]),
        new("Gather", w => new Array(w, xs => xs[0].Gather(1, xs[1])), n => [Normal(n, 5), Tokens(n, 3, 5)], Single: false),
        new("Scatter", w => new Array(w, xs => xs[0].Scatter(1, xs[1], xs[2])), n => [Normal(n, 5), Distinct(n, 5), Normal(n, 3)], Single: false),
        new("ScatterAdd", w => new Array(w, xs => xs[0].ScatterAdd(1, xs[1], xs[2])), n => [Normal(n, 5), Tokens(n, 3, 5), Normal(n, 3)], Single: false),
        new("OneHot", w => new Array(w, xs => xs[0].OneHot(5)), n => [Tokens(n, 3, 5)], Single: false),
        new("KeyMask", w => new Array(w, xs => AttentionModule.KeyMask(xs[1], 4, heads: false).Where(xs[0], Tensor.Scalar(-1))),
            n => [Normal(n, 1, 4), Lengths(n, 4)], Single: false),
        new("CosineSimilarity", w => new Array(w, xs => xs[0].CosineSimilarity(xs[1])), n => [Normal(n, 5), Normal(n, 5)], Single: false),
    ];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ExportCase> All { get; } = [.. Architectures, .. Modules, .. Operators];

    /// <summary>Numbers for a batch, the same at each call.</summary>
    public static Tensor Normal(params ReadOnlySpan<int> dims) => new RandomSource((ulong)dims.Length * 31 + (ulong)dims[^1]).Normal(Shape.Create(dims));

    /// <summary>The network, with weights that leave nothing at its neutral value.</summary>
    public Module Network()
    {
        Module module = Make(Weights.Random(7));
        var random = new RandomSource(11);
        foreach (Parameter parameter in module.Parameters.Concat(module.Buffers).Where(p => p.Value.Rank == 1))
        {
            parameter.Assign(random.Uniform(parameter.Value.Shape, 0.5f, 1.5f));
        }
        return module;
    }

    /// <summary>What the network says.</summary>
    public Tensor[] Answers(Module module, Tensor[] inputs) => Single ? [module.Call(new Run(), inputs[0])] : module.Call(new Run(), (Tensor[])inputs.Clone());

    /// <summary>Writes the network.</summary>
    public void Export(Module module, string path)
    {
        using FileStream file = File.Create(path);
        if (Single) OnnxExport.Write(module, Inputs(1)[0], file, Options);
        else OnnxExport.Write(module, Inputs(2), file, Options);
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static ExportCase Unary(string name, Func<Tensor, Tensor> function) => new(name, w => new Function(w, function), n => [Normal(n, 4, 7)]);

    private static Function Of(Weights weights, Func<Tensor, Func<string, Shape, Tensor>, Tensor> function)
    {
        var made = new Dictionary<string, Parameter>(StringComparer.Ordinal);
        return new Function(weights, x => function(x, (name, shape) =>
            made.TryGetValue(name, out Parameter? parameter) ? parameter.Value : (made[name] = weights.Parameter(name, shape, Init.Uniform(4))).Value));
    }

    private static Tensor Tokens(int n, int steps, int count) =>
        Tensor.From([.. Enumerable.Range(0, n * steps).Select(i => (long)(i * 7 % count))], [n, steps]);

    private static Tensor Distinct(int n, int count) => Tensor.From([.. Enumerable.Range(0, n * 3).Select(i => (long)((i % 3 * 2 + i / 3) % count))], [n, 3]);

    private static Tensor Lengths(int n, int steps) => Tensor.From([.. Enumerable.Range(0, n).Select(i => (long)(steps - i % 3))], [n]);

    private static Tensor Mask(int n, int keys) => AttentionModule.KeyMask(Lengths(n, keys), keys);

    /// <summary>A function of several tensors.</summary>
    private sealed class Array(Weights weights, Func<Tensor[], Tensor> function) : Module(weights)
    {
        protected override Tensor[] Forward(Run run, Tensor[] inputs) => [function(inputs)];
    }
}
