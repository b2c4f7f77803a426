using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Vitrine.Insight;
using Vitrine.Onnx;

namespace Vitrine.Conformance;

/// <summary>
/// Metrics of explanations of one network: <c>net.safetensors</c> holds input, mask and an <c>attribution.method</c> each, <c>net.json</c> what another
/// implementation says of them. A metric's options stand in its name: <c>top_k_intersection(k=30, abs)</c>.
/// </summary>
internal sealed partial class AuditCase
{
    private const double Relative = 1e-3;

    private readonly IReadOnlyDictionary<string, Tensor> _tensors;
    private readonly IReadOnlyList<string> _folders;
    private readonly string _net;

    private AuditCase(IReadOnlyDictionary<string, Tensor> tensors, string net, IReadOnlyList<string> folders)
    {
        _tensors = tensors;
        _net = net;
        _folders = folders;
    }

    /// <summary>Computes every metric of every attribution of a file. Whatever goes wrong is a failure of that metric's case.</summary>
    /// <param name="json">The file of expected values; the tensors lie beside it.</param>
    /// <param name="folders">Where the network's ONNX file may be, for metrics that need it.</param>
    public static IEnumerable<(string Name, Outcome Outcome, string Finding)> Run(string json, IReadOnlyList<string> folders)
    {
        string file = Path.GetFileNameWithoutExtension(json), problem = "";
        AuditCase? audit = null;
        JsonElement metrics = default;
        try
        {
            JsonElement root = JsonDocument.Parse(File.ReadAllBytes(json)).RootElement;
            metrics = root.GetProperty("metrics");
            audit = new AuditCase(SafeTensors.Load(Path.ChangeExtension(json, ".safetensors")), root.GetProperty("net").GetString()!, folders);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            problem = $"{e.GetType().Name}: {e.Message}";
        }
        if (audit is null)
        {
            yield return (file, Outcome.Failed, problem);
            yield break;
        }
        foreach (JsonProperty method in metrics.EnumerateObject())
        {
            foreach (JsonProperty metric in method.Value.EnumerateObject())
            {
                (Outcome outcome, string finding) = audit.Check(method.Name, metric.Name, metric.Value);
                yield return ($"{file} {method.Name} {metric.Name}", outcome, finding);
            }
        }
    }

    private (Outcome Outcome, string Finding) Check(string method, string metric, JsonElement expected)
    {
        try
        {
            Tensor maps = Tensor("attribution." + method);
            int examples = maps.Shape[0];
            if (expected.GetArrayLength() != examples) throw new MalformedCaseException($"{expected.GetArrayLength()} values for {examples} examples");
            string kind = metric.Split('(')[0];
            if (kind == "pixel_flipping") return Curves(metric, maps, expected);
            for (int n = 0; n < examples; n++)
            {
                if (Value(kind, metric, maps, n) is not { } found) return (Outcome.Skipped, "Vitrine has no such metric");
                double should = expected[n].ValueKind is JsonValueKind.True or JsonValueKind.False ? expected[n].GetBoolean() ? 1 : 0 : expected[n].GetDouble();
                // What is counted agrees exactly; its shares are the same division.
                double tolerance = kind is "effective_complexity" or "pointing_game" or "top_k_intersection" or "relevance_rank_accuracy" ? 1e-12 : Relative;
                if (Wrong(found, should, tolerance) is { } wrong) return (Outcome.Failed, $"example {n}: {wrong}");
            }
            return (Outcome.Passed, "");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return (Outcome.Failed, $"{e.GetType().Name}: {e.Message}");
        }
    }

    /// <summary>The value of a metric for one example, or null for one that Vitrine does not have.</summary>
    private double? Value(string kind, string metric, Tensor maps, int example)
    {
        float[] map = Example(maps, example);
        if (Flag(metric, "abs")) map = [.. map.Select(Math.Abs)];
        return kind switch
        {
            "sparseness_gini" => Complexity.Gini(map),
            "complexity_entropy" => Complexity.Entropy(map),
            "effective_complexity" => Complexity.Effective(map, Number(metric, "eps") * (Flag(metric, "divided by max") ? maps.Abs().Max([]).Item() : 1)),
            "pointing_game" => Localisation.PointingGame(map, Mask()) ? 1 : 0,
            "top_k_intersection" => Localisation.TopKIntersection(map, Mask(), (int)Number(metric, "k")),
            "relevance_mass_accuracy" => Localisation.MassAccuracy(map, Mask()),
            "relevance_rank_accuracy" => Localisation.RankAccuracy(map, Mask()),
            "auc" => Localisation.Auc(map, Mask()),
            "attribution_localisation" => Flag(metric, "positive") ? Localisation.PositiveInside(map, Mask()) : Localisation.MassAccuracy(map, Mask()),
            _ => null,
        };

        bool[] Mask() => [.. Example(Tensor("mask"), example).Select(v => v != 0)];
    }

    /// <summary><c>pixel_flipping(S pixels a step, baseline = minimum of the input, softmax of class K)</c>.</summary>
    private (Outcome Outcome, string Finding) Curves(string metric, Tensor maps, JsonElement expected)
    {
        Match options = Flipping().Match(metric);
        if (!options.Success) return (Outcome.Skipped, "Vitrine does not know these options");
        int step = int.Parse(options.Groups[1].Value, CultureInfo.InvariantCulture), target = int.Parse(options.Groups[2].Value, CultureInfo.InvariantCulture);
        string model = _folders.Select(f => Path.Combine(f, _net + ".onnx")).FirstOrDefault(File.Exists)
            ?? throw new MalformedCaseException($"there is no {_net}.onnx in {string.Join(" or ", _folders)}");
        OnnxModule net = OnnxModel.Open(model);
        var probabilities = new Function(x => net.Call(new Run(), x).Softmax(1));
        var darkest = Baseline.Of("minimum of each input", x => x.Min([.. Enumerable.Range(1, x.Rank - 1)], keepDims: true).Expand(x.Shape));
        float[][] curves = PixelCurves.Deletion(probabilities, Tensor("input"), maps, Target.Class(target), step, darkest);
        for (int n = 0; n < curves.Length; n++)
        {
            // There, a curve starts after the first step.
            if (expected[n].GetArrayLength() != curves[n].Length - 1)
            {
                return (Outcome.Failed, $"example {n}: {curves[n].Length - 1} steps, should be {expected[n].GetArrayLength()}");
            }
            for (int i = 1; i < curves[n].Length; i++)
            {
                if (Wrong(curves[n][i], expected[n][i - 1].GetDouble(), Relative) is { } wrong) return (Outcome.Failed, $"example {n}, step {i}: {wrong}");
            }
        }
        return (Outcome.Passed, "");
    }

    private Tensor Tensor(string name) =>
        _tensors.TryGetValue(name, out Tensor? tensor) ? tensor : throw new MalformedCaseException($"tensor {name} is missing");

    private static float[] Example(Tensor tensor, int n) => tensor.Slice(0, n, n + 1).ToArray();

    private static string? Wrong(double found, double should, double relative) =>
        Math.Abs(found - should) <= relative * Math.Abs(should) || found.Equals(should)
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"{found:G9}, should be {should:G9}");

    private static string[] Options(string metric) => metric.Split('(', 2) is [_, var rest] ? rest.TrimEnd(')').Split(", ") : [];

    private static bool Flag(string metric, string name) => Options(metric).Contains(name, StringComparer.Ordinal);

    private static double Number(string metric, string name) =>
        Options(metric).FirstOrDefault(o => o.StartsWith(name + "=", StringComparison.Ordinal)) is { } option
        ? double.Parse(option[(name.Length + 1)..], CultureInfo.InvariantCulture)
        : throw new MalformedCaseException($"{metric} does not say its {name}");

    [GeneratedRegex(@"^pixel_flipping\((\d+) pixels a step, baseline = minimum of the input, softmax of class (\d+)\)$")]
    private static partial Regex Flipping();
}
