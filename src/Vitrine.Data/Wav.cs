using System.Buffers.Binary;

namespace Vitrine.Data;

/// <summary>Sound as numbers.</summary>
/// <param name="Samples">[C, T] in about [-1, 1]: a channel a row.</param>
/// <param name="Rate">Samples a second.</param>
public sealed record Sound(Tensor Samples, int Rate)
{
    /// <summary>The length in seconds.</summary>
    public double Seconds => Samples.Shape[1] / (double)Rate;

    /// <summary>The mean of the channels, [T].</summary>
    public float[] Mono()
    {
        int channels = Samples.Shape[0], count = Samples.Shape[1];
        float[] mono = new float[count];
        for (int c = 0; c < channels; c++)
        {
            ReadOnlySpan<float> channel = Samples.Floats.Slice(c * count, count);
            for (int t = 0; t < count; t++) mono[t] += channel[t] / channels;
        }
        return mono;
    }
}

/// <summary>
/// WAV files (Microsoft and IBM 1991): RIFF with one block of samples, PCM of 8, 16, 24 or 32 bits or floats of 32 or 64, 1 to 8 channels, plain or extensible.
/// </summary>
public static class Wav
{
    private const int Pcm = 1;
    private const int Float = 3;
    private const int Extensible = 0xFFFE;
    private const int MostChannels = 8;
    private const int FastestRate = 1_000_000;
    private const long Largest = 1L << 30;
    private const string Damaged = "Save it again as uncompressed WAV (PCM).";

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataException">The file is missing, no WAV file, of another encoding, or damaged.</exception>
    public static Sound Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            long size = new FileInfo(path).Length;
            if (size > Largest) throw new DataException($"The file has {size >> 20} MB; at most {Largest >> 20} MB are read.", "Cut it into pieces.", path);
            return Read(File.ReadAllBytes(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DataException.From(e, path);
        }
    }

    /// <summary>Reads the bytes of a file.</summary>
    /// <param name="file">All of it.</param>
    /// <param name="name">What to call it in errors.</param>
    /// <exception cref="DataException">It is no WAV file, of another encoding, or damaged.</exception>
    public static Sound Read(ReadOnlySpan<byte> file, string name)
    {
        if (file.Length < 12 || !file[..4].SequenceEqual("RIFF"u8) || !file.Slice(8, 4).SequenceEqual("WAVE"u8))
            throw new DataException("This is not a WAV file: it does not start with RIFF and WAVE.", "Check that this is the right file.", name, 0);
        Format? format = null;
        for (long at = 12; at + 8 <= file.Length;)
        {
            ReadOnlySpan<byte> id = file.Slice((int)at, 4);
            long size = BinaryPrimitives.ReadUInt32LittleEndian(file[((int)at + 4)..]), start = at + 8;
            if (start + size > file.Length)
                throw new DataException($"The file is truncated: a block of {size} bytes begins here and {file.Length - start} are there.", Damaged, name, at);
            ReadOnlySpan<byte> block = file.Slice((int)start, (int)size);
            if (id.SequenceEqual("fmt "u8)) format = Format.Of(block, name, start);
            if (id.SequenceEqual("data"u8))
                return Samples(block, format ?? throw new DataException("Samples come before the block that says what they are.", Damaged, name, at), name,
                    start);
            at = start + size + (size & 1); // blocks begin at even bytes
        }
        throw new DataException(format is null ? "The file has no block that says what its samples are." : "The file has no samples.", Damaged, name,
            file.Length);
    }

    private static Sound Samples(ReadOnlySpan<byte> block, Format format, string name, long offset)
    {
        int width = format.Bits / 8, channels = format.Channels, frame = width * channels;
        if (block.Length == 0 || block.Length % frame != 0)
            throw new DataException($"{block.Length} bytes are no whole number of {channels} samples of {format.Bits} bits.", Damaged, name, offset);
        int count = block.Length / frame;
        float[] samples = new float[channels * count];
        for (int t = 0; t < count; t++)
        {
            for (int c = 0; c < channels; c++)
            {
                ReadOnlySpan<byte> s = block.Slice((t * frame) + (c * width), width);
                float value = (format.IsFloat, width) switch
                {
                    (true, 4) => BinaryPrimitives.ReadSingleLittleEndian(s),
                    (true, _) => (float)BinaryPrimitives.ReadDoubleLittleEndian(s),
                    (_, 1) => (s[0] - 128) / 128f, // the one unsigned form
                    (_, 2) => BinaryPrimitives.ReadInt16LittleEndian(s) / 32768f,
                    (_, 3) => (s[0] | (s[1] << 8) | ((sbyte)s[2] << 16)) / 8388608f,
                    _ => BinaryPrimitives.ReadInt32LittleEndian(s) / 2147483648f,
                };
                if (!float.IsFinite(value)) throw new DataException($"Sample {t} is {value}.", Damaged, name, offset + (t * (long)frame));
                samples[(c * count) + t] = value;
            }
        }
        return new Sound(Tensor.From(samples, [channels, count]), format.Rate);
    }

    private readonly record struct Format(bool IsFloat, int Channels, int Rate, int Bits)
    {
        public static Format Of(ReadOnlySpan<byte> block, string name, long offset)
        {
            if (block.Length < 16)
                throw new DataException($"The block that says what the samples are has {block.Length} bytes; 16 are the least.", Damaged, name, offset);
            int tag = BinaryPrimitives.ReadUInt16LittleEndian(block), channels = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
            uint rate = BinaryPrimitives.ReadUInt32LittleEndian(block[4..]);
            int frame = BinaryPrimitives.ReadUInt16LittleEndian(block[12..]), bits = BinaryPrimitives.ReadUInt16LittleEndian(block[14..]);
            // The extensible form has the old tag at the head of a GUID.
            if (tag == Extensible && block.Length >= 26) tag = BinaryPrimitives.ReadUInt16LittleEndian(block[24..]);
            if (tag is not (Pcm or Float)) throw new DataException($"The samples are compressed or of an unknown kind (format {tag}).", Damaged, name, offset);
            if (channels is 0 or > MostChannels)
                throw new DataException($"The header claims {channels} channels; 1 to {MostChannels} can be read.", Damaged, name, offset + 2);
            if (rate is 0 or > FastestRate) throw new DataException($"The header claims {rate} samples a second.", Damaged, name, offset + 4);
            if (!(tag == Pcm ? bits is 8 or 16 or 24 or 32 : bits is 32 or 64) || frame != channels * bits / 8)
                throw new DataException($"Samples of {bits} bits in frames of {frame} bytes cannot be read.", Damaged, name, offset + 12);
            return new Format(tag == Float, channels, (int)rate, bits);
        }
    }
}
