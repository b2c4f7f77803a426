namespace Vitrine.Cli;

/// <summary>Columns of text, as wide as they need to be, for people and for grep: no frame, no wrapping.</summary>
internal static class TextTable
{
    /// <summary>Writes a head and rows; the first columns stand left, the others right.</summary>
    public static void Write(TextWriter output, string[] head, IEnumerable<string[]> rows, int leftColumns)
    {
        string[][] all = [head, .. rows];
        int[] widths = [.. head.Select((_, c) => all.Max(row => row[c].Length))];
        foreach (string[] row in all)
            output.WriteLine(string.Join("  ", row.Select((cell, c) => c < leftColumns ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c]))).TrimEnd());
    }
}
