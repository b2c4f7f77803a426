using System.IO.Enumeration;

namespace Vitrine.Experiments;

/// <summary>Which pictures a list of files, folders and patterns means.</summary>
public static class PictureFiles
{
    /// <summary>How the names of pictures end.</summary>
    internal static readonly IReadOnlyList<string> Endings = [".png", ".jpg", ".jpeg", ".bmp", ".pbm", ".pgm", ".ppm", ".pnm"];

    /// <summary>
    /// The files: a folder stands for the pictures in it and below, <c>*</c> and <c>?</c> for what they match in one name, <c>**</c> for any folders. What is
    /// neither a folder nor a pattern stays as it is. Matches come in the order of their names.
    /// </summary>
    /// <param name="arguments">Files, folders and patterns.</param>
    /// <param name="empty">Receives what a folder or pattern lacks: a sentence for each that matches nothing.</param>
    public static IReadOnlyList<string> Find(IEnumerable<string> arguments, out IReadOnlyList<(string Argument, string Error)> empty) =>
        Find(arguments, Endings, "pictures", out empty);

    /// <summary>The same for files of other kinds: a folder stands for those in it and below whose names end so.</summary>
    internal static IReadOnlyList<string> Find(
        IEnumerable<string> arguments, IReadOnlyList<string> endings, string what, out IReadOnlyList<(string Argument, string Error)> empty)
    {
        List<string> files = [];
        List<(string, string)> missing = [];
        foreach (string argument in arguments)
        {
            IEnumerable<string>? matches = Directory.Exists(argument) ? Below(argument, endings)
                : argument.AsSpan().IndexOfAny('*', '?') >= 0 && !File.Exists(argument) ? Match(argument)
                : null;
            if (matches is null)
            {
                files.Add(argument);
                continue;
            }
            string[] found = [.. matches.Order(StringComparer.Ordinal)];
            files.AddRange(found);
            if (found.Length > 0) continue;
            missing.Add((argument, Directory.Exists(argument)
                ? $"There are no {what} in {argument}; {what} end in {string.Join(", ", endings)}."
                : $"Nothing matches {argument}. Check the pattern."));
        }
        empty = missing;
        return files;
    }

    private static IEnumerable<string> Below(string folder, IReadOnlyList<string> endings) => Directory
        .EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true })
        .Where(f => endings.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase));

    // The part before the first wildcard is a folder; the rest is matched name by name.
    private static IEnumerable<string> Match(string pattern)
    {
        string[] parts = pattern.Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar);
        int first = Array.FindIndex(parts, p => p.AsSpan().IndexOfAny('*', '?') >= 0);
        // With its separator, so that the root stays the root.
        string folder = pattern[..parts[..first].Sum(p => p.Length + 1)];
        return Match(folder, parts.AsMemory(first));
    }

    private static IEnumerable<string> Match(string folder, ReadOnlyMemory<string> parts)
    {
        string part = parts.Span[0], here = folder.Length == 0 ? "." : folder;
        var options = new EnumerationOptions { IgnoreInaccessible = true };
        if (!Directory.Exists(here)) yield break;
        if (parts.Length == 1)
        {
            foreach (string file in Directory.EnumerateFiles(here, "*", options).Where(f => Fits(f, part))) yield return Path.Join(folder,
                Path.GetFileName(file));
            yield break;
        }
        if (part == "**")
        {
            foreach (string file in Match(folder, parts[1..])) yield return file;
        }
        foreach (string below in Directory.EnumerateDirectories(here, "*", options))
        {
            if (part != "**" && !Fits(below, part)) continue;
            foreach (string file in Match(Path.Join(folder, Path.GetFileName(below)), part == "**" ? parts : parts[1..])) yield return file;
        }

        static bool Fits(string path, string part) => FileSystemName.MatchesSimpleExpression(part, Path.GetFileName(path.AsSpan()),
            OperatingSystem.IsWindows());
    }
}
