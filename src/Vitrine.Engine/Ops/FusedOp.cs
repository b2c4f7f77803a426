namespace Vitrine.Ops;

/// <summary>
/// An operator that does what several others do, in one kernel. It is faster and hides structure, so modules use it where <see cref="Run.Fused"/> allows it and
/// nothing asks to see inside; <see cref="Compose"/> says what it stands for.
/// </summary>
public abstract class FusedOp : Op
{
    /// <summary>The same result, composed of operators.</summary>
    public abstract Tensor Compose(ReadOnlySpan<Tensor> inputs);

    /// <inheritdoc/>
    public sealed override Tensor? Backward(Node node, Tensor grad, int input)
    {
        bool[] wanted = new bool[node.Inputs.Count];
        wanted[input] = true;
        var grads = new Tensor?[wanted.Length];
        BackwardAll(node, grad, wanted, grads);
        return grads[input];
    }

    /// <inheritdoc/>
    public sealed override void BackwardAll(Node node, Tensor grad, ReadOnlySpan<bool> wanted, Span<Tensor?> grads)
    {
        if (Recording.Off) Kernel(node, grad, wanted, grads);
        else Recorded(node, grad, wanted, grads);
    }

    /// <summary>The gradients that are wanted, in one kernel; not recorded.</summary>
    private protected abstract void Kernel(Node node, Tensor grad, ReadOnlySpan<bool> wanted, Span<Tensor?> grads);

    /// <summary>The gradients of the composed form, so that they can be differentiated again.</summary>
    private void Recorded(Node node, Tensor grad, ReadOnlySpan<bool> wanted, Span<Tensor?> grads)
    {
        // Each input gets a node of its own: one input may lie behind another, and what flows through that one is not this one's share.
        Tensor[] own = [.. node.Inputs.Select(x => x.IsRecorded ? new ReshapeOp(x.Shape).Apply(x) : x)];
        var wrt = new List<Tensor>();
        for (int i = 0; i < wanted.Length; i++) if (wanted[i]) wrt.Add(own[i]);
        Gradients gradients = Autograd.Backward(Compose(own), grad, [.. wrt], differentiable: true);
        for (int i = 0; i < wanted.Length; i++) if (wanted[i] && gradients.Reached(wrt.IndexOf(own[i]))) grads[i] = gradients[own[i]];
    }
}
