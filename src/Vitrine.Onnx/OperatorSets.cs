using Vitrine.Onnx.Proto;

namespace Vitrine.Onnx;

/// <summary>Which definition of an operator a node means: that of the operator set its file, or its function, asks for.</summary>
internal sealed class OperatorSets
{
    /// <summary>The newest operator set whose definitions are all known here.</summary>
    public const long Newest = 24;

    private readonly Dictionary<string, long> _own;
    private readonly Dictionary<NodeProto, Dictionary<string, long>> _other = new(ReferenceEqualityComparer.Instance);

    /// <exception cref="OnnxException">No operator set is named.</exception>
    public OperatorSets(ModelProto model)
    {
        _own = Read(model.OpsetImport);
        if (!_own.ContainsKey("") && model.Graph.Node.Any(n => DomainOf(n).Length == 0)) throw new OnnxException("it names no operator set (opset_import), so its operators have no meaning.");
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
        string[] operators = [.. Protos.Graphs(main).SelectMany(g => g.Node).Where(n => DomainOf(n).Length == 0).Select(n => n.OpType).Distinct().Order(StringComparer.Ordinal)];
        yield return $"it asks for operator set {Version}; Vitrine knows {Newest}. These operators are run as {Newest} defines them: {string.Join(", ", operators)}.";
    }

    public static string DomainOf(NodeProto node) => Domain(node.Domain);

    private static string Domain(string domain) => domain == "ai.onnx" ? "" : domain;
}
