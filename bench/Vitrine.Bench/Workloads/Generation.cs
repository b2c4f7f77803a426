using Vitrine.Models;

namespace Vitrine.Bench;

/// <summary>Networks that make pictures.</summary>
internal static class Generation
{
    public static IReadOnlyList<Workload> All { get; } =
    [
        new("dcgan_train_b32", "DCGAN at 32 x 32 (100 -> 128-64-32 channels), one discriminator and one generator Adam step, batch 32", TrainDcgan),
    ];

    private static Job TrainDcgan()
    {
        const int batch = 32;
        var random = new RandomSource(0);
        var generator = new DcganGenerator(Weights.Random(0));
        var discriminator = new DcganDiscriminator(Weights.Random(1));
        IReadOnlyList<Parameter> ofG = generator.Parameters, ofD = discriminator.Parameters;
        Tensor[] wrtG = [.. ofG.Select(p => p.Value)], wrtD = [.. ofD.Select(p => p.Value)];
        Adam trainG = new(2e-4), trainD = new(2e-4);
        Tensor x = random.Normal([batch, 1, 32, 32]), one = Tensor.Ones([batch, 1]), zero = Tensor.Zeros([batch, 1]);
        return new Job(Step, () => [new Pass(Judge(x, one) + Judge(x, zero), wrtD), new Pass(Judge(Fake(), one), wrtG)]);

        Tensor Fake() => generator.Call(Training(), random.Normal([batch, 100, 1, 1])); // [N, 1, 32, 32]

        Tensor Judge(Tensor pictures, Tensor truth) => Loss.BceWithLogits(discriminator.Call(Training(), pictures), truth);

        void Step()
        {
            using var scope = MemoryScope.Open();
            Tensor fake = Fake();
            trainD.Step(ofD, Autograd.Backward(Judge(x, one) + Judge(fake.Detach(), zero), null, wrtD));
            trainG.Step(ofG, Autograd.Backward(Judge(fake, one), null, wrtG));
        }

        static Run Training() => new(training: true, recording: true);
    }
}
