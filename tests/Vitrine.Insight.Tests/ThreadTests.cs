using System.Diagnostics;

namespace Vitrine.Insight.Tests;

public sealed class ThreadTests
{
    private const string Wanted = "VITRINE_TEST_BYTES";

    [Fact]
    public async Task SameBytesWhateverTheThreads()
    {
        Task<byte[]> one = Task.Run(() => Run("1")), many = Task.Run(() => Run("2"));
        Assert.NotEmpty(await one);
        Assert.Equal(await one, await many);
    }

    /// <summary>What the child processes run.</summary>
    [Fact]
    public void WritesItsBytes()
    {
        string? path = Environment.GetEnvironmentVariable(Wanted);
        Assert.SkipWhen(path is null, "This is run by the test beside it, in processes with different numbers of threads.");
        using FileStream file = File.Create(path);
        foreach (Method method in Methods.All.Where(m => (m.Needs & Needs.FeatureMaps) == 0))
        {
            Tensor input = method.Needs.HasFlag(Needs.Batch) ? LeNetGoldenTests.Input : LeNetGoldenTests.Input.Slice(0, 0, 1);
            Attribution found = method.Create(new MethodOptions()).Explain(LeNetGoldenTests.Net(), input, Target.Top);
            foreach (float value in found.Values.ToArray()) file.Write(BitConverter.GetBytes(value));
        }
        Dataset few = Quadrants.Data(3, 9);
        foreach (Func<IAttack> attack in AttackTheory.All.Values)
        {
            foreach (float value in attack().Perturb(Quadrants.Net(), few.Inputs, Quadrants.Labels(few)).ToArray()) file.Write(BitConverter.GetBytes(value));
        }
        var top = new TopExamples(["conv1", "conv2", "fc1"], 3);
        top.Look(LeNetGoldenTests.Net(), 48, (start, n) => new RandomSource((ulong)start).Uniform([n, 1, 28, 28]), 16);
        SafeTensors.Write(file, top.State());
    }

    private static byte[] Run(string threads)
    {
        string path = Path.GetTempFileName();
        try
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
            if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet") start.ArgumentList.Add(typeof(ThreadTests).Assembly.Location);
            start.ArgumentList.Add("--filter-method");
            start.ArgumentList.Add($"{typeof(ThreadTests).FullName}.{nameof(WritesItsBytes)}");
            start.Environment[Wanted] = path;
            start.Environment["VITRINE_THREADS"] = threads;
            // The child is a run of its own, not a part of the one that starts it.
            string[] inherited = [.. start.Environment.Keys.Where(k => k.StartsWith("TESTINGPLATFORM", StringComparison.OrdinalIgnoreCase))];
            foreach (string name in inherited) start.Environment.Remove(name);
            using Process process = Process.Start(start)!;
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, output);
            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
