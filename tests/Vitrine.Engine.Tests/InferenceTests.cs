namespace Vitrine.Engine.Tests;

/// <summary>A run that asks for nothing but the answer may fuse and free; the answer stays the same to the last bit.</summary>
[Collection(Alone.Name)] // it clears the pool, which the allocations of other tests would show
public sealed class InferenceTests
{
    [Fact]
    public void FusedAnswersEqualComposedOnes()
    {
        Sequential net = Net();
        Tensor x = new RandomSource(1).Normal([3, 4, 12, 12]);
        Assert.Equal(net.Call(new Run(fused: false), x).ToArray(), net.Call(new Run(), x).ToArray());
    }

    [Fact]
    public void TappedRunsShowEveryLayer()
    {
        var run = new Run().Tap();
        Net().Call(run, new RandomSource(1).Normal([3, 4, 12, 12]));
        Assert.Equal(["conv1", "relu1", "conv2", "relu2", "flatten", "fc", ""], run.Taps.Keys);
    }

    [Fact]
    public void InputAndAnswerOutliveTheFreeing()
    {
        Sequential net = Net();
        using var scope = MemoryScope.Open();
        Tensor x = new RandomSource(1).Normal([3, 4, 12, 12]);
        float[] before = x.ToArray();
        Tensor first = net.Call(new Run(), x), second = net.Call(new Run(), x);
        Assert.Equal(before, x.ToArray());
        Assert.Equal(first.ToArray(), second.ToArray());
    }

    [Fact]
    public void ActivationsAreFreedAtLastUse()
    {
        // Twenty layers of one megabyte: without freeing, an inference would hold twenty buffers.
        Weights weights = Weights.Random(1);
        var net = new Sequential(weights, [.. Enumerable.Range(0, 20).Select(i => (Module)Layer.Tanh(weights.In($"{i}")))]);
        BufferPool.Clear();
        long before = GC.GetAllocatedBytesForCurrentThread();
        net.Predict(Tensor.Ones([512, 512]));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < 5 * 1_100_000, $"{allocated:N0} bytes");
    }

    private static Sequential Net()
    {
        Weights weights = Weights.Random(5);
        return new Sequential(
            weights, new Conv2d(weights.In("conv1"), 4, 8, 3, padding: 1), Layer.Relu(weights.In("relu1")), new Conv2d(weights.In("conv2"), 8, 8, 3, stride: 2, bias: false),
            Layer.Relu(weights.In("relu2")), new Flatten(weights.In("flatten")), new Linear(weights.In("fc"), 200, 5));
    }
}
