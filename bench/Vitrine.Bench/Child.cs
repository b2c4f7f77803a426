using System.ComponentModel;
using System.Diagnostics;

namespace Vitrine.Bench;

/// <summary>Runs a command to its end and keeps what it said.</summary>
internal static class Child
{
    /// <summary>Starts a program and waits for it.</summary>
    /// <exception cref="Win32Exception">There is no such program.</exception>
    public static (int Code, string Out, string Error) Run(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        // A child must not go on measuring for nobody when the comparison is broken off.
        ConsoleCancelEventHandler stop = (_, _) => process.Kill(entireProcessTree: true);
        Console.CancelKeyPress += stop;
        try
        {
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output, error.GetAwaiter().GetResult());
        }
        finally
        {
            Console.CancelKeyPress -= stop;
        }
    }

    /// <summary>Runs this program itself, as it was started: through its own executable or through <c>dotnet</c>.</summary>
    public static (int Code, string Out, string Error) RunSelf(params IEnumerable<string> arguments)
    {
        string host = Environment.ProcessPath ?? throw new InvalidOperationException("The path of this program is unknown.");
        bool viaDotnet = string.Equals(Path.GetFileNameWithoutExtension(host), "dotnet", StringComparison.OrdinalIgnoreCase);
        return Run(host, viaDotnet ? arguments.Prepend(Path.Combine(AppContext.BaseDirectory, "Vitrine.Bench.dll")) : arguments);
    }

    /// <summary>The last line that says something.</summary>
    public static string LastLine(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "";
}
