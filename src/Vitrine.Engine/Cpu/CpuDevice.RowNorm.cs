using System.Numerics;
using System.Numerics.Tensors;

namespace Vitrine.Cpu;

/// <content>Normalisation of rows, each with its own mean and deviation: layer, group and instance normalisation.</content>
internal sealed unsafe partial class CpuDevice
{
    private struct RowNormJob
    {
        public float* G, X, Y, Weight, Bias, Statistics;
        public NormRows Rows;
        public float Epsilon;
    }

    public override Tensor RowNorm(in NormRows rows, Tensor x, Tensor? weight, Tensor? bias, float epsilon)
    {
        int count = rows.N * rows.G;
        Tensor y = Tensor.Uninitialized(x.Shape), statistics = Tensor.Uninitialized([2, count]);
        y.Saved = statistics;
        if (y.Count == 0) return y;
        fixed (float* px = x.Floats, py = y.MutableFloats, ps = statistics.MutableFloats, pw = weight is null ? default : weight.Floats,
            pb = bias is null ? default : bias.Floats)
        {
            var job = new RowNormJob { X = px, Y = py, Weight = pw, Bias = pb, Statistics = ps, Rows = rows, Epsilon = epsilon };
            Parallel.For(count, GrainOf(4L * rows.P * rows.Q), &Body, &job);
        }
        return y;

        static void Body(void* context, int start, int end)
        {
            var job = (RowNormJob*)context;
            NormRows r = job->Rows;
            int length = r.P * r.Q, count = r.N * r.G;
            for (int row = start; row < end; row++)
            {
                float* x = job->X + (long)row * length, y = job->Y + (long)row * length;
                float mean = r.Centred ? TensorPrimitives.Sum(new ReadOnlySpan<float>(x, length)) / length : 0;
                float inverse = (float)(1 / Math.Sqrt(SumSquares(x, length, mean) / length + job->Epsilon));
                job->Statistics[row] = mean;
                job->Statistics[count + row] = inverse;
                if (job->Weight == null && job->Bias == null)
                {
                    ScaleShift(x, y, length, inverse, -mean * inverse);
                    continue;
                }
                int affine = row % r.G * r.P;
                float* weight = job->Weight == null ? null : job->Weight + affine, bias = job->Bias == null ? null : job->Bias + affine;
                if (r.Q == 1)
                {
                    // A weight for each element: layer normalisation.
                    ScaleShift(x, y, length, inverse, -mean * inverse);
                    var to = new Span<float>(y, length);
                    if (weight != null) TensorPrimitives.Multiply(to, new ReadOnlySpan<float>(weight, length), to);
                    if (bias != null) TensorPrimitives.Add(to, new ReadOnlySpan<float>(bias, length), to);
                    continue;
                }
                for (int p = 0; p < r.P; p++)
                {
                    float scale = inverse * (weight == null ? 1 : weight[p]);
                    ScaleShift(x + (long)p * r.Q, y + (long)p * r.Q, r.Q, scale, (bias == null ? 0 : bias[p]) - mean * scale);
                }
            }
        }
    }

    public override Tensor RowNormGrad(in NormRows rows, Tensor grad, Tensor x, Tensor statistics, Tensor? weight)
    {
        Tensor y = Tensor.Uninitialized(x.Shape);
        if (y.Count == 0) return y;
        fixed (float* pg = grad.Floats, px = x.Floats, py = y.MutableFloats, ps = statistics.Floats, pw = weight is null ? default : weight.Floats)
        {
            var job = new RowNormJob { G = pg, X = px, Y = py, Weight = pw, Statistics = ps, Rows = rows };
            Parallel.For(rows.N * rows.G, GrainOf(5L * rows.P * rows.Q), &Body, &job);
        }
        return y;

        static void Body(void* context, int start, int end)
        {
            var job = (RowNormJob*)context;
            NormRows r = job->Rows;
            int length = r.P * r.Q, count = r.N * r.G;
            for (int row = start; row < end; row++)
            {
                float* g = job->G + (long)row * length, x = job->X + (long)row * length, y = job->Y + (long)row * length;
                float mean = job->Statistics[row], s = job->Statistics[count + row];
                // y holds h = g w for a moment; then gx = s (h - mean(h) - xhat mean(h xhat)) with xhat = (x - mean) s, as s h + b x + constant;
                // without centring both means that are subtracted are 0.
                if (job->Weight == null)
                {
                    new ReadOnlySpan<float>(g, length).CopyTo(new Span<float>(y, length));
                }
                else
                {
                    float* weight = job->Weight + row % r.G * r.P;
                    if (r.Q == 1)
                        TensorPrimitives.Multiply(new ReadOnlySpan<float>(g, length), new ReadOnlySpan<float>(weight, length), new Span<float>(y, length));
                    else for (int p = 0; p < r.P; p++) ScaleShift(g + (long)p * r.Q, y + (long)p * r.Q, r.Q, weight[p], 0);
                }
                double sum = r.Centred ? TensorPrimitives.Sum(new ReadOnlySpan<float>(y, length)) : 0, products = SumProducts(y, x, length, mean) * s;
                float b = (float)(-s * s * products / length), constant = (float)(-s * sum / length) - b * mean;
                Combine(y, x, y, length, s, b, constant);
            }
        }
    }

    public override Tensor RowNormSums(in NormRows rows, Tensor grad, Tensor x, Tensor statistics)
    {
        Tensor y = Tensor.Zeros([2, rows.G * rows.P]);
        if (x.Count == 0) return y;
        fixed (float* pg = grad.Floats, px = x.Floats, py = y.MutableFloats, ps = statistics.Floats)
        {
            var job = new RowNormJob { G = pg, X = px, Y = py, Statistics = ps, Rows = rows };
            // A weight belongs to one chunk, which walks all rows: no partial sums, and the same bytes on any number of threads.
            if (rows.Q == 1) Parallel.For(rows.G * rows.P, Math.Max(64, GrainOf(2L * rows.N) & ~15), &Columns, &job);
            else Parallel.For(rows.G * rows.P, GrainOf(2L * rows.N * rows.Q), &Channels, &job);
        }
        return y;

        static void Columns(void* context, int start, int end)
        {
            var job = (RowNormJob*)context;
            int width = job->Rows.G * job->Rows.P, count = job->Rows.N * job->Rows.G;
            float* sums = job->Y, products = job->Y + width;
            for (int n = 0; n < job->Rows.N; n++)
            {
                // A chunk may reach over several groups, each with its own statistics.
                for (int from = start; from < end;)
                {
                    int group = from / job->Rows.P, to = Math.Min(end, (group + 1) * job->Rows.P), row = n * job->Rows.G + group;
                    float mean = job->Statistics[row], inverse = job->Statistics[count + row];
                    AddProducts(job->G + (long)n * width, job->X + (long)n * width, sums, products, from, to, inverse, -mean * inverse);
                    from = to;
                }
            }
        }

        static void Channels(void* context, int start, int end)
        {
            var job = (RowNormJob*)context;
            NormRows r = job->Rows;
            int channels = r.G * r.P, count = r.N * r.G;
            for (int c = start; c < end; c++)
            {
                double sum = 0, products = 0;
                for (int n = 0; n < r.N; n++)
                {
                    long at = ((long)n * channels + c) * r.Q;
                    int row = n * r.G + c / r.P;
                    sum += TensorPrimitives.Sum(new ReadOnlySpan<float>(job->G + at, r.Q));
                    products += SumProducts(job->G + at, job->X + at, r.Q, job->Statistics[row]) * job->Statistics[count + row];
                }
                job->Y[c] = (float)sum;
                job->Y[channels + c] = (float)products;
            }
        }
    }

    /// <summary>sums += g and products += g (scale x + shift), from one position to another.</summary>
    private static void AddProducts(float* g, float* x, float* sums, float* products, int from, int to, float scale, float shift)
    {
        int i = from;
        Vector<float> a = new(scale), b = new(shift);
        for (; i <= to - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> gradient = Vector.Load(g + i);
            (Vector.Load(sums + i) + gradient).Store(sums + i);
            Vector.FusedMultiplyAdd(gradient, Vector.FusedMultiplyAdd(Vector.Load(x + i), a, b), Vector.Load(products + i)).Store(products + i);
        }
        for (; i < to; i++)
        {
            sums[i] += g[i];
            products[i] += g[i] * MathF.FusedMultiplyAdd(x[i], scale, shift);
        }
    }
}
