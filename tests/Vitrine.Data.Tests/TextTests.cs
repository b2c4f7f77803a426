namespace Vitrine.Data.Tests;

public sealed class TextTests
{
    [Fact]
    public void Every_position_is_one_character_and_lines_end_in_one_way()
    {
        using var folder = new TempFolder();
        string path = folder.File("a.txt");
        File.WriteAllBytes(path, [0xEF, 0xBB, 0xBF, .. System.Text.Encoding.UTF8.GetBytes("a\r\nb\rc\n\U0001F600d")]);
        Assert.Equal("a\nb\nc\n\uFFFDd", CharacterText.Read(path));
        Assert.Equal("\uFFFDx", CharacterText.Normalize("\uD83Dx")); // half a pair
        File.WriteAllText(path, "");
        Assert.Throws<DataException>(() => CharacterText.Read(path));
        Assert.Throws<DataException>(() => CharacterText.Read(folder.File("none.txt")));
    }

    [Fact]
    public void A_vocabulary_knows_what_occurs_often_enough()
    {
        var vocabulary = CharacterVocabulary.Of("abracadabra!", least: 2);
        Assert.Equal("\uFFFDabr", vocabulary.Characters);
        long[] numbers = [1, 2, 3, 0];
        Assert.Equal(numbers, vocabulary.Encode("abrz").Longs.ToArray());
        Assert.Equal("abr\uFFFD", vocabulary.Decode([1, 2, 3, 0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => vocabulary.Decode([4]));
        Assert.Throws<ArgumentException>(() => new CharacterVocabulary("abc"));
        Assert.Throws<ArgumentException>(() => new CharacterVocabulary("\uFFFDaba"));
    }

    [Theory]
    [InlineData("copy")]
    [InlineData("reverse")]
    [InlineData("dates")]
    public void The_origin_of_a_token_holds_what_the_token_says(string task)
    {
        SequencePairs pairs = SequencePairs.Generate(task, 50, 5);
        (int t, int s) = (pairs.Target.Shape[1], pairs.Source.Shape[1]);
        for (int n = 0; n < pairs.Count; n++)
        {
            string source = SequencePairs.Text(pairs.SourceCharacters, pairs.Source.Longs.Slice(n * s, s));
            string target = SequencePairs.Text(pairs.TargetCharacters, pairs.Target.Longs.Slice(n * t, t));
            string shown = SequencePairs.Text(pairs.TargetCharacters, pairs.Shown.Longs.Slice(n * t, t));
            Assert.Equal("^" + target[..^1], shown);
            for (int i = 0; i < t; i++)
            {
                string origin = string.Concat(Enumerable.Range(0, s).Where(k => pairs.Origin.Bools[(((n * t) + i) * s) + k]).Select(k => source[k]));
                if (task != "dates" || i < 4) Assert.Equal($"{target[i]}", origin);
                else if (target[i] == '-') Assert.Equal("", origin);
                else Assert.Equal(i < 7 ? int.Parse(target[5..7]) : int.Parse(target[8..]), Number(origin));
            }
        }
        Assert.Throws<ArgumentException>(() => SequencePairs.Generate("poems", 1, 1));

        static int Number(string written) => int.TryParse(written, out int number) ? number
            : 1 + Array.IndexOf(System.Globalization.CultureInfo.InvariantCulture.DateTimeFormat.MonthNames, char.ToUpperInvariant(written[0]) + written[1..]);
    }
}
