// Do units agree with concepts? Network dissection of a small network trained on shapes, beside one with random weights.  dotnet run samples/dissection.cs
#:project ../src/Vitrine.Experiments/Vitrine.Experiments.csproj
using Vitrine;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Onnx;

MaskedSplit shapes = Shapes.Generate(train: 8_000, test: 500, seed: 1);
Dataset test = shapes.Data.Test;
Module trained = Net(1), random = Net(2);
new Trainer(trained, new Adam(3e-3)) { BatchSize = 32, Schedule = Schedules.Cosine(), Seed = 1 }.Fit(shapes.Data.Train, epochs: 8);
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
// The same as a page: vitrine units runs/shapes.onnx --data shapes --preprocess runs/shapes.json --dissect
Directory.CreateDirectory("runs");
OnnxExport.Save(trained, test.Inputs.Slice(0, 0, 1), "runs/shapes.onnx");
OnnxExport.Save(random, test.Inputs.Slice(0, 0, 1), "runs/shapes-random.onnx");
File.WriteAllText("runs/shapes.json", new Preprocess().ToJson());

static Sequential Net(ulong seed)
{
    Weights weights = Weights.Random(seed);
    return new Sequential(weights,
        [
            .. Block(1, 3, 16), Layer.MaxPool2d(weights.In("pool1"), 2),  // [N, 16, 16, 16]
            .. Block(2, 16, 32), Layer.MaxPool2d(weights.In("pool2"), 2), // [N, 32, 8, 8]
            .. Block(3, 32, 64),                                          // [N, 64, 8, 8]
            .. Block(4, 64, 64), Layer.MaxPool2d(weights.In("pool4"), 2), // [N, 64, 4, 4]
            new Flatten(weights.In("flatten")), new Linear(weights.In("fc"), 64 * 4 * 4, 8),
        ]);

    Module[] Block(int number, int from, int to) =>
    [
        new Conv2d(weights.In($"conv{number}"), from, to, 3, padding: 1), new BatchNorm(weights.In($"norm{number}"), to),
        Layer.Relu(weights.In($"relu{number}")),
    ];
}
