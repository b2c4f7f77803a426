using System.Globalization;
using Vitrine.Data;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>The built-in questions whose right answers are known. Each takes seconds to train.</summary>
public static class GroundTasks
{
    private static readonly (string Name, Func<int, ulong, CancellationToken, GroundTask> Make)[] All =
    [
        ("shapes", Shapes), ("tetrominoes", Tetrominoes), ("table", Table), ("windows", Windows), ("tokens", Tokens), ("snow", Snow),
    ];

    /// <summary>The names of the tasks.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(task => task.Name)];

    /// <summary>Draws the data of a task and trains its network.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="examples">How many test examples are to be explained, at least 1.</param>
    /// <param name="seed">Where all random numbers start.</param>
    /// <param name="cancel">Ends the training.</param>
    /// <exception cref="ArgumentException">There is no such task.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static GroundTask Train(string name, int examples = 16, ulong seed = 1, CancellationToken cancel = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(examples, 1);
        foreach ((string known, Func<int, ulong, CancellationToken, GroundTask> make) in All)
        {
            if (known == name) return make(examples, seed, cancel);
        }
        throw new ArgumentException($"No task is called '{name}'. Choose one of: {string.Join(", ", Names)}.", nameof(name));
    }

    private static GroundTask Shapes(int examples, ulong seed, CancellationToken cancel)
    {
        MaskedSplit set = Data.Shapes.Generate(8_000, 600, (int)seed);
        Func<Dataset, Dataset> normalise = Normalisation(set.Data.Train);
        set = set with { Data = new DataSplit(normalise(set.Data.Train), normalise(set.Data.Test)) };
        Sequential net = Convolutions(seed, set.Data.Train.Classes.Count);
        return Masked(
            "shapes", "Each scene shows one shape on a cluttered ground: its pixels are the reason.", net, set, examples, cancel, epochs: 10, "relu3");
    }

    private static GroundTask Snow(int examples, ulong seed, CancellationToken cancel)
    {
        MaskedSplit set = SnowScenes.Generate(2_000, 400, (int)seed);
        Func<Dataset, Dataset> normalise = Normalisation(set.Data.Train);
        set = set with { Data = new DataSplit(normalise(set.Data.Train), normalise(set.Data.Test)) };
        Sequential net = Convolutions(seed, 2);
        GroundTask task = Masked(
            "snow", "Every wolf to learn from stood on snow and every husky on grass: the ground is what the network goes by.", net, set, examples, cancel,
            epochs: 2, "relu3");
        double fair = Evaluation.Of(net, normalise(SnowScenes.Fair(400, (int)seed)), cancel: cancel).Accuracy;
        return task with { Quality = $"{task.Quality}, {Percent(fair)} where the ground says nothing" };
    }

    private static GroundTask Tetrominoes(int examples, ulong seed, CancellationToken cancel)
    {
        MaskedSplit set = Data.Tetrominoes.Generate(4_000, 600, (int)seed);
        Weights weights = Weights.Random(seed);
        var net = new Sequential(
            weights, new Flatten(weights.In("flatten")), new Linear(weights.In("fc1"), 64, 32), Layer.Relu(weights.In("relu1")),
            new Linear(weights.In("fc2"), 32, 16), Layer.Relu(weights.In("relu2")), new Linear(weights.In("fc3"), 16, 2));
        return Masked(
            "tetrominoes", "The class is whether a T and an L have the same sign, an exclusive or: the pixels of both are the reason.", net, set, examples,
                cancel,
            epochs: 12);
    }

    private static GroundTask Windows(int examples, ulong seed, CancellationToken cancel)
    {
        MaskedSplit set = PlantedWindows.Generate(3_000, 600, (int)seed);
        Weights weights = Weights.Random(seed);
        var net = new Sequential(
            weights, new Conv1d(weights.In("conv1"), 1, 16, 7, padding: 3), Layer.Relu(weights.In("relu1")),
            new Conv1d(weights.In("conv2"), 16, 16, 7, padding: 3), Layer.Relu(weights.In("relu2")),
            new Function(weights.In("max"), x => x.Max([2])), new Linear(weights.In("fc"), 16, set.Data.Train.Classes.Count));
        return Masked("windows", "A short pattern stands somewhere in a series of noise: its window is the reason.", net, set, examples, cancel, epochs: 6);
    }

    private static GroundTask Tokens(int examples, ulong seed, CancellationToken cancel)
    {
        MaskedSplit set = PlantedTokens.Generate(3_000, 600, (int)seed);
        Weights weights = Weights.Random(seed);
        var net = new Sequential(
            weights, new Function(weights.In("cast"), x => x.Cast(DType.Int64)), new Embedding(weights.In("embedding"), PlantedTokens.Vocabulary, 16),
            new Linear(weights.In("fc1"), 16, 32), Layer.Relu(weights.In("relu1")), new Function(weights.In("mean"), x => x.Mean([1])),
            new Linear(weights.In("fc2"), 32, set.Data.Train.Classes.Count));
        return Masked("tokens", "Two tokens of sixteen decide: they are the reason.", net, set, examples, cancel, epochs: 6) with { Wrt = "embedding" };
    }

    private static GroundTask Table(int examples, ulong seed, CancellationToken cancel)
    {
        const int Rows = 8_000, Batch = 100, Passes = 30;
        GaussianTable learn = GaussianTable.Generate(Rows, (int)seed), judge = GaussianTable.Generate(1_000, (int)seed + 1_000_000);
        int columns = GaussianTable.Columns.Count;
        Weights weights = Weights.Random(seed);
        var net = new Sequential(
            weights, new Linear(weights.In("fc1"), columns, 64), Layer.Tanh(weights.In("tanh1")), new Linear(weights.In("fc2"), 64, 64),
            Layer.Tanh(weights.In("tanh2")), new Linear(weights.In("fc3"), 64, 1));
        // The trainer's labels are classes; here they are the numbers of the rows, whose values the loss looks up.
        Tensor numbers = Tensor.From([.. Enumerable.Range(0, Rows).Select(i => (long)i)], [Rows]);
        var data = new Dataset(learn.Rows, numbers, [.. Enumerable.Range(0, Rows).Select(i => i.ToString(CultureInfo.InvariantCulture))]);
        Fit(net, data, Passes, seed, cancel, Batch, (outputs, rows) => Loss.Mse(outputs.Squeeze(1), learn.Values.Gather(0, rows)));
        Tensor answers = net.Predict(judge.Rows).Squeeze(1);
        double error = (answers - judge.Values).Square().Mean([]).Item(), spread = (judge.Values - judge.Values.Mean([])).Square().Mean([]).Item();
        return new GroundTask
        {
            Name = "table",
            Question = "2 a - 1.5 b + c d + 0.5 e^2 of six columns: Shapley's formula says what each adds to the value at zeros.",
            Network = net,
            Inputs = judge.Rows.Slice(0, 0, examples),
            Target = Target.Class(0),
            Truth = judge.Shapley.Slice(0, 0, examples),
            Background = learn.Rows.Slice(0, 0, 32),
            Quality = string.Create(CultureInfo.InvariantCulture, $"R2 {1 - (error / spread):0.0000} on unseen rows"),
        };
    }

    // Mean 0 and deviation 1 in every channel, as networks of pictures are used to: the baseline of zeros is then the mean colour and not black.
    private static Func<Dataset, Dataset> Normalisation(Dataset train)
    {
        Tensor mean = train.Inputs.Mean([0, 2, 3], keepDims: true), deviation = (train.Inputs - mean).Square().Mean([0, 2, 3], keepDims: true).Sqrt();
        return data => new Dataset((data.Inputs - mean) / deviation, data.Labels, data.Classes);
    }

    private static Sequential Convolutions(ulong seed, int classes)
    {
        Weights weights = Weights.Random(seed);
        return new Sequential(
            weights, [.. Block(1, 3, 16, halve: true), .. Block(2, 16, 32, halve: true), .. Block(3, 32, 64, halve: true), .. Block(4, 64, 64, halve: false),
                new Function(weights.In("mean"), x => x.Mean([2, 3])), new Linear(weights.In("fc"), 64, classes)]);

        Module[] Block(int number, int from, int to, bool halve)
        {
            Module[] block =
            [
                new Conv2d(weights.In($"conv{number}"), from, to, 3, padding: 1), new BatchNorm(weights.In($"norm{number}"), to),
                Layer.Relu(weights.In($"relu{number}")),
            ];
            return halve ? [.. block, Layer.MaxPool2d(weights.In($"pool{number}"), 2)] : block;
        }
    }

    // Explained are the first test examples that the network names rightly: of a wrong answer nobody knows the right reason.
    private static GroundTask Masked(
        string name, string question, Sequential net, MaskedSplit set, int examples, CancellationToken cancel, int epochs, string? featureMaps = null)
    {
        Fit(net, set.Data.Train, epochs, 1, cancel);
        Dataset test = set.Data.Test;
        Evaluation evaluation = Evaluation.Of(net, test, cancel: cancel);
        int[] right = [.. Enumerable.Range(0, test.Count).Where(i => evaluation.Predicted[i] == test.Labels.Longs[i]).Take(examples)];
        if (right.Length == 0) throw new InvalidOperationException($"The network of the task {name} named no test example rightly; try another seed.");
        (Tensor inputs, Tensor labels) = test.Batch(right);
        Tensor masks = TensorOps.Concat(0, [.. right.Select(i => set.TestMasks.Cast(DType.Float32).Slice(0, i, i + 1))]).Cast(DType.Bool);
        return new GroundTask
        {
            Name = name,
            Question = question,
            Network = net,
            Inputs = inputs,
            Target = Target.Classes([.. labels.Longs.ToArray().Select(label => (int)label)]),
            FeatureMaps = featureMaps,
            Truth = masks.Rank > 2 ? masks.Squeeze(1) : masks,
            Background = set.Data.Train.Inputs.Slice(0, 0, 32),
            Quality = $"{Percent(evaluation.Accuracy)} of unseen examples named rightly",
        };
    }

    private static void Fit(
        Module net, Dataset data, int epochs, ulong seed, CancellationToken cancel, int batch = 32, Func<Tensor, Tensor, Tensor>? loss = null)
    {
        var trainer = new Trainer(net, new Adam(3e-3))
        {
            BatchSize = batch,
            Seed = seed,
            Schedule = Schedules.Cosine(),
            Loss = loss ?? ((outputs, labels) => Loss.CrossEntropy(outputs, labels)),
        };
        trainer.Fit(data, epochs, cancel: cancel);
        cancel.ThrowIfCancellationRequested();
    }

    private static string Percent(double part) => string.Create(CultureInfo.InvariantCulture, $"{100 * part:0.0} %");
}
