namespace Vitrine.Models;

/// <summary>What classifiers with a fixed number of inputs put between their convolutions and their linear layers.</summary>
internal static class Grid
{
    /// <summary>
    /// Means over a grid of <paramref name="size"/> x <paramref name="size"/> equal cells; PyTorch's adaptive average pooling where it divides evenly.
    /// </summary>
    /// <exception cref="ArgumentException">It does not divide evenly.</exception>
    public static Tensor Average(Tensor x, int size)
    {
        int height = x.Shape[2], width = x.Shape[3];
        if (height == size && width == size) return x;
        if (height % size != 0 || width % size != 0 || height == 0 || width == 0)
        {
            throw new ArgumentException(
                $"The classifier needs feature maps that divide into {size} x {size} cells, not {height} x {width}; resize the picture.");
        }
        return x.AvgPool2d(new PoolGeometry((height / size, width / size), (height / size, width / size), (0, 0)));
    }
}
