using Vitrine.Insight;
using Vitrine.Models;
using Vitrine.Onnx;
using Vitrine.Render;

namespace Vitrine.Experiments.Tests;

/// <summary>From files to pages that say why.</summary>
public sealed class ExplainTests
{
    [Fact]
    public void PicturesGetPagesValuesAndResults()
    {
        using var folder = new TempFolder();
        ExplainOptions options = Pictures(folder.Path, 2) with { Methods = ["integrated gradients", "grad-cam"] };
        ExplainResult result = Explainer.Run(options);
        Assert.False(result.AnyFailed);
        Assert.Equal(2, result.Inputs.Count);
        foreach (ExplainedInput input in result.Inputs)
        {
            string page = File.ReadAllText(Path.Combine(options.Output, input.Page!));
            Assert.Contains("integrated gradients", page, StringComparison.Ordinal);
            Assert.Contains("random maps", page, StringComparison.Ordinal);
            foreach (ExplainedMethod method in input.Methods)
            {
                Assert.NotNull(method.Verdict);
                Tensor values = NumPy.LoadArray(Path.Combine(options.Output, method.Values!));
                Assert.Equal(1, values.Shape[0]);
                Assert.Equal(method.Sum, values.Sum([]).Item(), 1e-4);
            }
            Assert.Contains(input.Page!, File.ReadAllText(Path.Combine(options.Output, "index.html")), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ABadFileStopsNothingAndARunResumes()
    {
        using var folder = new TempFolder();
        ExplainOptions options = Pictures(folder.Path, 2) with { Methods = ["gradient"], Audit = null, Resume = true };
        File.WriteAllText(Path.Combine(folder.Path, "pictures", "broken.png"), "no picture");
        ExplainResult first = Explainer.Run(options);
        Assert.True(first.AnyFailed);
        Assert.Equal(2, first.Inputs.Count(i => i.Error is null));
        Assert.Contains("broken.png", first.Inputs.Single(i => i.Error is not null).Input, StringComparison.Ordinal);

        string page = Path.Combine(options.Output, first.Inputs.First(i => i.Page is not null).Page!);
        File.WriteAllText(page, "kept");
        Explainer.Run(options);
        Assert.Equal("kept", File.ReadAllText(page));
        Explainer.Run(options with { Target = "3" }); // another question: nothing is kept
        Assert.NotEqual("kept", File.ReadAllText(page));
    }

    [Fact]
    public void RowsOfATableAndLinesOfATextAreExplained()
    {
        using var folder = new TempFolder();
        Weights weights = Weights.Random(1);
        var table = new Sequential(weights, new Linear(weights.In("fc1"), 3, 8), Layer.Relu(weights.In("relu")), new Linear(weights.In("fc2"), 8, 2));
        string model = Path.Combine(folder.Path, "table.onnx"), rows = Path.Combine(folder.Path, "rows.csv");
        OnnxExport.Save(table, Tensor.Zeros([1, 3]), model);
        File.WriteAllText(rows, "age,income,children\n0.5,-1,2\n1,1,0\n");
        ExplainResult result = Explainer.Run(new ExplainOptions
        {
            Model = model,
            Inputs = [rows],
            Methods = ["shapley values"],
            Audit = AuditLevel.Quick,
            Output = Path.Combine(folder.Path, "out"),
        });
        Assert.Equal(2, result.Inputs.Count(i => i.Error is null));
        Assert.Contains("income = -1", File.ReadAllText(Path.Combine(folder.Path, "out", result.Inputs[0].Page!)), StringComparison.Ordinal);

        Weights words = Weights.Random(2);
        var text = new Sequential(
            words, new Embedding(words.In("embedding"), 5, 4), new Function(words.In("mean"), x => x.Mean([1])), new Linear(words.In("fc"), 4, 2));
        string textModel = Path.Combine(folder.Path, "text.onnx"), lines = Path.Combine(folder.Path, "lines.txt"),
            vocabulary = Path.Combine(folder.Path, "words.txt");
        OnnxExport.Save(text, Tensor.From(new long[4], [1, 4]), textModel);
        File.WriteAllText(vocabulary, "<pad>\n<unk>\ngood\nbad\nfilm\n");
        File.WriteAllText(lines, "a good film\n");
        ExplainResult said = Explainer.Run(new ExplainOptions
        {
            Model = textModel,
            Inputs = [lines],
            Vocabulary = vocabulary,
            Methods = ["input x gradient"],
            Output = Path.Combine(folder.Path, "said"),
        });
        Assert.Null(said.Inputs[0].Error);
        Assert.Contains("good", File.ReadAllText(Path.Combine(folder.Path, "said", said.Inputs[0].Page!)), StringComparison.Ordinal);
    }

    [Fact]
    public void QuestionsAreReadAndRefused()
    {
        using var folder = new TempFolder();
        ExplainOptions options = Pictures(folder.Path, 1) with { Methods = ["gradient"], Audit = null };
        Assert.Equal("7", Explainer.Run(options with { Target = "7" }).Inputs[0].Target);
        Assert.Contains("neuron", Explainer.Run(options with { Target = "neuron:conv1:0,3,3" }).Inputs[0].Target, StringComparison.Ordinal);
        foreach (string baseline in new[] { "zeros", "mean", "blur", "0.5" })
            Assert.False(Explainer.Run(options with { Baseline = baseline, Methods = ["integrated gradients"] }).AnyFailed);
        Assert.Contains("neuron:SCOPE", Assert.Throws<Data.DataException>(() => Explainer.Run(options with { Target = "neuron:conv1" })).Message,
            StringComparison.Ordinal);
        Assert.Contains("baseline", Assert.Throws<Data.DataException>(() => Explainer.Run(options with { Baseline = "black" })).Message,
            StringComparison.Ordinal);
        Assert.Contains("vitrine methods", Assert.Throws<Data.DataException>(() => Explainer.Run(options with { Methods = ["magic"] })).Message,
            StringComparison.Ordinal);
    }

    // LeNet-5 as it is initialised, as weights and pictures in files.
    private static ExplainOptions Pictures(string folder, int count)
    {
        string weights = Path.Combine(folder, "lenet.safetensors"), pictures = Path.Combine(folder, "pictures");
        new LeNet5(Weights.Random(1)).Save(weights);
        Directory.CreateDirectory(pictures);
        Dataset digits = Data.Digits.Generate(count, count, 1).Train;
        for (int i = 0; i < count; i++) Picture.Of(digits[i].Image).Save(Path.Combine(pictures, $"{i}.png"));
        return new ExplainOptions { Model = weights, Inputs = [pictures], Output = Path.Combine(folder, "explained") };
    }
}
