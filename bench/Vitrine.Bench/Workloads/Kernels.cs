namespace Vitrine.Bench;

/// <summary>Single operators, and the price of an operator that does nothing.</summary>
internal static class Kernels
{
    public static IReadOnlyList<Workload> All { get; } =
    [
        new("gemm_1024", "C = A B, 1024 x 1024 x 1024 float32", Gemm),
        new("conv3x3_64_56_b8", "3x3 convolution, 64 -> 64 channels, 56 x 56, batch 8, padding 1", Conv),
        new("small_ops", "1,000 dependent additions of 16 numbers with autograd, then backward: per-operator overhead", SmallOps),
    ];

    private static Job Gemm()
    {
        var random = new RandomSource(0);
        Tensor a = random.Normal([1024, 1024]), b = random.Normal([1024, 1024]);
        return new Job(() =>
        {
            using var scope = MemoryScope.Open();
            _ = a.MatMul(b);
        }, () => [new Pass(a.Watch().MatMul(b))]);
    }

    private static Job Conv()
    {
        var random = new RandomSource(0);
        Tensor x = random.Normal([8, 64, 56, 56]), weight = random.Normal([64, 64, 3, 3]);
        return new Job(() =>
        {
            using var scope = MemoryScope.Open();
            _ = x.Conv2d(weight, padding: 1);
        }, () => [new Pass(x.Watch().Conv2d(weight, padding: 1))]);
    }

    private static Job SmallOps()
    {
        Tensor x = new RandomSource(0).Normal([16]).Watch(), one = Tensor.Ones([16]);
        return new Job(() =>
        {
            using var scope = MemoryScope.Open();
            Tensor y = x;
            for (int i = 0; i < 1000; i++) y += one;
            _ = Autograd.Backward(y.Sum(), null, [x])[0];
        });
    }
}
