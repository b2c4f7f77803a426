using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>
/// A picture lit where attention lies (as in the figures of Xu et al. 2015): in its own colours, which words may be about, and darker where less weight is.
/// </summary>
internal static class LitPicture
{
    private const float Dark = 0.3f; // what is left of the light where there is no weight
    private const int Side = 128;     // pixels on the page, about: many of them stand side by side

    /// <summary>Lights a picture.</summary>
    /// <param name="picture">[3 or 1, H, W] in 0..1.</param>
    /// <param name="weights">The weights over a grid, row by row; the largest gets full light.</param>
    /// <param name="rows">Rows of the grid.</param>
    /// <param name="columns">Columns of the grid.</param>
    public static Picture Of(float[,,] picture, ReadOnlySpan<float> weights, int rows, int columns)
    {
        (int height, int width) = (picture.GetLength(1), picture.GetLength(2));
        float[] map = ImageAttention.Maps(Tensor.From(weights.ToArray(), [1, rows * columns]), rows, columns, height, width).ToArray();
        float most = Math.Max(1e-9f, map.Max());
        float[,,] lit = (float[,,])picture.Clone();
        for (int c = 0; c < picture.GetLength(0); c++)
            for (int i = 0; i < map.Length; i++)
                lit[c, i / width, i % width] *= Dark + ((1 - Dark) * map[i] / most);
        return Sized(Picture.FromRgb(lit));
    }

    /// <summary>A picture as large on the page as lit ones.</summary>
    public static Picture Sized(Picture picture)
    {
        int longer = Math.Max(picture.Width, picture.Height);
        return longer <= Side
            ? picture.ScaleUp(Math.Max(1, Side / longer))
            : picture.Resize(Math.Max(1, picture.Width * Side / longer), Math.Max(1, picture.Height * Side / longer), Resampling.Bilinear);
    }

    /// <summary>
    /// The grid over a picture that a number of keys stands for, of the picture's proportions; null if it stands for none. One more key than places is a token
    /// of the class before them (Dosovitskiy et al. 2021, "An image is worth 16 x 16 words").
    /// </summary>
    /// <param name="keys">How many keys.</param>
    /// <param name="height">Height of the picture.</param>
    /// <param name="width">Width of the picture.</param>
    /// <returns>Rows and columns, and how many keys stand before the first place.</returns>
    public static (int Rows, int Columns, int Before)? Grid(int keys, int height, int width)
    {
        for (int before = 0; before <= 1; before++)
            for (int rows = 2; rows <= keys - before; rows++)
            {
                int columns = (keys - before) / rows;
                if (columns > 1 && rows * columns == keys - before && rows * width == columns * height) return (rows, columns, before);
            }
        return null;
    }
}
