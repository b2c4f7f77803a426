using System.Text.Json;
using Vitrine.Data;
using Vitrine.Models;

namespace Vitrine.Experiments.Tests;

public sealed class ProjectTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_network_of_ours_is_mapped_before_and_after_training()
    {
        ProjectOptions options = Trained() with { Method = "pca", Output = _folder.File("maps") };
        var stages = new List<string>();
        ProjectResult result = Projector.Run(options, stages.Add, cancel: TestContext.Current.CancellationToken);
        ProjectedNetwork network = Assert.Single(result.Networks);
        string[] layers = ["relu1", "relu2", "relu3", "relu4", "fc3"];
        Assert.Equal([("before", "input"), .. layers.Select(l => ("before", l)), .. layers.Select(l => ("after", l))],
            network.Layers.Select(l => (l.Stage, l.Layer)));
        Assert.Equal("relu4", network.Focus);
        Assert.Equal([784, 6 * 784, 16 * 100, 120, 84, 10], network.Layers.Take(6).Select(l => l.Dimensions));
        Assert.Equal(["before", "after"], network.Accuracy.Keys);
        Assert.True(network.Accuracy["after"] > network.Accuracy["before"]);
        Assert.All(network.Layers, l =>
        {
            Assert.InRange(l.Hits["class"].Map, 0, 1);
            Assert.InRange(l.Trustworthiness, 0.4, 1);
            Assert.InRange(l.Continuity, 0.4, 1);
        });
        // What was trained to be told apart lies together, in the layer and in its map.
        Assert.True(network.Find("after", "relu4")!.Hits["class"].Activations > network.Find("before", "relu4")!.Hits["class"].Activations);
        Assert.Contains(stages, s => s.Contains("MB of memory", StringComparison.Ordinal));

        IReadOnlyDictionary<string, Tensor> maps = NumPy.LoadArchive(Path.Combine(options.Output, "maps.npz"));
        Assert.Equal(11, maps.Count);
        Assert.All(maps.Values, m => Assert.Equal([120, 2], m.Shape));
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(options.Output, "results.json")));
        Assert.Equal(11, json.RootElement.GetProperty("networks")[0].GetProperty("layers").GetArrayLength());
        string page = File.ReadAllText(Path.Combine(options.Output, "index.html"));
        Assert.Contains("relu4, after", page, StringComparison.Ordinal);
        Assert.Contains("The neurons of relu4", page, StringComparison.Ordinal);
        Assert.Contains("Ways of examples", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tsne")]
    [InlineData("umap")]
    public void The_same_seed_gives_the_same_maps(string method)
    {
        ProjectOptions options = Trained() with { Method = method, Layers = ["relu3"], Points = 60 };
        Projector.Run(options with { Output = _folder.File("a") }, cancel: TestContext.Current.CancellationToken);
        Projector.Run(options with { Output = _folder.File("b") }, cancel: TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(_folder.File("a/maps.npz")), File.ReadAllBytes(_folder.File("b/maps.npz")));
    }

    [Theory]
    [InlineData("pca")]
    [InlineData("tsne")]
    [InlineData("umap")]
    public void New_examples_are_put_into_the_finished_map(string method)
    {
        ProjectOptions options = Trained() with { Method = method, Layers = ["relu4"], Points = 100 };
        Projector.Run(options with { Output = _folder.File("without") }, cancel: TestContext.Current.CancellationToken);
        ProjectedNetwork network = Projector.Run(
            options with { New = "digits", Output = _folder.File("with") }, cancel: TestContext.Current.CancellationToken).Networks[0];
        Assert.Equal(100, network.New.Count);
        // Other examples than the map's, of the same ten classes: they lie among their own about as often as the map's own examples have such neighbours.
        double own = network.Find("after", "relu4")!.Hits["class"].Map, added = network.New.Count(e => e.Surrounding == e.Label) / 100.0;
        Assert.True(added > Math.Max(own - 0.1, 0.3), $"{added} against {own}");
        Assert.All(network.New, e => Assert.InRange(e.Share, 0.1, 1));
        Assert.All(network.New, e => Assert.NotNull(e.Answer));

        IReadOnlyDictionary<string, Tensor> before = NumPy.LoadArchive(_folder.File("without/maps.npz")),
            after = NumPy.LoadArchive(_folder.File("with/maps.npz"));
        Assert.Equal(before.Count + 1, after.Count);
        foreach ((string name, Tensor map) in before) Assert.Equal(map.ToArray(), after[name].ToArray());
        Tensor places = after["net.safetensors.new.relu4"];
        Assert.Equal(network.New.SelectMany(e => new[] { (float)e.X, (float)e.Y }), places.ToArray());
        Assert.Contains("New examples in the map of relu4", File.ReadAllText(_folder.File("with/index.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void Epochs_are_shown_in_order_and_end_with_the_model()
    {
        ProjectOptions options = Trained();
        foreach (ulong seed in new ulong[] { 7, 8 })
        {
            SafeTensors.Save(_folder.File($"epoch{seed}.safetensors"), new LeNet5(Weights.Random(seed)).State(),
                new Dictionary<string, string> { ["vitrine.model"] = "LeNet5" });
        }
        ProjectResult result = Projector.Run(options with
        {
            Epochs = [_folder.File("epoch7.safetensors"), _folder.File("epoch8.safetensors")],
            Layers = ["relu4"],
            Method = "pca",
            Output = _folder.File("epochs"),
        }, cancel: TestContext.Current.CancellationToken);
        Assert.Equal([("epoch7", "input"), ("epoch7", "relu4"), ("epoch8", "relu4"), ("net", "relu4")],
            result.Networks[0].Layers.Select(l => (l.Stage, l.Layer)));
        Assert.Contains("Neighbourhood hit over training", File.ReadAllText(_folder.File("epochs/index.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void Layers_are_chosen_by_name_by_activation_or_all()
    {
        ProjectOptions options = Trained() with { Method = "pca", Points = 30 };
        Assert.Equal(["conv2", "fc1"], Layers(options with { Layers = ["fc1", "conv2"] }));
        string[] all = Layers(options with { Layers = ["all"] });
        Assert.Equal(12, all.Length);
        Assert.Equal(("conv1", "fc3"), (all[0], all[^1]));
        DataException none = Assert.Throws<DataException>(() => Layers(options with { Layers = ["fc9"] }));
        Assert.Contains("no layer 'fc9'", none.Message, StringComparison.Ordinal);

        static string[] Layers(ProjectOptions options) =>
            [.. Projector.Run(options).Networks[0].Layers.Where(l => l.Stage == "after").Select(l => l.Layer)];
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        Refused("either a model or a study", new ProjectOptions());
        Refused("No study is called", new ProjectOptions { Study = "love" });
        Refused("Name the examples", new ProjectOptions { Model = "a.onnx" });
        Refused("--new belongs to a model", new ProjectOptions { Study = "hidden-activity", New = "digits" });
        Refused("No projection is called", new ProjectOptions { Model = "a.onnx", Data = "digits", Method = "magic" });

        static void Refused(string why, ProjectOptions options) =>
            Assert.Contains(why, Assert.Throws<ArgumentException>(() => Projector.Run(options)).Message, StringComparison.Ordinal);
    }

    private ProjectOptions Trained()
    {
        string file = _folder.File("net.safetensors");
        LeNetTraining.Run(new TrainingOptions { Examples = 600, Epochs = 2, Output = file }, cancel: TestContext.Current.CancellationToken);
        return new ProjectOptions { Model = file, Data = "digits", Points = 120, Neighbours = 5 };
    }
}
