namespace Vitrine.Models;

/// <summary>
/// The eight layers of AlexNet (Krizhevsky, Sutskever, Hinton 2012) at a size for pictures of about 32 x 32: five convolutions and three linear layers, each
/// but the last with a ReLU. It can be built in part, from any layer to any other, so that what comes before a layer and what comes after it are networks of
/// their own.
/// </summary>
/// <remarks>
/// No batch normalisation and no dropout: a layer is its weights and nothing else, so that to copy or to freeze a layer is to copy or to freeze those. The
/// parameters of layer k have one name in every part: <c>conv1</c> to <c>conv5</c>, <c>fc6</c> to <c>fc8</c>.
/// </remarks>
public sealed class SmallAlexNet : Module
{
    private const int Narrow = 16, Middle = 32, Wide = 48, Hidden = 128;

    private readonly Sequential _layers;

    /// <summary>Creates the network, or the part of it after the first <paramref name="from"/> layers.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="channels">Channels of the picture.</param>
    /// <param name="side">Height and width of the picture, 15 or more.</param>
    /// <param name="classes">How many classes it tells apart.</param>
    /// <param name="from">How many layers are left out at the input: the part takes what layer <paramref name="from"/> gives.</param>
    /// <param name="until">The last layer that is there, at most <see cref="Depth"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are no such layers, or the pictures are too small.</exception>
    public SmallAlexNet(Weights weights, int channels, int side, int classes, int from = 0, int until = Depth)
        : base(weights)
    {
        if (side < 15) throw new ArgumentOutOfRangeException(nameof(side), side, "Pictures need a side of 15 or more.");
        if (from < 0 || until > Depth || from >= until)
            throw new ArgumentOutOfRangeException(nameof(from), from, $"A part goes from one of 0 to {Depth - 1} layers to a later one of at most {Depth}.");
        int last = (side + 1) / 2 / 2 / 2 / 2; // a stride and three pools, each rounding down but the stride
        Func<IEnumerable<Module>>[] layers =
        [
            () => [Conv(1, channels, Narrow, kernel: 5, stride: 2), Relu(1), Pool(1)],                  // [N, 16, S/4, S/4]
            () => [Conv(2, Narrow, Middle, kernel: 3), Relu(2), Pool(2)],                               // [N, 32, S/8, S/8]
            () => [Conv(3, Middle, Wide, kernel: 3), Relu(3)],                                          // [N, 48, S/8, S/8]
            () => [Conv(4, Wide, Wide, kernel: 3), Relu(4)],                                            // [N, 48, S/8, S/8]
            () => [Conv(5, Wide, Wide, kernel: 3), Relu(5), Pool(5), new Flatten(weights.In("flatten"))], // [N, 48 * S/16 * S/16]
            () => [new Linear(weights.In("fc6"), Wide * last * last, Hidden), Relu(6)],                 // [N, 128]
            () => [new Linear(weights.In("fc7"), Hidden, Hidden), Relu(7)],                             // [N, 128]
            () => [new Linear(weights.In("fc8"), Hidden, classes)],                                     // [N, classes]
        ];
        _layers = new Sequential(weights, [.. layers[from..until].SelectMany(layer => layer())]);

        Conv2d Conv(int k, int inputs, int outputs, int kernel, int stride = 1) =>
            new(weights.In($"conv{k}"), inputs, outputs, kernel, stride, padding: kernel / 2);
        Layer Relu(int k) => Layer.Relu(weights.In($"relu{k}"));
        Layer Pool(int k) => Layer.MaxPool2d(weights.In($"pool{k}"), 2);
    }

    /// <summary>How many layers with weights there are.</summary>
    public const int Depth = 8;

    /// <summary>The names of the layers with weights, from the input on.</summary>
    public static IReadOnlyList<string> LayerNames { get; } = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"];

    /// <summary>The layer that a parameter belongs to, from 1.</summary>
    /// <param name="parameter">Its name: <c>conv3.weight</c>.</param>
    /// <exception cref="ArgumentException">No layer has such a parameter.</exception>
    public static int LayerOf(string parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        int dot = parameter.IndexOf('.');
        for (int k = 0; dot > 0 && k < Depth; k++)
        {
            if (parameter.AsSpan(0, dot).SequenceEqual(LayerNames[k])) return k + 1;
        }
        throw new ArgumentException($"{parameter} is no parameter of this network.", nameof(parameter));
    }

    /// <summary>
    /// Fresh weights: normal with deviation sqrt(2/fanIn), as eight layers with ReLUs and nothing that normalises them need to learn at all (He et al. 2015);
    /// biases 0. Each parameter depends on its name and the seed alone, whichever part is built.
    /// </summary>
    /// <param name="seed">Where the draws start.</param>
    /// <param name="channels">Channels of the picture.</param>
    /// <param name="side">Height and width of the picture.</param>
    /// <param name="classes">How many classes it tells apart.</param>
    public static Dictionary<string, Tensor> Draw(ulong seed, int channels, int side, int classes)
    {
        var random = new RandomSource(seed);
        return new SmallAlexNet(Weights.Random(seed), channels, side, classes).Parameters.ToDictionary(
            p => p.Name,
            p => p.Value.Rank == 1
                ? Tensor.Zeros(p.Value.Shape)
                : Init.HeNormal(p.Value.Count / p.Value.Shape[0]).Draw(p.Value.Shape, new RandomSource(random.Derive(p.Name))),
            StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => _layers.Call(run, x);
}
