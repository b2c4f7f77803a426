// Train LeNet-5 on drawn digits and see which pixels made it say what it says:  dotnet run samples/saliency.cs
#:project ../src/Vitrine.Experiments/Vitrine.Experiments.csproj
using Vitrine;
using Vitrine.Data;
using Vitrine.Experiments;
using Vitrine.Insight;
using Vitrine.Models;
using Vitrine.Render;

var net = new LeNet5(Weights.Random(seed: 1));
var digits = Digits.Generate(train: 3_000, test: 600, seed: 1);
var log = new Trainer(net, new Adam(2e-3)).Fit(digits.Train, epochs: 3, validate: digits.Test);
var image = digits.Test[0].Image;
var map = new GuidedBackprop().Explain(net, image, Target.Top);
HeatMap.Of(map).Over(image).Save("runs/why.png");

Console.WriteLine($"{log.Epochs[^1].ValidationAccuracy:P1} of the unseen digits are named rightly.");
Console.WriteLine($"runs/why.png shows what made the network call a {digits.Test[0].Label} a {map.Output.ArgMax(1).Longs[0]}.");
