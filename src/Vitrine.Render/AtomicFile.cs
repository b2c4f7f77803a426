namespace Vitrine.Render;

/// <summary>Writes a whole file or nothing: a reader never sees half a picture, and a failed save leaves the old file as it was.</summary>
internal static class AtomicFile
{
    public static void Write(string path, byte[] bytes) => Write(path, stream => stream.Write(bytes));

    public static void Write(string path, Action<Stream> fill)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full)) throw new IOException($"Cannot save '{path}': that is a folder. Give the name of a file inside it.");
        string folder = Path.GetDirectoryName(full) ?? throw new IOException($"Cannot save '{path}': it names no file.");

        // The temporary file lies beside the target: a rename is atomic only within one file system.
        string temporary = Path.Combine(folder, $".vitrine-{Guid.NewGuid():N}.tmp");
        bool done = false;
        try
        {
            Directory.CreateDirectory(folder);
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                fill(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite: true);
            done = true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"Cannot save '{path}': {e.Message} The file that was there before, if any, is unchanged.", e);
        }
        finally
        {
            if (!done) TryDelete(temporary);
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first error is the one worth reporting.
        }
    }
}
