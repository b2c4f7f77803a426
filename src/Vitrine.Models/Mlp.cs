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
        : this(0, weights, sizes)
    {
    }

    private Mlp(float dropout, Weights weights, ReadOnlySpan<int> sizes)
        : base(weights)
    {
        if (sizes.Length < 2) throw new ArgumentException("A multilayer perceptron needs the size of its input and of its output.", nameof(sizes));
        var layers = new List<Module>();
        for (int i = 1; i < sizes.Length; i++)
        {
            if (i > 1) layers.Add(Layer.Relu(weights.In($"{layers.Count}")));
            if (i > 1 && dropout > 0) layers.Add(new Dropout(weights.In($"{layers.Count}"), dropout));
            layers.Add(new Linear(weights.In($"{layers.Count}"), sizes[i - 1], sizes[i])); // [N, sizes[i]]
        }
        _layers = new Sequential(weights, layers);
    }

    /// <summary>The network with dropout after every ReLU (Srivastava et al. 2014): <c>nn.Sequential(Linear, ReLU, Dropout, Linear, ...)</c>.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="dropout">The part of the units that is left out in training, in [0, 1).</param>
    /// <param name="sizes">How many numbers go in, how many units each layer has, and how many logits come out: at least two sizes.</param>
    /// <exception cref="ArgumentException">There are fewer than two sizes.</exception>
    public static Mlp WithDropout(Weights weights, float dropout, params ReadOnlySpan<int> sizes) => new(dropout, weights, sizes);

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => _layers.Call(run, x);
}
