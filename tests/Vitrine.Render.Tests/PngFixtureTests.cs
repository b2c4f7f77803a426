namespace Vitrine.Render.Tests;

/// <summary>The decoder against files of another writer: Fixtures/make.py, which makes its pixels by the same formula.</summary>
public class PngFixtureTests
{
    private const int Width = 13, Height = 11;

    public static TheoryData<int, int, bool, bool> Cases()
    {
        TheoryData<int, int, bool, bool> cases = [];
        foreach ((int color, int[] depths) in ((int, int[])[])[(0, [1, 2, 4, 8, 16]), (2, [8, 16]), (3, [1, 2, 4, 8]), (4, [8, 16]), (6, [8, 16])])
            foreach (int depth in depths)
                foreach (bool interlaced in (bool[])[false, true])
                {
                    cases.Add(color, depth, interlaced, false);
                    if (color is 0 or 2 or 3) cases.Add(color, depth, interlaced, true);
                }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Decodes_every_kind_of_png(int color, int depth, bool interlaced, bool transparent)
    {
        string name = $"c{color}d{depth}{(interlaced ? 'i' : 'p')}{(transparent ? 't' : 'o')}.png";
        Picture picture = Picture.Load(Path.Combine(AppContext.BaseDirectory, "Fixtures", name));
        bool alpha = transparent || color >= 4;
        Assert.Equal((Width, Height, alpha ? 4 : color == 0 ? 1 : 3), (picture.Width, picture.Height, picture.Channels));
        for (int y = 0; y < Height; y++)
            for (int x = 0; x < Width; x++)
            {
                byte[] pixel = picture.Pixels.Slice(((y * Width) + x) * picture.Channels, picture.Channels).ToArray();
                Assert.Equal(Expected(color, depth, transparent, x, y, picture.Channels), pixel);
            }
    }

    [Fact]
    public void Fixtures_survive_a_round_trip()
    {
        foreach (string file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Fixtures"), "*.png"))
        {
            Picture picture = Picture.Load(file);
            Picture again = PngDecoder.Decode(picture.ToPng());
            Assert.Equal(picture.Channels, again.Channels);
            Assert.Equal(picture.Pixels.ToArray(), again.Pixels.ToArray());
        }
    }

    private static int Sample(long x, long y, long s, int depth) => (int)(((x * 7919) + (y * 104729) + (s * 1299709) + (x * y * 31)) % (1 << depth));

    private static byte[] Expected(int color, int depth, bool transparent, int x, int y, int channels)
    {
        int samples = color switch { 0 or 3 => 1, 2 => 3, 4 => 2, _ => 4 };
        int[] raw = [.. Enumerable.Range(0, samples).Select(s => Sample(x, y, s, depth))];
        double top = (1 << depth) - 1;
        byte To8(int v) => (byte)Math.Floor((v * 255 / top) + 0.5);
        if (color == 3)
        {
            int i = raw[0];
            byte[] rgb = [(byte)(i * 37), (byte)((i * 91) + 5), (byte)(255 - i)];
            return !transparent ? rgb : [.. rgb, i < (1 << depth) / 2 ? (byte)((i * 53) + 9) : (byte)255];
        }
        bool see = transparent && raw.Select((v, s) => v == Sample(3, 2, s, depth)).All(same => same);
        byte[] colors = color is 0 or 4 ? (channels == 1 ? [To8(raw[0])] : [To8(raw[0]), To8(raw[0]), To8(raw[0])]) : [To8(raw[0]), To8(raw[1]), To8(raw[2])];
        if (channels != 4) return colors;
        return [.. colors, transparent ? (see ? (byte)0 : (byte)255) : To8(raw[^1])];
    }
}
