using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>Crops of examples and projections, laid out in tiles of one size.</summary>
internal sealed class UnitPictures(OpenedNetwork network, int tile = 64)
{
    private static readonly Rgb Nothing = new(0x80, 0x80, 0x80);

    /// <summary>Pictures in a square of tiles, one for each example of a unit.</summary>
    public static Picture Mosaic(IReadOnlyList<Picture> tiles, int columns)
    {
        var grid = new ImageGrid(columns) { Padding = 2, Background = null };
        foreach (Picture picture in tiles) grid.Add(picture);
        return grid.ToPicture();
    }

    /// <summary>What a unit sees of a picture, in a tile. Where its field reaches over the edge the tile is grey.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="field">The unit's receptive field, [channels, rows, columns].</param>
    /// <param name="height">The rows of the largest field of the unit, so that all tiles have one scale.</param>
    /// <param name="width">Its columns.</param>
    public Picture Crop(Picture picture, ReceptiveField field, int height, int width)
    {
        (int top, int left, int rows, int columns) = (field.Start[1], field.Start[2], field.Extent(1), field.Extent(2));
        if (rows < 1 || columns < 1) return Picture.Filled(tile, tile, Nothing);
        Picture crop = picture.ToRgb().Crop(left, top, columns, rows);
        int side = Math.Max(height, width);
        if (rows != side || columns != side)
        {
            // What the edge cut off is missing at the side where the edge is.
            int x = columns < width ? (left == 0 ? width - columns : 0) : 0, y = rows < height ? (top == 0 ? height - rows : 0) : 0;
            crop = Picture.Filled(side, side, Nothing).Paste(crop, x + (side - width) / 2, y + (side - height) / 2);
        }
        return side <= tile ? crop.Resize(tile, tile) : crop.Resize(tile, tile, Resampling.Box);
    }

    /// <summary>A projection as a picture: grey is zero, and the largest value is black or white, in the colours of the input.</summary>
    /// <param name="projection">[N, C, H, W].</param>
    /// <param name="example">Which of them.</param>
    public Picture Shown(Tensor projection, int example)
    {
        float[,,] values = projection.ToChw(example);
        int channels = values.GetLength(0), height = values.GetLength(1), width = values.GetLength(2);
        float most = 0;
        foreach (float value in values) most = Math.Max(most, Math.Abs(value));
        if (!(most > 0) || !float.IsFinite(most)) return Picture.Filled(width, height, Nothing);
        if (channels is not (1 or 3)) return HeatMap.Of(values).ToPicture();
        float[,,] ordered = values;
        if (channels == 3 && network.Preprocess?.Order == ChannelOrder.Bgr)
        {
            ordered = new float[3, height, width];
            for (int c = 0; c < 3; c++)
                for (int y = 0; y < height; y++)
                    for (int x = 0; x < width; x++)
                        ordered[c, y, x] = values[2 - c, y, x];
        }
        return Picture.FromRgb(ordered, -most, most);
    }

    /// <summary>The filters or templates of some units; null where they would be no pictures.</summary>
    /// <param name="filters">The weights.</param>
    /// <param name="units">Which units.</param>
    public Picture? Filters(LayerFilters filters, IReadOnlyList<int> units)
    {
        const int mostChannels = 12;
        Tensor weights = filters.Weights;
        if (weights.Rank != 4 || weights.Shape[2] * weights.Shape[3] == 1) return null;
        int channels = weights.Shape[1], height = weights.Shape[2], width = weights.Shape[3];
        bool colours = channels == 3 && filters.SeesInput, swap = colours && network.Preprocess?.Order == ChannelOrder.Bgr;
        int shown = channels == 3 && !filters.SeesInput ? 2 : Math.Min(channels, mostChannels); // three planes that are no colours must not look like them
        float[,,,] chosen = new float[units.Count, colours ? 3 : shown, height, width];
        for (int u = 0; u < units.Count; u++)
            for (int c = 0; c < chosen.GetLength(1); c++)
                for (int y = 0; y < height; y++)
                    for (int x = 0; x < width; x++)
                        chosen[u, c, y, x] = weights[units[u], swap ? 2 - c : c, y, x];
        return ImageGrid.OfFilters(chosen, chosen.GetLength(1) is 1 or 3 ? Math.Min(8, units.Count) : null, tile: chosen.GetLength(1) is 1 or 3 ? tile
            : tile / 2).ToPicture();
    }

    /// <summary>Feature maps of some units, each scaled by its own largest value.</summary>
    /// <param name="maps">[1, C, H, W].</param>
    /// <param name="units">Which units.</param>
    public Picture Maps(Tensor maps, IReadOnlyList<int> units)
    {
        var grid = new ImageGrid(Math.Min(8, units.Count)) { Padding = 4, Background = null };
        foreach (int unit in units)
        {
            Picture map = HeatMap.Of(maps.ToPlane(unit)).Robust(100).ToPicture();
            grid.Add(map.Resize(tile, Math.Max(1, tile * map.Height / map.Width), Math.Max(map.Width, map.Height) <= tile ? Resampling.Nearest
                : Resampling.Box));
        }
        return grid.ToPicture();
    }
}
