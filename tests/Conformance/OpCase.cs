using System.Text.Json;

namespace Vitrine.Conformance;

/// <summary>One file of a folder of operator cases: inputs, outputs, the seeds of the backward pass and the gradients it should give.</summary>
internal sealed class OpCase
{
    private readonly IReadOnlyDictionary<string, Tensor> _tensors;

    private OpCase(string name, string op, Attributes attributes, string[] inputNames, string source, IReadOnlyDictionary<string, Tensor> tensors)
    {
        Source = source;
        Name = name;
        Op = op;
        Attributes = attributes;
        InputNames = inputNames;
        _tensors = tensors;
    }

    /// <summary>The file's name without its ending: <c>conv2d__pad</c>.</summary>
    public string Name { get; }

    public string Op { get; }

    /// <summary>What computed the answers: <c>PyTorch 1.13.0a0 float64</c>.</summary>
    public string Source { get; }

    public Attributes Attributes { get; }

    public IReadOnlyList<string> InputNames { get; }

    /// <summary>The names of all tensors in the file.</summary>
    public IEnumerable<string> TensorNames => _tensors.Keys;

    public static OpCase Load(string path)
    {
        try
        {
            IReadOnlyDictionary<string, Tensor> tensors = SafeTensors.Load(path, out IReadOnlyDictionary<string, string> metadata);
            string[] inputs = JsonSerializer.Deserialize<string[]>(Required(metadata, "inputs")) ?? throw new MalformedCaseException("inputs is null");
            return new OpCase(
                Path.GetFileNameWithoutExtension(path), Required(metadata, "op"), Attributes.Parse(metadata.GetValueOrDefault("attrs", "{}")), inputs,
                metadata.GetValueOrDefault("source", ""), tensors);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new MalformedCaseException(e.Message, e);
        }
    }

    public Tensor this[string name] => Find(name) ?? throw new MalformedCaseException($"tensor {name} is missing");

    public Tensor? Find(string name) => _tensors.TryGetValue(name, out Tensor? tensor) ? tensor : null;

    private static string Required(IReadOnlyDictionary<string, string> metadata, string key) =>
        metadata.TryGetValue(key, out string? value) ? value : throw new MalformedCaseException($"the metadata has no {key}");
}
