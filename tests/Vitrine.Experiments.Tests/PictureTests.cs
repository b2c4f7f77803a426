using Vitrine.Insight;
using Vitrine.Models;
using Vitrine.Render;

namespace Vitrine.Experiments.Tests;

public sealed class PictureTests
{
    [Fact]
    public void Arrays_hold_the_tensors_elements_in_their_order()
    {
        var tensor = Tensor.From([.. Enumerable.Range(0, 2 * 3 * 4 * 5).Select(i => (float)i)], [2, 3, 4, 5]);
        float[,,] chw = tensor.ToChw(example: 1);
        Assert.Equal([3, 4, 5], [chw.GetLength(0), chw.GetLength(1), chw.GetLength(2)]);
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < 4; y++)
                for (int x = 0; x < 5; x++)
                {
                    Assert.Equal(tensor[1, c, y, x], chw[c, y, x]);
                    Assert.Equal(tensor[1, c, y, x], tensor.ToPlane(c, 1)[y, x]);
                }
    }

    [Fact]
    public void What_is_no_picture_is_refused_with_its_shape()
    {
        Assert.Contains("[7]", Assert.Throws<ArgumentException>(() => Tensor.Zeros([7]).ToChw()).Message);
        Assert.Throws<ArgumentException>(() => Tensor.Zeros([1, 1, 4, 4]).ToChw(example: 1));
        Assert.Throws<ArgumentException>(() => Tensor.Zeros([1, 4, 4]).ToPlane(1));
        Assert.Throws<ArgumentException>(() => HeatMap.Of(Tensor.Ones([4, 4])).Over(Tensor.Zeros([1, 2, 4, 4])));
    }

    [Fact]
    public void An_explanation_becomes_a_picture_in_one_line()
    {
        var net = new LeNet5(Weights.Random(seed: 1));
        var image = Data.Digits.Generate(train: 1, test: 1, seed: 1).Test[0].Image;
        Attribution map = new GuidedBackprop().Explain(net, image, Target.Top);
        using var folder = new TempFolder();
        HeatMap.Of(map).Over(image).Save(folder.File("why.png"));
        Picture picture = Picture.Load(folder.File("why.png"));
        Assert.Equal((280, 280, 3), (picture.Width, picture.Height, picture.Channels));
    }

    [Fact]
    public void A_filter_is_drawn_for_each_output_channel()
    {
        var net = new LeNet5(Weights.Random(seed: 1));
        Picture picture = ImageGrid.OfFilters(Filters.First(net), columns: 6, tile: 50).ToPicture();
        Assert.Equal((6 * (50 + 4)) + 4, picture.Width);
        Assert.Throws<ArgumentException>(() => ImageGrid.OfFilters(net.Parameters[^1]));
    }
}
