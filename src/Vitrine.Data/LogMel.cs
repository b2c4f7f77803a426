namespace Vitrine.Data;

/// <summary>
/// Filterbank features of speech (Davis and Mermelstein 1980): the logarithm of the energy in bands that are even on the mel scale of hearing,
/// mel(f) = 2595 log10(1 + f / 700) as HTK has it. Frames of 25 ms every 10 ms under Hamming's window, after a pre-emphasis of 0.97; triangular filters that
/// overlap by half.
/// </summary>
public sealed class LogMel
{
    private const double WindowSeconds = 0.025;
    private const double StepSeconds = 0.010;
    private const float PreEmphasis = 0.97f;
    private const float SmallestEnergy = 1e-10f;

    private readonly int _rate;
    private readonly int _window;
    private readonly int _step;
    private readonly Tensor _cos; // [bins, window], the window's weights included
    private readonly Tensor _sin;
    private readonly Tensor _filters; // [bands, bins]

    /// <summary>Prepares the transform.</summary>
    /// <param name="rate">Samples a second, at least 1,000.</param>
    /// <param name="bands">How many bands.</param>
    /// <param name="low">The lower edge of the first band in Hz.</param>
    /// <param name="high">The upper edge of the last band in Hz; null for half the rate.</param>
    /// <exception cref="ArgumentException">A number makes no sense, or a band is narrower than what the window can tell apart.</exception>
    public LogMel(int rate, int bands = 40, double low = 20, double? high = null)
    {
        double top = high ?? rate / 2.0;
        if (rate < 1000) throw new ArgumentException($"Speech has at least 1,000 samples a second, not {rate}.", nameof(rate));
        if (bands < 1) throw new ArgumentException($"At least one band is needed, not {bands}.", nameof(bands));
        if (!(low >= 0) || !(top > low) || top > rate / 2.0)
            throw new ArgumentException($"Bands lie between 0 and {rate / 2.0} Hz, not between {low} and {top}.");
        (_rate, Bands) = (rate, bands);
        (_window, _step) = ((int)Math.Round(WindowSeconds * rate), (int)Math.Round(StepSeconds * rate));
        int length = 1;
        while (length < _window) length *= 2;
        int bins = (length / 2) + 1;
        float[] cos = new float[bins * _window], sin = new float[bins * _window];
        for (int k = 0; k < bins; k++)
        {
            for (int t = 0; t < _window; t++)
            {
                double weight = 0.54 - (0.46 * Math.Cos(2 * Math.PI * t / (_window - 1))), angle = 2 * Math.PI * ((long)k * t % length) / length;
                (cos[(k * _window) + t], sin[(k * _window) + t]) = ((float)(weight * Math.Cos(angle)), (float)(weight * Math.Sin(angle)));
            }
        }
        (_cos, _sin) = (Tensor.From(cos, [bins, _window]), Tensor.From(sin, [bins, _window]));
        _filters = Tensor.From(Filters(bands, bins, rate / (double)length, low, top), [bands, bins]);
    }

    /// <summary>How many bands.</summary>
    public int Bands { get; }

    /// <summary>The place of a frequency on the mel scale.</summary>
    public static double Mel(double hertz) => 2595 * Math.Log10(1 + (hertz / 700));

    /// <summary>The frequency at a place on the mel scale.</summary>
    public static double Hertz(double mel) => 700 * (Math.Pow(10, mel / 2595) - 1);

    /// <summary>The features of a sound, [frames, bands]: natural logarithms of energies, those below 1e-10 as that.</summary>
    /// <param name="samples">[T] in about [-1, 1]; a sound shorter than a window is filled up with silence.</param>
    public Tensor Of(ReadOnlySpan<float> samples)
    {
        int frames = samples.Length <= _window ? 1 : 1 + ((samples.Length - _window) / _step);
        float[] cut = new float[frames * _window];
        for (int f = 0; f < frames; f++)
        {
            for (int t = 0; t < _window; t++)
            {
                int at = (f * _step) + t;
                if (at < samples.Length) cut[(f * _window) + t] = samples[at] - (PreEmphasis * (at > 0 ? samples[at - 1] : 0));
            }
        }
        using var scope = MemoryScope.Open();
        Tensor windows = Tensor.From(cut, [frames, _window]);
        Tensor power = windows.Linear(_cos).Square() + windows.Linear(_sin).Square(); // [frames, bins]
        float[] energy = power.Linear(_filters).ToArray();
        for (int i = 0; i < energy.Length; i++) energy[i] = MathF.Log(Math.Max(energy[i], SmallestEnergy));
        return scope.Keep(Tensor.From(energy, [frames, Bands]));
    }

    /// <summary>The features of a sound, its channels averaged.</summary>
    /// <exception cref="ArgumentException">The sound has another rate.</exception>
    public Tensor Of(Sound sound)
    {
        ArgumentNullException.ThrowIfNull(sound);
        return sound.Rate == _rate ? Of(sound.Mono())
            : throw new ArgumentException($"The features are those of {_rate} samples a second; the sound has {sound.Rate}.");
    }

    // [bands, bins]: triangles over the mel scale, 1 at the middle of a band and 0 at the middles of its neighbours.
    private static float[] Filters(int bands, int bins, double width, double low, double high)
    {
        double first = Mel(low), spacing = (Mel(high) - first) / (bands + 1);
        float[] filters = new float[bands * bins];
        for (int b = 0; b < bands; b++)
        {
            double middle = first + ((b + 1) * spacing), sum = 0;
            for (int k = 0; k < bins; k++)
            {
                double weight = Math.Max(0, 1 - (Math.Abs(Mel(k * width) - middle) / spacing));
                filters[(b * bins) + k] = (float)weight;
                sum += weight;
            }
            if (sum == 0)
                throw new ArgumentException($"Band {b} of {bands} is narrower than the {width:0.#} Hz that a window of 25 ms tells apart; take fewer bands.");
        }
        return filters;
    }
}
