namespace Vitrine.Models;

/// <summary>
/// AlexNet in the form of Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks", which is torchvision's: five convolutions and
/// three linear layers, 61 million parameters, named as there.
/// </summary>
public sealed class AlexNet : Module
{
    private readonly Sequential _features;
    private readonly Sequential _classifier;

    /// <summary>Creates the network.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="classes">How many classes it tells apart.</param>
    public AlexNet(Weights weights, int classes = 1000)
        : base(weights)
    {
        Weights features = weights.In("features"), classifier = weights.In("classifier");
        _features = new Sequential(
            features,
            new Conv2d(features.In("0"), 3, 64, kernel: 11, stride: 4, padding: 2), // [N, 64, 55, 55]
            Layer.Relu(features.In("1")),
            Layer.MaxPool2d(features.In("2"), 3, stride: 2),                        // [N, 64, 27, 27]
            new Conv2d(features.In("3"), 64, 192, kernel: 5, padding: 2),           // [N, 192, 27, 27]
            Layer.Relu(features.In("4")),
            Layer.MaxPool2d(features.In("5"), 3, stride: 2),                        // [N, 192, 13, 13]
            new Conv2d(features.In("6"), 192, 384, kernel: 3, padding: 1),          // [N, 384, 13, 13]
            Layer.Relu(features.In("7")),
            new Conv2d(features.In("8"), 384, 256, kernel: 3, padding: 1),          // [N, 256, 13, 13]
            Layer.Relu(features.In("9")),
            new Conv2d(features.In("10"), 256, 256, kernel: 3, padding: 1),         // [N, 256, 13, 13]
            Layer.Relu(features.In("11")),
            Layer.MaxPool2d(features.In("12"), 3, stride: 2));                      // [N, 256, 6, 6]
        _classifier = new Sequential(
            classifier,
            new Dropout(classifier.In("0")),
            new Linear(classifier.In("1"), 256 * 6 * 6, 4096),                      // [N, 4096]
            Layer.Relu(classifier.In("2")),
            new Dropout(classifier.In("3")),
            new Linear(classifier.In("4"), 4096, 4096),                             // [N, 4096]
            Layer.Relu(classifier.In("5")),
            new Linear(classifier.In("6"), 4096, classes));                         // [N, classes]
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last feature maps do not divide into 6 x 6 cells, as those of 224 x 224 pictures do.</exception>
    protected override Tensor Forward(Run run, Tensor x) => _classifier.Call(run, Grid.Average(_features.Call(run, x), 6).Flatten());
}
