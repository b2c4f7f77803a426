using System.Numerics;
using System.Numerics.Tensors;

namespace Vitrine.Cpu;

/// <content>Batch normalisation over [N, C, inner], a channel at a time.</content>
internal sealed unsafe partial class CpuDevice
{
    private struct NormJob
    {
        public float* G, X, Y, Statistics, Weight, Bias, Sums;
        public int N, C, Inner;
    }

    public override Tensor BatchNorm(Tensor x, Tensor statistics, Tensor? weight, Tensor? bias)
    {
        Tensor y = Tensor.Uninitialized(x.Shape);
        if (y.Count == 0) return y;
        fixed (float* px = x.Floats, py = y.MutableFloats, ps = statistics.Floats, pw = weight is null ? default : weight.Floats,
            pb = bias is null ? default : bias.Floats)
        {
            NormJob job = Job(x);
            job.X = px;
            job.Y = py;
            job.Statistics = ps;
            job.Weight = pw;
            job.Bias = pb;
            Parallel.For(job.C, GrainOf((long)job.N * job.Inner), &Body, &job);
        }
        return y;

        static void Body(void* context, int start, int end)
        {
            var job = (NormJob*)context;
            for (int c = start; c < end; c++)
            {
                float scale = job->Statistics[job->C + c] * (job->Weight == null ? 1 : job->Weight[c]);
                float shift = (job->Bias == null ? 0 : job->Bias[c]) - job->Statistics[c] * scale;
                for (int n = 0; n < job->N; n++)
                {
                    long at = ((long)n * job->C + c) * job->Inner;
                    ScaleShift(job->X + at, job->Y + at, job->Inner, scale, shift);
                }
            }
        }
    }

    public override Tensor ChannelMoments(Tensor x)
    {
        NormJob shape = Job(x);
        Tensor y = Tensor.Uninitialized([2, shape.C]);
        fixed (float* px = x.Floats, py = y.MutableFloats)
        {
            NormJob job = shape;
            job.X = px;
            job.Y = py;
            Parallel.For(job.C, GrainOf(2L * job.N * job.Inner), &Body, &job);
        }
        return y;

        static void Body(void* context, int start, int end)
        {
            var job = (NormJob*)context;
            double count = (double)job->N * job->Inner;
            for (int c = start; c < end; c++)
            {
                double sum = 0, squares = 0;
                for (int n = 0; n < job->N; n++) sum += TensorPrimitives.Sum(new ReadOnlySpan<float>(job->X + ((long)n * job->C + c) * job->Inner, job->Inner));
                float mean = (float)(sum / count);
                for (int n = 0; n < job->N; n++) squares += SumSquares(job->X + ((long)n * job->C + c) * job->Inner, job->Inner, mean);
                job->Y[c] = mean;
                job->Y[job->C + c] = (float)(squares / count);
            }
        }
    }

    public override Tensor BatchNormSums(Tensor grad, Tensor x, Tensor statistics)
    {
        NormJob shape = Job(x);
        Tensor y = Tensor.Uninitialized([2, shape.C]);
        fixed (float* pg = grad.Floats, px = x.Floats, ps = statistics.Floats, py = y.MutableFloats)
        {
            NormJob job = shape;
            job.G = pg;
            job.X = px;
            job.Statistics = ps;
            job.Y = py;
            Parallel.For(job.C, GrainOf(2L * job.N * job.Inner), &Body, &job);
        }
        return y;

        static void Body(void* context, int start, int end)
        {
            var job = (NormJob*)context;
            for (int c = start; c < end; c++)
            {
                double sum = 0, products = 0;
                float mean = job->Statistics[c];
                for (int n = 0; n < job->N; n++)
                {
                    long at = ((long)n * job->C + c) * job->Inner;
                    sum += TensorPrimitives.Sum(new ReadOnlySpan<float>(job->G + at, job->Inner));
                    products += SumProducts(job->G + at, job->X + at, job->Inner, mean);
                }
                job->Y[c] = (float)sum;
                job->Y[job->C + c] = (float)(products * job->Statistics[job->C + c]);
            }
        }
    }

    public override Tensor BatchNormGrad(Tensor grad, Tensor x, Tensor statistics, Tensor? weight, Tensor sums)
    {
        Tensor y = Tensor.Uninitialized(x.Shape);
        if (y.Count == 0) return y;
        fixed (float* pg = grad.Floats, px = x.Floats, ps = statistics.Floats, pw = weight is null ? default : weight.Floats, pt = sums.Floats,
            py = y.MutableFloats)
        {
            NormJob job = Job(x);
            job.G = pg;
            job.X = px;
            job.Statistics = ps;
            job.Weight = pw;
            job.Sums = pt;
            job.Y = py;
            Parallel.For(job.C, GrainOf(2L * job.N * job.Inner), &Body, &job);
        }
        return y;

        static void Body(void* context, int start, int end)
        {
            var job = (NormJob*)context;
            float count = (float)((double)job->N * job->Inner);
            for (int c = start; c < end; c++)
            {
                // gx = w s (g - sum(g)/n - xhat sum(g xhat)/n), xhat = (x - mean) s, as a g + b x + constant.
                float s = job->Statistics[job->C + c], mean = job->Statistics[c], a = s * (job->Weight == null ? 1 : job->Weight[c]);
                float b = -a * s * job->Sums[job->C + c] / count, constant = -a * job->Sums[c] / count - b * mean;
                for (int n = 0; n < job->N; n++)
                {
                    long at = ((long)n * job->C + c) * job->Inner;
                    Combine(job->G + at, job->X + at, job->Y + at, job->Inner, a, b, constant);
                }
            }
        }
    }

    private static NormJob Job(Tensor x) =>
        new() { N = x.Shape[0], C = x.Shape[1], Inner = x.Shape[0] * x.Shape[1] == 0 ? 0 : x.Count / (x.Shape[0] * x.Shape[1]) };

    private static void ScaleShift(float* x, float* y, int count, float scale, float shift)
    {
        int i = 0;
        var a = new Vector<float>(scale);
        var b = new Vector<float>(shift);
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count) Vector.FusedMultiplyAdd(Vector.Load(x + i), a, b).Store(y + i);
        for (; i < count; i++) y[i] = MathF.FusedMultiplyAdd(x[i], scale, shift);
    }

    private static void Combine(float* g, float* x, float* y, int count, float a, float b, float constant)
    {
        int i = 0;
        Vector<float> va = new(a), vb = new(b), vc = new(constant);
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.FusedMultiplyAdd(Vector.Load(g + i), va, Vector.FusedMultiplyAdd(Vector.Load(x + i), vb, vc)).Store(y + i);
        }
        for (; i < count; i++) y[i] = MathF.FusedMultiplyAdd(g[i], a, MathF.FusedMultiplyAdd(x[i], b, constant));
    }

    private static double SumSquares(float* x, int count, float mean)
    {
        int i = 0;
        Vector<float> m = new(mean), sum = default;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> d = Vector.Load(x + i) - m;
            sum = Vector.FusedMultiplyAdd(d, d, sum);
        }
        double total = Vector.Sum(sum);
        for (; i < count; i++) total += (x[i] - mean) * (x[i] - mean);
        return total;
    }

    private static double SumProducts(float* g, float* x, int count, float mean)
    {
        int i = 0;
        Vector<float> m = new(mean), sum = default;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count) sum = Vector.FusedMultiplyAdd(Vector.Load(g + i), Vector.Load(x + i) - m, sum);
        double total = Vector.Sum(sum);
        for (; i < count; i++) total += g[i] * (x[i] - mean);
        return total;
    }
}
