namespace Vitrine.Ops;

/// <summary>
/// Division by the root mean square over the last axes (Zhang and Sennrich 2019). Inputs: x and optionally a weight of the extents of these axes.
/// </summary>
internal sealed class RmsNormOp(int axes, float epsilon) : FusedOp
{
    public override string Name => "FusedRmsNorm";

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        NormRows rows = LayerNormOp.Last(inputs[0].Shape, axes, centred: false);
        if (inputs.Length > 1 && inputs[1].Count != rows.P) throw new ArgumentException($"the weight needs {rows.P} elements");
        return inputs[0].Device.RowNorm(rows, inputs[0], inputs.Length > 1 ? inputs[1] : null, null, epsilon);
    }

    public override Tensor Compose(ReadOnlySpan<Tensor> inputs) => inputs[0].RmsNorm(axes, inputs.Length > 1 ? inputs[1] : null, epsilon);

    private protected override void Kernel(Node node, Tensor grad, ReadOnlySpan<bool> wanted, Span<Tensor?> grads)
    {
        Tensor x = node.Inputs[0], statistics = node.Output.Saved!;
        NormRows rows = LayerNormOp.Last(x.Shape, axes, centred: false);
        if (wanted[0]) grads[0] = x.Device.RowNormGrad(rows, grad, x, statistics, wanted.Length > 1 ? node.Inputs[1] : null);
        if (wanted.Length > 1 && wanted[1]) grads[1] = x.Device.RowNormSums(rows, grad, x, statistics).Alias(node.Inputs[1].Shape, rows.P); // [2, P]
    }
}

/// <summary>
/// Each element of [N, C, ...] divided by (k + alpha / size times the sum of squares over neighbouring channels) to the power beta (Krizhevsky et al. 2012).
/// </summary>
internal sealed class LocalResponseNormOp(int size, float alpha, float beta, float k) : FusedOp
{
    private readonly ResponseNorm _norm = new(size, alpha, beta, k);

    public override string Name => "FusedLocalResponseNorm";

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        if (inputs[0].Rank < 3 || size < 1) throw new ArgumentException($"x is [N, C, ...], and the size {size} must be positive");
        return inputs[0].Device.LocalResponseNorm(_norm, inputs[0]);
    }

    public override Tensor Compose(ReadOnlySpan<Tensor> inputs) => inputs[0].LocalResponseNorm(size, alpha, beta, k);

    private protected override void Kernel(Node node, Tensor grad, ReadOnlySpan<bool> wanted, Span<Tensor?> grads) =>
        grads[0] = grad.Device.LocalResponseNormGrad(_norm, grad, node.Inputs[0]);
}
