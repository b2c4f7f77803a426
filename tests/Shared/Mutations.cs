using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;

namespace Vitrine.Tests;

/// <summary>
/// Damaged files: sound ones with flipped bits, extreme numbers, parts cut off, doubled or moved. A seed gives the same damage. VITRINE_FUZZ=10000 asks for
/// that many a format instead of a few hundred.
/// </summary>
internal static class Mutations
{
    private static readonly uint[] Extremes = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF];

    public static int Count => int.TryParse(Environment.GetEnvironmentVariable("VITRINE_FUZZ"), NumberStyles.None, CultureInfo.InvariantCulture, out int count)
        ? count : 300;

    /// <summary>A copy of a file with one to four kinds of damage.</summary>
    public static byte[] Of(byte[] file, int seed)
    {
        var random = new Random(seed);
        byte[] bytes = [.. file];
        Span<byte> number = stackalloc byte[4];
        for (int changes = random.Next(1, 5); changes > 0 && bytes.Length > 0; changes--)
        {
            // Headers stand at the start or the end: half of all damage goes there.
            int at = random.Next(4) switch
            {
                0 => random.Next(Math.Min(64, bytes.Length)),
                1 => bytes.Length - 1 - random.Next(Math.Min(64, bytes.Length)),
                _ => random.Next(bytes.Length)
            };
            int length = Math.Min(random.Next(1, 65), bytes.Length - at);
            switch (random.Next(9))
            {
                case 0 or 1 or 2:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 3:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 4:
                    uint extreme = Extremes[random.Next(Extremes.Length)];
                    if (random.Next(2) == 0) BinaryPrimitives.WriteUInt32LittleEndian(number, extreme);
                    else BinaryPrimitives.WriteUInt32BigEndian(number, extreme);
                    number[..Math.Min(random.Next(1, 5), bytes.Length - at)].CopyTo(bytes.AsSpan(at));
                    break;
                case 5:
                    for (int i = at; i < at + length; i++)
                    {
                        if (char.IsAsciiDigit((char)bytes[i])) bytes[i] = (byte)'9'; // Sizes written as text.
                    }
                    break;
                case 6:
                    bytes = bytes[..at];
                    break;
                case 7:
                    bytes = [.. bytes[..(at + length)], .. bytes[at..]];
                    break;
                default:
                    bytes = [.. bytes[..at], .. bytes[(at + length)..]];
                    break;
            }
        }
        return bytes;
    }

    /// <summary>
    /// Reads damaged copies of sound files. Each must be read or refused with the one type of error, within five seconds and the memory its size justifies.
    /// </summary>
    /// <typeparam name="TError">The only error there may be.</typeparam>
    /// <param name="files">Sound files of one format.</param>
    /// <param name="read">Reads one.</param>
    /// <param name="bytesPerByte">How much may be allocated for a byte of the file, beyond 8 MiB.</param>
    public static void Survive<TError>(IReadOnlyList<byte[]> files, Action<byte[]> read, long bytesPerByte)
        where TError : Exception
    {
        foreach (byte[] file in files) read(file);
        int refused = 0, count = Count;
        for (int seed = 0; seed < count; seed++)
        {
            byte[] damaged = Of(files[seed % files.Count], seed);
            long before = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
            try
            {
                read(damaged);
            }
            catch (TError)
            {
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"Damage {seed} of file {seed % files.Count}: {e}");
            }
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(5), $"Damage {seed} took {Stopwatch.GetElapsedTime(start)}.");
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < (8 << 20) + (bytesPerByte * damaged.Length), $"Damage {seed}, a file of {damaged.Length} bytes, took {allocated} bytes " +
                "of memory.");
        }
        Assert.True(refused > count / 20, $"Only {refused} of {count} were refused: the damage does not reach what is checked.");
        TestContext.Current.TestOutputHelper?.WriteLine($"{count} damaged files: {count - refused} read, {refused} refused.");
    }
}
