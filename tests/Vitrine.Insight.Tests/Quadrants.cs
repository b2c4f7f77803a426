namespace Vitrine.Insight.Tests;

/// <summary>Noise of 8 x 8 with one bright quadrant, which is the class, and a small network that has learned it.</summary>
internal static class Quadrants
{
    private const int Side = 8;

    public static ValidRange Unit { get; } = new(0, 1);

    public static Dataset Data(int count, ulong seed)
    {
        var random = new RandomSource(seed);
        float[] pixels = random.Uniform([count, 1, Side, Side], 0.2f, 0.6f).ToArray();
        long[] labels = new long[count];
        for (int i = 0; i < count; i++)
        {
            labels[i] = random.NextInt(4);
            for (int p = 0; p < Side * Side; p++)
            {
                if ((p / Side / 4 * 2) + (p % Side / 4) == labels[i]) pixels[(i * Side * Side) + p] += 0.2f;
            }
        }
        string[] names = ["upper left", "upper right", "lower left", "lower right"];
        return new Dataset(Tensor.From(pixels, [count, 1, Side, Side]), Tensor.From(labels, [count]), names);
    }

    public static Sequential Net(ulong seed = 1)
    {
        Weights weights = Weights.Random(seed);
        return new Sequential(weights, new Conv2d(weights.In("conv"), 1, 4, 3, padding: 1), Layer.Relu(weights.In("relu1")), new Flatten(weights.In("flatten")),
            new Linear(weights.In("hidden"), 4 * Side * Side, 16), Layer.Relu(weights.In("relu2")), new Linear(weights.In("out"), 16, 4));
    }

    public static Sequential Trained(ulong seed = 1)
    {
        Sequential net = Net(seed);
        new Trainer(net, new Adam(5e-3)) { BatchSize = 32, Seed = seed }.Fit(Data(400, 2), 6);
        return net;
    }

    public static int[] Labels(Dataset data) => [.. data.Labels.Longs.ToArray().Select(l => (int)l)];
}
