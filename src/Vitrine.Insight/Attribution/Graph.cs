namespace Vitrine.Insight;

/// <summary>What rules want to know about the graph of a run beyond a single node.</summary>
internal sealed class Graph
{
    private readonly HashSet<Tensor> _dependent = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Tensor, int> _uses = new(ReferenceEqualityComparer.Instance);

    /// <summary>Reads the graph behind a result.</summary>
    /// <param name="root">The result.</param>
    /// <param name="input">What varies; everything else is a constant: weights, masks, positions.</param>
    public Graph(Tensor root, Tensor input)
    {
        _dependent.Add(input);
        foreach (Node node in Autograd.Ancestors(root))
        {
            bool depends = false;
            foreach (Tensor x in node.Inputs)
            {
                depends |= _dependent.Contains(x);
                _uses[x] = _uses.GetValueOrDefault(x) + 1;
            }
            if (!depends) continue;
            _dependent.Add(node.Output);
            Nodes.Add(node);
        }
    }

    /// <summary>The nodes that depend on the input, in creation order.</summary>
    public List<Node> Nodes { get; } = [];

    /// <summary>Whether a tensor varies with the input.</summary>
    public bool DependsOnInput(Tensor tensor) => _dependent.Contains(tensor);

    /// <summary>By how many operators a tensor is read.</summary>
    public int Uses(Tensor tensor) => _uses.GetValueOrDefault(tensor);

    /// <summary>Of the two inputs of a node, the one that does not depend on the input of the network; null when both do.</summary>
    public Tensor? Constant(Node node) => node.Inputs.FirstOrDefault(x => !DependsOnInput(x));
}
