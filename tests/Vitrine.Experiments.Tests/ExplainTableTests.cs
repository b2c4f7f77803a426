using System.Text.Json;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Models;
using Vitrine.Onnx;
using Vitrine.Render;

namespace Vitrine.Experiments.Tests;

/// <summary>Tables, texts, series and masks, from files to pages.</summary>
public sealed class ExplainTableTests
{
    private const string Description = """
        { "missing": ["?", ""],
          "inputs": [
            { "column": "age", "mean": 40, "std": 10, "missing": 40 },
            { "column": "job", "values": ["clerk, senior", "baker"] },
            { "column": "hours" } ] }
        """;

    [Fact]
    public void WordsMissingCellsAndQuotesBecomeInputs()
    {
        using var folder = new TempFolder();
        string file = Path.Combine(folder.Path, "rows.csv"), description = Path.Combine(folder.Path, "columns.json");
        File.WriteAllText(description, Description);
        File.WriteAllText(file, "name, age, job, hours\n\"Ann \"\"A\"\"\nB\", 50, \"clerk, senior\", 8\n\nBo, ?, baker, 4\nCy, 30, king, 0\n");
        (IReadOnlyList<string> names, int[] groups, List<(string[] Cells, float[] Values)> rows) = TableColumns.Read(file, TableColumns.Load(description));
        Assert.Equal(["age", "job", "hours"], names);
        Assert.Equal(new[] { 0, 1, 1, 2 }, groups);
        Assert.Equal(new float[][] { [1, 1, 0, 8], [0, 0, 1, 4], [-1, 0, 0, 0] }, rows.Select(r => r.Values));
        Assert.Equal(new[] { "50", "clerk, senior", "8" }, rows[0].Cells);
        Assert.Equal([1, 2, 5, 6], Csv.Read(file).Select(r => r.Line));

        File.WriteAllText(file, "age,job,hours\n1,baker,many\n");
        var error = Assert.Throws<DataException>(() => TableColumns.Read(file, TableColumns.Load(description)));
        Assert.Contains("'many' in line 2, column hours", error.Message, StringComparison.Ordinal);
        File.WriteAllText(file, "age,hours\n1,2\n");
        Assert.Contains("no column job", Assert.Throws<DataException>(() => TableColumns.Read(file, TableColumns.Load(description))).Message,
            StringComparison.Ordinal);
        File.WriteAllText(file, "age,\"hours\n1,2\n");
        Assert.Throws<DataException>(() => Csv.Read(file).ToList());
        File.WriteAllText(description, "{\"inputs\": [{\"mean\": 3}]}");
        Assert.Throws<DataException>(() => TableColumns.Load(description));
    }

    [Fact]
    public void AColumnOfWordsIsOnePart()
    {
        using var folder = new TempFolder();
        // 2 age + 3 or -1 by the job + 0.5 hours: a column's Shapley value is its term, less that of the baseline of zeros.
        ExplainOptions options = Table(folder) with { Methods = ["shapley values", "input x gradient", "lime for tables"], Audit = AuditLevel.Full };
        ExplainResult result = Explainer.Run(options);
        Assert.False(result.AnyFailed);
        Assert.Equal(12, result.Inputs.Count); // the folder stands for its table
        Assert.Null(result.Preprocess);
        float[] shapley = NumPy.LoadArray(Path.Combine(options.Output, result.Inputs[0].Methods[0].Values!)).ToArray();
        // The two inputs of the job are switched together, and each carries half of what it adds.
        Assert.Equal(2, shapley[0], 1e-4f);
        Assert.Equal(new[] { 1.5f, 1.5f }, shapley[1..3]);
        Assert.Equal(4, shapley[3], 1e-4f);
        ExplainedMethod lime = result.Inputs[0].Methods[2];
        Assert.InRange(lime.LocalFit!.Value, double.Epsilon, 1); // bins of an age say little about a sum that is linear in it; LimeTests have the formula
        string page = File.ReadAllText(Path.Combine(options.Output, result.Inputs[0].Page!));
        Assert.Contains("job = clerk, senior", page, StringComparison.Ordinal);
        Assert.Contains("variance (R2)", page, StringComparison.Ordinal);
        Assert.Contains("Deletion: the answer", page, StringComparison.Ordinal);
        Assert.Contains("lose their weights", page, StringComparison.Ordinal);
        Assert.All(result.Inputs[0].Methods, m => Assert.NotEmpty(m.Cascade));
    }

    [Fact]
    public void AFolderOfTextsIsReadAndTokensAreAudited()
    {
        using var folder = new TempFolder();
        Weights words = Weights.Random(2);
        var text = new Sequential(
            words, new Embedding(words.In("embedding"), 5, 4), new Function(words.In("mean"), x => x.Mean([1])), new Linear(words.In("fc"), 4, 2));
        string texts = Path.Combine(folder.Path, "texts"), vocabulary = Path.Combine(folder.Path, "words.vocabulary"),
            model = Path.Combine(folder.Path, "text.onnx");
        Directory.CreateDirectory(texts);
        OnnxExport.Save(text, Tensor.From(new long[4], [1, 4]), model);
        File.WriteAllText(vocabulary, "<pad>\n<unk>\ngood\nbad\nfilm\n");
        File.WriteAllText(Path.Combine(texts, "one.txt"), "a good film\nbad film\n");
        ExplainOptions options = new()
        {
            Model = model,
            Inputs = [texts],
            Vocabulary = vocabulary,
            Methods = ["input x gradient", "integrated gradients", "lime", "kernel shap", "deepshap"],
            Baseline = "token:1",
            Output = Out(folder, "text"),
        };
        ExplainResult result = Explainer.Run(options);
        Assert.False(result.AnyFailed);
        Assert.Equal(2, result.Inputs.Count);
        Assert.All(result.Inputs.SelectMany(i => i.Methods), m => Assert.True(m.Error is null && m.Checks.Count > 0, $"{m.Method}: {m.Error}{m.Verdict}"));
        // Completeness: the sum of a token's values is what it adds over the baseline's token; both kinds of methods compare with the same.
        double[] sums = [.. result.Inputs[0].Methods.Where(m => m.Method is not ("input x gradient" or "lime")).Select(m => m.Sum)];
        Assert.All(sums, s => Assert.Equal(sums[0], s, 1e-3 * (1 + Math.Abs(sums[0]))));
        Assert.Contains("lengths", File.ReadAllText(Path.Combine(options.Output, result.Inputs[0].Page!)), StringComparison.Ordinal);
        Assert.Throws<DataException>(() => ExplainQuestion.Baseline("blur", new ExplainSubject("x", Tensor.From(new long[2], [1, 2]), null, null)));
    }

    [Fact]
    public void ASeriesIsDrawnAlongItsTime()
    {
        using var folder = new TempFolder();
        Weights weights = Weights.Random(2);
        var net = new Sequential(
            weights, new Conv1d(weights.In("conv"), 2, 4, 3, padding: 1), Layer.Relu(weights.In("relu")), new Function(weights.In("mean"), x => x.Mean([2])),
                new Linear(weights.In("fc"), 4, 2));
        string model = Path.Combine(folder.Path, "series.onnx"), table = Path.Combine(folder.Path, "beat.csv"), array = Path.Combine(folder.Path, "beat.npy");
        OnnxExport.Save(net, Tensor.Zeros([1, 2, 20]), model);
        float[] values = new RandomSource(1).Normal([2, 20]).ToArray();
        File.WriteAllText(table, "left,right\n" + string.Join(
            '\n', Enumerable.Range(0, 20).Select(t => FormattableString.Invariant($"{values[t]:R},{values[20 + t]:R}"))));
        NumPy.SaveArray(array, Tensor.From(values, [1, 2, 20]));
        ExplainResult result = Explainer.Run(new ExplainOptions
        {
            Model = model,
            Inputs = [table, array],
            Methods = ["input x gradient"],
            Output = Out(folder, "series"),
        });
        Assert.False(result.AnyFailed);
        Assert.Equal(result.Inputs[0].Methods[0].Sum, result.Inputs[1].Methods[0].Sum); // the same series, as a table and as an array
        string page = File.ReadAllText(Path.Combine(Out(folder, "series"), result.Inputs[0].Page!));
        Assert.Contains("time step", page, StringComparison.Ordinal);
        Assert.Contains("left", page, StringComparison.Ordinal);
    }

    [Fact]
    public void LayersAreAuditedMasksAreAskedAndThePreprocessingIsKept()
    {
        using var folder = new TempFolder();
        string weights = Path.Combine(folder.Path, "lenet.safetensors"), picture = Path.Combine(folder.Path, "seven.png"),
            mask = Path.Combine(folder.Path, "mask.png");
        new LeNet5(Weights.Random(1)).Save(weights);
        Tensor image = Data.Digits.Generate(1, 1, 1).Train[0].Image;
        Picture.Of(image).Save(picture);
        Picture.Of(image.Greater(Tensor.Scalar(0.5f)).Cast(DType.Float32)).Save(mask);
        ExplainOptions options = new() { Model = weights, Inputs = [picture], Methods = ["gradient"], Mask = mask, Output = Path.Combine(folder.Path, "out") };
        ExplainResult result = Explainer.Run(options);
        foreach (string check in (string[])["pointing game", "mass inside", "rank inside", "top 5 % inside", "auc"])
            Assert.Contains(result.Inputs[0].Methods[0].Checks, c => c.Name == check);
        // The description in the results is one that --preprocess reads.
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(options.Output, "results.json")));
        Assert.Equal(ChannelOrder.Grey, Preprocess.Parse(json.RootElement.GetProperty("preprocess").GetRawText()).Order);
        Assert.Contains("How the picture became the input", File.ReadAllText(Path.Combine(options.Output, result.Inputs[0].Page!)), StringComparison.Ordinal);

        ExplainedMethod layer = Explainer.Run(options with { Mask = null, Wrt = "conv2" }).Inputs[0].Methods[0];
        Assert.Contains(layer.Checks, c => c.Name == "random weights");
        Assert.Throws<DataException>(() => Explainer.Run(options with { Wrt = "conv2" }));
    }

    [Fact]
    public void AdultCensusFromFileToPage()
    {
        string data = Path.Combine(Environment.GetEnvironmentVariable("VITRINE_DATA") ?? "", "tabular", "adult-shap", "adult.data");
        Assert.SkipUnless(File.Exists(data), "needs VITRINE_DATA with tabular/adult-shap/adult.data");
        using var folder = new TempFolder();
        string[] names = ["Age", "Workclass", "Weight", "Education", "Years", "Marital", "Occupation", "Relationship", "Race", "Sex", "Gain", "Loss", "Hours",
            "Country", "Income"];
        List<string[]> rows = [.. Csv.Read(data).Select(r => r.Cells).Take(4_000)];
        string description = Path.Combine(folder.Path, "columns.json"), table = Path.Combine(folder.Path, "adult.csv"),
            model = Path.Combine(folder.Path, "adult.onnx");
        int[] numbers = [0, 4, 10, 11, 12], kinds = [1, 5, 6, 7, 9];
        using (var stream = File.Create(description))
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartArray("names");
            foreach (string name in names) json.WriteStringValue(name);
            json.WriteEndArray();
            json.WriteStartArray("missing");
            json.WriteStringValue("?");
            json.WriteEndArray();
            json.WriteStartArray("inputs");
            foreach (int c in numbers)
            {
                double[] column = [.. rows.Select(r => double.Parse(r[c], System.Globalization.CultureInfo.InvariantCulture))];
                double mean = column.Average();
                json.WriteStartObject();
                json.WriteString("column", names[c]);
                json.WriteNumber("mean", mean);
                json.WriteNumber("std", Math.Sqrt(column.Average(v => (v - mean) * (v - mean))));
                json.WriteEndObject();
            }
            foreach (int c in kinds)
            {
                json.WriteStartObject();
                json.WriteString("column", names[c]);
                json.WriteStartArray("values");
                foreach (string value in rows.Select(r => r[c]).Where(v => v != "?").Distinct().Order(StringComparer.Ordinal)) json.WriteStringValue(value);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        (_, int[] groups, List<(string[] Cells, float[] Values)> encoded) = TableColumns.Read(data, TableColumns.Load(description));
        var learn = new Dataset(
            Tensor.From([.. encoded.Take(4_000).SelectMany(r => r.Values)], [4_000, groups.Length]),
            Tensor.From([.. rows.Select(r => r[14] == ">50K" ? 1L : 0)], [4_000]), ["at most 50K", "more than 50K"]);
        Weights weights = Weights.Random(1);
        var net = new Sequential(weights, new Linear(weights.In("fc1"), groups.Length, 24), Layer.Relu(weights.In("relu")),
            new Linear(weights.In("fc2"), 24, 2));
        TrainingLog log = new Trainer(net, new Adam(3e-3)) { BatchSize = 64 }.Fit(learn, epochs: 6);
        OnnxExport.Save(net, Tensor.Zeros([1, groups.Length]), model);
        File.WriteAllLines(table, File.ReadLines(data).Skip(30_000).Take(2));
        ExplainResult result = Explainer.Run(new ExplainOptions
        {
            Model = model,
            Inputs = [table],
            Columns = description,
            Background = data,
            Baseline = "mean",
            Target = "1",
            Methods = ["shapley values", "integrated gradients", "lime for tables"],
            Output = Out(folder, "adult"),
        });
        Assert.False(result.AnyFailed);
        Assert.Equal(2, result.Inputs.Count);
        Assert.All(result.Inputs.SelectMany(i => i.Methods), m => Assert.True(m.Error is null, $"{m.Method}: {m.Error}"));
        Assert.True(log.Epochs[^1].Loss < 0.5);
    }

    // VITRINE_PAGES names a folder in which the pages stay, to be looked at.
    private static string Out(TempFolder folder, string name) => Path.Combine(Environment.GetEnvironmentVariable("VITRINE_PAGES") ?? folder.Path, name);

    private static ExplainOptions Table(TempFolder temporary)
    {
        string folder = temporary.Path;
        string description = Path.Combine(folder, "columns.json"), tables = Path.Combine(folder, "tables"), model = Path.Combine(folder, "table.onnx");
        Directory.CreateDirectory(tables);
        File.WriteAllText(description, Description);
        var random = new RandomSource(3);
        File.WriteAllText(Path.Combine(tables, "rows.csv"), "age,job,hours\n50,\"clerk, senior\",8\n"
            + string.Concat(Enumerable.Range(0, 11).Select(
                _ => $"{20 + random.NextInt(50)},{(random.NextInt(2) == 0 ? "baker" : "\"clerk, senior\"")},{random.NextInt(10)}\n")));
        var state = new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            ["fc.weight"] = Tensor.From([2f, 3, -1, 0.5f, 0, 0, 0, 0], [2, 4]),
            ["fc.bias"] = Tensor.From([0.25f, 0]),
        };
        Weights weights = Weights.From(state);
        OnnxExport.Save(new Sequential(weights, new Linear(weights.In("fc"), 4, 2)), Tensor.Zeros([1, 4]), model);
        return new ExplainOptions { Model = model, Inputs = [tables], Columns = description, Target = "0", Output = Out(temporary, "table") };
    }
}
