namespace Vitrine.Engine.Tests;

[Collection(Alone.Name)] // another test could take, or clear away, the buffers that these count
public sealed class MemoryScopeTests
{
    [Fact]
    public void TensorsOfAnEndedScopeSaySo()
    {
        Tensor inside;
        using (MemoryScope.Open()) inside = Tensor.Zeros([100]);
        var error = Assert.Throws<InvalidOperationException>(() => inside.Floats.Length);
        Assert.Contains("has ended", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void KeptTensorsOutliveTheirScope()
    {
        Tensor kept;
        using (var scope = MemoryScope.Open()) kept = scope.Keep(Tensor.Full([100], 7));
        for (int i = 0; i < 10; i++)
        {
            using var other = MemoryScope.Open();
            Tensor.Zeros([100]);
        }
        Assert.All(kept.ToArray(), v => Assert.Equal(7f, v));
    }

    [Fact]
    public void KeptTensorsBelongToTheOuterScope()
    {
        Tensor kept;
        using (MemoryScope.Open())
        {
            using (var inner = MemoryScope.Open()) kept = inner.Keep(Tensor.Full([100], 7));
            Assert.Equal(7f, kept[99]);
        }
        Assert.Throws<InvalidOperationException>(() => kept.Floats.Length);
    }

    [Fact]
    public void StepsReuseTheirBuffers()
    {
        Step();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) Step();
        long perStep = (GC.GetAllocatedBytesForCurrentThread() - before) / 100;
        Assert.True(perStep < 2_000, $"A step of two megabytes allocated {perStep} bytes.");

        static void Step()
        {
            using var scope = MemoryScope.Open();
            Tensor x = Tensor.Ones([512, 512]);
            (x + x).Relu();
        }
    }

    [Fact]
    public void TrainingStepOfLeNetAllocatesUnderTenKilobytes()
    {
        Weights weights = Weights.Random(1);
        var net = new Sequential(
            weights,
            new Conv2d(weights.In("conv1"), 1, 6, 5, padding: 2), Layer.Relu(weights.In("relu1")), Layer.MaxPool2d(weights.In("pool1"), 2),
            new Conv2d(weights.In("conv2"), 6, 16, 5), Layer.Relu(weights.In("relu2")), Layer.MaxPool2d(weights.In("pool2"), 2),
            new Flatten(weights.In("flatten")), new Linear(weights.In("fc1"), 400, 120), Layer.Relu(weights.In("relu3")),
            new Linear(weights.In("fc2"), 120, 84), Layer.Relu(weights.In("relu4")), new Linear(weights.In("fc3"), 84, 10));
        var data = new Dataset(new RandomSource(1).Uniform([640, 1, 28, 28]), Tensor.From(new long[640], [640]), ["0"]);
        var trainer = new Trainer(net, new Adam(1e-3));
        trainer.Fit(data, epochs: 5);
        long few = Allocated(1), many = Allocated(11);
        long perStep = (many - few) / 100; // ten steps a pass, and a tenth of what a pass itself takes: an order and a line of the log
        Assert.True(perStep < 10_000, $"A step allocated {perStep} bytes.");

        long Allocated(int epochs)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            trainer.Fit(data, epochs);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Fact]
    public void DroppedTensorsDoNotPileUp()
    {
        // DiffSharp pull request 133: 1,024 dropped tensors of four megabytes took about 4 GB there.
        for (int i = 0; i < 1024; i++) Tensor.Zeros([1024, 1024]);
        long live = GC.GetTotalMemory(forceFullCollection: true);
        Assert.True(live < 100_000_000, $"{live:N0} bytes are still in use.");
    }
}
