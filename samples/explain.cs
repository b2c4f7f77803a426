// Explain a network's answer by four methods and see how far to believe each:  dotnet run samples/explain.cs
#:project ../src/Vitrine.Experiments/Vitrine.Experiments.csproj
using Vitrine;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Models;

var net = new LeNet5(Weights.Random(seed: 1));
var digits = Digits.Generate(train: 3_000, test: 600, seed: 1);
new Trainer(net, new Adam(2e-3)).Fit(digits.Train, epochs: 3);
var image = digits.Test[0].Image;

foreach (IAttribution method in new IAttribution[] { new IntegratedGradients(), new GuidedBackprop(), new GradCam(), new Lime() })
{
    // Every number of an audit stands beside the same number for random maps and for an edge detector, which know nothing of the network.
    Audit audit = Audit.Of(net, image, method, Target.Top);
    Console.WriteLine($"{audit.Method}: {audit.Verdict}");
}
