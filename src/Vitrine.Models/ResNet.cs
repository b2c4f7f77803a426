namespace Vitrine.Models;

/// <summary>
/// Residual networks of basic blocks (He, Zhang, Ren, Sun 2016, "Deep residual learning for image recognition"). Parameters are named as in torchvision.
/// A shortcut whose shape changes is a 1 x 1 convolution with batch normalisation (the paper's option B).
/// </summary>
public sealed class ResNet : Module
{
    private readonly Conv2d _conv1;
    private readonly BatchNorm _bn1;
    private readonly Layer _relu;
    private readonly Layer? _maxpool;
    private readonly Sequential[] _stages;
    private readonly Linear _fc;

    private ResNet(Weights weights, int classes, bool small, int channels, int blocks, int stages)
        : base(weights)
    {
        // Small pictures keep their resolution at first; large ones lose three quarters of it before the first block.
        _conv1 = small
            ? new Conv2d(weights.In("conv1"), 3, channels, kernel: 3, padding: 1, bias: false)
            : new Conv2d(weights.In("conv1"), 3, channels, kernel: 7, stride: 2, padding: 3, bias: false);
        _bn1 = new BatchNorm(weights.In("bn1"), channels);
        _relu = Layer.Relu(weights.In("relu"));
        _maxpool = small ? null : Layer.MaxPool2d(weights.In("maxpool"), 3, stride: 2, padding: 1);
        _stages = new Sequential[stages];
        int inChannels = channels;
        for (int s = 0; s < stages; s++)
        {
            // Each stage after the first halves the resolution and doubles the channels.
            Weights stage = weights.In($"layer{s + 1}");
            int outChannels = channels << s;
            var list = new List<Module>();
            for (int b = 0; b < blocks; b++)
            {
                list.Add(new BasicBlock(stage.In($"{b}"), inChannels, outChannels, stride: s > 0 && b == 0 ? 2 : 1));
                inChannels = outChannels;
            }
            _stages[s] = new Sequential(stage, list);
        }
        _fc = new Linear(weights.In("fc"), inChannels, classes);
    }

    /// <summary>ResNet-18 for pictures of about 224 x 224: four stages of two blocks, 64 to 512 channels, 11.7 million parameters.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="classes">How many classes it tells apart.</param>
    public static ResNet ResNet18(Weights weights, int classes = 1000) => new(weights, classes, small: false, channels: 64, blocks: 2, stages: 4);

    /// <summary>ResNet-20 for pictures of 32 x 32 (CIFAR): three stages of three blocks, 16 to 64 channels, 0.27 million parameters.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="classes">How many classes it tells apart.</param>
    public static ResNet ResNet20(Weights weights, int classes = 10) => new(weights, classes, small: true, channels: 16, blocks: 3, stages: 3);

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        // Shapes of ResNet-18 at 224 x 224.
        x = _relu.Call(run, _bn1.Call(run, _conv1.Call(run, x)));  // [N, 64, 112, 112]
        if (_maxpool is not null) x = _maxpool.Call(run, x);       // [N, 64, 56, 56]
        foreach (Sequential stage in _stages) x = stage.Call(run, x); // [N, 64, 56, 56], [N, 128, 28, 28], [N, 256, 14, 14], [N, 512, 7, 7]
        return _fc.Call(run, x.Mean([2, 3]));                      // [N, classes]
    }

    /// <summary>Two 3 x 3 convolutions and a shortcut around them.</summary>
    private sealed class BasicBlock : Module
    {
        private readonly Conv2d _conv1;
        private readonly BatchNorm _bn1;
        private readonly Conv2d _conv2;
        private readonly BatchNorm _bn2;
        private readonly Layer _relu;
        private readonly Sequential? _downsample;

        public BasicBlock(Weights weights, int inChannels, int outChannels, int stride)
            : base(weights)
        {
            _conv1 = new Conv2d(weights.In("conv1"), inChannels, outChannels, kernel: 3, stride, padding: 1, bias: false);
            _bn1 = new BatchNorm(weights.In("bn1"), outChannels);
            _conv2 = new Conv2d(weights.In("conv2"), outChannels, outChannels, kernel: 3, padding: 1, bias: false);
            _bn2 = new BatchNorm(weights.In("bn2"), outChannels);
            _relu = Layer.Relu(weights.In("relu"));
            if (stride == 1 && inChannels == outChannels) return;
            Weights downsample = weights.In("downsample");
            _downsample = new Sequential(
                downsample,
                new Conv2d(downsample.In("0"), inChannels, outChannels, kernel: 1, stride, bias: false),
                new BatchNorm(downsample.In("1"), outChannels));
        }

        protected override Tensor Forward(Run run, Tensor x)
        {
            Tensor y = _relu.Call(run, _bn1.Call(run, _conv1.Call(run, x))); // [N, O, H/stride, W/stride]
            y = _bn2.Call(run, _conv2.Call(run, y));
            Tensor shortcut = _downsample is null ? x : _downsample.Call(run, x);
            return _relu.CallOnSum(run, y, shortcut);
        }
    }
}
