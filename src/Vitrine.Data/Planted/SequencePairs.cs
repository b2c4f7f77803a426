using System.Globalization;

namespace Vitrine.Data;

/// <summary>
/// Pairs of sequences of which it is known where in the source each token of the target comes from: what attention between the two should look at.
/// </summary>
/// <param name="Name">The task.</param>
/// <param name="SourceCharacters">The tokens of sources, in the order of their numbers.</param>
/// <param name="TargetCharacters">The tokens of targets; the first, which no target holds, begins every target that a network is shown.</param>
/// <param name="Source">[N, S], Int64.</param>
/// <param name="Target">[N, T], Int64.</param>
/// <param name="Origin">[N, T, S]: true where the target's token may be read off; nowhere for a token that is always the same.</param>
public sealed record SequencePairs(string Name, string SourceCharacters, string TargetCharacters, Tensor Source, Tensor Target, Tensor Origin)
{
    private const int Length = 10; // of sequences to copy and to reverse
    private const int DateLength = 18; // of the longest date, "september 30, 1999", and of all with spaces behind

    private static readonly string[] Months =
        ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

    /// <summary>
    /// The tasks: <c>copy</c> and <c>reverse</c> ten letters; <c>dates</c> writes a date, <c>3 march 1998</c>, <c>march 3, 1998</c> or <c>3.3.1998</c>, as
    /// <c>1998-03-03</c>.
    /// </summary>
    public static IReadOnlyList<string> Names { get; } = ["copy", "reverse", "dates"];

    /// <summary>How many pairs there are.</summary>
    public int Count => Source.Shape[0];

    /// <summary>The targets as a network is shown them, one place later: [N, T].</summary>
    public Tensor Shown
    {
        get
        {
            int t = Target.Shape[1];
            long[] shown = new long[Target.Count];
            for (int i = 0; i < shown.Length; i++) shown[i] = i % t == 0 ? 0 : Target.Longs[i - 1];
            return Tensor.From(shown, Target.Shape);
        }
    }

    /// <summary>Draws pairs.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">Which: the same seed, the same pairs.</param>
    /// <exception cref="ArgumentException">No task has this name.</exception>
    public static SequencePairs Generate(string name, int count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ulong stream = new RandomSource(seed).Derive($"pairs {name}");
        return name switch
        {
            "copy" or "reverse" => Letters(name, count, stream),
            "dates" => Dates(count, stream),
            _ => throw new ArgumentException($"No task is called '{name}'. There are: {string.Join(", ", Names)}.", nameof(name)),
        };
    }

    /// <summary>The text of a row of numbers.</summary>
    /// <param name="characters">The tokens.</param>
    /// <param name="row">Their numbers.</param>
    public static string Text(string characters, ReadOnlySpan<long> row)
    {
        char[] text = new char[row.Length];
        for (int i = 0; i < text.Length; i++) text[i] = characters[(int)row[i]];
        return new string(text);
    }

    private static SequencePairs Letters(string name, int count, ulong stream)
    {
        const string letters = "abcdefghijklmnop";
        long[] source = new long[count * Length], target = new long[count * Length];
        bool[] origin = new bool[count * Length * Length];
        for (int n = 0; n < count; n++)
        {
            RandomSource random = Draws.Example(stream, n);
            for (int i = 0; i < Length; i++) source[n * Length + i] = random.NextInt(letters.Length);
            for (int i = 0; i < Length; i++)
            {
                int from = name == "copy" ? i : Length - 1 - i;
                target[n * Length + i] = 1 + source[n * Length + from];
                origin[(n * Length + i) * Length + from] = true;
            }
        }
        return new SequencePairs(name, letters, "^" + letters, Tensor.From(source, [count, Length]), Tensor.From(target, [count, Length]),
            Tensor.From(origin, [count, Length, Length]));
    }

    private static SequencePairs Dates(int count, ulong stream)
    {
        const string sourceCharacters = " ,.0123456789abcdefghijlmnoprstuvy", targetCharacters = "^-0123456789";
        const int targetLength = 10; // 1998-03-03
        long[] source = new long[count * DateLength], target = new long[count * targetLength];
        bool[] origin = new bool[count * targetLength * DateLength];
        for (int n = 0; n < count; n++)
        {
            RandomSource random = Draws.Example(stream, n);
            (int year, int month, int day, int form) = (1900 + random.NextInt(200), 1 + random.NextInt(12), 1 + random.NextInt(28), random.NextInt(3));
            string y = year.ToString(CultureInfo.InvariantCulture), d = day.ToString(CultureInfo.InvariantCulture);
            string m = form == 2 ? month.ToString(CultureInfo.InvariantCulture) : Months[month - 1];
            (string text, int yearAt, int monthAt, int dayAt) = form switch
            {
                0 => ($"{d} {m} {y}", d.Length + m.Length + 2, d.Length + 1, 0),
                1 => ($"{m} {d}, {y}", m.Length + d.Length + 3, 0, m.Length + 1),
                _ => ($"{d}.{m}.{y}", d.Length + m.Length + 2, d.Length + 1, 0),
            };
            text = text.PadRight(DateLength);
            string written = string.Create(CultureInfo.InvariantCulture, $"{year:0000}-{month:00}-{day:00}");
            for (int i = 0; i < DateLength; i++) source[n * DateLength + i] = sourceCharacters.IndexOf(text[i]);
            for (int i = 0; i < targetLength; i++) target[n * targetLength + i] = targetCharacters.IndexOf(written[i]);
            for (int i = 0; i < 4; i++) Mark(i, yearAt + i, 1);
            for (int i = 0; i < 2; i++)
            {
                // Either digit of a month or day may take all of it: whether there is a first one depends on the second.
                Mark(5 + i, monthAt, m.Length);
                Mark(8 + i, dayAt, d.Length);
            }

            void Mark(int at, int from, int length) => origin.AsSpan((n * targetLength + at) * DateLength + from, length).Fill(true);
        }
        return new SequencePairs("dates", sourceCharacters, targetCharacters, Tensor.From(source, [count, DateLength]),
            Tensor.From(target, [count, targetLength]), Tensor.From(origin, [count, targetLength, DateLength]));
    }
}
