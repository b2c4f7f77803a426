namespace Vitrine.Render.Tests;

public class HeatMapTests
{
    [Fact]
    public void Signed_maps_are_symmetric_around_zero()
    {
        Picture picture = HeatMap.Of(new float[,] { { -2, 0, 2, 1 } }).Robust(100).Scale(1).ToPicture();
        Assert.Equal(ColorMap.BlueRed[0], picture[0, 0]);
        Assert.Equal(ColorMap.BlueRed[0.5], picture[1, 0]);
        Assert.Equal(ColorMap.BlueRed[1], picture[2, 0]);
        Assert.Equal(ColorMap.BlueRed[0.75], picture[3, 0]);
    }

    [Fact]
    public void Magnitudes_are_sequential()
    {
        float[,] values = { { -2, 0, 2, 1 } };
        Picture picture = HeatMap.Of(values).Absolute().Robust(100).Scale(1).ToPicture();
        Assert.Equal(ColorMap.Ember[1], picture[0, 0]);
        Assert.Equal(ColorMap.Ember[0], picture[1, 0]);
        Assert.Equal(ColorMap.Ember[0.5], picture[3, 0]);
        Assert.Equal(ColorMap.Ember[1], HeatMap.Of(new float[,] { { 3 } }).Scale(1).ToPicture()[0, 0]);
        Assert.Equal(ColorMap.BlueRed[1], HeatMap.Of(new float[,] { { 3 } }).Signed().Scale(1).ToPicture()[0, 0]);
        Assert.Equal(ColorMap.Grey[1], HeatMap.Of(new float[,] { { 3 } }).In(ColorMap.Grey).Scale(1).ToPicture()[0, 0]);
    }

    [Fact]
    public void Extreme_pixels_do_not_pale_the_rest()
    {
        float[,] values = new float[20, 20];
        for (int i = 0; i < 400; i++) values[i / 20, i % 20] = i / 399f;
        values[0, 0] = 1e9f;
        HeatMap map = HeatMap.Of(values);
        Assert.InRange(map.Limit, 0.98, 1.0);
        Assert.Equal(1e9, map.Robust(100).Limit);
        Assert.Equal(5, map.UpTo(5).Limit);
    }

    [Fact]
    public void Sparse_empty_and_broken_maps_are_drawn()
    {
        float[,] sparse = new float[30, 30];
        sparse[3, 4] = -8;
        Assert.Equal(8, HeatMap.Of(sparse).Limit);
        Assert.Equal(ColorMap.Ember[0], HeatMap.Of(new float[2, 2]).Scale(1).ToPicture()[0, 0]);
        float[,] broken = { { float.NaN, 1 }, { float.NegativeInfinity, 0.5f } };
        Picture picture = HeatMap.Of(broken).Scale(1).ToPicture();
        Assert.Equal(ColorMap.NotANumber, picture[0, 0]);
        Assert.Equal(ColorMap.BlueRed[0], picture[0, 1]);
        Assert.Equal(ColorMap.NotANumber, HeatMap.Of(broken).Over(new float[2, 2]).Scale(1).ToPicture()[0, 0]);
    }

    [Fact]
    public void Channels_are_summed()
    {
        float[,,] chw = new float[3, 1, 2];
        (chw[0, 0, 0], chw[1, 0, 0], chw[2, 0, 1]) = (4, -1, 6);
        Picture summed = HeatMap.Of(chw).Signed().UpTo(6).Scale(1).ToPicture();
        Assert.Equal(ColorMap.BlueRed[0.75], summed[0, 0]);
        Assert.Equal(ColorMap.BlueRed[1], summed[1, 0]);
    }

    [Fact]
    public void Where_nothing_is_the_picture_shows_through_in_grey()
    {
        float[,,] image = new float[3, 2, 2];
        for (int c = 0; c < 3; c++) image[c, 0, 0] = 5;
        float[,] values = new float[2, 2];
        values[1, 1] = -1;
        Picture picture = HeatMap.Of(values).Over(image).Scale(1).ToPicture();
        Assert.True(picture[0, 0].R == picture[0, 0].B && picture[0, 0].R > picture[1, 0].R);
        Assert.Equal(picture[1, 0], picture[0, 1]);
        Assert.True(picture[1, 1].B > picture[1, 1].R + 50);
        Picture clear = HeatMap.Of(values).Over(image, opacity: 0).Scale(1).ToPicture();
        Assert.Equal(clear[1, 0], clear[1, 1]);
    }

    [Fact]
    public void A_coarse_map_is_stretched_over_a_fine_picture()
    {
        // Bilinear with half-pixel centres: a ramp of 2 over 4 is 0, 1/4, 3/4, 1 (as in ONNX Resize half_pixel).
        Picture picture = HeatMap.Of(new float[,] { { 0, 1 } }).Robust(100).Over(new float[3, 4], opacity: 1).Scale(1).ToPicture();
        Assert.Equal((4, 3), (picture.Width, picture.Height));
        double[] reds = [.. Enumerable.Range(0, 4).Select(x => OkLab.From(picture[x, 1]).A)];
        Assert.True(reds[0] < reds[1] && picture[0, 1].R == picture[0, 1].B);
        Assert.Equal(picture[1, 0], picture[1, 2]);
    }

    [Fact]
    public void Small_maps_grow_by_a_whole_factor()
    {
        Assert.Equal(280, HeatMap.Of(new float[28, 28]).ToPicture().Width);
        Assert.Equal(224, HeatMap.Of(new float[224, 224]).ToPicture().Width);
        Assert.Equal((288, 144), (HeatMap.Of(new float[16, 32]).ToPicture().Width, HeatMap.Of(new float[16, 32]).ToPicture().Height));
        Assert.Equal(84, HeatMap.Of(new float[28, 28]).Scale(3).ToPicture().Width);
    }

    [Fact]
    public void Settings_do_not_change_the_original()
    {
        float[,] values = { { -1, 1 } };
        HeatMap map = HeatMap.Of(values);
        byte[] before = map.ToPicture().ToPng();
        map.Absolute();
        map.Over(new float[2, 2]).Scale(1);
        values[0, 0] = 7;
        Assert.Equal(before, map.ToPicture().ToPng());
        Assert.Throws<ArgumentOutOfRangeException>(() => map.Robust(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => map.UpTo(double.NaN));
        Assert.Throws<ArgumentException>(() => map.Over(new float[2, 4, 4]));
        Assert.Throws<ArgumentException>(() => HeatMap.Of(new float[0, 4]));
    }
}
