// How much does one place in a computation move another?  dotnet run samples/influence.cs
#:project ../src/Vitrine.Experiments/Vitrine.Experiments.csproj
using Vitrine;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Models;

// 1. Two variables: f(x, y) = x^2 + xy at (0, 0.5). By hand, df/dx = 2x + y = 0.5 and df/dy = x = 0.
var f = new Function(p => p.Slice(1, 0, 1).Square() + p.Slice(1, 0, 1) * p.Slice(1, 1, 2));
var gradient = new Gradient().Explain(f, Tensor.From([0f, 0.5f], [1, 2]), Target.Class(0)).Values;
Console.WriteLine($"The gradient of x^2 + xy at (0, 0.5) is ({gradient[0, 0]}, {gradient[0, 1]}).");

// 2. Two neurons of LeNet-5: the one of conv2 that moves unit 3 of fc2 most.
var net = new LeNet5(Weights.Random(seed: 1));
var digit = Digits.Generate(train: 1, test: 1, seed: 1).Test[0].Image;
Place to = new("fc2", 3);
var all = Influence.Map(net, digit, new Place("conv2"), to);                                   // [1, 16, 10, 10]
int best = Enumerable.Range(0, all.Count).MaxBy(i => Math.Abs(all.Floats[i]));
Place from = new("conv2", best / 100, best / 10 % 10, best % 10);
float influence = Influence.Between(net, digit, from, to)[0];
Console.WriteLine($"{from} moves {to} most: by {influence:0.0000} for each unit of its own.");

// 3. The same by experiment: raise that neuron a little, leave all else alone, and look.
float Unit3(float raise)
{
    var run = new Run().Tap("fc2").Edit("conv2", maps =>
    {
        float[] values = maps.ToArray();
        values[best] += raise;
        return Tensor.From(values, maps.Shape);
    });
    net.Call(run, digit);
    return run.Taps["fc2"][0, 3];
}
Console.WriteLine($"Raised by 0.01, it moves it by {(Unit3(0.01f) - Unit3(0)) / 0.01f:0.0000} for each unit.");
