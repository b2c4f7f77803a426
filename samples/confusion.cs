// Where is a network wrong, and where is it sure of it?  dotnet run samples/confusion.cs
#:project ../src/Vitrine.Experiments/Vitrine.Experiments.csproj
using Vitrine;
using Vitrine.Data;
using Vitrine.Experiments;
using Vitrine.Insight;
using Vitrine.Models;
using Vitrine.Render;

var net = new LeNet5(Weights.Random(seed: 1));
var digits = Digits.Generate(train: 2_000, test: 1_000, seed: 1);
new Trainer(net, new Adam(2e-3)).Fit(digits.Train, epochs: 2);
var answers = Evaluation.Of(net, digits.Test);
ConfusionMatrix.Of(Confusion.Of(answers)).ToSvg().Save("runs/confusion.svg");

var report = new HtmlReport("Where it is wrong") { Lead = $"{answers.Accuracy:P1} of {digits.Test.Count} unseen digits are named rightly." };
report.Section("Which is taken for which").Figure(ConfusionMatrix.Of(Confusion.Of(answers)).ToSvg());
report.Section("The mistakes it was surest of").Row(Mistake.MostConfident(answers, 6).Select(m => Figure.Of(
    Picture.Of(digits.Test[m.Index].Image), alt: $"A {m.Actual}", caption: $"a {m.Actual}, called a {m.Predicted} ({m.Confidence:P0} sure)")));
report.Save("runs/mistakes.html");
Console.WriteLine($"{answers.Accuracy:P1} right; see confusion.svg and mistakes.html in runs.");
