using System.Buffers.Binary;

namespace Vitrine.Render;

/// <summary>The one entry of EXIF that changes what a picture shows: tag 0x0112, Orientation (CIPA DC-008, 4.6.4), 1 to 8; 1 is upright.</summary>
internal static class Exif
{
    private const int Upright = 1;

    /// <summary>The orientation in the APP1 segment of a JPEG file; 1 where there is none or it is not sound.</summary>
    public static int OrientationOfJpeg(ReadOnlySpan<byte> file)
    {
        int at = 2;
        while (at + 4 <= file.Length && file[at] == 0xFF)
        {
            byte marker = file[at + 1];
            if (marker == 0xFF)
            {
                at++; // Fill bytes may stand before a marker.
                continue;
            }
            if (marker == 0xDA) break; // The scan: headers are over.
            int length = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (length < 2 || at + 2 + length > file.Length) break;
            ReadOnlySpan<byte> body = file.Slice(at + 4, length - 2);
            if (marker == 0xE1 && body.StartsWith("Exif\0\0"u8)) return Orientation(body[6..]);
            at += 2 + length;
        }
        return Upright;
    }

    /// <summary>The orientation in a block of EXIF data, which is a small TIFF file; 1 where there is none or it is not sound.</summary>
    public static int Orientation(ReadOnlySpan<byte> tiff)
    {
        bool little = tiff.StartsWith("II*\0"u8);
        if (tiff.Length < 8 || !(little || tiff.StartsWith("MM\0*"u8))) return Upright;
        uint directory = little ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (directory > tiff.Length - 2) return Upright;
        int at = (int)directory + 2;
        for (int left = Short(tiff, (int)directory, little); left > 0 && at + 12 <= tiff.Length; left--, at += 12)
        {
            if (Short(tiff, at, little) != 0x0112) continue;
            int value = Short(tiff, at + 8, little);
            return Short(tiff, at + 2, little) == 3 && value is >= 1 and <= 8 ? value : Upright;
        }
        return Upright;
    }

    private static int Short(ReadOnlySpan<byte> tiff, int at, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(tiff[at..]) : BinaryPrimitives.ReadUInt16BigEndian(tiff[at..]);
}
