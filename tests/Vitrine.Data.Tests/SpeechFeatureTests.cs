namespace Vitrine.Data.Tests;

public sealed class SpeechFeatureTests
{
    [Fact]
    public void TheMelScaleIsHtks()
    {
        Assert.Equal(1000, LogMel.Mel(1000), 0.02);
        Assert.Equal(0, LogMel.Mel(0));
        Assert.Equal(2595 * Math.Log10(2), LogMel.Mel(700), 1e-9);
        foreach (double f in new[] { 20.0, 300, 3999 }) Assert.Equal(f, LogMel.Hertz(LogMel.Mel(f)), 1e-9);
    }

    [Theory]
    [InlineData(300)]
    [InlineData(1000)]
    [InlineData(2500)]
    public void ATonePeaksInItsBand(double hertz)
    {
        const int bands = 40;
        float[] tone = [.. Enumerable.Range(0, 4000).Select(t => (float)Math.Sin(2 * Math.PI * hertz * t / 8000))];
        Tensor features = new LogMel(8000, bands).Of(tone);
        Assert.Equal([1 + ((4000 - 200) / 80), bands], features.Shape);
        double low = LogMel.Mel(20), spacing = (LogMel.Mel(4000) - low) / (bands + 1);
        int band = (int)Math.Round(((LogMel.Mel(hertz) - low) / spacing) - 1);
        ReadOnlySpan<float> frame = features.Floats.Slice(10 * bands, bands);
        int loudest = 0;
        for (int b = 1; b < bands; b++) loudest = frame[b] > frame[loudest] ? b : loudest;
        Assert.InRange(loudest, band - 1, band + 1);
    }

    /// <summary>One frame by plain loops in double precision.</summary>
    [Fact]
    public void FeaturesAreTheFormula()
    {
        const int rate = 8000, window = 200, length = 256, bands = 12;
        var random = new RandomSource(3);
        float[] sound = [.. Enumerable.Range(0, 400).Select(_ => random.NextNormal() * 0.1f)];
        Tensor features = new LogMel(rate, bands, 100, 3500).Of(sound);
        const int frame = 1, first = frame * 80;
        double[] power = new double[(length / 2) + 1];
        for (int k = 0; k < power.Length; k++)
        {
            double re = 0, im = 0;
            for (int t = 0; t < window; t++)
            {
                double s = (sound[first + t] - (0.97 * sound[first + t - 1])) * (0.54 - (0.46 * Math.Cos(2 * Math.PI * t / (window - 1))));
                (re, im) = (re + (s * Math.Cos(2 * Math.PI * k * t / length)), im - (s * Math.Sin(2 * Math.PI * k * t / length)));
            }
            power[k] = (re * re) + (im * im);
        }
        double low = LogMel.Mel(100), spacing = (LogMel.Mel(3500) - low) / (bands + 1);
        for (int b = 0; b < bands; b++)
        {
            double energy = 0;
            for (int k = 0; k < power.Length; k++)
            {
                double place = (LogMel.Mel(k * rate / (double)length) - low) / spacing;
                energy += power[k] * Math.Max(0, 1 - Math.Abs(place - (b + 1)));
            }
            Assert.Equal(Math.Log(energy), features.Floats[(frame * bands) + b], 1e-3);
        }
    }

    [Fact]
    public void SilenceAndShortSoundsHaveFeatures()
    {
        Tensor features = new LogMel(8000).Of(new float[10]);
        Assert.Equal([1, 40], features.Shape);
        Assert.All(features.ToArray(), v => Assert.Equal(MathF.Log(1e-10f), v));
        Assert.Throws<ArgumentException>(() => new LogMel(8000, 200)); // narrower than a bin
        Assert.Throws<ArgumentException>(() => new LogMel(8000, high: 5000));
    }

    [Fact]
    public void SpokenDigitsAreSplitByTakeAndNamed()
    {
        var recordings = new List<(string, byte[])>();
        foreach (string speaker in new[] { "zoe", "abe" })
        {
            foreach (int digit in new[] { 0, 7 })
            {
                foreach (int take in new[] { 3, 20, 21 })
                {
                    double[] wave = [.. Enumerable.Range(0, 1500 + (100 * take)).Select(t => Math.Sin(t * (0.1 + (0.05 * digit))) * (speaker == "abe" ? 0.2 : 0.8))];
                    recordings.Add(($"recordings/{digit}_{speaker}_{take}.wav", WavTests.Make([wave], 8000, 16, false, false)));
                }
            }
        }
        SpokenDigits digits = SpokenDigits.Read(recordings, "test");
        Assert.Equal(["abe", "zoe"], digits.Speakers);
        Assert.Equal((8, 4), (digits.Digits.Train.Count, digits.Digits.Test.Count));
        Assert.Equal([4, 1, 32, 40], digits.Digits.Test.Inputs.Shape);
        Assert.Equal([0L, 0, 7, 7], digits.Digits.Test.Labels.Longs.ToArray());
        Assert.Equal([0, 1, 0, 1], digits.TestSpeakers);
        Assert.Equal(0, digits.Digits.Train.Inputs.ToArray().Average(v => (double)v), 1e-3);
        Assert.Contains("digit_speaker_take", Assert.Throws<DataException>(() => SpokenDigits.Read([("hello.wav", [])], "x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheRealRecordingsLoad()
    {
        string? root = Environment.GetEnvironmentVariable("VITRINE_DATA");
        Assert.SkipWhen(root is null || !File.Exists(Path.Combine(root, "speech", "fsdd.tar.gz")), "Needs VITRINE_DATA with speech/fsdd.tar.gz.");
        SpokenDigits digits = SpokenDigits.Load(cancel: TestContext.Current.CancellationToken);
        Assert.Equal((2100, 900), (digits.Digits.Train.Count, digits.Digits.Test.Count));
        Assert.Equal(["george", "jackson", "lucas", "nicolas", "theo", "yweweler"], digits.Speakers);
    }
}
