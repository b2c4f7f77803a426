namespace Vitrine.Cpu;

/// <summary>The managed CPU backend: every kernel of <see cref="Device"/>, grouped by file.</summary>
internal sealed unsafe partial class CpuDevice : Device
{
    public static readonly CpuDevice Instance = new();

    /// <summary>Elements of cheap arithmetic that are worth a chunk of their own: some microseconds of work.</summary>
    private const int ElementGrain = 16 * 1024;

    private CpuDevice()
    {
    }

    /// <summary>Items in a chunk when an item costs about <paramref name="elements"/> elements of cheap arithmetic.</summary>
    private static int GrainOf(long elements) => (int)Math.Max(1, ElementGrain / Math.Max(1, elements));
}
