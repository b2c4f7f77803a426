using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Vitrine.Tests;

namespace Vitrine.Data.Tests;

public sealed class TarMembersTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void MembersComeInOrderWithTheirContent(bool zipped)
    {
        byte[] large = [.. Enumerable.Range(0, 200_000).Select(i => (byte)(i * 7))];
        byte[] archive = Make(zipped, ("a/one.txt", "one"u8.ToArray()), ("b/large.bin", large), ("empty", []), ("c.txt", "three"u8.ToArray()));
        (string Name, byte[] Content)[] all = [.. TarMembers.Read(new MemoryStream(archive), "test")];
        Assert.Equal(["a/one.txt", "b/large.bin", "empty", "c.txt"], all.Select(m => m.Name));
        Assert.Equal("one", Encoding.ASCII.GetString(all[0].Content));
        Assert.Equal(large, all[1].Content);
        Assert.Empty(all[2].Content);
        Assert.Equal(["a/one.txt", "c.txt"], TarMembers.Read(new MemoryStream(archive), "test", n => n.EndsWith(".txt", StringComparison.Ordinal)).Select(m => m.Name));
    }

    [Fact]
    public void LimitsHold()
    {
        // A megabyte of zeros in a thousand bytes.
        byte[] bomb = Make(true, ("zeros", new byte[1 << 20]));
        Assert.True(bomb.Length < 4096);
        Assert.Contains("unpacks to more", Assert.Throws<DataException>(() => TarMembers.Read(new MemoryStream(bomb), "bomb", mostBytes: 100_000).ToList()).Message,
            StringComparison.Ordinal);
        // Also where the member is not wanted: skipping is reading.
        Assert.Throws<DataException>(() => TarMembers.Read(new MemoryStream(bomb), "bomb", _ => false, mostBytes: 100_000).ToList());
        byte[] many = Make(true, [.. Enumerable.Range(0, 20).Select(i => ($"{i}", Array.Empty<byte>()))]);
        Assert.Contains("more than 10 members", Assert.Throws<DataException>(() => TarMembers.Read(new MemoryStream(many), "many", mostMembers: 10).ToList()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void DamageIsSurvived()
    {
        byte[] content = [.. Enumerable.Range(0, 3000).Select(i => (byte)(i * i))];
        byte[][] files = [Make(false, ("one", content), ("two", content)), Make(true, ("one", content), ("two", content))];
        // Deflate packs up to 1032 bytes into one.
        Mutations.Survive<DataException>(files, file => TarMembers.Read(new MemoryStream(file), "damaged", mostBytes: 1 << 22).ToList(), 1032 * 4);
    }

    internal static byte[] Make(bool zipped, params ReadOnlySpan<(string Name, byte[] Content)> members)
    {
        var archive = new MemoryStream();
        using (Stream stream = zipped ? new GZipStream(archive, CompressionLevel.Optimal, leaveOpen: true) : archive)
        {
            using var writer = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true);
            foreach ((string name, byte[] content) in members) writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
            writer.Dispose();
            return zipped ? Closed(stream, archive) : archive.ToArray();
        }

        static byte[] Closed(Stream stream, MemoryStream archive)
        {
            stream.Dispose();
            return archive.ToArray();
        }
    }
}
