using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace Vitrine.Conformance;

/// <summary>
/// Compares Vitrine with what established implementations answer: <c>Conformance ops DIR</c>, <c>onnx-node DIR</c>, <c>nets DIR</c>, <c>audits DIR</c>. Without
/// a command the tests of this project run.
/// </summary>
internal static class Program
{
    public static int Main(string[] args) => args switch
    {
        ["ops", .. string[] rest] => OpsCommand.Run(rest, Console.Out, Console.Error),
        ["onnx-node", .. string[] rest] => NodeCommand.Run(rest, Console.Out, Console.Error),
        ["nets", .. string[] rest] => NetsCommand.Run(rest, Console.Out, Console.Error),
        ["audits", .. string[] rest] => AuditsCommand.Run(rest, Console.Out, Console.Error),
        _ when args.Any(static arg => arg is "-automated" or "@@") => ConsoleRunner.Run(args).GetAwaiter().GetResult(),
        _ => TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions).GetAwaiter().GetResult(),
    };
}
