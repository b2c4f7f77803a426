using System.Text.Json;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Models;
using Vitrine.Render;

namespace Vitrine.Experiments.Tests;

/// <summary>Pictures that maximise units: what is written is what is claimed.</summary>
public sealed class MaximiseTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheSavedPictureHasTheActivationThatIsClaimed()
    {
        MaximiseOptions options = Options("made") with { Layer = "relu2", Units = "1,4-5", Data = ["digits"], Examples = 40 };
        MaximiseResult result = Maximiser.Run(options);
        Assert.Equal([1, 4, 5], result.Pictures.Select(p => p.Unit!.Value));
        Assert.Equal(40, result.Data.Single().Examples);
        var network = OpenedNetwork.Open(options.Model);
        ExampleSet digits = ExampleSet.Load(network, "digits", most: 40, seed: options.Seed);
        foreach (MaximisedPicture made in result.Pictures)
        {
            Objective unit = Objective.Channel("relu2", made.Unit!.Value);
            Assert.Equal(unit.Measure(network.Module, network.Read(Path.Combine(options.Output, made.File)).Input).Item(), made.Reached, 1e-5);
            Assert.Equal(unit.Measure(network.Module, digits.Batch(0, 40)).ToArray().Max(), made.Real!.Value, 1e-5);
            Assert.True(made.Reached > made.Start, $"{made}");
            Assert.Equal(made.Reached / made.Real!.Value, made.Ratio!.Value, 1e-6);
        }
        Assert.Equal(result.Pictures.Count(p => p.Ratio >= 2), result.Twice);
        string page = File.ReadAllText(Path.Combine(options.Output, "index.html"));
        Assert.Contains("relu2", page, StringComparison.Ordinal);
        Assert.Contains("unit 5", page, StringComparison.Ordinal);
        Assert.True(Picture.Load(Path.Combine(options.Output, "grid.png")).Width > 100);
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(options.Output, Maximiser.ResultsName)));
        Assert.Equal(3, json.RootElement.GetProperty("pictures").GetArrayLength());
    }

    [Fact]
    public void AnInterruptedRunGoesOnWhereItEnded()
    {
        MaximiseOptions whole = Options("whole") with { Layer = "relu2", Units = "0-2", Batch = 1 },
            parts = whole with { Output = _folder.File("parts"), Resume = true };
        MaximiseResult wanted = Maximiser.Run(whole);
        using var source = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Maximiser.Run(parts, stage =>
        {
            if (stage.StartsWith("unit 1,", StringComparison.Ordinal)) source.Cancel();
        }, source.Token));
        var stages = new List<string>();
        MaximiseResult found = Maximiser.Run(parts, stages.Add);
        Assert.DoesNotContain(stages, s => s.StartsWith("unit 0,", StringComparison.Ordinal));
        Assert.Contains(stages, s => s.StartsWith("unit 2,", StringComparison.Ordinal));
        Assert.Equal(wanted.Pictures, found.Pictures);
        foreach (MaximisedPicture p in wanted.Pictures)
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(whole.Output, p.File)), File.ReadAllBytes(Path.Combine(parts.Output, p.File)));
        }
        // Another question is answered anew.
        Maximiser.Run(parts with { Seed = 2 }, stages.Add);
        Assert.Contains(stages, s => s.StartsWith("unit 0,", StringComparison.Ordinal));
    }

    [Fact]
    public void ClassesDifferencesAndSeveralPicturesOfAUnit()
    {
        MaximisedPicture one = Maximiser.Run(Options("class") with { Class = "3" }).Pictures.Single();
        Assert.Equal("3", one.Name);
        Assert.True(one.Reached > one.Start);
        MaximisedPicture difference =
            Maximiser.Run(Options("difference") with
            {
                Layer = "relu2",
                Units = "3,7",
                Objective = MaximiseObjective.Difference,
                Data = ["digits"],
                Examples = 20,
                Steps = 60
            })
            .Pictures.Single();
        Assert.True(difference.Reached > difference.Real, $"{difference}");
        MaximiseResult several = Maximiser.Run(Options("several") with { Layer = "relu2", Units = "3", Objective = MaximiseObjective.Diversity });
        Assert.Equal(4, several.Pictures.Select(p => p.File).Distinct().Count());
        Assert.True(Maximiser.Run(Options("layer") with
        {
            Layer = "relu1",
            Objective = MaximiseObjective.Layer,
            Writing = MaximiseWriting.Pixels
        }).Pictures.Single() is
        { Unit: null, Name: "relu1" });
    }

    [Fact]
    public void AnAscentFromAPictureADreamAndACaricature()
    {
        string picture = Digit();
        MaximisedPicture from = Maximiser.Run(Options("from") with { Class = "3", From = picture }).Pictures.Single();
        Assert.True(from.Reached > from.Start);
        MaximisedPicture dream = Maximiser.Run(Options("dream") with { Layer = "relu2", Dream = picture, Steps = 40 }).Pictures.Single();
        Assert.True(dream.Reached > dream.Start, $"{dream}");
        MaximisedPicture caricature = Maximiser.Run(Options("caricature") with { Layer = "relu2", Caricature = picture, Steps = null }).Pictures.Single();
        // It starts from the picture, and goes beyond what that is along its own direction.
        Assert.True(caricature.Reached > 1.2 * caricature.Real && caricature.Cosine is > 0.5 and <= 1.000001, $"{caricature}");
        var network = OpenedNetwork.Open(Options("own").Model);
        float[] own = LayerMaps.Of(network.Module, network.Read(picture).Input, "relu2")[0].ToArray();
        float[] made = LayerMaps.Of(network.Module, network.Read(Path.Combine(_folder.File("caricature"), "caricature.png")).Input, "relu2")[0].ToArray();
        double length = Math.Sqrt(own.Sum(v => (double)v * v)), along = own.Zip(made, (a, b) => (double)a * b).Sum() / length;
        double cosine = along / Math.Sqrt(made.Sum(v => (double)v * v));
        Assert.Equal(length, caricature.Real!.Value, length * 1e-4);
        Assert.Equal(cosine, caricature.Cosine!.Value, 1e-4);
        Assert.Equal(along * cosine * cosine, caricature.Reached, length * 1e-3);
        MaximisedPicture noise = Maximiser.Run(Options("noise") with { Layer = "relu2", Caricature = picture, From = "noise", Steps = 40 }).Pictures.Single();
        Assert.True(noise.Start < caricature.Start && noise.Reached > noise.Start, $"{noise}");
        Assert.All(new[] { "dream", "caricature" }, name => Assert.True(File.Exists(Path.Combine(_folder.File(name), $"{name}.png"))));
    }

    [Theory]
    [InlineData("csv")]
    [InlineData("npy")]
    public void ADirectionComesFromAFile(string kind)
    {
        float[] numbers = [.. Enumerable.Range(0, 16).Select(i => MathF.Sin(i * i))];
        string file = _folder.File($"direction.{kind}");
        if (kind == "npy") NumPy.SaveArray(file, Tensor.From(numbers, [16]));
        else File.WriteAllText(file, string.Join(", ", numbers.Select(n => n.ToString("R", System.Globalization.CultureInfo.InvariantCulture))));
        MaximiseOptions options = Options($"to-{kind}") with { Layer = "relu2", Direction = file, Data = ["digits"], Examples = 25, Steps = 40 };
        MaximisedPicture made = Maximiser.Run(options).Pictures.Single();
        Assert.Null(made.Unit);
        Assert.True(made.Reached > made.Start && made.Reached > made.Real, $"{made}");
        var network = OpenedNetwork.Open(options.Model);
        Assert.Equal(Along(network.Read(Path.Combine(options.Output, made.File)).Input, 0), made.Reached, 1e-4);
        Tensor digits = ExampleSet.Load(network, "digits", most: 25, seed: options.Seed).Batch(0, 25);
        Assert.Equal(Enumerable.Range(0, 25).Max(i => Along(digits, i)), made.Real!.Value, 1e-4);

        // By the formula: the mean over positions of the product with the direction, whose length is one.
        double Along(Tensor input, int example)
        {
            Tensor maps = LayerMaps.Of(network.Module, input, "relu2")[0];
            int area = maps.Shape[2] * maps.Shape[3];
            double sum = Enumerable.Range(0, 16).Sum(u => numbers[u] * maps.Floats.Slice((example * 16 + u) * area, area).ToArray().Average(v => (double)v));
            return sum / Math.Sqrt(numbers.Sum(n => (double)n * n));
        }
    }

    [Fact]
    public void WhatIsNoDirectionIsSaid()
    {
        Says("holds 3 numbers; relu2 has 16 units", Options("a") with { Layer = "relu2", Direction = Text("1 2 3") });
        Says("'three' in", Options("a") with { Layer = "relu2", Direction = Text("1, 2, three") });
        Says("are zero", Options("a") with { Layer = "relu2", Direction = Text("0;0;0") });
        Says("holds no finite numbers", Options("a") with { Layer = "relu2", Direction = Text("") });
        Says("There is no file", Options("a") with { Layer = "relu2", Direction = _folder.File("none.npy") });
        Says("one number for each unit", Options("a") with { Layer = "relu2", Objective = MaximiseObjective.Direction });
        Says("one number for each unit", Options("a") with { Layer = "relu2", Direction = Text("1"), Objective = MaximiseObjective.Channel });
        string array = _folder.File("square.npy");
        NumPy.SaveArray(array, Tensor.Ones([4, 4]));
        Says("has one axis", Options("a") with { Layer = "relu2", Direction = array });

        string Text(string text)
        {
            string file = _folder.File("direction.txt");
            File.WriteAllText(file, text);
            return file;
        }
    }

    [Fact]
    public void WhatCannotBeDoneIsSaid()
    {
        Says("conv2", Options("a") with { Layer = "conv7" });
        Says("There is no unit 16: relu2 has 16", Options("a") with { Layer = "relu2", Units = "10-16" });
        Says("names no units", Options("a") with { Layer = "relu2", Units = "two" });
        Says("ends before it begins", Options("a") with { Layer = "relu2", Units = "5-3" });
        Says("No class is called 'dog'", Options("a") with { Class = "dog" });
        Says("There is no unit 12", Options("a") with { Class = "12" });
        Says("Nothing is said", Options("a"));
        Says("two units", Options("a") with { Layer = "relu2", Units = "1", Objective = MaximiseObjective.Difference });
        Says("needs a layer", Options("a") with { Objective = MaximiseObjective.Layer });
        Says("one picture", Options("a") with { Layer = "relu2", Dream = "a.png", From = "b.png" });
        Says("28 pixels only", Options("a") with { Layer = "relu2", Units = "1", Size = 64 });
        Says("neither a data set nor a folder", Options("a") with { Layer = "relu2", Units = "1", Data = ["nowhere"] });
    }

    private static void Says(string words, MaximiseOptions options)
    {
        Exception error = Assert.ThrowsAny<Exception>(() => Maximiser.Run(options));
        Assert.Contains(words, Failure.Describe(error) ?? throw error, StringComparison.Ordinal);
    }

    private MaximiseOptions Options(string folder)
    {
        string model = _folder.File("lenet.safetensors");
        if (!File.Exists(model)) new LeNet5(Weights.Random(1)).Save(model);
        return new MaximiseOptions { Model = model, Output = _folder.File(folder), Steps = 12 };
    }

    private string Digit()
    {
        string path = _folder.File("digit.png");
        Picture.Of(Digits.Generate(10, 1, 1).Train.Inputs.Slice(0, 0, 1)).Save(path);
        return path;
    }
}
