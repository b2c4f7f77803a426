namespace Vitrine.Insight.Tests;

public sealed class TextHypothesisTests
{
    // Each label stands below its character.
    [Theory]
    [InlineData("inside quotes", "a \"b c\" d", "001111000")]
    [InlineData("inside quotes", "x='\"';\"y\\\"z\"", "000000111110")]
    [InlineData("inside quotes", "\"a\n\nb\"c\"", "11100110")]
    [InlineData("inside quotes", "\u201Ca\u201D b", "11000")]
    [InlineData("inside a comment", "a/*b*/c", "0011100")]
    [InlineData("inside a comment", "/*/ */x//y\nz", "011110001100")]
    [InlineData("inside brackets", "f(a[i])b", "01111100")]
    [InlineData("inside brackets", "(a\n\nb)", "111000")]
    [InlineData("brace depth", "{a{b}c}", "1122110")]
    [InlineData("brace depth", "{{{\n}a", "123300")]
    [InlineData("position in line", "abc\nde", "123012")]
    [InlineData("indentation", "  a b\n\tc\n  \td", "1222228881288")]
    [InlineData("line about to end", "ab\nc", "0100")]
    [InlineData("between words", "it's a_b, 7", "00001000110")]
    [InlineData("upper case", "aBc D", "01001")]
    public void Say_of_each_character_how_things_stand_once_it_was_read(string name, string text, string expected)
    {
        TextHypothesis hypothesis = TextHypothesis.All.Single(h => h.Name == name);
        string labels = string.Concat(hypothesis.Label(text).Select(l => (char)('0' + (int)l)));
        Assert.Equal(expected, labels);
    }

    [Fact]
    public void All_label_every_character_and_binary_ones_with_zero_and_one()
    {
        string text = "int f(void)\n{\n\treturn \"a\"[0]; /* A comment. */\n}\n\n\"Well,\" he said.\n";
        foreach (TextHypothesis hypothesis in TextHypothesis.All)
        {
            float[] labels = hypothesis.Label(text);
            Assert.Equal(text.Length, labels.Length);
            Assert.All(labels, l => Assert.True(hypothesis.IsGraded ? l >= 0 : l is 0 or 1));
            Assert.Empty(hypothesis.Label(""));
        }
    }
}
