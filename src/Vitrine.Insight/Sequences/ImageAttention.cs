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
}
