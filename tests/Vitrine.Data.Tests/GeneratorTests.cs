using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Vitrine.Data.Tests;

public sealed class GeneratorTests
{
    [Theory]
    [InlineData("digits")]
    [InlineData("shapes")]
    public void TheNumberOfThreadsChangesNothing(string name)
    {
        string one = Hash(Draw(name, 300, 7, threads: 1));
        Assert.Equal(one, Hash(Draw(name, 300, 7, threads: 2)));
        Assert.Equal(one, Hash(Draw(name, 300, 7, threads: 5)));
        Assert.NotEqual(one, Hash(Draw(name, 300, 8, threads: 1)));
    }

    [Theory]
    [InlineData("digits")]
    [InlineData("shapes")]
    public void ALargerSetStartsWithTheSmaller(string name)
    {
        Dataset small = Draw(name, 100, 3), large = Draw(name, 250, 3);
        Assert.Equal(small.Inputs.ToArray(), large.Take(100).Inputs.ToArray());
        Assert.Equal(small.Labels.Longs, large.Take(100).Labels.Longs);
    }

    [Fact]
    public void TheSameSeedGivesTheSameBytes()
    {
        Assert.Equal(Hash(Digits.Generate(200, 100, 5).Test), Hash(Digits.Generate(50, 100, 5).Test));
        Assert.NotEqual(Hash(Digits.Generate(100, 100, 5).Train), Hash(Digits.Generate(100, 100, 6).Train));
        MaskedSplit a = Shapes.Generate(50, 20, 5), b = Shapes.Generate(50, 20, 5);
        Assert.Equal(Hash(a.Data.Train), Hash(b.Data.Train));
        Assert.Equal(a.TestMasks.Bools, b.TestMasks.Bools);
    }

    [Fact]
    public void TrainingAndTestShareNoImage()
    {
        foreach (DataSplit split in new[] { Digits.Generate(1_000, 1_000, 1), Shapes.Generate(500, 500, 1).Data })
        {
            HashSet<string> seen = [];
            for (int i = 0; i < split.Train.Count; i++) Assert.True(seen.Add(Hash(split.Train[i].Image)));
            for (int i = 0; i < split.Test.Count; i++) Assert.True(seen.Add(Hash(split.Test[i].Image)));
        }
    }

    [Theory]
    [InlineData("digits", 10)]
    [InlineData("shapes", 8)]
    public void ClassesAreBalancedAndTheirOrderIsNotARow(string name, int classes)
    {
        Dataset set = Draw(name, 40 * classes, 2);
        Assert.Equal(classes, set.Classes.Count);
        long[] labels = set.Labels.Longs.ToArray();
        for (int block = 0; block < 40; block++) Assert.Equal(classes, labels[(block * classes)..((block + 1) * classes)].Distinct().Count());
        Assert.NotEqual(labels[..classes], labels[classes..(2 * classes)]);
    }

    [Theory]
    [InlineData("digits")]
    [InlineData("shapes")]
    public void ValuesAreGreysOfAByteFromZeroToOne(string name)
    {
        Dataset set = Draw(name, 400, 2);
        float low = 1, high = 0;
        foreach (float value in set.Inputs.Floats)
        {
            Assert.Equal((int)((value * 255) + 0.5f) / 255f, value);
            low = Math.Min(low, value);
            high = Math.Max(high, value);
        }
        Assert.Equal(0, low);
        Assert.Equal(1, high);
    }

    [Fact]
    public void DigitsLieInsideTheImageAndHaveInk()
    {
        Dataset set = Draw("digits", 1_000, 4);
        for (int i = 0; i < set.Count; i++)
        {
            ReadOnlySpan<float> image = set[i].Image.Floats;
            int ink = 0;
            for (int p = 0; p < image.Length; p++)
            {
                if (image[p] > 0.5f) ink++;
                // Noise may touch the border, ink may not.
                if (p % 28 is 0 or 27 || p / 28 is 0 or 27) Assert.InRange(image[p], 0, 0.5f);
            }
            Assert.InRange(ink, 15, 300);
        }
    }

    [Fact]
    public void TemplatesAreNotEnoughForDigits()
    {
        // The simplest linear classifier, the nearest class mean, has to stay well below what a convolutional network reaches (98%).
        DataSplit split = Digits.Generate(4_000, 1_000, 0);
        float accuracy = NearestMean(split);
        Assert.InRange(accuracy, 0.5f, 0.9f);
    }

    [Fact]
    public void ColoursAndPlacesDoNotGiveShapesAway() => Assert.InRange(NearestMean(Shapes.Generate(4_000, 1_000, 0).Data), 0.05f, 0.35f);

    [Fact]
    public void MasksCoverTheShapeAndNothingElse()
    {
        MaskedSplit split = Shapes.Generate(400, 40, 9);
        Assert.Equal("[400, 1, 32, 32]", split.TrainMasks.Shape.ToString());
        Assert.Equal("[40, 1, 32, 32]", split.TestMasks.Shape.ToString());
        ReadOnlySpan<bool> masks = split.TrainMasks.Bools;
        for (int i = 0; i < 400; i++)
        {
            ReadOnlySpan<bool> mask = masks.Slice(i * 1024, 1024);
            // A shape is one of the eight in a circle of radius 0.2 to 0.36 of the side: nothing smaller than an arrow, nothing larger than a disc.
            Assert.InRange(mask.Count(true), 30, 418);
            Assert.DoesNotContain(true, mask[..32].ToArray());
            Assert.DoesNotContain(true, mask[^32..].ToArray());

            // Away from its rim, where colours mix, a shape has one colour, slightly shaded and slightly noisy.
            ReadOnlySpan<float> image = split.Data.Train[i].Image.Floats;
            for (int c = 0; c < 3; c++) Assert.InRange(Deviation(image.Slice(c * 1024, 1024), mask), 0, 0.08);
        }
    }

    [Fact]
    public void ShapesComeInOtherSizes()
    {
        MaskedSplit split = Shapes.Generate(16, 8, 0, size: 64);
        Assert.Equal("[16, 3, 64, 64]", split.Data.Train.Inputs.Shape.ToString());
        Assert.Equal(["circle", "square", "triangle", "star", "cross", "ring", "crescent", "arrow"], Shapes.Names);
    }

    [Fact]
    public void SenselessNumbersAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Digits.Generate(0, 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => Digits.Generate(int.MaxValue, 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => Shapes.Generate(10, 10, size: 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => Shapes.Generate(10, 10, size: 100_000));
        Assert.Throws<ArgumentOutOfRangeException>(() => Shapes.Generate(100_000, 10, size: 512));
    }

    [Fact]
    public void TheOwnSineIsTheSine()
    {
        for (float angle = -50; angle < 50; angle += 0.0173f)
        {
            (float sin, float cos) = Trigonometry.SinCos(angle);
            Assert.Equal(Math.Sin(angle), sin, tolerance: 1e-7);
            Assert.Equal(Math.Cos(angle), cos, tolerance: 1e-7);
        }
    }

    [Fact]
    public void TheBellHasMeanZeroAndDeviationOne()
    {
        RandomSource random = new(1);
        double sum = 0, squares = 0;
        const int Count = 200_000;
        for (int i = 0; i < Count; i++)
        {
            double value = random.Bell();
            Assert.InRange(value, -3.5, 3.5);
            sum += value;
            squares += value * value;
        }
        Assert.InRange(sum / Count, -0.01, 0.01);
        Assert.InRange(squares / Count, 0.99, 1.01);
    }

    private static Dataset Draw(string name, int count, ulong stream, int threads = -1) =>
        name == "digits" ? Digits.Draw(count, stream, threads) : Shapes.Draw(count, stream, 32, threads).Scenes;

    private static string Hash(Dataset set) => Hash(set.Inputs) + string.Join(",", set.Labels.Longs.ToArray());

    private static string Hash(Tensor tensor) => Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(tensor.Floats)));

    private static float NearestMean(DataSplit split)
    {
        int size = split.Train.InputShape.Count, classes = split.Train.Classes.Count;
        double[][] means = new double[classes][];
        for (int k = 0; k < classes; k++) means[k] = new double[size];
        for (int i = 0; i < split.Train.Count; i++)
        {
            ReadOnlySpan<float> image = split.Train[i].Image.Floats;
            double[] mean = means[split.Train[i].Label];
            for (int p = 0; p < size; p++) mean[p] += image[p] * (double)classes / split.Train.Count;
        }
        int right = 0;
        for (int i = 0; i < split.Test.Count; i++)
        {
            float[] image = split.Test[i].Image.ToArray();
            int nearest = Enumerable.Range(0, classes).MinBy(k => image.Select((v, p) => (v - means[k][p]) * (v - means[k][p])).Sum());
            if (nearest == split.Test[i].Label) right++;
        }
        return (float)right / split.Test.Count;
    }

    private static double Deviation(ReadOnlySpan<float> values, ReadOnlySpan<bool> mask)
    {
        double sum = 0, squares = 0;
        int count = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (!mask[i] || !mask[i - 1] || !mask[i + 1] || !mask[i - 32] || !mask[i + 32]) continue;
            sum += values[i];
            squares += values[i] * values[i];
            count++;
        }
        Assert.True(count > 0);
        return Math.Sqrt(Math.Max(0, (squares / count) - (sum / count * (sum / count))));
    }
}
