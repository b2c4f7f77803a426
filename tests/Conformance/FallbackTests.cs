using System.Diagnostics;

namespace Vitrine.Conformance;

public class FallbackTests
{
    /// <summary>The cases once more in a process without the wide instruction sets, through the command itself.</summary>
    [Theory]
    [InlineData("DOTNET_EnableAVX512")]
    [InlineData("DOTNET_EnableAVX2")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    public void CasesPassWithout(string instructions)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        // The test host is either the program itself or dotnet with the program as its first argument.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet") start.ArgumentList.Add(typeof(Program).Assembly.Location);
        start.ArgumentList.Add("ops");
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "cases", "ops"));
        start.Environment[instructions] = "0";
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, string.Join(Environment.NewLine, output.Split('\n').Where(l => !l.StartsWith("skipped", StringComparison.Ordinal))));
    }
}
