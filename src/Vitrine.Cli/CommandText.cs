namespace Vitrine.Cli;

/// <summary>Command lines to be shown to people.</summary>
internal static class CommandText
{
    /// <summary>The command that continues what these arguments started.</summary>
    public static string Resume(IReadOnlyList<string> args) => Of([.. args.Where(a => a != "--resume"), "--resume"]);

    /// <summary>A command line that a shell reads as these arguments.</summary>
    public static string Of(IReadOnlyList<string> args) => string.Join(' ', args.Select(Quote).Prepend("vitrine"));

    private static string Quote(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or ':' or '=' or ',' or '+' or '#' or '\\')
            ? argument : "'" + argument.Replace("'", "'\\''") + "'";
}
