using System.Text;

namespace Vitrine.Data;

/// <summary>Tables as comma-separated values (RFC 4180): cells may be quoted, and then hold commas, line ends and doubled quotes.</summary>
public static class Csv
{
    private const int LongestCell = 1 << 20;

    /// <summary>The rows of a file, blank lines left out. Blanks around a cell do not belong to it unless it is quoted.</summary>
    /// <param name="path">The file, UTF-8.</param>
    /// <returns>The number of the line each row begins on, from 1, and its cells.</returns>
    /// <exception cref="DataException">The file is missing, a quote is not closed, or a cell is longer than a million characters.</exception>
    public static IEnumerable<(int Line, string[] Cells)> Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path)) throw new DataException("There is no such file.", "Check the path.", path);
        return Rows(path);
    }

    private static IEnumerable<(int Line, string[] Cells)> Rows(string path)
    {
        using StreamReader reader = new(path, Encoding.UTF8);
        var cells = new List<string>();
        var cell = new StringBuilder();
        int line = 1, begins = 1;
        bool quoted = false, wasQuoted = false;
        for (int read = reader.Read(); ; read = reader.Read())
        {
            char c = (char)read;
            if (quoted)
            {
                if (read < 0)
                    throw new DataException($"The quote that line {begins} opens is never closed.", "Close it, or double a quote inside a cell.", path);
                if (c == '\n') line++;
                if (c != '"') cell.Append(c);
                else if (reader.Peek() == '"') cell.Append((char)reader.Read());
                else quoted = false;
            }
            else if (read < 0 || c is ',' or '\n')
            {
                cells.Add(wasQuoted ? cell.ToString() : cell.ToString().Trim());
                cell.Clear();
                wasQuoted = false;
                if (c == ',' && read >= 0) continue;
                if (cells.Count > 1 || cells[0].Length > 0) yield return (begins, [.. cells]);
                if (read < 0) yield break;
                cells.Clear();
                begins = ++line;
            }
            else if (c == '"' && string.IsNullOrWhiteSpace(cell.ToString()))
            {
                cell.Clear();
                quoted = wasQuoted = true;
            }
            else if (!wasQuoted)
            {
                cell.Append(c);
            }
            else if (!char.IsWhiteSpace(c))
            {
                throw new DataException($"Line {line} goes on after a closing quote.", "Double a quote inside a cell.", path);
            }
            if (cell.Length > LongestCell) throw new DataException($"A cell of line {begins} has more than a million characters.", "Is this a table?", path);
        }
    }
}
