namespace Vitrine.Cpu;

/// <summary>The one way work is split over cores.</summary>
/// <remarks>
/// A range is cut into chunks of a fixed size that does not depend on the number of threads, and each chunk is computed by exactly one
/// thread; a kernel whose chunks write to disjoint places therefore gives the same bytes with one thread and with many.
/// Bodies are function pointers over a context on the caller's stack, so that a call allocates nothing.
/// Calls from inside a body, and calls while another thread holds the workers, run on the calling thread.
/// </remarks>
internal static unsafe class Parallel
{
    private const int SpinsBeforeSleep = 2_000;

    private static readonly Lock Gate = new();
    private static readonly SemaphoreSlim Wake = new(0);
    private static int s_threads = DefaultThreads();
    private static int s_workers;

    // One job at a time; every field below is written by the thread that holds Gate, before it raises s_ticket.
    private static delegate*<void*, int, int, void> s_body;
    private static void* s_context;
    private static int s_count;
    private static int s_grain;
    private static int s_next;
    private static int s_places;
    private static int s_running;
    private static int s_sleeping;
    private static int s_ticket;
    private static Exception? s_error;

    [ThreadStatic]
    private static bool t_inside;

    /// <summary>How many threads a kernel may use; at least 1. Starts as the number of processors, or the environment variable VITRINE_THREADS.</summary>
    public static int Threads
    {
        get => s_threads;
        set => s_threads = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "A kernel needs at least one thread.");
    }

    /// <summary>Calls <paramref name="body"/> for consecutive chunks [start, end) that cover [0, <paramref name="count"/>).</summary>
    /// <param name="count">The number of items.</param>
    /// <param name="grain">The number of items in a chunk (the last may be shorter); choose it from the work an item takes, never from the number of
    /// threads.</param>
    /// <param name="body">What to do with a chunk.</param>
    /// <param name="context">Handed to every call; lives on the caller's stack until the last chunk is done.</param>
    public static void For(int count, int grain, delegate*<void*, int, int, void> body, void* context)
    {
        if (count <= 0) return;
        if (grain < 1) grain = 1;
        if (count <= grain || s_threads == 1 || t_inside || !Gate.TryEnter())
        {
            Serial(count, grain, body, context);
            return;
        }
        try
        {
            Shared(count, grain, body, context);
        }
        finally
        {
            Gate.Exit();
        }
    }

    private static void Serial(int count, int grain, delegate*<void*, int, int, void> body, void* context)
    {
        for (int start = 0; start < count; start += grain) body(context, start, Math.Min(count, start + grain));
    }

    private static void Shared(int count, int grain, delegate*<void*, int, int, void> body, void* context)
    {
        int chunks = (int)(((long)count + grain - 1) / grain);
        int helpers = Math.Min(s_threads, chunks) - 1;
        while (s_workers < helpers) StartWorker();

        s_body = body;
        s_context = context;
        s_count = count;
        s_grain = grain;
        s_error = null;
        Volatile.Write(ref s_next, 0);
        Volatile.Write(ref s_running, helpers);
        Volatile.Write(ref s_places, helpers);
        Interlocked.Increment(ref s_ticket);
        int asleep = Volatile.Read(ref s_sleeping);
        if (asleep > 0) Wake.Release(asleep);

        t_inside = true;
        try
        {
            Drain();
        }
        finally
        {
            t_inside = false;
            // A helper that never took its place must not take it now: the context is about to leave the stack.
            int untaken = Interlocked.Exchange(ref s_places, 0);
            if (untaken > 0) Interlocked.Add(ref s_running, -untaken);
            SpinWait wait = default;
            while (Volatile.Read(ref s_running) > 0) wait.SpinOnce(sleep1Threshold: -1);
        }
        if (s_error is { } error) throw new InvalidOperationException("A kernel failed on a worker thread: " + error.Message, error);
    }

    private static void Drain()
    {
        int count = s_count, grain = s_grain;
        while (true)
        {
            int chunk = Interlocked.Increment(ref s_next) - 1;
            long start = (long)chunk * grain;
            if (start >= count) return;
            s_body(s_context, (int)start, (int)Math.Min(count, start + grain));
        }
    }

    private static void StartWorker()
    {
        s_workers++;
        new Thread(Work) { IsBackground = true, Name = "vitrine worker" }.Start();
    }

    private static void Work()
    {
        t_inside = true;
        int seen = 0;
        while (true)
        {
            for (int spin = 0; Volatile.Read(ref s_ticket) == seen && spin < SpinsBeforeSleep; spin++) Thread.SpinWait(8);
            if (Volatile.Read(ref s_ticket) == seen)
            {
                Interlocked.Increment(ref s_sleeping);
                if (Volatile.Read(ref s_ticket) == seen) Wake.Wait();
                Interlocked.Decrement(ref s_sleeping);
                if (Volatile.Read(ref s_ticket) == seen) continue;
            }
            seen = Volatile.Read(ref s_ticket);
            if (!TakePlace()) continue;
            try
            {
                Drain();
            }
            catch (Exception e)
            {
                s_error = e;
                Volatile.Write(ref s_next, int.MaxValue / 2);
            }
            Interlocked.Decrement(ref s_running);
        }
    }

    private static bool TakePlace()
    {
        while (true)
        {
            int places = Volatile.Read(ref s_places);
            if (places <= 0) return false;
            if (Interlocked.CompareExchange(ref s_places, places - 1, places) == places) return true;
        }
    }

    private static int DefaultThreads() =>
        int.TryParse(Environment.GetEnvironmentVariable("VITRINE_THREADS"), out int asked) && asked >= 1 ? asked : Environment.ProcessorCount;
}
