namespace Vitrine.Engine.Tests.Operators; // not ...Tests.Ops, which would hide Vitrine.Ops from every test

/// <summary>Every differentiable operator against central differences, over shapes with ones and zeros among their extents.</summary>
public class GradientTests
{
    /// <summary>An operator with the shapes to try it on (one array of input shapes each).</summary>
    internal sealed record Checked(Func<Tensor[], Tensor> Function, Domain Domain, Shape[][] Shapes)
    {
        /// <summary>Why there is no second derivative, or null.</summary>
        public string? NoSecond { get; init; }
    }

    private static readonly Shape[][] One = [[[2, 3]], [[1]], [[0, 3]], [[]], [[2, 1, 4]]];
    private static readonly Shape[][] Broadcast = [[[2, 3], [2, 3]], [[3, 1], [2, 1, 4]], [[4], [1]], [[2, 2], []], [[0, 3], [1, 3]], [[1, 1], [1]]];

    internal static readonly Dictionary<string, Checked> Table = new(StringComparer.Ordinal)
    {
        ["Abs"] = Unary(x => x.Abs()),
        ["Exp"] = Unary(x => x.Exp()),
        ["Log"] = Unary(x => x.Log(), Domain.Positive),
        ["Log1p"] = Unary(x => x.Log1p(), Domain.Positive),
        ["Sqrt"] = Unary(x => x.Sqrt(), Domain.Positive),
        ["Rsqrt"] = Unary(x => x.Rsqrt(), Domain.Positive),
        ["Reciprocal"] = Unary(x => x.Reciprocal(), Domain.Positive),
        ["Sin"] = Unary(x => x.Sin()),
        ["Cos"] = Unary(x => x.Cos()),
        ["Tan"] = Unary(x => (x * 0.3f).Tan()),
        ["Asin"] = Unary(x => (x.Tanh() * 0.8f).Asin()),
        ["Acos"] = Unary(x => (x.Tanh() * 0.8f).Acos()),
        ["Atan"] = Unary(x => x.Atan()),
        ["Sinh"] = Unary(x => x.Sinh()),
        ["Cosh"] = Unary(x => x.Cosh()),
        ["Asinh"] = Unary(x => x.Asinh()),
        ["Acosh"] = Unary(x => (x + 1.5f).Acosh(), Domain.Positive),
        ["Atanh"] = Unary(x => (x.Tanh() * 0.8f).Atanh()),
        ["Tanh"] = Unary(x => x.Tanh()),
        ["Sigmoid"] = Unary(x => x.Sigmoid()),
        ["Softplus"] = Unary(x => x.Softplus()),
        ["Erf"] = Unary(x => x.Erf()),
        ["Square"] = Unary(x => x.Square()),
        ["Relu"] = Unary(x => x.Relu()),
        ["LeakyRelu"] = Unary(x => x.LeakyRelu(0.2f)),
        ["Elu"] = Unary(x => x.Elu(0.7f)),
        ["Selu"] = Unary(x => x.Selu()),
        ["Gelu"] = Unary(x => x.Gelu()),
        ["GeluTanh"] = Unary(x => x.GeluTanh()),
        ["Silu"] = Unary(x => x.Silu()),
        ["Mish"] = Unary(x => x.Mish()),
        ["HardSigmoid"] = Unary(x => x.HardSigmoid()),
        ["HardSwish"] = Unary(x => x.HardSwish()),
        ["Softsign"] = Unary(x => x.Softsign()),
        ["Clamp"] = Unary(x => x.Clamp(-5, 0.05f)),
        ["Power"] = Unary(x => x.Pow(1.7f), Domain.Positive),
        ["Power3"] = Unary(x => x.Pow(3)),
        ["Affine"] = Unary(x => 2f - x * 3f),
        ["Sign"] = Unary(x => x.Sign()),
        ["Floor"] = new(x => x[0].Floor(), Domain.Positive, [[[0]]]),

        ["Add"] = Binary((a, b) => a + b),
        ["Subtract"] = Binary((a, b) => a - b),
        ["Multiply"] = Binary((a, b) => a * b),
        ["Divide"] = Binary((a, b) => a / b, Domain.Positive),
        ["Pow"] = Binary((a, b) => a.Pow(b), Domain.Positive),
        ["Maximum"] = new(x => x[0].Maximum(x[1] + 0.075f), Domain.Spread, [[[2, 3], [3]], [[2, 1], [1, 2]], [[0, 1], [3]]]),
        ["Minimum"] = new(x => x[0].Minimum(x[1] + 0.075f), Domain.Spread, [[[2, 3], [3]], [[2, 1], [1, 2]], [[0, 1], [3]]]),
        ["Where"] = Binary((a, b) => Pattern(Shape.Broadcast(a.Shape, b.Shape)).Where(a, b)),
        ["PRelu"] = new(x => x[0].PRelu(x[1]), Domain.Any, [[[2, 3, 2], [3]], [[2, 3], [1]], [[0, 3], [3]]]),
        ["CosineSimilarity"] = new(x => x[0].CosineSimilarity(x[1], -1), Domain.Any, [[[2, 3], [2, 3]], [[2, 1, 3], [2, 3]]]),
        ["PairwiseDistance"] = new(x => x[0].PairwiseDistance(x[1]), Domain.Any, [[[2, 3], [2, 3]]]),
        ["Normalized"] = new(x => x[0].Normalized(), Domain.Any, [[[2, 3]], [[2, 3, 2]]]),

        ["Sum"] = Unary(x => x.Sum()),
        ["SumAxes"] = new(x => x[0].Sum([0, -1]), Domain.Any, [[[2, 3, 2]], [[2, 0, 3]], [[1, 1]]]),
        ["SumMiddle"] = new(x => x[0].Sum([1], keepDims: true), Domain.Any, [[[2, 3, 2]], [[2, 0, 3]], [[0, 3]]]),
        ["Mean"] = new(x => x[0].Mean([-1]), Domain.Any, [[[2, 3]], [[1, 1]], [[0, 3]]]),
        ["Var"] = new(x => x[0].Var([1]), Domain.Any, [[[2, 3]], [[2, 3, 2]]]),
        ["Std"] = new(x => x[0].Std([0], 0, keepDims: true), Domain.Any, [[[3, 2]]]),
        ["Product"] = new(x => x[0].Product([1]), Domain.Positive, [[[2, 3]], [[2, 3, 2]], [[2, 0]]]),
        ["Max"] = new(x => x[0].Max([1]), Domain.Spread, [[[2, 3]], [[2, 3, 2]], [[0, 3]]]),
        ["Min"] = new(x => x[0].Min([]), Domain.Spread, [[[2, 3]], [[1]]]),
        ["Norm1"] = new(x => x[0].Norm([1], 1), Domain.Any, [[[2, 3]]]),
        ["Norm2"] = new(x => x[0].Norm([1]), Domain.Any, [[[2, 3]], [[2, 3, 1]]]),
        ["Norm3"] = new(x => x[0].Norm([1], 3), Domain.Any, [[[2, 3]]]),
        ["LogSumExp"] = new(x => x[0].LogSumExp([1]), Domain.Any, [[[2, 3]], [[2, 1, 2]]]),
        ["Softmax"] = new(x => x[0].Softmax(1), Domain.Any, [[[2, 3]], [[2, 3, 2]], [[2, 1]], [[0, 3]], [[2, 0]]]),
        ["LogSoftmax"] = new(x => x[0].LogSoftmax(-1), Domain.Any, [[[2, 3]], [[2, 1]], [[0, 3]]]),
        ["CumSum"] = new(x => x[0].CumSum(1), Domain.Any, [[[2, 3]], [[2, 3, 2]], [[2, 0]]]),

        ["Reshape"] = new(x => x[0].Reshape(3, -1), Domain.Any, [[[2, 3]], [[3, 1]]]),
        ["Expand"] = new(x => x[0].Expand([2, 3, 4]), Domain.Any, [[[3, 1]], [[1]], [[2, 3, 4]], [[]]]),
        ["Permute"] = new(x => x[0].Permute(2, 0, 1), Domain.Any, [[[2, 3, 4]], [[2, 1, 0]]]),
        ["Slice"] = new(x => x[0].Slice(1, -2, null, -1), Domain.Any, [[[2, 4]], [[1, 2, 3]], [[0, 3]]]),
        ["Concat"] = new(x => TensorOps.Concat(1, x), Domain.Any, [[[2, 3], [2, 1]], [[2, 0], [2, 2]], [[0, 1], [0, 2]]]),
        ["Stack"] = new(x => TensorOps.Stack(1, x), Domain.Any, [[[2, 3], [2, 3]], [[0], [0]]]),
        ["PadConstant"] = new(x => x[0].Pad([(1, 0), (-1, 2)], value: 3), Domain.Any, [[[2, 3]], [[0, 3]], [[1, 1]]]),
        ["PadReflect"] = new(x => x[0].Pad([(0, 0), (2, 1)], Padding.Reflect), Domain.Any, [[[2, 3]]]),
        ["PadReplicate"] = new(x => x[0].Pad([(1, 0), (2, 1)], Padding.Replicate), Domain.Any, [[[2, 3]]]),
        ["PadCircular"] = new(x => x[0].Pad([(1, 0), (2, 1)], Padding.Circular), Domain.Any, [[[2, 3]]]),
        ["PixelShuffle"] = new(x => x[0].PixelShuffle(2), Domain.Any, [[[1, 4, 2, 1]], [[0, 4, 2, 1]]]),
        ["PixelUnshuffle"] = new(x => x[0].PixelUnshuffle(2), Domain.Any, [[[1, 1, 2, 4]]]),

        ["IndexSelect"] = new(x => x[0].IndexSelect(1, Index([2, 0, 2, 1], [2, 2])), Domain.Any, [[[2, 3]], [[2, 3, 2]], [[0, 3]]]),
        ["Gather"] = new(x => x[0].Gather(1, Index([2, 0, 2, 1], [2, 2])), Domain.Any, [[[2, 3]], [[3, 4]]]),
        ["ScatterAdd"] = new(x => x[0].ScatterAdd(1, Index([2, 0, 2, 2], [2, 2]), x[1]), Domain.Any, [[[2, 3], [2, 2]]]),
        ["Scatter"] = new(x => x[0].Scatter(1, Index([2, 0, 1, 2], [2, 2]), x[1]), Domain.Any, [[[2, 3], [2, 2]]]),
        ["Sort"] = new(x => x[0].Sort(0).Values, Domain.Spread, [[[3, 2]], [[0, 2]], [[1]]]),
        ["TopK"] = new(x => x[0].TopK(2).Values, Domain.Spread, [[[2, 3]], [[0, 3]]]),

        ["MatMul"] = new(x => x[0].MatMul(x[1]), Domain.Any, [[[2, 3], [3, 2]], [[2, 1, 2, 3], [2, 3, 1]], [[3], [3, 2]], [[2, 3], [3]], [[3], [3]], [[2, 0], [0, 3]], [[0, 2], [2, 3]], [[1, 1], [1, 1]]]),
        ["Linear"] = new(
            x => x[0].Linear(x[1], x[2]), Domain.Any, [[[2, 3], [4, 3], [4]], [[2, 2, 3], [1, 3], [1]], [[0, 3], [2, 3], [2]], [[3], [2, 3], [2]]]),
        ["EinsumChain"] = new(x => TensorOps.Einsum("ij,jk,kl->il", x), Domain.Any, [[[2, 3], [3, 2], [2, 2]]]),
        ["EinsumTrace"] = new(x => TensorOps.Einsum("bii", x), Domain.Any, [[[2, 3, 3]]]),
        ["EinsumDots"] = new(x => TensorOps.Einsum("...ij,kj->...ki", x), Domain.Any, [[[2, 2, 3], [2, 3]], [[2, 3], [2, 3]]]),
        ["EinsumOuter"] = new(x => TensorOps.Einsum("i,j->ij", x), Domain.Any, [[[2], [3]], [[0], [3]]]),

        ["Conv1d"] = new(x => x[0].Conv1d(x[1], x[2], 2, 1, 2), Domain.Any, [[[1, 2, 7], [3, 2, 3], [3]]]),
        ["Conv2d"] = new(
            x => x[0].Conv2d(x[1], x[2], padding: 1),
            Domain.Any, [[[2, 2, 3, 4], [3, 2, 3, 3], [3]], [[0, 2, 3, 3], [1, 2, 3, 3], [1]], [[1, 1, 1, 1], [1, 1, 1, 1], [1]]]),
        ["Conv2dStride"] = new(x => x[0].Conv2d(x[1], null, new ConvGeometry((2, 1), (1, 0), (1, 2), 2)), Domain.Any, [[[1, 2, 5, 6], [4, 1, 3, 2]]]),
        ["Conv3d"] = new(x => x[0].Conv3d(x[1], x[2], ConvGeometry3d.Cube(2, 1)), Domain.Any, [[[1, 2, 3, 3, 2], [2, 2, 2, 3, 1], [2]]]),
        ["ConvTranspose1d"] = new(x => x[0].ConvTranspose1d(x[1], x[2], 2, 1, 1), Domain.Any, [[[1, 2, 3], [2, 2, 3], [2]]]),
        ["ConvTranspose2d"] = new(x => x[0].ConvTranspose2d(x[1], x[2], ConvGeometry.Square(2, 1), (1, 0)), Domain.Any, [[[1, 2, 2, 3], [2, 2, 3, 3], [2]]]),
        ["ConvTranspose3d"] = new(
            x => x[0].ConvTranspose3d(x[1], x[2], ConvGeometry3d.Cube(2, 1, 1, 2), (1, 0, 0)), Domain.Any, [[[1, 2, 2, 2, 2], [2, 1, 3, 2, 3], [2]]]),

        ["MaxPool1d"] = new(x => x[0].MaxPool1d(3, 2, 1), Domain.Spread, [[[1, 2, 6]]]),
        ["MaxPool2d"] = new(x => x[0].MaxPool2d(2), Domain.Spread, [[[1, 2, 4, 3]], [[0, 2, 4, 4]]]),
        ["MaxPool2dOverlap"] = new(x => x[0].MaxPool2d(3, 2, 1, ceilMode: true), Domain.Spread, [[[2, 5, 4]]]),
        ["MaxPool2dDilated"] = new(x => x[0].MaxPool2d(PoolGeometry.Square(2, 1, 1, dilation: 2)), Domain.Spread, [[[2, 4, 4]]]),
        ["MaxPool3d"] = new(x => x[0].MaxPool3d(PoolGeometry.Square(2, 1), (2, 1, 1)), Domain.Spread, [[[1, 1, 3, 3, 3]]]),
        ["AvgPool1d"] = new(x => x[0].AvgPool1d(3, 2, 1), Domain.Any, [[[1, 2, 6]]]),
        ["AvgPool2d"] = new(x => x[0].AvgPool2d(3, 2, 1, ceilMode: true, countPadding: false), Domain.Any, [[[1, 2, 4, 5]], [[2, 3, 3]]]),
        ["AvgPool3d"] = new(x => x[0].AvgPool3d(PoolGeometry.Square(2, 1), (2, 1, 1)), Domain.Any, [[[1, 1, 3, 3, 3]]]),
        ["AdaptiveAvgPool2d"] = new(x => x[0].AdaptiveAvgPool2d(2, 3), Domain.Any, [[[1, 2, 5, 4]], [[1, 1, 4, 6]], [[1, 1, 1]]]),
        ["AdaptiveMaxPool2d"] = new(x => x[0].AdaptiveMaxPool2d(2, 3), Domain.Spread, [[[1, 2, 5, 4]], [[1, 1, 1]]]),
        ["MaxUnpool2d"] = new(x => x[0].MaxUnpool2d(Index([5, 2, 8, 14], [1, 1, 2, 2]), 4, 4), Domain.Any, [[[1, 1, 2, 2]]]),

        ["InterpolateNearest"] = new(x => x[0].Interpolate([5, 3]), Domain.Any, [[[1, 1, 3, 4]]]),
        ["InterpolateLinear"] = new(x => x[0].Interpolate([5, 3], Interpolation.Linear), Domain.Any, [[[1, 1, 3, 4]], [[1, 1, 1, 1]]]),
        ["InterpolateCorners"] = new(x => x[0].Interpolate([5, 1], Interpolation.Linear, alignCorners: true), Domain.Any, [[[1, 1, 3, 4]]]),
        ["InterpolateCubic"] = new(x => x[0].Interpolate([5, 3], Interpolation.Cubic), Domain.Any, [[[1, 1, 3, 4]]]),
        ["InterpolateArea"] = new(x => x[0].Interpolate([2], Interpolation.Area), Domain.Any, [[[1, 1, 5]]]),
        ["GridSampleImage"] = new(x => x[0].GridSample(Places()), Domain.Any, [[[1, 2, 3, 3]]]),
        ["GridSample"] = new(x => x[0].GridSample(x[1]), Domain.Unit, [[[1, 2, 3, 3], [1, 2, 1, 2]]]) { NoSecond = "places" },
        ["GridSampleBicubic"] = new(
            x => x[0].GridSample(x[1], new GridSampling(GridMode.Bicubic, GridPadding.Border, true)), Domain.Unit, [[[1, 1, 5, 5], [1, 2, 1, 2]]])
        { NoSecond = "places" },
        ["AffineGrid"] = new(x => x[0].AffineGrid(2, 3), Domain.Any, [[[2, 2, 3]]]),

        ["BatchNormTrain"] = new(x => new Vitrine.Ops.BatchNormTrainOp(1e-3f).Apply(x[0], x[1], x[2]), Domain.Any, [[[3, 2, 2], [2], [2]], [[4, 2], [2], [2]]]),
        ["BatchNorm"] = new(
            x => new Vitrine.Ops.BatchNormOp(1e-3f).Apply(x[0], x[1], x[2], x[3], x[4]), Domain.Positive, [[[2, 2, 2], [2], [2], [2], [2]], [[0, 2], [2], [2], [2], [2]]]),
        ["LayerNorm"] = new(x => x[0].LayerNorm(1, x[1], x[2], 1e-3f), Domain.Any, [[[3, 4], [4], [4]], [[0, 4], [4], [4]]]),
        ["LayerNorm2"] = new(x => x[0].LayerNorm(2, x[1], null, 1e-3f), Domain.Any, [[[2, 2, 3], [2, 3]]]),
        ["LayerNormPlain"] = new(x => x[0].LayerNorm(1, epsilon: 1e-3f), Domain.Any, [[[2, 4]]]),
        ["GroupNorm"] = new(x => x[0].GroupNorm(2, x[1], x[2], 1e-3f), Domain.Any, [[[2, 4, 3], [4], [4]], [[2, 8], [8], [8]], [[0, 4, 2], [4], [4]]]),
        ["InstanceNorm"] = new(x => x[0].InstanceNorm(x[1], x[2], 1e-3f), Domain.Any, [[[2, 2, 4], [2], [2]]]),
        ["RmsNorm"] = new(x => x[0].RmsNorm(1, x[1], 1e-3f), Domain.Any, [[[2, 4], [4]]]),
        ["LocalResponseNorm"] = new(x => x[0].LocalResponseNorm(3, 0.5f), Domain.Any, [[[1, 4, 2]]]),

        ["Attention"] = new(x => TensorOps.ScaledDotProductAttention(x[0], x[1], x[2], causal: true).Output, Domain.Any, [[[2, 3, 2], [2, 3, 2], [2, 3, 1]]]),
        ["MultiHeadAttention"] = new(
            x => TensorOps.MultiHeadAttention(x[0], x[0], x[0], x[1], x[2], x[3], x[4], 2).Output, Domain.Any, [[[1, 2, 4], [12, 4], [12], [4, 4], [4]]]),
        ["Lstm"] = new(x => x[0].Lstm([new RecurrentWeights(x[1], x[2], x[3])]).Output, Domain.Unit, [[[1, 2, 2], [8, 2], [8, 2], [8]]]),
        ["Gru"] = new(x => x[0].Gru([new RecurrentWeights(x[1], x[2], x[3], x[4])]).Output, Domain.Unit, [[[1, 2, 2], [6, 2], [6, 2], [6], [6]]]),
        ["Rnn"] = new(
            x => x[0].Rnn([new RecurrentWeights(x[1], x[2]), new RecurrentWeights(x[3], x[4])], bidirectional: true).Output, Domain.Unit,
            [[[1, 3, 2], [2, 2], [2, 2], [2, 2], [2, 2]]]),

        ["CrossEntropy"] = new(x => Loss.CrossEntropy(x[0], Index([2, 0], [2]), labelSmoothing: 0.1f), Domain.Any, [[[2, 3]]]),
        ["BceWithLogits"] = new(x => Loss.BceWithLogits(x[0], x[1], positiveWeight: Tensor.Scalar(2)), Domain.Unit, [[[2, 3], [2, 3]]]),
        ["Bce"] = new(x => Loss.Bce(x[0].Sigmoid(), x[1]), Domain.Unit, [[[2, 3], [2, 3]]]),
        ["Mse"] = new(x => Loss.Mse(x[0], x[1]), Domain.Any, [[[2, 3], [2, 3]]]),
        ["L1"] = new(x => Loss.L1(x[0], x[1] + 0.075f), Domain.Spread, [[[2, 3], [2, 3]]]),
        ["Huber"] = new(x => Loss.Huber(x[0], x[1] + 0.075f, 0.6f), Domain.Spread, [[[3, 3], [3, 3]]]),
        ["SmoothL1"] = new(x => Loss.SmoothL1(x[0], x[1] + 0.075f, 0.3f, LossReduction.None), Domain.Spread, [[[3, 3], [3, 3]]]),
        ["KlDiv"] = new(x => Loss.KlDiv(x[0].LogSoftmax(), x[1].Softmax(), batchMean: true), Domain.Any, [[[2, 3], [2, 3]]]),
        ["KlDivLog"] = new(x => Loss.KlDiv(x[0].LogSoftmax(), x[1].LogSoftmax(), logTarget: true), Domain.Any, [[[2, 3], [2, 3]]]),
        ["PoissonNll"] = new(x => Loss.PoissonNll(x[0], x[1] * 2f, full: true), Domain.Positive, [[[2, 2], [2, 2]]]),
        ["GaussianNll"] = new(x => Loss.GaussianNll(x[0], x[1], x[2], full: true), Domain.Positive, [[[2, 3], [2, 3], [2, 3]], [[2, 3], [2, 3], [2, 1]]]),
        ["Hinge"] = new(x => Loss.Hinge(x[0], Tensor.From([1f, -1, 1], [3]), 0.45f), Domain.Spread, [[[3]]]),
        ["HingeEmbedding"] = new(x => Loss.HingeEmbedding(x[0], Tensor.From([1f, -1, 1], [3]), 0.45f), Domain.Spread, [[[3]]]),
        ["SoftMargin"] = new(x => Loss.SoftMargin(x[0], Tensor.From([1f, -1, 1], [3])), Domain.Any, [[[3]]]),
        ["MarginRanking"] = new(x => Loss.MarginRanking(x[0], x[1] + 0.075f, Tensor.From([1f, -1, 1], [3]), 0.45f), Domain.Spread, [[[3], [3]]]),
        ["MultiMargin"] = new(x => Loss.MultiMargin(x[0], Index([2, 0], [2]), 2, 0.375f), Domain.Spread, [[[2, 3]]]),
        ["Contrastive"] = new(x => Loss.Contrastive(x[0], x[1] * -1f, Tensor.From([1f, 0], [2]), 9), Domain.Any, [[[2, 3], [2, 3]]]),
        ["CosineEmbedding"] = new(x => Loss.CosineEmbedding(x[0], x[1], Tensor.From([1f, -1], [2]), -2), Domain.Any, [[[2, 3], [2, 3]]]),
        ["Triplet"] = new(x => Loss.Triplet(x[0], x[1], x[2] * 0.5f, 9, swap: true), Domain.Any, [[[2, 3], [2, 3], [2, 3]]]),
        ["Ctc"] = new(
            x => Loss.Ctc(x[0].LogSoftmax(-1), Index([1, 1, 2, 0], [2, 2]), Index([4, 3], [2]), Index([2, 1], [2])), Domain.Any, [[[4, 2, 3]]])
        { NoSecond = "CTC" },
    };

    public static TheoryData<string> Names() => [.. Table.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void AgreesWithDifferences(string name)
    {
        Checked op = Table[name];
        foreach (Shape[] shapes in op.Shapes) GradientCheck.First(name, op.Function, Inputs(op, shapes));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void SecondDerivativeAgreesWithDifferencesOrIsRefused(string name)
    {
        Checked op = Table[name];
        foreach (Shape[] shapes in op.Shapes)
        {
            Tensor[] inputs = Inputs(op, shapes);
            if (op.NoSecond is null)
            {
                GradientCheck.Second(name, op.Function, inputs);
                continue;
            }
            NotSupportedException refused = Assert.Throws<NotSupportedException>(() => GradientCheck.Second(name, op.Function, inputs));
            Assert.Contains(op.NoSecond, refused.Message, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AProductOverZeroesHasBothDerivatives(int zeroes)
    {
        Tensor x = Tensor.From([2f, 0, 3], [3]).Watch();
        Assert.Equal([0f, 6, 0], Autograd.Backward(x.Product([]), null, [x])[0].ToArray());

        float[] values = GradientCheck.Draw([2, 5, 2], Domain.Any, 3).ToArray();
        for (int i = 0; i < zeroes; i++) values[3 * i + 1] = 0;
        foreach (int[] axes in (int[][])[[], [1], [0, 2], [-1]])
        {
            GradientCheck.First("product over zeroes", inputs => inputs[0].Product(axes), [Tensor.From(values, [2, 5, 2])]);
            GradientCheck.Second("product over zeroes", inputs => inputs[0].Product(axes), [Tensor.From(values, [2, 5, 2])]);
        }
    }

    [Fact]
    public void WhereALengthIsZeroTheGradientIsZero()
    {
        Tensor x = Tensor.Zeros([2, 3]).Watch();
        Assert.All(Autograd.Backward(x.Norm([1]), null, [x])[0].ToArray(), g => Assert.Equal(0, g));
        Assert.All(Autograd.Backward(x.Std([1]), null, [x])[0].ToArray(), g => Assert.Equal(0, g));
        Tensor a = Tensor.From([0f, 0], [2]).Watch(), b = Tensor.From([0f, 2], [2]).Watch();
        Gradients power = Autograd.Backward(a.Pow(b), null, [a, b]);
        Assert.Equal([0f, 0, 0, 0], [.. power[0].ToArray(), .. power[1].ToArray()]);
    }

    private static Tensor[] Inputs(Checked op, Shape[] shapes) => [.. shapes.Select((s, i) => GradientCheck.Draw(s, op.Domain, 11 + (ulong)i))];

    private static Checked Unary(Func<Tensor, Tensor> function, Domain domain = Domain.Any) => new(x => function(x[0]), domain, One);

    private static Checked Binary(Func<Tensor, Tensor, Tensor> function, Domain domain = Domain.Any) => new(x => function(x[0], x[1]), domain, Broadcast);

    private static Tensor Index(long[] values, Shape shape) => Tensor.From(values, shape);

    private static Tensor Pattern(Shape shape) => Tensor.From([.. Enumerable.Range(0, shape.Count).Select(i => i % 3 != 0)], shape);

    private static Tensor Places() => GradientCheck.Draw([1, 2, 2, 2], Domain.Unit, 5);
}
