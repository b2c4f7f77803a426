using System.Diagnostics;

namespace Vitrine.Engine.Tests.Training;

/// <summary>
/// Memory is a property of a process, so each question is asked in a process of its own, in which only its answer runs. <c>Vitrine.Bench memory</c> asks the
/// same at full length.
/// </summary>
[Collection("Parallel.Threads")]
public sealed class MemoryTests
{
    private const string Marker = "VITRINE_TEST_MEMORY";

    [Fact]
    public void PeakOfDroppedTensorsStaysUnderTwoHundredMegabytes() => InAProcessOfItsOwn(nameof(PeakOfDroppedTensorsStaysUnderTwoHundredMegabytes), () =>
    {
        // DiffSharp pull request 133: this loop took about 4 GB there.
        for (int i = 0; i < 1024; i++) Tensor.Zeros([1024, 1024]);
        using var process = Process.GetCurrentProcess();
        double peak = process.PeakWorkingSet64 / 1048576.0;
        Assert.True(peak < 200, $"The process, its test framework included, took {peak:N0} MB.");
    });

    [Fact]
    public void TwoThousandStepsGrowNeitherTheHeapNorThePool() => InAProcessOfItsOwn(nameof(TwoThousandStepsGrowNeitherTheHeapNorThePool), () =>
    {
        Sequential net = SmallTraining.Net();
        Dataset data = SmallTraining.Data(320);
        var trainer = new Trainer(net, new Adam(1e-3)) { BatchSize = 32, AverageDecay = 0.99, ClipNorm = 1 };
        trainer.Fit(data, 20);
        (long heap, long pool) = Look();
        trainer.Fit(data, 200);
        (long heapAfter, long poolAfter) = Look();
        Assert.Equal(pool, poolAfter);
        Assert.True(heapAfter - heap < 200_000, $"The heap grew from {heap:N0} to {heapAfter:N0} bytes.");

        static (long Heap, long Pool) Look() => (GC.GetTotalMemory(forceFullCollection: true), BufferPool.Bytes);
    });

    [Fact]
    public void AnOptimizerThatEvaluatesOftenDoesNotHoldEveryEvaluation() => InAProcessOfItsOwn(
        nameof(AnOptimizerThatEvaluatesOftenDoesNotHoldEveryEvaluation),
        () =>
        {
            BufferPool.Clear();
            new Trainer(SmallTraining.Net(), new Adam()) { BatchSize = 300 }.Fit(SmallTraining.Data(), 1);
            long once = BufferPool.Bytes;
            int evaluations = 0;
            var often = new Trainer(SmallTraining.Net(), new Lbfgs())
            {
                BatchSize = 300,
                Loss = (outputs, labels) =>
                {
                    evaluations++;
                    return Loss.CrossEntropy(outputs, labels);
                },
            };
            often.Fit(SmallTraining.Data(), 1);
            Assert.True(evaluations > 10);
            Assert.True(BufferPool.Bytes < 3 * once, $"{evaluations} evaluations left {BufferPool.Bytes:N0} bytes in the pool, one leaves {once:N0}.");
        });

    private static void InAProcessOfItsOwn(string name, Action test)
    {
        string? asked = Environment.GetEnvironmentVariable(Marker);
        if (asked is not null)
        {
            if (asked == name) test();
            return;
        }
        string host = Environment.ProcessPath!, assembly = typeof(MemoryTests).Assembly.Location;
        var start = new ProcessStartInfo(host) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(host) == "dotnet") start.ArgumentList.Add(assembly);
        start.ArgumentList.Add("--filter-method");
        start.ArgumentList.Add($"{typeof(MemoryTests).FullName}.{name}");
        start.Environment[Marker] = name;
        using Process child = Process.Start(start)!;
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        Assert.True(child.ExitCode == 0, output);
    }
}
