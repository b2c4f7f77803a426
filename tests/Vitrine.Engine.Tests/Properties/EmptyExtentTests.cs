namespace Vitrine.Engine.Tests.Properties;

/// <summary>Operators over axes without positions: what there is has its shape, and gradients have the shapes of what they belong to.</summary>
public sealed class EmptyExtentTests
{
    private static readonly Dictionary<string, (Func<Tensor[], Tensor> Function, int[][] Inputs, int[] Output)> Cases = new(StringComparer.Ordinal)
    {
        ["linear without features"] = (x => x[0].Linear(x[1], x[2]), [[2, 3, 0], [4, 0], [4]], [2, 3, 4]),
        ["linear without rows"] = (x => x[0].Linear(x[1], x[2]), [[0, 5], [4, 5], [4]], [0, 4]),
        ["linear without outputs"] = (x => x[0].Linear(x[1]), [[2, 5], [0, 5]], [2, 0]),
        ["matmul without an inner axis"] = (x => x[0].MatMul(x[1]), [[2, 3, 0], [0, 4]], [2, 3, 4]),
        ["matmul without matrices"] = (x => x[0].MatMul(x[1]), [[0, 3, 2], [2, 4]], [0, 3, 4]),
        ["sum over nothing"] = (x => x[0].Sum([1]), [[3, 0, 2]], [3, 2]),
        ["softmax over nothing"] = (x => x[0].Softmax(1), [[3, 0]], [3, 0]),
        ["softmax of nothing"] = (x => x[0].LogSoftmax(1), [[0, 3]], [0, 3]),
        ["layer norm of nothing"] = (x => x[0].LayerNorm(), [[0, 4]], [0, 4]),
        ["concat with nothing"] = (x => TensorOps.Concat(0, x[0], x[1]), [[0, 2], [3, 2]], [3, 2]),
        ["broadcast of one to nothing"] = (x => x[0] * x[1] + x[2], [[1, 3], [0, 3], [1]], [0, 3]),
        ["convolution of no pictures"] = (x => x[0].Conv2d(x[1], x[2], padding: 1), [[0, 2, 5, 5], [3, 2, 3, 3], [3]], [0, 3, 5, 5]),
        ["pooling of no pictures"] = (x => x[0].MaxPool2d(2), [[0, 2, 4, 4]], [0, 2, 2, 2]),
        ["convolution of one pixel"] = (x => x[0].Conv2d(x[1], padding: 1), [[1, 1, 1, 1], [1, 1, 3, 3]], [1, 1, 1, 1]),
        ["selection of nothing"] = (x => x[0].IndexSelect(0, Tensor.Range(0)), [[3, 2]], [0, 2]),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void HaveShapesAndGradients(string name)
    {
        (Func<Tensor[], Tensor> function, int[][] shapes, int[] output) = Cases[name];
        Tensor[] inputs = [.. shapes.Select((s, i) => new RandomSource((ulong)i + 1).Normal(Shape.Create(s)).Watch())];
        Tensor y = function(inputs);
        Assert.Equal(Shape.Create(output), y.Shape);
        Gradients gradients = Autograd.Backward(y, null, inputs);
        for (int i = 0; i < inputs.Length; i++)
        {
            Assert.Equal(inputs[i].Shape, gradients[i].Shape);
            Assert.All(gradients[i].ToArray(), v => Assert.True(float.IsFinite(v)));
        }
    }
}
