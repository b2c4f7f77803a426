namespace Vitrine.Render.Tests;

public class ColorMapTests
{
    public static TheoryData<string> Maps => ["ember", "blue-red", "grey"];

    [Theory]
    [InlineData(255, 255, 255, 1, 0, 0)]
    [InlineData(0, 0, 0, 0, 0, 0)]
    [InlineData(255, 0, 0, 0.62796, 0.22486, 0.12585)] // the primaries as CSS Color 4 lists them
    [InlineData(0, 255, 0, 0.86644, -0.23389, 0.17950)]
    [InlineData(0, 0, 255, 0.45201, -0.03246, -0.31153)]
    public void OkLab_of_known_colours(int r, int g, int b, double l, double a, double bb)
    {
        OkLab lab = OkLab.From(new((byte)r, (byte)g, (byte)b));
        Assert.Equal(l, lab.L, 4);
        Assert.Equal(a, lab.A, 4);
        Assert.Equal(bb, lab.B, 4);
    }

    [Fact]
    public void OkLab_round_trips_every_grey_and_a_sample_of_colours()
    {
        for (int i = 0; i < 256 * 256 * 256; i += i < 1000 ? 1 : 4_099)
        {
            Rgb color = new((byte)i, (byte)(i >> 8), (byte)(i >> 16));
            Assert.Equal(color, OkLab.From(color).ToRgb());
        }
    }

    [Theory]
    [MemberData(nameof(Maps))]
    public void Equal_steps_look_equal(string name)
    {
        // On the rounded 8-bit colours, in 64 steps: rounding alone moves a colour by up to about 0.002.
        double[] steps = [.. Enumerable.Range(0, 64).Select(i => OkLab.From(Map(name)[i / 64.0]).Distance(OkLab.From(Map(name)[(i + 1) / 64.0])))];
        double mean = steps.Average();
        Assert.All(steps, step => Assert.InRange(step, 0.72 * mean, 1.28 * mean));

        // And exactly, before rounding.
        if (name == "grey") return;
        Func<double, OkLab> at = name == "ember" ? ColorMap.EmberAt : ColorMap.BlueRedAt;
        steps = [.. Enumerable.Range(0, 200).Select(i => at(i / 200.0).Distance(at((i + 1) / 200.0)))];
        mean = steps.Average();
        Assert.All(steps, step => Assert.InRange(step, 0.99 * mean, 1.01 * mean));
    }

    [Theory]
    [InlineData("ember")]
    [InlineData("grey")]
    public void Sequential_lightness_rises_evenly(string name)
    {
        double[] lightness = [.. Enumerable.Range(0, 65).Select(i => OkLab.From(Map(name)[i / 64.0]).L)];
        double mean = (lightness[^1] - lightness[0]) / 64;
        Assert.True(mean > 0.01);
        for (int i = 0; i < 64; i++) Assert.InRange(lightness[i + 1] - lightness[i], 0.5 * mean, 1.5 * mean);
    }

    [Fact]
    public void The_diverging_map_is_symmetric_in_lightness_and_strength()
    {
        OkLab middle = OkLab.From(ColorMap.BlueRed[0.5]);
        Assert.True(middle.L > 0.95 && Math.Abs(middle.A) + Math.Abs(middle.B) < 0.005);
        for (double u = 0; u <= 0.5; u += 1 / 128.0)
        {
            OkLab left = OkLab.From(ColorMap.BlueRed[0.5 - u]), right = OkLab.From(ColorMap.BlueRed[0.5 + u]);
            Assert.InRange(left.L - right.L, -0.006, 0.006);
            Assert.InRange(left.Distance(middle) - right.Distance(middle), -0.008, 0.008);
        }
        Rgb blue = ColorMap.BlueRed[0], red = ColorMap.BlueRed[1];
        Assert.True(blue.B > blue.R + 80 && red.R > red.B + 80);
    }

    [Fact]
    public void No_colour_of_a_map_is_clipped()
    {
        for (int i = 0; i <= 1000; i++)
        {
            Assert.True(ColorMap.EmberAt(i / 1000.0).InGamut(), $"ember {i}");
            Assert.True(ColorMap.BlueRedAt(i / 1000.0).InGamut(), $"blue-red {i}");
        }
    }

    [Fact]
    public void Positions_outside_are_clamped_and_nan_is_seen()
    {
        Assert.Equal(ColorMap.Ember[0], ColorMap.Ember[-7]);
        Assert.Equal(ColorMap.Ember[1], ColorMap.Ember[double.PositiveInfinity]);
        Assert.Equal(ColorMap.NotANumber, ColorMap.Ember[double.NaN]);
        Assert.Equal(ColorMap.Ember[0.25], ColorMap.Ember.Reversed()[0.75]);
        Picture strip = ColorMap.Ember.Strip(11, 2);
        Assert.Equal((ColorMap.Ember[0], ColorMap.Ember[1]), (strip[0, 1], strip[10, 0]));
    }

    // Simulation of full dichromacy: Machado, Oliveira, Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE TVCG 2009.
    public static TheoryData<string, double[]> Eyes => new()
    {
        { "normal", [1, 0, 0, 0, 1, 0, 0, 0, 1] },
        { "protan", [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998] },
        { "deutan", [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881] },
        { "tritan", [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900] },
    };

    [Theory]
    [MemberData(nameof(Eyes))]
    public void Categories_stay_apart_for_every_eye(string eye, double[] matrix)
    {
        OkLab[] seen = [.. ColorMap.Categories.Select(color => OkLab.From(See(color, matrix)))];
        Assert.Equal(10, seen.Length);
        for (int i = 0; i < 10; i++)
            for (int j = 0; j < i; j++)
                Assert.True(seen[i].Distance(seen[j]) > 0.10, $"{eye}: {ColorMap.Categories[i]} and {ColorMap.Categories[j]} are " +
                    $"{seen[i].Distance(seen[j]):0.000} apart");
    }

    [Fact]
    public void Categories_are_seen_on_light_and_dark()
    {
        double light = Luminance(new(0xFD, 0xFC, 0xFA)), dark = Luminance(new(0x14, 0x15, 0x1A));
        foreach (Rgb color in ColorMap.Categories)
        {
            double y = Luminance(color); // contrast as WCAG 2 defines it
            Assert.True((light + 0.05) / (y + 0.05) > 1.9 && (y + 0.05) / (dark + 0.05) > 2.9, color.ToHex());
        }
    }

    private static ColorMap Map(string name) => name switch { "ember" => ColorMap.Ember, "grey" => ColorMap.Grey, _ => ColorMap.BlueRed };

    private static double Linear(byte c) => c / 255.0 <= 0.04045 ? c / 255.0 / 12.92 : Math.Pow(((c / 255.0) + 0.055) / 1.055, 2.4);

    private static double Luminance(Rgb c) => (0.2126 * Linear(c.R)) + (0.7152 * Linear(c.G)) + (0.0722 * Linear(c.B));

    private static Rgb See(Rgb color, double[] m)
    {
        double r = Linear(color.R), g = Linear(color.G), b = Linear(color.B);
        byte Row(int i)
        {
            double c = Math.Clamp((m[i] * r) + (m[i + 1] * g) + (m[i + 2] * b), 0, 1);
            return (byte)Math.Round(255 * (c <= 0.0031308 ? 12.92 * c : (1.055 * Math.Pow(c, 1 / 2.4)) - 0.055));
        }
        return new(Row(0), Row(3), Row(6));
    }
}
