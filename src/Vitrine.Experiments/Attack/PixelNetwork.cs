using Vitrine.Data;

namespace Vitrine.Experiments;

/// <summary>
/// A network that takes pixels from 0 to 1, grey or red, green, blue, whatever the network inside it wants: range, order of channels, mean and deviation are
/// its first layer. A change of a pixel then has one size in every channel and for every network, and a valid picture is 0 to 1.
/// </summary>
public sealed class PixelNetwork : Module
{
    private readonly Module _network;
    private readonly Tensor _low;
    private readonly Tensor _span;
    private readonly bool _turned;

    /// <summary>Puts the layer before a network.</summary>
    /// <param name="network">The network.</param>
    public PixelNetwork(OpenedNetwork network)
        : base(Weights.Random(0))
    {
        _network = network.Module;
        (_low, Tensor high) = network.Range;
        _span = high - _low;
        _turned = network.Preprocess is { Order: ChannelOrder.Bgr };
    }

    /// <summary>What the network inside takes, as pixels.</summary>
    /// <param name="input">[N, C, H, W], as the network inside takes it.</param>
    /// <returns>[N, C, H, W] in 0..1.</returns>
    public Tensor ToPixels(Tensor input)
    {
        Tensor pixels = ((input - _low) / _span).Clamp(0, 1); // rounding may have led out of the range by a bit
        return _turned ? Turned(pixels) : pixels;
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => _network.Call(run, (_turned ? Turned(x) : x) * _span + _low);

    private static Tensor Turned(Tensor x) => x.IndexSelect(1, Tensor.From([2L, 1L, 0L], [3]));
}
