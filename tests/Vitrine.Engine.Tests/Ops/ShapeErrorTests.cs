namespace Vitrine.Engine.Tests.Operators; // not ...Tests.Ops, which would hide Vitrine.Ops from every test

/// <summary>What does not fit is refused with a message that names the operator and the shapes.</summary>
public class ShapeErrorTests
{
    private static readonly Dictionary<string, (Func<Tensor> Call, string[] Named)> Table = new(StringComparer.Ordinal)
    {
        ["Add"] = (() => Ones(2, 3) + Ones(2, 4), ["[2, 3]", "[2, 4]"]),
        ["MatMul"] = (() => Ones(2, 3).MatMul(Ones(4, 2)), ["[2, 3]", "[4, 2]"]),
        ["Linear"] = (() => Ones(2, 3).Linear(Ones(4, 5)), ["[2, 3]", "[4, 5]"]),
        ["Reshape"] = (() => Ones(2, 3).Reshape(4, -1), ["[2, 3]"]),
        ["Permute"] = (() => Ones(2, 3).Permute(0, 0), ["[2, 3]"]),
        ["Concat"] = (() => TensorOps.Concat(0, Ones(2, 3), Ones(2, 4)), ["[2, 3]", "[2, 4]"]),
        ["Conv1d"] = (() => Ones(2, 3).Conv1d(Ones(2, 3)), ["[2, 3]"]),
        ["Conv2d"] = (() => Ones(1, 3, 5, 5).Conv2d(Ones(2, 4, 3, 3)), ["[1, 3, 5, 5]", "[2, 4, 3, 3]"]),
        ["Conv3d"] = (() => Ones(1, 3, 5, 5).Conv3d(Ones(2, 4, 3, 3), null, ConvGeometry3d.Cube()), ["[1, 3, 5, 5]", "[2, 4, 3, 3]"]),
        ["MaxPool2d"] = (() => Ones(1, 3, 2, 2).MaxPool2d(3), ["[1, 3, 2, 2]"]),
        ["AvgPool2d"] = (() => Ones(2, 2).AvgPool2d(2), ["[2, 2]"]),
        ["AdaptiveMaxPool2d"] = (() => Ones(2, 2).AdaptiveMaxPool2d(1, 1), ["[2, 2]"]),
        ["AdaptiveAvgPool2d"] = (() => Ones(2, 2).AdaptiveAvgPool2d(1, 1), ["[2, 2]"]),
        ["MaxUnpool2d"] = (() => Ones(1, 1, 2, 2).MaxUnpool2d(Tensor.Range(4), 4, 4), ["[1, 1, 2, 2]", "[4]"]),
        ["Gather"] = (() => Ones(2, 3).Gather(1, Tensor.Range(2)), ["[2, 3]", "[2]"]),
        ["IndexSelect"] = (() => Ones(2, 3).IndexSelect(1, Tensor.Range(4)), ["[2, 3]", "[4]"]),
        ["ScatterAdd"] = (() => Ones(2, 3).ScatterAdd(1, Tensor.Range(2), Ones(2)), ["[2]"]),
        ["Scatter"] = (() => Ones(2, 3).Scatter(1, Tensor.Range(2), Ones(2)), ["[2, 3]", "[2]"]),
        ["TopK"] = (() => Ones(2, 3).TopK(4).Values, ["[2, 3]"]),
        ["GroupNorm"] = (() => Ones(2, 3, 4).GroupNorm(2), ["[2, 3, 4]"]),
        ["LayerNorm"] = (() => Ones(2, 3).LayerNorm(1, Ones(4)), ["[2, 3]", "[4]"]),
        ["RmsNorm"] = (() => Ones(2, 3).RmsNorm(3), ["[2, 3]"]),
        ["BatchNorm"] = (() => new Vitrine.Ops.BatchNormTrainOp(1e-5f).Apply(Ones(2, 3), Ones(4), Ones(4)), ["[2, 3]", "[4]"]),
        ["Interpolate"] = (() => Ones(1, 1, 3).Interpolate([2, 2]), ["[1, 1, 3]"]),
        ["GridSample"] = (() => Ones(1, 1, 3, 3).GridSample(Ones(2, 2, 2, 2)), ["[1, 1, 3, 3]", "[2, 2, 2, 2]"]),
        ["AffineGrid"] = (() => Ones(1, 3, 3).AffineGrid(2, 2), ["[1, 3, 3]"]),
        ["PRelu"] = (() => Ones(2, 3).PRelu(Ones(4)), ["[2, 3]", "[4]"]),
        ["PixelShuffle"] = (() => Ones(1, 3, 2, 2).PixelShuffle(2), ["[1, 3, 2, 2]"]),
        ["Einsum"] = (() => TensorOps.Einsum("ij,jk->ik", Ones(2, 3), Ones(4, 2)), ["3", "4"]),
        ["Attention"] = (() => TensorOps.ScaledDotProductAttention(Ones(3), Ones(3), Ones(3)).Output, ["[3]"]),
        ["Pad"] = (() => Ones(2, 3).Pad([(0, 0), (3, 0)], Padding.Reflect), ["[2, 3]"]),
        ["Ctc"] = (() => Loss.Ctc(Ones(4, 2, 3), Tensor.Range(2), Tensor.Range(2), Tensor.From([3L, 3], [2])), ["[2]"]),
    };

    public static TheoryData<string> Names() => [.. Table.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void NameTheOperatorAndTheShapes(string name)
    {
        (Func<Tensor> call, string[] named) = Table[name];
        ArgumentException error = Assert.ThrowsAny<ArgumentException>(call);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.All(named, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }

    private static Tensor Ones(params int[] dims) => Tensor.Ones(Shape.Create(dims));
}
