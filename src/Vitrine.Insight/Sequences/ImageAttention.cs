namespace Vitrine.Insight;

/// <summary>Attention over the places of a picture, word by word (Xu et al. 2015, "Show, attend and tell").</summary>
public static class ImageAttention
{
    /// <summary>The weights over a grid of features as maps over the picture they came from, bilinear between the centres of the grid's cells.</summary>
    /// <param name="weights">[steps, grid height x grid width]: for each word that was said, how much was taken from each place.</param>
    /// <param name="gridHeight">Rows of the grid.</param>
    /// <param name="gridWidth">Columns of the grid.</param>
    /// <param name="height">Height of the picture in pixels.</param>
    /// <param name="width">Width of the picture in pixels.</param>
    /// <returns>[steps, height, width]: weights as they were, so that maps of different words can be compared; they no longer sum to one.</returns>
    /// <exception cref="ArgumentException">The weights are not those of such a grid.</exception>
    public static Tensor Maps(Tensor weights, int gridHeight, int gridWidth, int height, int width)
    {
        ArgumentNullException.ThrowIfNull(weights);
        if (weights.Rank != 2 || weights.Shape[1] != gridHeight * gridWidth)
        {
            throw new ArgumentException(
                $"Weights over a grid of {gridHeight} x {gridWidth} are [steps, {gridHeight * gridWidth}], not {weights.Shape}.", nameof(weights));
        }
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        int steps = weights.Shape[0];
        return weights.Reshape(steps, 1, gridHeight, gridWidth).Interpolate([height, width], Interpolation.Linear).Reshape(steps, height, width);
    }

    /// <summary>How much of the square of pixels that belongs to each place of a grid is covered by masks.</summary>
    /// <param name="masks">[N, K, H, W], Bool: K regions of each picture. Height and width are multiples of those of the grid.</param>
    /// <param name="gridHeight">Rows of the grid.</param>
    /// <param name="gridWidth">Columns of the grid.</param>
    /// <returns>[N, K, grid height x grid width], from 0 to 1. The mean over places is the mask's share of the picture.</returns>
    /// <exception cref="ArgumentException">The masks do not divide into such a grid.</exception>
    public static Tensor Coverage(Tensor masks, int gridHeight, int gridWidth)
    {
        ArgumentNullException.ThrowIfNull(masks);
        ArgumentOutOfRangeException.ThrowIfLessThan(gridHeight, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(gridWidth, 1);
        if (masks.Rank != 4 || masks.DType != DType.Bool || masks.Shape[2] % gridHeight != 0 || masks.Shape[3] % gridWidth != 0)
            throw new ArgumentException($"{masks.DType} {masks.Shape} is no Bool [N, K, H, W] of {gridHeight} x {gridWidth} equal squares.", nameof(masks));
        (int n, int k, int h, int w) = (masks.Shape[0], masks.Shape[1], masks.Shape[2] / gridHeight, masks.Shape[3] / gridWidth);
        return masks.Cast(DType.Float32).Reshape(n, k, gridHeight, h, gridWidth, w).Mean([3, 5]).Reshape(n, k, gridHeight * gridWidth);
    }

    /// <summary>How much of the weight on the places of a picture lies on regions of it: with even weights, the regions' share of the picture.</summary>
    /// <param name="weights">[N, steps, places].</param>
    /// <param name="coverage">[N, K, places]: see <see cref="Coverage"/>.</param>
    /// <returns>[N, steps, K].</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor On(Tensor weights, Tensor coverage)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(coverage);
        if (weights.Rank != 3 || coverage.Rank != 3 || weights.Shape[0] != coverage.Shape[0] || weights.Shape[2] != coverage.Shape[2])
        {
            throw new ArgumentException(
                $"Weights {weights.Shape} and coverage {coverage.Shape} are not [N, steps, places] and [N, K, places].", nameof(coverage));
        }
        return weights.MatMul(coverage.Transpose(1, 2));
    }
}
