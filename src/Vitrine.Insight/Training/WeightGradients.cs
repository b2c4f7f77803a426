namespace Vitrine.Insight;

/// <summary>Derivatives of a loss with respect to all weights of a network, as one row of numbers.</summary>
internal sealed class WeightGradients(Module model, Func<Tensor, Tensor, Tensor> loss)
{
    private readonly Tensor[] _weights = [.. model.Parameters.Where(p => !p.IsFrozen).Select(p => p.Value)];

    /// <summary>The gradient of the loss of some examples.</summary>
    public float[] Of(Tensor inputs, Tensor labels)
    {
        using var scope = MemoryScope.Open();
        return Row(Autograd.Backward(Loss(inputs, labels), null, _weights));
    }

    /// <summary>The Hessian of the loss times a vector: the gradient of the gradient's product with it (Pearlmutter 1994).</summary>
    public float[] Hessian(Tensor inputs, Tensor labels, double[] vector)
    {
        using var scope = MemoryScope.Open();
        Gradients first = Autograd.Backward(Loss(inputs, labels), null, _weights, differentiable: true);
        Tensor? product = null;
        int at = 0;
        for (int i = 0; i < _weights.Length; i++)
        {
            float[] part = new float[_weights[i].Count];
            for (int k = 0; k < part.Length; k++) part[k] = (float)vector[at++];
            if (!first.Reached(i) || !first[i].IsRecorded) continue; // the loss is linear in this weight
            Tensor share = (first[i] * Tensor.From(part, _weights[i].Shape)).Sum();
            product = product is null ? share : product + share;
        }
        return product is null ? new float[at] : Row(Autograd.Backward(product, null, _weights));
    }

    private Tensor Loss(Tensor inputs, Tensor labels) => loss(model.Call(new Run(recording: true, fused: false), inputs.Detach()), labels);

    private float[] Row(Gradients gradients)
    {
        float[] row = new float[_weights.Sum(w => w.Count)];
        int at = 0;
        for (int i = 0; i < _weights.Length; at += _weights[i++].Count) gradients[i].Floats.CopyTo(row.AsSpan(at));
        return row;
    }
}
