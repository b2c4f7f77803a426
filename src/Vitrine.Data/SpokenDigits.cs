using System.Globalization;

namespace Vitrine.Data;

/// <summary>
/// The Free Spoken Digit Dataset (Jackson et al., github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA 4.0): English digits, each spoken fifty times by
/// each of several people, at 8 kHz. An example is its log-mel filterbank stretched to one length: frames at even places between the first and the last.
/// </summary>
public sealed class SpokenDigits
{
    /// <summary>Frames of an example.</summary>
    public const int Frames = 32;

    /// <summary>Bands of a frame.</summary>
    public const int Bands = 40;

    /// <summary>Takes before this one are for testing: they are held out for every digit and speaker.</summary>
    public const int FirstTrainingTake = 15;

    private const int Rate = 8000;
    private const long MostBytes = 256L << 20;
    private static readonly string[] Words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

    private SpokenDigits(DataSplit digits, int[] trainSpeakers, int[] testSpeakers, IReadOnlyList<string> speakers)
    {
        Digits = digits;
        TrainSpeakers = trainSpeakers;
        TestSpeakers = testSpeakers;
        Speakers = speakers;
    }

    /// <summary>Inputs [N, 1, 32, 40], standardised by the mean and deviation of the training examples, with the digit as class.</summary>
    public DataSplit Digits { get; }

    /// <summary>Who speaks in each training example.</summary>
    public IReadOnlyList<int> TrainSpeakers { get; }

    /// <summary>Who speaks in each test example.</summary>
    public IReadOnlyList<int> TestSpeakers { get; }

    /// <summary>The names of the speakers, in the order of the alphabet.</summary>
    public IReadOnlyList<string> Speakers { get; }

    /// <summary>Loads the data set from this machine: <c>speech/fsdd.tar.gz</c>, an archive of the recordings.</summary>
    /// <param name="root">The data folder asked for explicitly, or null: see <see cref="DataFolder"/>.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="DataException">The archive is not there or damaged.</exception>
    public static SpokenDigits Load(string? root = null, CancellationToken cancel = default)
    {
        IReadOnlyList<string> found;
        try
        {
            found = DataFolder.Find("speech", ["fsdd.tar.gz"], root);
        }
        catch (DataException e)
        {
            throw new DataException("The Free Spoken Digit Dataset (speech/fsdd.tar.gz) is not on this machine.",
                $"Get github.com/Jakobovski/free-spoken-digit-dataset, pack it ('tar czf fsdd.tar.gz recordings') and put the archive into the folder 'speech' of a " +
                $"data root ({DataFolder.Variable} or --data-root).", inner: e);
        }
        return Read(TarMembers.Read(found[0], name => name.EndsWith(".wav", StringComparison.OrdinalIgnoreCase), MostBytes), found[0], cancel);
    }

    /// <summary>Makes examples of recordings named <c>digit_speaker_take.wav</c>.</summary>
    /// <exception cref="DataException">A recording cannot be read, has another name or rate, or one part has no examples.</exception>
    internal static SpokenDigits Read(IEnumerable<(string Name, byte[] Content)> recordings, string source, CancellationToken cancel = default)
    {
        var mel = new LogMel(Rate, Bands);
        var all = new List<(int Digit, string Speaker, int Take, float[] Features)>();
        foreach ((string name, byte[] content) in recordings)
        {
            cancel.ThrowIfCancellationRequested();
            string[] parts = Path.GetFileNameWithoutExtension(name).Split('_');
            if (parts is not [{ Length: 1 } digit, var speaker, var take] || !char.IsAsciiDigit(digit[0])
                || !int.TryParse(take, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                throw new DataException($"The recording {name} is not named digit_speaker_take.wav.", "Check that this is the right archive.", source);
            Sound sound = Wav.Read(content, $"{source}: {name}");
            if (sound.Rate != Rate)
                throw new DataException($"The recording {name} has {sound.Rate} samples a second, not {Rate}.", "Check that this is the right archive.",
                    source);
            all.Add((digit[0] - '0', speaker, number, Stretched(mel.Of(sound))));
        }
        // The order of an archive is an accident.
        all = [.. all.OrderBy(r => r.Digit).ThenBy(r => r.Speaker, StringComparer.Ordinal).ThenBy(r => r.Take)];
        string[] speakers = [.. all.Select(r => r.Speaker).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var train = all.Where(r => r.Take >= FirstTrainingTake).ToList();
        var test = all.Where(r => r.Take < FirstTrainingTake).ToList();
        if (train.Count == 0 || test.Count == 0)
            throw new DataException($"There are {train.Count} recordings to learn from (takes from {FirstTrainingTake} on) and {test.Count} to be judged by.",
                "Check that this is the right archive.", source);
        double sum = 0, squares = 0, count = (double)train.Count * Frames * Bands;
        foreach (float value in train.SelectMany(r => r.Features)) (sum, squares) = (sum + value, squares + ((double)value * value));
        double mean = sum / count, deviation = Math.Max(1e-6, Math.Sqrt(Math.Max(0, (squares / count) - (mean * mean))));
        return new SpokenDigits(new DataSplit(Part(train), Part(test)), Who(train), Who(test), speakers);

        Dataset Part(List<(int Digit, string Speaker, int Take, float[] Features)> part) => new(
            Tensor.From([.. part.SelectMany(r => r.Features).Select(v => (float)((v - mean) / deviation))], [part.Count, 1, Frames, Bands]),
            Tensor.From([.. part.Select(r => (long)r.Digit)], [part.Count]), Words);

        int[] Who(List<(int Digit, string Speaker, int Take, float[] Features)> part) => [.. part.Select(r => Array.IndexOf(speakers, r.Speaker))];
    }

    // [Frames, Bands]: linear between the two frames around each place.
    private static float[] Stretched(Tensor features)
    {
        int frames = features.Shape[0];
        float[] all = new float[Frames * Bands];
        for (int f = 0; f < Frames; f++)
        {
            double place = f * (frames - 1.0) / (Frames - 1);
            int before = Math.Min((int)place, frames - 1), after = Math.Min(before + 1, frames - 1);
            float share = (float)(place - before);
            for (int b = 0; b < Bands; b++)
                all[(f * Bands) + b] = (features.Floats[(before * Bands) + b] * (1 - share)) + (features.Floats[(after * Bands) + b] * share);
        }
        return all;
    }
}
