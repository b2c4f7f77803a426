using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;

namespace Vitrine.Data;

/// <summary>How far the download of a file has come.</summary>
/// <param name="File">The file's name.</param>
/// <param name="Received">Bytes on disk so far, those of an earlier, interrupted download included.</param>
/// <param name="Total">Bytes in the whole file.</param>
public readonly record struct DownloadProgress(string File, long Received, long Total);

/// <summary>Fetches published files: resumed where an earlier attempt stopped, checked by SHA-256, moved into place in one step.</summary>
/// <remarks>
/// A file appears under its name only when it is whole and right; until then it is <c>name.part</c>, which a later call takes up with an HTTP range
/// request. The hash at the end decides whether the pieces fitted; if resumed pieces did not, the file is fetched once more from the start.
/// Two processes may fetch into one folder: the second waits for the first (the file <c>.lock</c>, which stays) and finds the work done.
/// </remarks>
/// <param name="client">The client to use; the caller keeps it. Its own timeout covers the wait for a server's answer, not the transfer.</param>
public sealed class Downloader(HttpClient client)
{
    private const int BufferSize = 1 << 16;

    private enum Outcome
    {
        Whole,
        StartAgain,
    }

    /// <summary>How often a file is tried when the network or the server fails in a way that may pass; at least 1.</summary>
    public int Attempts { get; init; } = 4;

    /// <summary>The wait before the second attempt; it doubles for each further one.</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a transfer may bring no byte before it counts as failed.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Fetches all files of a data set into <c>root/name/</c>. Files already there and right are left alone.</summary>
    /// <param name="entry">The data set; a built-in one needs nothing and is done at once.</param>
    /// <param name="root">The root asked for explicitly, or null for <see cref="DataFolder.ForWriting"/>'s choice. Created if need be.</param>
    /// <param name="progress">Told about every 64 KB, or null.</param>
    /// <param name="cancel">Stops the download and leaves the part on disk for the next call.</param>
    /// <returns>The folder.</returns>
    /// <exception cref="DataException">A file cannot be fetched, for the reasons the other overload lists.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was triggered.</exception>
    public async Task<string> FetchAsync(
        CatalogEntry entry, string? root = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(entry);
        string folder = Path.Combine(DataFolder.ForWriting(root), entry.Name);
        foreach (CatalogFile file in entry.Files) await FetchAsync(file, folder, progress, cancel);
        return folder;
    }

    /// <summary>Fetches one file into a folder. If it is already there and right, nothing is sent.</summary>
    /// <param name="file">The file.</param>
    /// <param name="folder">The folder; created if need be.</param>
    /// <param name="progress">Told about every 64 KB, or null.</param>
    /// <param name="cancel">Stops the download and leaves the part on disk for the next call.</param>
    /// <returns>The full path of the file.</returns>
    /// <exception cref="DataException">No network, no such file on the server, a server that keeps failing, a file that does not have the published
    /// hash (the bad download is removed), another file already in its place (it is left alone), a full disk, no permission.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was triggered.</exception>
    public async Task<string> FetchAsync(
        CatalogFile file, string folder, IProgress<DownloadProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string path = Path.Combine(Path.GetFullPath(folder), file.Name);
        try
        {
            Directory.CreateDirectory(folder);
            using FileStream held = await LockAsync(Path.Combine(folder, ".lock"), cancel);
            if (File.Exists(path))
            {
                if (await HasHashAsync(path, file, cancel)) return path;
                throw new DataException("A file is already there and is not the published one (its SHA-256 differs).",
                    "Remove it to download the published file, or use it as it is.", path);
            }
            await FetchPartAsync(file, path, progress, cancel);
            File.Move(path + ".part", path);
            return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DataException.From(e, path);
        }
    }

    private async Task FetchPartAsync(CatalogFile file, string path, IProgress<DownloadProgress>? progress, CancellationToken cancel)
    {
        string part = path + ".part";
        bool fromStart = false;
        int failures = 0;
        while (true)
        {
            bool resumed = File.Exists(part) && new FileInfo(part).Length > 0;
            if (resumed && new FileInfo(part).Length > file.Bytes)
            {
                File.Delete(part);
                continue;
            }
            try
            {
                if (await TransferAsync(file, part, progress, cancel) == Outcome.StartAgain)
                {
                    File.Delete(part);
                    // A server that refuses a range from the first byte on would have us ask for ever.
                    if (!resumed)
                        throw new DataException($"The server at {file.Url} sends a range nobody asked for.",
                            "Try again later, or put the file in place by hand.", path);
                    continue;
                }
            }
            catch (Exception e) when (Passing(e, cancel))
            {
                if (++failures >= Attempts) throw GivenUp(e, file, path);
                await Task.Delay(FirstDelay * Math.Pow(2, failures - 1), cancel);
                continue;
            }
            catch (HttpRequestException e)
            {
                throw GivenUp(e, file, path);
            }
            if (await HasHashAsync(part, file, cancel)) return;
            File.Delete(part);
            // Pieces of two versions of a file do not fit; a whole one that is wrong will not be better the second time.
            if (!resumed || fromStart)
                throw new DataException($"The file from {file.Url} is not the published one: its SHA-256 differs. The download was removed.",
                    "Try again on another network (a proxy may have answered in the server's place), or put the file in place by hand.", path);
            fromStart = true;
        }
    }

    private async Task<Outcome> TransferAsync(CatalogFile file, string part, IProgress<DownloadProgress>? progress, CancellationToken cancel)
    {
        using FileStream target = new(part, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0);
        long have = target.Length;
        progress?.Report(new(file.Name, have, file.Bytes));
        if (have == file.Bytes) return Outcome.Whole;

        using HttpRequestMessage request = new(HttpMethod.Get, file.Url);
        // Compression in transit would make offsets and sizes those of something else than the file.
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        if (have > 0) request.Headers.Range = new RangeHeaderValue(have, null);
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable) return Outcome.StartAgain;
        response.EnsureSuccessStatusCode();
        if (response.StatusCode == HttpStatusCode.PartialContent)
        {
            if (response.Content.Headers.ContentRange?.From != have) return Outcome.StartAgain;
        }
        else if (have > 0)
        {
            have = 0;
            target.SetLength(0);
        }
        target.Position = have;

        using Stream body = await response.Content.ReadAsStreamAsync(cancel);
        using CancellationTokenSource stall = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        byte[] buffer = new byte[BufferSize];
        while (true)
        {
            stall.CancelAfter(StallTimeout);
            int got = await ReadAsync(body, buffer, stall.Token);
            if (got == 0) break;
            // More than the published size is not the published file: emptied, it will fail the check. The disk is not filled to find out how much more.
            if (have + got > file.Bytes)
            {
                target.SetLength(0);
                return Outcome.Whole;
            }
            target.Write(buffer.AsSpan(0, got));
            have += got;
            progress?.Report(new(file.Name, have, file.Bytes));
        }
        if (have < file.Bytes) throw new HttpIOException(HttpRequestError.ResponseEnded, $"The server stopped after {have} of {file.Bytes} bytes.");
        return Outcome.Whole;
    }

    // A failure of the network must not be taken for one of the disk: both arrive as IOException.
    private static async ValueTask<int> ReadAsync(Stream body, byte[] buffer, CancellationToken cancel)
    {
        try
        {
            return await body.ReadAsync(buffer, cancel);
        }
        catch (IOException e) when (e is not HttpIOException)
        {
            throw new HttpIOException(HttpRequestError.ResponseEnded, e.Message, e);
        }
    }

    private static bool Passing(Exception error, CancellationToken cancel) => error switch
    {
        OperationCanceledException => !cancel.IsCancellationRequested,
        HttpIOException => true,
        HttpRequestException { StatusCode: { } code } => (int)code >= 500 || code is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests,
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError } => false,
        HttpRequestException => true,
        _ => false,
    };

    private static DataException GivenUp(Exception error, CatalogFile file, string path) => error switch
    {
        HttpRequestException { StatusCode: HttpStatusCode.NotFound or HttpStatusCode.Gone } =>
            new($"The server no longer has {file.Url} (404).", "Look for a newer version of Vitrine, or put the file in place by hand.", path, inner: error),
        HttpRequestException { StatusCode: { } code } =>
            new($"The server at {file.Url} answers {(int)code} {code}.", "Try again later, or put the file in place by hand.", path, inner: error),
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } =>
            new($"No network: the name {file.Url.Host} cannot be resolved.", "Check the connection and the proxy (HTTP_PROXY, HTTPS_PROXY).",
                path, inner: error),
        HttpRequestException =>
            new($"The server {file.Url.Authority} cannot be reached: {error.Message}", "Check the connection and the proxy (HTTP_PROXY, HTTPS_PROXY).",
                path, inner: error),
        _ => new($"The download of {file.Url} keeps breaking off: {error.Message}", "Run the command again: it goes on where it stopped.", path, inner: error),
    };

    private static async Task<bool> HasHashAsync(string path, CatalogFile file, CancellationToken cancel)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, BufferSize, useAsync: true);
        return stream.Length == file.Bytes
            && Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancel)).Equals(file.Sha256, StringComparison.OrdinalIgnoreCase);
    }

    // The lock file is never deleted: deleting it while another process opens it would let two processes hold "the" lock.
    private static async Task<FileStream> LockAsync(string path, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (IsHeld(e))
            {
                await Task.Delay(100, cancel);
            }
        }
    }

    // ERROR_SHARING_VIOLATION on Windows; EWOULDBLOCK from flock elsewhere (11 on Linux, 35 on macOS).
    private static bool IsHeld(IOException error) => OperatingSystem.IsWindows() ? (error.HResult & 0xFFFF) == 32 : error.HResult is 11 or 35;
}
