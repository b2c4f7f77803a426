namespace Vitrine;

public static partial class TensorOps
{
    /// <summary>Channels to places: [N, C r r, H, W] to [N, C, H r, W r] (Shi et al. 2016, sub-pixel convolution).</summary>
    /// <exception cref="ArgumentException">The channels do not divide.</exception>
    public static Tensor PixelShuffle(this Tensor x, int r)
    {
        if (x.Rank < 3 || r < 1 || x.Shape[-3] % (r * r) != 0)
        {
            throw new ArgumentException($"PixelShuffle: the channels of {x.Shape} do not divide by {r} x {r}.");
        }
        Shape leading = [.. x.Shape.Dims[..^3]];
        int n = leading.Count, c = x.Shape[-3] / (r * r), h = x.Shape[-2], w = x.Shape[-1];
        return x.Reshape(n, c, r, r, h, w).Permute(0, 1, 4, 2, 5, 3).Reshape(Shape.Create([.. leading.Dims, c, h * r, w * r]));
    }

    /// <summary>Places to channels, the inverse of <see cref="PixelShuffle"/>: [N, C, H r, W r] to [N, C r r, H, W].</summary>
    /// <exception cref="ArgumentException">Height or width do not divide.</exception>
    public static Tensor PixelUnshuffle(this Tensor x, int r)
    {
        if (x.Rank < 3 || r < 1 || x.Shape[-2] % r != 0 || x.Shape[-1] % r != 0)
        {
            throw new ArgumentException($"PixelUnshuffle: the planes of {x.Shape} do not divide by {r} x {r}.");
        }
        Shape leading = [.. x.Shape.Dims[..^3]];
        int n = leading.Count, c = x.Shape[-3], h = x.Shape[-2] / r, w = x.Shape[-1] / r;
        return x.Reshape(n, c, h, r, w, r).Permute(0, 1, 3, 5, 2, 4).Reshape(Shape.Create([.. leading.Dims, c * r * r, h, w]));
    }
}
