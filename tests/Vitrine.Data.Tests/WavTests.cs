using System.Buffers.Binary;
using Vitrine.Tests;

namespace Vitrine.Data.Tests;

public sealed class WavTests
{
    public static TheoryData<bool, int, int> Forms => new()
    {
        { false, 8, 1 }, { false, 16, 1 }, { false, 16, 2 }, { false, 24, 1 }, { false, 24, 2 }, { false, 32, 2 }, { true, 32, 1 }, { true, 64, 2 },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void EveryFormGivesTheSamplesBack(bool floats, int bits, int channels)
    {
        double[][] wave = [.. Enumerable.Range(0, channels).Select(c => Enumerable.Range(0, 101).Select(t => Math.Sin(0.3 * t + c) * 0.9).ToArray())];
        wave[0][7] = -1;
        foreach (bool extensible in new[] { false, true })
        {
            Sound sound = Wav.Read(Make(wave, 8000, bits, floats, extensible), "test");
            Assert.Equal(8000, sound.Rate);
            Assert.Equal([channels, 101], sound.Samples.Shape);
            Assert.Equal(101 / 8000.0, sound.Seconds);
            double step = floats ? 1e-7 : Math.Pow(2, 1 - bits);
            for (int c = 0; c < channels; c++)
            {
                for (int t = 0; t < 101; t++) Assert.Equal(wave[c][t], sound.Samples.Floats[(c * 101) + t], Math.Max(step, 1e-7));
            }
            Assert.Equal(-1f, sound.Samples.Floats[7]);
            float[] mono = sound.Mono();
            for (int t = 0; t < 101; t++) Assert.Equal(Enumerable.Range(0, channels).Average(c => wave[c][t]), mono[t], Math.Max(step, 1e-6));
        }
    }

    [Fact]
    public void OtherBlocksAreSkippedAndOddOnesPadded()
    {
        byte[] plain = Make([[0.5, -0.5]], 16000, 16, false, false);
        byte[] list = [.. "LIST"u8, 3, 0, 0, 0, 1, 2, 3, 0];
        Sound sound = Wav.Read([.. plain[..12], .. list, .. plain[12..], .. list], "test");
        Assert.Equal([0.5f, -0.5f], sound.Samples.ToArray());
    }

    [Fact]
    public void ErrorsSayWhatAndWhere()
    {
        byte[] sound = Make([[0.1, 0.2, 0.3]], 8000, 16, false, false);
        Refused("does not start with RIFF", [.. "RIFX"u8, .. sound[4..]]);
        Refused("truncated", sound[..^2]);
        Refused("no samples", sound[..36]);
        Refused("format 2", With(20, 2));
        Refused("0 channels", With(22, 0));
        Refused("12 bits", With(34, 12));
        Refused("no whole number", With(40, 5));
        Refused("before the block", [.. sound[..12], .. sound[36..]]);
        Assert.Contains("does not exist", Assert.Throws<DataException>(() => Wav.Load("/nowhere/at/all.wav")).Message, StringComparison.Ordinal);

        byte[] With(int at, byte value)
        {
            byte[] other = [.. sound];
            other[at] = value;
            return other;
        }

        static void Refused(string why, byte[] file) => Assert.Contains(why, Assert.Throws<DataException>(() => Wav.Read(file, "x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DamageIsSurvived()
    {
        double[] wave = [.. Enumerable.Range(0, 300).Select(t => Math.Sin(0.1 * t))];
        byte[][] files = [Make([wave], 8000, 16, false, false), Make([wave, wave], 8000, 24, false, true), Make([wave], 8000, 8, false, false), Make([wave], 8000, 32, true, false)];
        // A byte may be a sample of four.
        Mutations.Survive<DataException>(files, file => Wav.Read(file, "damaged"), 8);
    }

    internal static byte[] Make(double[][] wave, int rate, int bits, bool floats, bool extensible)
    {
        int channels = wave.Length, count = wave[0].Length, width = bits / 8;
        byte[] format = new byte[extensible ? 40 : 16], data = new byte[count * channels * width];
        int tag = floats ? 3 : 1;
        BinaryPrimitives.WriteUInt16LittleEndian(format, (ushort)(extensible ? 0xFFFE : tag));
        BinaryPrimitives.WriteUInt16LittleEndian(format.AsSpan(2), (ushort)channels);
        BinaryPrimitives.WriteInt32LittleEndian(format.AsSpan(4), rate);
        BinaryPrimitives.WriteInt32LittleEndian(format.AsSpan(8), rate * channels * width);
        BinaryPrimitives.WriteUInt16LittleEndian(format.AsSpan(12), (ushort)(channels * width));
        BinaryPrimitives.WriteUInt16LittleEndian(format.AsSpan(14), (ushort)bits);
        if (extensible)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(format.AsSpan(16), 22);
            BinaryPrimitives.WriteUInt16LittleEndian(format.AsSpan(24), (ushort)tag);
        }
        byte[] eight = new byte[8];
        for (int t = 0; t < count; t++)
        {
            for (int c = 0; c < channels; c++)
            {
                double v = wave[c][t];
                if (floats && bits == 32) BinaryPrimitives.WriteSingleLittleEndian(eight, (float)v);
                else if (floats) BinaryPrimitives.WriteDoubleLittleEndian(eight, v);
                else if (bits == 8) eight[0] = (byte)Math.Clamp(Math.Round(v * 128) + 128, 0, 255);
                else BinaryPrimitives.WriteInt64LittleEndian(eight, Math.Clamp((long)Math.Round(v * Math.Pow(2, bits - 1)), -(1L << (bits - 1)), (1L << (bits - 1)) - 1));
                eight.AsSpan(0, width).CopyTo(data.AsSpan(((t * channels) + c) * width));
            }
        }
        return [.. "RIFF"u8, .. Four(4 + 8 + format.Length + 8 + data.Length), .. "WAVE"u8, .. "fmt "u8, .. Four(format.Length), .. format, .. "data"u8, .. Four(data.Length), .. data];

        static byte[] Four(int value)
        {
            byte[] bytes = new byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
            return bytes;
        }
    }
}
