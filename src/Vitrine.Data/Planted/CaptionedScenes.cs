namespace Vitrine.Data;

/// <summary>
/// Scenes of two coloured shapes with a caption, <c>a red circle above a blue square</c>, of which it is known what each word is about: where attention over
/// the picture should look when the word is written (Xu et al. 2015, "Show, attend and tell").
/// </summary>
/// <remarks>
/// The two shapes of a scene differ in colour and in kind, so that each of the four words that name them belongs to one. If they lie more one above the other
/// than side by side, the upper one is named first, <c>above</c> the lower one; otherwise the left one, <c>left of</c> the right one. So a scene has one right
/// caption. Scene i depends only on (seed, i): the same bytes whoever draws it.
/// </remarks>
/// <param name="Pictures">[N, 3, 64, 64] in 0..1 (red, green, blue), multiples of 1/255.</param>
/// <param name="Captions">[N, T], Int64: numbers of <see cref="Words"/>; after the last word comes <c>&lt;end&gt;</c>, until the row is full.</param>
/// <param name="Masks">[N, 2, 64, 64], Bool: true where the first and the second shape cover at least half of the pixel.</param>
/// <param name="About">[N, T], Int64: 1 for a word that names colour or kind of the first shape, 2 of the second, 0 for every other word.</param>
public sealed record CaptionedScenes(Tensor Pictures, Tensor Captions, Tensor Masks, Tensor About)
{
    /// <summary>Height and width of a picture.</summary>
    public const int Size = 64;

    /// <summary>T: the words of the longest caption, with the <c>&lt;end&gt;</c> after them.</summary>
    public const int Length = 9;

    /// <summary>The number of <c>&lt;end&gt;</c>.</summary>
    public const int End = 1;

    private const int Area = Size * Size, Start = 0, FirstColour = 6, FirstKind = 10, Kinds = 4;

    // Hues far apart: which word a colour gets is not in doubt.
    private static readonly Shapes.Colour[] Inks = [new(0.86f, 0.12f, 0.12f), new(0.1f, 0.66f, 0.18f), new(0.12f, 0.25f, 0.9f), new(0.95f, 0.85f, 0.1f)];

    /// <summary>The words in the order of their numbers; the first, which no caption holds, begins every caption that a network is shown.</summary>
    public static IReadOnlyList<string> Words { get; } =
        ["<start>", "<end>", "a", "above", "left", "of", "red", "green", "blue", "yellow", .. ShapeOutlines.Names[..Kinds]];

    /// <summary>How many scenes there are.</summary>
    public int Count => Pictures.Shape[0];

    /// <summary>The captions as a network is shown them, one place later: [N, T].</summary>
    public Tensor Shown
    {
        get
        {
            long[] shown = new long[Captions.Count];
            for (int i = 0; i < shown.Length; i++) shown[i] = i % Length == 0 ? Start : Captions.Longs[i - 1];
            return Tensor.From(shown, Captions.Shape);
        }
    }

    /// <summary>The text of a row of numbers, up to its <c>&lt;end&gt;</c>.</summary>
    /// <param name="row">Numbers of <see cref="Words"/>.</param>
    public static string Text(ReadOnlySpan<long> row)
    {
        int end = row.IndexOf(End);
        return string.Join(' ', row[..(end < 0 ? row.Length : end)].ToArray().Select(w => Words[(int)w]));
    }

    /// <summary>Draws scenes.</summary>
    /// <param name="count">How many, at least 1.</param>
    /// <param name="seed">Which: the same seed, the same bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1 or too large for one array.</exception>
    public static CaptionedScenes Generate(int count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Array.MaxLength / (3 * Area));
        ulong stream = new RandomSource(seed).Derive("captioned scenes");
        float[] pixels = new float[count * 3 * Area];
        bool[] masks = new bool[count * 2 * Area];
        long[] captions = new long[count * Length], about = new long[count * Length];
        Work.Split(count, 4, (from, to) =>
        {
            for (int i = from; i < to; i++)
            {
                RandomSource random = Draws.Example(stream, i);
                (Thing first, Thing second, bool above) = Arrange(random);
                Draw(random, [first, second], pixels.AsSpan(i * 3 * Area, 3 * Area), masks.AsSpan(i * 2 * Area, 2 * Area));
                Write(first, second, above, captions.AsSpan(i * Length, Length), about.AsSpan(i * Length, Length));
            }
        });
        return new CaptionedScenes(Tensor.From(pixels, [count, 3, Size, Size]), Tensor.From(captions, [count, Length]),
            Tensor.From(masks, [count, 2, Size, Size]), Tensor.From(about, [count, Length]));
    }

    /// <summary>Two shapes apart from each other, clearly above or clearly beside each other, in the order in which they are named.</summary>
    private static (Thing First, Thing Second, bool Above) Arrange(RandomSource random)
    {
        const float doubtful = 8; // pixels by which the larger of the two distances must be larger
        int colour = random.NextInt(Inks.Length), kind = random.NextInt(Kinds);
        int otherColour = (colour + 1 + random.NextInt(Inks.Length - 1)) % Inks.Length, otherKind = (kind + 1 + random.NextInt(Kinds - 1)) % Kinds;
        while (true)
        {
            (Thing one, Thing other) = (Thing.Random(random, colour, kind), Thing.Random(random, otherColour, otherKind));
            float dx = other.X - one.X, dy = other.Y - one.Y, across = Math.Abs(dx), down = Math.Abs(dy);
            if (Math.Max(across, down) < one.Scale + other.Scale + 2 || Math.Abs(across - down) < doubtful) continue;
            bool above = down > across;
            return (above ? dy : dx) > 0 ? (one, other, above) : (other, one, above);
        }
    }

    private static void Draw(RandomSource random, ReadOnlySpan<Thing> things, Span<float> canvas, Span<bool> masks)
    {
        // The ground is pale and its colours are weak, so that it is not taken for a shape; its patterns are those of the other scenes.
        Shapes.Background(random, Size, canvas);
        for (int i = 0; i < Area; i++)
        {
            float grey = (canvas[i] + canvas[Area + i] + canvas[(2 * Area) + i]) / 3;
            for (int c = 0; c < 3; c++)
            {
                ref float value = ref canvas[(c * Area) + i];
                value = 0.35f + (0.4f * (grey + (0.3f * (value - grey))));
            }
        }
        float[] layer = new float[Area];
        for (int k = 0; k < things.Length; k++)
        {
            Thing thing = things[k];
            Shapes.Outline(thing.Kind, Size, thing.X, thing.Y, thing.Scale, thing.Sin, thing.Cos, layer);
            Shapes.Colour ink = Inks[thing.Colour].Towards(Shapes.Colour.Random(random), 0.12f);
            Shapes.Over(canvas, layer, ink, ink);
            for (int i = 0; i < Area; i++) masks[(k * Area) + i] = layer[i] >= 0.5f;
        }
        float noise = random.Between(0, 0.03f);
        foreach (ref float value in canvas) value = (int)((255 * Math.Clamp(value + (noise * random.Bell()), 0, 1)) + 0.5f) / 255f;
    }

    private static void Write(Thing first, Thing second, bool above, Span<long> caption, Span<long> about)
    {
        long[] between = above ? [3] : [4, 5]; // "above"; "left", "of"
        long[] words =
        [
            2, FirstColour + first.Colour, FirstKind + first.Kind, .. between,
            2, FirstColour + second.Colour, FirstKind + second.Kind,
        ];
        caption.Fill(End);
        words.CopyTo(caption);
        about[1..3].Fill(1);
        about[(words.Length - 2)..words.Length].Fill(2);
    }

    private readonly record struct Thing(int Colour, int Kind, float X, float Y, float Scale, float Sin, float Cos)
    {
        public static Thing Random(RandomSource random, int colour, int kind)
        {
            float scale = random.Between(8, 11);
            float x = random.Between(scale + 1, Size - scale - 1), y = random.Between(scale + 1, Size - scale - 1);
            (float sin, float cos) = Trigonometry.SinCos(random.Between(0, 2 * MathF.PI));
            return new Thing(colour, kind, x, y, scale, sin, cos);
        }
    }
}
