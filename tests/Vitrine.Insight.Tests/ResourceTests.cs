using Vitrine.Models;
using Parallel = Vitrine.Cpu.Parallel;

namespace Vitrine.Insight.Tests;

[Collection(Alone.Name)]
public sealed class ResourceTests
{
    public static TheoryData<string> Methods() => [.. Insight.Methods.All.Select(m => m.Name)];

    public static TheoryData<string> LongMethods() => ["integrated gradients", "conductance", "smoothgrad", "expected gradients", "deepshap"];

    [Theory]
    [MemberData(nameof(Methods))]
    public void AnyNumberOfThreadsGivesTheSameBytes(string method)
    {
        LeNet5 net = LeNetGoldenTests.Net();
        int before = Parallel.Threads;
        try
        {
            float[][] answers = [.. new[] { 1, 2, 5 }.Select(Answer)];
            Assert.Equal(answers[0], answers[1]);
            Assert.Equal(answers[0], answers[2]);
        }
        finally
        {
            Parallel.Threads = before;
        }

        float[] Answer(int threads)
        {
            Parallel.Threads = threads;
            return Insight.Methods.All.Single(m => m.Name == method).Create(new MethodOptions()).Explain(net, LeNetGoldenTests.Input, Target.Class(1)).Values.ToArray();
        }
    }

    [Theory]
    [MemberData(nameof(LongMethods))]
    public void MemoryDoesNotGrowWithTheNumberOfSteps(string method)
    {
        LeNet5 net = LeNetGoldenTests.Net();
        long few = Peak(40), many = Peak(400);
        Assert.True(few > 0 && many <= few, $"40 steps leave {few} bytes of buffers, 400 leave {many}.");

        // Every buffer a method has used is in the pool when it is done: together they are what it held at most.
        long Peak(int steps)
        {
            Tensor background = Tensor.Zeros([steps, 1, 28, 28]);
            IAttribution explained = method switch
            {
                "integrated gradients" => new IntegratedGradients(steps),
                "conductance" => new Conductance(steps),
                "smoothgrad" => new SmoothGrad(samples: steps),
                "deepshap" => new DeepShap(background),
                _ => new ExpectedGradients(samples: steps),
            };
            BufferPool.Clear();
            explained.Explain(net, LeNetGoldenTests.Input, Target.Class(1));
            return BufferPool.Bytes;
        }
    }
}
