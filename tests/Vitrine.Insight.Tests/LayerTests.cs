namespace Vitrine.Insight.Tests;

public sealed class LayerTests
{
    /// <summary>LeNet-5's sizes are those of a textbook: outputs times weights an output.</summary>
    [Fact]
    public void Layers_have_the_shapes_parameters_and_costs_of_the_formula()
    {
        Weights weights = Weights.Random(1);
        var network = new Sequential(
            weights,
            new Conv2d(weights.In("conv"), 2, 6, kernel: 5, padding: 2, groups: 2),
            Layer.Relu(weights.In("relu")),
            Layer.MaxPool2d(weights.In("pool"), 2),
            new Flatten(weights.In("flatten")),
            new Linear(weights.In("fc"), 6 * 4 * 4, 10));
        LayerRow[] rows = [.. Network.Layers(network, Tensor.Zeros([3, 2, 8, 8]))];
        Assert.Equal(["conv", "relu", "pool", "flatten", "fc"], rows.Select(r => r.Scope));
        Assert.Equal("[3, 6, 8, 8]", rows[0].Output.ToString());
        Assert.Equal([(6 * 1 * 25) + 6, 0, 0, 0, 960 + 10], rows.Select(r => r.Parameters));
        Assert.Equal([3 * 6 * 64 * 25L, 0, 0, 0, 3 * 960L], rows.Select(r => r.MultiplyAdds));
        Assert.Contains("Conv2d", rows[0].Type);
    }

    [Fact]
    public void Shared_weights_count_once_and_products_cost_by_their_inner_extent()
    {
        Weights weights = Weights.Random(1);
        var layer = new Linear(weights.In("fc"), 4, 4, bias: false);
        var network = new Sequential(weights, layer, layer, new Function(weights.In("product"), x => x.MatMul(Tensor.Ones([4, 7]))));
        LayerRow[] rows = [.. Network.Layers(network, Tensor.Zeros([2, 4]))];
        Assert.Equal([("fc", 16, 32), ("fc#2", 0, 32), ("product", 0, 2 * 4 * 7)], rows.Select(r => (r.Scope, r.Parameters, r.MultiplyAdds)));
    }
}
