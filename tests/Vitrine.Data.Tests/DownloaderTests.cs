using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Vitrine.Data.Tests;

public sealed class DownloaderTests : IDisposable
{
    private static readonly byte[] Content = Bytes(300_000, 1);

    private readonly TempFolder _temp = new();
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false });

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _client.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public async Task AFileIsFetchedOnceAndReported()
    {
        using LoopbackServer server = new((asked, _) => LoopbackServer.Proper(asked, Content));
        Steps steps = new();
        string path = await New().FetchAsync(File(server.Url), _temp.File("set"), steps, Test);
        Assert.Equal(_temp.File("set/file.gz"), path);
        Assert.Equal(Content, System.IO.File.ReadAllBytes(path));
        Assert.False(System.IO.File.Exists(path + ".part"));
        Assert.Equal(0, steps.Seen[0].Received);
        Assert.Equal(new DownloadProgress("file.gz", Content.Length, Content.Length), steps.Seen[^1]);
        Assert.Equal(steps.Seen.Select(s => s.Received).Order(), steps.Seen.Select(s => s.Received));

        await New().FetchAsync(File(server.Url), _temp.File("set"), null, Test);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task ADataSetGoesToTheFolderOfItsName()
    {
        using LoopbackServer server = new((asked, _) => LoopbackServer.Proper(asked, Content));
        CatalogEntry entry = new("set", "", "", "", "", "", [File(server.Url), File(server.Url) with { Name = "other.gz" }]);
        Assert.Equal(_temp.File("root/set"), await New().FetchAsync(entry, _temp.File("root"), null, Test));
        Assert.Equal(2, DataFolder.Find("set", ["file.gz", "other.gz"], _temp.File("root")).Count);
    }

    [Fact]
    public async Task AnInterruptedDownloadGoesOnWhereItStopped()
    {
        using LoopbackServer server = new((asked, n) => LoopbackServer.Proper(asked, Content) with { SendOnly = n == 0 ? 100_000 : null });
        string path = await New().FetchAsync(File(server.Url), _temp.Path, null, Test);
        Assert.Equal(Content, System.IO.File.ReadAllBytes(path));
        Assert.Collection(server.Requests, first => Assert.Null(first.RangeFrom), second => Assert.InRange(second.RangeFrom!.Value, 1, 100_000));
    }

    [Fact]
    public async Task APartOfAnEarlierRunIsTakenUp()
    {
        using LoopbackServer server = new((asked, _) => LoopbackServer.Proper(asked, Content));
        _temp.Write("file.gz.part", Content[..123_456]);
        Steps steps = new();
        string path = await New().FetchAsync(File(server.Url), _temp.Path, steps, Test);
        Assert.Equal(Content, System.IO.File.ReadAllBytes(path));
        Assert.Equal(123_456, Assert.Single(server.Requests).RangeFrom);
        Assert.Equal(123_456, steps.Seen[0].Received);
    }

    [Fact]
    public async Task AWholePartNeedsNoServer()
    {
        using LoopbackServer server = new((asked, _) => LoopbackServer.Proper(asked, Content));
        _temp.Write("file.gz.part", Content);
        Assert.Equal(Content, System.IO.File.ReadAllBytes(await New().FetchAsync(File(server.Url), _temp.Path, null, Test)));
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(300_000)]
    [InlineData(400_000)]
    public async Task APartOfSomethingElseIsFetchedFromTheStart(int length)
    {
        using LoopbackServer server = new((asked, _) => LoopbackServer.Proper(asked, Content));
        _temp.Write("file.gz.part", Bytes(length, 2));
        Assert.Equal(Content, System.IO.File.ReadAllBytes(await New().FetchAsync(File(server.Url), _temp.Path, null, Test)));
        Assert.Null(server.Requests.Last().RangeFrom);
    }

    [Fact]
    public async Task AServerWithoutRangesStartsAgain()
    {
        using LoopbackServer server = new((_, _) => new("200 OK", Content));
        _temp.Write("file.gz.part", Content[..100_000]);
        Assert.Equal(Content, System.IO.File.ReadAllBytes(await New().FetchAsync(File(server.Url), _temp.Path, null, Test)));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task AServerThatSendsAnotherRangeIsAskedForTheWhole()
    {
        using LoopbackServer server = new((asked, _) => asked.RangeFrom is null
            ? new("200 OK", Content)
            : new("206 Partial Content", Content[50_000..], "Content-Range: bytes 50000-299999/300000\r\n"));
        _temp.Write("file.gz.part", Content[..100_000]);
        Assert.Equal(Content, System.IO.File.ReadAllBytes(await New().FetchAsync(File(server.Url), _temp.Path, null, Test)));
        Assert.Equal(2, server.Requests.Count);
    }

    [Theory]
    [InlineData(300_000)]
    [InlineData(200_000)]
    [InlineData(900_000)]
    public async Task AWrongFileIsRemoved(int length)
    {
        byte[] other = Bytes(length, 2);
        using LoopbackServer server = new((asked, _) => LoopbackServer.Proper(asked, other));
        DataException error = await Fails(server.Url);
        if (length >= Content.Length)
        {
            Assert.Contains("SHA-256", error.Message);
            Assert.Single(server.Requests);
            Assert.False(System.IO.File.Exists(_temp.File("file.gz.part")));
        }
        Assert.False(System.IO.File.Exists(_temp.File("file.gz")));
    }

    [Fact]
    public async Task AnEndlessBodyDoesNotFillTheDisk()
    {
        byte[] much = new byte[20_000_000];
        using LoopbackServer server = new((_, _) => new("200 OK", much, Announce: false));
        long most = 0;
        Steps steps = new(p => most = Math.Max(most, p.Received));
        await Assert.ThrowsAsync<DataException>(() => New().FetchAsync(File(server.Url), _temp.Path, steps, Test));
        Assert.InRange(most, 1, Content.Length);
    }

    [Fact]
    public async Task NotFoundIsSaidAtOnce()
    {
        using LoopbackServer server = new((_, _) => new("404 Not Found", "gone"u8.ToArray()));
        DataException error = await Fails(server.Url);
        Assert.Contains("404", error.Message);
        Assert.Contains(server.Url.ToString(), error.Message);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task ForbiddenIsNotTriedAgain()
    {
        using LoopbackServer server = new((_, _) => new("403 Forbidden", []));
        Assert.Contains("403", (await Fails(server.Url)).Message);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task ABusyServerIsTriedAgain()
    {
        using LoopbackServer server = new((asked, n) => n switch
        {
            0 => new("503 Service Unavailable", []),
            1 => new("429 Too Many Requests", []),
            _ => LoopbackServer.Proper(asked, Content),
        });
        await New().FetchAsync(File(server.Url), _temp.Path, null, Test);
        Assert.Equal(3, server.Requests.Count);
    }

    [Fact]
    public async Task ABodyThatAlwaysBreaksOffIsGivenUpAndKept()
    {
        using LoopbackServer server = new((asked, _) => LoopbackServer.Proper(asked, Content) with { SendOnly = 1_000 });
        DataException error = await Fails(server.Url);
        Assert.Contains("goes on where it stopped", error.Message);
        Assert.Equal(4, server.Requests.Count);
        Assert.Equal(Content[..4_000], System.IO.File.ReadAllBytes(_temp.File("file.gz.part")));
    }

    [Fact]
    public async Task ASilentServerIsGivenUp()
    {
        using LoopbackServer server = new((asked, _) => LoopbackServer.Proper(asked, Content) with { SendOnly = 1_000, Hang = true });
        Downloader downloader = new(_client) { Attempts = 2, FirstDelay = TimeSpan.FromMilliseconds(1), StallTimeout = TimeSpan.FromMilliseconds(100) };
        await Assert.ThrowsAsync<DataException>(() => downloader.FetchAsync(File(server.Url), _temp.Path, null, Test));
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task CancellingLeavesThePartForTheNextTime()
    {
        using LoopbackServer server = new((asked, n) => LoopbackServer.Proper(asked, Content) with { SendOnly = n == 0 ? 70_000 : null, Hang = n == 0 });
        using CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(Test);
        Steps steps = new(p =>
        {
            if (p.Received == 70_000) cancel.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => New().FetchAsync(File(server.Url), _temp.Path, steps, cancel.Token));
        Assert.Equal(Content[..70_000], System.IO.File.ReadAllBytes(_temp.File("file.gz.part")));

        Assert.Equal(Content, System.IO.File.ReadAllBytes(await New().FetchAsync(File(server.Url), _temp.Path, null, Test)));
        Assert.Equal(70_000, server.Requests.Last().RangeFrom);
    }

    [Fact]
    public async Task NobodyListeningIsSaid()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Uri url = new($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/file.gz");
        listener.Stop();
        Assert.Contains("cannot be reached", (await Fails(url)).Message);
    }

    [Fact]
    public async Task ANameThatDoesNotExistIsSaid()
    {
        // The top-level domain .invalid is reserved for this (RFC 2606).
        Assert.Contains("No network", (await Fails(new("http://vitrine.invalid/file.gz"))).Message);
    }

    [Fact]
    public async Task AnotherFileInItsPlaceIsLeftAlone()
    {
        using LoopbackServer server = new((asked, _) => LoopbackServer.Proper(asked, Content));
        string path = _temp.Write("file.gz", [1, 2, 3]);
        Assert.Contains("already there", (await Fails(server.Url)).Message);
        Assert.Equal([1, 2, 3], System.IO.File.ReadAllBytes(path));
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task TwoAtOnceDoTheWorkOnce()
    {
        using LoopbackServer server = new((asked, _) => LoopbackServer.Proper(asked, Content));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => New().FetchAsync(File(server.Url), _temp.Path, null, Test), Test)));
        Assert.Equal(Content, System.IO.File.ReadAllBytes(_temp.File("file.gz")));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task AFullDiskIsSaid()
    {
        Assert.SkipUnless(System.IO.File.Exists("/dev/full"), "Needs the device /dev/full.");
        using LoopbackServer server = new((asked, _) => LoopbackServer.Proper(asked, Content));
        System.IO.File.CreateSymbolicLink(_temp.File("file.gz.part"), "/dev/full");
        Assert.Contains("disk is full", (await Fails(server.Url)).Message);
    }

    [Fact]
    public async Task AFileWhereTheFolderBelongsIsSaid()
    {
        using LoopbackServer server = new((asked, _) => LoopbackServer.Proper(asked, Content));
        string path = _temp.Write("set", [1]);
        await Assert.ThrowsAsync<DataException>(() => New().FetchAsync(File(server.Url), path, null, Test));
    }

    private static CatalogFile File(Uri url) => new("file.gz", url, Content.Length, Convert.ToHexStringLower(SHA256.HashData(Content)));

    private static byte[] Bytes(int count, ulong seed)
    {
        RandomSource random = new(seed);
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) bytes[i] = (byte)random.NextBits();
        return bytes;
    }

    private Downloader New() => new(_client) { FirstDelay = TimeSpan.FromMilliseconds(5) };

    private Task<DataException> Fails(Uri url) => Assert.ThrowsAsync<DataException>(() => New().FetchAsync(File(url), _temp.Path, null, Test));

    // Progress<T> reports through the thread pool and so in any order; a test wants it at once.
    private sealed class Steps(Action<DownloadProgress>? then = null) : IProgress<DownloadProgress>
    {
        public List<DownloadProgress> Seen { get; } = [];

        public void Report(DownloadProgress value)
        {
            Seen.Add(value);
            then?.Invoke(value);
        }
    }
}
