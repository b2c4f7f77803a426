namespace Vitrine.Models;

/// <summary>
/// VGG-16, configuration D without batch normalisation (Simonyan and Zisserman 2015, "Very deep convolutional networks for large-scale image recognition"):
/// 138 million parameters, named as in torchvision.
/// </summary>
public sealed class Vgg16 : Module
{
    private readonly Sequential _features;
    private readonly Sequential _classifier;

    /// <summary>Creates the network.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="classes">How many classes it tells apart.</param>
    public Vgg16(Weights weights, int classes = 1000)
        : base(weights)
    {
        Weights features = weights.In("features");
        var layers = new List<Module>();
        int channels = 3;
        // [N, 64, 112, 112], [N, 128, 56, 56], [N, 256, 28, 28], [N, 512, 14, 14], [N, 512, 7, 7] after the stages
        foreach ((int convolutions, int outChannels) in (ReadOnlySpan<(int, int)>)[(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)])
        {
            for (int i = 0; i < convolutions; i++)
            {
                layers.Add(new Conv2d(features.In($"{layers.Count}"), channels, outChannels, kernel: 3, padding: 1));
                layers.Add(Layer.Relu(features.In($"{layers.Count}")));
                channels = outChannels;
            }
            layers.Add(Layer.MaxPool2d(features.In($"{layers.Count}"), 2));
        }
        _features = new Sequential(features, layers);

        Weights classifier = weights.In("classifier");
        _classifier = new Sequential(
            classifier,
            new Linear(classifier.In("0"), 512 * 7 * 7, 4096), // [N, 4096]
            Layer.Relu(classifier.In("1")),
            new Dropout(classifier.In("2")),
            new Linear(classifier.In("3"), 4096, 4096),        // [N, 4096]
            Layer.Relu(classifier.In("4")),
            new Dropout(classifier.In("5")),
            new Linear(classifier.In("6"), 4096, classes));    // [N, classes]
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        x = _features.Call(run, x);                            // [N, 512, 7, 7]
        return _classifier.Call(run, Grid.Average(x, 7).Flatten());
    }
}
