using Vitrine.Data;
using Vitrine.Models;
using Vitrine.Onnx;
using Vitrine.Render;

namespace Vitrine.Experiments.Tests;

public sealed class FineTuningTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("lenet.safetensors")]
    [InlineData("lenet.onnx")]
    public void A_network_learns_the_classes_of_a_folder_and_freezes_what_it_should(string file)
    {
        FineTuneOptions options = Options(Model(file), Pictures()) with
        {
            Freeze = file.EndsWith("onnx", StringComparison.Ordinal)
            ? "2" : "conv2",
            Discriminative = 2
        };
        FineTuneResult result = FineTuning.Run(options, cancel: Cancel);
        Assert.Equal(["four", "one", "seven"], result.Classes);
        Assert.Equal((36, 9), (result.Training, result.Validation));
        Assert.True(result.Accuracy >= 0.75, $"accuracy {result.Accuracy}");
        Assert.Equal([true, true, false, false, false], result.Layers.Select(l => l.Frozen));
        Assert.Equal([0, 0, 0.0005, 0.001, 0.002], result.Layers.Select(l => Math.Round(l.LearningRate, 12)));

        IReadOnlyDictionary<string, Tensor> before = State(options.Model), after = State(result.Output);
        foreach (string name in before.Keys)
        {
            if (name.StartsWith("conv", StringComparison.Ordinal)) Assert.Equal(before[name].ToArray(), after[name].ToArray());
            else if (!name.StartsWith("fc3", StringComparison.Ordinal)) Assert.NotEqual(before[name].ToArray(), after[name].ToArray());
            else Assert.Equal(3, after[name].Shape[0]);
        }
        Assert.Equal(result.Classes, Labels.Load(result.Labels));

        // What was written answers as the result says, through the command that people will use.
        string[] pictures = Directory.GetFiles(Path.Combine(options.Data, "seven"));
        IReadOnlyList<PicturePrediction> answers = Predictor.Open(new PredictionOptions { Model = result.Output, Labels = result.Labels })
            .Ask(pictures, cancel: Cancel);
        Assert.True(answers.Count(a => a.Answers[0].Label == "seven") >= 12);
    }

    [Fact]
    public void Resumed_training_ends_with_the_same_bytes()
    {
        FineTuneOptions options = Options(Model("lenet.onnx"), Pictures()) with { Epochs = 4, Freeze = "all" };
        FineTuneResult whole = FineTuning.Run(options, cancel: Cancel);
        using var stop = new CancellationTokenSource();
        FineTuneOptions parts = options with { Output = _folder.File("parts.onnx") };
        Assert.Throws<TrainingCancelledException>(() => FineTuning.Run(parts, p =>
        {
            if (p.Finished is { Number: 2 }) stop.Cancel();
        }, cancel: stop.Token));
        Assert.False(File.Exists(parts.Output));
        Assert.Contains("other settings", Assert.Throws<DataException>(() => FineTuning.Run(parts with { LearningRate = 0.1, Resume = true }, cancel: Cancel))
            .Message);
        FineTuneResult resumed = FineTuning.Run(parts with { Resume = true }, cancel: Cancel);
        Assert.Equal(File.ReadAllBytes(whole.Output), File.ReadAllBytes(resumed.Output));
    }

    [Fact]
    public void Trained_features_beat_none_and_a_data_set_has_its_own_parts()
    {
        FineTuneOptions options = Options(Model("lenet.safetensors"), "digits") with { Examples = 60, Epochs = 3, Freeze = "all" };
        FineTuneResult tuned = FineTuning.Run(options, cancel: Cancel),
            scratch = FineTuning.Run(options with { Scratch = true, Output = _folder.File("scratch.onnx") }, cancel: Cancel);
        Assert.Equal((60, 15), (tuned.Training, tuned.Validation));
        Assert.True(tuned.Epochs[0].Loss < scratch.Epochs[0].Loss, $"{tuned.Epochs[0].Loss} against {scratch.Epochs[0].Loss}");
    }

    [Fact]
    public void A_damaged_picture_is_reported_and_left_out()
    {
        string folder = Pictures();
        File.WriteAllText(Path.Combine(folder, "one", "broken.png"), "no picture");
        List<string> heard = [];
        FineTuneResult result = FineTuning.Run(Options(Model("lenet.safetensors"), folder) with { Epochs = 1 }, warn: heard.Add, cancel: Cancel);
        Assert.Equal(Path.Combine("one", "broken.png"), Assert.Single(result.Skipped).Picture);
        Assert.Contains(heard, h => h.Contains("broken.png is left out", StringComparison.Ordinal));
        Assert.Equal(45, result.Training + result.Validation);
    }

    [Fact]
    public void What_cannot_be_done_is_said_before_training()
    {
        FineTuneOptions options = Options(Model("lenet.safetensors"), Pictures());
        Assert.Contains("no layer conv9", Refused(options with { Freeze = "conv9" }));
        Assert.Contains("has to learn", Refused(options with { Freeze = "fc3" }));
        Assert.Contains("has to learn", Refused(options with { Freeze = "5" }));
        Assert.Contains("neither a data set nor a folder", Refused(options with { Data = "nowhere" }));
        string one = Directory.CreateDirectory(_folder.File("single/only")).Parent!.FullName;
        Assert.Contains("has one class, only", Refused(options with { Data = one }));
        Assert.Contains("no sub-folders", Refused(options with { Data = Path.Combine(one, "only") }));
        Directory.CreateDirectory(Path.Combine(one, "empty"));
        Assert.Contains("0 of 0 pictures", Refused(options with { Data = one }));
        Assert.Contains("would be lost", Assert.Throws<ArgumentException>(() => FineTuning.Run(options with { Output = options.Model }, cancel: Cancel))
            .Message);
        Assert.Contains("no kind of file", Assert.Throws<ArgumentException>(() => FineTuning.Run(options with { Output = "a.txt" }, cancel: Cancel)).Message);
        Assert.Throws<FileNotFoundException>(() => FineTuning.Run(options with { Resume = true }, cancel: Cancel));

        static string Refused(FineTuneOptions options) => Assert.Throws<DataException>(() => FineTuning.Run(options, cancel: Cancel)).Message;
    }

    private FineTuneOptions Options(string model, string data) => new()
    {
        Model = model,
        Data = data,
        Epochs = 12,
        BatchSize = 8,
        LearningRate = 2e-3,
        Output = _folder.File($"tuned{Path.GetExtension(model)}"),
    };

    /// <summary>A LeNet-5 that has seen some digits.</summary>
    private string Model(string name)
    {
        string weights = _folder.File("lenet.safetensors");
        LeNetTraining.Run(new TrainingOptions { Examples = 800, Epochs = 2, Output = weights }, cancel: Cancel);
        if (name.EndsWith("safetensors", StringComparison.Ordinal)) return weights;
        string file = _folder.File(name);
        OnnxExport.Save(new LeNet5(Weights.Load(weights)), new RandomSource(1).Uniform([1, 1, 28, 28]), file);
        return file;
    }

    private string Pictures()
    {
        string folder = _folder.File("pictures");
        Dataset digits = Digits.Generate(600, 10, 77).Train;
        foreach ((string name, int label) in new[] { ("one", 1), ("four", 4), ("seven", 7) })
        {
            Directory.CreateDirectory(Path.Combine(folder, name));
            int[] chosen = [.. Enumerable.Range(0, digits.Count).Where(i => digits.Labels.Longs[i] == label).Take(15)];
            foreach (int i in chosen) Picture.Of(digits[i].Image).Save(Path.Combine(folder, name, $"{i}.png"));
        }
        return folder;
    }

    private static IReadOnlyDictionary<string, Tensor> State(string path) =>
        ModelFile.IsOnnx(path) ? OnnxModel.Open(path).State() : SafeTensors.Load(path);
}
