namespace Vitrine.Render.Tests;

public class ImageGridTests
{
    [Fact]
    public void Every_letter_has_a_shape_of_its_own_inside_its_cell()
    {
        HashSet<string> shapes = [];
        for (char c = ' '; c <= '~'; c++)
        {
            string shape = "";
            for (int y = 0; y < BitmapFont.Height; y++)
                for (int x = 0; x < BitmapFont.Advance - 1; x++)
                    shape += BitmapFont.IsSet(c, x, y) ? '#' : '.';
            Assert.Equal(c != ' ', shape.Contains('#'));
            Assert.True(shapes.Add(shape), $"'{c}' looks like another letter");
        }
        Assert.True(BitmapFont.IsSet('\u4E2D', 0, 0)); // what is unknown is a box
    }

    [Fact]
    public void Text_wraps_and_is_cut_to_its_room()
    {
        Assert.Equal(["one two", "three"], BitmapFont.Wrap("one two three", 47, 3));
        Assert.Equal(["abcdef", "ghij"], BitmapFont.Wrap("abcdefghij", 36, 3));
        Assert.Equal(["one", "t.."], BitmapFont.Wrap("one two three", 17, 2));
        Assert.Equal(["3x3 ->"], BitmapFont.Wrap("3\u00D73 \u2192", 100, 2));
        Assert.Empty(BitmapFont.Wrap("", 100, 2));
        Assert.All(BitmapFont.Wrap("a quite long sentence with unbreakablewordsofgreatlength", 59, 9), line => Assert.True(BitmapFont.Width(line) <= 59));
    }

    [Fact]
    public void Pictures_stand_in_rows_and_columns()
    {
        ImageGrid grid = new(2) { Padding = 3 };
        Rgb[] colors = [new(255, 0, 0), new(0, 255, 0), new(0, 0, 255)];
        foreach (Rgb color in colors) grid.Add(Picture.Filled(10, 6, color));
        Picture picture = grid.ToPicture();
        Assert.Equal((3 + 10 + 3 + 10 + 3, 3 + 6 + 3 + 6 + 3), (picture.Width, picture.Height));
        Assert.Equal(colors[0], picture[3, 3]);
        Assert.Equal(colors[1], picture[16, 3]);
        Assert.Equal(colors[2], picture[12, 17]);
        Assert.Equal(Rgb.White, picture[20, 15]);
        Assert.Throws<InvalidOperationException>(() => new ImageGrid(2).ToPicture());
    }

    [Fact]
    public void Captions_and_titles_are_written_in_their_place()
    {
        Picture plain = new ImageGrid(1).Add(Picture.Filled(60, 20, Rgb.White)).ToPicture();
        Assert.DoesNotContain((byte)0x1D, plain.Pixels.ToArray());
        ImageGrid grid = new(1) { Title = "Title", ColumnTitles = ["column"], RowTitles = ["row"] };
        Picture titled = grid.Add(Picture.Filled(80, 20, Rgb.White), "caption").ToPicture();
        Assert.True(titled.Width > plain.Width && titled.Height > plain.Height + 60);
        Assert.Contains((byte)0x1D, titled.Pixels.ToArray());
        grid.Background = Rgb.Black;
        Assert.Contains((byte)0xE7, grid.ToPicture().Pixels.ToArray());
    }

    [Fact]
    public void Filters_are_tiles_in_their_own_colours()
    {
        float[,,,] rgb = new float[4, 3, 2, 2];
        rgb[0, 0, 0, 0] = 2;
        rgb[0, 1, 0, 0] = -2;
        Picture colors = ImageGrid.OfFilters(rgb, tile: 2).ToPicture();
        Assert.Equal(new Rgb(255, 0, 128), colors[4, 4]);
        Assert.Equal(new Rgb(128, 128, 128), colors[5, 5]);
        float[,,,] single = new float[2, 1, 2, 2];
        single[0, 0, 1, 1] = -0.5f;
        Picture signed = ImageGrid.OfFilters(single, tile: 2).ToPicture();
        Assert.Equal(ColorMap.BlueRed[0], signed[5, 5]);
        Assert.Equal(ColorMap.BlueRed[0.5], signed[4, 4]);
        Picture deep = ImageGrid.OfFilters(new float[3, 5, 2, 2], tile: 2).ToPicture();
        Assert.Equal((4 + (5 * 6), 4 + (3 * 6)), (deep.Width, deep.Height));
    }
}
