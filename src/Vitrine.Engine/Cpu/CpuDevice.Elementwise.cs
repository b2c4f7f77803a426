using System.Runtime.CompilerServices;

namespace Vitrine.Cpu;

/// <content>Elementwise kernels: unary, binary with broadcasting, comparisons, selection, casts.</content>
internal sealed unsafe partial class CpuDevice
{
    private struct UnaryJob
    {
        public Unary Kind;
        public float* X, Y;
        public float A, B;
    }

    public override Tensor Apply(Unary kind, Tensor x, float a = 0, float b = 0)
    {
        Tensor y = Tensor.Uninitialized(x.Shape);
        if (x.Count == 0) return y; // Some of the vector functions refuse empty spans.
        if (x.Count <= ElementGrain)
        {
            UnaryKernels.Apply(kind, x.Floats, y.MutableFloats, a, b);
            return y;
        }
        fixed (float* px = x.Floats, py = y.MutableFloats)
        {
            var job = new UnaryJob { Kind = kind, X = px, Y = py, A = a, B = b };
            Parallel.For(x.Count, ElementGrain, &Body, &job);
        }
        return y;

        static void Body(void* context, int start, int end)
        {
            var job = (UnaryJob*)context;
            UnaryKernels.Apply(job->Kind, new ReadOnlySpan<float>(job->X + start, end - start), new Span<float>(job->Y + start, end - start), job->A, job->B);
        }
    }

    private struct BinaryJob
    {
        public Binary Kind;
        public float* X, Y, Z;
        public float A;
        public int XInner, YInner, Inner;
        public Broadcast Plan;
    }

    public override Tensor Apply(Binary kind, Tensor x, Tensor y, Shape shape, float a = 0)
    {
        Tensor z = Tensor.Uninitialized(shape);
        int count = z.Count;
        if (count == 0) return z;
        bool same = x.Count == count && y.Count == count;
        if (same && count <= ElementGrain)
        {
            BinaryKernels.Apply(kind, x.Floats, y.Floats, z.MutableFloats, a);
            return z;
        }
        fixed (float* px = x.Floats, py = y.Floats, pz = z.MutableFloats)
        {
            var job = new BinaryJob { Kind = kind, X = px, Y = py, Z = pz, A = a };
            if (same)
            {
                Parallel.For(count, ElementGrain, &Flat, &job);
                return z;
            }
            job.Plan = Broadcast.Of(shape, x.Shape, y.Shape);
            job.Inner = job.Plan.Extents[job.Plan.Rank - 1];
            job.XInner = job.Plan.StridesX[job.Plan.Rank - 1];
            job.YInner = job.Plan.StridesY[job.Plan.Rank - 1];
            Parallel.For(count / job.Inner, GrainOf(job.Inner), &Rows, &job);
        }
        return z;

        static void Flat(void* context, int start, int end)
        {
            var job = (BinaryJob*)context;
            int n = end - start;
            BinaryKernels.Apply(job->Kind, new ReadOnlySpan<float>(job->X + start, n), new ReadOnlySpan<float>(job->Y + start, n),
                new Span<float>(job->Z + start, n), job->A);
        }

        static void Rows(void* context, int start, int end)
        {
            var job = (BinaryJob*)context;
            int inner = job->Inner;
            for (int row = start; row < end; row++)
            {
                job->Plan.Locate(row, out int ix, out int iy);
                float* x = job->X + ix, y = job->Y + iy;
                var z = new Span<float>(job->Z + (long)row * inner, inner);
                if (job->XInner == 0) BinaryKernels.Apply(job->Kind, *x, new ReadOnlySpan<float>(y, inner), z);
                else if (job->YInner == 0) BinaryKernels.Apply(job->Kind, new ReadOnlySpan<float>(x, inner), *y, z);
                else BinaryKernels.Apply(job->Kind, new ReadOnlySpan<float>(x, inner), new ReadOnlySpan<float>(y, inner), z);
            }
        }
    }

    private struct CompareJob
    {
        public Comparison Kind;
        public void* X, Y;
        public bool* Z;
        public bool Integers;
        public Broadcast Plan;
    }

    public override Tensor Compare(Comparison kind, Tensor x, Tensor y, Shape shape)
    {
        // Three comparisons are the others turned round.
        (kind, x, y) = kind switch
        {
            Comparison.Less => (Comparison.Greater, y, x),
            Comparison.LessOrEqual => (Comparison.GreaterOrEqual, y, x),
            _ => (kind, x, y),
        };
        Tensor z = Tensor.Uninitialized(shape, DType.Bool);
        if (z.Count == 0) return z;
        var job = new CompareJob { Kind = kind, Integers = x.DType == DType.Int64, Plan = Broadcast.Of(shape, x.Shape, y.Shape) };
        int inner = job.Plan.Extents[job.Plan.Rank - 1];
        fixed (byte* px = Bytes(x), py = Bytes(y))
        fixed (bool* pz = z.MutableBools)
        {
            job.X = px;
            job.Y = py;
            job.Z = pz;
            // One row when nothing broadcasts or one side is a single number; such a row is cut into pieces.
            if (job.Plan.Rank == 1) Parallel.For(inner, ElementGrain, &Piece, &job);
            else Parallel.For(z.Count / inner, GrainOf(inner), &Rows, &job);
        }
        return z;

        static void Piece(void* context, int start, int end)
        {
            var job = (CompareJob*)context;
            Row(job, start * job->Plan.StridesX[0], start * job->Plan.StridesY[0], job->Z + start, end - start);
        }

        static void Rows(void* context, int start, int end)
        {
            var job = (CompareJob*)context;
            int inner = job->Plan.Extents[job->Plan.Rank - 1];
            for (int row = start; row < end; row++)
            {
                job->Plan.Locate(row, out int ix, out int iy);
                Row(job, ix, iy, job->Z + (long)row * inner, inner);
            }
        }

        static void Row(CompareJob* job, int ix, int iy, bool* z, int count)
        {
            int dx = job->Plan.StridesX[job->Plan.Rank - 1], dy = job->Plan.StridesY[job->Plan.Rank - 1];
            if (job->Integers) Line(job->Kind, (long*)job->X + ix, dx, (long*)job->Y + iy, dy, z, count);
            else Line(job->Kind, (float*)job->X + ix, dx, (float*)job->Y + iy, dy, z, count);
        }

        static void Line<T>(Comparison kind, T* x, int dx, T* y, int dy, bool* z, int count)
            where T : unmanaged, System.Numerics.IComparisonOperators<T, T, bool>
        {
            switch (kind)
            {
                case Comparison.Equal: for (int i = 0; i < count; i++, x += dx, y += dy) z[i] = *x == *y; break;
                case Comparison.NotEqual: for (int i = 0; i < count; i++, x += dx, y += dy) z[i] = *x != *y; break;
                case Comparison.Greater: for (int i = 0; i < count; i++, x += dx, y += dy) z[i] = *x > *y; break;
                case Comparison.GreaterOrEqual: for (int i = 0; i < count; i++, x += dx, y += dy) z[i] = *x >= *y; break;
                default: throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a comparison kernel.");
            }
        }
    }

    private struct WhereJob
    {
        public bool* Condition;
        public float* X, Y, Z;
        public int StepX, StepY;
    }

    public override Tensor Where(Tensor condition, Tensor x, Tensor y, Shape shape)
    {
        Tensor z = Tensor.Uninitialized(shape);
        fixed (bool* pc = condition.Bools)
        fixed (float* px = x.Floats, py = y.Floats, pz = z.MutableFloats)
        {
            var job = new WhereJob { Condition = pc, X = px, Y = py, Z = pz, StepX = x.Count == 1 ? 0 : 1, StepY = y.Count == 1 ? 0 : 1 };
            Parallel.For(z.Count, ElementGrain, &Body, &job);
        }
        return z;

        static void Body(void* context, int start, int end)
        {
            WhereJob job = *(WhereJob*)context;
            for (int i = start; i < end; i++) job.Z[i] = job.Condition[i] ? job.X[(long)i * job.StepX] : job.Y[(long)i * job.StepY];
        }
    }

    public override Tensor Cast(Tensor x, DType dtype)
    {
        Tensor y = Tensor.Uninitialized(x.Shape, dtype);
        switch (x.DType, dtype)
        {
            case (DType.Bool, DType.Float32): // of a mask, in every step that drops out
                System.Numerics.Tensors.TensorPrimitives.ConvertTruncating<byte, float>(
                    System.Runtime.InteropServices.MemoryMarshal.Cast<bool, byte>(x.Bools), y.MutableFloats);
                break;
            case (DType.Bool, DType.Int64): Convert(x.Bools, y.MutableLongs, static b => b ? 1L : 0L); break;
            case (DType.Int64, DType.Float32): Convert(x.Longs, y.MutableFloats, static l => (float)l); break;
            case (DType.Int64, DType.Bool): Convert(x.Longs, y.MutableBools, static l => l != 0); break;
            case (DType.Float32, DType.Int64): Convert(x.Floats, y.MutableLongs, static f => (long)f); break;
            case (DType.Float32, DType.Bool): Convert(x.Floats, y.MutableBools, static f => f != 0); break;
            default: Bytes(x).CopyTo(Bytes(y)); break;
        }
        return y;
    }

    private static void Convert<TFrom, TTo>(ReadOnlySpan<TFrom> from, Span<TTo> to, Func<TFrom, TTo> convert)
    {
        for (int i = 0; i < to.Length; i++) to[i] = convert(from[i]);
    }

    private struct UniformJob
    {
        public float* Y;
        public ulong Key;
    }

    public override Tensor Uniform(Shape shape, ulong key)
    {
        Tensor y = Tensor.Uninitialized(shape);
        fixed (float* py = y.MutableFloats)
        {
            var job = new UniformJob { Y = py, Key = key };
            Parallel.For(y.Count, ElementGrain, &Body, &job);
        }
        return y;

        static void Body(void* context, int start, int end)
        {
            var job = (UniformJob*)context;
            RandomSource.Uniform(job->Key, start, new Span<float>(job->Y + start, end - start));
        }
    }

    /// <summary>Collapsed axes of a broadcast of two operands: adjacent axes that both operands walk alike are one.</summary>
    private struct Broadcast
    {
        private const int MostAxes = 12;

        public int Rank;
        public Axes Extents, StridesX, StridesY;

        [InlineArray(MostAxes)]
        public struct Axes
        {
            private int _first;
        }

        public static Broadcast Of(Shape shape, Shape x, Shape y)
        {
            if (shape.Rank > MostAxes) throw new ArgumentException($"Broadcasting handles up to {MostAxes} axes, not {shape.Rank}.");
            Span<int> ownX = stackalloc int[x.Rank], ownY = stackalloc int[y.Rank];
            x.Strides(ownX);
            y.Strides(ownY);
            Broadcast plan = default;
            int rank = 0;
            for (int i = 0; i < shape.Rank; i++)
            {
                int extent = shape[i];
                if (extent == 1) continue;
                int ax = i - (shape.Rank - x.Rank), ay = i - (shape.Rank - y.Rank);
                int strideX = ax < 0 || x[ax] == 1 ? 0 : ownX[ax];
                int strideY = ay < 0 || y[ay] == 1 ? 0 : ownY[ay];
                if (rank > 0 && plan.StridesX[rank - 1] == strideX * extent && plan.StridesY[rank - 1] == strideY * extent)
                {
                    plan.Extents[rank - 1] *= extent;
                    plan.StridesX[rank - 1] = strideX;
                    plan.StridesY[rank - 1] = strideY;
                    continue;
                }
                plan.Extents[rank] = extent;
                plan.StridesX[rank] = strideX;
                plan.StridesY[rank] = strideY;
                rank++;
            }
            if (rank == 0) plan.Extents[rank++] = 1;
            plan.Rank = rank;
            return plan;
        }

        /// <summary>Where row number <paramref name="row"/> (all axes but the innermost) starts in each operand.</summary>
        public readonly void Locate(int row, out int x, out int y)
        {
            x = 0;
            y = 0;
            for (int i = Rank - 2; i >= 0; i--)
            {
                (row, int index) = Math.DivRem(row, Extents[i]);
                x += index * StridesX[i];
                y += index * StridesY[i];
            }
        }
    }
}
