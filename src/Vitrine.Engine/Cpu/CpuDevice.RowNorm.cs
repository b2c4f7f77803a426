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
        fixed (float* px = x.Floats, py = y.MutableFloats, ps = statistics.MutableFloats, pw = weight is null ? default : weight.Floats, pb = bias is null ? default : bias.Floats)
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
                float mean = TensorPrimitives.Sum(new ReadOnlySpan<float>(x, length)) / length;
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
                // y holds h = g w for a moment; then gx = s (h - mean(h) - xhat mean(h xhat)) with xhat = (x - mean) s, as s h + b x + constant.
                if (job->Weight == null)
                {
                    new ReadOnlySpan<float>(g, length).CopyTo(new Span<float>(y, length));
                }
                else
                {
                    float* weight = job->Weight + row % r.G * r.P;
                    if (r.Q == 1) TensorPrimitives.Multiply(new ReadOnlySpan<float>(g, length), new ReadOnlySpan<float>(weight, length), new Span<float>(y, length));
                    else for (int p = 0; p < r.P; p++) ScaleShift(g + (long)p * r.Q, y + (long)p * r.Q, r.Q, weight[p], 0);
                }
                double sum = TensorPrimitives.Sum(new ReadOnlySpan<float>(y, length)), products = SumProducts(y, x, length, mean) * s;
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
            // Columns are shared out, not rows, so that each sum is added up by one thread.
            if (rows.Q == 1) Parallel.For(rows.G * rows.P, (int)Math.Clamp(ElementGrain / rows.N, 16, 1024), &Columns, &job);
            else Parallel.For(rows.G * rows.P, GrainOf((long)rows.N * rows.Q * 2), &Planes, &job);
        }
        return y;

        static void Columns(void* context, int start, int end)
        {
            var job = (RowNormJob*)context;
            NormRows r = job->Rows;
            int length = r.G * r.P, count = r.N * r.G;
            for (int row = 0; row < r.N; row++)
            {
                for (int j = start; j < end;)
                {
                    // Within a group of P columns the statistics are those of one row.
                    int group = j / r.P, stop = Math.Min(end, (group + 1) * r.P);
                    float mean = job->Statistics[row * r.G + group], inverse = job->Statistics[count + row * r.G + group];
                    float* g = job->G + (long)row * length, x = job->X + (long)row * length, products = job->Y, sums = job->Y + length;
                    var (m, s) = (new Vector<float>(mean), new Vector<float>(inverse));
                    for (; j <= stop - Vector<float>.Count; j += Vector<float>.Count)
                    {
                        Vector<float> v = Vector.Load(g + j);
                        Vector.FusedMultiplyAdd(v, (Vector.Load(x + j) - m) * s, Vector.Load(products + j)).Store(products + j);
                        (Vector.Load(sums + j) + v).Store(sums + j);
                    }
                    for (; j < stop; j++)
                    {
                        products[j] += g[j] * (x[j] - mean) * inverse;
                        sums[j] += g[j];
                    }
                }
            }
        }

        static void Planes(void* context, int start, int end)
        {
            var job = (RowNormJob*)context;
            NormRows r = job->Rows;
            int channels = r.G * r.P, count = r.N * r.G;
            for (int c = start; c < end; c++)
            {
                double products = 0, sum = 0;
                for (int n = 0; n < r.N; n++)
                {
                    int row = n * r.G + c / r.P;
                    long at = ((long)n * channels + c) * r.Q;
                    sum += TensorPrimitives.Sum(new ReadOnlySpan<float>(job->G + at, r.Q));
                    products += SumProducts(job->G + at, job->X + at, r.Q, job->Statistics[row]) * job->Statistics[count + row];
                }
                job->Y[c] = (float)products;
                job->Y[channels + c] = (float)sum;
            }
        }
    }
}
