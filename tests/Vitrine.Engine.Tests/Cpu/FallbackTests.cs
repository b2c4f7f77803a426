using System.Diagnostics;
using Vitrine.Cpu;

namespace Vitrine.Engine.Tests.Cpu;

/// <summary>The kernels' tests again, in processes in which the wide instruction sets are switched off.</summary>
[Collection("Parallel.Threads")] // its children need the processors for themselves
public sealed class FallbackTests
{
    private const string Marker = "VITRINE_TEST_WITHOUT";

    [Theory]
    [InlineData("DOTNET_EnableAVX512")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    public void KernelsAgreeWithout(string knob)
    {
        // Under a child's own run there is nothing to start.
        if (Environment.GetEnvironmentVariable(Marker) is not null) return;
        string host = Environment.ProcessPath!, assembly = typeof(FallbackTests).Assembly.Location;
        ProcessStartInfo start = new(host) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(host) == "dotnet") start.ArgumentList.Add(assembly);
        foreach (Type tests in new[] { typeof(GemmTests), typeof(ConvTests), typeof(Modules.FusedTheory), typeof(FallbackTests) })
        {
            start.ArgumentList.Add("--filter-class");
            start.ArgumentList.Add(tests.FullName!);
        }
        start.Environment[knob] = "0";
        start.Environment[Marker] = knob;
        using Process child = Process.Start(start)!;
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        Assert.True(child.ExitCode == 0, output);
    }

    /// <summary>The switches really switch, so that the other paths are the ones a child tests.</summary>
    [Fact]
    public void SwitchesSwitch()
    {
        string? without = Environment.GetEnvironmentVariable(Marker);
        if (without is not null) Assert.False(Tile.Wide);
        if (without == "DOTNET_EnableHWIntrinsic") Assert.False(Tile.Avx2Fma);
    }
}
