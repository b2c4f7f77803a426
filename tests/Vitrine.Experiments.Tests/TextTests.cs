using Vitrine.Data;

namespace Vitrine.Experiments.Tests;

public sealed class TextTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Sentences of a few words, some of them spoken: text that a tiny network learns something of in a second.</summary>
    private string Text(int sentences = 500)
    {
        string[] words = ["the", "prince", "said", "a", "horse", "was", "here", "and", "went", "home"];
        var random = new RandomSource(3);
        var text = new System.Text.StringBuilder();
        for (int i = 0; i < sentences; i++)
        {
            string sentence = string.Join(' ', Enumerable.Range(0, 3 + random.NextInt(6)).Select(_ => words[random.NextInt(words.Length)]));
            text.Append(random.NextInt(2) == 0 ? $"\"{sentence.ToUpperInvariant()}!\"\n" : $"{sentence}.\n");
        }
        string path = _folder.File("text.txt");
        File.WriteAllText(path, text.ToString());
        return path;
    }

    private TextTrainingOptions Small(string name) => new()
    {
        Text = Text(),
        Epochs = 2,
        Hidden = 24,
        Embedding = 8,
        BatchSize = 4,
        Length = 32,
        LearningRate = 1e-2,
        LeastCount = 1,
        CheckpointSteps = 10,
        Output = _folder.File(name),
    };

    [Fact]
    public void Resumed_in_the_middle_of_a_pass_equals_uninterrupted()
    {
        TextTrainingOptions options = Small("whole.safetensors"), parts = Small("parts.safetensors") with { Resume = true };
        string checkpoint = _folder.File("parts.checkpoint.safetensors");
        // When the first pass reports, what lies on the disk is the checkpoint of some steps before its end.
        TrainedText whole = TextTraining.Run(
            options,
            p =>
            {
                if (p.Finished is { Number: 1 }) File.Copy(_folder.File("whole.checkpoint.safetensors"), checkpoint);
            },
            TestContext.Current.CancellationToken);
        Assert.Throws<DataException>(() => TextModel.Open(checkpoint));
        Assert.Throws<DataException>(() => TextTraining.Run(parts with { Hidden = 25 }, cancel: TestContext.Current.CancellationToken));
        TrainedText resumed = TextTraining.Run(parts, cancel: TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(whole.Weights), File.ReadAllBytes(resumed.Weights));
        Assert.Equal(whole.Epochs.Select(e => (e.Bits, e.SearchBits)), resumed.Epochs.Select(e => (e.Bits, e.SearchBits)));
        Assert.Equal(2, resumed.Epochs.Count);
        Assert.True(resumed.ReportBits < resumed.UnigramBits, $"{resumed.ReportBits} bits should be fewer than {resumed.UnigramBits} by letter frequencies.");
    }

    [Fact]
    public void Cancelled_it_keeps_a_checkpoint_and_writes_no_model()
    {
        TextTrainingOptions options = Small("cancelled.safetensors");
        using var cancel = new CancellationTokenSource();
        TrainingCancelledException stopped = Assert.Throws<TrainingCancelledException>(() => TextTraining.Run(
            options,
            p =>
            {
                if (p.Finished is not null) cancel.Cancel();
            },
            cancel.Token));
        Assert.True(File.Exists(stopped.Checkpoint));
        Assert.False(File.Exists(options.Output));
        TextTrainingOptions nothing = Small("none.safetensors") with { Resume = true };
        Assert.Throws<FileNotFoundException>(() => TextTraining.Run(nothing, cancel: TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Bits_are_those_of_one_character_after_the_other()
    {
        TextModel model = TextTraining.Run(Small("a.safetensors") with { Epochs = 1 }, cancel: TestContext.Current.CancellationToken).Model;
        const string text = "\"THE HORSE!\"\nthe prince was here.\n";
        double bits = 0;
        for (int i = 1; i < text.Length; i++)
        {
            Tensor logits = model.Network.Predict(model.Vocabulary.Encode(text.AsSpan(0, i)).Reshape(1, i)); // all that came before, from the beginning
            bits -= Math.Log2(Math.Exp(logits.LogSoftmax()[0, i - 1, model.Vocabulary[text[i]]]));
        }
        Assert.Equal(bits / (text.Length - 1), TextTraining.Bits(model, text, TestContext.Current.CancellationToken), 1e-4);
    }

    [Fact]
    public void A_model_is_opened_as_it_was_written_and_other_files_are_refused()
    {
        TrainedText trained = TextTraining.Run(Small("b.safetensors") with { Epochs = 1 }, cancel: TestContext.Current.CancellationToken);
        var opened = TextModel.Open(trained.Weights);
        Assert.Equal(trained.Model.Vocabulary.Characters, opened.Vocabulary.Characters);
        Assert.Equal(trained.Model.Fingerprint, opened.Fingerprint);
        Tensor x = opened.Vocabulary.Encode("the prince").Reshape(1, 10);
        Assert.Equal(trained.Model.Network.Predict(x).ToArray(), opened.Network.Predict(x).ToArray());
        Assert.Throws<TensorFileException>(() => TextModel.Open(_folder.File("text.txt")));
        string other = _folder.File("other.safetensors");
        SafeTensors.Save(other, new Dictionary<string, Tensor> { ["x"] = Tensor.Zeros([1]) });
        Assert.Throws<DataException>(() => TextModel.Open(other));
        Assert.Throws<DataException>(() => TextTraining.Run(Small("c.safetensors") with { Length = 5000 }, cancel: TestContext.Current.CancellationToken));
    }

    [Fact]
    public void What_the_cells_hold_is_what_reading_from_the_beginning_gives()
    {
        TextModel model = TextTraining.Run(Small("d.safetensors") with { Epochs = 1 }, cancel: TestContext.Current.CancellationToken).Model;
        string text = CharacterText.Read(_folder.File("text.txt"));
        var read = CellReader.Read(model, text, 600, 1600, TestContext.Current.CancellationToken);
        Assert.Equal(1600, read.Count);
        // Sixteen stretches of a hundred characters, each warmed on 512: what lies further back is forgotten by a network this small.
        foreach (int at in new[] { 0, 57, 100, 1599 })
        {
            int end = read.From + at + 1;
            Tensor[] outputs = model.Network.Call(new Run(recording: true), [model.Vocabulary.Encode(text.AsSpan(0, end)).Reshape(1, end), .. Start()]);
            IReadOnlyList<LstmGates> layers = LstmGates.Behind(outputs[0]);
            for (int unit = 0; unit < 48; unit++)
            {
                Assert.Equal(layers[unit / 24].Cell[0, end - 1, unit % 24], read.Cells[unit, at], 1e-3f);
                Assert.Equal(layers[unit / 24].Hidden[0, end - 1, unit % 24], read.Hidden[unit, at], 1e-3f);
            }
        }
        Assert.Equal(1600, read.Gates[0].Steps);

        Tensor[] Start()
        {
            (Tensor h, Tensor c) = model.Network.Start(1);
            return [h, c];
        }
    }

    [Fact]
    public void The_study_finds_a_cell_for_capitals_beside_its_controls_and_writes_its_pages()
    {
        TextTrainingOptions training = Small("e.safetensors") with { Epochs = 3 };
        TextTraining.Run(training, cancel: TestContext.Current.CancellationToken);
        // The fixture is short, so that its last tenth does not suffice; the whole of another text does.
        string other = _folder.File("other.txt");
        string half = File.ReadAllText(training.Text)[..3000].Replace("horse", "prince", StringComparison.Ordinal);
        File.WriteAllText(other, half + half);
        string output = _folder.File("cells");
        var warnings = new List<string>();
        CellResult result = CellStudy.Run(
            new CellOptions { Model = training.Output, Text = other, Cells = ["2:3", "all"], Shifts = 19, Output = output }, warn: warnings.Add,
            cancel: TestContext.Current.CancellationToken);
        Assert.False(result.Learned);
        Assert.Single(warnings);
        Assert.Equal(48, result.Cells);
        HypothesisResult quotes = result.Hypotheses.Single(h => h.Hypothesis == "inside quotes");
        HypothesisResult comment = result.Hypotheses.Single(h => h.Hypothesis == "inside a comment");
        Assert.True(quotes.Cells[0].Auc > 0.9, $"AUC {quotes.Cells[0].Auc}");
        Assert.Equal(0.05, quotes.P, 1e-9);
        Assert.NotNull(comment.Declined);
        Assert.InRange(quotes.Chance, 0.5, 0.9);
        string page = File.ReadAllText(Path.Combine(output, "index.html"));
        Assert.Contains("class=\"colored\"", page, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(output, "cells-1.html")) && File.Exists(Path.Combine(output, "cells-2.html")));
        Assert.Equal(result.ToJson(), File.ReadAllText(Path.Combine(output, "cells.json")));
        Assert.Throws<ArgumentException>(() => CellStudy.Run(new CellOptions { Model = training.Output, Text = other, Cells = ["3:0"] },
            cancel: TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentException>(() => CellStudy.Run(new CellOptions { Model = training.Output, Text = other, Hypotheses = ["moods"] },
            cancel: TestContext.Current.CancellationToken));
    }
}
