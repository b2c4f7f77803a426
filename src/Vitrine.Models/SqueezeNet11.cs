namespace Vitrine.Models;

/// <summary>
/// SqueezeNet 1.1 (Iandola et al. 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters"): 1.2 million parameters, named as in torchvision.
/// </summary>
public sealed class SqueezeNet11 : Module
{
    private readonly Sequential _features;
    private readonly Sequential _classifier;

    /// <summary>Creates the network.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="classes">How many classes it tells apart.</param>
    public SqueezeNet11(Weights weights, int classes = 1000)
        : base(weights)
    {
        Weights features = weights.In("features"), classifier = weights.In("classifier");
        _features = new Sequential(
            features,
            new Conv2d(features.In("0"), 3, 64, kernel: 3, stride: 2),             // [N, 64, 111, 111]
            Layer.Relu(features.In("1")),
            Layer.MaxPool2d(features.In("2"), 3, stride: 2, ceilMode: true),       // [N, 64, 55, 55]
            new Fire(features.In("3"), 64, squeeze: 16, expand: 64),               // [N, 128, 55, 55]
            new Fire(features.In("4"), 128, squeeze: 16, expand: 64),
            Layer.MaxPool2d(features.In("5"), 3, stride: 2, ceilMode: true),       // [N, 128, 27, 27]
            new Fire(features.In("6"), 128, squeeze: 32, expand: 128),             // [N, 256, 27, 27]
            new Fire(features.In("7"), 256, squeeze: 32, expand: 128),
            Layer.MaxPool2d(features.In("8"), 3, stride: 2, ceilMode: true),       // [N, 256, 13, 13]
            new Fire(features.In("9"), 256, squeeze: 48, expand: 192),             // [N, 384, 13, 13]
            new Fire(features.In("10"), 384, squeeze: 48, expand: 192),
            new Fire(features.In("11"), 384, squeeze: 64, expand: 256),            // [N, 512, 13, 13]
            new Fire(features.In("12"), 512, squeeze: 64, expand: 256));
        _classifier = new Sequential(
            classifier,
            new Dropout(classifier.In("0")),
            new Conv2d(classifier.In("1"), 512, classes, kernel: 1),               // [N, classes, 13, 13]
            Layer.Relu(classifier.In("2")));
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => _classifier.Call(run, _features.Call(run, x)).Mean([2, 3]); // [N, classes]

    /// <summary>A narrow 1 x 1 convolution, and on it a 1 x 1 and a 3 x 3 convolution side by side.</summary>
    private sealed class Fire(Weights weights, int channels, int squeeze, int expand) : Module(weights)
    {
        private readonly Conv2d _squeeze = new(weights.In("squeeze"), channels, squeeze, kernel: 1);
        private readonly Layer _squeezeActivation = Layer.Relu(weights.In("squeeze_activation"));
        private readonly Conv2d _expand1x1 = new(weights.In("expand1x1"), squeeze, expand, kernel: 1);
        private readonly Layer _expand1x1Activation = Layer.Relu(weights.In("expand1x1_activation"));
        private readonly Conv2d _expand3x3 = new(weights.In("expand3x3"), squeeze, expand, kernel: 3, padding: 1);
        private readonly Layer _expand3x3Activation = Layer.Relu(weights.In("expand3x3_activation"));

        protected override Tensor Forward(Run run, Tensor x)
        {
            x = _squeezeActivation.CallOn(run, _squeeze, x); // [N, squeeze, H, W]
            return TensorOps.Concat(
                1,
                _expand1x1Activation.CallOn(run, _expand1x1, x),
                _expand3x3Activation.CallOn(run, _expand3x3, x)); // [N, 2 expand, H, W]
        }
    }
}
