// Do units agree with concepts? Network dissection of a small network trained on shapes, beside one with random weights.  dotnet run samples/dissection.cs
#:project ../src/Vitrine.Experiments/Vitrine.Experiments.csproj
using Vitrine;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Onnx;

MaskedSplit shapes = Shapes.Generate(train: 4_000, test: 500, seed: 1);
Dataset test = shapes.Data.Test;
Module trained = Net(1), random = Net(2);
new Trainer(trained, new Adam(2e-3)) { Schedule = Schedules.OneCycle(), Seed = 1 }.Fit(shapes.Data.Train, epochs: 8);
Console.WriteLine($"Right on unseen scenes: {Evaluation.Of(trained, test).Accuracy:P1}");

// A pixel's concept is the class of the shape that covers it.
int side = test.InputShape[1];
ReadOnlySpan<bool> masks = shapes.TestMasks.Bools;
long[] concepts = new long[masks.Length];
for (int i = 0; i < concepts.Length; i++) concepts[i] = masks[i] ? test.Labels.Longs[i / (side * side)] : -1;
Tensor pixels = Tensor.From(concepts, [test.Count, side, side]);
string[] layers = ["relu1", "relu2", "relu3", "relu4"];
foreach ((string name, Module net) in new[] { ("trained", trained), ("random weights", random) })
{
    foreach (DissectedLayer layer in Dissection.Of(net, test.Inputs, pixels, test.Classes.Count, layers))
    {
        int best = Enumerable.Range(0, layer.Agreement.Count).MaxBy(u => layer.Agreement[u].Max());
        Console.WriteLine($"{name}, {layer.Scope}: {layer.Detectors().Count} of {layer.Agreement.Count} units detect a concept; " +
            $"unit {best} and {test.Classes[layer.Best(best)]} agree by {layer.Agreement[best].Max():0.000}");
    }
}
Directory.CreateDirectory("runs");
OnnxExport.Save(trained, test.Inputs.Slice(0, 0, 1), "runs/shapes.onnx"); // vitrine units runs/shapes.onnx --data shapes --dissect
OnnxExport.Save(random, test.Inputs.Slice(0, 0, 1), "runs/shapes-random.onnx");

static Sequential Net(ulong seed)
{
    Weights weights = Weights.Random(seed);
    return new Sequential(weights,
        new Conv2d(weights.In("conv1"), 3, 16, 3, padding: 1), Layer.Relu(weights.In("relu1")), Layer.MaxPool2d(weights.In("pool1"), 2),  // [N, 16, 16, 16]
        new Conv2d(weights.In("conv2"), 16, 32, 3, padding: 1), Layer.Relu(weights.In("relu2")), Layer.MaxPool2d(weights.In("pool2"), 2), // [N, 32, 8, 8]
        new Conv2d(weights.In("conv3"), 32, 64, 3, padding: 1), Layer.Relu(weights.In("relu3")),                                         // [N, 64, 8, 8]
        new Conv2d(weights.In("conv4"), 64, 64, 3, padding: 1), Layer.Relu(weights.In("relu4")), Layer.MaxPool2d(weights.In("pool4"), 2), // [N, 64, 4, 4]
        new Flatten(weights.In("flatten")), new Linear(weights.In("fc"), 64 * 4 * 4, 8));
}
