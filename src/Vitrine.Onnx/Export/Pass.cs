namespace Vitrine.Onnx;

/// <summary>How many examples two recorded runs had, and what a file calls that number.</summary>
internal readonly record struct Batch(int Own, int Other, string Name)
{
    public Batch Swapped => new(Other, Own, Name);
}

/// <summary>
/// A network's run, recorded to be written down: attention composed, each recurrent layer one operator. The inputs are the results of placeholders, so that
/// what is computed from integers is recorded as well.
/// </summary>
internal sealed class Pass
{
    private Pass(Tensor[] inputs, Tensor[] outputs, Dictionary<Tensor, string> results)
    {
        (Inputs, Outputs, Results) = (inputs, outputs, results);
        Nodes = Reach(outputs);
        Live = new HashSet<Tensor>(inputs, ReferenceEqualityComparer.Instance);
        foreach (Node node in Nodes) if (node.Inputs.Any(Live.Contains)) Live.Add(node.Output);
    }

    public IReadOnlyList<Tensor> Inputs { get; }

    public IReadOnlyList<Tensor> Outputs { get; }

    /// <summary>What the outputs were computed by, in an order in which it can be computed.</summary>
    public IReadOnlyList<Node> Nodes { get; }

    /// <summary>The innermost module call that gave a tensor.</summary>
    public IReadOnlyDictionary<Tensor, string> Results { get; }

    /// <summary>What depends on an input.</summary>
    public HashSet<Tensor> Live { get; }

    /// <summary>Runs a module.</summary>
    /// <param name="module">The network.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="single">Whether it is called with a tensor rather than with an array.</param>
    public static Pass Of(Module module, IReadOnlyList<Tensor> inputs, bool single)
    {
        Tensor[] given = [.. inputs.Select(Placeholder)];
        // Fused, for recurrent layers; a tapped layer of attention weights is computed on its own all the same.
        Run run = new Run(recording: true).Tap();
        Tensor[] outputs = single ? [module.Call(run, given[0])] : module.Call(run, (Tensor[])given.Clone());
        var results = new Dictionary<Tensor, string>(ReferenceEqualityComparer.Instance);
        // In a file, values have names beside those of the nodes.
        HashSet<string>? values = module is OnnxModule opened ? new HashSet<string>(opened.Values, StringComparer.Ordinal) : null;
        foreach ((string scope, Tensor result) in run.Taps) if (scope.Length > 0 && values?.Contains(scope) != false) results.TryAdd(result, scope);
        return new Pass(given, outputs, results);
    }

    private static Tensor Placeholder(Tensor x)
    {
        Tensor leaf = x.Alias(x.Shape);
        leaf.Source = new Node(InputOp.Instance, [], leaf, null);
        return leaf;
    }

    private static List<Node> Reach(Tensor[] outputs)
    {
        var found = new HashSet<Node>();
        var open = new Stack<Tensor>(outputs);
        while (open.TryPop(out Tensor? tensor))
        {
            if (tensor.Source is not { Op: not InputOp } node || !found.Add(node)) continue;
            foreach (Tensor input in node.Inputs) open.Push(input);
        }
        return [.. found.OrderBy(n => n.Id)];
    }

    /// <summary>Stands where an input enters.</summary>
    private sealed class InputOp : Op
    {
        public static InputOp Instance { get; } = new();

        public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => throw new NotSupportedException("an input is not computed");

        public override Tensor? Backward(Node node, Tensor grad, int input) => null;
    }
}
