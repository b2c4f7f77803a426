namespace Vitrine;

/// <summary>A buffer of elements that tensors share; it may come from the pool and go back to it.</summary>
internal sealed class Storage
{
    /// <summary>float[], long[] or bool[], by the tensor's type.</summary>
    public readonly Array Elements;

    /// <summary>Where the usable part starts: pooled buffers start on a cache line.</summary>
    public readonly int Start;

    /// <summary>Changes when the buffer goes back to the pool, so that a tensor left over from then is found out.</summary>
    public int Generation;

    /// <summary>How often room to write was asked for: whoever keeps something computed from a parameter learns from it that the parameter may have
    /// changed.</summary>
    public int Writes;

    /// <summary>The size class to return to, or -1 for a buffer that belongs to the garbage collector alone.</summary>
    public readonly int SizeClass;

    public Storage(Array elements, int start, int sizeClass)
    {
        Elements = elements;
        Start = start;
        SizeClass = sizeClass;
    }
}

/// <summary>
/// A stretch of work whose intermediate tensors give their buffers back when it ends. A trainer's step, an inference and an explanation
/// each open one; what must outlive it is kept by <see cref="Keep"/>. Reading any other tensor made inside fails with an error that says so.
/// </summary>
/// <remarks>
/// Outside of every scope buffers belong to the garbage collector, so nobody ever has to dispose of a tensor. Scopes nest: what an inner
/// scope keeps belongs to the outer one. A scope is bound to the thread that opened it.
/// </remarks>
public sealed class MemoryScope : IDisposable
{
    [ThreadStatic]
    private static MemoryScope? t_current;

    [ThreadStatic]
    private static Stack<MemoryScope>? t_spare;

    [ThreadStatic]
    private static int t_largest;

    private readonly List<Storage> _owned = [];
    private MemoryScope? _parent;

    private MemoryScope()
    {
    }

    /// <summary>How large the pooled buffers of this scope are, those of enclosing scopes not counted.</summary>
    internal long Bytes => _owned.Sum(s => (long)Buffer.ByteLength(s.Elements));

    /// <summary>Opens a scope on the calling thread; dispose of it to end it.</summary>
    public static MemoryScope Open()
    {
        MemoryScope scope = t_spare is { Count: > 0 } spare ? spare.Pop() : new MemoryScope();
        scope._parent = t_current;
        t_current = scope;
        return scope;
    }

    /// <summary>Lets a tensor outlive this scope: it now belongs to the enclosing scope, or to the garbage collector when there is none.</summary>
    /// <returns>The same tensor, without its history: the graph behind it ends with the scope.</returns>
    public Tensor Keep(Tensor tensor)
    {
        Tensor kept = tensor.Detach();
        Storage storage = tensor.Storage;
        int at = _owned.LastIndexOf(storage);
        if (at < 0) return kept;
        _owned[at] = _owned[^1];
        _owned.RemoveAt(_owned.Count - 1);
        _parent?._owned.Add(storage);
        return kept;
    }

    /// <summary>Ends the scope: every buffer that was made inside and not kept goes back to the pool.</summary>
    public void Dispose()
    {
        if (!ReferenceEquals(t_current, this))
            throw new InvalidOperationException("A memory scope must end on the thread that opened it, after the scopes inside it.");
        t_current = _parent;
        _parent = null;
        BufferPool.Return(_owned);
        _owned.Clear();
        (t_spare ??= new Stack<MemoryScope>()).Push(this);
    }

    /// <summary>A buffer of at least <paramref name="count"/> elements, its content undefined.</summary>
    internal static Storage Rent(DType dtype, int count)
    {
        if (t_largest != 0 && count > t_largest) throw new TooLargeException(count, t_largest);
        MemoryScope? scope = t_current;
        if (scope is null || count < BufferPool.SmallestPooled) return BufferPool.Unpooled(dtype, count);
        Storage storage = BufferPool.Rent(dtype, count);
        scope._owned.Add(storage);
        return storage;
    }

    /// <summary>Gives one buffer back before the scope ends; the caller knows that nobody reads it any more.</summary>
    internal static void Release(Storage storage)
    {
        MemoryScope? scope = t_current;
        if (scope is null || storage.SizeClass < 0) return;
        int at = scope._owned.LastIndexOf(storage);
        if (at < 0) return;
        scope._owned[at] = scope._owned[^1];
        scope._owned.RemoveAt(scope._owned.Count - 1);
        BufferPool.Return(storage);
    }

    /// <summary>
    /// Lets no tensor on this thread have more elements until it is called again with what it returned: a few bytes of a file can ask for gigabytes. 0 is no
    /// limit.
    /// </summary>
    internal static int Limit(int largest)
    {
        int before = t_largest;
        t_largest = largest;
        return before;
    }

    /// <summary>Runs with no scope, for buffers that must outlive whatever is open: parameters and the state of optimizers.</summary>
    internal static T Outside<T>(Func<T> make)
    {
        MemoryScope? scope = t_current;
        t_current = null;
        try
        {
            return make();
        }
        finally
        {
            t_current = scope;
        }
    }
}

/// <summary>A tensor would be larger than what <see cref="MemoryScope.Limit"/> allows.</summary>
internal sealed class TooLargeException(int count, int largest) : Exception($"a tensor of {count:N0} elements is more than the {largest:N0} that are allowed");

/// <summary>Buffers between two uses, by element type and size class (four classes to a doubling, so at most a fifth is wasted).</summary>
internal static class BufferPool
{
    /// <summary>Below this many elements a buffer is cheaper to make than to find again.</summary>
    public const int SmallestPooled = 64;

    private const int CacheLine = 64;

    // What the collector counts as a large object, and how much of them may be dropped before it is asked to look.
    private const long LargeBytes = 85_000;
    private const long LeastBudget = 64L << 20;
    private static long s_unpooled;
    private static long s_budget = LeastBudget;

    private const int Classes = 4 * 32;
    private static readonly Stack<Storage>[] Free = Enumerable.Range(0, 3 * Classes).Select(_ => new Stack<Storage>()).ToArray();
    private static readonly Lock Gate = new();

    /// <summary>A buffer that belongs to the garbage collector alone.</summary>
    /// <remarks>
    /// The collector's own budget for large objects lets garbage pile up when it is made faster than a background collection ends. Past a budget of ours it is
    /// asked to collect at once: the time is a fraction of what filling so much memory took.
    /// </remarks>
    public static Storage Unpooled(DType dtype, int count)
    {
        long bytes = (long)count * ElementSize(dtype);
        if (bytes >= LargeBytes && Interlocked.Add(ref s_unpooled, bytes) > Volatile.Read(ref s_budget))
        {
            Volatile.Write(ref s_unpooled, 0);
            GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: false);
            Volatile.Write(ref s_budget, Math.Max(LeastBudget, GC.GetTotalMemory(false) / 2));
        }
        return MakeUnpooled(dtype, count);
    }

    private static Storage MakeUnpooled(DType dtype, int count) => new(Make(dtype, count, pinned: false), 0, -1);

    public static Storage Rent(DType dtype, int count)
    {
        int sizeClass = SizeClass(count, out int capacity);
        int slot = (int)dtype * Classes + sizeClass;
        lock (Gate)
        {
            if (Free[slot].TryPop(out Storage? storage)) return storage;
        }
        int padding = CacheLine / ElementSize(dtype);
        Array elements = Make(dtype, capacity + padding, pinned: true);
        return new Storage(elements, Misalignment(elements, dtype), slot);
    }

    public static void Return(List<Storage> storages)
    {
        if (storages.Count == 0) return;
        lock (Gate)
        {
            // Last made is first reused: it is the likeliest to be in the cache still.
            foreach (Storage storage in storages) Put(storage);
        }
    }

    public static void Return(Storage storage)
    {
        lock (Gate) Put(storage);
    }

    /// <summary>How large the free buffers are together.</summary>
    public static long Bytes
    {
        get
        {
            lock (Gate) return Free.Sum(stack => stack.Sum(s => (long)Buffer.ByteLength(s.Elements)));
        }
    }

    /// <summary>Forgets every free buffer; the garbage collector takes them.</summary>
    public static void Clear()
    {
        lock (Gate)
        {
            foreach (Stack<Storage> stack in Free) stack.Clear();
        }
    }

    private static void Put(Storage storage)
    {
        storage.Generation++;
        if (storage.SizeClass >= 0) Free[storage.SizeClass].Push(storage);
    }

    private static int SizeClass(int count, out int capacity)
    {
        int doubling = Math.Max(int.Log2(count - 1), 2);
        int step = 1 << (doubling - 2);
        int quarter = (count - 1 - (1 << doubling)) / step + 1;
        long wanted = (1L << doubling) + (long)quarter * step;
        capacity = (int)Math.Min(wanted, Array.MaxLength - CacheLine);
        if (capacity < count) throw new OutOfMemoryException($"A tensor of {count:N0} elements is more than one buffer can hold.");
        return 4 * doubling + quarter - 1;
    }

    private static int ElementSize(DType dtype) => dtype switch { DType.Float32 => 4, DType.Int64 => 8, _ => 1 };

    private static Array Make(DType dtype, int count, bool pinned) => dtype switch
    {
        DType.Float32 => GC.AllocateUninitializedArray<float>(count, pinned),
        DType.Int64 => GC.AllocateUninitializedArray<long>(count, pinned),
        _ => GC.AllocateUninitializedArray<bool>(count, pinned),
    };

    private static unsafe int Misalignment(Array pinned, DType dtype)
    {
        nint address = (nint)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0);
        int bytes = (int)((CacheLine - address % CacheLine) % CacheLine);
        return bytes / ElementSize(dtype);
    }
}
