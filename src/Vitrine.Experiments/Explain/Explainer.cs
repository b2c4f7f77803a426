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
/// Explains what a network says about files: a page an input, an index, the raw values as <c>.npy</c> and the results as JSON. An input that cannot be read is reported
/// and does not stop the rest.
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
        var network = Network.Open(options, progress);
        Method[] methods = [.. Chosen(options.Methods)];
        Target target = ExplainQuestion.Target(options.Target, network.Labels);
        Baseline baseline = ExplainQuestion.Baseline(options.Baseline);
        string question = Question(options, methods);
        Dictionary<string, ExplainedInput> before = options.Resume ? Before(options, question) : [];

        var done = new List<ExplainedInput>();
        IReadOnlyList<string> files = Files(options.Inputs, out IReadOnlyList<(string Argument, string Error)> empty);
        foreach ((string argument, string error) in empty) done.Add(new ExplainedInput(argument, null, null, null, [], error));
        for (int i = 0; i < files.Count; i++)
        {
            string file = files[i];
            try
            {
                foreach (ExplainSubject subject in network.Read(file))
                {
                    if (before.TryGetValue(subject.Name, out ExplainedInput? known))
                    {
                        done.Add(known);
                        continue;
                    }
                    string count = string.Create(CultureInfo.InvariantCulture, $"{i + 1} of {files.Count}: {subject.Name}");
                    var page = new ExplainPage(network.Module, network.Labels, subject, options.Wrt ?? network.Embedding(subject.Input), target);
                    List<ExplainedMethod> explained = [.. methods.Select(method =>
                    {
                        progress?.Invoke($"{count}: {method.Name}");
                        return Explain(page, method, options, baseline, cancel);
                    })];
                    string name = FileName(subject.Name);
                    page.Compose(explained, question).Save(Path.Combine(options.Output, $"{name}.html"));
                    done.Add(new ExplainedInput(subject.Name, $"{name}.html", page.TargetInWords, page.Score, explained));
                    Write(options, question, done); // after every input, so that an interrupted run can be resumed
                }
            }
            catch (Exception e) when (Failure.Describe(e) is { } message && !cancel.IsCancellationRequested && !Failure.IsDiskFull(e))
            {
                done.Add(new ExplainedInput(file, null, null, null, [], message));
            }
        }
        return Write(options, question, done);
    }

    private static ExplainedMethod Explain(ExplainPage page, Method method, ExplainOptions options, Baseline baseline, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        try
        {
            IAttribution made = method.Create(new MethodOptions(options.Layer, baseline, options.Seed));
            Attribution found = page.Explain(made, cancel);
            double seconds = Math.Round(clock.Elapsed.TotalSeconds, 3);
            string file = Path.Combine("values", $"{FileName(page.Subject.Name)}.{FileName(method.Name)}.npy");
            Directory.CreateDirectory(Path.Combine(options.Output, "values"));
            NumPy.SaveArray(Path.Combine(options.Output, file), found.Values);
            Audit? audit = options.Audit is { } level ? page.Audit(made, level, baseline, cancel) : null;
            return new ExplainedMethod(method.Name, file, found.Values.Sum([]).Item(), seconds, audit?.Verdict, audit is null ? [] :
            [
                .. audit.Checks.Select(c => new ExplainedCheck(c.Name, c.Method.Mean, c.RandomMap.Mean, c.RandomMap.Low, c.RandomMap.High, c.Edges.Mean, c.Failed)),
            ]);
        }
        catch (Exception e) when (e is NotSupportedException or ArgumentException)
        {
            return new ExplainedMethod(method.Name, null, 0, 0, null, [], e.Message);
        }
    }

    private static IEnumerable<Method> Chosen(IReadOnlyList<string> names) => names is ["all"]
        ? Methods.All.Where(m => !m.Needs.HasFlag(Needs.Batch))
        : names.Select(name => Methods.All.FirstOrDefault(m => m.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new DataException($"No method is called '{name}'.", "'vitrine methods' lists them."));

    // Whatever decides the values, so that a resumed run never mixes two questions.
    private static string Question(ExplainOptions options, IEnumerable<Method> methods)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"target {options.Target}; baseline {options.Baseline}; ");
        text.Append(CultureInfo.InvariantCulture, $"attributed to {options.Wrt ?? "the input"}; ");
        if (options.Layer is not null) text.Append(CultureInfo.InvariantCulture, $"layer {options.Layer}; ");
        if (options.Preprocess is not null) text.Append(CultureInfo.InvariantCulture, $"preprocess {options.Preprocess}; ");
        text.Append(CultureInfo.InvariantCulture, $"audit {options.Audit?.ToString().ToLowerInvariant() ?? "none"}; seed {options.Seed}; ");
        text.Append(CultureInfo.InvariantCulture, $"methods {string.Join(", ", methods.Select(m => m.Name))}");
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

    private static ExplainResult Write(ExplainOptions options, string question, List<ExplainedInput> done)
    {
        var result = new ExplainResult(options.Model, question, [.. done]);
        OutputFolder.Write(Path.Combine(options.Output, ResultsName), result.ToJson(indented: true) + "\n");
        ExplainPage.Index(result).Save(Path.Combine(options.Output, "index.html"));
        return result;
    }

    // Tables, texts and arrays are named one by one or by a pattern; a folder stands for the pictures in it.
    private static IReadOnlyList<string> Files(IReadOnlyList<string> inputs, out IReadOnlyList<(string Argument, string Error)> empty) =>
        PictureFiles.Find(inputs, out empty);

    // Two inputs of one name in different folders stay apart by a hash of the whole path.
    private static string FileName(string name)
    {
        string plain = string.Concat(Path.GetFileName(name).Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? c : '-'));
        bool path = name.AsSpan().IndexOfAny('/', '\\') >= 0;
        return path ? $"{plain}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..6]}" : plain;
    }

    /// <summary>A network from a file with what is needed to feed it.</summary>
    private sealed class Network
    {
        private readonly Func<string, (Tensor Input, Picture Shown)>? _pictures;
        private readonly IReadOnlyList<OnnxExtent>? _shape;
        private readonly IReadOnlyDictionary<string, long>? _vocabulary;

        private Network(Module module, Func<string, (Tensor, Picture)>? pictures, IReadOnlyList<OnnxExtent>? shape, IReadOnlyList<string>? labels,
            IReadOnlyDictionary<string, long>? vocabulary)
        {
            Module = module;
            _pictures = pictures;
            _shape = shape;
            Labels = labels;
            _vocabulary = vocabulary;
        }

        public Module Module { get; }

        public IReadOnlyList<string>? Labels { get; }

        public static Network Open(ExplainOptions options, Action<string>? progress)
        {
            IReadOnlyList<string>? labels = options.Labels is { } file ? Experiments.Labels.Load(file) : null;
            IReadOnlyDictionary<string, long>? vocabulary = options.Vocabulary is { } words ? ExplainSubject.Vocabulary(words) : null;
            if (!ModelFile.IsOnnx(options.Model))
            {
                LeNetPrediction lenet = LeNetPrediction.Open(options.Model);
                return new Network(lenet.Network, LeNet, null, labels ?? lenet.Classes, vocabulary);
            }
            OnnxModule module = ModelFile.OpenOnnx(options.Model, w => progress?.Invoke(w));
            if (module.Inputs.Count != 1)
                throw new DataException($"The network takes {module.Inputs.Count} inputs; one can be explained.", "'vitrine open' shows them.", options.Model);
            IReadOnlyList<OnnxExtent>? shape = module.Inputs[0].Shape;
            if (module.Inputs[0].DType != DType.Float32 || shape is not { Count: 4 }) return new Network(module, null, shape, labels, vocabulary);
            Preprocess preprocess = Predictor.Suitable(options.Preprocess, shape, out string? assumption);
            if (assumption is not null) progress?.Invoke(assumption);
            return new Network(module, path =>
            {
                if (!File.Exists(path)) throw new DataException($"There is no picture {path}.", "Check the path.");
                var picture = Picture.Load(path);
                return (preprocess.Apply(picture), preprocess.Fit(picture));
            }, shape, labels, vocabulary);

            static (Tensor, Picture) LeNet(string path)
            {
                Tensor input = LeNetPrediction.Read(path, invert: false);
                return (input, Picture.Of(input));
            }
        }

        public IReadOnlyList<ExplainSubject> Read(string path) => ExplainSubject.Read(path, _pictures, _shape, _vocabulary);

        /// <summary>Tokens have no gradient: the first result of numbers, one row an example, stands for them. Null where the input holds numbers itself.</summary>
        public string? Embedding(Tensor input)
        {
            if (input.DType == DType.Float32) return null;
            foreach ((string scope, Tensor value) in Insight.Network.Activations(Module, input))
            {
                if (value.DType == DType.Float32 && value.Rank >= 3 && value.Shape[0] == input.Shape[0] && value.Shape[1] == input.Shape[1]) return scope;
            }
            throw new DataException("The network's input holds integers, and no layer of one vector a token was found.", "Name the layer with --wrt.");
        }
    }
}
