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
        ["log1p"] = One(x => x.Log1p()),
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
        ["softplus"] = One(Softplus),
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
        ["cosine_similarity"] = (x, a) => [x[0].CosineSimilarity(x[1], a.Int("dim", 1), a.Float("eps", 1e-8))],
        ["einsum"] = (x, a) => [TensorOps.Einsum(a.Text("equation"), x.All())],
        ["pairwise_distance"] = (x, a) => [x[0].PairwiseDistance(x[1], a.Float("p", 2), a.Float("eps", 1e-6), a.Bool("keepdim", false))],
        ["prelu"] = (x, _) => [x[0].PRelu(x[1])],
        ["matmul"] = Two((x, y) => x.MatMul(y)),
        ["pow"] = (x, a) => [a.Has("exponent") ? x[0].Pow(a.Float("exponent")) : x[0].Pow(x[1])],
        ["where"] = (x, _) => [x["cond"].Where(x["a"], x["b"])],

        // Reductions.
        ["amax"] = One((x, a) => x.Max(a.Axes(), a.Bool("keepdim", false))),
        ["amin"] = One((x, a) => x.Min(a.Axes(), a.Bool("keepdim", false))),
        ["argmax"] = One((x, a) => Arg(x, a, largest: true)),
        ["argmin"] = One((x, a) => Arg(x, a, largest: false)),
        ["cumsum"] = One((x, a) => x.CumSum(a.Int("dim"))),
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
        ["squeeze"] = One((x, a) => a.Has("dim") ? x.Squeeze(a.Int("dim")) : x.Reshape(Shape.Create([.. x.Shape.Dims.ToArray().Where(e => e != 1)]))),
        ["unsqueeze"] = One((x, a) => x.Unsqueeze(a.Int("dim"))),
        ["pixel_shuffle"] = One((x, a) => x.PixelShuffle(a.Int("upscale_factor"))),
        ["pixel_unshuffle"] = One((x, a) => x.PixelUnshuffle(a.Int("downscale_factor"))),
        ["slice"] = One(Slice),
        ["split"] = (x, a) => x[0].Split(Parts(x[0].Shape[a.Int("dim", 0)], a), a.Int("dim", 0)),

        // Selection by index.
        ["embedding"] = (x, a) => [a.Has("padding_idx") ? x["weight"].Embedding(x["index"], a.Int("padding_idx")) : x["weight"].Embedding(x["index"])],
        ["gather"] = (x, a) => [x[0].Gather(a.Int("dim"), x["index"])],
        ["one_hot"] = (x, a) => [x[0].OneHot(a.Int("num_classes", -1) is > 0 and var n ? n : (int)x[0].Longs.ToArray().Max() + 1)],
        ["scatter"] = (x, a) => [x[0].Scatter(a.Int("dim"), x["index"], x["src"])],
        ["scatter_add"] = (x, a) => [x[0].ScatterAdd(a.Int("dim"), x["index"], x["src"])],
        ["argsort"] = One((x, a) => x.ArgSort(a.Int("dim", -1), a.Bool("descending", false))),
        ["sort"] = (x, a) => Pair(x[0].Sort(a.Int("dim", -1), a.Bool("descending", false))),
        ["topk"] = (x, a) => Pair(x[0].TopK(a.Int("k"), a.Int("dim", -1), a.Bool("largest", true))),
        ["index_select"] = (x, a) => [x[0].IndexSelect(a.Int("dim"), x["index"])],

        // Layers.
        ["linear"] = (x, _) => [x[0].Linear(x["weight"], x.Maybe("bias"))],
        ["conv1d"] = (x, a) => [Conv(x, a, 1)],
        ["conv2d"] = (x, a) => [Conv(x, a, 2)],
        ["conv3d"] = (x, a) => [Conv(x, a, 3)],
        ["conv_transpose1d"] = (x, a) => [ConvTranspose(x, a, 1)],
        ["conv_transpose2d"] = (x, a) => [ConvTranspose(x, a, 2)],
        ["conv_transpose3d"] = (x, a) => [ConvTranspose(x, a, 3)],
        ["adaptive_avg_pool1d"] = One((x, a) => x.AdaptiveAvgPool(Sizes(x, a, 1))),
        ["adaptive_avg_pool2d"] = One((x, a) => x.AdaptiveAvgPool(Sizes(x, a, 2))),
        ["adaptive_avg_pool3d"] = One((x, a) => x.AdaptiveAvgPool(Sizes(x, a, 3))),
        ["adaptive_max_pool1d"] = One((x, a) => x.AdaptiveMaxPool1d(Sizes(x, a, 1)[0])),
        ["adaptive_max_pool2d"] = One((x, a) => Sizes(x, a, 2) is [var h, var w] ? x.AdaptiveMaxPool2d(h, w) : x),
        ["avg_pool1d"] = One((x, a) => x.Unsqueeze(-2).AvgPool2d(Pool(a, 1)).Squeeze(-2)),
        ["avg_pool2d"] = One((x, a) => x.AvgPool2d(Pool(a, 2))),
        ["avg_pool3d"] = One((x, a) => x.AvgPool3d(Pool(a, 3), Depth(a))),
        ["max_pool1d"] = One((x, a) => x.Unsqueeze(-2).MaxPool2d(Pool(a, 1)).Squeeze(-2)),
        ["max_pool2d"] = (x, a) => Pair(x[0].MaxPool2dIndices(Pool(a, 2))),
        ["max_pool3d"] = One((x, a) => x.MaxPool3d(Pool(a, 3), Depth(a))),
        ["max_unpool2d"] = One(Unpool),
        ["batch_norm"] = (x, a) => [BatchNorm(x, a)],
        ["group_norm"] = (x, a) => [x[0].GroupNorm(a.Int("num_groups"), x.Maybe("weight"), x.Maybe("bias"), a.Float("eps", 1e-5))],
        ["instance_norm"] = (x, a) => [InstanceNorm(x, a)],
        ["layer_norm"] = (x, a) => [x[0].LayerNorm(Required(a, "normalized_shape").Length, x.Maybe("weight"), x.Maybe("bias"), a.Float("eps", 1e-5))],
        ["rms_norm"] = (x, a) => [x[0].RmsNorm(Required(a, "normalized_shape").Length, x.Maybe("weight"), a.Float("eps", 1.1920929e-7))],
        ["local_response_norm"] = One((x, a) => x.LocalResponseNorm(a.Int("size"), a.Float("alpha", 1e-4), a.Float("beta", 0.75), a.Float("k", 1))),
        ["normalize"] = One((x, a) => x / x.Norm([a.Int("dim", 1)], a.Float("p", 2), keepDims: true).Maximum(Tensor.Scalar(a.Float("eps", 1e-12)))),
        ["interpolate"] = One(Interpolate),
        ["grid_sample"] = (x, a) => [GridSample(x, a)],
        ["affine_grid"] = One((x, a) => Required(a, "size") is [.., var h, var w] ? x.AffineGrid(h, w, a.Bool("align_corners", false)) : x),
        ["rnn"] = (x, a) => Recurrent(x, a),
        ["gru"] = (x, a) => Recurrent(x, a),
        ["lstm"] = (x, a) => Recurrent(x, a),
        ["scaled_dot_product_attention"] = Attention,
        ["multi_head_attention"] = (x, a) => MultiHeadAttention(x, a),

        // Losses.
        ["binary_cross_entropy_with_logits"] = (x, a) => [Loss.BceWithLogits(x["x"], x["target"], x.Maybe("weight"), x.Maybe("pos_weight"), a.Reduction())],
        ["cross_entropy"] = (x, a) => [CrossEntropy(x, a, x["x"], x["target"])],
        ["binary_cross_entropy"] = (x, a) => [Loss.Bce(x["x"], x["target"], x.Maybe("weight"), a.Reduction())],
        ["cosine_embedding_loss"] = (x, a) => [Loss.CosineEmbedding(x[0], x[1], x["target"], a.Float("margin", 0), a.Reduction())],
        ["ctc_loss"] = (x, a) => [Loss.Ctc( // The files hold logits.
            x["x"].LogSoftmax(-1), x["targets"], x["input_lengths"], x["target_lengths"], a.Int("blank", 0), a.Bool("zero_infinity", false), a.Reduction())],
        ["gaussian_nll_loss"] = (x, a) =>
            [Loss.GaussianNll(x[0], x["target"], x["var"], a.Bool("full", false), a.Float("eps", 1e-6), a.Reduction())],
        ["hinge_embedding_loss"] = (x, a) => [Loss.HingeEmbedding(x[0], x["target"], a.Float("margin", 1), a.Reduction())],
        ["huber_loss"] = (x, a) => [Loss.Huber(x["x"], x["target"], a.Float("delta", 1), a.Reduction())],
        ["kl_div"] = (x, a) => [KlDiv(x, a)],
        ["l1_loss"] = (x, a) => [Loss.L1(x["x"], x["target"], a.Reduction())],
        ["margin_ranking_loss"] = (x, a) => [Loss.MarginRanking(x[0], x[1], x["target"], a.Float("margin", 0), a.Reduction())],
        ["multi_margin_loss"] = (x, a) => [Loss.MultiMargin(x["x"], x["target"], a.Int("p", 1), a.Float("margin", 1), x.Maybe("weight"), a.Reduction())],
        ["poisson_nll_loss"] = (x, a) =>
            [Loss.PoissonNll(x["x"], x["target"], a.Bool("log_input", true), a.Bool("full", false), a.Float("eps", 1e-8), a.Reduction())],
        ["smooth_l1_loss"] = (x, a) => [Loss.SmoothL1(x["x"], x["target"], a.Float("beta", 1), a.Reduction())],
        ["soft_margin_loss"] = (x, a) => [Loss.SoftMargin(x["x"], x["target"], a.Reduction())],
        ["triplet_margin_loss"] = (x, a) => [Loss.Triplet(
            x["anchor"], x["positive"], x["negative"], a.Float("margin", 1), a.Float("p", 2), a.Float("eps", 1e-6), a.Bool("swap", false), a.Reduction())],
        ["mse_loss"] = (x, a) => [Loss.Mse(x["x"], x["target"], a.Reduction())],
        ["nll_loss"] = (x, a) => [Single(x["x"], x["target"], (p, t) => Loss.Nll(p, t, x.Maybe("weight"), a.Int("ignore_index", -100), a.Reduction()))],
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
            "circular" => x.Pad(pads, Padding.Circular),
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

    private static Tensor CrossEntropy(Inputs x, Attributes a, Tensor logits, Tensor target)
    {
        float smoothing = a.Float("label_smoothing", 0);
        int ignored = a.Int("ignore_index", -100);
        Tensor? weight = x.Maybe("weight");
        return Single(logits, target, (l, t) => t.DType == DType.Float32
            ? Loss.SoftCrossEntropy(l, t, weight, smoothing, a.Reduction())
            : Loss.CrossEntropy(l, t, weight, smoothing, ignored, a.Reduction()));
    }

    /// <summary>PyTorch takes one example [C] without the axis of examples.</summary>
    private static Tensor Single(Tensor logits, Tensor target, Func<Tensor, Tensor, Tensor> loss)
    {
        if (logits.Rank != 1) return loss(logits, target);
        Tensor one = loss(logits.Unsqueeze(0), target.DType == DType.Int64 ? target.Reshape(1) : target.Unsqueeze(0));
        return one.Rank == 0 ? one : one.Squeeze(0);
    }

    private static Tensor InstanceNorm(Inputs x, Attributes a)
    {
        a.Float("momentum", 0.1);
        Tensor input = x[0];
        float epsilon = a.Float("eps", 1e-5);
        if (a.Bool("use_input_stats", true)) return input.InstanceNorm(x.Maybe("weight"), x.Maybe("bias"), epsilon);
        int channels = input.Shape[1]; // With running statistics it is batch normalisation.
        return new Ops.BatchNormOp(epsilon).Apply(
            input, x.Maybe("weight") ?? Tensor.Ones([channels]), x.Maybe("bias") ?? Tensor.Zeros([channels]), x.Maybe("mean", "running_mean")!, x.Maybe("var", "running_var")!);
    }

    private static Tensor[] Attention(Inputs x, Attributes a)
    {
        if (a.Float("dropout_p", 0) != 0) throw new MalformedCaseException("attention with dropout has no one answer");
        // Where is_causal comes with a mask, the mask says the same.
        return Pair(TensorOps.ScaledDotProductAttention(
            x["q"], x["k"], x["v"], x.Maybe("mask", "attn_mask"), a.Bool("is_causal", false), a.Has("scale") ? a.Float("scale") : null));
    }

    private static Tensor[] Pair((Tensor First, Tensor Second) pair) => [pair.First, pair.Second];

    private static Tensor Softplus(Tensor x, Attributes a)
    {
        float beta = a.Float("beta", 1), threshold = a.Float("threshold", 20);
        Tensor scaled = beta == 1 ? x : x * beta, y = scaled.Softplus() / beta;
        // From the threshold on PyTorch takes the identity, which differs from softplus by less than float32 can tell unless the threshold is small.
        return threshold >= 20 ? y : scaled.Greater(Tensor.Scalar(threshold)).Where(x, y);
    }

    /// <summary>Convolution over 1, 2 or 3 axes, with the strings PyTorch takes for the padding.</summary>
    private static Tensor Conv(Inputs inputs, Attributes a, int axes)
    {
        Tensor x = inputs[0], weight = inputs["weight"];
        bool single = x.Rank == axes + 1; // PyTorch takes one example without the axis of examples.
        if (single) x = x.Unsqueeze(0);
        int[] stride = a.Each("stride", axes, 1), dilation = a.Each("dilation", axes, 1);
        int groups = a.Int("groups", 1);
        int[] padding;
        if (a.IsText("padding"))
        {
            padding = new int[axes];
            if (a.Text("padding") is var text && text == "same")
            {
                var pads = new (int, int)[axes + 2];
                for (int i = 0; i < axes; i++)
                {
                    int total = dilation[i] * (weight.Shape[i + 2] - 1);
                    pads[i + 2] = (total / 2, total - total / 2);
                }
                x = x.Pad(pads);
            }
            else if (text != "valid")
            {
                throw new MalformedCaseException($"padding {text} is unknown");
            }
        }
        else
        {
            padding = a.Each("padding", axes, 0);
        }
        Tensor? bias = inputs.Maybe("bias");
        Tensor y = axes switch
        {
            1 => x.Conv1d(weight, bias, stride[0], padding[0], dilation[0], groups),
            2 => x.Conv2d(weight, bias, new ConvGeometry((stride[0], stride[1]), (padding[0], padding[1]), (dilation[0], dilation[1]), groups)),
            _ => x.Conv3d(weight, bias, new ConvGeometry3d(Triple(stride), Triple(padding), Triple(dilation), groups)),
        };
        return single ? y.Squeeze(0) : y;
    }

    private static Tensor ConvTranspose(Inputs inputs, Attributes a, int axes)
    {
        Tensor x = inputs[0], weight = inputs["weight"];
        bool single = x.Rank == axes + 1;
        if (single) x = x.Unsqueeze(0);
        int[] stride = a.Each("stride", axes, 1), padding = a.Each("padding", axes, 0), extra = a.Each("output_padding", axes, 0), dilation = a.Each("dilation", axes, 1);
        int groups = a.Int("groups", 1);
        Tensor? bias = inputs.Maybe("bias");
        Tensor y = axes switch
        {
            1 => x.ConvTranspose1d(weight, bias, stride[0], padding[0], extra[0], dilation[0], groups),
            2 => x.ConvTranspose2d(
                weight, bias, new ConvGeometry((stride[0], stride[1]), (padding[0], padding[1]), (dilation[0], dilation[1]), groups), (extra[0], extra[1])),
            _ => x.ConvTranspose3d(weight, bias, new ConvGeometry3d(Triple(stride), Triple(padding), Triple(dilation), groups), Triple(extra)),
        };
        return single ? y.Squeeze(0) : y;
    }

    private static (int, int, int) Triple(int[] values) => (values[0], values[1], values[2]);

    /// <summary>A pooling window over the last one or two of <paramref name="axes"/> axes.</summary>
    private static PoolGeometry Pool(Attributes a, int axes)
    {
        int[] kernel = a.Each("kernel_size", axes, 1), padding = a.Each("padding", axes, 0), dilation = a.Each("dilation", axes, 1);
        int[] stride = a.Ints("stride") is { Length: > 0 } ? a.Each("stride", axes, 1) : kernel;
        a.Bool("return_indices", false);
        return new PoolGeometry(Plane(kernel, 1), Plane(stride, 1), Plane(padding, 0), a.Bool("ceil_mode", false), a.Bool("count_include_pad", true))
        {
            Dilation = Plane(dilation, 1),
            Divisor = a.Int("divisor_override", 0),
        };

        (int, int) Plane(int[] values, int flat) => (axes == 1 ? flat : values[^2], values[^1]);
    }

    private static (int, int, int) Depth(Attributes a)
    {
        int kernel = a.Each("kernel_size", 3, 1)[0];
        return (kernel, a.Ints("stride") is { Length: > 0 } ? a.Each("stride", 3, 1)[0] : kernel, a.Each("padding", 3, 0)[0]);
    }

    /// <summary>The output size of adaptive pooling; null keeps an extent.</summary>
    private static int[] Sizes(Tensor x, Attributes a, int axes)
    {
        int?[] sizes = a.Options("output_size") ?? throw new MalformedCaseException("attribute output_size is missing");
        if (sizes.Length == 1) sizes = [.. Enumerable.Repeat(sizes[0], axes)];
        if (sizes.Length != axes) throw new MalformedCaseException($"output_size has {sizes.Length} numbers, not {axes}");
        return [.. sizes.Select((size, i) => size ?? x.Shape[i - axes])];
    }

    /// <summary>The cases pool and put back: what remains of x is its maxima.</summary>
    private static Tensor Unpool(Tensor x, Attributes a)
    {
        PoolGeometry geometry = Pool(a, 2);
        (Tensor values, Tensor indices) = x.MaxPool2dIndices(geometry);
        int[] size = a.Ints("output_size") ?? [
            (values.Shape[-2] - 1) * geometry.Stride.H - 2 * geometry.Padding.H + geometry.Kernel.H,
            (values.Shape[-1] - 1) * geometry.Stride.W - 2 * geometry.Padding.W + geometry.Kernel.W];
        return values.MaxUnpool2d(indices, size[^2], size[^1]);
    }

    private static Tensor Interpolate(Tensor x, Attributes a)
    {
        int axes = x.Rank - 2;
        double[]? scales = a.Doubles("scale_factor");
        if (scales is { Length: 1 }) scales = [.. Enumerable.Repeat(scales[0], axes)];
        int[] size = a.Has("size") ? a.Each("size", axes, 0)
            : [.. (scales ?? throw new MalformedCaseException("neither size nor scale_factor is given")).Select((s, i) => (int)Math.Floor(x.Shape[i + 2] * s))];
        if (a.Bool("recompute_scale_factor", false)) scales = null;
        string mode = a.Text("mode", "nearest");
        Interpolation interpolation = mode switch
        {
            "nearest" => Interpolation.Nearest,
            "nearest-exact" => Interpolation.NearestExact,
            "linear" or "bilinear" or "trilinear" => Interpolation.Linear,
            "bicubic" => Interpolation.Cubic,
            "area" => Interpolation.Area,
            _ => throw new MalformedCaseException($"interpolation mode {mode} is unknown"),
        };
        return x.Interpolate(size, interpolation, a.Bool("align_corners", false), scales);
    }

    private static Tensor GridSample(Inputs x, Attributes a)
    {
        string mode = a.Text("mode", "bilinear"), padding = a.Text("padding_mode", "zeros");
        var sampling = new GridSampling(
            mode switch
            {
                "bilinear" => GridMode.Bilinear,
                "nearest" => GridMode.Nearest,
                "bicubic" => GridMode.Bicubic,
                _ => throw new MalformedCaseException($"grid_sample mode {mode} is unknown"),
            },
            padding switch
            {
                "zeros" => GridPadding.Zeros,
                "border" => GridPadding.Border,
                "reflection" => GridPadding.Reflection,
                _ => throw new MalformedCaseException($"padding_mode {padding} is unknown"),
            },
            a.Bool("align_corners", false));
        return x["x"].GridSample(x["grid"], sampling);
    }

    private static Tensor[] Recurrent(Inputs inputs, Attributes a)
    {
        Tensor x = inputs["x"];
        bool batchFirst = a.Bool("batch_first", false), both = a.Bool("bidirectional", false);
        a.Int("hidden_size", 0);
        a.Int("input_size", 0);
        a.Bool("bias", true);
        if (!batchFirst) x = x.Transpose(0, 1);
        IReadOnlyList<RecurrentWeights> weights = RecurrentWeights.Named(name => inputs.Maybe(name), a.Int("num_layers", 1), both);
        Tensor? h = inputs.Maybe("h_0", "h0", "hx"), c = inputs.Maybe("c_0", "c0", "cx");
        // The number of gates tells the kind: 4, 3 or 1.
        Tensor[] result = (weights[0].Hidden.Shape[0] / weights[0].Hidden.Shape[1]) switch
        {
            4 => x.Lstm(weights, both, h, c) is var (output, hidden, cell) ? [output, hidden, cell] : [],
            3 => Pair(x.Gru(weights, both, h)),
            _ => Pair(x.Rnn(weights, both, h, a.Text("nonlinearity", "tanh") == "relu")),
        };
        if (!batchFirst) result[0] = result[0].Transpose(0, 1);
        return result;
    }

    private static Tensor[] MultiHeadAttention(Inputs x, Attributes a)
    {
        a.Int("embed_dim", 0);
        a.Bool("batch_first", true);
        Tensor query = x.Maybe("query", "q", "x")!, key = x.Maybe("key", "k") ?? query, value = x.Maybe("value", "v") ?? key;
        Tensor? blocked = x.Maybe("mask", "attn_mask");
        // PyTorch's layer has true where attention is forbidden.
        Tensor? mask = blocked?.DType == DType.Bool ? blocked.Cast(DType.Float32).EqualTo(Tensor.Scalar(0)) : blocked;
        return Pair(TensorOps.MultiHeadAttention(
            query, key, value, x["in_proj_weight"], x.Maybe("in_proj_bias"), x.Maybe("out_proj__weight", "out_proj.weight")!, x.Maybe("out_proj__bias", "out_proj.bias"),
            a.Int("num_heads"), mask, a.Bool("is_causal", false)));
    }

    /// <summary>The files hold logits on both sides.</summary>
    private static Tensor KlDiv(Inputs x, Attributes a)
    {
        bool log = a.Bool("log_target", false), batchMean = a.Text("reduction", "batchmean") == "batchmean";
        Tensor target = log ? x["target"].LogSoftmax(-1) : x["target"].Softmax(-1);
        return Loss.KlDiv(x["x"].LogSoftmax(-1), target, log, batchMean ? LossReduction.Sum : a.Reduction(), batchMean);
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
