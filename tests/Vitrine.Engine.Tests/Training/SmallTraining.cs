namespace Vitrine.Engine.Tests.Training;

/// <summary>A network and a task small enough for many trainings, with batch statistics, dropout and classes.</summary>
internal static class SmallTraining
{
    public static Sequential Net(ulong seed = 1, int width = 16)
    {
        Weights weights = Weights.Random(seed);
        return new Sequential(
            weights,
            new Conv2d(weights.In("conv"), 1, 4, 3, padding: 1), new BatchNorm(weights.In("norm"), 4), Layer.Relu(weights.In("relu")),
            new Flatten(weights.In("flatten")), new Linear(weights.In("hidden"), 4 * 8 * 8, width),
            Layer.Tanh(weights.In("tanh")), new Dropout(weights.In("drop"), 0.2f),
            new Linear(weights.In("out"), width, 2));
    }

    /// <summary>Noise with a bright upper or lower half.</summary>
    public static Dataset Data(int count = 300, ulong seed = 2, bool shuffledLabels = false)
    {
        var random = new RandomSource(seed);
        float[] pixels = random.Normal([count, 1, 8, 8]).ToArray();
        long[] labels = new long[count];
        for (int i = 0; i < count; i++)
        {
            labels[i] = random.NextInt(2);
            for (int k = 0; k < 32; k++) pixels[i * 64 + (int)labels[i] * 32 + k] += 0.5f;
            if (shuffledLabels) labels[i] = random.NextInt(2);
        }
        return new Dataset(Tensor.From(pixels, [count, 1, 8, 8]), Tensor.From(labels, [count]), ["upper", "lower"]);
    }

    public static float[] Bytes(Module net) => [.. net.State().Values.SelectMany(v => v.ToArray())];
}
