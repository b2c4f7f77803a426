using System.Formats.Tar;
using System.IO.Compression;

namespace Vitrine.Data;

/// <summary>The files inside a tar archive, gzipped or not, read one after the other without unpacking to disk. Names are names: no path is followed.</summary>
public static class TarMembers
{
    private const int FirstBuffer = 1 << 16;
    private const string Damaged = "Delete it and fetch it again.";

    /// <summary>Reads the regular files of an archive.</summary>
    /// <param name="path">The archive.</param>
    /// <param name="wanted">Which files to read, by their name in the archive; null for all.</param>
    /// <param name="mostBytes">How many bytes the whole archive may have unpacked: a small file can hold a very large one.</param>
    /// <param name="mostMembers">How many members it may have.</param>
    /// <exception cref="DataException">The file is missing, damaged, or beyond the limits.</exception>
    public static IEnumerable<(string Name, byte[] Content)> Read(
        string path, Func<string, bool>? wanted = null, long mostBytes = 1L << 30, int mostMembers = 1_000_000)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DataException.From(e, path);
        }
        return Members(file, path, wanted, mostBytes, mostMembers);
    }

    /// <summary>Reads the regular files of an archive that is in memory or on its way.</summary>
    /// <param name="archive">The archive; it can seek, and is closed at the end.</param>
    /// <param name="name">What to call it in errors.</param>
    /// <param name="wanted">Which files to read; null for all.</param>
    /// <param name="mostBytes">How many bytes the whole archive may have unpacked.</param>
    /// <param name="mostMembers">How many members it may have.</param>
    /// <exception cref="DataException">The archive is damaged or beyond the limits.</exception>
    public static IEnumerable<(string Name, byte[] Content)> Read(
        Stream archive, string name, Func<string, bool>? wanted = null, long mostBytes = 1L << 30, int mostMembers = 1_000_000)
    {
        ArgumentNullException.ThrowIfNull(archive);
        return Members(archive, name, wanted, mostBytes, mostMembers);
    }

    private static IEnumerable<(string Name, byte[] Content)> Members(Stream archive, string path, Func<string, bool>? wanted, long mostBytes, int mostMembers)
    {
        using Stream whole = archive;
        byte[] start = new byte[2];
        bool zipped = whole.ReadAtLeast(start, 2, throwOnEndOfStream: false) == 2 && start is [0x1F, 0x8B];
        whole.Position = 0;
        using var limited = new LimitedStream(zipped ? new GZipStream(whole, CompressionMode.Decompress) : whole, mostBytes, path);
        using var reader = new TarReader(limited);
        for (int count = 0; Guarded(() => reader.GetNextEntry(), path) is { } entry; count++)
        {
            if (count == mostMembers) throw new DataException($"The archive has more than {mostMembers:N0} members.", "Unpack it by hand.", path);
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile) || wanted?.Invoke(entry.Name) == false) continue;
            yield return (entry.Name, Guarded(() => Content(entry, path), path));
        }
    }

    // A header may lie about its size, so the buffer grows with the data that arrives.
    private static byte[] Content(TarEntry entry, string path)
    {
        if (entry.DataStream is not { } stream) return [];
        if (entry.Length > Array.MaxLength) throw new DataException($"The member {entry.Name} claims {entry.Length} bytes.", Damaged, path);
        byte[] bytes = new byte[Math.Min(entry.Length, FirstBuffer)];
        int have = 0;
        while (true)
        {
            have += stream.ReadAtLeast(bytes.AsSpan(have), bytes.Length - have, throwOnEndOfStream: false);
            if (have < bytes.Length) throw new DataException($"The archive ends inside of its member {entry.Name}.", Damaged, path);
            if (have == entry.Length) return bytes;
            Array.Resize(ref bytes, (int)Math.Min(entry.Length, 2L * bytes.Length));
        }
    }

    private static T Guarded<T>(Func<T> read, string path)
    {
        try
        {
            return read();
        }
        // What the reader of the runtime throws at headers that make no sense.
        catch (Exception e) when (e is InvalidDataException or IOException or FormatException or ArgumentException or OverflowException or NotSupportedException)
        {
            throw new DataException($"The archive is damaged: {e.Message}", Damaged, path, inner: e);
        }
    }

    /// <summary>What comes out of a decompressor, up to a limit.</summary>
    private sealed class LimitedStream(Stream inner, long most, string path) : Stream
    {
        private long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => _read;
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            int got = inner.Read(buffer);
            _read += got;
            return _read <= most ? got : throw new DataException(
                $"The archive unpacks to more than {most:N0} bytes.", "Unpack it by hand, if it is to be trusted.", path);
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
