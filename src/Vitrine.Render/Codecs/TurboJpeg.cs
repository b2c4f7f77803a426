using System.Reflection;
using System.Runtime.InteropServices;

namespace Vitrine.Render;

/// <summary>The few functions of libjpeg-turbo's TurboJPEG 2 interface that reading needs (turbojpeg.h). Version 3 of the library still has them.</summary>
internal static partial class TurboJpeg
{
    private const string Library = "turbojpeg";

    // Linux has the version in the name unless the development package is installed; the others are the names of macOS and Windows.
    private static readonly string[] Names = ["libturbojpeg.so.0", "libturbojpeg.so", "libturbojpeg.0.dylib", "libturbojpeg.dylib", "turbojpeg.dll"];

    static TurboJpeg() => NativeLibrary.SetDllImportResolver(
        typeof(TurboJpeg).Assembly, (name, assembly, path) => name == Library ? Find(Names, assembly, path) : 0);

    /// <summary>Pixel formats (TJPF).</summary>
    public enum Format
    {
        Rgb = 0,
        Grey = 6,
        Cmyk = 11,
    }

    /// <summary>Colour spaces of the file (TJCS).</summary>
    public enum Space
    {
        Rgb = 0,
        YCbCr = 1,
        Grey = 2,
        Cmyk = 3,
        Ycck = 4,
    }

    /// <summary>The slow integer transform instead of the fast one (TJFLAG_ACCURATEDCT).</summary>
    public const int AccurateDct = 4096;

    /// <summary>Stop where the file is flawed (TJFLAG_STOPONWARNING).</summary>
    public const int StopOnWarning = 8192;

    /// <summary>Refuse files of more than 500 scans, which only take time (TJFLAG_LIMITSCANS).</summary>
    public const int LimitScans = 32768;

    /// <summary>Looks for the library under the given names; 0 if there is none, which the runtime reports as <see cref="DllNotFoundException"/>.</summary>
    internal static nint Find(IEnumerable<string> names, Assembly assembly, DllImportSearchPath? path)
    {
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, assembly, path, out nint library)) return library;
        }
        return 0;
    }

    [LibraryImport(Library, EntryPoint = "tjInitDecompress")]
    public static partial Decompressor Open();

    // The library leaves untouched what it did not get to read, so the caller sets it first.
    [LibraryImport(Library, EntryPoint = "tjDecompressHeader3")]
    public static partial int ReadHeader(Decompressor handle, ReadOnlySpan<byte> file, CULong size, ref int width, ref int height, ref int subsampling,
        ref int space);

    [LibraryImport(Library, EntryPoint = "tjDecompress2")]
    public static partial int Decompress(
        Decompressor handle, ReadOnlySpan<byte> file, CULong size, Span<byte> pixels, int width, int pitch, int height, Format format, int flags);

    /// <summary>The last error or warning in words.</summary>
    public static string Message(Decompressor handle) => Marshal.PtrToStringUTF8(ErrorText(handle)) ?? "unknown error";

    /// <summary>Whether the last call met a flaw that the library can pass over.</summary>
    public static bool OnlyWarned(Decompressor handle) => ErrorCode(handle) == 0;

    [LibraryImport(Library, EntryPoint = "tjGetErrorStr2")]
    private static partial nint ErrorText(Decompressor handle);

    [LibraryImport(Library, EntryPoint = "tjGetErrorCode")]
    private static partial int ErrorCode(Decompressor handle);

    [LibraryImport(Library, EntryPoint = "tjDestroy")]
    private static partial int Destroy(nint handle);

    /// <summary>A decompressor of the library; closed when disposed.</summary>
    public sealed class Decompressor() : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle() => Destroy(handle) == 0;
    }
}
