namespace Vitrine.Data;

/// <summary>Data could not be found, read, trusted or fetched.</summary>
/// <remarks>The message says what went wrong, in which file and at which byte where there is one, and what to do about it.</remarks>
public sealed class DataException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="what">What went wrong: one sentence.</param>
    /// <param name="todo">What the reader can do about it: one sentence.</param>
    /// <param name="file">The file it concerns, if any.</param>
    /// <param name="offset">The byte in the file (for a gzipped file: in its uncompressed content), if it is known.</param>
    /// <param name="inner">The error underneath, if any.</param>
    public DataException(string what, string todo, string? file = null, long? offset = null, Exception? inner = null)
        : base(Compose(what, todo, file, offset), inner)
    {
        FilePath = file;
        Offset = offset;
    }

    /// <summary>The file it concerns, or null.</summary>
    public string? FilePath { get; }

    /// <summary>The byte in the file, or null when it is not about one place in a file.</summary>
    public long? Offset { get; }

    /// <summary>Turns what the system says about a file (missing, forbidden, full disk, a folder where a file belongs) into this exception.</summary>
    internal static DataException From(Exception error, string file) => error switch
    {
        FileNotFoundException or DirectoryNotFoundException =>
            new("The file does not exist.", "Check the path, or fetch the data with 'vitrine data get'.", file, inner: error),
        UnauthorizedAccessException when Directory.Exists(file) =>
            new("This is a folder, a file was expected.", "Name the file inside it.", file, inner: error),
        UnauthorizedAccessException =>
            new("There is no permission to use the file.", "Change its permissions or choose another folder with --data-root or VITRINE_DATA.", file,
                inner: error),
        _ when IsDiskFull(error) =>
            new("The disk is full.", "Free some space, or choose another folder with --data-root or VITRINE_DATA, and try again.", file, inner: error),
        _ => new($"The file cannot be used: {error.Message}", "Check the path and the disk.", file, inner: error),
    };

    // ENOSPC and EDQUOT on Unix; ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL on Windows.
    private static bool IsDiskFull(Exception error) =>
        error is IOException && (OperatingSystem.IsWindows() ? (error.HResult & 0xFFFF) is 112 or 39 : error.HResult is 28 or 122 or 69);

    private static string Compose(string what, string todo, string? file, long? offset)
    {
        string place = (file, offset) switch
        {
            (null, _) => "",
            (_, null) => $" File: {file}.",
            _ => $" File: {file}, byte {offset}.",
        };
        return $"{what}{place} {todo}";
    }
}
