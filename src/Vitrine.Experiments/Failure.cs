using Vitrine.Data;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>Errors in words for people.</summary>
public static class Failure
{
    /// <summary>What went wrong and what to do about it, in a sentence or two; null when the error is not the user's to mend and its trace is wanted.</summary>
    /// <param name="error">The error.</param>
    public static string? Describe(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        for (Exception? e = error; e is not null; e = e.InnerException)
        {
            if (IsDiskFull(e)) return "The disk is full. Free some space, or choose another folder with --out; nothing half-written was left.";
        }
        return error switch
        {
            DataException or TensorFileException or PictureFormatException or ArithmeticException => error.Message,
            FileNotFoundException { FileName: { } file } when error.Message.StartsWith("Could not find", StringComparison.Ordinal) =>
                $"The file {file} does not exist. Check the path.",
            DirectoryNotFoundException => $"{error.Message} Check the path.",
            UnauthorizedAccessException => $"{error.Message} Change its permissions, or choose another place.",
            IOException => error.Message,
            ArgumentException { ParamName: { } parameter } => error.Message.Replace($" (Parameter '{parameter}')", ""),
            ArgumentException => error.Message,
            OutOfMemoryException => "There is not enough memory. Try a smaller --batch or fewer --examples.",
            _ => null,
        };
    }

    /// <summary>Whether an error says that no more can be written: the disk or the quota is full, or the file would become too large.</summary>
    internal static bool IsDiskFull(Exception error) =>
        error is IOException && (OperatingSystem.IsWindows() ? (error.HResult & 0xFFFF) is 112 or 39 : error.HResult is 28 or 122 or 69 or 27);
}
