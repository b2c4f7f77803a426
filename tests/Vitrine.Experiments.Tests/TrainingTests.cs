using Vitrine.Data;

namespace Vitrine.Experiments.Tests;

public sealed class TrainingTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Interrupted_and_resumed_equals_uninterrupted()
    {
        var options = new TrainingOptions { Examples = 600, Epochs = 3, Output = _folder.File("whole.safetensors") };
        TrainedLeNet whole = LeNetTraining.Run(options, cancel: TestContext.Current.CancellationToken);

        using var cancel = new CancellationTokenSource();
        TrainingOptions parts = options with { Output = _folder.File("parts.safetensors") };
        TrainingCancelledException stopped = Assert.Throws<TrainingCancelledException>(() => LeNetTraining.Run(
            parts,
            p =>
            {
                if (p.Finished is { Number: 1 }) cancel.Cancel();
            },
            cancel: cancel.Token));
        Assert.True(File.Exists(stopped.Checkpoint));
        Assert.False(File.Exists(parts.Output));

        TrainedLeNet resumed = LeNetTraining.Run(parts with { Resume = true }, cancel: TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(whole.Weights), File.ReadAllBytes(resumed.Weights));
        Assert.Equal(whole.Log.Losses, resumed.Log.Losses);
        Assert.Equal(3, resumed.Log.Epochs.Count);
    }

    [Fact]
    public void The_learning_rate_falls_unless_it_is_to_stay()
    {
        var options = new TrainingOptions { Examples = 200, Epochs = 1, Output = _folder.File("a.safetensors") };
        TrainedLeNet falling = LeNetTraining.Run(options, cancel: TestContext.Current.CancellationToken);
        byte[] fallen = File.ReadAllBytes(falling.Weights);
        LeNetTraining.Run(options with { Schedule = "constant" }, cancel: TestContext.Current.CancellationToken);
        Assert.NotEqual(fallen, File.ReadAllBytes(falling.Weights));
        Assert.Throws<ArgumentException>(() => LeNetTraining.Run(options with { Schedule = "zigzag" }, cancel: TestContext.Current.CancellationToken));
    }

    [Fact]
    public void What_was_trained_can_be_asked()
    {
        TrainedLeNet trained = LeNetTraining.Run(new TrainingOptions { Examples = 1_000, Epochs = 2, Output = _folder.File("net.safetensors") },
            cancel: TestContext.Current.CancellationToken);
        var network = LeNetPrediction.Open(trained.Weights);
        Assert.Equal("digits", network.Data);
        for (int i = 0; i < 10; i++)
        {
            Tensor image = trained.Source.Split.Test[i].Image;
            string png = _folder.File($"{i}.png");
            Render.Picture.Of(image).Save(png);
            // Digits are multiples of 1/255, so a PNG keeps them to the last bit and the answer with them.
            Assert.Equal(image.ToArray(), LeNetPrediction.Read(png).ToArray());
            IReadOnlyList<Answer> answers = network.Ask(LeNetPrediction.Read(png));
            Assert.Equal(trained.Source.Split.Test.Classes[trained.Test.Predicted[i]], answers[0].Name);
            Assert.Equal(1, answers.Sum(a => a.Probability), 5);
        }
        Assert.Throws<DataException>(() => LeNetPrediction.Open(trained.Checkpoint));
    }

    [Fact]
    public void Nothing_is_put_in_the_place_of_missing_data()
    {
        Assert.Throws<DataException>(() => DataSource.Load("mnist", _folder.Path + "-nowhere"));
        Assert.Throws<DataException>(() => DataSource.Load("letters"));
        Assert.Throws<DataException>(() => DataSource.Load("shapes"));
        Assert.Throws<DataException>(() => DataSource.Load(_folder.Path));
        Assert.Throws<FileNotFoundException>(() => LeNetTraining.Run(new TrainingOptions
        {
            Resume = true,
            Examples = 10,
            Output = _folder.File("none.safetensors")
        }));
    }

    [Fact]
    public void A_folder_of_IDX_files_is_a_data_set()
    {
        Write("train", 30, 28);
        Write("t10k", 10, 28);
        var source = DataSource.Load(_folder.Path);
        Assert.Equal(30, source.Split.Train.Count);
        Assert.Equal(10, source.Split.Test.Classes.Count);
        Write("t10k", 10, 20);
        Assert.Contains("28 x 28; these are 20 x 20", Assert.Throws<DataException>(() => DataSource.Load(_folder.Path)).Message);

        void Write(string part, int count, int side)
        {
            Idx.Write(_folder.File($"{part}-images-idx3-ubyte"), new IdxArray([count, side, side], new byte[count * side * side]));
            Idx.Write(_folder.File($"{part}-labels-idx1-ubyte"), new IdxArray([count], [.. Enumerable.Range(0, count).Select(i => (byte)(i % 10))]));
        }
    }

    [Theory]
    [InlineData("mnist")]
    [InlineData("fashion-mnist")]
    public void Real_data_is_read(string name)
    {
        try
        {
            var source = DataSource.Load(name, examples: 100);
            Assert.Equal(100, source.Split.Train.Count);
            Assert.Equal([1, 28, 28], source.Split.Train.InputShape.Dims.ToArray());
        }
        catch (DataException e)
        {
            Assert.Skip(e.Message);
        }
    }
}
