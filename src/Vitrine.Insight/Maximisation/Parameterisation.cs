namespace Vitrine.Insight;

/// <summary>
/// How the numbers that an ascent changes make an input. The same objective has the same maxima whatever it is written in, but a step of ascent goes elsewhere:
/// in pixels it goes to fine noise, in frequencies scaled by what pictures have of them, and in colours that do not vary together, to what resembles pictures
/// (Olah, Mordvintsev, Schubert 2017, "Feature visualization"). Functions compose: <c>Parameterisation.Fourier(3, 227,
/// 227).Decorrelated(ColourBasis.ImageNet).Bounded()</c>.
/// </summary>
public sealed class Parameterisation
{
    // A start of this deviation is as good as grey, but no two pixels have the same gradient.
    private const float StartDeviation = 0.01f;

    private readonly Func<Tensor, Tensor> _make;

    private Parameterisation(string name, Shape parameters, Shape input, Func<Tensor, Tensor> make) =>
        (Name, Parameters, Input, _make) = (name, parameters, input, make);

    /// <summary>In words: <c>fourier, decorrelated, bounded</c>.</summary>
    public string Name { get; }

    /// <summary>The shape of the parameters of one input.</summary>
    public Shape Parameters { get; }

    /// <summary>The shape of one input: [C, H, W], or any other for <see cref="Elements"/>.</summary>
    public Shape Input { get; }

    /// <summary>Whether a parameter is a pixel, so that what is done to pixels can be done to parameters.</summary>
    internal bool InPixels { get; private init; }

    /// <summary>Every element of an input is a parameter.</summary>
    /// <param name="input">The shape of one input, without the batch axis.</param>
    public static Parameterisation Elements(Shape input) => new("elements", input, input, x => x) { InPixels = input.Rank == 3 };

    /// <summary>Every pixel of a picture is a parameter.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An extent is not positive.</exception>
    public static Parameterisation Pixels(int channels, int height, int width)
    {
        Check(channels, height, width);
        return new("pixels", [channels, height, width], [channels, height, width], x => x) { InPixels = true };
    }

    /// <summary>
    /// The real and imaginary parts of a picture's spectrum are parameters, each over its frequency f: x = irfft(S / max(f, 1 / max(H, W)) ^ decay) sqrt(H W) /
    /// 4, with f in cycles a pixel. A step of the same size in every parameter is then one of the spectrum that natural pictures have.
    /// </summary>
    /// <param name="channels">C.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <param name="decay">1 for the amplitudes of natural pictures; 0 leaves frequencies alike.</param>
    /// <param name="band">The highest frequency in cycles over the picture; null for all. Fewer cost less.</param>
    /// <exception cref="ArgumentOutOfRangeException">An extent is not positive, or the band is.</exception>
    public static Parameterisation Fourier(int channels, int height, int width, double decay = 1, int? band = null)
    {
        Check(channels, height, width);
        if (band is { } most) ArgumentOutOfRangeException.ThrowIfLessThan(most, 1, nameof(band));
        var basis = new FourierBasis(height, width, band);
        int ky = basis.Vertical.Length, kx = basis.Horizontal.Length;
        float[] scale = new float[2 * ky * kx];
        for (int i = 0; i < scale.Length; i++)
        {
            double vertical = (double)basis.Vertical[i / kx % ky] / height, horizontal = (double)basis.Horizontal[i % kx] / width;
            double frequency = Math.Max(Math.Sqrt(vertical * vertical + horizontal * horizontal), 1.0 / Math.Max(height, width));
            scale[i] = (float)(Math.Pow(frequency, -decay) / (4 * Math.Sqrt((double)height * width)));
        }
        Tensor scales = Tensor.From(scale, [1, 1, 2 * ky, kx]);
        return new("fourier", [channels, 2 * ky, kx], [channels, height, width], x => basis.Picture(x * scales));
    }

    /// <summary>The channels are turned from independent colours into those that pictures have.</summary>
    /// <exception cref="ArgumentException">The basis has another number of channels.</exception>
    public Parameterisation Decorrelated(ColourBasis basis)
    {
        ArgumentNullException.ThrowIfNull(basis);
        if (Input.Rank != 3
            || basis.Channels != Input[0]) throw new ArgumentException($"A basis of {basis.Channels} colours does not fit an input of shape {Input}.",
                nameof(basis));
        return Then("decorrelated", basis.Apply, InPixels);
    }

    /// <summary>The result is what is added to an input: the ascent starts there (Erhan, Bengio, Courville, Vincent 2009, "Visualizing higher-layer
    /// features").</summary>
    /// <param name="input">[1, ...] for all, or one for each example.</param>
    public Parameterisation From(Tensor input)
    {
        Tensor start = Fitting(input);
        return Then("from an example", x => start + x, InPixels);
    }

    /// <summary>Everything is brought between 0 and 1 by a sigmoid, so that no picture leaves the range that pictures have.</summary>
    public Parameterisation Bounded() => Then("bounded", x => x.Sigmoid(), InPixels);

    /// <summary>The same, starting from a picture of that range.</summary>
    /// <param name="picture">[1, ...] in [0, 1] for all, or one for each example; what is darker than 0.5% or lighter than 99.5% starts there, for a sigmoid
    /// has no ends.</param>
    public Parameterisation BoundedFrom(Tensor picture)
    {
        Tensor inside = Fitting(picture).Clamp(0.005f, 0.995f), start = (inside / (1 - inside)).Log();
        return Then("bounded, from an example", x => (start + x).Sigmoid(), InPixels);
    }

    /// <summary>0 and 1 become the darkest and the brightest value that the network is given, channel by channel.</summary>
    /// <param name="low">What 0 becomes; broadcasts, [1, C, 1, 1].</param>
    /// <param name="high">What 1 becomes.</param>
    public Parameterisation Between(Tensor low, Tensor high)
    {
        Tensor from = low.Detach(), span = high.Detach() - from;
        return Then("in the network's range", x => from + span * x, InPixels);
    }

    /// <summary>The inputs that parameters make.</summary>
    /// <param name="parameters">[N, ...], of the shape <see cref="Parameters"/> each.</param>
    /// <returns>[N, ...], of the shape <see cref="Input"/> each.</returns>
    /// <exception cref="ArgumentException">The parameters have another shape.</exception>
    public Tensor Make(Tensor parameters)
    {
        if (parameters.Rank != Parameters.Rank + 1 || !parameters.Shape.Dims[1..].SequenceEqual(Parameters.Dims))
        {
            throw new ArgumentException($"Parameters of this kind are [N, {string.Join(", ", Parameters.Dims.ToArray())}], not {parameters.Shape}.",
                nameof(parameters));
        }
        return _make(parameters);
    }

    /// <summary>Where an ascent starts: normal numbers of deviation 0.01.</summary>
    /// <param name="count">N.</param>
    /// <param name="seed">Of the numbers.</param>
    /// <param name="distinct">Whether every example has its own; otherwise all start alike, so that a batch equals its singles.</param>
    public Tensor Start(int count, ulong seed, bool distinct = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        float[] numbers = new float[count * Parameters.Count];
        for (int i = 0; i < count; i++)
        {
            Span<float> own = numbers.AsSpan(i * Parameters.Count, Parameters.Count);
            if (i > 0 && !distinct) numbers.AsSpan(0, Parameters.Count).CopyTo(own);
            else new RandomSource(new RandomSource(seed).Derive((ulong)i)).Normal(Parameters, 0, StartDeviation).Floats.CopyTo(own);
        }
        return Tensor.From(numbers, [count, .. Parameters.Dims]);
    }

    private Parameterisation Then(string name, Func<Tensor, Tensor> next, bool inPixels) =>
        new($"{Name}, {name}", Parameters, Input, x => next(_make(x))) { InPixels = inPixels };

    private Tensor Fitting(Tensor input) => input.Rank == Input.Rank + 1 && input.Shape.Dims[1..].SequenceEqual(Input.Dims)
        ? input.Detach()
        : throw new ArgumentException($"The ascent changes inputs of shape {Input}; it cannot start from {input.Shape}.", nameof(input));

    private static void Check(int channels, int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
    }
}
