using Vitrine.Onnx.Proto;

namespace Vitrine.Onnx;

/// <summary>Which definition of an operator a node means: that of the operator set its file, or its function, asks for.</summary>
internal sealed class OperatorSets
{
    /// <summary>The newest operator set whose definitions are all known here.</summary>
    public const long Newest = 24;

    /// <summary>The newest operator set of which is known here what it changed.</summary>
    private const long Told = 25;

    /// <summary>What operator set 25 (ONNX 1.20) defines anew: types of two bits were added to them.</summary>
    private static readonly HashSet<string> Changed = new(StringComparer.Ordinal)
    {
        "Cast", "CastLike", "Constant", "ConstantOfShape", "DequantizeLinear", "Flatten", "Identity", "If", "Loop", "Pad", "QuantizeLinear", "Reshape", "Scan",
        "Shape", "Size",
        "Squeeze", "Transpose", "Unsqueeze",
    };

    private readonly Dictionary<string, long> _own;
    private readonly Dictionary<NodeProto, Dictionary<string, long>> _other = new(ReferenceEqualityComparer.Instance);

    /// <exception cref="OnnxException">No operator set is named.</exception>
    public OperatorSets(ModelProto model)
    {
        _own = Read(model.OpsetImport);
        if (!_own.ContainsKey("") && model.Graph.Node.Any(n => DomainOf(n).Length == 0))
        {
            throw new OnnxException("it names no operator set (opset_import), so its operators have no meaning.");
        }
    }

    /// <summary>The version of the format's own operator set.</summary>
    public long Version => _own.GetValueOrDefault("", Newest);

    /// <summary>The versions by domain, the format's own as the empty one.</summary>
    public static Dictionary<string, long> Read(IEnumerable<OperatorSetIdProto> sets)
    {
        var versions = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (OperatorSetIdProto set in sets) versions[Domain(set.Domain)] = Math.Max(set.Version, versions.GetValueOrDefault(Domain(set.Domain)));
        return versions;
    }

    /// <summary>A node that came from a function whose operator sets are other ones.</summary>
    public void Set(NodeProto node, Dictionary<string, long> versions) => _other[node] = versions;

    /// <summary>The definition that a node means, or null when there is none.</summary>
    public Definition? Find(NodeProto node)
    {
        string domain = DomainOf(node);
        return Registry.Find(domain, node.OpType, _other.GetValueOrDefault(node, _own).GetValueOrDefault(domain, domain.Length == 0 ? Version : 1));
    }

    /// <summary>What to tell about a file that asks for a newer operator set than is known here.</summary>
    public IEnumerable<string> Warnings(GraphProto main)
    {
        if (Version <= Newest) yield break;
        IEnumerable<string> operators = Protos.Graphs(main).SelectMany(g => g.Node).Where(n => DomainOf(n).Length == 0).Select(n => n.OpType).Distinct();
        if (Version <= Told) operators = operators.Where(Changed.Contains);
        string[] names = [.. operators.Order(StringComparer.Ordinal)];
        if (names.Length == 0) yield break;
        yield return $"it asks for operator set {Version}; Vitrine knows {Newest}. These operators, which {(Version <= Told ? "were" : "may have been")} " +
                     $"defined anew since, are run as {Newest} has them: {string.Join(", ", names)}.";
    }

    public static string DomainOf(NodeProto node) => Domain(node.Domain);

    private static string Domain(string domain) => domain == "ai.onnx" ? "" : domain;
}
