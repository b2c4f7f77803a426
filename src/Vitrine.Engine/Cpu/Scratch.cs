using System.Runtime.InteropServices;

namespace Vitrine.Cpu;

/// <summary>What a piece of thread-local scratch memory is used for; two uses that are alive at the same time need two names.</summary>
internal enum ScratchUse
{
    /// <summary>Left operands of a product, packed by the calling thread and read by all.</summary>
    PackedA,

    /// <summary>Right operands of a product, packed by the calling thread and read by all.</summary>
    PackedB,

    /// <summary>Operands that one chunk packs for itself.</summary>
    ChunkA,

    /// <summary>A second operand that one chunk packs for itself.</summary>
    ChunkB,

    /// <summary>Results of one chunk before they are copied to their place.</summary>
    ChunkC,

    /// <summary>A convolution's images, padded or unfolded.</summary>
    Image,

    /// <summary>A convolution's weights in another order.</summary>
    Weights,

    /// <summary>A convolution's results in another order, or partial sums.</summary>
    Partial,

    /// <summary>Tables of offsets.</summary>
    Table,
}

/// <summary>Thread-local memory, aligned to 64 bytes, that grows to the largest size asked for and is then reused without allocation.</summary>
internal static unsafe class Scratch
{
    private const int Uses = 9;

    // Vector loads at the end of a row may read past it; what they read there is never used.
    private const int SlackBytes = 512;

    [ThreadStatic]
    private static Holder? t_holder;

    /// <summary>Memory for <paramref name="floats"/> numbers, with undefined contents, valid until this thread next asks for the same use.</summary>
    public static float* Get(ScratchUse use, long floats) => (float*)(t_holder ??= new Holder()).Get((int)use, floats * sizeof(float));

    private sealed class Holder
    {
        private readonly nint[] _memory = new nint[Uses];
        private readonly long[] _bytes = new long[Uses];

        ~Holder()
        {
            foreach (nint memory in _memory) NativeMemory.AlignedFree((void*)memory);
        }

        public nint Get(int use, long bytes)
        {
            if (bytes + SlackBytes > _bytes[use]) Grow(use, bytes + SlackBytes);
            return _memory[use];
        }

        private void Grow(int use, long bytes)
        {
            NativeMemory.AlignedFree((void*)_memory[use]);
            _memory[use] = 0;
            _bytes[use] = 0;
            bytes = (bytes + bytes / 4 + 4095) & ~4095L;
            _memory[use] = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 64);
            _bytes[use] = bytes;
            NativeMemory.Clear((void*)_memory[use], (nuint)bytes);
        }
    }
}
