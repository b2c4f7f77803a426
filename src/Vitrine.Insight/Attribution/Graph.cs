namespace Vitrine.Insight;

/// <summary>What rules want to know about the graph of a run beyond a single node.</summary>
internal sealed class Graph
{
    private readonly HashSet<Tensor> _dependent = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Tensor, List<Node>> _readers = new(ReferenceEqualityComparer.Instance);

    /// <summary>Reads the graph behind a result.</summary>
    /// <param name="root">The result.</param>
    /// <param name="inputs">What varies; everything that does not depend on it is a constant: weights, masks, positions.</param>
    public Graph(Tensor root, params ReadOnlySpan<Tensor> inputs)
    {
        foreach (Tensor input in inputs) _dependent.Add(input);
        foreach (Node node in Autograd.Ancestors(root))
        {
            bool depends = false;
            foreach (Tensor x in node.Inputs)
            {
                depends |= _dependent.Contains(x);
                if (!_readers.TryGetValue(x, out List<Node>? readers)) _readers.Add(x, readers = []);
                readers.Add(node);
            }
            if (!depends) continue;
            _dependent.Add(node.Output);
            Nodes.Add(node);
        }
    }

    /// <summary>The nodes that depend on the inputs, in creation order.</summary>
    public List<Node> Nodes { get; } = [];

    /// <summary>Whether a tensor varies with the inputs.</summary>
    public bool Varies(Tensor tensor) => _dependent.Contains(tensor);

    /// <summary>The only operator that reads a tensor, or null.</summary>
    public Node? OnlyReader(Tensor tensor) => _readers.TryGetValue(tensor, out List<Node>? readers) && readers.Count == 1 ? readers[0] : null;

    /// <summary>The first input of a node that does not vary, or null.</summary>
    public Tensor? Constant(Node node) => node.Inputs.FirstOrDefault(x => !Varies(x));
}
