using System.Text;

namespace Vitrine.Data;

/// <summary>Reads text files as rows of characters, for networks that read one character at a time.</summary>
public static class CharacterText
{
    /// <summary>Stands for every character that a vocabulary does not know, and for bytes that are no text: U+FFFD.</summary>
    public const char Unknown = '\uFFFD';

    private const long Largest = 1L << 30; // positions are counted in 32 bits, and a gigabyte of text is far beyond what one file of this kind holds

    /// <summary>
    /// The text of a file: UTF-8 (or what its byte order mark says), the mark itself left out, lines ended by LF alone. A character outside of the basic
    /// plane becomes one <see cref="Unknown"/>, so that every position of the string is one character.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataException">The file cannot be read, is empty or is larger than a gigabyte.</exception>
    public static string Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        string raw;
        try
        {
            long size = new FileInfo(path).Length;
            if (size > Largest) throw new DataException($"The text has {size:N0} bytes; at most {Largest:N0} are read.", "Cut the file into parts.", path);
            raw = File.ReadAllText(path, Encoding.UTF8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DataException.From(e, path);
        }
        string text = Normalize(raw);
        return text.Length > 0 ? text : throw new DataException("The file holds no text.", "Choose another file.", path);
    }

    /// <summary>The same on a string: line ends become LF, characters outside of the basic plane <see cref="Unknown"/>.</summary>
    /// <param name="raw">Any text.</param>
    public static string Normalize(string raw)
    {
        ArgumentNullException.ThrowIfNull(raw);
        var text = new StringBuilder(raw.Length);
        for (int i = 0; i < raw.Length; i++)
        {
            char c = raw[i];
            if (c == '\r')
            {
                if (i + 1 < raw.Length && raw[i + 1] == '\n') continue; // its LF follows
                c = '\n';
            }
            else if (char.IsSurrogate(c))
            {
                if (char.IsHighSurrogate(c) && i + 1 < raw.Length && char.IsLowSurrogate(raw[i + 1])) i++;
                c = Unknown;
            }
            text.Append(c);
        }
        return text.ToString();
    }
}
