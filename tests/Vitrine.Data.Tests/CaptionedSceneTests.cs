namespace Vitrine.Data.Tests;

/// <summary>What captions say is what pixels show, by measures that know nothing of how a scene was drawn.</summary>
public sealed class CaptionedSceneTests
{
    private const int Area = CaptionedScenes.Size * CaptionedScenes.Size;

    private static readonly CaptionedScenes Scenes = CaptionedScenes.Generate(200, 3);

    [Fact]
    public void Scenes_are_reproducible_and_apart()
    {
        CaptionedScenes again = CaptionedScenes.Generate(200, 3), fewer = CaptionedScenes.Generate(7, 3), other = CaptionedScenes.Generate(200, 4);
        Assert.Equal(Scenes.Pictures.ToArray(), again.Pictures.ToArray());
        Assert.Equal(Scenes.Masks.Bools, again.Masks.Bools);
        Assert.Equal(Scenes.Captions.Longs, again.Captions.Longs);
        Assert.Equal(fewer.Pictures.ToArray(), Scenes.Pictures.Slice(0, 0, 7).ToArray());
        Assert.NotEqual(other.Pictures.ToArray(), Scenes.Pictures.ToArray());
        Assert.All(Scenes.Pictures.ToArray(), v => Assert.True(v is >= 0 and <= 1 && Math.Abs((v * 255) - MathF.Round(v * 255)) < 1e-3f));
        Assert.Throws<ArgumentOutOfRangeException>(() => CaptionedScenes.Generate(0, 1));
    }

    [Fact]
    public void Captions_are_sentences_and_say_which_shape_each_word_is_about()
    {
        for (int n = 0; n < Scenes.Count; n++)
        {
            string[] words = Caption(n).Split(' ');
            bool above = words[3] == "above";
            Assert.True(above ? words.Length == 7 : words is [_, _, _, "left", "of", ..] && words.Length == 8, Caption(n));
            Assert.Equal("a", words[0]);
            Assert.Equal("a", words[^3]);
            Assert.NotEqual(words[1], words[^2]);
            Assert.NotEqual(words[2], words[^1]);
            long[] about = Scenes.About.Longs.Slice(n * CaptionedScenes.Length, CaptionedScenes.Length).ToArray();
            Assert.Equal([1, 2], Where(about, 1));
            Assert.Equal([words.Length - 2, words.Length - 1], Where(about, 2));
            // Shown is the caption one place later, after the word that begins all of them.
            Assert.Equal(0, Scenes.Shown.Longs[n * CaptionedScenes.Length]);
            Assert.Equal(Scenes.Captions.Longs.Slice(n * CaptionedScenes.Length, 8), Scenes.Shown.Longs.Slice((n * CaptionedScenes.Length) + 1, 8));
        }
        // Every word is used, and both relations often.
        Assert.Equal(CaptionedScenes.Words.Skip(2).Order(), Enumerable.Range(0, Scenes.Count).SelectMany(n => Caption(n).Split(' ')).Distinct().Order());
        Assert.InRange(Enumerable.Range(0, Scenes.Count).Count(n => Caption(n).Contains("above", StringComparison.Ordinal)), 60, 140);

        static int[] Where(long[] row, long value) => [.. Enumerable.Range(0, row.Length).Where(t => row[t] == value)];
    }

    [Fact]
    public void Places_are_as_the_caption_says()
    {
        for (int n = 0; n < Scenes.Count; n++)
        {
            ((double x, double y), (double otherX, double otherY)) = (Centre(n, 0), Centre(n, 1));
            bool above = Caption(n).Contains("above", StringComparison.Ordinal);
            (double along, double across) = above ? (otherY - y, Math.Abs(otherX - x)) : (otherX - x, Math.Abs(otherY - y));
            Assert.True(along > across + 4, $"{Caption(n)}: {along:0.0} along, {across:0.0} across"); // 8 from centre to centre; stars and triangles are uneven
        }
    }

    [Fact]
    public void Masks_hold_pixels_of_the_named_colour_and_no_others_do()
    {
        float[] picture = Scenes.Pictures.ToArray();
        for (int n = 0; n < Scenes.Count; n++)
        {
            string[] words = Caption(n).Split(' ');
            bool[] all = Scenes.Masks.Bools.Slice(n * 2 * Area, 2 * Area).ToArray();
            for (int i = 0; i < Area; i++) Assert.False(all[i] && all[Area + i]);
            for (int k = 0; k < 2; k++)
            {
                int[] inside = [.. Enumerable.Range(0, Area).Where(i => all[(k * Area) + i])];
                Assert.InRange(inside.Length, 40, 400);
                Assert.Equal(words[k == 0 ? 1 : ^2], Colour(Mean(0), Mean(1), Mean(2)));

                float Mean(int c) => inside.Average(i => picture[(((n * 3) + c) * Area) + i]);
            }
            // Away from shapes and their soft rims the ground is pale.
            for (int i = 0; i < Area; i++)
            {
                if (Near(all, i)) continue;
                float[] rgb = [.. Enumerable.Range(0, 3).Select(c => picture[(((n * 3) + c) * Area) + i])];
                Assert.True(rgb.Max() - rgb.Min() < 0.36f, $"scene {n}, pixel {i}: {string.Join(", ", rgb)}");
            }
        }

        static string Colour(float r, float g, float b) =>
            r > 0.6f && g > 0.6f ? "yellow" : r > g && r > b ? "red" : g > b ? "green" : "blue";
        static bool Near(bool[] all, int at)
        {
            for (int y = Math.Max(0, (at / 64) - 1); y <= Math.Min(63, (at / 64) + 1); y++)
                for (int x = Math.Max(0, (at % 64) - 1); x <= Math.Min(63, (at % 64) + 1); x++)
                    if (all[(y * 64) + x] || all[Area + (y * 64) + x]) return true;
            return false;
        }
    }

    // Between any two points of a convex shape lies the shape: a star alone is not convex. Of the circle around its centre that just holds it, each of the
    // others fills its own part: all, 2 / pi, and 3 sqrt(3) / (4 pi), and a little more where pixels cut corners off.
    [Fact]
    public void Masks_have_the_outline_of_the_named_kind()
    {
        for (int n = 0; n < Scenes.Count; n++)
            for (int k = 0; k < 2; k++)
            {
                string kind = Caption(n).Split(' ')[k == 0 ? 2 : ^1];
                (double x, double y) = Centre(n, k);
                int[] inside = Inside(n, k);
                var held = inside.ToHashSet();
                (int between, int pairs) = (0, 0);
                foreach (int i in inside)
                    foreach (int j in inside)
                    {
                        if (((i % 64) + (j % 64)) % 2 != 0 || ((i / 64) + (j / 64)) % 2 != 0) continue; // the middle is no pixel
                        pairs++;
                        if (held.Contains((((i / 64) + (j / 64)) / 2 * 64) + (((i % 64) + (j % 64)) / 2))) between++;
                    }
                double convex = between / (double)pairs;
                double part = inside.Length / (Math.PI * inside.Max(i => Math.Pow((i % 64) - x, 2) + Math.Pow((i / 64) - y, 2)));
                string measured = convex < 0.97 ? "star" : part > 0.85 ? "circle" : part > 0.57 ? "square" : "triangle";
                Assert.True(kind == measured, $"{kind}: {convex:0.000} convex, {part:0.000} of its circle");
            }
    }

    private static string Caption(int n) => CaptionedScenes.Text(Scenes.Captions.Longs.Slice(n * CaptionedScenes.Length, CaptionedScenes.Length));

    private static int[] Inside(int n, int k) => [.. Enumerable.Range(0, Area).Where(i => Scenes.Masks.Bools[(((n * 2) + k) * Area) + i])];

    private static (double X, double Y) Centre(int n, int k) => (Inside(n, k).Average(i => i % 64), Inside(n, k).Average(i => i / 64));
}
