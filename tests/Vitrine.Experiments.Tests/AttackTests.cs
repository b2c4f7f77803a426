using System.Text.Json;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Models;
using Vitrine.Onnx;
using Vitrine.Render;

namespace Vitrine.Experiments.Tests;

/// <summary>What <c>vitrine attack</c> measures and writes.</summary>
public sealed class AttackTests
{
    [Fact]
    public void A_data_set_gives_curves_minima_transfer_and_a_page()
    {
        using TempFolder folder = new();
        (string one, string two) = (LeNet(folder, 1), LeNet(folder, 2));
        string output = Path.Combine(folder.Path, "out");
        AttackResult result = Attacker.Run(new AttackOptions
        {
            Model = one,
            Data = "digits",
            Examples = 24,
            Attacks = ["fgsm", "deepfool", "universal"],
            Epsilons = [0.1f, 0.3f],
            Against = [two],
            Noise = true,
            Output = output,
        });
        double clean = Assert.Single(result.Accuracy).Value;
        Assert.Equal(["fgsm", "fgsm", "deepfool", "universal", "universal", "sign-noise", "sign-noise", "uniform-noise", "uniform-noise", "gaussian-noise",
            "gaussian-noise"],
            result.Scores.Select(s => s.Attack));
        Assert.All(result.Scores.Where(s => s.Attack == "fgsm"), s => Assert.True(s.Accuracy <= clean && s.Largest <= s.Epsilon + 1e-6));
        Assert.Equal(12, result.Scores.First(s => s.Attack == "universal").Examples);
        Assert.Equal(["deepfool", "fgsm, bisected"], result.Minima.Select(m => m.Attack));
        Assert.All(result.Minima, m => Assert.Equal(24, m.Sizes.Count));
        Assert.Equal(["fgsm", "sign-noise"], result.Transfers.Select(t => t.Attack));
        Assert.Equal([2, 2], result.Transfers[0].Fooled.Select(row => row.Count));
        Assert.Equal(result.ToJson(indented: true) + "\n", File.ReadAllText(Path.Combine(output, "results.json")));
        using var json = JsonDocument.Parse(result.ToJson());
        Assert.Equal("linf", json.RootElement.GetProperty("norm").GetString());
        string page = File.ReadAllText(Path.Combine(output, "index.html"));
        foreach (string heading in new[] { "A little, well chosen", "Accuracy against the size", "How little it takes", "What carries over" })
            Assert.Contains(heading, page);
    }

    [Fact]
    public void Pictures_have_the_class_the_network_finds_likeliest_and_can_be_led_to_another()
    {
        using TempFolder folder = new();
        string model = LeNet(folder, 1), picture = Path.Combine(folder.Path, "digit.png");
        Picture.Of(Digits.Generate(10, 4, 3).Test[0].Image).Save(picture);
        int top = Top(model, picture), target = (top + 1) % 10;
        AttackResult result = Attacker.Run(new AttackOptions
        {
            Model = model,
            Inputs = [picture],
            Attacks = ["pgd"],
            Epsilons = [0.2f],
            Target = $"{target}",
        });
        Assert.Equal(1, Assert.Single(result.Accuracy).Value);
        AttackedInput seen = result.Inputs[0];
        Assert.Equal(("digit.png", $"{top}", $"{target}"), (seen.Input, seen.Before, seen.Label));
        Assert.Equal(seen.Succeeded, seen.After == $"{target}");
        Assert.Equal(seen.Succeeded ? 1 : 0, result.Scores[0].Reached);
        Assert.Empty(result.Minima);
    }

    [Fact]
    public void A_size_is_one_of_pixels_whatever_the_network_wants()
    {
        using TempFolder folder = new();
        string file = Path.Combine(folder.Path, "net.onnx"), json = Path.Combine(folder.Path, "bgr.json"), picture = Path.Combine(folder.Path, "noise.png");
        Weights weights = Weights.Random(1);
        var net = new Sequential(
            weights, new Conv2d(weights.In("conv"), 3, 4, 3), Layer.Relu(weights.In("relu")), new Flatten(weights.In("flatten")),
                new Linear(weights.In("fc"), 4 * 14 * 14, 2));
        OnnxExport.Save(net, Tensor.Zeros([1, 3, 16, 16]), file);
        File.WriteAllText(json, (Preprocess.Caffe with { Resize = 16, Crop = 16, Deviation = [50, 60, 70] }).ToJson());
        var random = new RandomSource(5);
        new Picture(16, 16, 3, [.. Enumerable.Range(0, 16 * 16 * 3).Select(_ => (byte)random.NextInt(256))]).Save(picture);

        var network = OpenedNetwork.Open(file, json);
        var pixels = new PixelNetwork(network);
        Tensor input = network.Read(picture).Input, plain = pixels.ToPixels(input);
        Assert.InRange((pixels.Predict(plain) - network.Module.Predict(input)).Abs().Max([]).Item(), 0, 1e-4f);
        Assert.Equal(Picture.Load(picture).Pixels.ToArray(), Picture.Of(plain).Pixels.ToArray()); // red comes first again

        const float epsilon = 4f / 255;
        AttackResult result = Attacker.Run(new AttackOptions { Model = file, Preprocess = json, Inputs = [picture], Attacks = ["fgsm"], Epsilons = [epsilon] });
        Assert.Equal(epsilon, result.Scores[0].Largest, 1e-5);
        // The same step in the network's own units: 4 grey values over the deviation of each channel.
        int label = network.Module.Predict(input).ArgMax(1).Longs[0] == 0 ? 0 : 1;
        Tensor own = new Fgsm(1).Perturb(network.Module, input, [label]) - input;
        Tensor step = new Fgsm(epsilon, range: ValidRange.Unit).Perturb(pixels, plain, [label]) - plain;
        Tensor turned = step.IndexSelect(1, Tensor.From([2L, 1L, 0L], [3]));
        for (int i = 0; i < own.Count; i++) if (turned.Floats[i] != 0) Assert.Equal(MathF.Sign(own.Floats[i]), MathF.Sign(turned.Floats[i]));
    }

    [Theory]
    [InlineData("one-pixel", 1)]
    [InlineData("three-pixel", 3)]
    [InlineData("five-pixel", 5)]
    public void An_attack_of_pixels_changes_no_more_of_them_and_has_no_smallest_size(string name, int pixels)
    {
        using TempFolder folder = new();
        Dataset digits = Digits.Generate(10, 3, 2).Test;
        var network = new LeNet5(Weights.Random(1));
        IAttack attack = AttackKind.Find(name).Create(new AttackSettings(0));
        Assert.All(AttackMeasure.Attack(network, digits, attack), e => Assert.InRange(e.Changed, 0, pixels));
        AttackResult result = Attacker.Run(new AttackOptions { Model = LeNet(folder, 1), Data = "digits", Examples = 2, Attacks = [name], Epsilons = [0.1f] });
        Assert.Empty(result.Minima);
        Assert.Equal(name, result.Scores[0].Attack);
    }

    [Fact]
    public void What_is_not_sound_is_named()
    {
        using TempFolder folder = new();
        string model = LeNet(folder, 1);
        Assert.Contains("fgsn", Fails(new() { Model = model, Data = "digits", Attacks = ["fgsn"] }));
        Assert.Contains("nothing to attack", Fails(new() { Model = model }));
        Assert.Contains("no class is called", Fails(new() { Model = model, Data = "digits", Examples = 4, Target = "eleven" }),
            StringComparison.OrdinalIgnoreCase);
        Assert.Contains("no given class", Fails(new() { Model = model, Data = "digits", Examples = 4, Attacks = ["deepfool"], Target = "3" }));
        Assert.Contains("largest change", Fails(new() { Model = model, Data = "digits", Examples = 4, Attacks = ["iterative-fgsm"], Norm = AttackNorm.Two }));
        Assert.Throws<OperationCanceledException>(
            () => Attacker.Run(new() { Model = model, Data = "digits", Examples = 4 }, cancel: new CancellationToken(true)));

        static string Fails(AttackOptions options) => Assert.Throws<DataException>(() => Attacker.Run(options)).Message;
    }

    [Fact]
    public void Training_against_an_attack_makes_LeNet_withstand_it()
    {
        using TempFolder folder = new();
        double[] stands =
        [
            .. new string?[] { null, "fgsm" }.Select(adversarial =>
            {
                TrainedLeNet trained = LeNetTraining.Run(new TrainingOptions
                {
                    Data = "digits",
                    Examples = 1500,
                    Epochs = 3,
                    Adversarial = adversarial,
                    Epsilon = 0.1f,
                    Output = Path.Combine(folder.Path, $"{adversarial ?? "plain"}.safetensors"),
                });
                return AttackMeasure.Accuracy(trained.Network, trained.Source.Split.Test.Take(200), new Fgsm(0.1f, range: ValidRange.Unit));
            }),
        ];
        Assert.True(stands[1] > stands[0] + 0.1, $"{stands[0]} {stands[1]}");
        Assert.Contains("'cw'", Assert.Throws<ArgumentException>(() => LeNetTraining.Run(new TrainingOptions
        {
            Data = "digits",
            Examples = 10,
            Adversarial = "cw",
            Output = Path.Combine(folder.Path, "cw.safetensors"),
        })).Message);
    }

    [Fact]
    public void The_study_compares_four_networks()
    {
        using TempFolder folder = new();
        AttackResult result = AttackStudy.Run(new AttackStudyOptions { Data = "digits", TrainExamples = 300, Examples = 30, Epochs = 1, Output = folder.Path });
        Assert.Equal(4, result.Accuracy.Count);
        Assert.All(result.Accuracy.Keys, network => Assert.Equal(6, result.Scores.Count(s => s.Network == network && s.Attack == "fgsm" && s.Clipped)));
        Assert.Equal(4, result.Scores.Count(s => s.Attack == "fgsm" && !s.Clipped));
        Assert.Equal(8, result.Minima.Count);
        Assert.Equal(["fgsm", "pgd"], result.Transfers.Select(t => t.Attack));
        Assert.True(File.Exists(Path.Combine(folder.Path, "index.html")));
    }

    private static string LeNet(TempFolder folder, ulong seed)
    {
        string file = Path.Combine(folder.Path, $"lenet{seed}.safetensors");
        SafeTensors.Save(file, new LeNet5(Weights.Random(seed)).State());
        return file;
    }

    private static int Top(string model, string picture)
    {
        var network = OpenedNetwork.Open(model);
        return (int)network.Module.Predict(network.Read(picture).Input).ArgMax(1).Longs[0];
    }
}
