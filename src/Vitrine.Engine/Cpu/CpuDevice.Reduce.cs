using System.Numerics;
using System.Numerics.Tensors;

namespace Vitrine.Cpu;

/// <content>Reductions, positions of extremes, running sums, softmax.</content>
internal sealed unsafe partial class CpuDevice
{
    private struct ReduceJob
    {
        public Reduction Kind;
        public float* X, Y;
        public int Reduced, Inner, Slice;
    }

    public override Tensor Reduce(Reduction kind, Tensor x, int outer, int reduced, int inner, Shape shape)
    {
        Tensor y = Tensor.Uninitialized(shape);
        if (y.Count == 0) return y;
        if (reduced == 0)
        {
            if (kind is Reduction.Maximum or Reduction.Minimum)
            {
                throw new ArgumentException("There is no extreme of nothing: the reduced axes have no elements.");
            }
            y.MutableFloats.Fill(kind == Reduction.Product ? 1 : 0);
            return y;
        }
        fixed (float* px = x.Floats, py = y.MutableFloats)
        {
            var job = new ReduceJob { Kind = kind, X = px, Y = py, Reduced = reduced, Inner = inner };
            if (inner == 1 && outer == 1 && kind == Reduction.Sum && reduced > 2 * ElementGrain)
            {
                SumAll(px, reduced, py);
            }
            else if (inner == 1)
            {
                Parallel.For(outer, GrainOf(reduced), &Rows, &job);
            }
            else
            {
                // Inner positions are cut into slices so that one long column block is still shared between threads.
                job.Slice = Math.Min(inner, 1024);
                int slices = (inner + job.Slice - 1) / job.Slice;
                Parallel.For(outer * slices, GrainOf((long)reduced * job.Slice), &Columns, &job);
            }
        }
        return y;

        static void Rows(void* context, int start, int end)
        {
            var job = (ReduceJob*)context;
            for (int row = start; row < end; row++)
            {
                var x = new ReadOnlySpan<float>(job->X + (long)row * job->Reduced, job->Reduced);
                job->Y[row] = job->Kind switch
                {
                    Reduction.Sum => TensorPrimitives.Sum(x),
                    Reduction.Product => TensorPrimitives.Product(x),
                    Reduction.Maximum => TensorPrimitives.Max(x),
                    _ => TensorPrimitives.Min(x),
                };
            }
        }

        static void Columns(void* context, int start, int end)
        {
            var job = (ReduceJob*)context;
            int slices = (job->Inner + job->Slice - 1) / job->Slice;
            for (int item = start; item < end; item++)
            {
                int row = item / slices, from = item % slices * job->Slice, n = Math.Min(job->Slice, job->Inner - from);
                float* x = job->X + (long)row * job->Reduced * job->Inner + from;
                var y = new Span<float>(job->Y + (long)row * job->Inner + from, n);
                new ReadOnlySpan<float>(x, n).CopyTo(y);
                for (int r = 1; r < job->Reduced; r++)
                {
                    var next = new ReadOnlySpan<float>(x + (long)r * job->Inner, n);
                    switch (job->Kind)
                    {
                        case Reduction.Sum: TensorPrimitives.Add(y, next, y); break;
                        case Reduction.Product: TensorPrimitives.Multiply(y, next, y); break;
                        case Reduction.Maximum: TensorPrimitives.Max(y, next, y); break;
                        default: TensorPrimitives.Min(y, next, y); break;
                    }
                }
            }
        }
    }

    private static void SumAll(float* x, int count, float* y)
    {
        int chunks = (count + ElementGrain - 1) / ElementGrain;
        Span<float> partial = chunks <= 1024 ? stackalloc float[chunks] : new float[chunks];
        fixed (float* pp = partial)
        {
            var job = new ReduceJob { X = x, Y = pp };
            Parallel.For(count, ElementGrain, &Part, &job);
        }
        y[0] = TensorPrimitives.Sum((ReadOnlySpan<float>)partial);

        static void Part(void* context, int start, int end)
        {
            var job = (ReduceJob*)context;
            for (; start < end; start += ElementGrain)
            {
                job->Y[start / ElementGrain] = TensorPrimitives.Sum(new ReadOnlySpan<float>(job->X + start, Math.Min(ElementGrain, end - start)));
            }
        }
    }

    public override Tensor ArgReduce(bool largest, Tensor x, int outer, int reduced, int inner, Shape shape)
    {
        if (reduced == 0) throw new ArgumentException("There is no extreme of nothing: the reduced axis has no elements.");
        Tensor y = Tensor.Uninitialized(shape, DType.Int64);
        ReadOnlySpan<float> from = x.Floats;
        Span<long> to = y.MutableLongs;
        for (int o = 0; o < outer; o++)
        {
            for (int i = 0; i < inner; i++)
            {
                int best = 0;
                float extreme = from[o * reduced * inner + i];
                for (int r = 1; r < reduced; r++)
                {
                    float value = from[(o * reduced + r) * inner + i];
                    // The first extreme wins; the first NaN wins over everything, as in PyTorch.
                    if ((largest ? value > extreme : value < extreme) || (float.IsNaN(value) && !float.IsNaN(extreme)))
                    {
                        extreme = value;
                        best = r;
                    }
                }
                to[o * inner + i] = best;
            }
        }
        return y;
    }

    public override Tensor ArgSort(Tensor x, int outer, int n, int inner, bool descending)
    {
        Tensor y = Tensor.Uninitialized(x.Shape, DType.Int64);
        Span<long> to = y.MutableLongs;
        float[] keys = new float[n];
        int[] order = new int[n];
        for (int o = 0; o < outer; o++)
        {
            for (int i = 0; i < inner; i++)
            {
                ReadOnlySpan<float> from = x.Floats;
                for (int k = 0; k < n; k++)
                {
                    keys[k] = from[(o * n + k) * inner + i];
                    order[k] = k;
                }
                // The position decides between equals, which makes the order stable.
                Array.Sort(order, (a, b) => Compare(keys[a], keys[b]) is var sign && sign != 0 ? (descending ? -sign : sign) : a.CompareTo(b));
                for (int k = 0; k < n; k++) to[(o * n + k) * inner + i] = order[k];
            }
        }
        return y;

        // Unlike float.CompareTo, NaN is the largest.
        static int Compare(float a, float b) => a < b ? -1 : a > b ? 1 : a == b ? 0 : float.IsNaN(a).CompareTo(float.IsNaN(b));
    }

    public override Tensor CumSum(Tensor x, int outer, int n, int inner, bool reverse)
    {
        Tensor y = Tensor.Uninitialized(x.Shape);
        ReadOnlySpan<float> from = x.Floats;
        Span<float> to = y.MutableFloats;
        for (int o = 0; o < outer; o++)
        {
            for (int i = 0; i < inner; i++)
            {
                double sum = 0;
                for (int step = 0; step < n; step++)
                {
                    int at = (o * n + (reverse ? n - 1 - step : step)) * inner + i;
                    sum += from[at];
                    to[at] = (float)sum;
                }
            }
        }
        return y;
    }

    private struct SoftmaxJob
    {
        public float* G, X, Y;
        public int N, Inner;
        public bool Log;
    }

    public override Tensor Softmax(Tensor x, int outer, int n, int inner, bool log)
    {
        Tensor y = Tensor.Uninitialized(x.Shape);
        if (y.Count == 0) return y;
        fixed (float* px = x.Floats, py = y.MutableFloats)
        {
            var job = new SoftmaxJob { X = px, Y = py, N = n, Inner = inner, Log = log };
            Parallel.For(outer * inner, GrainOf(8L * n), inner == 1 ? &Rows : &Columns, &job);
        }
        return y;

        static void Rows(void* context, int start, int end)
        {
            var job = (SoftmaxJob*)context;
            for (int row = start; row < end; row++)
            {
                float* x = job->X + (long)row * job->N, y = job->Y + (long)row * job->N;
                float max = Largest(x, job->N);
                if (float.IsNegativeInfinity(max)) max = 0;
                float sum = job->Log ? SumExp(x, null, job->N, max) : SumExp(x, y, job->N, max);
                if (job->Log) Shift(x, y, job->N, -max, -MathF.Log(sum));
                else TensorPrimitives.Multiply(new ReadOnlySpan<float>(y, job->N), 1 / sum, new Span<float>(y, job->N));
            }
        }

        static void Columns(void* context, int start, int end)
        {
            var job = (SoftmaxJob*)context;
            for (int item = start; item < end; item++)
            {
                long at = (long)(item / job->Inner) * job->N * job->Inner + item % job->Inner;
                float* x = job->X + at, y = job->Y + at;
                float max = float.NegativeInfinity, sum = 0;
                for (int i = 0; i < job->N; i++) max = MathF.Max(max, x[i * job->Inner]);
                if (float.IsNegativeInfinity(max)) max = 0;
                for (int i = 0; i < job->N; i++)
                {
                    float e = MathF.Exp(x[i * job->Inner] - max);
                    sum += e;
                    if (!job->Log) y[i * job->Inner] = e;
                }
                float logSum = MathF.Log(sum);
                for (int i = 0; i < job->N; i++)
                {
                    if (job->Log) y[i * job->Inner] = x[i * job->Inner] - max - logSum;
                    else y[i * job->Inner] /= sum;
                }
            }
        }
    }

    /// <summary>The largest element; NaN when one is.</summary>
    private static float Largest(float* x, int count)
    {
        int i = 0;
        float largest = float.NegativeInfinity;
        if (count >= Vector<float>.Count)
        {
            Vector<float> max = Vector.Load(x);
            for (i = Vector<float>.Count; i <= count - Vector<float>.Count; i += Vector<float>.Count) max = Vector.Max(max, Vector.Load(x + i));
            for (int lane = 0; lane < Vector<float>.Count; lane++) largest = MathF.Max(largest, max[lane]);
        }
        for (; i < count; i++) largest = MathF.Max(largest, x[i]);
        return largest;
    }

    /// <summary>The sum of e^(x - max), and each of them to y unless that is null.</summary>
    private static float SumExp(float* x, float* y, int count, float max)
    {
        int i = 0;
        Vector<float> shift = new(max), sums = default;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> e = Vector.Exp(Vector.Load(x + i) - shift);
            if (y != null) e.Store(y + i);
            sums += e;
        }
        float sum = Vector.Sum(sums);
        for (; i < count; i++)
        {
            float e = MathF.Exp(x[i] - max);
            if (y != null) y[i] = e;
            sum += e;
        }
        return sum;
    }

    /// <summary>y = (x + first) + second: log-softmax, whose two terms must not be added up first.</summary>
    private static void Shift(float* x, float* y, int count, float first, float second)
    {
        int i = 0;
        Vector<float> a = new(first), b = new(second);
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count) (Vector.Load(x + i) + a + b).Store(y + i);
        for (; i < count; i++) y[i] = x[i] + first + second;
    }

    public override Tensor SoftmaxGrad(Tensor grad, Tensor y, int outer, int n, int inner, bool log)
    {
        Tensor result = Tensor.Uninitialized(y.Shape);
        if (result.Count == 0) return result;
        fixed (float* pg = grad.Floats, py = y.Floats, pr = result.MutableFloats)
        {
            var job = new SoftmaxJob { G = pg, X = py, Y = pr, N = n, Inner = inner, Log = log };
            Parallel.For(outer * inner, GrainOf(8L * n), inner == 1 ? &Rows : &Body, &job);
        }
        return result;

        static void Rows(void* context, int start, int end)
        {
            var job = (SoftmaxJob*)context;
            int n = job->N;
            for (int row = start; row < end; row++)
            {
                float* g = job->G + (long)row * n, y = job->X + (long)row * n, r = job->Y + (long)row * n;
                int i = 0;
                if (job->Log)
                {
                    float total = TensorPrimitives.Sum(new ReadOnlySpan<float>(g, n));
                    var minus = new Vector<float>(-total);
                    for (; i <= n - Vector<float>.Count; i += Vector<float>.Count)
                        Vector.FusedMultiplyAdd(Vector.Exp(Vector.Load(y + i)), minus, Vector.Load(g + i)).Store(r + i);
                    for (; i < n; i++) r[i] = g[i] - MathF.Exp(y[i]) * total;
                    continue;
                }
                float dot = TensorPrimitives.Dot(new ReadOnlySpan<float>(g, n), new ReadOnlySpan<float>(y, n));
                var mean = new Vector<float>(dot);
                for (; i <= n - Vector<float>.Count; i += Vector<float>.Count) (Vector.Load(y + i) * (Vector.Load(g + i) - mean)).Store(r + i);
                for (; i < n; i++) r[i] = y[i] * (g[i] - dot);
            }
        }

        static void Body(void* context, int start, int end)
        {
            var job = (SoftmaxJob*)context;
            int step = job->Inner;
            for (int item = start; item < end; item++)
            {
                long at = (long)(item / step) * job->N * step + item % step;
                float* g = job->G + at, y = job->X + at, r = job->Y + at;
                float sum = 0;
                if (job->Log)
                {
                    for (int i = 0; i < job->N; i++) sum += g[i * step];
                    for (int i = 0; i < job->N; i++) r[i * step] = g[i * step] - MathF.Exp(y[i * step]) * sum;
                }
                else
                {
                    for (int i = 0; i < job->N; i++) sum += g[i * step] * y[i * step];
                    for (int i = 0; i < job->N; i++) r[i * step] = y[i * step] * (g[i * step] - sum);
                }
            }
        }
    }
}
