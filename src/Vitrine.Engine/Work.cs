using System.Runtime.InteropServices;

namespace Vitrine;

/// <summary>Work over the engine's own threads, for numerical code outside of operators.</summary>
/// <remarks>
/// A range is cut into chunks whose size does not depend on the number of threads, and each chunk is computed by one thread: a body whose chunks write to
/// disjoint places gives the same bytes with one thread and with many. Sums over chunks are for the caller to add up, in order.
/// </remarks>
public static unsafe class Work
{
    /// <summary>
    /// Calls <paramref name="body"/> for chunks [start, end) that cover [0, <paramref name="count"/>); calls from inside a body run on their thread.
    /// </summary>
    /// <param name="count">The number of items.</param>
    /// <param name="grain">The number of items in a chunk, at least 1; choose it from the work an item takes.</param>
    /// <param name="body">What to do with a chunk.</param>
    /// <exception cref="InvalidOperationException">A chunk failed on another thread.</exception>
    public static void Split(int count, int grain, Action<int, int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        GCHandle handle = GCHandle.Alloc(body);
        try
        {
            Cpu.Parallel.For(count, grain, &Call, (void*)GCHandle.ToIntPtr(handle));
        }
        finally
        {
            handle.Free();
        }
    }

    private static void Call(void* context, int start, int end) => ((Action<int, int>)GCHandle.FromIntPtr((nint)context).Target!)(start, end);
}
