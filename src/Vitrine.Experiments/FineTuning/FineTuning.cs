using System.Globalization;
using System.Text.Json;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Models;
using Vitrine.Onnx;

namespace Vitrine.Experiments;

/// <summary>
/// Teaches a trained network other classes: its last layer is replaced, layers may stay as they are or learn more slowly towards the input, and what it knows
/// of pictures is kept. Batch normalisation of an ONNX file goes on with the statistics in the file.
/// </summary>
public static class FineTuning
{
    private const double WeightDecay = 0.01;

    private const int Mistakes = 12, RightOfEachKind = 3;

    /// <summary>Trains, judges, and writes the network.</summary>
    /// <param name="options">What and how.</param>
    /// <param name="progress">Hears how training goes; or null.</param>
    /// <param name="stage">Hears what is being done now; or null.</param>
    /// <param name="warn">Hears what is assumed, and which pictures are left out; or null.</param>
    /// <param name="cancel">Ends training after the current step and keeps a checkpoint.</param>
    /// <exception cref="TrainingCancelledException">It was cancelled while it trained.</exception>
    /// <exception cref="DataException">The data is missing or does not fit, or there is no such layer.</exception>
    /// <exception cref="OnnxException">The file is no sound network, or its last layer is none that can be replaced.</exception>
    /// <exception cref="IOException">A file cannot be read or written, or there is no checkpoint to continue from.</exception>
    public static FineTuneResult Run(
        FineTuneOptions options, Action<TrainingProgress>? progress = null, Action<string>? stage = null, Action<string>? warn = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        Check(options);
        string output = Path.GetFullPath(options.Output), checkpoint = Path.ChangeExtension(output, ".checkpoint.safetensors"),
            report = Path.ChangeExtension(output, ".report");
        if (File.Exists(report)) throw new IOException($"{report}, the folder for the page, is a file. Choose another name with --out.");
        if (options.Resume && !File.Exists(checkpoint))
            throw new FileNotFoundException($"There is nothing to resume: {checkpoint} does not exist. Start without --resume.", checkpoint);

        var opened = OpenedNetwork.Open(options.Model, options.Preprocess, null, warn);
        OutputFolder.Prepare(Path.GetDirectoryName(output)!);
        stage?.Invoke("reading the pictures");
        var skipped = new List<SkippedPicture>();
        (DataSplit data, Func<int, string> nameOf) = Load(opened, options, skipped, warn, cancel);
        foreach (SkippedPicture picture in skipped) warn?.Invoke($"{picture.Picture} is left out: {picture.Error}");
        int classes = data.Train.Classes.Count;
        (Module network, (string Name, IReadOnlyList<string> Parameters)[] layers) = Open(opened, options, classes);
        if (options.Scratch) Redraw(network, options.Seed);
        int frozen = Frozen(options.Freeze, [.. layers.Select(l => l.Name)]);
        var layerOf = layers.SelectMany((l, i) => l.Parameters.Select(p => (p, i))).ToDictionary(p => p.p, p => p.i, StringComparer.Ordinal);
        foreach (Parameter parameter in network.Parameters)
        {
            // What belongs to no layer (weights inside of loops) stays with the first layers.
            parameter.IsFrozen = frozen > 0 && layerOf.GetValueOrDefault(parameter.Name, 0) < frozen;
        }
        double Factor(int layer) => Math.Pow(options.Discriminative, layer - (layers.Length - 1));

        Claim(options, opened, checkpoint, data, layers.Length - frozen);
        var trainer = new Trainer(network, new AdamW(options.LearningRate, weightDecay: WeightDecay)
        {
            Groups = [.. layers.Select((l, i) => new ParameterGroup(name => layerOf.GetValueOrDefault(name, 0) == i) { LearningRateFactor = Factor(i) })],
        })
        {
            BatchSize = options.BatchSize,
            Seed = options.Seed,
            Schedule = Schedules.Cosine(),
            Checkpoint = checkpoint,
            Resume = options.Resume,
            Patience = options.Patience,
            Progress = progress,
        };
        stage?.Invoke("training");
        TrainingLog log = trainer.Fit(data.Train, options.Epochs, data.Test, cancel);
        if (log.Ending == "cancelled") throw new TrainingCancelledException(checkpoint);
        stage?.Invoke("evaluating");
        Evaluation evaluation = Judge(network, data.Test, options.BatchSize, checkpoint, cancel);
        string labels = Path.ChangeExtension(output, ".labels.txt");
        Save(network, data.Train, output, opened);
        OutputFolder.Write(labels, string.Join('\n', data.Train.Classes) + "\n");
        var sizes = network.Parameters.ToDictionary(p => p.Name, p => (long)p.Value.Count, StringComparer.Ordinal);
        FineTunedLayer[] trained =
        [
            .. layers.Select((l, i) =>
                new FineTunedLayer(l.Name, l.Parameters.Sum(p => sizes[p]), i < frozen, i < frozen ? 0 : options.LearningRate * Factor(i))),
        ];
        int right = Enumerable.Range(0, data.Test.Count).Count(i => evaluation.Predicted[i] == data.Test.Labels.Longs[i]);
        var interval = WilsonInterval.Of(right, data.Test.Count);
        int[] mistakes = [.. Mistake.MostConfident(evaluation, Mistakes).Select(m => m.Index)], rights = SomeRight(evaluation);
        var result = new FineTuneResult(
            options.Model, data.Train.Classes, data.Train.Count, data.Test.Count, skipped, trained, log.Epochs, log.BestEpoch, evaluation.Accuracy, output,
            labels)
        {
            Report = Path.Combine(report, "index.html"),
            Seed = options.Seed,
            Preprocess = opened.Preprocess?.ToJson(),
            AccuracyLow = interval.Low,
            AccuracyHigh = interval.High,
            Loss = evaluation.Loss,
            Parameters = trained.Sum(l => l.Parameters),
            Learned = trained.Where(l => !l.Frozen).Sum(l => l.Parameters),
            PerClass = PerClass(evaluation),
            Confusions = Confusions(evaluation),
            Mistakes = [.. mistakes.Select(Judged)],
            Right = [.. rights.Select(Judged)],
        };
        stage?.Invoke("writing the page");
        OutputFolder.Prepare(report);
        OutputFolder.Write(Path.Combine(report, "results.json"), result.ToJson(indented: true) + "\n");
        FineTunePage.Compose(result, options, opened.Preprocess, Confusion.Of(evaluation), Shown(mistakes), Shown(rights)).Save(result.Report);
        return result;

        JudgedPicture Judged(int i) => new(
            nameOf(i), data.Test.Classes[(int)data.Test.Labels.Longs[i]], data.Test.Classes[evaluation.Predicted[i]], evaluation.Confidence[i]);

        Render.Picture[] Shown(int[] pictures) => [.. pictures.Select(i => opened.Shown(data.Test.Inputs, i))];
    }

    // What was trained until now is in the checkpoint, also when the last pictures are being looked at.
    private static Evaluation Judge(Module network, Dataset data, int batch, string checkpoint, CancellationToken cancel)
    {
        try
        {
            return Evaluation.Of(network, data, batch, cancel);
        }
        catch (OperationCanceledException)
        {
            throw new TrainingCancelledException(checkpoint);
        }
    }

    private static FineTunedClass[] PerClass(Evaluation evaluation)
    {
        ReadOnlySpan<long> labels = evaluation.Data.Labels.Longs;
        int[] pictures = new int[evaluation.Data.Classes.Count], right = new int[pictures.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            pictures[labels[i]]++;
            if (evaluation.Predicted[i] == labels[i]) right[labels[i]]++;
        }
        return [.. evaluation.Data.Classes.Select((c, k) => new FineTunedClass(c, pictures[k], right[k]))];
    }

    private static FineTuneConfusion[] Confusions(Evaluation evaluation) =>
    [
        .. Mistake.MostConfident(evaluation, evaluation.Data.Count).GroupBy(m => (m.Actual, m.Predicted))
            .OrderByDescending(g => g.Count()).ThenBy(g => g.Key.Actual).ThenBy(g => g.Key.Predicted)
            .Select(g => new FineTuneConfusion(evaluation.Data.Classes[g.Key.Actual], evaluation.Data.Classes[g.Key.Predicted], g.Count())),
    ];

    private static int[] SomeRight(Evaluation evaluation)
    {
        int[] right =
        [
            .. Enumerable.Range(0, evaluation.Data.Count).Where(i => evaluation.Predicted[i] == evaluation.Data.Labels.Longs[i])
                .OrderByDescending(i => evaluation.Confidence[i]).ThenBy(i => i),
        ];
        return right.Length <= 2 * RightOfEachKind ? right : [.. right[..RightOfEachKind], .. right[^RightOfEachKind..]];
    }

    private static void Check(FineTuneOptions options)
    {
        if (!(options.LearningRate > 0 && double.IsFinite(options.LearningRate)))
            throw new ArgumentException($"The learning rate is {options.LearningRate}; it should be above 0.");
        if (!(options.Discriminative >= 1 && double.IsFinite(options.Discriminative)))
            throw new ArgumentException($"The factor between the learning rates of two layers is {options.Discriminative}; it should be at least 1.");
        if (!(options.Validation is > 0 and < 1)) throw new ArgumentException($"The part for validation is {options.Validation}; it lies between 0 and 1.");
        if (options.Epochs < 1 || options.BatchSize < 1) throw new ArgumentException("There should be at least one epoch, and one picture in a step.");
        bool onnx = ModelFile.IsOnnx(options.Output);
        if (!onnx && !options.Output.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            throw new ArgumentException($"{options.Output} names no kind of file that is written: .onnx, or .safetensors for LeNet-5.");
        if (!onnx && ModelFile.IsOnnx(options.Model))
            throw new ArgumentException("A network from an ONNX file is written as ONNX: give --out a name that ends in .onnx.");
        if (Path.GetFullPath(options.Output) == Path.GetFullPath(options.Model))
            throw new ArgumentException($"{options.Output} is the network itself, which would be lost. Choose another file with --out.");
    }

    /// <summary>What to learn from and be judged by, and what each picture of the second part is called.</summary>
    private static (DataSplit Data, Func<int, string> NameOf) Load(
        OpenedNetwork opened, FineTuneOptions options, List<SkippedPicture> skipped, Action<string>? warn, CancellationToken cancel)
    {
        if (!ExampleSet.Names.Contains(options.Data, StringComparer.OrdinalIgnoreCase))
        {
            if (!Directory.Exists(options.Data))
                throw new DataException($"'{options.Data}' is neither a data set nor a folder.",
                    $"Choose one of {string.Join(", ", ExampleSet.Names)}, or a folder of pictures.");
            if (!opened.TakesPictures) throw new DataException("The network takes no pictures.", "'vitrine open' shows what it takes.", opened.FilePath);
            (DataSplit parts, IReadOnlyList<string> judgedFiles) =
                ClassFolder.Read(opened, options.Data, options.Validation, options.Seed, skipped, cancel);
            return (parts, i => judgedFiles[i]);
        }
        int? judged = options.Examples is { } count ? Math.Max(1, count / 4) : null;
        var unseen = ExampleSet.Load(opened, options.Data, options.DataRoot, train: false, judged, options.Seed, warn);
        return (
            new DataSplit(
                ExampleSet.Load(opened, options.Data, options.DataRoot, train: true, options.Examples, options.Seed, warn).ToDataset(),
                unseen.ToDataset()),
            unseen.Name);
    }

    /// <summary>The network with its last layer replaced, and its layers in the order of computation.</summary>
    private static (Module Network, (string Name, IReadOnlyList<string> Parameters)[] Layers) Open(OpenedNetwork opened, FineTuneOptions options, int classes)
    {
        if (opened.Module is LeNet5 lenet)
        {
            var state = lenet.State().ToDictionary(s => s.Key, s => s.Value, StringComparer.Ordinal);
            var fresh = new LeNet5(Weights.Random(options.Seed), classes: classes);
            foreach (Parameter parameter in fresh.Parameters.Where(p =>
                p.Name.StartsWith("fc3.", StringComparison.Ordinal))) state[parameter.Name] = parameter.Value;
            var network = new LeNet5(Weights.From(state), classes: classes);
            return (network, [.. network.Parameters.GroupBy(p => p.Name[..p.Name.IndexOf('.')], StringComparer.Ordinal)
                .Select(g => (g.Key, (IReadOnlyList<string>)[.. g.Select(p => p.Name)]))]);
        }
        OnnxModule module = OnnxModel.OpenFor(opened.FilePath, classes, options.Seed);
        if (module.Outputs.Count != 1)
            throw new DataException($"The network gives {module.Outputs.Count} outputs; a classifier gives one.", "Take another network.", opened.FilePath);
        return (module, [.. module.Layers.Select(l => (l.Name, l.Parameters))]);
    }

    /// <summary>How many of the first layers stay as they are.</summary>
    private static int Frozen(string? freeze, string[] layers)
    {
        if (freeze is null or "none") return 0;
        if (freeze == "all") return layers.Length - 1;
        if (int.TryParse(freeze, NumberStyles.None, CultureInfo.InvariantCulture, out int count))
        {
            return count < layers.Length ? count
                : throw new DataException($"The network has {layers.Length} layers with weights; the last one is new and has to learn.",
                    $"Freeze at most {layers.Length - 1}.");
        }
        int last = Array.IndexOf(layers, freeze);
        if (last < 0)
            throw new DataException($"The network has no layer {freeze} with weights.",
                $"Its layers are {string.Join(", ", layers)}; a number or 'all' will do too.");
        return last < layers.Length - 1 ? last + 1
            : throw new DataException($"{freeze} is the last layer, which is new and has to learn.", $"Freeze up to {layers[^2]}, or 'all'.");
    }

    /// <summary>Fresh weights everywhere: normal with deviation sqrt(2/fanIn) (He et al. 2015), biases 0.</summary>
    private static void Redraw(Module network, ulong seed)
    {
        if (network.Buffers.Count > 0)
        {
            throw new DataException("A network with batch normalisation cannot start from nothing here: the statistics in its file are those of its "
                + "trained weights.",
                "Compare with a network without it.");
        }
        var random = new RandomSource(new RandomSource(seed).Derive("scratch"));
        foreach (Parameter parameter in network.Parameters)
        {
            Shape shape = parameter.Value.Shape;
            parameter.Assign(shape.Rank < 2 ? Tensor.Zeros(shape)
                : Init.HeNormal(shape.Count / shape[0]).Draw(shape, new RandomSource(random.Derive(parameter.Name))));
        }
    }

    // A checkpoint knows the sizes of its weights, but not which pictures they learned from, nor how fast.
    private static void Claim(FineTuneOptions options, OpenedNetwork opened, string checkpoint, DataSplit data, int learning)
    {
        string path = Path.ChangeExtension(checkpoint, ".json");
        string setup = JsonSerializer.Serialize(
            new FineTuneSetup(
                Path.GetFileName(options.Model), data.Train.Classes, data.Train.Count, learning, options.LearningRate, options.Discriminative, options.Epochs,
                options.Scratch, options.Patience, opened.Preprocess?.ToJson()),
            ResultJson.Indented.FineTuneSetup) + "\n";
        if (options.Resume && (!File.Exists(path) || File.ReadAllText(path) != setup))
        {
            throw new DataException($"The checkpoint {checkpoint} was made with other settings (see {path}).",
                "Resume it as it was started, or start anew without --resume.");
        }
        OutputFolder.Write(path, setup);
    }

    private static void Save(Module network, Dataset data, string output, OpenedNetwork opened)
    {
        string classes = JsonSerializer.Serialize([.. data.Classes], NamesJson.Default.StringArray);
        var notes = new Dictionary<string, string>(StringComparer.Ordinal) { [LeNetTraining.ClassesKey] = classes };
        if (!ModelFile.IsOnnx(output))
        {
            notes[LeNetTraining.ModelKey] = "LeNet5";
            SafeTensors.Save(output, network.State(), notes);
            return;
        }
        OnnxModule? module = network as OnnxModule;
        OnnxExport.Save(network, data[0].Image, output, new OnnxExportOptions
        {
            InputNames = module is null ? null : [module.Inputs[0].Name],
            OutputNames = module is null ? null : [module.Outputs[0].Name],
            FixedBatch = opened.Shape is [{ Size: not null }, ..],
            Metadata = notes,
        });
    }
}

/// <summary>What decides the course of a training beside the trainer's own settings.</summary>
internal sealed record FineTuneSetup(
    string Model, IReadOnlyList<string> Classes, int Examples, int LearningLayers, double LearningRate, double Discriminative, int Epochs, bool Scratch,
        int? Patience, string? Preprocess);
