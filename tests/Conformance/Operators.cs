namespace Vitrine.Conformance;

/// <summary>Every operator by its name in PyTorch: how a case's inputs and attributes become a call.</summary>
internal static partial class Operators
{
    /// <summary>From inputs and attributes to outputs.</summary>
    public delegate Tensor[] Function(Inputs inputs, Attributes attributes);

    public static readonly IReadOnlyDictionary<string, Function> Table = new Dictionary<string, Function>(StringComparer.Ordinal)
    {
        // One input, elementwise.
        ["abs"] = One(x => x.Abs()),
        ["ceil"] = One(x => x.Ceiling()),
        ["clamp"] = One((x, a) => x.Clamp(a.Float("min", double.NegativeInfinity), a.Float("max", double.PositiveInfinity))),
        ["cos"] = One(x => x.Cos()),
        ["elu"] = One((x, a) => x.Elu(a.Float("alpha", 1))),
        ["erf"] = One(x => x.Erf()),
        ["exp"] = One(x => x.Exp()),
        ["floor"] = One(x => x.Floor()),
        ["gelu"] = One((x, a) => a.Text("approximate", "none") == "tanh" ? x.GeluTanh() : x.Gelu()),
        ["hardsigmoid"] = One(x => x.HardSigmoid()),
        ["hardswish"] = One(x => x.HardSwish()),
        ["hardtanh"] = One((x, a) => x.Clamp(a.Float("min_val", -1), a.Float("max_val", 1))),
        ["leaky_relu"] = One((x, a) => x.LeakyRelu(a.Float("negative_slope", 0.01))),
        ["log"] = One(x => x.Log()),
        ["mish"] = One(x => x.Mish()),
        ["neg"] = One(x => -x),
        ["reciprocal"] = One(x => x.Reciprocal()),
        ["relu"] = One(x => x.Relu()),
        ["relu6"] = One(x => x.Relu6()),
        ["round"] = One(x => x.Round()),
        ["rsqrt"] = One(x => x.Rsqrt()),
        ["selu"] = One(x => x.Selu()),
        ["sigmoid"] = One(x => x.Sigmoid()),
        ["sign"] = One(x => x.Sign()),
        ["silu"] = One(x => x.Silu()),
        ["sin"] = One(x => x.Sin()),
        ["softplus"] = One((x, a) => a.Float("beta", 1) is var beta && beta == 1 ? x.Softplus() : (x * beta).Softplus() / beta),
        ["softsign"] = One(x => x.Softsign()),
        ["sqrt"] = One(x => x.Sqrt()),
        ["square"] = One(x => x.Square()),
        ["tanh"] = One(x => x.Tanh()),

        // Two inputs, broadcasting.
        ["add"] = Two((x, y) => x + y),
        ["sub"] = Two((x, y) => x - y),
        ["mul"] = Two((x, y) => x * y),
        ["div"] = Two((x, y) => x / y),
        ["maximum"] = Two((x, y) => x.Maximum(y)),
        ["minimum"] = Two((x, y) => x.Minimum(y)),
        ["matmul"] = Two((x, y) => x.MatMul(y)),
        ["pow"] = (x, a) => [a.Has("exponent") ? x[0].Pow(a.Float("exponent")) : x[0].Pow(x[1])],
        ["where"] = (x, _) => [x["cond"].Where(x["a"], x["b"])],

        // Reductions.
        ["amax"] = One((x, a) => x.Max(a.Axes(), a.Bool("keepdim", false))),
        ["amin"] = One((x, a) => x.Min(a.Axes(), a.Bool("keepdim", false))),
        ["argmax"] = One((x, a) => Arg(x, a, largest: true)),
        ["argmin"] = One((x, a) => Arg(x, a, largest: false)),
        ["logsumexp"] = One((x, a) => x.LogSumExp(a.Axes(), a.Bool("keepdim", false))),
        ["mean"] = One((x, a) => x.Mean(a.Axes(), a.Bool("keepdim", false))),
        ["norm"] = One((x, a) => x.Norm(a.Axes(), a.Float("p", 2), a.Bool("keepdim", false))),
        ["prod"] = One((x, a) => x.Product(a.Axes(), a.Bool("keepdim", false))),
        ["std"] = One((x, a) => x.Std(a.Axes(), Correction(a), a.Bool("keepdim", false))),
        ["sum"] = One((x, a) => x.Sum(a.Axes(), a.Bool("keepdim", false))),
        ["var"] = One((x, a) => x.Var(a.Axes(), Correction(a), a.Bool("keepdim", false))),
        ["log_softmax"] = One((x, a) => x.LogSoftmax(a.Int("dim", -1))),
        ["softmax"] = One((x, a) => x.Softmax(a.Int("dim", -1))),
        ["softmin"] = One((x, a) => (-x).Softmax(a.Int("dim", -1))),

        // Arrangement.
        ["concat"] = (x, a) => [TensorOps.Concat(a.Int("dim", 0), x.All())],
        ["stack"] = (x, a) => [TensorOps.Stack(a.Int("dim", 0), x.All())],
        ["expand"] = One((x, a) => x.Expand(Expanded(x.Shape, Required(a, "shape")))),
        ["flatten"] = One((x, a) => Flatten(x, a.Int("start_dim", 0), a.Int("end_dim", -1))),
        ["flip"] = One((x, a) => (a.Ints("dims") ?? a.Axes()).Aggregate(x, (y, axis) => y.Slice(axis, null, null, -1))),
        ["pad"] = One(Pad),
        ["permute"] = One((x, a) => x.Permute(Required(a, "dims"))),
        ["transpose"] = One((x, a) => x.Transpose(a.Int("dim0"), a.Int("dim1"))),
        ["reshape"] = One((x, a) => x.Reshape(Required(a, "shape"))),
        ["squeeze"] = One((x, a) => x.Squeeze(a.Int("dim"))),
        ["unsqueeze"] = One((x, a) => x.Unsqueeze(a.Int("dim"))),
        ["slice"] = One(Slice),
        ["split"] = (x, a) => x[0].Split(Parts(x[0].Shape[a.Int("dim", 0)], a), a.Int("dim", 0)),

        // Selection by index.
        ["embedding"] = (x, _) => [x["weight"].Embedding(x["index"])],
        ["gather"] = (x, a) => [x[0].Gather(a.Int("dim"), x["index"])],
        ["index_select"] = (x, a) => [x[0].IndexSelect(a.Int("dim"), x["index"])],

        // Layers.
        ["linear"] = (x, _) => [x[0].Linear(x["weight"], x.Maybe("bias"))],
        ["conv2d"] = (x, a) => [Conv2d(x, a)],
        ["conv_transpose2d"] = (x, a) => [ConvTranspose2d(x, a)],
        ["avg_pool2d"] = One((x, a) => x.AvgPool2d(Pool(a))),
        ["max_pool2d"] = One((x, a) => x.MaxPool2d(Pool(a))),
        ["batch_norm"] = (x, a) => [BatchNorm(x, a)],

        // Losses.
        ["binary_cross_entropy_with_logits"] = (x, a) => [Loss.BceWithLogits(x["x"], x["target"], x.Maybe("weight"), x.Maybe("pos_weight"), a.Reduction())],
        ["cross_entropy"] = (x, a) =>
            [Loss.CrossEntropy(x["x"], x["target"], x.Maybe("weight"), a.Float("label_smoothing", 0), a.Int("ignore_index", -100), a.Reduction())],
        ["mse_loss"] = (x, a) => [Loss.Mse(x["x"], x["target"], a.Reduction())],
        ["nll_loss"] = (x, a) => [Loss.Nll(x["x"], x["target"], x.Maybe("weight"), a.Int("ignore_index", -100), a.Reduction())],
    };

    private static Function One(Func<Tensor, Tensor> function) => (inputs, _) => [function(inputs[0])];

    private static Function One(Func<Tensor, Attributes, Tensor> function) => (inputs, attributes) => [function(inputs[0], attributes)];

    private static Function Two(Func<Tensor, Tensor, Tensor> function) => (inputs, _) => [function(inputs[0], inputs[1])];

    private static int[] Required(Attributes a, string name) => a.Ints(name) ?? throw new MalformedCaseException($"attribute {name} is missing");

    private static int Correction(Attributes a) => a.Has("unbiased") ? (a.Bool("unbiased", true) ? 1 : 0) : a.Int("correction", 1);

    private static Tensor Arg(Tensor x, Attributes a, bool largest)
    {
        bool keep = a.Bool("keepdim", false);
        if (!a.Has("dim")) return Along(x.Reshape(x.Count), 0);
        Tensor found = Along(x, a.Int("dim"));
        return keep ? found.Reshape(x.Shape.With(a.Int("dim"), 1)) : found;

        Tensor Along(Tensor y, int axis) => largest ? y.ArgMax(axis) : y.ArgMin(axis);
    }

    private static Shape Expanded(Shape from, int[] wanted)
    {
        int extra = wanted.Length - from.Rank;
        return Shape.Create([.. wanted.Select((extent, i) => extent == -1 ? from[i - extra] : extent)]);
    }

    private static Tensor Flatten(Tensor x, int from, int to)
    {
        if (x.Rank == 0) return x.Reshape(1);
        from = x.Shape.Axis(from);
        to = x.Shape.Axis(to);
        return x.Reshape(Shape.Create([.. x.Shape.Dims[..from], x.Shape.Dims[from..(to + 1)].ToArray().Aggregate(1, (p, e) => p * e), .. x.Shape.Dims[(to + 1)..]]));
    }

    private static Tensor Pad(Tensor x, Attributes a)
    {
        // PyTorch lists pairs from the last axis to the first.
        int[] numbers = a.Ints("pads_last_first") ?? Required(a, "pad");
        if (numbers.Length % 2 != 0 || numbers.Length > 2 * x.Rank) throw new MalformedCaseException($"{numbers.Length} pads do not fit {x.Rank} axes");
        var pads = new (int, int)[x.Rank];
        for (int i = 0; i < numbers.Length / 2; i++) pads[x.Rank - 1 - i] = (numbers[2 * i], numbers[2 * i + 1]);
        string mode = a.Text("mode", "constant");
        return mode switch
        {
            "constant" => x.Pad(pads, Padding.Constant, a.Float("value", 0)),
            "reflect" => x.Pad(pads, Padding.Reflect),
            "replicate" => x.Pad(pads, Padding.Replicate),
            _ => throw new MalformedCaseException($"pad mode {mode} is unknown"),
        };
    }

    private static Tensor Slice(Tensor x, Attributes a)
    {
        int?[] starts = a.Options("starts") ?? [], ends = a.Options("ends") ?? [], steps = a.Options("steps") ?? [];
        int?[]? axes = a.Options("axes") ?? a.Options("dims");
        int count = Math.Max(starts.Length, Math.Max(ends.Length, steps.Length));
        for (int i = 0; i < count; i++) x = x.Slice(axes?[i] ?? i, At(starts, i), At(ends, i), At(steps, i) ?? 1);
        return x;

        static int? At(int?[] values, int i) => i < values.Length ? values[i] : null;
    }

    private static int[] Parts(int extent, Attributes a)
    {
        int[] sizes = a.Ints("sizes") ?? a.Ints("split_size") ?? Required(a, "split_size_or_sections");
        if (sizes.Length != 1 || sizes[0] <= 0 || sizes[0] == extent) return sizes;
        return [.. Enumerable.Range(0, (extent + sizes[0] - 1) / sizes[0]).Select(i => Math.Min(sizes[0], extent - i * sizes[0]))];
    }

    private static Tensor Conv2d(Inputs x, Attributes a)
    {
        Tensor weight = x["weight"];
        (int H, int W) stride = a.Pair("stride", 1), dilation = a.Pair("dilation", 1);
        int groups = a.Int("groups", 1);
        return x[0].Conv2d(weight, x.Maybe("bias"), new ConvGeometry(stride, a.Pair("padding", 0), dilation, groups));
    }

    private static Tensor ConvTranspose2d(Inputs x, Attributes a) => x[0].ConvTranspose2d(
        x["weight"], x.Maybe("bias"), new ConvGeometry(a.Pair("stride", 1), a.Pair("padding", 0), a.Pair("dilation", 1), a.Int("groups", 1)), a.Pair("output_padding", 0));

    private static PoolGeometry Pool(Attributes a)
    {
        (int H, int W) kernel = a.Pair("kernel_size", 1);
        (int H, int W) stride = a.Has("stride") ? a.Pair("stride", 1) : kernel;
        return new PoolGeometry(kernel, stride, a.Pair("padding", 0), a.Bool("ceil_mode", false), a.Bool("count_include_pad", true));
    }

    private static Tensor BatchNorm(Inputs x, Attributes a)
    {
        Tensor weight = x.Maybe("weight") ?? Tensor.Ones([x[0].Shape[1]]), bias = x.Maybe("bias") ?? Tensor.Zeros([x[0].Shape[1]]);
        float epsilon = a.Float("eps", 1e-5);
        a.Float("momentum", 0.1); // Moves the running statistics, which are no output.
        return a.Bool("training", false)
            ? new Ops.BatchNormTrainOp(epsilon).Apply(x[0], weight, bias)
            : new Ops.BatchNormOp(epsilon).Apply(x[0], weight, bias, x.Maybe("mean", "running_mean")!, x.Maybe("var", "running_var")!);
    }
}
