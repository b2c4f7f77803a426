using System.Text;

namespace Vitrine.Experiments;

/// <summary>Folders that results go to.</summary>
internal static class OutputFolder
{
    /// <summary>Makes the folder and sees that it can be written to, before minutes are spent on what could not be kept.</summary>
    /// <exception cref="IOException">It cannot; the message says why.</exception>
    public static void Prepare(string folder)
    {
        string probe = Path.Combine(folder, $".vitrine-{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(probe, "");
            File.Delete(probe);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"There is no permission to write to {folder}. Choose another folder with --out.", e);
        }
        catch (IOException e) when (!Failure.IsDiskFull(e))
        {
            throw new IOException(File.Exists(folder)
                ? $"{folder} is a file, a folder was expected. Choose another folder with --out."
                : $"The folder {folder} cannot be used: {e.Message} Choose another with --out.", e);
        }
    }

    /// <summary>Writes a text file whole or not at all.</summary>
    public static void Write(string path, string text)
    {
        string temporary = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, $".vitrine-{Guid.NewGuid():N}.tmp");
        try
        {
            File.WriteAllText(temporary, text, new UTF8Encoding(false));
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
