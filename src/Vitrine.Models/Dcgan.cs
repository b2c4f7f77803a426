namespace Vitrine.Models;

/// <summary>
/// The generator of a DCGAN for pictures of 32 x 32 (Radford, Metz, Chintala 2016, "Unsupervised representation learning with deep convolutional generative
/// adversarial networks"). Parameters are named as in an <c>nn.Sequential</c> of the same layers: <c>0.weight</c>, <c>1.weight</c>, <c>3.weight</c>, ...
/// </summary>
public sealed class DcganGenerator : Module
{
    private readonly Sequential _layers;

    /// <summary>Creates the network.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="latent">How many random numbers make a picture.</param>
    /// <param name="width">Channels of the last feature map; those before have twice and four times as many.</param>
    /// <param name="channels">Channels of the picture.</param>
    public DcganGenerator(Weights weights, int latent = 100, int width = 32, int channels = 1)
        : base(weights)
    {
        Latent = latent;
        _layers = new Sequential(
            weights,
            new ConvTranspose2d(weights.In("0"), latent, 4 * width, kernel: 4),                               // [N, 128, 4, 4]
            new BatchNorm(weights.In("1"), 4 * width),
            Layer.Relu(weights.In("2")),
            new ConvTranspose2d(weights.In("3"), 4 * width, 2 * width, kernel: 4, stride: 2, padding: 1),     // [N, 64, 8, 8]
            new BatchNorm(weights.In("4"), 2 * width),
            Layer.Relu(weights.In("5")),
            new ConvTranspose2d(weights.In("6"), 2 * width, width, kernel: 4, stride: 2, padding: 1),         // [N, 32, 16, 16]
            new BatchNorm(weights.In("7"), width),
            Layer.Relu(weights.In("8")),
            new ConvTranspose2d(weights.In("9"), width, channels, kernel: 4, stride: 2, padding: 1),          // [N, channels, 32, 32]
            Layer.Tanh(weights.In("10")));
    }

    /// <summary>How many random numbers make a picture: the input is [N, Latent, 1, 1].</summary>
    public int Latent { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor z) => _layers.Call(run, z);
}

/// <summary>The discriminator that goes with <see cref="DcganGenerator"/>: one logit a picture, above zero for what it takes to be real.</summary>
public sealed class DcganDiscriminator : Module
{
    private readonly Sequential _layers;

    /// <summary>Creates the network.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="width">Channels of the first feature map; those after have twice and four times as many.</param>
    /// <param name="channels">Channels of the picture.</param>
    public DcganDiscriminator(Weights weights, int width = 32, int channels = 1)
        : base(weights)
    {
        _layers = new Sequential(
            weights,
            new Conv2d(weights.In("0"), channels, width, kernel: 4, stride: 2, padding: 1),      // [N, 32, 16, 16]
            Layer.LeakyRelu(weights.In("1"), 0.2f),
            new Conv2d(weights.In("2"), width, 2 * width, kernel: 4, stride: 2, padding: 1),     // [N, 64, 8, 8]
            new BatchNorm(weights.In("3"), 2 * width),
            Layer.LeakyRelu(weights.In("4"), 0.2f),
            new Conv2d(weights.In("5"), 2 * width, 4 * width, kernel: 4, stride: 2, padding: 1), // [N, 128, 4, 4]
            new BatchNorm(weights.In("6"), 4 * width),
            Layer.LeakyRelu(weights.In("7"), 0.2f),
            new Conv2d(weights.In("8"), 4 * width, 1, kernel: 4),                                // [N, 1, 1, 1]
            new Flatten(weights.In("9")));                                                       // [N, 1]
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => _layers.Call(run, x);
}
