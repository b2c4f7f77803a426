using System.Text.Json;

namespace Vitrine.Conformance;

/// <summary>One file of a folder of operator cases: inputs, outputs, the seeds of the backward pass and the gradients it should give.</summary>
internal sealed class OpCase
{
    private readonly IReadOnlyDictionary<string, Tensor> _tensors;

    private OpCase(string name, string op, Attributes attributes, string[] inputNames, IReadOnlyDictionary<string, Tensor> tensors)
    {
        Name = name;
        Op = op;
        Attributes = attributes;
        InputNames = inputNames;
        _tensors = tensors;
    }

    /// <summary>The file's name without its ending: <c>conv2d__pad</c>.</summary>
    public string Name { get; }

    public string Op { get; }

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
                Path.GetFileNameWithoutExtension(path), Required(metadata, "op"), Attributes.Parse(metadata.TryGetValue("attrs", out string? attrs) ? attrs : "{}"), inputs, tensors);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new MalformedCaseException(e.Message, e);
        }
    }

    /// <summary>The operator a file is about, from its name alone: a file too broken to open still has one.</summary>
    public static string OpOf(string path) => Path.GetFileNameWithoutExtension(path).Split("__")[0];

    public Tensor this[string name] => Find(name) ?? throw new MalformedCaseException($"tensor {name} is missing");

    public Tensor? Find(string name) => _tensors.TryGetValue(name, out Tensor? tensor) ? tensor : null;

    private static string Required(IReadOnlyDictionary<string, string> metadata, string key) =>
        metadata.TryGetValue(key, out string? value) ? value : throw new MalformedCaseException($"the metadata has no {key}");
}
