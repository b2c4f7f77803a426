using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Vitrine.Data.Tests;

/// <summary>What a test's server got: the method line and, if one was asked for, the first byte of a range.</summary>
internal sealed record Asked(string Line, long? RangeFrom);

/// <summary>What it sends. <paramref name="SendOnly"/> bytes of the body go out before the connection is cut (or, with <paramref name="Hang"/>,
/// falls silent).</summary>
internal sealed record Answer(string Status, byte[] Body, string Headers = "", int? SendOnly = null, bool Hang = false, bool Announce = true);

/// <summary>A web server on the loopback interface, one connection a request, that can misbehave at will.</summary>
internal sealed class LoopbackServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<Asked, int, Answer> _answer;
    private int _count;

    /// <param name="answer">From a request and its number, counted from 0.</param>
    public LoopbackServer(Func<Asked, int, Answer> answer)
    {
        _answer = answer;
        _listener.Start();
        _ = Task.Run(AcceptAsync);
    }

    public ConcurrentQueue<Asked> Requests { get; } = new();

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/folder/file.gz");

    /// <summary>A server that does as servers do, ranges included.</summary>
    public static Answer Proper(Asked asked, byte[] content) => asked.RangeFrom switch
    {
        null => new("200 OK", content),
        { } from when from >= content.Length => new("416 Range Not Satisfiable", []),
        { } from => new("206 Partial Content", content[(int)from..], $"Content-Range: bytes {from}-{content.Length - 1}/{content.Length}\r\n"),
    };

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Stop();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _ = Task.Run(() => ServeAsync(client, _stop.Token));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client, CancellationToken stop)
    {
        using (client)
        {
            NetworkStream stream = client.GetStream();
            using StreamReader reader = new(stream, Encoding.ASCII, leaveOpen: true);
            string line = await reader.ReadLineAsync(stop) ?? "";
            long? from = null;
            while (await reader.ReadLineAsync(stop) is { Length: > 0 } header)
            {
                if (header.StartsWith("Range: bytes=", StringComparison.OrdinalIgnoreCase))
                    from = long.Parse(header["Range: bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture);
            }
            Asked asked = new(line, from);
            Requests.Enqueue(asked);
            Answer answer = _answer(asked, Interlocked.Increment(ref _count) - 1);
            string length = answer.Announce ? $"Content-Length: {answer.Body.Length}\r\n" : "";
            try
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {answer.Status}\r\n{length}{answer.Headers}Connection: close\r\n\r\n"), stop);
                await stream.WriteAsync(answer.Body.AsMemory(0, answer.SendOnly ?? answer.Body.Length), stop);
                await stream.FlushAsync(stop);
                if (answer.Hang) await Task.Delay(Timeout.Infinite, stop);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // The client went away, or the test is over.
            }
        }
    }
}
