namespace Vitrine.Onnx;

/// <content>Signals: Fourier transforms, windows, mel scales.</content>
internal static partial class Operators
{
    [Onnx(17, Name = "DFT")]
    private static Tensor FourierByAttribute(Tensor input, Tensor? dftLength = null, int axis = 1, int inverse = 0, int onesided = 0) =>
        Fourier(input, input.Shape.Axis(axis), dftLength is null ? null : checked((int)Integers.Single(dftLength)), inverse != 0, onesided != 0);

    [Onnx(20, Name = "DFT")]
    private static Tensor Fourier(Tensor input, Tensor? dftLength = null, Tensor? axis = null, int inverse = 0, int onesided = 0) =>
        Fourier(input, input.Shape.Axis(axis is null ? -2 : (int)Integers.Single(axis)), dftLength is null ? null : checked((int)Integers.Single(dftLength)),
            inverse != 0, onesided != 0);

    [Onnx(17, Name = "STFT")]
    private static Tensor ShortTimeFourier(Call call, Tensor signal, Tensor frameStep, Tensor? window = null, Tensor? frameLength = null, int onesided = 1)
    {
        int step = checked((int)Integers.Single(frameStep));
        int length = frameLength is not null
            ? checked((int)Integers.Single(frameLength))
            : window?.Count ?? throw new ArgumentException("the length of a frame is missing");
        int samples = signal.Shape[1], parts = signal.Rank == 3 ? signal.Shape[2] : 1;
        if (step < 1 || length < 1 || length > samples) throw new ArgumentException($"frames of {length} by steps of {step} do not fit {samples} samples");
        int frames = (samples - length) / step + 1;
        call.Room(signal.Shape[0], frames, length, 2);
        long[] places = new long[frames * length];
        for (int i = 0; i < places.Length; i++) places[i] = i / length * step + i % length;
        Tensor cut = signal.Reshape(signal.Shape[0], samples, parts).IndexSelect(1, Tensor.From(places, [frames, length])); // [N, frames, length, parts]
        if (window is not null) cut *= window.Reshape(1, 1, length, 1);
        return Fourier(cut, 2, length, false, onesided != 0);
    }

    [Onnx(17)]
    private static Value HannWindow(Call call, Tensor size, int outputDatatype = 1, int periodic = 1) =>
        Window(call, size, outputDatatype, periodic, [0.5, -0.5]);

    [Onnx(17)]
    private static Value HammingWindow(Call call, Tensor size, int outputDatatype = 1, int periodic = 1) =>
        Window(call, size, outputDatatype, periodic, [25.0 / 46, -21.0 / 46]);

    [Onnx(17)]
    private static Value BlackmanWindow(Call call, Tensor size, int outputDatatype = 1, int periodic = 1) =>
        Window(call, size, outputDatatype, periodic, [0.42, -0.5, 0.08]);

    [Onnx(17)]
    private static Value MelWeightMatrix(Call call, Tensor numMelBins, Tensor dftLength, Tensor sampleRate, Tensor lowerEdgeHertz, Tensor upperEdgeHertz,
        int outputDatatype = 1)
    {
        int bins = checked((int)Integers.Single(numMelBins)), length = checked((int)Integers.Single(dftLength));
        long rate = Integers.Single(sampleRate);
        if (bins < 1 || length < 1 || rate < 1) throw new ArgumentException($"{bins} bins of {length} places at a rate of {rate} are none");
        int rows = length / 2 + 1;
        float[] weights = new float[call.Room(rows, bins)];
        double low = Mel(lowerEdgeHertz.Item()), high = Mel(upperEdgeHertz.Item()), step = (high - low) / (bins + 2);
        int[] edges = [.. Enumerable.Range(0, bins + 2).Select(i => (int)Math.Clamp(Math.Floor((length + 1) * Hertz(low + i * step) / rate), -1, rows))];
        for (int bin = 0; bin < bins; bin++)
        {
            (int left, int centre, int right) = (edges[bin], edges[bin + 1], edges[bin + 2]);
            if (centre == left && centre >= 0 && centre < rows) weights[centre * bins + bin] = 1;
            for (int j = Math.Max(left, 0); j <= centre && j < rows && centre > left; j++) weights[j * bins + bin] = (float)(j - left) / (centre - left);
            for (int j = Math.Max(centre, 0); j < right && j < rows; j++) weights[j * bins + bin] = (float)(right - j) / (right - centre);
        }
        return As(Value.Of(Tensor.From(weights, [rows, bins])), (ElementType)outputDatatype);

        static double Mel(double hertz) => 2595 * Math.Log10(1 + hertz / 700);

        static double Hertz(double mel) => 700 * (Math.Pow(10, mel / 2595) - 1);
    }

    /// <summary>A window made of cosines.</summary>
    private static Value Window(Call call, Tensor size, int type, int periodic, double[] cosines)
    {
        float[] values = new float[call.Room(Integers.Single(size))];
        int period = periodic != 0 ? values.Length : Math.Max(1, values.Length - 1);
        for (int i = 0; i < values.Length; i++)
        {
            for (int k = 0; k < cosines.Length; k++) values[i] += (float)(cosines[k] * Math.Cos(2 * Math.PI * k * i / period));
        }
        return As(Value.Of(Tensor.From(values)), (ElementType)type);
    }

    /// <summary>
    /// The discrete Fourier transform along an axis, as a product with its matrix. The last axis holds real parts, or real and imaginary ones.
    /// </summary>
    private static Tensor Fourier(Tensor x, int axis, int? length, bool inverse, bool onesided)
    {
        if (x.Rank < 3 || x.Shape[-1] is not (1 or 2) || axis == x.Rank - 1) throw new ArgumentException($"signals are [N, ..., 1 or 2], not {x.Shape}");
        int n = length ?? x.Shape[axis], kept = onesided ? n / 2 + 1 : n;
        if (n < 1) throw new ArgumentException($"a transform of {n} places is none");
        // Shorter than the signal: its start; longer: zeros at its end.
        x = n <= x.Shape[axis] ? x.Slice(axis, 0, n) : x.Pad([.. Enumerable.Range(0, x.Rank).Select(a => (0, a == axis ? n - x.Shape[axis] : 0))]);
        float[] cos = new float[kept * n], sin = new float[kept * n];
        for (int i = 0; i < cos.Length; i++)
        {
            double angle = 2 * Math.PI * ((long)(i / n) * (i % n) % n) / n * (inverse ? 1 : -1), scale = inverse ? 1.0 / n : 1;
            (cos[i], sin[i]) = ((float)(Math.Cos(angle) * scale), (float)(Math.Sin(angle) * scale));
        }
        Tensor c = Tensor.From(cos, [kept, n]), s = Tensor.From(sin, [kept, n]);
        Tensor real = Along(x.Slice(-1, 0, 1)), imaginary = x.Shape[-1] == 2 ? Along(x.Slice(-1, 1, 2)) : null!;
        Tensor re = real.Linear(c), im = real.Linear(s); // [..., kept]
        if (imaginary is not null) (re, im) = (re - imaginary.Linear(s), im + imaginary.Linear(c));
        Tensor y = TensorOps.Stack(re.Rank, re, im); // [..., kept, 2], the axes without the transformed one
        int[] order = [.. Enumerable.Range(0, axis), x.Rank - 2, .. Enumerable.Range(axis, x.Rank - 2 - axis), x.Rank - 1];
        return y.Permute(order);

        // The transformed axis last.
        Tensor Along(Tensor part)
        {
            Tensor flat = part.Squeeze(-1);
            return flat.Permute([.. Enumerable.Range(0, flat.Rank).Where(a => a != axis), axis]);
        }
    }
}
