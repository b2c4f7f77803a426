// A network from an ONNX file, asked like any other.  dotnet run samples/open-onnx.cs [model.onnx]
#:project ../src/Vitrine.Insight/Vitrine.Insight.csproj
#:project ../src/Vitrine.Onnx/Vitrine.Onnx.csproj
using Vitrine;
using Vitrine.Insight;
using Vitrine.Onnx;

// The repository has a small one: LeNet-5 as PyTorch exported it.
var net = OnnxModel.Open(args.Length > 0 ? args[0] : "tests/Conformance/cases/nets/lenet.onnx");
Console.WriteLine($"It takes {string.Join(" and ", net.Inputs)} and gives {string.Join(" and ", net.Outputs)}.");
Console.WriteLine(
    $"It has {net.Parameters.Count} parameters ({string.Join(", ", net.Parameters.Take(3).Select(p => p.Name))}, ...) and {net.Values.Count} values.");

// Extents that the file leaves open may have any size: here a batch of two.
int[] extents = [.. net.Inputs[0].Shape!.Select(e => e.Size ?? 2)];
var x = new RandomSource(1).Normal(Shape.Create(extents), 0, 1);
Console.WriteLine($"The first answers: {string.Join(", ", net.Predict(x).ToArray().Take(5).Select(v => v.ToString("0.000")))}");

// Any value can be looked at, changed and explained by its name in the file.
string layer = net.Values.First(v => v.Contains("Relu"));
var run = new Run().Tap(layer);
net.Call(run, x);
Console.WriteLine($"{layer} has shape {run.Taps[layer].Shape}; its mean is {run.Taps[layer].Mean().Item():0.000}.");
var without = net.Call(new Run().Edit(layer, v => v * 0), x);
Console.WriteLine($"Without it the first answer is {without[0, 0]:0.000}.");
var map = new InputXGradient().Explain(net, x, Target.Top, wrt: layer).Values;
Console.WriteLine(
    $"What it adds to the largest answers, to first order: {string.Join(", ", map.Flatten().Sum([1]).ToArray().Select(v => v.ToString("0.000")))}.");
