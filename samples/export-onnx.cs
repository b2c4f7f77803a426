// A trained network leaves as an ONNX file and comes back the same, explanations included.  dotnet run samples/export-onnx.cs [model.onnx]
#:project ../src/Vitrine.Data/Vitrine.Data.csproj
#:project ../src/Vitrine.Insight/Vitrine.Insight.csproj
#:project ../src/Vitrine.Models/Vitrine.Models.csproj
#:project ../src/Vitrine.Onnx/Vitrine.Onnx.csproj
using Vitrine;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Models;
using Vitrine.Onnx;

var digits = Digits.Generate(train: 2_000, test: 400, seed: 1);
var net = new LeNet5(Weights.Random(seed: 1));
new Trainer(net, new Adam(2e-3)) { Seed = 1 }.Fit(digits.Train, epochs: 3);
Console.WriteLine($"Trained: {Evaluation.Of(net, digits.Test).Accuracy:P1} of the unseen digits are named rightly.");

string path = args.Length > 0 ? args[0] : "runs/lenet.onnx";
OnnxExport.Save(net, digits.Test[0].Image, path, new OnnxExportOptions { InputNames = ["digit"], OutputNames = ["logits"] });
var opened = OnnxModel.Open(path);
Console.WriteLine($"{path} has {new FileInfo(path).Length:N0} bytes.");
Console.WriteLine($"It takes {string.Join(", ", opened.Inputs)} and gives {string.Join(", ", opened.Outputs)}.");
Console.WriteLine($"Read back from the file: {Evaluation.Of(opened, digits.Test).Accuracy:P1}");

// The file's values are named as the network's modules, so the same question can be put to both.
var image = digits.Test[0].Image;
foreach (string? layer in new[] { null, "relu2" })
{
    Tensor before = new GuidedBackprop().Explain(net, image, Target.Top, wrt: layer).Values;
    Tensor after = new GuidedBackprop().Explain(opened, image, Target.Top, wrt: layer).Values;
    float difference = (before - after).Abs().Max([]).Item(), largest = before.Abs().Max([]).Item();
    Console.WriteLine($"Guided backprop to {layer ?? "the picture"}: the two explanations differ by {difference / largest:0.0e0} of the largest value.");
}
