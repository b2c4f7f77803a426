namespace Vitrine.Insight;

/// <summary>
/// A network from the result of one of its layers on: what goes in takes that result's place. A question about the layer is a question about the input of this
/// network, so that whatever can be asked of an input can be asked of a layer.
/// </summary>
/// <remarks>Parts of the network that do not pass the layer (a shortcut around it, a mask made of tokens) still see the original input.</remarks>
internal sealed class FromLayer : Module
{
    private readonly Module _inner;
    private readonly Tensor _input;
    private readonly string _layer;

    /// <summary>Cuts a network open.</summary>
    /// <param name="inner">The network.</param>
    /// <param name="input">What it is run on, [N, ...].</param>
    /// <param name="layer">The module call whose result is replaced.</param>
    /// <exception cref="ArgumentException">There is no such module call.</exception>
    public FromLayer(Module inner, Tensor input, string layer)
        : base(Weights.Random(0))
    {
        _inner = inner;
        _input = input.Detach();
        _layer = layer;
        using var scope = MemoryScope.Open();
        var run = new Run(fused: false).Tap(layer);
        inner.Call(run, _input);
        if (!run.Taps.TryGetValue(layer, out Tensor? result)) throw new ArgumentException($"No module call is named {layer}. {Network.Scopes(inner, _input)}");
        Result = scope.Keep(result.Detach());
    }

    /// <summary>The layer's result for the input: what stands in the input's place, [N, ...].</summary>
    public Tensor Result { get; }

    /// <summary>The parameters that work behind the layer: those before it have no say any more.</summary>
    public IReadOnlyList<Parameter> Behind()
    {
        using var scope = MemoryScope.Open();
        Tensor output = Call(new Run(recording: true, fused: false), Result.Watch());
        var leaves = new HashSet<Tensor>(ReferenceEqualityComparer.Instance);
        var seen = new HashSet<Node>(ReferenceEqualityComparer.Instance);
        var ways = new Stack<Tensor>([output]);
        while (ways.TryPop(out Tensor? tensor))
        {
            if (tensor.Source is not { } node) leaves.Add(tensor);
            else if (seen.Add(node))
            {
                foreach (Tensor input in node.Inputs) ways.Push(input);
            }
        }
        return [.. _inner.Parameters.Where(p => leaves.Contains(p.Value))];
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        int examples = _input.Shape[0], rows = x.Shape[0];
        if (rows % examples != 0)
        {
            throw new NotSupportedException(
                $"{rows} results of {_layer} do not belong to {examples} inputs; ask about fewer examples at a time.");
        }
        // Copies of a batch stand one after the other.
        Tensor input = rows == examples ? _input
            : _input.IndexSelect(0, Tensor.From([.. Enumerable.Range(0, rows).Select(row => (long)(row % examples))], [rows]));
        run.Edit(_layer, _ => x);
        return _inner.Call(run, input);
    }
}

/// <summary>A method's explanation of a layer, for those who hold the network from the layer on: the method itself sees the whole network, and its own
/// baseline.</summary>
/// <param name="inner">The method.</param>
/// <param name="model">The whole network.</param>
/// <param name="input">What it is run on.</param>
/// <param name="layer">The layer.</param>
internal sealed class AtLayer(IAttribution inner, Module model, Tensor input, string layer) : IAttribution
{
    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <summary>The method.</summary>
    public IAttribution Inner => inner;

    /// <inheritdoc/>
    public Attribution Explain(
        Module behind, Tensor result, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default) =>
        inner.Explain(model, input, target, layer, progress, cancel);
}
