namespace Vitrine.Models;

/// <summary>
/// GoogLeNet (Szegedy et al. 2015, "Going deeper with convolutions") with batch normalisation, as torchvision has it: 6.6 million parameters, named as there.
/// The auxiliary classifiers of training are left out; a checkpoint that has them (<c>aux1</c>, <c>aux2</c>) loads all the same.
/// </summary>
public sealed class GoogLeNet : Module
{
    private readonly bool _transformInput;
    private readonly ConvNorm _conv1, _conv2, _conv3;
    private readonly Layer _maxpool1, _maxpool2, _maxpool3, _maxpool4;
    private readonly Inception _inception3a, _inception3b, _inception4a, _inception4b, _inception4c, _inception4d, _inception4e, _inception5a, _inception5b;
    private readonly Dropout _dropout;
    private readonly Linear _fc;

    /// <summary>Creates the network.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="classes">How many classes it tells apart.</param>
    /// <param name="transformInput">
    /// Whether pictures normalised by ImageNet's mean and deviation are brought to [-1, 1] first, as torchvision's own ImageNet weights expect.
    /// </param>
    public GoogLeNet(Weights weights, int classes = 1000, bool transformInput = false)
        : base(weights)
    {
        _transformInput = transformInput;
        _conv1 = new ConvNorm(weights.In("conv1"), 3, 64, kernel: 7, stride: 2, padding: 3);
        _maxpool1 = Layer.MaxPool2d(weights.In("maxpool1"), 3, stride: 2, ceilMode: true);
        _conv2 = new ConvNorm(weights.In("conv2"), 64, 64, kernel: 1);
        _conv3 = new ConvNorm(weights.In("conv3"), 64, 192, kernel: 3, padding: 1);
        _maxpool2 = Layer.MaxPool2d(weights.In("maxpool2"), 3, stride: 2, ceilMode: true);
        _inception3a = new Inception(weights.In("inception3a"), 192, one: 64, (96, 128), (16, 32), pool: 32);
        _inception3b = new Inception(weights.In("inception3b"), 256, one: 128, (128, 192), (32, 96), pool: 64);
        _maxpool3 = Layer.MaxPool2d(weights.In("maxpool3"), 3, stride: 2, ceilMode: true);
        _inception4a = new Inception(weights.In("inception4a"), 480, one: 192, (96, 208), (16, 48), pool: 64);
        _inception4b = new Inception(weights.In("inception4b"), 512, one: 160, (112, 224), (24, 64), pool: 64);
        _inception4c = new Inception(weights.In("inception4c"), 512, one: 128, (128, 256), (24, 64), pool: 64);
        _inception4d = new Inception(weights.In("inception4d"), 512, one: 112, (144, 288), (32, 64), pool: 64);
        _inception4e = new Inception(weights.In("inception4e"), 528, one: 256, (160, 320), (32, 128), pool: 128);
        _maxpool4 = Layer.MaxPool2d(weights.In("maxpool4"), 2, ceilMode: true);
        _inception5a = new Inception(weights.In("inception5a"), 832, one: 256, (160, 320), (32, 128), pool: 128);
        _inception5b = new Inception(weights.In("inception5b"), 832, one: 384, (192, 384), (48, 128), pool: 128);
        _dropout = new Dropout(weights.In("dropout"), 0.2f);
        _fc = new Linear(weights.In("fc"), 1024, classes);
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        if (_transformInput) x = FromImageNetToUnit(x);
        x = _maxpool1.Call(run, _conv1.Call(run, x));                    // [N, 64, 56, 56]
        x = _conv3.Call(run, _conv2.Call(run, x));                       // [N, 192, 56, 56]
        x = _maxpool2.Call(run, x);                                      // [N, 192, 28, 28]
        x = _inception3b.Call(run, _inception3a.Call(run, x));           // [N, 480, 28, 28]
        x = _inception4a.Call(run, _maxpool3.Call(run, x));              // [N, 512, 14, 14]
        x = _inception4c.Call(run, _inception4b.Call(run, x));           // [N, 512, 14, 14]
        x = _inception4e.Call(run, _inception4d.Call(run, x));           // [N, 832, 14, 14]
        x = _maxpool4.Call(run, x);                                      // [N, 832, 7, 7]
        x = _inception5b.Call(run, _inception5a.Call(run, x));           // [N, 1024, 7, 7]
        return _fc.Call(run, _dropout.Call(run, x.Mean([2, 3])));        // [N, classes]
    }

    /// <summary>From (v - mean) / deviation, with ImageNet's figures for each channel, to (v - 0.5) / 0.5.</summary>
    private static Tensor FromImageNetToUnit(Tensor x)
    {
        Tensor deviation = Tensor.From([0.229f, 0.224f, 0.225f], [1, 3, 1, 1]), mean = Tensor.From([0.485f, 0.456f, 0.406f], [1, 3, 1, 1]);
        return x * (deviation / 0.5f) + (mean - 0.5f) / 0.5f;
    }

    /// <summary>A convolution without bias, batch normalisation, ReLU.</summary>
    private sealed class ConvNorm(Weights weights, int inChannels, int outChannels, int kernel, int stride = 1, int padding = 0) : Module(weights)
    {
        private readonly Conv2d _conv = new(weights.In("conv"), inChannels, outChannels, kernel, stride, padding, bias: false);
        private readonly BatchNorm _bn = new(weights.In("bn"), outChannels, epsilon: 1e-3f);

        protected override Tensor Forward(Run run, Tensor x) => _bn.Call(run, _conv.Call(run, x)).Relu();
    }

    /// <summary>Four views of the same place side by side: 1 x 1; 3 x 3; a second 3 x 3, where the paper has 5 x 5; the maximum of the neighbourhood.</summary>
    private sealed class Inception : Module
    {
        private readonly ConvNorm _branch1;
        private readonly Sequential _branch2, _branch3, _branch4;

        public Inception(Weights weights, int channels, int one, (int Reduce, int Out) three, (int Reduce, int Out) five, int pool)
            : base(weights)
        {
            Weights second = weights.In("branch2"), third = weights.In("branch3"), fourth = weights.In("branch4");
            _branch1 = new ConvNorm(weights.In("branch1"), channels, one, kernel: 1);
            _branch2 = new Sequential(
                second,
                new ConvNorm(second.In("0"), channels, three.Reduce, kernel: 1),
                new ConvNorm(second.In("1"), three.Reduce, three.Out, kernel: 3, padding: 1));
            // torchvision's weights were trained with 3 x 3 in the place of 5 x 5, and its checkpoints fit nothing else.
            _branch3 = new Sequential(
                third,
                new ConvNorm(third.In("0"), channels, five.Reduce, kernel: 1),
                new ConvNorm(third.In("1"), five.Reduce, five.Out, kernel: 3, padding: 1));
            _branch4 = new Sequential(
                fourth, Layer.MaxPool2d(fourth.In("0"), 3, stride: 1, padding: 1, ceilMode: true), new ConvNorm(fourth.In("1"), channels, pool, kernel: 1));
        }

        protected override Tensor Forward(Run run, Tensor x) => // [N, one + three + five + pool, H, W]
            TensorOps.Concat(1, _branch1.Call(run, x), _branch2.Call(run, x), _branch3.Call(run, x), _branch4.Call(run, x));
    }
}
