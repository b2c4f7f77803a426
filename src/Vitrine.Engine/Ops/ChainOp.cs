namespace Vitrine.Ops;

/// <summary>
/// Elementwise functions one after the other, of x or of x + z, in one pass over memory forwards and one backwards. Inputs: x, or x and z of one shape.
/// </summary>
internal sealed class ChainOp : FusedOp
{
    private readonly UnaryOp[] _functions;
    private readonly ChainStep[] _steps;

    /// <summary>Strings functions together; each must have a <see cref="UnaryOp.Step"/>.</summary>
    public ChainOp(params UnaryOp[] functions)
    {
        _functions = functions;
        _steps = [.. functions.Select(f => f.Step ?? throw new ArgumentException($"{f.Name} cannot be part of a chain.", nameof(functions)))];
    }

    public override string Name => "FusedChain";

    public override OpTraits Traits => OpTraits.Elementwise;

    /// <summary>The functions as kernels take them.</summary>
    public ReadOnlySpan<ChainStep> Steps => _steps;

    /// <summary>Whether the gradient can be found from the result alone.</summary>
    public bool OfOutput => _steps is [{ OfOutput: true }];

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        if (inputs.Length > 1 && inputs[0].Shape != inputs[1].Shape) throw new ArgumentException("the terms of the sum have different shapes");
        return inputs[0].Device.Chain(_steps, inputs[0], inputs.Length > 1 ? inputs[1] : null);
    }

    public override Tensor Compose(ReadOnlySpan<Tensor> inputs) => Compose(inputs.Length > 1 ? inputs[0] + inputs[1] : inputs[0]);

    /// <summary>The functions as operators.</summary>
    public Tensor Compose(Tensor x)
    {
        foreach (UnaryOp function in _functions) x = function.Apply(x);
        return x;
    }

    private protected override void Kernel(Node node, Tensor grad, ReadOnlySpan<bool> wanted, Span<Tensor?> grads)
    {
        Tensor shared = grad.Device.ChainGrad(_steps, grad, node.Inputs[0], wanted.Length > 1 ? node.Inputs[1] : null, node.Output);
        for (int i = 0; i < wanted.Length; i++) if (wanted[i]) grads[i] = shared;
    }
}

/// <summary>
/// x W^T + b over the last axis, then a chain of functions: each part of the product passes through it while it is in the cache. Inputs as
/// <see cref="LinearOp"/>.
/// </summary>
internal sealed class LinearChainOp(ChainOp chain) : FusedOp
{
    public override string Name => "FusedLinear";

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        (Shape shape, Tensor? bias) = LinearOp.Fit(inputs);
        return inputs[0].Device.Linear(inputs[0], inputs[1], bias, shape, chain.Steps, save: !chain.OfOutput && !Recording.Off);
    }

    public override Tensor Compose(ReadOnlySpan<Tensor> inputs) => chain.Compose(LinearOp.Instance.Apply(inputs));

    private protected override void Kernel(Node node, Tensor grad, ReadOnlySpan<bool> wanted, Span<Tensor?> grads)
    {
        Tensor inner = grad.Device.ChainGrad(chain.Steps, grad, node.Output.Saved ?? node.Output, null, node.Output);
        for (int i = 0; i < wanted.Length; i++) if (wanted[i]) grads[i] = LinearOp.Gradient(node, inner, i);
    }
}
