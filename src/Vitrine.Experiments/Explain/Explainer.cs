using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Onnx;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>
/// Explains what a network says about files: a page an input, an index, the raw values as <c>.npy</c> and the results as JSON. An input that cannot be read is
/// reported and does not stop the rest.
/// </summary>
public static class Explainer
{
    private const string ResultsName = "results.json";

    /// <summary>Explains every input.</summary>
    /// <param name="options">What, and how.</param>
    /// <param name="progress">Hears what is being done, in words; or null.</param>
    /// <param name="cancel">Ends it; what is finished stays, and can be resumed from.</param>
    /// <exception cref="DataException">The model or an option is not sound.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="IOException">A file cannot be read or written.</exception>
    public static ExplainResult Run(ExplainOptions options, Action<string>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        OutputFolder.Prepare(options.Output);
        progress?.Invoke("opening the model");
        OpenedNetwork network = OpenedNetwork.Open(options.Model, options.Preprocess, options.Labels, progress);
        IReadOnlyDictionary<string, long>? vocabulary = options.Vocabulary is { } words ? ExplainSubject.Vocabulary(words) : null;
        TableColumns? columns = options.Columns is { } described ? TableColumns.Load(described) : null;
        Picture? mask = options.Mask is { } drawn ? Picture.Load(drawn) : null;
        if (mask is not null && (options.Wrt is not null || !network.TakesPictures))
            throw new DataException("A mask is of the picture that goes in.", "Leave --mask out, or --wrt.", options.Mask);
        Check(options.Methods);
        ExplainQuestion.CheckBaseline(options.Baseline);
        Target target = ExplainQuestion.Target(options.Target, network.Labels);
        string question = Question(options);
        JsonElement? preprocess = Described(network);
        Dictionary<string, ExplainedInput> before = options.Resume ? Before(options, question) : [];

        var done = new List<ExplainedInput>();
        bool tokens = network.Module is OnnxModule { Inputs: [{ DType: not DType.Float32 }] };
        IReadOnlyList<string> files = PictureFiles.Find(
            options.Inputs, ExplainSubject.Endings(network, tokens), network.TakesPictures ? "pictures" : tokens ? "texts" : "tables",
            out IReadOnlyList<(string Argument, string Error)> empty);
        foreach ((string argument, string error) in empty) done.Add(new ExplainedInput(argument, null, null, null, [], error));
        for (int i = 0; i < files.Count; i++)
        {
            string file = files[i];
            try
            {
                foreach (ExplainSubject subject in ExplainSubject.Read(file, network, vocabulary, columns, options.Background))
                {
                    if (before.TryGetValue(subject.Name, out ExplainedInput? known))
                    {
                        done.Add(known);
                        continue;
                    }
                    string count = string.Create(CultureInfo.InvariantCulture, $"{i + 1} of {files.Count}: {subject.Name}");
                    var page = new ExplainPage(network, subject, options.Wrt, target, mask);
                    Baseline baseline = ExplainQuestion.Baseline(options.Baseline, subject);
                    List<ExplainedMethod> explained = [.. Chosen(options.Methods, subject).Select(method =>
                    {
                        progress?.Invoke($"{count}: {method.Name}");
                        return Explain(network, page, method, options, baseline, cancel);
                    })];
                    string name = FileName(subject.Name);
                    page.Compose(explained, question, subject.Picture is null ? null : preprocess).Save(Path.Combine(options.Output, $"{name}.html"));
                    done.Add(new ExplainedInput(subject.Name, $"{name}.html", page.TargetInWords, page.Score, explained));
                    Write(options, question, preprocess, done); // after every input, so that an interrupted run can be resumed
                }
            }
            catch (Exception e) when (Failure.Describe(e) is { } message && !cancel.IsCancellationRequested && !Failure.IsDiskFull(e))
            {
                done.Add(new ExplainedInput(file, null, null, null, [], message));
            }
        }
        return Write(options, question, preprocess, done);
    }

    private static ExplainedMethod Explain(
        OpenedNetwork network, ExplainPage page, Method method, ExplainOptions options, Baseline baseline, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        IAttribution made;
        ExplainedMethod explained;
        try
        {
            made = SharedOut.Where(method.Create(Options(network, page.Subject, options, baseline)), page.Subject.Groups);
            Attribution found = page.Explain(method, made, cancel);
            double seconds = Math.Round(clock.Elapsed.TotalSeconds, 3);
            string file = Path.Combine("values", $"{FileName(page.Subject.Name)}.{FileName(method.Name)}.npy");
            Directory.CreateDirectory(Path.Combine(options.Output, "values"));
            NumPy.SaveArray(Path.Combine(options.Output, file), found.Values);
            explained = new ExplainedMethod(method.Name, file, found.Values.Sum([]).Item(), seconds, null, []) { LocalFit = found.LocalFit?[0] };
        }
        catch (Exception e) when (e is NotSupportedException or ArgumentException)
        {
            return new ExplainedMethod(method.Name, null, 0, 0, null, [], e.Message);
        }
        if (options.Audit is not { } level) return explained;
        Audit audit;
        try
        {
            audit = page.Audit(made, level, baseline, cancel);
        }
        catch (Exception e) when (e is NotSupportedException or ArgumentException)
        {
            return explained with { Verdict = $"Could not be checked: {e.Message}" }; // the explanation stands all the same
        }
        return explained with
        {
            Verdict = audit.Verdict,
            Checks = [.. audit.Checks.Select(
                c => new ExplainedCheck(c.Name, c.Method.Mean, c.RandomMap.Mean, c.RandomMap.Low, c.RandomMap.High, c.Edges.Mean, c.Failed))],
            Curves = audit.Curves,
            Cascade = [.. (audit.Cascade ?? []).Select(l => new ExplainedLikeness(l.What, l.Spearman[0]))],
        };
    }

    private static MethodOptions Options(OpenedNetwork network, ExplainSubject subject, ExplainOptions options, Baseline baseline)
    {
        const int most = 100; // rows that methods of many baselines compare with: each costs a pass
        Tensor? background = subject.Input.DType != DType.Float32 ? baseline.For(subject.Input)
            : subject.Background is { } rows ? rows.Slice(0, 0, Math.Min(most, rows.Shape[0])) : null;
        (Tensor? low, Tensor? high) = subject.Picture is null ? default((Tensor?, Tensor?)) : network.Range;
        return new MethodOptions(options.Layer, baseline, options.Seed)
        {
            Background = background,
            Features = subject.Groups is { } groups ? Features.Of(Tensor.From([.. groups.Select(g => (float)g)], [groups.Length])) : null,
            Low = low,
            High = high,
        };
    }

    private static void Check(IReadOnlyList<string> names)
    {
        foreach (string name in names)
        {
            if (names is not ["all"] && !MethodList.All.Any(m => m.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
                throw new DataException($"No method is called '{name}'.", "'vitrine methods' lists them.");
        }
    }

    // Of a table there are rows to learn quartiles from: LIME has a form of its own for it.
    private static IEnumerable<Method> Chosen(IReadOnlyList<string> names, ExplainSubject subject)
    {
        const int fewest = 10;
        List<Method> known = [.. Methods.All];
        if (subject.Background is { } rows && rows.Shape[0] >= fewest) known.Add(Methods.LimeForTables(rows));
        return names is ["all"]
            ? known.Where(m => !m.Needs.HasFlag(Needs.Batch))
            : names.Select(name => known.FirstOrDefault(m => m.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                ?? throw new DataException($"{name} is for tables of at least {fewest} rows.", "Give a larger table, or its like with --background."));
    }

    // In full, so that a reader can do it again.
    private static JsonElement? Described(OpenedNetwork network)
    {
        if (!network.TakesPictures) return null;
        Preprocess preprocess = network.Preprocess ?? new Preprocess { Order = ChannelOrder.Grey }; // LeNet-5 reads grey pictures as they are, 0 to 1
        using JsonDocument document = JsonDocument.Parse(preprocess.ToJson());
        return document.RootElement.Clone();
    }

    // Whatever decides the values, so that a resumed run never mixes two questions.
    private static string Question(ExplainOptions options)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"target {options.Target}; baseline {options.Baseline}; ");
        text.Append(CultureInfo.InvariantCulture, $"attributed to {options.Wrt ?? "the input"}; ");
        if (options.Layer is not null) text.Append(CultureInfo.InvariantCulture, $"layer {options.Layer}; ");
        if (options.Preprocess is not null) text.Append(CultureInfo.InvariantCulture, $"preprocess {options.Preprocess}; ");
        if (options.Columns is not null) text.Append(CultureInfo.InvariantCulture, $"columns {options.Columns}; ");
        if (options.Background is not null) text.Append(CultureInfo.InvariantCulture, $"background {options.Background}; ");
        if (options.Mask is not null) text.Append(CultureInfo.InvariantCulture, $"mask {options.Mask}; ");
        text.Append(CultureInfo.InvariantCulture, $"audit {options.Audit?.ToString().ToLowerInvariant() ?? "none"}; seed {options.Seed}; ");
        text.Append(CultureInfo.InvariantCulture, $"methods {string.Join(", ", options.Methods)}");
        return text.ToString();
    }

    private static Dictionary<string, ExplainedInput> Before(ExplainOptions options, string question)
    {
        string path = Path.Combine(options.Output, ResultsName);
        if (!File.Exists(path)) return [];
        try
        {
            ExplainResult? result = JsonSerializer.Deserialize(File.ReadAllText(path), ResultJson.Default.ExplainResult);
            if (result is null || result.Model != options.Model || result.Question != question) return [];
            return result.Inputs.Where(i => i.Error is null && i.Page is { } page && File.Exists(Path.Combine(options.Output, page)))
                .ToDictionary(i => i.Input, StringComparer.Ordinal);
        }
        catch (JsonException)
        {
            return []; // not ours, or damaged: everything is explained again
        }
    }

    private static ExplainResult Write(ExplainOptions options, string question, JsonElement? preprocess, List<ExplainedInput> done)
    {
        var result = new ExplainResult(options.Model, question, [.. done]) { Preprocess = preprocess };
        OutputFolder.Write(Path.Combine(options.Output, ResultsName), result.ToJson(indented: true) + "\n");
        ExplainPage.Index(result).Save(Path.Combine(options.Output, "index.html"));
        return result;
    }

    // Two inputs of one name in different folders stay apart by a hash of the whole path.
    private static string FileName(string name)
    {
        string plain = string.Concat(Path.GetFileName(name).Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? c : '-'));
        bool path = name.AsSpan().IndexOfAny('/', '\\') >= 0;
        return path ? $"{plain}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..6]}" : plain;
    }
}
