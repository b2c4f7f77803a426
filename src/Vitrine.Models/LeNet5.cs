namespace Vitrine.Models;

/// <summary>
/// LeNet-5 for 28 x 28 pictures (LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition"), in its present form with
/// ReLU and max pooling: 6 and 16 feature maps, then 120, 84 and 10 units.
/// </summary>
public sealed class LeNet5 : Module
{
    private readonly Sequential _layers;

    /// <summary>Creates the network.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="channels">Channels of the picture.</param>
    /// <param name="classes">How many classes it tells apart.</param>
    public LeNet5(Weights weights, int channels = 1, int classes = 10)
        : base(weights)
    {
        _layers = new Sequential(
            weights,
            new Conv2d(weights.In("conv1"), channels, 6, kernel: 5, padding: 2), // [N, 6, 28, 28]
            Layer.Relu(weights.In("relu1")),
            Layer.MaxPool2d(weights.In("pool1"), 2),                             // [N, 6, 14, 14]
            new Conv2d(weights.In("conv2"), 6, 16, kernel: 5),                   // [N, 16, 10, 10]
            Layer.Relu(weights.In("relu2")),
            Layer.MaxPool2d(weights.In("pool2"), 2),                             // [N, 16, 5, 5]
            new Flatten(weights.In("flatten")),                                  // [N, 400]
            new Linear(weights.In("fc1"), 400, 120),
            Layer.Relu(weights.In("relu3")),
            new Linear(weights.In("fc2"), 120, 84),
            Layer.Relu(weights.In("relu4")),
            new Linear(weights.In("fc3"), 84, classes));                         // [N, classes]
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => _layers.Call(run, x);
}
