namespace Vitrine.Models;

/// <summary>
/// A multilayer perceptron: linear layers with ReLU between them. Parameters are named as in PyTorch's <c>nn.Sequential(Linear, ReLU, Linear, ...)</c>:
/// <c>0.weight</c>, <c>2.weight</c>, ...
/// </summary>
public sealed class Mlp : Module
{
    private readonly Sequential _layers;

    /// <summary>Creates the network.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="sizes">How many numbers go in, how many units each layer has, and how many logits come out: at least two sizes.</param>
    /// <exception cref="ArgumentException">There are fewer than two sizes.</exception>
    public Mlp(Weights weights, params ReadOnlySpan<int> sizes)
        : base(weights)
    {
        if (sizes.Length < 2) throw new ArgumentException("A multilayer perceptron needs the size of its input and of its output.", nameof(sizes));
        var layers = new List<Module>();
        for (int i = 1; i < sizes.Length; i++)
        {
            if (i > 1) layers.Add(Layer.Relu(weights.In($"{layers.Count}")));
            layers.Add(new Linear(weights.In($"{layers.Count}"), sizes[i - 1], sizes[i])); // [N, sizes[i]]
        }
        _layers = new Sequential(weights, layers);
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => _layers.Call(run, x);
}
