using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Vitrine.Cli.Tests;

/// <summary>What a run of the command left behind.</summary>
public sealed record Ran(int Exit, string Output, string Error);

/// <summary>The real command, as a process of its own.</summary>
public sealed partial class Command : IDisposable
{
    /// <summary>SIGINT and SIGTERM: what Ctrl+C and a service manager send.</summary>
    public const int Interrupt = 2, Terminate = 15;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly Process _process;
    private readonly StringBuilder _output = new(), _error = new();

    private Command(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, e) => Append(_output, e.Data);
        process.ErrorDataReceived += (_, e) => Append(_error, e.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public static Command Start(params IEnumerable<string> arguments) => new(Prepare("dotnet", [Program, .. arguments]));

    public static Ran Run(params IEnumerable<string> arguments)
    {
        using Command command = Start(arguments);
        return command.Wait();
    }

    /// <summary>The command in a shell, for redirections and limits; <c>$VITRINE</c> stands for it.</summary>
    public static Ran Shell(string script)
    {
        using Command command = new(Prepare("/bin/sh", ["-c", script.Replace("$VITRINE", $"dotnet '{Program}'")]));
        return command.Wait();
    }

    public Ran Wait()
    {
        if (!_process.WaitForExit(Limit))
        {
            _process.Kill(entireProcessTree: true);
            throw new TimeoutException($"The command did not end in {Limit}. It wrote: {_output}{_error}");
        }
        _process.WaitForExit(); // until the pipes are read
        return new Ran(_process.ExitCode, _output.ToString(), _error.ToString());
    }

    /// <summary>Waits until standard error holds a text.</summary>
    public void WaitFor(string text)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            lock (_error)
            {
                if (_error.ToString().Contains(text, StringComparison.Ordinal)) return;
            }
            if (_process.HasExited || clock.Elapsed > Limit) throw new TimeoutException($"'{text}' never came. It wrote: {_output}{_error}");
            Thread.Sleep(20);
        }
    }

    public void Signal(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    public void Dispose() => _process.Dispose();

    private static string Program => Path.Combine(AppContext.BaseDirectory, "vitrine.dll");

    private static Process Prepare(string file, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(file)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false
        };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        // The machine's own data must not decide how a test ends.
        start.Environment.Remove("VITRINE_DATA");
        start.Environment["XDG_DATA_HOME"] = Path.Combine(Path.GetTempPath(), "vitrine-no-data");
        start.Environment["DOTNET_gcServer"] = "0";
        return new Process { StartInfo = start };
    }

    private static void Append(StringBuilder text, string? line)
    {
        if (line is null) return;
        lock (text) text.Append(line).Append('\n');
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
