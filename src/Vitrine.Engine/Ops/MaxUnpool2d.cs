namespace Vitrine;

public static partial class TensorOps
{
    /// <summary>
    /// Puts pooled values back where the maxima stood, zeros elsewhere: the partial inverse of <see cref="MaxPool2dIndices"/> (Zeiler and Fergus 2014).
    /// </summary>
    /// <param name="x">[..., OH, OW].</param>
    /// <param name="indices">The shape of x, Int64: positions in the plane of the result.</param>
    /// <param name="height">The height of the result.</param>
    /// <param name="width">The width of the result.</param>
    /// <exception cref="ArgumentException">The shapes differ, or a position is outside the plane.</exception>
    public static Tensor MaxUnpool2d(this Tensor x, Tensor indices, int height, int width)
    {
        if (x.Rank < 2 || indices.Shape != x.Shape)
        {
            throw new ArgumentException($"MaxUnpool2d: values of shape {x.Shape} need as many positions, not {indices.Shape}.");
        }
        Shape leading = [.. x.Shape.Dims[..^2]];
        Tensor zeros = Tensor.Zeros([.. leading.Dims, height * width]);
        int windows = x.Shape[-2] * x.Shape[-1];
        return zeros.Scatter(-1, indices.Reshape(Shape.Create([.. leading.Dims, windows])), x.Reshape(Shape.Create([.. leading.Dims, windows]))).Reshape(
            Shape.Create([.. leading.Dims, height, width]));
    }
}
