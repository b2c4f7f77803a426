namespace Vitrine.Cpu;

/// <content>Kernels that move elements: strided copies, concatenation, selection by index.</content>
internal sealed unsafe partial class CpuDevice
{
    private const int TransposeBlock = 16; // a cache line of floats

    private struct StridedJob
    {
        public byte* From, To;
        public int Size, Inner, InnerStride, Rank, Offset;
        public bool Put;
        public fixed int Extents[16];
        public fixed int Strides[16];
    }

    public override Tensor Strided(Tensor x, Shape shape, ReadOnlySpan<int> strides, int offset)
    {
        Tensor y = Tensor.Uninitialized(shape, x.DType);
        fixed (byte* from = Bytes(x), to = Bytes(y)) Walk(from, to, shape, strides, offset, Size(x.DType), put: false);
        return y;
    }

    public override Tensor StridedPut(Tensor x, Shape shape, ReadOnlySpan<int> strides, int offset, float background = 0)
    {
        Tensor y = Tensor.Uninitialized(shape, x.DType);
        if (background == 0) Bytes(y).Clear();
        else y.MutableFloats.Fill(background);
        fixed (byte* from = Bytes(x), to = Bytes(y)) Walk(from, to, x.Shape, strides, offset, Size(x.DType), put: true);
        return y;
    }

    /// <summary>
    /// Walks a dense tensor of <paramref name="shape"/> beside a strided one; copies strided to dense, or with <paramref name="put"/> dense to strided.
    /// </summary>
    private static void Walk(byte* from, byte* to, Shape shape, ReadOnlySpan<int> strides, int offset, int size, bool put)
    {
        int count = shape.Count;
        if (count == 0) return;
        if (shape.Rank > 16) throw new ArgumentException($"Rearranging handles up to 16 axes, not {shape.Rank}.");
        var job = new StridedJob { From = from, To = to, Size = size, Put = put, Offset = offset };
        int rank = 0;
        for (int i = 0; i < shape.Rank; i++)
        {
            if (shape[i] == 1) continue;
            if (rank > 0 && job.Strides[rank - 1] == strides[i] * shape[i])
            {
                job.Extents[rank - 1] *= shape[i];
                job.Strides[rank - 1] = strides[i];
                continue;
            }
            job.Extents[rank] = shape[i];
            job.Strides[rank++] = strides[i];
        }
        if (rank == 0)
        {
            job.Extents[0] = 1;
            job.Strides[rank++] = 1;
        }
        job.Rank = rank;
        job.Inner = job.Extents[rank - 1];
        job.InnerStride = job.Strides[rank - 1];
        if (!put && size == 4 && rank > 1 && job.InnerStride != 1 && job.Strides[rank - 2] == 1 && job.Inner >= 4 && job.Extents[rank - 2] >= 8)
        {
            // The last two axes are a matrix read across: by blocks, or each element would be on a cache line of its own.
            int blocks = (job.Extents[rank - 2] + TransposeBlock - 1) / TransposeBlock;
            Parallel.For(count / (job.Inner * job.Extents[rank - 2]) * blocks, GrainOf((long)job.Inner * TransposeBlock), &Blocks, &job);
            return;
        }
        Parallel.For(count / job.Inner, GrainOf(job.Inner), &Rows, &job);

        static void Blocks(void* context, int start, int end)
        {
            var job = (StridedJob*)context;
            int rows = job->Extents[job->Rank - 2], blocks = (rows + TransposeBlock - 1) / TransposeBlock;
            for (int item = start; item < end; item++)
            {
                (int matrix, int block) = Math.DivRem(item, blocks);
                long at = job->Offset;
                int rest = matrix, first = block * TransposeBlock, height = Math.Min(TransposeBlock, rows - first);
                for (int i = job->Rank - 3; i >= 0; i--)
                {
                    (rest, int index) = Math.DivRem(rest, job->Extents[i]);
                    at += (long)index * job->Strides[i];
                }
                float* from = (float*)job->From + at + first, to = (float*)job->To + ((long)matrix * rows + first) * job->Inner;
                Transpose.Run(from, job->InnerStride, job->Inner, height, to, job->Inner);
            }
        }

        static void Rows(void* context, int start, int end)
        {
            var job = (StridedJob*)context;
            for (int row = start; row < end; row++)
            {
                long at = job->Offset;
                int rest = row;
                for (int i = job->Rank - 2; i >= 0; i--)
                {
                    (rest, int index) = Math.DivRem(rest, job->Extents[i]);
                    at += (long)index * job->Strides[i];
                }
                long dense = (long)row * job->Inner;
                switch (job->Size)
                {
                    case 4: Line((int*)job->From, (int*)job->To, job, at, dense); break;
                    case 8: Line((long*)job->From, (long*)job->To, job, at, dense); break;
                    default: Line(job->From, job->To, job, at, dense); break;
                }
            }
        }
    }

    private static void Line<T>(T* from, T* to, StridedJob* job, long strided, long dense)
        where T : unmanaged
    {
        int n = job->Inner, step = job->InnerStride;
        if (job->Put)
        {
            from += dense;
            to += strided;
            if (step == 1) new ReadOnlySpan<T>(from, n).CopyTo(new Span<T>(to, n));
            else for (int i = 0; i < n; i++) to[(long)i * step] = from[i];
        }
        else
        {
            from += strided;
            to += dense;
            if (step == 1) new ReadOnlySpan<T>(from, n).CopyTo(new Span<T>(to, n));
            else if (step == 0) new Span<T>(to, n).Fill(*from);
            else for (int i = 0; i < n; i++) to[i] = from[(long)i * step];
        }
    }

    public override Tensor Concat(ReadOnlySpan<Tensor> parts, int outer, int inner, Shape shape)
    {
        Tensor y = Tensor.Uninitialized(shape, parts[0].DType);
        int size = Size(y.DType);
        Span<byte> to = Bytes(y);
        int row = outer == 0 ? 0 : y.Count / outer, filled = 0;
        foreach (Tensor part in parts)
        {
            ReadOnlySpan<byte> from = Bytes(part);
            int length = outer == 0 ? 0 : part.Count / outer;
            for (int o = 0; o < outer; o++) from.Slice(o * length * size, length * size).CopyTo(to[((o * row + filled) * size)..]);
            filled += length;
        }
        return y;
    }

    public override Tensor IndexSelect(Tensor x, Tensor index, int outer, int n, int inner, Shape shape)
    {
        Tensor y = Tensor.Uninitialized(shape, x.DType);
        ReadOnlySpan<long> at = index.Longs;
        CheckIndices(at, n);
        int block = inner * Size(x.DType);
        ReadOnlySpan<byte> from = Bytes(x);
        Span<byte> to = Bytes(y);
        for (int o = 0; o < outer; o++)
        {
            for (int j = 0; j < at.Length; j++) from.Slice((o * n + (int)at[j]) * block, block).CopyTo(to[((o * at.Length + j) * block)..]);
        }
        return y;
    }

    public override Tensor IndexAdd(Tensor grad, Tensor index, int outer, int n, int inner, Shape shape)
    {
        Tensor y = Tensor.Zeros(shape);
        ReadOnlySpan<long> at = index.Longs;
        ReadOnlySpan<float> from = grad.Floats;
        Span<float> to = y.MutableFloats;
        for (int o = 0; o < outer; o++)
        {
            for (int j = 0; j < at.Length; j++)
            {
                Span<float> row = to.Slice((o * n + (int)at[j]) * inner, inner);
                System.Numerics.Tensors.TensorPrimitives.Add(row, from.Slice((o * at.Length + j) * inner, inner), row);
            }
        }
        return y;
    }

    public override Tensor Gather(Tensor x, Tensor index, int outer, int n, int inner)
    {
        Tensor y = Tensor.Uninitialized(index.Shape, x.DType);
        ReadOnlySpan<long> at = index.Longs;
        CheckIndices(at, n);
        switch (x.DType)
        {
            case DType.Float32: Gather(x.Floats, y.MutableFloats, at, outer, n, inner); break;
            case DType.Int64: Gather(x.Longs, y.MutableLongs, at, outer, n, inner); break;
            default: Gather(x.Bools, y.MutableBools, at, outer, n, inner); break;
        }
        return y;
    }

    private static void Gather<T>(ReadOnlySpan<T> from, Span<T> to, ReadOnlySpan<long> at, int outer, int n, int inner)
    {
        int m = at.Length / Math.Max(1, outer * inner);
        for (int o = 0, k = 0; o < outer; o++)
        {
            for (int j = 0; j < m; j++)
            {
                for (int i = 0; i < inner; i++, k++) to[k] = from[(o * n + (int)at[k]) * inner + i];
            }
        }
    }

    public override Tensor ScatterPut(Tensor x, Tensor values, Tensor index, int outer, int n, int inner)
    {
        Tensor y = Tensor.Uninitialized(x.Shape);
        ReadOnlySpan<long> at = index.Longs;
        CheckIndices(at, n);
        x.Floats.CopyTo(y.MutableFloats);
        ReadOnlySpan<float> from = values.Floats;
        Span<float> to = y.MutableFloats;
        int m = at.Length / Math.Max(1, outer * inner);
        for (int o = 0, k = 0; o < outer; o++)
        {
            for (int j = 0; j < m; j++)
            {
                for (int i = 0; i < inner; i++, k++) to[(o * n + (int)at[k]) * inner + i] = from[k];
            }
        }
        return y;
    }

    public override Tensor ScatterAdd(Tensor grad, Tensor index, int outer, int n, int inner, Shape shape)
    {
        Tensor y = Tensor.Zeros(shape);
        ReadOnlySpan<long> at = index.Longs;
        CheckIndices(at, n);
        ReadOnlySpan<float> from = grad.Floats;
        Span<float> to = y.MutableFloats;
        int m = at.Length / Math.Max(1, outer * inner);
        for (int o = 0, k = 0; o < outer; o++)
        {
            for (int j = 0; j < m; j++)
            {
                for (int i = 0; i < inner; i++, k++) to[(o * n + (int)at[k]) * inner + i] += from[k];
            }
        }
        return y;
    }

    private static void CheckIndices(ReadOnlySpan<long> index, int n)
    {
        foreach (long i in index)
        {
            if ((ulong)i >= (ulong)n) throw new ArgumentException($"Index {i} is outside [0, {n}).");
        }
    }

    private static int Size(DType dtype) => dtype switch { DType.Float32 => 4, DType.Int64 => 8, _ => 1 };

    private static Span<byte> Bytes(Tensor tensor) => tensor.DType switch
    {
        DType.Float32 => System.Runtime.InteropServices.MemoryMarshal.AsBytes(tensor.MutableFloats),
        DType.Int64 => System.Runtime.InteropServices.MemoryMarshal.AsBytes(tensor.MutableLongs),
        _ => System.Runtime.InteropServices.MemoryMarshal.AsBytes(tensor.MutableBools),
    };
}
