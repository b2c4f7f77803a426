namespace Vitrine.Render.Tests;

public class PictureTests
{
    [Fact]
    public void Grey_maps_the_range_and_clamps()
    {
        Picture picture = Picture.FromGrey(new float[,] { { -1, 0, 0.5f }, { 1, 2, float.PositiveInfinity } }, -1, 1);
        Assert.Equal((3, 2, 1), (picture.Width, picture.Height, picture.Channels));
        Assert.Equal([0, 128, 191, 255, 255, 255], picture.Pixels.ToArray());
    }

    [Fact]
    public void Colours_are_channel_height_width()
    {
        float[,,] chw = new float[3, 1, 2];
        (chw[0, 0, 0], chw[2, 0, 1]) = (1, 0.2f);
        Assert.Equal([255, 0, 0, 0, 0, 51], Picture.FromRgb(chw).Pixels.ToArray());
        float[,,] again = Picture.FromRgb(chw).ToChw();
        Assert.Equal(chw.Cast<float>(), again.Cast<float>());
    }

    [Fact]
    public void What_cannot_be_drawn_is_an_error_that_says_where()
    {
        float[,] values = new float[4, 4];
        values[2, 3] = float.NaN;
        Assert.Contains("row 2, column 3", Assert.Throws<ArgumentException>(() => Picture.FromGrey(values)).Message);
        Assert.Contains("[2, 4, 4]", Assert.Throws<ArgumentException>(() => Picture.FromRgb(new float[2, 4, 4])).Message);
        Assert.Throws<ArgumentException>(() => Picture.FromGrey(new float[4, 4], 1, 1));
        Assert.Throws<ArgumentException>(() => Picture.FromGrey(new float[0, 4]));
        Assert.Throws<ArgumentException>(() => new Picture(2, 2, 3, new byte[11]));
        Assert.Throws<ArgumentException>(() => new Picture(60_000, 60_000, 4, []));
        Assert.Throws<ArgumentException>(() => new Picture(2, 2, 2, new byte[8]));
    }

    [Fact]
    public void Enlarging_repeats_pixels_and_shrinking_undoes_it()
    {
        Picture small = new(3, 2, 1, [1, 2, 3, 4, 5, 6]);
        Picture large = small.ScaleUp(5);
        for (int y = 0; y < 10; y++)
            for (int x = 0; x < 15; x++)
                Assert.Equal(small[x / 5, y / 5], large[x, y]);
        Assert.Equal(small.Pixels.ToArray(), large.Resize(3, 2).Pixels.ToArray());
    }

    [Fact]
    public void Crop_undoes_paste()
    {
        Picture patch = new(2, 2, 3, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        Picture page = Picture.Filled(5, 4, Rgb.White).Paste(patch, 2, 1);
        Assert.Equal(patch.Pixels.ToArray(), page.Crop(2, 1, 2, 2).Pixels.ToArray());
        Assert.Equal(Rgb.White, page[1, 1]);
        Assert.Equal(new Rgb(10, 11, 12), page.Paste(patch, -1, -1)[0, 0]);
        Assert.Throws<ArgumentException>(() => page.Crop(4, 0, 2, 2));
        Assert.Throws<ArgumentException>(() => page.Crop(int.MaxValue, 0, 2, 2));
    }

    [Fact]
    public void Alpha_is_blended()
    {
        Picture half = new(1, 1, 4, [255, 0, 0, 128]);
        Assert.Equal(new Rgb(255, 127, 127), Picture.Filled(1, 1, Rgb.White).Paste(half, 0, 0)[0, 0]);
        Assert.Equal(new Rgb(255, 127, 127), half.ToRgb()[0, 0]);
        Assert.Equal([255, 0, 0, 128], new Picture(1, 1, 4, [0, 0, 0, 0]).Paste(half, 0, 0).Pixels.ToArray());
    }

    [Fact]
    public void A_saved_picture_is_loaded_and_leaves_nothing_behind()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        Picture picture = new(2, 1, 4, [1, 2, 3, 4, 5, 6, 7, 8]);
        string path = Path.Combine(folder, "new", "picture.PNG");
        picture.Save(path);
        picture.Save(path);
        Assert.Equal(picture.Pixels.ToArray(), Picture.Load(path).Pixels.ToArray());
        Assert.Single(Directory.GetFileSystemEntries(Path.GetDirectoryName(path)!));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_failed_save_leaves_the_old_file()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        string path = Path.Combine(folder, "old.png");
        File.WriteAllText(path, "old");
        IOException error = Assert.Throws<IOException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write("half of the new"u8);
            throw new IOException("The disk is full.");
        }));
        Assert.Contains("The disk is full.", error.Message);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, _ => throw new InvalidOperationException()));
        Assert.Single(Directory.GetFileSystemEntries(folder));

        Picture picture = Picture.Filled(1, 1, Rgb.Black);
        Assert.Throws<ArgumentException>(() => picture.Save(Path.Combine(folder, "old.jpg")));
        Assert.Throws<IOException>(() => picture.Save(Path.Combine(path, "inside-a-file.png")));
        Directory.CreateDirectory(Path.Combine(folder, "folder.png"));
        Assert.Contains("folder", Assert.Throws<IOException>(() => picture.Save(Path.Combine(folder, "folder.png"))).Message);
        Assert.Equal("old", File.ReadAllText(path));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_damaged_file_is_named()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "no.png");
        File.WriteAllText(path, "no");
        Assert.Contains("no.png", Assert.Throws<PictureFormatException>(() => Picture.Load(path)).Message);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }
}
