using System.Globalization;
using System.Text.Json;
using Vitrine.Onnx;

namespace Vitrine.Conformance;

/// <summary>A network in an ONNX file with what another implementation answers: its output and explanations of it.</summary>
internal sealed class NetCase
{
    private const double Forward = 1e-4;
    private const double Method = 1e-3;

    /// <summary>Tensors of a golden file that are given, not asked for.</summary>
    private static readonly string[] Given = ["input", "baseline", "baselines", "segments"];

    private readonly IReadOnlyDictionary<string, Tensor> _tensors;

    private NetCase(IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string> metadata, OnnxModule model)
    {
        _tensors = tensors;
        Model = model;
        Name = metadata["net"];
        Methods = JsonDocument.Parse(metadata.GetValueOrDefault("methods", "{}")).RootElement;
        // One class for all examples, or a list with one for each.
        JsonElement target = JsonDocument.Parse(metadata["target"]).RootElement;
        Classes = target.ValueKind == JsonValueKind.Array
            ? [.. target.EnumerateArray().Select(k => k.GetInt32())]
            : [.. Enumerable.Repeat(target.GetInt32(), Input.Shape[0])];
    }

    public OnnxModule Model { get; }

    /// <summary>The network's name.</summary>
    public string Name { get; }

    /// <summary>The class that is explained, for each example.</summary>
    public IReadOnlyList<int> Classes { get; }

    /// <summary>What the file says of its methods: the parameters of each, by the tensor's name.</summary>
    public JsonElement Methods { get; }

    public Tensor Input => this["input"];

    /// <summary>Whether an operator of a kind is on the way from the input to the output.</summary>
    public bool Uses<T>()
        where T : Op => Autograd.Ancestors(Model.Call(new Run(recording: true, fused: false), Input.Watch())).Any(n => n.Op is T);

    /// <summary>A tensor of the file.</summary>
    public Tensor this[string name] => _tensors.TryGetValue(name, out Tensor? tensor) ? tensor : throw new MalformedCaseException($"tensor {name} is missing");

    /// <summary>The tensors of a file that are to be computed.</summary>
    public static IEnumerable<string> Names(string golden) => SafeTensors.Load(golden).Keys.Where(n => !Given.Contains(n));

    /// <summary>Computes every tensor of a golden file, or one. Whatever goes wrong is a failure of that tensor's case.</summary>
    public static IEnumerable<(string Name, Outcome Outcome, string Finding)> Run(string golden, IReadOnlyList<string> folders, string? only = null)
    {
        string file = Path.GetFileName(golden);
        NetCase? net = null;
        string problem = "";
        try
        {
            IReadOnlyDictionary<string, Tensor> tensors = SafeTensors.Load(golden, out IReadOnlyDictionary<string, string> metadata);
            if (!metadata.TryGetValue("net", out string? name)) throw new MalformedCaseException("the metadata names no net");
            string model = folders.Select(f => Path.Combine(f, name + ".onnx")).FirstOrDefault(File.Exists)
                ?? throw new MalformedCaseException($"there is no {name}.onnx in {string.Join(" or ", folders)}");
            net = new NetCase(tensors, metadata, OnnxModel.Open(model));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            problem = $"{e.GetType().Name}: {e.Message}";
        }
        if (net is null)
        {
            yield return (file, Outcome.Failed, problem);
            yield break;
        }
        foreach (string name in net._tensors.Keys.Where(n => !Given.Contains(n) && (only is null || n == only)))
        {
            (Outcome outcome, string finding) = net.Check(name);
            yield return ($"{file[..^".golden.safetensors".Length]} {name}", outcome, finding);
        }
    }

    private (Outcome Outcome, string Finding) Check(string name)
    {
        try
        {
            if (name == "output")
            {
                // As it is written, and on the short way of an inference.
                string? wrong = Difference(Model.Call(new Run(fused: false), Input), _tensors[name], Forward)
                    ?? Difference(Model.Predict(Input), _tensors[name], Forward);
                return (wrong is null ? Outcome.Passed : Outcome.Failed, wrong ?? "");
            }
            if (MethodCases.NotYet(this, name) is { } reason) return (Outcome.Skipped, reason);
            string? difference = Difference(MethodCases.Compute(this, name), _tensors[name], Method);
            if (difference is null) return (Outcome.Passed, "");
            foreach (double moved in MethodCases.MayLieBesideAKink(name) ? [1e-6, -1e-6] : Array.Empty<double>())
            {
                if (Difference(MethodCases.Compute(this, name, moved), _tensors[name], Method) is null)
                    return (Outcome.Passed, $"agrees with its points moved by {moved:G1} and not as they are: {difference}");
            }
            return (Outcome.Failed, difference);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return (Outcome.Failed, $"{e.GetType().Name}: {e.Message}");
        }
    }

    /// <summary>What is wrong with a tensor, or null: no element may be off by more than a share of the largest.</summary>
    private static string? Difference(Tensor actual, Tensor expected, double relative)
    {
        if (actual.Shape != expected.Shape) return $"the shape is {actual.Shape}, should be {expected.Shape}";
        float[] a = actual.ToArray(), b = expected.ToArray();
        double largest = b.Max(v => Math.Abs((double)v)), worst = a.Zip(b).Max(p => Math.Abs((double)p.First - p.Second));
        return worst <= relative * largest
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"the largest difference is {worst:G4}, the largest value {largest:G4}");
    }
}
