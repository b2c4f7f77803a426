using Vitrine.Models;

namespace Vitrine.Bench;

/// <summary>One Adam step of a classifier.</summary>
internal static class Training
{
    public static IReadOnlyList<Workload> All { get; } =
    [
        new("mlp_train_b128", "784-512-10 ReLU network, one Adam step, batch 128", () => Classifier(new Mlp(Weights.Random(0), 784, 512, 10), [128, 784], 10)),
        new("lenet_train_b64", "LeNet-5 (6-16-120-84-10, ReLU, max pooling) on 28 x 28, one Adam step, batch 64",
            () => Classifier(new LeNet5(Weights.Random(0)), [64, 1, 28, 28], 10)),
        new("resnet18_train_b4", "ResNet-18 at 64 x 64, one Adam step, batch 4, batch normalisation in training mode",
            () => Classifier(ResNet.ResNet18(Weights.Random(0)), [4, 3, 64, 64], 1000)),
    ];

    private static Job Classifier(Module network, Shape input, int classes)
    {
        var random = new RandomSource(0);
        Tensor x = random.Normal(input);
        long[] labels = new long[input[0]];
        foreach (ref long label in labels.AsSpan()) label = random.NextInt(classes);
        Tensor y = Tensor.From(labels, [labels.Length]);
        var optimizer = new Adam(1e-3);
        IReadOnlyList<Parameter> parameters = network.Parameters;
        Tensor[] wrt = [.. parameters.Select(p => p.Value)];
        return new Job(Step, () => [new Pass(Forward(), wrt)]);

        Tensor Forward() => Loss.CrossEntropy(network.Call(new Run(training: true, recording: true), x), y);

        void Step()
        {
            using var scope = MemoryScope.Open();
            optimizer.Step(parameters, Autograd.Backward(Forward(), null, wrt));
        }
    }
}
