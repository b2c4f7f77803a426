namespace Vitrine;

/// <summary>One recorded application of an operator. Creation order is a topological order of the graph.</summary>
public sealed class Node
{
    private static long s_lastId;

    internal Node(Op op, Tensor[] inputs, Tensor output, string? scope)
    {
        Op = op;
        Inputs = inputs;
        Output = output;
        Scope = scope;
        Id = Interlocked.Increment(ref s_lastId);
    }

    /// <summary>The operator, with its attributes.</summary>
    public Op Op { get; }

    /// <summary>What the operator was applied to, weights included.</summary>
    public IReadOnlyList<Tensor> Inputs { get; }

    /// <summary>What it gave.</summary>
    public Tensor Output { get; }

    /// <summary>Grows with every node that is made.</summary>
    public long Id { get; }

    /// <summary>The innermost module that was being called, <c>features.3</c> or, on its second call, <c>features.3#2</c>; null outside of modules.</summary>
    public string? Scope { get; }

    /// <summary>The same operator on other inputs, outside of every graph: for rules that change inputs or weights and go back from there.</summary>
    public Node On(params ReadOnlySpan<Tensor> inputs) => new(Op, inputs.ToArray(), Op.Forward(inputs), Scope);

    /// <inheritdoc/>
    public override string ToString() => $"{Op.Name} {string.Join(" ", Inputs.Select(i => i.Shape))} -> {Output.Shape}{(Scope is null ? "" : $" in {Scope}")}";
}
