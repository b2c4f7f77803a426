namespace Vitrine.Data;

/// <summary>The characters that a network knows, each with its number. Number 0 is <see cref="CharacterText.Unknown"/>.</summary>
public sealed class CharacterVocabulary
{
    private readonly Dictionary<char, int> _numbers = [];

    /// <summary>A vocabulary as it was written down before.</summary>
    /// <param name="characters">The characters in the order of their numbers; the first is <see cref="CharacterText.Unknown"/>.</param>
    /// <exception cref="ArgumentException">The first character is another, or one occurs twice.</exception>
    public CharacterVocabulary(string characters)
    {
        ArgumentNullException.ThrowIfNull(characters);
        if (characters.Length == 0 || characters[0] != CharacterText.Unknown)
        {
            throw new ArgumentException("A vocabulary begins with U+FFFD, which stands for all characters it does not know.", nameof(characters));
        }
        for (int i = 0; i < characters.Length; i++)
        {
            if (!_numbers.TryAdd(characters[i], i)) throw new ArgumentException($"U+{(int)characters[i]:X4} is in the vocabulary twice.", nameof(characters));
        }
        Characters = characters;
    }

    /// <summary>The characters in the order of their numbers.</summary>
    public string Characters { get; }

    /// <summary>How many there are, <see cref="CharacterText.Unknown"/> among them.</summary>
    public int Count => Characters.Length;

    /// <summary>The characters of a text, by code point.</summary>
    /// <param name="text">The text, as <see cref="CharacterText.Read"/> gives it.</param>
    /// <param name="least">How often a character has to occur; a network cannot learn what it meets a few times in a book.</param>
    public static CharacterVocabulary Of(string text, int least = 1)
    {
        ArgumentNullException.ThrowIfNull(text);
        var counts = new SortedDictionary<char, int>();
        foreach (char c in text) counts[c] = counts.GetValueOrDefault(c) + 1;
        IEnumerable<char> known = counts.Where(c => c.Value >= least && c.Key != CharacterText.Unknown).Select(c => c.Key);
        return new CharacterVocabulary(CharacterText.Unknown + string.Concat(known));
    }

    /// <summary>The number of a character; 0 where it is unknown.</summary>
    public int this[char character] => _numbers.GetValueOrDefault(character);

    /// <summary>The numbers of a text's characters: Int64 [T].</summary>
    public Tensor Encode(ReadOnlySpan<char> text)
    {
        long[] numbers = new long[text.Length];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = this[text[i]];
        return Tensor.From(numbers, [numbers.Length]);
    }

    /// <summary>The text of numbers.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is none of this vocabulary's.</exception>
    public string Decode(ReadOnlySpan<long> numbers)
    {
        char[] text = new char[numbers.Length];
        for (int i = 0; i < text.Length; i++)
        {
            if ((ulong)numbers[i] >= (ulong)Count)
                throw new ArgumentOutOfRangeException(nameof(numbers), numbers[i], $"The vocabulary has {Count} characters.");
            text[i] = Characters[(int)numbers[i]];
        }
        return new string(text);
    }
}
