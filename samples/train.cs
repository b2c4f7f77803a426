// A network of your own: parameters are named where they are created, the forward pass is plain C#.  dotnet run samples/train.cs
#:project ../src/Vitrine.Experiments/Vitrine.Experiments.csproj
using Vitrine;
using Vitrine.Data;

var digits = Digits.Generate(train: 3_000, test: 600, seed: 1);
var net = new Perceptron(Weights.Random(seed: 1));
var trainer = new Trainer(net, new AdamW(1e-3))
{
    BatchSize = 64,
    Seed = 1,
    Progress = p =>
    {
        if (p.Finished is { } e) Console.WriteLine($"epoch {e.Number}: loss {e.Loss:0.000}, right on unseen digits {e.ValidationAccuracy:P1}");
    },
};
trainer.Fit(digits.Train, epochs: 5, validate: digits.Test);
net.Save("runs/perceptron.safetensors");

var again = new Perceptron(Weights.Load("runs/perceptron.safetensors"));
Console.WriteLine($"Read back from the file: {Evaluation.Of(again, digits.Test).Accuracy:P1}");

internal sealed class Perceptron(Weights weights) : Module(weights)
{
    private readonly Linear _hidden = new(weights.In("hidden"), 784, 128);
    private readonly Dropout _dropout = new(weights.In("dropout"), 0.1f);
    private readonly Linear _output = new(weights.In("output"), 128, 10);

    protected override Tensor Forward(Run run, Tensor x)
    {
        Tensor h = _hidden.Call(run, x.Flatten()).Relu();     // [N, 784] -> [N, 128]
        return _output.Call(run, _dropout.Call(run, h));      // [N, 10]
    }
}
