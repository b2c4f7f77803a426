namespace Vitrine.Insight;

/// <summary>
/// A guess at what a unit of a network that reads text keeps track of, as a program: from a text to a number for each of its characters, which says how
/// things stand once that character was read.
/// </summary>
/// <param name="Name">In a few words.</param>
/// <param name="Meaning">What exactly the number is.</param>
/// <param name="IsGraded">Whether it is a quantity; otherwise it is 1 or 0.</param>
/// <param name="Label">The program: as many numbers as the text has characters.</param>
public sealed record TextHypothesis(string Name, string Meaning, bool IsGraded, Func<string, float[]> Label)
{
    private const int TabWidth = 8;

    /// <summary>The hypotheses there are, in the spirit of the cells that Karpathy, Johnson and Fei-Fei (2015) found by eye.</summary>
    public static IReadOnlyList<TextHypothesis> All { get; } =
    [
        new("inside quotes", "1 from an opening double quote to the character before the closing one; an empty line ends a quotation that was not closed",
            false, InsideQuotes),
        new("inside a comment", "1 from the second character of `/*` or `//` to the character before the end of the comment, as in C", false, InsideComment),
        new("inside brackets", "1 from an opening round or square bracket to the character before the one that closes it; an empty line closes all",
            false, InsideBrackets),
        new("brace depth", "how many curly braces are open; one in the first column closes all", true, BraceDepth),
        new("position in line", "how many characters of the line were read", true, PositionInLine),
        new("indentation", $"the columns of white space the line began with, tabs every {TabWidth}", true, Indentation),
        new("line about to end", "1 where the next character ends the line", false, LineAboutToEnd),
        new("between words", "1 at characters that are neither letters nor digits nor `_` nor an apostrophe", false, BetweenWords),
        new("upper case", "1 at letters that are capitals", false, text => [.. text.Select(c => char.IsUpper(c) ? 1f : 0f)]),
    ];

    private static float[] InsideQuotes(string text)
    {
        float[] labels = new float[text.Length];
        bool inside = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            bool literal = c == '"' && i > 0 && (text[i - 1] == '\\' || (text[i - 1] == '\'' && i + 1 < text.Length && text[i + 1] == '\''));
            if (c == '"' && !literal) inside = !inside;
            else if (c is '\u201C' or '\u201D') inside = c == '\u201C';
            else if (c == '\n' && i > 0 && text[i - 1] == '\n') inside = false;
            labels[i] = inside ? 1 : 0;
        }
        return labels;
    }

    private static float[] InsideComment(string text)
    {
        float[] labels = new float[text.Length];
        char inside = '\0'; // '*' or '/', the second character of what opened it
        int changed = 0;      // no character both opens and closes, or closes and opens
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i], before = i > changed ? text[i - 1] : '\0';
            if (inside == '\0' && before == '/' && c is '*' or '/') (inside, changed) = (c, i + 1);
            else if (inside == '*' && before == '*' && c == '/') (inside, changed) = ('\0', i + 1);
            else if (inside == '/' && c == '\n') (inside, changed) = ('\0', i + 1);
            labels[i] = inside == '\0' ? 0 : 1;
        }
        return labels;
    }

    private static float[] InsideBrackets(string text)
    {
        float[] labels = new float[text.Length];
        int open = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c is '(' or '[') open++;
            else if (c is ')' or ']') open = Math.Max(0, open - 1);
            else if (c == '\n' && i > 0 && text[i - 1] == '\n') open = 0;
            labels[i] = open > 0 ? 1 : 0;
        }
        return labels;
    }

    private static float[] BraceDepth(string text)
    {
        float[] labels = new float[text.Length], comment = InsideComment(text);
        int open = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (comment[i] == 0)
            {
                if (c == '{') open++;
                else if (c == '}') open = i == 0 || text[i - 1] == '\n' ? 0 : Math.Max(0, open - 1);
            }
            labels[i] = open;
        }
        return labels;
    }

    private static float[] PositionInLine(string text)
    {
        float[] labels = new float[text.Length];
        int at = 0;
        for (int i = 0; i < text.Length; i++) labels[i] = at = text[i] == '\n' ? 0 : at + 1;
        return labels;
    }

    private static float[] Indentation(string text)
    {
        float[] labels = new float[text.Length];
        int width = 0;
        bool leading = true;
        for (int i = 0; i < text.Length; i++)
        {
            if (i > 0 && text[i - 1] == '\n') (width, leading) = (0, true);
            if (leading && text[i] == ' ') width++;
            else if (leading && text[i] == '\t') width = (width / TabWidth + 1) * TabWidth;
            else leading = false;
            labels[i] = width;
        }
        return labels;
    }

    private static float[] LineAboutToEnd(string text)
    {
        float[] labels = new float[text.Length];
        for (int i = 0; i + 1 < text.Length; i++) labels[i] = text[i + 1] == '\n' ? 1 : 0;
        return labels;
    }

    private static float[] BetweenWords(string text) => [.. text.Select(c => char.IsLetterOrDigit(c) || c is '_' or '\'' ? 0f : 1f)];
}
